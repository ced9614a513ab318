/**
 * The storefront over a simulated shop, in a real browser: what a visitor sees, and what leaves
 * the device.
 *
 * With `VITRINE_SCREENSHOTS=folder` it writes pictures of the front page there.
 */

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { launch, record } from './support/browser.mjs';
import { run, scratch, serve, until } from './support/programs.mjs';
import { site, smallShop } from './support/shop.mjs';
import { Storefront } from './support/storefront.mjs';

let shop;
let place;
let browser;
let catalogue;

before(
  async () => {
    shop = await smallShop();
    place = await scratch();
    await site(shop, join(place.folder, 'site'));
    await run('vitrine', [
      ...['publish', join(shop, 'run/bundle'), '--to', join(place.folder, 'store')],
    ]);
    catalogue = JSON.parse(await readFile(join(place.folder, 'site/catalogue.json'), 'utf8'));
    browser = await launch();
  },
  { timeout: 600_000 },
);

after(async () => {
  await browser?.close();
  await place?.remove();
});

/** A server and a fresh visitor's page on it. */
async function visit(t, { size = { width: 1280, height: 900 }, prepare } = {}) {
  const folder = await scratch(t);
  const server = await serve(folder, {
    store: join(place.folder, 'store'),
    site: join(place.folder, 'site'),
  });
  t.after(() => server.stop());
  const context = await browser.newContext({ viewport: size, reducedMotion: 'reduce' });
  t.after(() => context.close());
  const log = record(context);
  await prepare?.(context);
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  t.after(() => assert.deepEqual(faults, []));
  const front = new Storefront(page, server.url);
  return { front, page, log, server, context };
}

/** Two listed items of one category, neither in `avoid` nor what the shelf shows first. */
async function twoAlike(front, avoid) {
  const shown = new Set([...avoid, ...(await front.shelf()).slice(0, 3)]);
  const listed = await front
    .get('listing')
    .locator('li[data-item]')
    .evaluateAll((cards) => cards.map((card) => card.dataset.item));
  const of = (id) => catalogue.items.find((item) => item.id === id);
  for (const first of listed.filter((id) => !shown.has(id))) {
    const second = listed.find(
      (id) => id !== first && !shown.has(id) && of(id).category === of(first).category,
    );
    if (second !== undefined) return [first, second];
  }
  throw new Error('the listing has no two items of one category');
}

/** Looks at two products of one category and returns to the front page; their ids. */
async function wander(front, avoid = []) {
  const two = await twoAlike(front, avoid);
  for (const id of two) {
    await front.look(id);
    await front.home();
  }
  return two;
}

/** The ids of the catalogue that a request carries anywhere. */
function idsIn(request) {
  const text = decodeURIComponent(
    [request.url, request.body, ...Object.values(request.headers)].join('\n'),
  );
  return catalogue.items.map((item) => item.id).filter((id) => text.includes(id));
}

test('the shelf re-ranks after two product views, and says why', async (t) => {
  const { front, page } = await visit(t);
  await front.open();
  await until('the model', async () => (await front.version()) === '1');
  const first = await front.shelf();
  const two = await wander(front);
  const second = await until('another order', async () => {
    const ids = await front.shelf();
    return ids.join() !== first.join() && ids;
  });
  assert.equal(second.length, first.length);
  const moved = second.filter((id, at) => first[at] !== id).length;
  assert.ok(moved >= 2, `${moved} places changed`);

  await front.why();
  const why = await until('an explanation', async () => {
    const lines = await front.explanations();
    return lines.some(({ because }) => because.some((id) => two.includes(id))) && lines;
  });
  assert.deepEqual(
    why.map(({ item }) => item),
    second.slice(0, why.length),
    'the panel explains what the shelf shows',
  );
  // The same reason stands on the cards, in words.
  const title = catalogue.items.find(({ id }) => id === two[1]).title;
  await page.getByText(`because you looked at ${title}`).first().waitFor();

  // The shop's own order is one switch away, and so is the way back.
  await front.get('order-shop').check({ force: true });
  const own = catalogue.items.slice(0, second.length).map(({ id }) => id);
  await until("the shop's order", async () => (await front.shelf()).join() === own.join());
  await front.get('order-vitrine').check({ force: true });
  await until('the order for this visitor', async () => {
    return (await front.shelf()).join() === second.join();
  });
});

