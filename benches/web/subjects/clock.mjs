/**
 * How a task is timed, the same in Node and in a browser.
 *
 * @module
 */

/** A sample is this long at least, so that a coarse clock does not matter; milliseconds. */
const SAMPLE = 2;
/** A task is measured for this long, after a tenth of it for warming up; milliseconds. */
const PATIENCE = 200;
const SAMPLES = 9;

/** The median time of `task` in milliseconds. It may be asynchronous. */
export async function time(task) {
  const once = async (count) => {
    const began = performance.now();
    for (let at = 0; at < count; at += 1) {
      const answer = task();
      if (typeof answer?.then === 'function') await answer;
    }
    return (performance.now() - began) / count;
  };
  const warm = performance.now() + PATIENCE / 5;
  let latest = await once(1);
  while (performance.now() < warm) latest = await once(1);
  latest = Math.max(latest, await once(10), 1e-4);
  const count = Math.max(1, Math.ceil(SAMPLE / latest));
  const samples = [];
  const end = performance.now() + PATIENCE;
  while (samples.length < SAMPLES || performance.now() < end) samples.push(await once(count));
  samples.sort((a, b) => a - b);
  return samples[samples.length >> 1];
}

/** The time that `task` takes once, in milliseconds, and its answer. */
export async function once(task) {
  const began = performance.now();
  const answer = await task();
  return [performance.now() - began, answer];
}

/** The time of copying `count` bytes, in milliseconds. */
export async function copying(count) {
  const [from, to] = [new Uint8Array(count).fill(1), new Uint8Array(count)];
  return time(() => to.set(from));
}
