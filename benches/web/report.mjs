/**
 * The page of results, written from what a run found and from nothing else.
 *
 * @module
 */

import { figure, quantile, spread } from './statistics.mjs';

const NAMES = { vitrine: 'Vitrine', ort: 'onnxruntime-web', tfjs: 'TensorFlow.js' };
const PLACES = { node: 'Node', chromium: 'Chromium' };
const MB = 1e6;

/** The aims that the design sets. */
const AIMS = {
  /** What a page fetches of code: until the first list, and for the encoder; bytes as brotli. */
  code: { first: 100_000, encoder: 1_400_000 },
  /** From the import of the code to the first list; milliseconds. */
  cold: 30,
  /** What TensorFlow.js took on the machine for which that was set; milliseconds. */
  coldThere: { tfjs: 79 },
  /** A visit of 20 events and the best 20 of 10,000 items; milliseconds. */
  small: { items: 10_000, alone: 0.05, both: 0.12 },
  /** What a page fetches of a million items to rank a listing; bytes as they travel. */
  fetched: 3 * MB,
  /** A visit of 20 events, encoder, and the best 20 of 100,000 items; milliseconds. */
  large: { items: 100_000, time: 0.6 },
  /** WebAssembly memory after load: this many times the tables, and so many bytes. */
  memory: { factor: 1.3, plus: 4 * MB },
  /** The longest that Vitrine may hold the main thread in one task; milliseconds. */
  task: 8,
};

/** The whole page. */
export function report(found) {
  const lists = new Lists(found);
  return `${[
    head(found),
    bars(found, lists),
    bytes(found),
    cold(found, lists),
    session(found, lists),
    scan(found, lists),
    memory(found, lists),
    mainThread(found),
    large(found),
    next(found),
    parts(found, lists),
    machine(found),
  ].join('\n\n')}\n`;
}

/** The numbers of a run, by what they are. */
class Lists {
  constructor({ runs, colds, sizes }) {
    this.runs = runs;
    this.colds = colds;
    this.sizes = sizes;
  }

  /** One number of each repetition, in their order. */
  of(subject, place, items, pick) {
    return [...this.runs, ...this.colds]
      .filter((run) => run.subject === subject && run.place === place && run.items === items)
      .sort((a, b) => a.turn - b.turn)
      .map(pick);
  }

  /** How many times as much a rival takes, repetition by repetition. */
  ratio(rival, place, items, mine, theirs) {
    const ours = this.of('vitrine', place, items, mine);
    return this.of(rival, place, items, theirs).map((value, at) => value / ours[at]);
  }
}

const median = (numbers) => quantile(numbers, 0.5);
const thousands = (number) => number.toLocaleString('en');
const table = (header, rows) =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

function head({ repetitions, sizes, machine }) {
  return `# In the browser: bytes, time, memory

Measured by \`make bench-web\`, which writes this page; no number on it was typed. Vitrine stands beside onnxruntime-web ${machine.versions['onnxruntime-web']} and TensorFlow.js ${machine.versions['@tensorflow/tfjs-core']} (core, converter, WebAssembly backend), each on one thread, in the same run: every repetition (${repetitions}) starts each of them in a fresh process, one after another. Numbers are medians over the repetitions, in parentheses the first and the third quartile; times are in milliseconds; a ratio is taken within each repetition first, so what slows the machine slows both sides of it.

The shops have ${sizes.map(thousands).join(' and ')} items with vectors of 64 numbers and 20 neighbours at most. The task: a visit of 20 events, a GRU of width 64 over them, and the best 20 of all items. The rivals have the same weights and the same vectors, as f32; onnxruntime-web as one ONNX model from session to list, TensorFlow.js in its own operators. They do less: Vitrine's list has the part of the table too. That the encoder's answers agree within 1e-4 and the rivals' lists with one another is checked in each run; that Vitrine's lists are the same in the browser and natively is what \`tests/browser/golden.test.mjs\` shows, over 1,000 sessions a shop.`;
}

