// The closed loop over three windows: what each way to treat the field's reports makes of the
// model, window by window.
//
//   node benches/windows.mjs --out docs/results/windows.md [--visits 3000] [--seed 1] …
//
// Runs the built commands (VITRINE_BIN). A visitor is simulated without a browser, but by the code
// that the browser's module runs (core's session and budget); server, release and trainer are the
// real ones. `tests/browser/loop.mjs` is the same loop in real browsers, for one window.

import { appendFile, cp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { run, scratch, serve } from '../tests/browser/support/programs.mjs';
import { TABLE, train } from '../tests/browser/support/shop.mjs';

const WINDOWS = 3;
const WINDOW_SECONDS = 7 * 24 * 3600;
/** The field's first day, in days after the first of the history: see `vitrine-field draw`. */
const FIELD_BEGINS = 21;
const NAMES = {
  raw: 'raw sessions (no privacy)',
  unlinkable: 'unlinkable, k = 2',
  private: 'private, ε = 4',
  none: 'no feedback',
};

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    visits: { type: 'string', default: '3000' },
    'held-out': { type: 'string', default: '5000' },
    items: { type: 'string', default: '200' },
    'new-items': { type: 'string', default: '60' },
    drift: { type: 'string', default: '0.5' },
    shoppers: { type: 'string', default: '1500' },
    days: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
  },
});
const perWindow = Number(values.visits);
const { folder, remove } = await scratch();
const at = (...names) => join(folder, ...names);
const began = Date.now();
try {
  const page = report(await measure(), Math.round((Date.now() - began) / 1000));
  if (values.out === undefined) console.log(page.text);
  else {
    await writeFile(values.out, page.text);
    await writeFile(join(dirname(values.out), 'windows.svg'), page.plot);
  }
} finally {
  await remove();
}

/** P@20 and MRR@20 by way and window, and what was released. */
async function measure() {
  const same = ['held-out', 'items', 'new-items', 'drift', 'shoppers', 'days', 'seed'];
  const drawn = same.flatMap((name) => [`--${name}`, values[name]]);
  await run('vitrine-field', ['draw', '--out', folder, '--visits', WINDOWS * perWindow, ...drawn]);
  await prepare('shop', 'data');
  await recipe('unlinkable');
  await recipe('private');
  const measured = { raw: [], unlinkable: [], private: [], none: [] };
  const released = { unlinkable: [], private: [] };
  for (const level of ['unlinkable', 'private']) {
    await train(at('data'), at(`${level}.toml`), at(level, 'run0'));
    await publish(level, 0);
    for (let window = 0; window < WINDOWS; window += 1) {
      console.error(`${level}: window ${window + 1}`);
      released[level].push(await oneWindow(level, window));
      measured[level].push((await compare(level, window + 1)).after);
    }
  }
  const visits = JSON.parse(await readFile(at('visits.json'), 'utf8'));
  await cp(at('shop'), at('raw-shop'), { recursive: true });
  for (let window = 0; window < WINDOWS; window += 1) {
    console.error(`raw sessions: window ${window + 1}`);
    await appendSessions(visits.slice(window * perWindow, (window + 1) * perWindow), window);
    await prepare('raw-shop', 'raw-data');
    await train(at('raw-data'), at('unlinkable.toml'), at('raw', `run${window + 1}`));
    const { before, after } = await compare('raw', window + 1);
    measured.raw.push(after);
    measured.none.push(before);
  }
  return { measured, released };
}

function prepare(shop, data) {
  return run('vitrine', [
    ...['prepare', '--events', at(shop), '--preset', 'behaviour', '--no-test', '--out', at(data)],
  ]);
}

function recipe(level) {
  const text = `seed = 1\n${TABLE}\n[encoder]\nenabled = false\n[privacy]\nlevel = "${level}"\n`;
  return writeFile(at(`${level}.toml`), text);
}

function publish(level, version) {
  return run('vitrine', ['publish', at(level, `run${version}`, 'bundle'), '--to', at(level, 'store')]);
}

/** Visits report to a running server; the window is closed, released and learned from. */
async function oneWindow(level, window) {
  const server = await serve(at(level), { offset: window * WINDOW_SECONDS });
  let sent;
  try {
    sent = await run('vitrine-field', [
      ...['walk', '--url', server.url, '--visits', at('visits.json')],
      ...['--from', window * perWindow, '--count', perWindow],
      ...['--clock-offset-seconds', window * WINDOW_SECONDS],
    ]);
  } finally {
    await server.stop();
  }
  const said = await run('vitrine-server', [
    ...['release', '--database', at(level, 'vitrine.db'), '--out', at(level, 'released')],
    ...['--clock-offset-seconds', (window + 1) * WINDOW_SECONDS],
  ]);
  const [, reports, cells] = /(\d+) reports gave (\d+) cells/.exec(said) ?? [];
  if (Number(sent) !== Number(reports)) throw new Error(`sent ${sent}, released ${reports}: ${said}`);
  await run('vitrine', [
    ...['retrain', '--data', at('data'), '--run', at(level, `run${window}`)],
    ...['--released', at(level, 'released'), '--out', at(level, `run${window + 1}`)],
    ...['--device', 'cpu'],
  ]);
  await publish(level, window + 1);
  return { reports: Number(reports), cells: Number(cells) };
}

