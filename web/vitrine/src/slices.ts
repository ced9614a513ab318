/**
 * Long work on the page's main thread, in slices: between two of them the page answers its
 * visitor.
 *
 * @module
 */

/** How long a slice takes before the page has its turn, in milliseconds. */
const BUDGET = 4;
/** Bytes that are hashed at once; below a millisecond, and a few on a slow phone. */
const PIECE = 32 * 1024;

/** The slices of one piece of work, whose parts may run side by side. */
export class Slices {
  #end = 0;

  /** Waits for the page to have had its turn, when a slice has been long enough. */
  async turn(): Promise<void> {
    if (performance.now() < this.#end) return;
    await pageTurn();
    this.#end = performance.now() + BUDGET;
  }

  /** Calls `work` until it says that it is done. */
  async until(work: () => boolean): Promise<void> {
    do await this.turn();
    while (!work());
  }

  /** Hands `bytes` to `take` in pieces, and waits for it each time. */
  async each(bytes: Uint8Array, take: (piece: Uint8Array) => Promise<void>): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE) await take(bytes.subarray(at, at + PIECE));
  }

  /** Hands `bytes` to `take` in pieces. */
  async pieces(bytes: Uint8Array, take: (piece: Uint8Array) => void): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE) {
      await this.turn();
      take(bytes.subarray(at, at + PIECE));
    }
  }
}

/** Resolves in a task of its own. Timers would do, but wait 4 ms, and a second in hidden pages. */
function pageTurn(): Promise<void> {
  const { scheduler } = globalThis as { scheduler?: { yield?: () => Promise<void> } };
  if (scheduler?.yield !== undefined) return scheduler.yield();
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
