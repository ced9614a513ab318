/**
 * Vitrine beside onnxruntime-web and TensorFlow.js: bytes, time and memory.
 *
 *   node benches/web/run.mjs [--out docs/results/web.md] [--repetitions 6] [--items 10000,100000]
 *
 * Every repetition starts each subject in a fresh process, in Node and in Chromium, one after
 * another, and begins with another one each time. Writes the page from what was found.
 */

import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { launch } from '../../tests/browser/support/browser.mjs';
import { ROOT, scratch } from '../../tests/browser/support/programs.mjs';
import { measureInBrowser, NETWORK, serveBench } from './browser.mjs';
import { bundle, fetched, weigh } from './bundles.mjs';
import { agree } from './agreement.mjs';
import { large } from './large.mjs';
import { report } from './report.mjs';
import { shop } from './shop.mjs';
import { serveStorefront, storefronts, visitBare, visitStorefront } from './storefront.mjs';
import { versions } from './versions.mjs';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    repetitions: { type: 'string', default: '6' },
    items: { type: 'string', default: '10000,100000' },
  },
});
const SUBJECTS = ['vitrine', 'ort', 'tfjs'];
/** Besides: the requests of Vitrine's first list. */
const COLD = [...SUBJECTS, 'requests'];
const SLOWER = [1, 6];
const repetitions = Number(values.repetitions);
const sizes = values.items.split(',').map(Number);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const note = (line) => console.error(line);

const cleanups = [];
const cleanup = { after: (task) => cleanups.push(task) };
const { folder, remove } = await scratch();
try {
  const found = await measure();
  const work = join(ROOT, '.bench/web');
  await writeFile(join(work, 'latest.json'), `${JSON.stringify(found, null, 1)}\n`);
  const page = report(found);
  if (values.out) await writeFile(values.out, page);
  else console.log(page);
} finally {
  for (const task of cleanups.reverse()) await task();
  await remove();
}

async function measure() {
  const began = Date.now();
  const code = join(folder, 'code');
  await mkdir(code);
  await bundle(code);
  const weights = {};
  for (const [name, files] of Object.entries(fetched(code))) weights[name] = await weigh(files);
  const javascript = JSON.parse(await readFile(join(ROOT, 'web/vitrine/sizes.json'), 'utf8'));

  const shops = [];
  for (const items of sizes) {
    const made = await shop(items, note);
    const { url } = await serveBench(cleanup, made, code);
    const { url: compressed } = await serveBench(cleanup, made, code, true);
    const session = JSON.parse(await readFile(join(made, 'session.json'), 'utf8'));
    shops.push({ items, folder: made, url, compressed, session });
  }
  const machine = await describe();

  const runs = [];
  const colds = [];
  // What was compressed once is kept.
  for (const subject of COLD) await measureInBrowser(subject, shops[0].compressed, NETWORK);
  for (let turn = 0; turn < repetitions; turn += 1) {
    note(`repetition ${turn + 1} of ${repetitions}`);
    for (const { items, folder, url } of shops) {
      for (const place of ['node', 'chromium']) {
        for (const subject of rotated(SUBJECTS, turn)) {
          const seen =
            place === 'node' ? await inNode(subject, folder) : await measureInBrowser(subject, url);
          runs.push({ items, place, subject, turn, ...seen });
        }
      }
      colds.push({
        items,
        place: 'chromium',
        subject: 'requests',
        turn,
        ...(await measureInBrowser('requests', url)),
      });
    }
    const [{ items, compressed }] = shops;
    for (const subject of rotated(COLD, turn)) {
      const seen = await measureInBrowser(subject, compressed, NETWORK);
      colds.push({ items, place: 'network', subject, turn, ...seen });
    }
  }
  agree(runs);

  note('the storefront');
  await storefronts(folder);
  const visits = [];
  const servers = {};
  for (const kind of ['with', 'without']) {
    servers[kind] = await serveStorefront(folder, kind);
    cleanup.after(() => servers[kind].stop());
  }
  for (let turn = 0; turn < repetitions; turn += 1) {
    for (const slower of SLOWER) {
      for (const kind of rotated(['with', 'without'], turn)) {
        const seen = await visitStorefront(servers[kind].url, slower, kind);
        visits.push({ page: kind, slower, turn, ...seen });
      }
      for (const { items, url, session } of shops) {
        const seen = await visitBare(url, session, slower);
        visits.push({ page: `bare ${items}`, slower, turn, ...seen });
      }
    }
  }
  note('a million items');
  const million = await large(repetitions, note);
  const retrained = await versions(folder, note);
  machine.loadAfter = loadavg();
  machine.minutes = (Date.now() - began) / 60_000;
  return {
    repetitions,
    sizes,
    weights,
    javascript,
    machine,
    network: NETWORK,
    runs,
    colds,
    visits,
    large: million,
    versions: retrained,
  };
}

function rotated(list, turn) {
  const at = turn % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

async function inNode(subject, folder) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', here('process.mjs'), subject, folder],
    { maxBuffer: 1 << 26 },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

async function describe() {
  const browser = await launch();
  const chromium = browser.version();
  await browser.close();
  const { devDependencies } = JSON.parse(await readFile(here('package.json'), 'utf8'));
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    chromium,
    versions: devDependencies,
    loadBefore: loadavg(),
  };
}