test('the network sees no item before consent, and single cells after it', async (t) => {
  const { front, log, page } = await visit(t);
  await front.open();
  await until('the model', async () => (await front.version()) === '1');
  const before = await wander(front);
  await front.why();
  // A picture or an idle task would come late.
  await page.waitForLoadState('networkidle');
  const quiet = await log();
  assert.ok(quiet.length > 5, 'requests were recorded');
  for (const request of quiet) {
    assert.deepEqual(idsIn(request), [], `${request.method} ${request.url}`);
    assert.equal(request.method, 'GET');
  }

  await front.get('consent-upload').check();
  await front.get('consent-ranking').check();
  const two = await wander(front, before);
  const spent = await until('reports', async () => {
    const budget = await front.get('budget').getAttribute('data-spent');
    const reports = front.get('reports').locator('li');
    const sent = await front.get('reports').locator('li[data-state="sent"]').count();
    return sent > 0 && sent === (await reports.count()) && sent === Number(budget) && sent;
  });
  const posts = (await log()).filter(({ method }) => method === 'POST');
  assert.equal(posts.length, spent, 'one request for each cell of the budget');
  const nonces = new Set();
  const named = new Set();
  for (const { url, headers, body } of posts) {
    assert.equal(new URL(url).pathname, '/v1/feedback');
    assert.equal(headers.cookie, undefined);
    assert.equal(headers.referer, undefined);
    const report = JSON.parse(body);
    assert.deepEqual(Object.keys(report).sort(), ['cell', 'nonce', 'window']);
    assert.match(report.nonce, /^[0-9a-f]{32}$/);
    nonces.add(report.nonce);
    const { table, ...cell } = report.cell;
    const fields = {
      transition: ['action', 'from', 'to'],
      item: ['action', 'item'],
      impression: ['clicked', 'item', 'position'],
    };
    assert.deepEqual(Object.keys(cell).sort(), fields[table], body);
    // An impression names what was shown by then; the others name what was done.
    if (table !== 'impression') named.add(cell.item ?? cell.to);
    if (cell.from) named.add(cell.from);
  }
  assert.deepEqual([...named].sort(), [...two].sort(), 'only what was looked at since');
  assert.equal(nonces.size, posts.length);
  for (const { headers } of await log()) {
    assert.equal(headers.cookie, undefined);
    assert.equal(headers.referer, undefined);
  }
});

test('each report is shown as it will be sent, and can be held back', async (t) => {
  const slowly = (context) =>
    context.addInitScript(() =>
      // Before the page's module runs. Long enough to look at a report, and to hold one back.
      document.addEventListener('readystatechange', () => {
        document.documentElement.dataset.reportDelay = '9000 9000';
      }),
    );
  const { front, log } = await visit(t, { prepare: slowly });
  await front.open();
  await until('the model', async () => (await front.version()) === '1');
  await front.why();
  await front.get('consent-upload').check();
  await front.get('consent-ranking').check();
  await wander(front);
  await front.why();
  const lines = front.get('reports').locator('li');
  const waiting = await until('reports that wait', async () => {
    const codes = await lines.locator('code').allTextContents();
    return codes.length > 1 && codes;
  });
  const posted = async () => (await log()).filter(({ method }) => method === 'POST');
  assert.deepEqual(await posted(), [], 'nothing has left before it was shown');
  const held = JSON.parse(waiting[0]).nonce;
  await lines.filter({ hasText: held }).getByRole('button', { name: 'Hold it back' }).click();

  await until('an end of each report', async () => {
    const states = await lines.evaluateAll((all) => all.map(({ dataset }) => dataset.state));
    return states.every((state) => state === 'sent' || state === 'vetoed');
  }, 40_000);
  const bodies = (await posted()).map(({ body }) => body);
  const shown = await lines.locator('code').allTextContents();
  assert.deepEqual(bodies.toSorted(), shown.filter((code) => !code.includes(held)).toSorted());
  assert.equal(await lines.filter({ hasText: held }).getAttribute('data-state'), 'vetoed');
});

