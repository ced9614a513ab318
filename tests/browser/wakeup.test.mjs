/**
 * A page whose timers stood still, as in a tab that the browser has frozen or a laptop that slept:
 * at its wake-up one report leaves, and each other one after a delay of its own.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { launch } from "./support/browser.mjs";
import { until } from "./support/programs.mjs";
import { FIXTURE, stage } from "./support/stage.mjs";

/** Least and most delay of a report, in milliseconds. */
const DELAY = [400, 3_000];
const PAGE =
  '<!doctype html><title>a page</title><script type="module" src="/page.js"></script>';
const SCRIPT = `import { createVitrine } from '/vitrine/dist/index.js';
window.vitrine = createVitrine({
  timeout: 20_000,
  encoder: false,
  consent: 'granted',
  reportDelay: [${DELAY}],
});
await window.vitrine.ready;
document.title = 'ready';
`;
const PAGES = { "/page": PAGE, "/page.js": SCRIPT };

let browser;
let ids;
before(async () => {
  browser = await launch();
  const { items } = JSON.parse(
    await readFile(join(FIXTURE, "catalogue.json"), "utf8"),
  );
  ids = items.map(({ id }) => id);
});
after(() => browser?.close());

const pause = (milliseconds) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A page of a shop that notes when each report arrives. */
async function shop(t) {
  const arrivals = [];
  const { url } = await stage(t, {
    pages: PAGES,
    answer: (request) => {
      if (request.method === "POST") arrivals.push(Date.now());
      return false;
    },
  });
  const visitor = await browser.newContext();
  t.after(() => visitor.close());
  const open = async () => {
    const page = await visitor.newPage();
    await page.goto(`${url}/page`);
    await page.waitForFunction(() => document.title === "ready");
    const devtools = await visitor.newCDPSession(page);
    return {
      page,
      state: (state) => devtools.send("Page.setWebLifecycleState", { state }),
    };
  };
  return { arrivals, open };
}

const queue = async (page) => {
  await page.evaluate(
    (ids) => ids.forEach((item) => window.vitrine.track({ item })),
    ids.slice(0, 6),
  );
  return page.evaluate(
    async () => (await window.vitrine.inspect()).reports.length,
  );
};

/** One report near the wake-up at most, and no two that one wait explains. */
async function areApart(arrivals, woken, queued) {
  await until("every report", () => arrivals.length >= queued);
  const waits = arrivals.map((at) => at - woken);
  const early = waits.filter((wait) => wait < DELAY[0] - 20);
  assert.ok(early.length <= 1, `reports left after ${waits.join()} ms`);
}

test("a frozen page that wakes sends one report, and the others apart", async (t) => {
  const { arrivals, open } = await shop(t);
  const { page, state } = await open();
  const queued = await queue(page);
  assert.equal(queued, 6);
  await state("frozen");
  await pause(DELAY[1] + 500);
  const before = arrivals.length;
  const woken = Date.now();
  await state("active");
  await areApart(arrivals.slice(before), woken, 0);
  await until("every report", () => arrivals.length >= queued);
  await areApart(arrivals.slice(before), woken, queued - before);
  assert.equal(arrivals.length, queued);
});

test("two frozen tabs that wake together send one report between them", async (t) => {
  const { arrivals, open } = await shop(t);
  const tabs = [await open(), await open()];
  const queued = await queue(tabs[0].page);
  // The other tab has taken up the queue too.
  await tabs[1].page.evaluate(
    (id) => window.vitrine.track({ item: id }),
    ids[0],
  );
  await tabs[1].page.evaluate(() => window.vitrine.inspect());
  await Promise.all(tabs.map(({ state }) => state("frozen")));
  await pause(DELAY[1] + 500);
  const before = arrivals.length;
  const woken = Date.now();
  await Promise.all(tabs.map(({ state }) => state("active")));
  await until("every report", () => arrivals.length >= queued);
  await areApart(arrivals.slice(before), woken, queued - before);
  await pause(300);
  assert.equal(arrivals.length, queued, "each report once");
});

test("a page that is opened anew with a queue lets each report wait anew", async (t) => {
  const { arrivals, open } = await shop(t);
  const { page } = await open();
  const queued = await queue(page);
  await page.close();
  await pause(DELAY[1] + 500);
  const before = arrivals.length;
  const woken = Date.now();
  await open();
  await until("every report", () => arrivals.length >= queued);
  const waits = arrivals.slice(before).map((at) => at - woken);
  assert.ok(Math.min(...waits) >= DELAY[0] - 20, waits.join());
});