function bars(found, lists) {
  const rows = [];
  const add = (bar, aim, seen, met) =>
    rows.push([bar, aim, seen, met === undefined ? 'not measured' : met ? 'met' : '**not met**']);
  const small = found.sizes[0];
  const kilobytes = (size) => `${figure(size / 1000)} kB`;

  const first = found.weights.ranker.brotli + found.javascript['index.js'].brotli;
  const all = first + found.weights.encoder.brotli + found.javascript['worker.js'].brotli;
  const { ort, tfjs } = found.weights;
  add(
    'bytes until the first list',
    `${kilobytes(AIMS.code.first)}`,
    kilobytes(first),
    first <= AIMS.code.first && first < Math.min(ort.brotli, tfjs.brotli),
  );
  add(
    'bytes of the encoder',
    `${kilobytes(AIMS.code.encoder)}`,
    kilobytes(found.weights.encoder.brotli),
    found.weights.encoder.brotli <= AIMS.code.encoder,
  );
  add(
    'bytes with the encoder',
    'below onnxruntime-web',
    `${kilobytes(all)} to ${kilobytes(ort.brotli)}`,
    all < ort.brotli,
  );
  for (const place of Object.keys(PLACES)) {
    const mine = median(lists.of('vitrine', place, small, (run) => run.cold));
    const theirs = ['ort', 'tfjs'].map((rival) =>
      median(lists.of(rival, place, small, (run) => run.cold)),
    );
    add(
      `cold start, ${PLACES[place]}`,
      `${AIMS.cold} ms, below both rivals`,
      `${figure(mine)} ms to ${theirs.map(figure).join(' and ')}`,
      mine <= AIMS.cold && mine < Math.min(...theirs),
    );
    const allowed = AIMS.cold / AIMS.coldThere.tfjs;
    const cold = (run) => run.cold;
    const share = 1 / median(lists.ratio('tfjs', place, small, cold, cold));
    add(
      `the same as a share of TensorFlow.js's, ${PLACES[place]}`,
      `${figure(allowed)}: ${AIMS.cold} of the ${AIMS.coldThere.tfjs} ms that it took where the bar was set`,
      figure(share),
      share <= allowed,
    );
  }
  for (const place of Object.keys(PLACES)) {
    const mine = median(lists.of('vitrine', place, small, (run) => run.times.both));
    const theirs = ['ort', 'tfjs'].map((rival) =>
      median(lists.of(rival, place, small, (run) => run.times.session)),
    );
    add(
      `visit and list of ${thousands(small)}, with encoder, ${PLACES[place]}`,
      'below both rivals',
      `${figure(mine)} ms to ${theirs.map(figure).join(' and ')}`,
      mine < Math.min(...theirs),
    );
  }
  if (found.sizes.includes(AIMS.small.items)) {
    const ways = { alone: 'ranker alone', both: 'with encoder' };
    for (const place of Object.keys(PLACES)) {
      for (const [way, what] of Object.entries(ways)) {
        const { items } = AIMS.small;
        const seen = median(lists.of('vitrine', place, items, (run) => run.times[way]));
        add(
          `visit and list of ${thousands(items)}, ${what}, ${PLACES[place]}`,
          `${AIMS.small[way]} ms`,
          `${figure(seen)} ms`,
          seen <= AIMS.small[way],
        );
      }
    }
  }
  if (found.sizes.includes(AIMS.large.items)) {
    for (const place of Object.keys(PLACES)) {
      const seen = median(lists.of('vitrine', place, AIMS.large.items, (run) => run.times.both));
      add(
        `visit and list of ${thousands(AIMS.large.items)}, with encoder, ${PLACES[place]}`,
        `${AIMS.large.time} ms`,
        `${figure(seen)} ms`,
        seen <= AIMS.large.time,
      );
    }
  }
  for (const items of found.sizes) {
    const over = lists.of(
      'vitrine',
      'chromium',
      items,
      ({ memory }) => memory.loaded - AIMS.memory.plus - AIMS.memory.factor * memory.tables,
    );
    const loaded = median(lists.of('vitrine', 'chromium', items, ({ memory }) => memory.loaded));
    const allowed = loaded - median(over);
    add(
      `memory after load, ${thousands(items)} items`,
      `1.3 × tables + 4 MB = ${figure(allowed / MB)} MB`,
      `${figure(loaded / MB)} MB`,
      Math.max(...over) <= 0,
    );
  }
  const grown = lists.runs
    .filter((run) => run.ranks)
    .map(({ ranks }) => ranks.after.wasm - ranks.before.wasm);
  add(
    '10,000 ranks in a row',
    'no growth of memory',
    `${thousands(Math.max(...grown))} bytes`,
    Math.max(...grown) === 0,
  );
  const fetched = median(found.large.visits.map(({ listed }) => listed.data));
  add(
    `fetched to rank ${found.large.listed} of ${thousands(found.large.items)} items`,
    `${figure(AIMS.fetched / MB)} MB`,
    `${figure(fetched / MB)} MB`,
    fetched <= AIMS.fetched,
  );
  add(
    'fetched of the next version, who has the last one',
    'less than the whole',
    `${kilobytes(found.versions.delta)} to ${kilobytes(found.versions.whole)}`,
    found.versions.delta < found.versions.whole,
  );
  for (const slower of [1, 6]) {
    for (const page of ['with', ...found.sizes.map((items) => `bare ${items}`)]) {
      const seen = median(visitsOf(found, page, slower).map((visit) => visit.vitrineLongest));
      add(
        `longest task of Vitrine's, ${pageName(page)}${slower > 1 ? `, CPU ${slower}× slower` : ''}`,
        `${AIMS.task} ms`,
        `${figure(seen)} ms`,
        Number.isFinite(seen) ? seen <= AIMS.task : undefined,
      );
    }
  }
  const { repetitions, machine } = found;
  const doubt =
    repetitions < 6 || isBusy(machine)
      ? `**Provisional**: ${repetitions} of at least 6 repetitions, load average ${machine.loadBefore[0].toFixed(1)} on ${machine.cores} cores. Only bytes and memory are to be relied on.\n\n`
      : '';
  return `## The bars\n\n${doubt}${table(['bar', 'aim', 'found', ''], rows)}`;
}

