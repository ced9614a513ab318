/**
 * Pages with a `<vitrine-shelf>`, under Trusted Types.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { FIXTURE, stage } from "./stage.mjs";

const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; require-trusted-types-for 'script'; object-src 'none'";
const SCRIPT = `import { createVitrine } from '/vitrine/dist/index.js';
import { defineVitrineShelf } from '/vitrine/dist/element.js';
window.vitrine = createVitrine({ timeout: 20_000, encoder: false });
window.arranged = [];
document.addEventListener('vitrine-arranged', ({ detail }) => window.arranged.push(detail));
defineVitrineShelf(window.vitrine);
`;

/** The items of the fixture's shop. */
export const ITEMS = JSON.parse(
  await readFile(join(FIXTURE, "catalogue.json"), "utf8"),
).items;

/**
 * A page with this body, and what the console was warned of; `early` runs in it before the element
 * is known.
 */
export async function open(
  t,
  browser,
  body,
  { early = "", answer, style = "" } = {},
) {
  const { url } = await stage(t, {
    pages: {
      "/page": `<!doctype html><title>a shelf</title><link rel="stylesheet" href="/page.css">
<script src="/early.js" defer></script><script type="module" src="/page.js"></script>${body}`,
      "/page.js": SCRIPT,
      "/early.js": early,
      "/page.css": `.row ul { display: flex; overflow-x: auto } .row li { flex: 0 0 20rem } ${style}`,
    },
    headers: () => ({ "content-security-policy": POLICY }),
    ...(answer && { answer }),
  });
  const page = await browser.newPage();
  t.after(() => page.close());
  const faults = [];
  const warnings = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "warning") warnings.push(message.text());
  });
  t.after(() => assert.deepEqual(faults, []));
  await page.goto(`${url}/page`);
  return Object.assign(page, { warnings });
}

/** The ids of the items that are shown, in their order. */
export const ids = (page) =>
  page
    .locator("vitrine-shelf [data-item]")
    .evaluateAll((all) => all.map((one) => one.dataset.item));

/** Waits for the shelf's `status`. */
export const arranged = (page, status) =>
  page
    .locator(`vitrine-shelf[status="${status}"]`)
    .waitFor({ timeout: 20_000 });
