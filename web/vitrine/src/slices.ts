/**
 * Long work on the page's main thread, in slices: between two of them the page answers its
 * visitor.
 *
 * A slice ends by the clock, so a slow phone does less in each. All of Vitrine shares the slices,
 * because it shares the thread.
 *
 * @module
 */

/** How long a slice takes before the page has its turn, in milliseconds. */
const BUDGET = 4;
/** Bytes that are copied or hashed at once; below a millisecond, and a few on a slow phone. */
const PIECE = 32 * 1024;

let end = 0;

/** Waits for the page to have had its turn, when a slice has been long enough. */
export async function turn(): Promise<void> {
  if (performance.now() >= end) await slice();
}

/** Begins a slice, after the page has had its turn: for what takes most of one by itself. */
export async function slice(): Promise<void> {
  await pageTurn();
  end = performance.now() + BUDGET;
}

/** Calls `work` until it says that it is done. */
export async function until(work: () => boolean): Promise<void> {
  do await turn();
  while (!work());
}

/** Hands `bytes` to `take` in pieces, and waits for it each time. */
export async function pieces(
  bytes: Uint8Array,
  take: (piece: Uint8Array) => void | Promise<void>,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE) {
    await turn();
    const taken = take(bytes.subarray(at, at + PIECE));
    if (taken !== undefined) await taken;
  }
}

/** Resolves in a task of its own. Timers would do, but wait 4 ms, and a second in hidden pages. */
function pageTurn(): Promise<void> {
  const { scheduler, setImmediate } = globalThis as {
    scheduler?: { yield?: () => Promise<void> };
    setImmediate?: (run: () => void) => void;
  };
  if (scheduler?.yield !== undefined) return scheduler.yield();
  // Node's.
  if (setImmediate !== undefined) return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