/**
 * Whether other work kept the cores busy before the first measurement: by the load of the last
 * minute, because the averages over longer still know the build that the command begins with.
 */
function isBusy({ loadBefore, cores }) {
  return loadBefore[0] > cores / 2;
}

function bytes({ weights, javascript }) {
  const kb = (size) => [size.raw, size.gzip, size.brotli].map((count) => thousands(count));
  const sum = (...sizes) =>
    Object.fromEntries(
      ['raw', 'gzip', 'brotli'].map((how) => [
        how,
        sizes.reduce((all, size) => all + size[how], 0),
      ]),
    );
  const first = sum(weights.ranker, javascript['index.js']);
  const rows = [
    ['ranker (WebAssembly)', ...kb(weights.ranker)],
    ['JavaScript of `vitrine`', ...kb(javascript['index.js'])],
    ['**until the first list**', ...kb(first)],
    ['encoder (WebAssembly), loaded when the page is idle', ...kb(weights.encoder)],
    ['JavaScript of its worker', ...kb(javascript['worker.js'])],
    ['**all of Vitrine**', ...kb(sum(first, weights.encoder, javascript['worker.js']))],
    [`onnxruntime-web (${weights.ort.files.join(' + ')})`, ...kb(weights.ort)],
    [`TensorFlow.js (${weights.tfjs.files.join(' + ')})`, ...kb(weights.tfjs)],
  ];
  return `## Bytes

What a browser fetches before the model's own files: code bundled and minified by esbuild, the modules as they are published, each file compressed by itself.

${table(['', 'raw', 'gzip -9', 'brotli 11'], rows)}`;
}

function cold({ sizes, network }, lists) {
  const row = (items, place, name) => {
    const of = (subject, pick) => {
      const found = lists.of(subject, place, items, pick).filter((value) => value !== undefined);
      return found.length > 0 ? spread(found) : '–';
    };
    return [
      `${thousands(items)} items, ${name}`,
      of('vitrine', (run) => run.cold),
      of('requests', (run) => run.cold),
      of('vitrine', (run) => run.coldWithEncoder),
      ...['ort', 'tfjs'].map((rival) => of(rival, (run) => run.cold)),
    ];
  };
  const rows = sizes.flatMap((items) =>
    Object.keys(PLACES).map((place) => row(items, place, PLACES[place])),
  );
  rows.push(row(sizes[0], 'network', 'Chromium over a network'));
  return `## Cold start

From the import of the code to the first list of 20: read code and modules, compile, read the model, verify it (Vitrine alone does that), rank. Node reads files, and has loaded its own \`Response\` before the clock starts, as a page has it; Chromium fetches from this machine, with an empty cache. Vitrine is used through its package. *Its requests alone* are those of the first list in a fresh Chromium, with nothing done to what comes; the column after it is the first list that the encoder had a part in, which no list waits for. The network is Chromium's emulation of ${network.megabits} megabits a second with ${network.latency} ms before each answer, and there all files travel as brotli.

${table(['', 'Vitrine, first list', 'its requests alone', 'Vitrine, encoder too', NAMES.ort, NAMES.tfjs], rows)}`;
}

