/**
 * `<vitrine-shelf>` in a real page under Trusted Types: what is shown, and how it is reached by
 * keyboard and by a screen reader.
 */

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { launch } from "./support/browser.mjs";
import { until } from "./support/programs.mjs";
import { arranged, ids, ITEMS, open as openPage } from "./support/shelf.mjs";

const items = ITEMS.slice(0, 24);
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const open = (t, body, options) => openPage(t, browser, body, options);
const written = () =>
  items
    .map(
      ({ id, title }) =>
        `<li data-item="${id}"><a href="/${id}">${title}</a></li>`,
    )
    .join("");
const own = () => items.map(({ id }) => id);

test("what the server wrote is put in order where it stands", async (t) => {
  const page = await open(
    t,
    `<vitrine-shelf label="For you"><ul class="mine">${written()}</ul></vitrine-shelf>`,
  );
  await arranged(page, "ranked");
  const first = await ids(page);
  assert.notDeepEqual(first, own());
  assert.deepEqual([...first].sort(), [...own()].sort());
  await page.evaluate((item) => window.vitrine.track({ item }), own()[3]);
  await until(
    "another order",
    async () => (await ids(page)).join() !== first.join(),
  );
  assert.equal(await page.locator("ul.mine > li").count(), items.length);
  const told = await page.evaluate(() => window.arranged.at(-1));
  assert.deepEqual(told, {
    status: "ranked",
    version: 1,
    ids: await ids(page),
  });

  const region = page.getByRole("region", { name: "For you" });
  assert.equal(
    await region.getByRole("list").getByRole("listitem").count(),
    items.length,
  );
  assert.equal(await region.getByRole("list").getAttribute("aria-busy"), null);
});

test("nothing moves under the focus of a visitor", async (t) => {
  const page = await open(
    t,
    `<vitrine-shelf><ul>${written()}</ul></vitrine-shelf><button>on</button>`,
  );
  await arranged(page, "ranked");
  const first = await ids(page);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  const focused = () =>
    page.evaluate(() => document.activeElement?.closest("li")?.dataset.item);
  assert.equal(
    await focused(),
    first[1],
    "the focus goes in the order that is seen",
  );
  await page.evaluate((item) => window.vitrine.track({ item }), own()[3]);
  await page.evaluate(() => window.vitrine.rank(["x"]));
  await page.keyboard.press("Tab");
  assert.equal(await focused(), first[2]);
  assert.deepEqual(await ids(page), first);
  await page.locator("button").focus();
  await until(
    "another order",
    async () => (await ids(page)).join() !== first.join(),
  );
});

test("a screen reader is told of a named region with a list of links, in the order of the tab key", async (t) => {
  const data = items.slice(0, 8).map(({ id, title }) => ({
    id,
    title,
    url: `/${id}`,
  }));
  const page = await open(
    t,
    `<vitrine-shelf label="For you">
      <template><a data-vitrine="href:url text:title"></a></template>
      <script type="application/json">${JSON.stringify(data)}</script>
    </vitrine-shelf>`,
  );
  await arranged(page, "ranked");
  const shown = await ids(page);
  assert.notDeepEqual(
    shown,
    data.map(({ id }) => id),
  );
  const titles = shown.map((id) => data.find((item) => item.id === id).title);

  // Chromium's own tree, which it hands to assistive technology.
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const role = (node) => node.role.value;
  const below = (node, wanted) =>
    (node.childIds ?? [])
      .map((id) => byId.get(id))
      .flatMap((child) =>
        !child.ignored && role(child) === wanted
          ? [child]
          : below(child, wanted),
      );
  const root = nodes.find((node) => role(node) === "RootWebArea");
  const [region, ...others] = below(root, "region");
  assert.deepEqual([region.name.value, others.length], ["For you", 0]);
  const [list] = below(region, "list");
  const read = below(list, "listitem").map((item) =>
    below(item, "link").map((link) => link.name.value),
  );
  assert.deepEqual(
    read,
    titles.map((title) => [title]),
  );
  assert.ok(
    !list.properties.some(({ name, value }) => name === "busy" && value.value),
  );

  for (const title of titles) {
    await page.keyboard.press("Tab");
    assert.equal(
      await page.evaluate(() => document.activeElement.textContent),
      title,
    );
  }
});

test("a template is filled, and a catalogue is no code", async (t) => {
  const data = [
    { id: own()[0], title: "<b>Mug</b>", url: "/mug" },
    { id: own()[1], title: "Jug", url: "javascript:alert(1)" },
  ];
  const page = await open(
    t,
    `<vitrine-shelf label="For you" class="row">
      <template><a data-vitrine="href:url text:title onclick:url"></a></template>
      <script type="application/json">${JSON.stringify(data).replaceAll("<", "\\u003c")}</script>
    </vitrine-shelf>`,
  );
  await arranged(page, "ranked");
  const link = (id) => page.locator(`vitrine-shelf li[data-item="${id}"] a`);
  assert.equal(await link(own()[0]).textContent(), "<b>Mug</b>");
  assert.equal(await link(own()[0]).getAttribute("href"), "/mug");
  assert.equal(await link(own()[1]).getAttribute("href"), null);
  assert.equal(await link(own()[1]).getAttribute("onclick"), null);
  assert.equal(await page.locator('vitrine-shelf ul[role="list"]').count(), 1);
});

test("recommendations of the whole catalogue, in a row that the keyboard can scroll", async (t) => {
  const page = await open(
    t,
    `<vitrine-shelf label="For you" n="6" exclude="${own()[0]}" class="row">
      <template><li><a data-vitrine="href:url text:title"></a></li></template>
    </vitrine-shelf>`,
    // Before the element is known, as a script of the page may well be.
    {
      early: `document.querySelector('vitrine-shelf').lookup = (id) =>
        ({ id, title: 'Item ' + id, url: '/' + id });`,
    },
  );
  await arranged(page, "ranked");
  const shown = await ids(page);
  assert.equal(shown.length, 6);
  assert.ok(!shown.includes(own()[0]));
  assert.equal(await page.locator("vitrine-shelf li li").count(), 0);
  assert.equal(
    await page.locator("vitrine-shelf a").first().textContent(),
    `Item ${shown[0]}`,
  );
  assert.equal(
    await page.locator("vitrine-shelf ul").getAttribute("tabindex"),
    "0",
  );
  await page.evaluate(() =>
    document.querySelector("vitrine-shelf").setAttribute("n", "3"),
  );
  await until("three", async () => (await ids(page)).length === 3);
});

test("without a model the shop’s order stands", async (t) => {
  const page = await open(
    t,
    `<vitrine-shelf n="5"><ol>${written()}</ol></vitrine-shelf>`,
    {
      answer: (request, response) =>
        request.url === "/manifest.json" &&
        Boolean(response.writeHead(503).end()),
    },
  );
  await arranged(page, "fallback");
  assert.deepEqual(await ids(page), own().slice(0, 5));
});
