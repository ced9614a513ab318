/**
 * The closed loop: history → version 1 → browsers → feedback → release → version 2 → browsers.
 *
 * Every part is the real one: the programs, the server, the npm package in a real Chromium. The
 * visitors are simulated. Their window is closed by the clock offset of `vitrine-server release`,
 * which is what waiting for its end would do.
 *
 * @module
 */

import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launch } from './browser.mjs';
import { PACKAGE, run, serve, until } from './programs.mjs';
import { train } from './shop.mjs';

/** A page that is nothing but Vitrine; the server's policy allows no inline script. */
const PAGE = `<!doctype html>
<title>a visitor</title>
<script type="module" src="visitor.js"></script>
`;
const SCRIPT = `import { createVitrine } from './dist/index.js';
const watching = new URLSearchParams(location.search).has('watch');
window.vitrine = createVitrine({
  consent: watching ? 'pending' : 'granted',
  reportDelay: [0, 40],
  refreshInterval: watching ? 10_000 : 900_000,
  encoder: false,
  timeout: 20_000,
});
await window.vitrine.ready;
document.title = 'ready';
`;

/** Longer than any window: what the release command's clock is moved by. */
const WINDOW_SECONDS = 7 * 24 * 3600;

/**
 * Runs the loop in `folder`. `draw` are the options of `vitrine-field draw`; `pages` is how many
 * visitors are in the shop at once; `recipe` is the text of the recipe; `note` is called with
 * what is done.
 */
export async function closeTheLoop(folder, { draw, recipe, pages = 4, note = () => {} }) {
  const at = (name) => join(folder, name);
  note('drawing the shop and its visitors');
  await run('vitrine-field', ['draw', '--out', folder, ...draw]);
  await run('vitrine', [
    ...['prepare', '--events', at('shop'), '--preset', 'behaviour', '--no-test'],
    ...['--out', at('data')],
  ]);
  await writeFile(at('recipe.toml'), recipe);
  note('training version 1');
  await train(at('data'), at('recipe.toml'), at('run'));
  await publish(at('run'), at('store'));

  await mkdir(at('site'));
  await writeFile(at('site/index.html'), PAGE);
  await writeFile(at('site/visitor.js'), SCRIPT);
  for (const part of ['dist', 'wasm']) {
    await cp(join(PACKAGE, part), at(`site/${part}`), { recursive: true });
  }
  const visits = JSON.parse(await readFile(at('visits.json'), 'utf8'));
  let server = await serve(folder, { site: at('site') });
  const browser = await launch();
  try {
    const watcher = await open(await browser.newContext(), `${server.url}/?watch=1`);
    const versionOf = (page) =>
      page.evaluate(async () => (await window.vitrine.inspect()).bundle?.version);
    if ((await versionOf(watcher)) !== 1) throw new Error('the browser has no version 1');

    note(`${visits.length} visits`);
    const sent = await replay(browser, server.url, visits, pages, note);
    note('closing the window');
    // By the clock of a running server the window would still be open.
    await server.stop();
    const said = await run('vitrine-server', [
      ...['release', '--database', at('vitrine.db'), '--out', at('released')],
      ...['--clock-offset-seconds', WINDOW_SECONDS],
    ]);
    const [, reports, cells] = /(\d+) reports gave (\d+) cells/.exec(said) ?? [];
    server = await serve(folder, { site: at('site'), port: new URL(server.url).port });
    note('training version 2');
    await run('vitrine', [
      ...['retrain', '--data', at('data'), '--run', at('run'), '--released', at('released')],
      ...['--out', at('run2'), '--device', 'cpu'],
    ]);
    await publish(at('run2'), at('store'));
    // The page that was open all the time, and a visitor who comes now.
    await until(
      'version 2 in an open page',
      async () => (await versionOf(watcher)) === 2,
      60_000,
    );
    const newcomer = await open(await browser.newContext(), `${server.url}/`);
    if ((await versionOf(newcomer)) !== 2) throw new Error('a new visitor has no version 2');

    const compared = JSON.parse(
      await run('vitrine-field', [
        ...['compare', '--before', at('run/bundle'), '--after', at('run2/bundle')],
        ...['--held-out', at('held-out.json')],
      ]),
    );
    return {
      visits: visits.length,
      sent,
      reports: Number(reports),
      cells: Number(cells),
      compared,
    };
  } finally {
    await browser.close();
    await server.stop();
  }
}

function publish(folder, store) {
  return run('vitrine', ['publish', join(folder, 'bundle'), '--to', store]);
}

async function open(context, url) {
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => document.title === 'ready');
  return page;
}

/** Every visit in a context of its own; resolves to the number of reports that were sent. */
async function replay(browser, url, visits, pages, note) {
  let next = 0;
  let sent = 0;
  const visitor = async () => {
    for (;;) {
      const visit = visits[next];
      next += 1;
      if (visit === undefined) return;
      const context = await browser.newContext();
      const page = await open(context, `${url}/`);
      // Not `sent += await …`: that would add to what it was before the visit.
      const more = await page.evaluate(walk, visit);
      sent += more;
      await context.close();
      if (next % 100 === 0) note(`${next} visits`);
    }
  };
  await Promise.all(Array.from({ length: pages }, visitor));
  return sent;
}

/** One visit, in the page: looks at a shelf before each step, as a shop's page shows one. */
async function walk(visit) {
  const { vitrine } = window;
  for (const { item, action } of visit) {
    const shelf = await vitrine.recommend({ n: 10 });
    if (shelf.status !== 'ranked') throw new Error(`not ranked: ${shelf.reason}`);
    vitrine.track({ item, action });
  }
  for (let turn = 0; turn < 600; turn += 1) {
    const { reports, budget } = await vitrine.inspect();
    const spent = Object.values(budget.spent).reduce((a, b) => a + b, 0);
    const sent = reports.filter(({ state }) => state === 'sent').length;
    if (sent === spent) return sent;
    if (reports.some(({ state }) => state === 'dropped' || state === 'vetoed')) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not all reports were sent: ${JSON.stringify(await vitrine.inspect())}`);
}
