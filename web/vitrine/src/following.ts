/**
 * A list that is drawn again whenever its order may have changed.
 *
 * @module
 */

import type { Vitrine } from './types.js';

/**
 * Calls `refresh` now and after every change, once for all the changes of one turn. What it
 * resolves to is handed to `show`, unless a later answer was there first. Ends with the returned
 * function.
 */
export function follow<T>(
  vitrine: Vitrine,
  refresh: (signal: AbortSignal) => Promise<T>,
  show: (answer: T) => void,
): () => void {
  const stop = new AbortController();
  let asked = 0;
  let shown = 0;
  let waiting = false;
  const ask = async () => {
    if (waiting) return;
    waiting = true;
    await Promise.resolve();
    waiting = false;
    if (stop.signal.aborted) return;
    asked += 1;
    const turn = asked;
    const answer = await refresh(stop.signal);
    if (stop.signal.aborted || turn < shown) return;
    shown = turn;
    show(answer);
  };
  const end = vitrine.subscribe(() => void ask());
  void ask();
  return () => {
    end();
    stop.abort();
  };
}
