/**
 * The npm package in pages that are not as one would wish: policies, refusals, no network,
 * several tabs. Nothing is faked where the browser itself can be made to refuse.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { record } from "./support/browser.mjs";
import { inspect, made, posted, rank as order, shopPages, track } from "./support/pages.mjs";
import { PACKAGE, scratch, serve, until } from "./support/programs.mjs";
import { FIXTURE, stage } from "./support/stage.mjs";

const shop = shopPages({ timeout: 20_000, reportDelay: [0, 20] });
const STRICT =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; require-trusted-types-for 'script'; object-src 'none'; base-uri 'none'";

const open = (visitor, url, options = {}) => made(visitor, url, { vitrine: options });
const rank = (page) => order(page, shop.ids);
const encoder = (page, state) =>
  until(
    `an encoder that is ${state}`,
    async () => (await inspect(page)).encoder === state,
  );
/** The page ranks, and a view changes the order. */
async function ranks(page) {
  const first = await rank(page);
  assert.equal(first.status, "ranked", first.reason);
  await track(page, [shop.ids[7]]);
  assert.notDeepEqual((await rank(page)).items, first.items);
}

/** The page keeps the shop's order, says why, and goes on. */
async function keepsOrder(page, reason) {
  const kept = await rank(page);
  assert.deepEqual([kept.status, kept.reason], ["fallback", reason]);
  assert.deepEqual(kept.items, shop.ids);
  await track(page, [shop.ids[7]]);
  assert.deepEqual((await rank(page)).items, shop.ids);
}

test("two tabs at once share one session and one budget", async (t) => {
  const { url, requests } = await stage(t, { pages: shop.pages });
  const visitor = await shop.visitor(t);
  const options = { consent: "granted", encoder: false };
  const tabs = [
    await open(visitor, url, options),
    await open(visitor, url, options),
  ];
  for (const tab of tabs) assert.equal((await rank(tab)).status, "ranked");
  // Both at the same time, neither waiting for the other.
  await Promise.all(
    tabs.map((tab, at) => track(tab, shop.ids.slice(at * 8, at * 8 + 8))),
  );
  await until("one session", async () => {
    const sessions = await Promise.all(
      tabs.map(async (tab) => (await inspect(tab)).session),
    );
    return sessions.every((session) => session.length === 16) && sessions;
  });
  const { budget } = await inspect(tabs[0]);
  const spent = Object.values(budget.spent).reduce(
    (sum, count) => sum + count,
    0,
  );
  await until("every report", () => posted(requests).length >= spent);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const sent = posted(requests);
  assert.equal(sent.length, spent, "each cell once, whichever tab sent it");
  assert.deepEqual(budget.spent, {
    transitions: 4,
    items: 2,
    impressions: 0,
    metrics: 0,
  });
  assert.equal(new Set(sent.map(({ nonce }) => nonce)).size, sent.length);
  assert.equal(
    new Set(sent.map(({ cell }) => JSON.stringify(cell))).size,
    sent.length,
  );

  await tabs[0].evaluate(() => window.vitrine.forget());
  await until("forgetting in both", async () => {
    const known = await Promise.all(tabs.map((tab) => inspect(tab)));
    return known.every(({ session }) => session.length === 0);
  });
});

test("a page that is opened again without a network ranks, and remembers", async (t) => {
  const { url } = await stage(t, {
    pages: shop.pages,
    headers: (path) => ({
      "cache-control": path === "/manifest.json" ? "no-cache" : "max-age=3600",
    }),
  });
  const visitor = await shop.visitor(t);
  // A profile that is only in memory keeps no file as large as the encoder's module.
  const options = { consent: { ranking: "granted" }, encoder: false };
  const page = await open(visitor, url, options);
  await ranks(page);
  const before = await rank(page);
  await page.close();
  await visitor.setOffline(true);
  const again = await open(visitor, url, options);
  await until("the order of before", async () => {
    const now = await rank(again);
    return now.status === "ranked" && now.items.join() === before.items.join();
  });
  assert.equal((await inspect(again)).session.length, 1);
});

test("a strict policy with Trusted Types", async (t) => {
  const { url } = await stage(t, {
    pages: shop.pages,
    headers: () => ({ "content-security-policy": STRICT }),
  });
  const page = await open(await shop.visitor(t), url);
  await ranks(page);
  // The browser takes no plain address for a worker, so the encoder runs in the page.
  await encoder(page, "ready");
  assert.deepEqual(page.workers(), []);
  assert.deepEqual(await page.evaluate(() => window.errors), []);
});

test("Trusted Types, with a worker that the page vouches for", async (t) => {
  const script = `import { createVitrine } from '/vitrine/dist/index.js';
const policy = trustedTypes.createPolicy('shop', { createScriptURL: (url) => url });
window.vitrine = createVitrine({
  timeout: 20_000,
  worker: policy.createScriptURL('/vitrine/dist/worker.js'),
});
document.title = 'made';
`;
  const { url } = await stage(t, {
    pages: { ...shop.pages, "/page.js": script },
    headers: () => ({
      "content-security-policy": `${STRICT}; trusted-types shop`,
    }),
  });
  const page = await open(await shop.visitor(t), url);
  await ranks(page);
  await encoder(page, "ready");
  assert.equal(page.workers().length, 1);
});