/** Figures of the model of the history and of a later one, on the held-out visits. */
async function compare(way, version) {
  const found = JSON.parse(
    await run('vitrine-field', [
      ...['compare', '--before', at('unlinkable', 'run0', 'bundle')],
      ...['--after', at(way, `run${version}`, 'bundle'), '--held-out', at('held-out.json')],
    ]),
  );
  const of = (side) => ({ p20: found.all['p@20'][side], mrr20: found.all['mrr@20'][side] });
  return { before: of('before'), after: of('after') };
}

/** Writes visits as the shop's own log would have them. */
async function appendSessions(visits, window) {
  const first = Date.parse('2025-01-01') + (Number(values.days) + FIELD_BEGINS) * 86_400_000;
  const lines = visits.flatMap((visit, number) => {
    const start = first + window * WINDOW_SECONDS * 1000 + (number * WINDOW_SECONDS * 1000) / perWindow;
    return visit.map(({ item, action }, place) => {
      const time = new Date(start + place * 30_000).toISOString();
      return `f${window}-${number},${item},${time},${action},\n`;
    });
  });
  await appendFile(at('raw-shop', 'events.csv'), lines.join(''));
}

function report({ measured, released }, seconds) {
  const rows = Object.keys(NAMES).map((way) => {
    const cells = measured[way].map(({ p20, mrr20 }) => `${p20.toFixed(2)} / ${mrr20.toFixed(2)}`);
    return `| ${NAMES[way]} | ${cells.join(' | ')} |`;
  });
  const counts = Object.keys(released).map((way) => {
    const cells = released[way].map(({ reports, cells }) => `${cells} of ${reports} reports`);
    return `| ${NAMES[way]} | ${cells.join(' | ')} |`;
  });
  const flags = Object.entries(values).filter(([name]) => name !== 'out');
  const command = flags.map(([name, value]) => `--${name} ${value}`).join(' ');
  const head = '| | window 1 | window 2 | window 3 |\n| --- | --- | --- | --- |\n';
  const text = `# The loop over three windows

\`\`\`sh
make binaries && cargo build -p vitrine-tests
node benches/windows.mjs --out docs/results/windows.md ${command}
\`\`\`

P@20 / MRR@20 in percent, on the next clicks of ${values['held-out']} visits after the third window that nothing has learned from, by the model that was learned after each window:

${head}${rows.join('\n')}

![P@20 by window](windows.svg)

Cells that were released of each window:

${head}${counts.join('\n')}

${perWindow} visits a window in a simulated shop of ${values.items} items, to which ${values['new-items']} come after the history, and where ${Math.round(100 * Number(values.drift))} % of the substitutes and complements have changed by then. *All of it is synthetic.* Each level has a server, a database and a store of its own; what a device reports is computed by the code that the browser runs, and sent over HTTP to the running server, whose windows are closed by its clock offset. Raw sessions are appended to the shop's own log, and the model is trained anew from all of it. The table alone is trained, its parameters fixed, and growth between windows is limited as \`retrain\` does.

The run took ${seconds} seconds.
`;
  return { text, plot: plot(measured) };
}

/** P@20 by window, as SVG. */
function plot(measured) {
  const [width, height, left, right, top, bottom] = [640, 360, 56, 210, 24, 44];
  const start = measured.none[0].p20;
  const all = Object.values(measured).flatMap((points) => points.map(({ p20 }) => p20));
  const low = Math.floor(Math.min(...all) / 5) * 5;
  const high = Math.ceil(Math.max(...all) / 5) * 5;
  const x = (window) => left + (window * (width - left - right)) / WINDOWS;
  const y = (value) => height - bottom - ((value - low) * (height - top - bottom)) / (high - low);
  const grid = Array.from({ length: (high - low) / 5 + 1 }, (_, step) => low + 5 * step)
    .map((value) => `<path d="M${left} ${y(value)}H${width - right}" stroke="#e4e7ee"/><text x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${value}</text>`)
    .join('');
  const places = Array.from({ length: WINDOWS + 1 }, (_, window) =>
    `<text x="${x(window)}" y="${height - bottom + 20}" text-anchor="middle">${window === 0 ? 'history' : window}</text>`,
  ).join('');
  const colours = { raw: '#1d2330', unlinkable: '#2563eb', private: '#c2410c', none: '#8b93a5' };
  const lines = Object.entries(measured).map(([way, points]) => {
    const path = [start, ...points.map(({ p20 }) => p20)]
      .map((value, window) => `${window === 0 ? 'M' : 'L'}${x(window).toFixed(1)} ${y(value).toFixed(1)}`)
      .join('');
    const last = points[WINDOWS - 1].p20;
    return `<path d="${path}" fill="none" stroke="${colours[way]}" stroke-width="2"/><text x="${x(WINDOWS) + 8}" y="${y(last) + 4}" fill="${colours[way]}">${NAMES[way]}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="#1d2330"><rect width="100%" height="100%" fill="#fff"/>${grid}${places}<text x="${left}" y="14">P@20 (%) by window</text>${lines.join('')}</svg>\n`;
}