function session({ sizes }, lists) {
  const rows = sizes.flatMap((items) =>
    Object.keys(PLACES).map((place) => {
      const of = (subject, name) =>
        spread(lists.of(subject, place, items, (run) => run.times[name]));
      const ratio = (rival) =>
        figure(
          median(
            lists.ratio(
              rival,
              place,
              items,
              (run) => run.times.both,
              (run) => run.times.session,
            ),
          ),
        );
      return [
        `${thousands(items)} items, ${PLACES[place]}`,
        of('vitrine', 'alone'),
        of('vitrine', 'both'),
        `${of('ort', 'session')}, ×${ratio('ort')}`,
        `${of('tfjs', 'session')}, ×${ratio('tfjs')}`,
      ];
    }),
  );
  const pieces = sizes.flatMap((items) =>
    Object.keys(PLACES).map((place) => {
      const of = (subject, name) =>
        spread(lists.of(subject, place, items, (run) => run.times[name]));
      return [
        `${thousands(items)} items, ${PLACES[place]}`,
        of('vitrine', 'click'),
        ...['vitrine', 'ort', 'tfjs'].map((subject) => of(subject, 'encoder')),
        ...['vitrine', 'ort', 'tfjs'].map((subject) => of(subject, 'scan')),
        place === 'chromium' ? of('vitrine', 'roundTrip') : 'no worker',
      ];
    }),
  );
  const calls = sizes.flatMap((items) =>
    Object.keys(PLACES).map((place) => {
      const of = (name) => spread(lists.of('vitrine', place, items, (run) => run.times[name]));
      return [
        `${thousands(items)} items, ${PLACES[place]}`,
        of('package'),
        of('listing'),
        of('packageListing'),
      ];
    }),
  );
  return `## A visit of 20 events and the best 20

The whole visit anew: 20 events, one by one, then the list. *Ranker alone* is what ranks until the encoder is there, and needs no scan of the catalogue. The number after × says how many times as long the rival takes as Vitrine with its encoder.

${table(['', 'ranker alone', 'with the encoder', NAMES.ort, NAMES.tfjs], rows)}

The pieces. A click is one more event and a new list without the encoder. *Encoder* is the GRU over 20 events, the same \`encoder.onnx\` in Vitrine and onnxruntime-web. *Product* is the inner product with all items and the best 20; Vitrine's has the table's part, the ids in it. The way to the worker is a message with the session, the computing there, and the message back.

${table(['', 'Vitrine: a click', 'encoder: Vitrine', 'onnxruntime-web', 'TensorFlow.js', 'product: Vitrine', 'onnxruntime-web', 'TensorFlow.js', 'encoder through the worker'], pieces)}

Calls of the package: \`recommend({ n: 20 })\` with its reasons, and \`rank\` of a listing that is the whole catalogue, in the module and through the package.

${table(['', '`recommend`', '`rank` of all, module', '`rank` of all, package'], calls)}`;
}

function scan({ sizes }, lists) {
  const rows = sizes.flatMap((items) =>
    Object.keys(PLACES).map((place) => {
      const bytes = items * 64;
      const speed = (name) =>
        spread(lists.of('vitrine', place, items, (run) => bytes / run.times[name] / 1e6));
      const share = lists.of(
        'vitrine',
        place,
        items,
        (run) => (100 * run.times.copy) / run.times.scan,
      );
      return [
        `${thousands(items)} items, ${PLACES[place]}`,
        speed('scan'),
        speed('copy'),
        `${spread(share)} %`,
      ];
    }),
  );
  return `## The scan against a copy

Bytes of item vectors that the product passes over in a second, beside a copy of as many bytes (\`Uint8Array.set\`) in the same process, in GB/s.

${table(['', 'scan', 'copy', 'scan, of the copy’s speed'], rows)}`;
}