test('erasing empties what is stored', async (t) => {
  const { front } = await visit(t);
  await front.open();
  await until('the model', async () => (await front.version()) === '1');
  await front.answer('both');
  const two = await wander(front);
  await until('a stored session', async () => (await front.stored()).includes(two[1]));
  await front.why();
  await front.get('erase').click();
  await until('an empty device', async () => {
    const stored = await front.stored();
    return !catalogue.items.some(({ id }) => stored.includes(id));
  });
  const { databases, cookies } = JSON.parse(await front.stored());
  assert.deepEqual(Object.values(databases).flatMap(Object.values).flat(), []);
  assert.equal(cookies, '');
  await until('a panel that knows nothing', async () => (await front.get('session').count()) === 0);
  // The question is asked again, and nothing waits to be sent.
  await front.get('consent').waitFor();
  assert.equal(await front.get('reports').count(), 0);
});

/** Checks that the shop's own order is shown, and said to be. */
async function keepsTheShopsOrder(front) {
  await front.page.goto(`${front.url}/`);
  const shelf = await front.shelf();
  const own = catalogue.items.slice(0, shelf.length).map(({ id }) => id);
  assert.deepEqual(shelf, own);
  await front.why();
  await until('no model', async () => (await front.version()) === '');
  await front.page.getByText('The model is not here').waitFor();
  await front.page.getByText('Best sellers first.').first().waitFor();
  // The shop goes on: looking works, and changes nothing.
  await wander(front);
  assert.deepEqual(await front.shelf(), own);
}

test("a bundle that cannot be fetched leaves the shop's own order", async (t) => {
  const { front } = await visit(t, {
    prepare: (context) =>
      Promise.all([
        context.route('**/manifest.json', (route) => route.abort()),
        context.route('**/bundles/**', (route) => route.abort()),
      ]),
  });
  await keepsTheShopsOrder(front);
});

test("a tampered bundle leaves the shop's own order", async (t) => {
  const { front } = await visit(t, {
    prepare: (context) =>
      context.route('**/bundles/**', async (route) => {
        const response = await route.fetch();
        const body = await response.body();
        body[body.length >> 1] ^= 1;
        await route.fulfill({ response, body, headers: {} });
      }),
  });
  await keepsTheShopsOrder(front);
});

test('a page goes on ranking when its server stops', async (t) => {
  const { front, server } = await visit(t);
  await front.open();
  await until('the model', async () => (await front.version()) === '1');
  const first = await front.shelf();
  await server.stop();
  await wander(front);
  await until('another order', async () => (await front.shelf()).join() !== first.join());
  assert.equal(await front.version(), '1');
});

// It makes the README's pictures and checks no more than the tests above.
const skip = !process.env.VITRINE_SCREENSHOTS && 'VITRINE_SCREENSHOTS names no folder for pictures';
test('pictures of the front page', { skip }, async (t) => {
  const folder = process.env.VITRINE_SCREENSHOTS;
  await mkdir(folder, { recursive: true });
  const { front, page } = await visit(t);
  await front.open();
  await until('the model', async () => (await front.version()) === '1');
  await front.answer('ranking-only');
  const picture = async (name) => {
    // Pictures below the fold are not loaded before one scrolls there.
    await page.waitForFunction(() =>
      [...document.images].every(
        (image) => image.complete || image.getBoundingClientRect().top > innerHeight,
      ),
    );
    await writeFile(join(folder, name), await page.screenshot());
  };
  await picture('storefront-before.png');
  await wander(front);
  await wander(front);
  await front.why();
  await page.evaluate(() => {
    document.querySelector('[data-testid="shelf"]').scrollIntoView({ block: 'start' });
    scrollBy(0, -130);
  });
  await page.waitForTimeout(400);
  await picture('storefront.png');
});
