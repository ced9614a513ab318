/**
 * A shop's windows tell one another at once that the common session has changed. What happened is
 * in the record and not in the message. Loaded when the page is idle; without it a window takes up
 * the others' events when it is shown, or does something itself.
 *
 * @module
 */

/**
 * Joins the windows of `name` until `stop`; `heard` is called when another one has written. The
 * result tells the others.
 */
export function joinTabs(name: string, stop: AbortSignal, heard: () => void): () => void {
  let channel: BroadcastChannel | undefined;
  const open = () => {
    channel = new BroadcastChannel(name);
    channel.onmessage = heard;
    // Node would wait for messages for ever.
    (channel as { unref?: () => void }).unref?.();
  };
  const close = () => {
    channel?.close();
    channel = undefined;
  };
  open();
  // A page with an open channel may not be kept for the way back.
  const options = { signal: stop };
  globalThis.addEventListener?.('pagehide', close, options);
  globalThis.addEventListener?.(
    'pageshow',
    ({ persisted }) => {
      if (!persisted) return;
      open();
      heard();
    },
    options,
  );
  stop.addEventListener('abort', close);
  return () => channel?.postMessage(0);
}
