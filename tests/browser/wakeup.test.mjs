/**
 * Pages whose timers stood still while the clock went on, as in a laptop that slept: at their
 * wake-up one report leaves, and each other one after a delay of its own. The browser's renderers
 * are stopped and continued by signals, which a page cannot tell from a sleep.
 */

import assert from "node:assert/strict";
import test from "node:test";
import { open, pause, shopPages, track } from "./support/pages.mjs";
import { until } from "./support/programs.mjs";
import { stage } from "./support/stage.mjs";

/** Least and most delay of a report, in milliseconds. */
const DELAY = [1_500, 5_000];
const pages = shopPages({
  timeout: 20_000,
  encoder: false,
  consent: "granted",
  reportDelay: DELAY,
});

/** A page of a shop that notes when each report arrives. */
async function shop(t) {
  const arrivals = [];
  const { url } = await stage(t, {
    pages: pages.pages,
    answer: (request) => {
      if (request.method === "POST") arrivals.push(Date.now());
      return false;
    },
  });
  const visitor = await pages.visitor(t);
  return { arrivals, open: () => open(visitor, url) };
}

const queue = async (page) => {
  await track(page, pages.ids.slice(0, 6));
  return page.evaluate(
    async () => (await window.vitrine.inspect()).reports.length,
  );
};

/** Sends a signal to every process that runs a page. */
async function signal(name) {
  const devtools = await pages.browser.newBrowserCDPSession();
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
  }, pages.ids[0]);
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