test("a policy against workers: the encoder runs in the page", async (t) => {
  const { url } = await stage(t, {
    pages: shop.pages,
    headers: () => ({
      "content-security-policy":
        "script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'",
    }),
  });
  const page = await open(await shop.visitor(t), url);
  await ranks(page);
  await encoder(page, "ready");
  assert.deepEqual(page.workers(), []);
});

test("a policy against WebAssembly: the shop’s order", async (t) => {
  const { url, requests } = await stage(t, {
    pages: shop.pages,
    headers: () => ({ "content-security-policy": "script-src 'self'" }),
  });
  const page = await open(await shop.visitor(t), url);
  await keepsOrder(page, "unsupported");
  assert.ok(
    !requests.some(({ path }) => path.startsWith("/bundles/")),
    "no model is fetched",
  );
});

test("no encoder module: the table ranks alone", async (t) => {
  const { url } = await stage(t, {
    pages: shop.pages,
    answer: (request, response) =>
      request.url.endsWith("/encoder.wasm") &&
      Boolean(response.writeHead(404).end()),
  });
  const page = await open(await shop.visitor(t), url);
  await encoder(page, "failed");
  await ranks(page);
});

test("a patched encoder module is refused in its worker: the table ranks alone", async (t) => {
  const bytes = await readFile(join(PACKAGE, "wasm/encoder.wasm"));
  bytes[bytes.length - 1] ^= 1;
  const { url } = await stage(t, {
    pages: shop.pages,
    answer: (request, response) =>
      request.url.endsWith("/encoder.wasm") && Boolean(response.end(bytes)),
  });
  const page = await open(await shop.visitor(t), url);
  await encoder(page, "failed");
  await ranks(page);
  const errors = await page.evaluate(() => window.errors);
  assert.match(errors.join(), /encoder\.wasm is not the module/);
});

test("a frame that may store nothing and start no worker", async (t) => {
  // An origin of its own, which has no storage: what a sandbox without allow-same-origin means.
  const frame =
    '<!doctype html><iframe sandbox="allow-scripts" src="/page"></iframe>';
  const { url } = await stage(t, {
    pages: { ...shop.pages, "/framed": frame },
    headers: () => ({ "access-control-allow-origin": "*" }),
  });
  const page = await (await shop.visitor(t)).newPage();
  await page.goto(`${url}/framed`);
  const inner = await until("a frame", () =>
    page.frames().find((one) => one.url().endsWith("/page")),
  );
  await inner.waitForFunction(() => window.vitrine);
  await inner.evaluate(() => window.vitrine.consent("granted"));
  await ranks(inner);
  await encoder(inner, "ready");
  const known = await inspect(inner);
  assert.equal(known.storage, "memory");
  assert.equal(known.session.length, 1);
  assert.deepEqual(page.workers(), []);
});

test("Global Privacy Control refuses upload, whatever was answered", async (t) => {
  const { url, requests } = await stage(t, { pages: shop.pages });
  const visitor = await shop.visitor(t);
  // Chromium has no switch for it; other browsers set the same property.
  await visitor.addInitScript(() =>
    Object.defineProperty(Navigator.prototype, "globalPrivacyControl", {
      get: () => true,
    }),
  );
  const page = await open(visitor, url, { consent: "granted" });
  await ranks(page);
  await track(page, shop.ids.slice(0, 6));
  const known = await inspect(page);
  assert.equal(known.globalPrivacyControl, true);
  assert.deepEqual(known.reports, []);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(posted(requests), []);
});

test("an endpoint of another origin: no cookie, no referrer, and single counts arrive", async (t) => {
  const { url } = await stage(t, { pages: shop.pages, bundle: false });
  const server = await serve(await scratch(t), { store: FIXTURE });
  t.after(() => server.stop());
  const visitor = await shop.visitor(t);
  await visitor.addCookies([
    { name: "visitor", value: "known", url: server.url },
  ]);
  const log = record(visitor);
  const page = await open(visitor, url, { endpoint: server.url });
  await ranks(page);
  await encoder(page, "ready");
  const quiet = (await log()).filter((request) =>
    request.url.startsWith(server.url),
  );
  assert.ok(quiet.length >= 5);
  assert.ok(
    !quiet.some((request) =>
      shop.ids.some((id) => JSON.stringify(request).includes(id)),
    ),
  );

  await page.evaluate(() => window.vitrine.consent("granted"));
  await track(page, shop.ids.slice(0, 4));
  const sent = await until("reports that arrived", async () => {
    const { reports } = await inspect(page);
    return (
      reports.length > 0 &&
      reports.every(({ state }) => state === "sent") &&
      reports
    );
  });
  const all = (await log()).filter((request) =>
    request.url.startsWith(server.url),
  );
  assert.equal(
    all.filter(({ method }) => method === "POST").length,
    sent.length,
  );
  for (const { headers } of all) {
    assert.equal(headers.cookie, undefined);
    assert.equal(headers.referer, undefined);
  }
});