function memory({ sizes }, lists) {
  const mb = (bytes) => figure(bytes / MB);
  const rows = sizes.flatMap((items) =>
    Object.keys(PLACES).map((place) => {
      const of = (pick) => median(lists.of('vitrine', place, items, pick));
      const grown = (what) =>
        lists.of('vitrine', place, items, ({ ranks }) => ranks.after[what] - ranks.before[what]);
      return [
        `${thousands(items)} items, ${PLACES[place]}`,
        mb(of(({ memory }) => memory.tables)),
        mb(of(({ memory }) => memory.files)),
        mb(of(({ memory }) => memory.loaded)),
        figure(of(({ memory }) => memory.loaded / memory.tables)),
        mb(of(({ memory }) => memory.encoder)),
        thousands(Math.max(...grown('wasm'))),
        thousands(Math.round(median(grown('heap')))),
      ];
    }),
  );
  const resident = sizes.map((items) => [
    `${thousands(items)} items`,
    ...['vitrine', 'ort', 'tfjs'].map((subject) =>
      spread(lists.of(subject, 'node', items, (run) => (run.resident - run.residentBefore) / MB)),
    ),
  ]);
  return `## Memory

MB of the ranker's WebAssembly memory after load beside its files. WebAssembly memory never shrinks, so this is the most that was needed while loading. The last two columns are the bytes by which it and JavaScript's heap (after collection) grew over 10,000 further ranks.

${table(['', 'tables', 'tables, index, facets', 'memory', 'memory / tables', 'encoder’s memory', 'grown: memory', 'grown: heap'], rows)}

By how many MB the whole Node process grew over all that was measured in it, Vitrine's two instances (package and bare modules) and the rivals' three models included:

${table(['', NAMES.vitrine, NAMES.ort, NAMES.tfjs], resident)}`;
}

const pageName = (page) =>
  page === 'with'
    ? 'storefront'
    : page === 'without'
      ? 'storefront without Vitrine'
      : `bare page, ${thousands(Number(page.split(' ')[1]))} items`;

/** Visits of a page. Where the profiler caught nothing of Vitrine, it did not run: no number. */
function visitsOf({ visits }, page, slower) {
  return visits
    .filter((visit) => visit.page === page && visit.slower === slower)
    .map((visit) =>
      page === 'without' || visit.vitrineTotal > 0
        ? visit
        : { ...visit, vitrineLongest: NaN, vitrineTotal: NaN },
    );
}

function mainThread(found) {
  const pages = [...new Set(found.visits.map((visit) => visit.page))];
  const rows = [1, 6].flatMap((slower) =>
    pages.map((page) => {
      const of = (pick) => spread(visitsOf(found, page, slower).map(pick));
      const ours = page !== 'without';
      return [
        `${pageName(page)}, ${slower}×`,
        of((visit) => visit.blocking),
        of((visit) => visit.longest),
        ours ? of((visit) => visit.vitrineLongest) : '–',
        ours ? of((visit) => visit.vitrineTotal) : '–',
        of((visit) => visit.shift),
        of((visit) => visit.transferred / 1000),
      ];
    }),
  );
  return `## The page's main thread

One visit in a fresh Chromium: the front page of the demo storefront, two products, the front page again, with Vitrine and with a stand-in that does nothing. The bare page has nothing but Vitrine: it loads the large bundles, and follows two events with lists. 6× is Chromium's CPU slowdown. *Blocking* is the time beyond 50 ms of each task, as Lighthouse counts it; *Vitrine's longest* and *in all* are the time within one task and within all in which the profiler found Vitrine's code, or the browser's work under it; kB are what travelled, pictures included.

${table(['', 'blocking', 'longest task', "Vitrine's longest", "Vitrine's in all", 'layout shift', 'kB'], rows)}

${busiest(found)}`;
}

/** Which of Vitrine's functions the main thread was in. */
function busiest(found) {
  const rows = ['with', ...found.sizes.map((items) => `bare ${items}`)].map((page) => {
    const visits = visitsOf(found, page, 1);
    const names = new Set(visits.flatMap((visit) => Object.keys(visit.busy)));
    const spent = [...names].map((name) => [
      name,
      visits.reduce((sum, visit) => sum + (visit.busy[name] ?? 0), 0) / visits.length,
    ]);
    spent.sort((a, b) => b[1] - a[1]);
    const listed = spent.slice(0, 5).map(([name, time]) => `\`${name}\` ${figure(time)}`);
    return [pageName(page), listed.join(', ')];
  });
  return `What Vitrine's time on the main thread was spent in, at full speed, in the mean of a visit:\n\n${table(['', 'function and milliseconds'], rows)}`;
}

