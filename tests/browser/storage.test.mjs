/**
 * What a device keeps, and what may leave it: a full disk, a record that is damaged, a page whose
 * storage does not last, two servers on one page. In a real browser, whose own storage refuses.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { inspect, open, pause, posted, rank, shopPages, track } from "./support/pages.mjs";
import { until } from "./support/programs.mjs";
import { FIXTURE, stage } from "./support/stage.mjs";

const shop = shopPages({
  timeout: 20_000,
  encoder: false,
  consent: "granted",
  reportDelay: [0, 20],
});
/** Waits until every report of a page has left. */
const sent = (page, name) =>
  until("every report", async () => {
    const { reports } = await inspect(page, name);
    return (
      reports.length > 0 && reports.every(({ state }) => state === "sent")
    );
  });

test("ten page loads with storage in memory report nothing", async (t) => {
  const { url, requests } = await stage(t, { pages: shop.pages });
  const visitor = await shop.visitor(t);
  for (let load = 0; load < 10; load += 1) {
    const page = await open(visitor, url, { vitrine: { storage: "memory" } });
    await track(page, shop.ids.slice(load * 4, load * 4 + 4));
    assert.equal((await inspect(page)).session.length, 4);
    await pause(60);
    await page.close();
  }
  assert.deepEqual(posted(requests), []);
});

test("ten page loads with storage that lasts report one budget", async (t) => {
  const { url, requests } = await stage(t, { pages: shop.pages });
  const visitor = await shop.visitor(t);
  for (let load = 0; load < 10; load += 1) {
    const page = await open(visitor, url);
    await track(page, shop.ids.slice(load * 4, load * 4 + 4));
    if (load === 0) await sent(page);
    await inspect(page);
    await pause(60);
    await page.close();
  }
  const cells = new Set(posted(requests).map(({ cell }) => JSON.stringify(cell)));
  assert.ok(cells.size <= 8, `${cells.size} cells`);
});

test("a disk that is full: the page ranks, and nothing leaves", async (t) => {
  const { url, requests } = await stage(t, { pages: shop.pages });
  const visitor = await shop.visitor(t);
  const blank = await visitor.newPage();
  await blank.goto(`${url}/vitrine/package.json`);
  const devtools = await visitor.newCDPSession(blank);
  const room = (quotaSize) =>
    devtools.send("Storage.overrideQuotaForOrigin", { origin: url, quotaSize });
  await room(1);
  const page = await open(visitor, url);
  await track(page, shop.ids.slice(0, 6));
  const { status } = await rank(page, shop.ids);
  assert.equal(status, "ranked");
  await pause(500);
  assert.deepEqual(posted(requests), []);
  const errors = await page.evaluate(() => window.errors);
  assert.ok(errors.length > 0, "the page is told");
  // With room again, what is done from then on is reported, within one budget.
  await room(undefined);
  await track(page, shop.ids.slice(10, 16));
  await sent(page);
  assert.ok(posted(requests).length <= 8);
});

test("a record that is damaged is mended, and its budget is spent", async (t) => {
  const { url, requests } = await stage(t, { pages: shop.pages });
  const visitor = await shop.visitor(t);
  const first = await open(visitor, url);
  await track(first, shop.ids.slice(0, 3));
  await sent(first);
  const before = posted(requests).length;
  await first.evaluate(async () => {
    window.vitrine.dispose();
    const { name } = (await indexedDB.databases())[0];
    const database = await new Promise((resolve) => {
      const opening = indexedDB.open(name);
      opening.onsuccess = () => resolve(opening.result);
    });
    const transaction = database.transaction("device", "readwrite");
    const table = transaction.objectStore("device");
    table.get("state").onsuccess = ({ target }) => {
      const damaged = { pending: [null, { item: 7 }], budget: [1] };
      table.put({ ...target.result, ...damaged }, "state");
    };
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    database.close();
  });
  await first.close();

  const second = await open(visitor, url);
  await track(second, [shop.ids[20]]);
  assert.equal((await rank(second, shop.ids)).status, "ranked");
  const known = await inspect(second);
  assert.equal(known.session.at(-1).item, shop.ids[20]);
  const errors = await second.evaluate(() => window.errors);
  assert.deepEqual(
    errors.map((error) => /'(\w+)'/.exec(error)?.[1]).sort(),
    ["budget", "pending"],
  );
  await pause(300);
  assert.equal(posted(requests).length, before);
  await second.close();
  const third = await open(visitor, url);
  assert.deepEqual(await third.evaluate(() => window.errors), []);
});

test("two servers on one page: each has its own record, reports and versions", async (t) => {
  const cors = () => ({
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "content-type",
  });
  const manifest = JSON.parse(
    await readFile(join(FIXTURE, "manifest.json"), "utf8"),
  );
  const serving = (version) => (request, response) => {
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    if (!request.url.startsWith("/manifest.json")) return false;
    return response.end(JSON.stringify({ ...manifest, version }));
  };
  const [page, a, b] = await Promise.all([
    stage(t, { pages: shop.pages, bundle: false }),
    stage(t, { headers: cors, answer: serving(9) }),
    stage(t, { headers: cors, answer: serving(2) }),
  ]);
  const visitor = await shop.visitor(t);
  // A's reports still wait when the page is left.
  const waiting = { endpoint: a.url, reportDelay: [60_000, 60_000] };
  const first = await open(visitor, page.url, { a: waiting });
  await track(first, shop.ids.slice(0, 4), "a");
  const queued = (await inspect(first, "a")).reports;
  assert.ok(queued.length > 0);
  await first.close();

  const instances = { b: { endpoint: b.url }, a: waiting };
  const second = await open(visitor, page.url, instances);
  const known = await inspect(second, "b");
  assert.equal(known.bundle?.version, 2, "B is not older than A");
  assert.deepEqual([known.session, known.reports], [[], []]);
  await track(second, shop.ids.slice(20, 24), "b");
  await sent(second, "b");
  assert.ok(posted(b.requests).length > 0);
  const mine = posted(b.requests).map(({ cell }) => JSON.stringify(cell));
  assert.ok(shop.ids.slice(0, 4).every((id) => !mine.join().includes(`"${id}"`)));
  assert.deepEqual(posted(a.requests), []);
  assert.deepEqual(
    (await inspect(second, "a")).reports.map(({ report }) => report.nonce),
    queued.map(({ report }) => report.nonce),
  );
  // The files that are kept are each endpoint's too.
  const files = async (name) => (await inspect(second, name)).files;
  await until("kept files", async () => (await files("b")).length > 0);
  assert.ok((await files("b")).every((file) => file.startsWith(b.url)));
  await second.evaluate(() => window.b.forget());
  assert.equal((await inspect(second, "a")).session.length, 4);
  assert.ok((await files("a")).every((file) => file.startsWith(a.url)));
});
