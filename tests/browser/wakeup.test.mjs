/**
 * Pages whose timers stood still while the clock went on, as in a laptop that slept: at their
 * wake-up one report leaves, and each other one after a delay of its own. The browser's renderers
 * are stopped and continued by signals, which a page cannot tell from a sleep.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { launch } from "./support/browser.mjs";
import { until } from "./support/programs.mjs";
import { FIXTURE, stage } from "./support/stage.mjs";

/** Least and most delay of a report, in milliseconds. */
const DELAY = [1_500, 5_000];
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
    return page;
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

/** Sends a signal to every process that runs a page. */
async function signal(name) {
  const devtools = await browser.newBrowserCDPSession();
  const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  assert.ok(renderers.length > 0);
  for (const { id } of renderers) process.kill(id, name);
  await devtools.detach();
}

/** Lets all pages sleep until every report is due; resolves to when they woke. */
async function sleep() {
  await signal("SIGSTOP");
  await pause(DELAY[1] + 500);
  const woken = Date.now();
  await signal("SIGCONT");
  return woken;
}

/** Waits for every report; one left at the wake-up at most, the others after delays of their own. */
async function areApart(arrivals, woken, queued) {
  await until("every report", () => arrivals.length >= queued);
  await pause(300);
  assert.equal(arrivals.length, queued, "each report once");
  const waits = arrivals.map((at) => at - woken);
  const early = waits.filter((wait) => wait < DELAY[0] - 20);
  assert.ok(Math.min(...waits) >= 0, "all of them slept");
  assert.ok(early.length <= 1, `reports left after ${waits.join()} ms`);
}

test("a page that wakes sends one report, and the others apart", async (t) => {
  const { arrivals, open } = await shop(t);
  const queued = await queue(await open());
  assert.equal(queued, 6);
  await areApart(arrivals, await sleep(), queued);
});

test("two tabs that wake together send one report between them", async (t) => {
  const { arrivals, open } = await shop(t);
  const tabs = [await open(), await open()];
  const queued = await queue(tabs[0]);
  // The other tab has taken up the queue too.
  await tabs[1].evaluate(async (item) => {
    window.vitrine.track({ item });
    await window.vitrine.inspect();
  }, ids[0]);
  await areApart(arrivals, await sleep(), queued);
});

test("a page that is opened anew with a queue lets each report wait anew", async (t) => {
  const { arrivals, open } = await shop(t);
  const page = await open();
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