function large({ large: { items, listed, session, seconds, files, visits } }) {
  const mb = (pick) => spread(visits.map((visit) => pick(visit) / MB));
  const bytes = (name) => `${figure(files[name].bytes / MB)} MB`;
  const more = ({ both, listed }) => both.data - listed.data;
  const requests = Math.round(median(visits.map((visit) => visit.listed.requests)));
  return `## A million items

An invented catalogue of ${thousands(items)} items, ids and listing drawn from everywhere, so that no two items of the page share a block but by chance. \`vitrine publish\` took ${figure(seconds)} seconds for it: \`blocks.bin\` has ${bytes('blocks.bin')}, \`index.safetensors\` ${bytes('index.safetensors')}, \`tables.safetensors\`, which no browser fetches, ${bytes('tables.safetensors')}. A page looks at ${session} items and ranks a listing of ${listed}, then asks for a recommendation. The order is that of the native ranker over the whole bundle, to the bit. MB as they travelled, the manifest included.

${table(
  ['', 'MB', 'seconds, on one machine with the server'],
  [
    [
      `to rank ${listed} items, in ${thousands(requests)} requests`,
      mb(({ listed }) => listed.data),
      spread(visits.map((visit) => visit.seconds)),
    ],
    ['`recommend` after it, besides', mb(more), ''],
  ],
)}`;
}

function next({ versions: { items, shoppers, days, whole, delta } }) {
  const kb = (bytes) => figure(bytes / 1000);
  return `## The next version

A simulated shop of ${thousands(items)} items and ${thousands(shoppers)} shoppers, the table alone: version 1 is trained from ${days - 7} days, and \`vitrine retrain\` makes version 2 with what a release of the week after would hold: the pairs that were seen at least twice. A newcomer fetches the files of version 2, who has version 1 fetches what changed; both have the same list. kB as they travelled. Where the encoder is trained again all item vectors are others, and where the history grew by a week nearly every weight is: then the tables have no delta that is worth fetching.

${table(
  ['', 'kB'],
  [
    ['a newcomer', kb(whole)],
    ['who has version 1', `${kb(delta)}, ${figure((100 * delta) / whole)} %`],
  ],
)}`;
}

function parts({ sizes }, lists) {
  const rows = sizes.flatMap((items) =>
    Object.keys(PLACES).map((place) => {
      const of = (name) => spread(lists.of('vitrine', place, items, (run) => run.parts[name]));
      return [
        `${thousands(items)} items, ${PLACES[place]}`,
        of('compile'),
        of('open'),
        of('hash'),
        `${figure(median(lists.of('vitrine', place, items, (run) => (100 * run.parts.hash) / run.parts.open)))} %`,
        of('recommend'),
        of('compileEncoder'),
        of('openEncoder'),
      ];
    }),
  );
  const share = sizes.map((items) => {
    const scan = lists.of(
      'vitrine',
      'chromium',
      items,
      (run) => (100 * run.times.scan) / run.times.both,
    );
    const encoder = lists.of(
      'vitrine',
      'chromium',
      items,
      (run) => (100 * run.times.encoder) / run.times.both,
    );
    return `${figure(median(scan))} % in the scan and ${figure(median(encoder))} % in the encoder at ${thousands(items)} items`;
  });
  return `## Where the time goes

The steps of loading, each once, by the modules alone: the ranker's module is compiled; the bundle is opened in slices, of which this is the sum: verified, parsed and copied; *verify alone* is the same bytes' SHA-256 a second time; the first list sorts by popularity once. The encoder's two steps run in the worker.

${table(['', 'compile ranker', 'open bundle', 'verify alone', 'verify / open', 'first list', 'compile encoder', 'open encoder'], rows)}

Of a visit with the encoder, in Chromium: ${share.join('; ')}.`;
}

function machine({ machine, repetitions }) {
  const load = (numbers) => numbers.map((number) => number.toFixed(1)).join(', ');
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return `## Machine

${machine.cores} cores, ${machine.cpu}, ${figure(machine.memory / 1e9)} GB, ${machine.system}; Node ${machine.node.slice(1)}, Chromium ${machine.chromium}; ${versions.join(', ')}. Repetitions: ${repetitions}, in ${figure(machine.minutes)} minutes; load averages ${load(machine.loadBefore)} before and ${load(machine.loadAfter)} after${isBusy(machine) ? ': **other work kept the cores busy meanwhile, so read ratios rather than times, and measure again on a quiet machine**' : ''}.

\`\`\`sh
make bench-web
\`\`\``;
}
