/**
 * What the main thread of a page did, from Chromium's own trace.
 *
 * A task is what the browser runs without a pause. It is Vitrine's as far as the sampling
 * profiler found Vitrine's JavaScript or WebAssembly at the top of the stack, or the browser's own
 * work (compiling, copying, collecting) right under it.
 *
 * @module
 */

/** Longer tasks block input, as Lighthouse counts; milliseconds. */
const LONG = 50;

export const CATEGORIES = [
  '__metadata',
  'devtools.timeline',
  'disabled-by-default-devtools.timeline',
  'disabled-by-default-v8.cpu_profiler',
  'loading',
];

/**
 * Reads the events of a trace. `ours(url)` says whether code from there is Vitrine's. Resolves to
 * figures of the page's main thread, times in milliseconds.
 */
export function readTrace(events, ours) {
  const { pid, tid } = mainThread(events);
  const here = events.filter((event) => event.pid === pid);
  const tasks = here
    .filter((event) => event.tid === tid && event.name === 'RunTask' && event.ph === 'X')
    .map(({ ts, dur = 0, tdur = dur }) => ({
      from: ts,
      to: ts + dur,
      // By the thread's own clock: while other programs run, nobody is held up by this page.
      length: tdur / 1000,
      share: dur > 0 ? Math.min(1, tdur / dur) : 1,
      vitrine: 0,
    }))
    .sort((a, b) => a.from - b.from);
  const busy = {};
  for (const { at, length, name } of samplesOf(here, tid, ours)) {
    const task = tasks[lastBefore(tasks, at)];
    if (task === undefined || at > task.to) continue;
    // A sample stands for the time before it, as far as that was in this task.
    const spent = (Math.min(length, at - task.from) / 1000) * task.share;
    task.vitrine += spent;
    busy[name] = (busy[name] ?? 0) + spent;
  }
  const shifts = here
    .filter((event) => event.name === 'LayoutShift' && !event.args?.data?.had_recent_input)
    .map((event) => event.args.data.weighted_score_delta ?? event.args.data.score ?? 0);
  const longest = Math.max(0, ...tasks.map((task) => task.length));
  return {
    blocking: tasks.reduce((sum, task) => sum + Math.max(0, task.length - LONG), 0),
    longest,
    vitrineLongest: Math.max(0, ...tasks.map((task) => task.vitrine)),
    vitrineTotal: tasks.reduce((sum, task) => sum + task.vitrine, 0),
    busy,
    shift: shifts.reduce((sum, shift) => sum + shift, 0),
  };
}

/** The main thread of the renderer that ran the most tasks. */
function mainThread(events) {
  const mains = events.filter(
    ({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain',
  );
  const count = ({ pid, tid }) =>
    events.filter((event) => event.pid === pid && event.tid === tid).length;
  const [first] = mains.sort((a, b) => count(b) - count(a));
  if (first === undefined) throw new Error('the trace has no main thread');
  return first;
}

/** The profiler's samples with Vitrine's code on them: time and length in microseconds, function. */
function* samplesOf(events, tid, ours) {
  const profiles = events.filter(({ name, tid: thread }) => name === 'Profile' && thread === tid);
  for (const { id, args } of profiles) {
    const nodes = new Map();
    let at = args.data.startTime;
    const chunks = events
      .filter((event) => event.name === 'ProfileChunk' && event.id === id)
      .sort((a, b) => a.ts - b.ts);
    for (const { args } of chunks) {
      const { cpuProfile = {}, timeDeltas = [] } = args.data;
      for (const node of cpuProfile.nodes ?? []) nodes.set(node.id, node);
      for (const [index, sample] of (cpuProfile.samples ?? []).entries()) {
        const length = timeDeltas[index] ?? 0;
        at += length;
        const name = owner(nodes, sample, ours);
        if (name !== undefined && length > 0) yield { at, length, name };
      }
    }
  }
}

/** Vitrine's function that a sample is in; `undefined` where the code is another's. */
function owner(nodes, id, ours) {
  for (let node = nodes.get(id); node !== undefined; node = nodes.get(node.parent)) {
    const { url = '', functionName, codeType } = node.callFrame;
    if (codeType === 'wasm' || url.startsWith('wasm://')) return `wasm ${functionName}`;
    if (url !== '') return ours(url) ? functionName || '(anonymous)' : undefined;
  }
  return undefined;
}

/** The place of the last task that begins at or before `at`; tasks are in order. */
function lastBefore(tasks, at) {
  let [low, high] = [0, tasks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tasks[middle].from <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
