/**
 * `<vitrine-shelf>` over the markup that shops have: cards in a grid's columns, advertisements and
 * headings between them, cards that come later, ids that are numbers.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { launch } from "./support/browser.mjs";
import { until } from "./support/programs.mjs";
import { arranged, ids, ITEMS, open as openPage } from "./support/shelf.mjs";
import { FIXTURE } from "./support/stage.mjs";

const OWN = ITEMS.slice(0, 12).map(({ id }) => id);

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const open = (t, body, options) => openPage(t, browser, body, options);
const card = (id) =>
  `<article data-item="${id}"><a href="/${id}">${id}</a></article>`;
const cards = (all = OWN, make = card) => all.map(make).join("");

/** The elements of the shelf as a list of tags, cards by their id; `depth` levels of it. */
const outline = (page, selector) =>
  page.locator(selector).evaluate((list) =>
    [...list.children].map((one) => {
      const found = one.matches("[data-item]")
        ? [one]
        : [...one.querySelectorAll("[data-item]")];
      return found.length > 0
        ? found.map(({ dataset }) => dataset.item).join("+")
        : `<${one.localName}>${one.textContent.trim()}`;
    }),
  );

/** After a view of `viewed`, or of the last item, the order must be another one. */
async function moves(page, viewed) {
  const before = await ids(page);
  await page.evaluate(
    (item) => window.vitrine.track({ item }),
    viewed ?? before.at(-1),
  );
  await until(
    "another order",
    async () => (await ids(page)).join() !== before.join(),
  );
  assert.deepEqual([...(await ids(page))].sort(), [...before].sort());
}

for (const [name, wrap] of Object.entries({
  "a column": (id) => `<div class="col">${card(id)}</div>`,
  "a link in a column": (id) =>
    `<div class="col"><a href="/${id}"><div class="card" data-item="${id}">${id}</div></a></div>`,
  "a list's entry": (id) => `<li><div class="inner">${card(id)}</div></li>`,
})) {
  test(`cards that each stand in ${name} take it with them`, async (t) => {
    const page = await open(
      t,
      `<vitrine-shelf><h2>For you</h2><div class="grid"><div class="row g-3">${cards(OWN, wrap)}</div></div></vitrine-shelf>`,
    );
    await arranged(page, "ranked");
    const shown = await outline(page, ".row");
    assert.deepEqual(shown, await ids(page));
    assert.deepEqual([...shown].sort(), [...OWN].sort());
    assert.notDeepEqual(shown, OWN);
    await moves(page);
    assert.deepEqual(await outline(page, ".row"), await ids(page));
    assert.equal(await page.locator(".row > *").count(), OWN.length);
    assert.deepEqual(page.warnings, []);
  });
}

test("the rows of a table are moved whole", async (t) => {
  const rows = cards(
    OWN,
    (id) => `<tr><td>x</td><td data-item="${id}">${id}</td></tr>`,
  );
  const page = await open(
    t,
    `<vitrine-shelf><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>${rows}</tbody></table></vitrine-shelf>`,
  );
  await arranged(page, "ranked");
  await moves(page);
  assert.equal(await page.locator("tbody > tr").count(), OWN.length);
  assert.equal(await page.locator("tr > td:first-child").count(), OWN.length);
});

for (const [name, body] of Object.entries({
  "two cards share a column": `<div class="row">${cards(OWN.slice(0, 10))}<div class="col">${cards(OWN.slice(10))}</div></div>`,
  "there are two rows": `<ul>${cards(OWN.slice(0, 6))}</ul><h3>More</h3><ul>${cards(OWN.slice(6))}</ul>`,
  "one card stands outside": `${card(OWN[0])}<section><div class="grid">${cards(OWN.slice(1))}</div></section>`,
})) {
  test(`nothing moves where ${name}, and the console says so`, async (t) => {
    const page = await open(
      t,
      `<vitrine-shelf label="Mugs">${body}</vitrine-shelf>`,
    );
    const before = await page.locator("vitrine-shelf").innerHTML();
    await arranged(page, "fallback");
    assert.equal(await page.locator("vitrine-shelf").innerHTML(), before);
    assert.deepEqual(await page.evaluate(() => window.arranged.at(-1)), {
      status: "fallback",
      reason: "failed",
      ids: OWN,
    });
    assert.equal(page.warnings.length, 1);
    assert.match(
      page.warnings[0],
      /<vitrine-shelf label="Mugs">: the items are not side by side, so none is moved/,
    );
  });
}

test("headings, advertisements, texts and buttons between cards keep their places", async (t) => {
  const body = `<h2>Mugs</h2>${cards(OWN.slice(0, 4))}<aside>advertisement</aside>${cards(OWN.slice(4, 9))}
    a text<p>a note</p>${cards(OWN.slice(9))}<button>more</button>`;
  const page = await open(
    t,
    `<vitrine-shelf tabindex="-1"><div class="grid" tabindex="-1">${body}</div></vitrine-shelf>`,
  );
  await arranged(page, "ranked");
  const others = async () =>
    (await outline(page, ".grid")).map((one) =>
      one.startsWith("<") ? one : ".",
    );
  const expected = [
    "<h2>Mugs",
    ...Array(4).fill("."),
    "<aside>advertisement",
    ...Array(5).fill("."),
    "<p>a note",
    ...Array(3).fill("."),
    "<button>more",
  ];
  assert.deepEqual(await others(), expected);
  assert.notDeepEqual(await ids(page), OWN);
  await moves(page);
  assert.deepEqual(await others(), expected);
  assert.equal(await page.locator(".grid").getAttribute("tabindex"), "-1");
  const shown = await ids(page);
  await page
    .locator("vitrine-shelf")
    .evaluate((shelf) => shelf.setAttribute("n", "6"));
  await until("six", async () => (await ids(page)).length === 6);
  assert.deepEqual(await ids(page), shown.slice(0, 6));
  assert.deepEqual(
    (await others()).filter((one) => one !== "."),
    expected.filter((one) => one !== "."),
  );
  await page
    .locator("vitrine-shelf")
    .evaluate((shelf) => shelf.removeAttribute("n"));
  await until("all", async () => (await ids(page)).length === OWN.length);
  assert.equal((await outline(page, ".grid")).at(-1), "<button>more");
});

test("what is inside a card is the card's own: lists, items, templates, data", async (t) => {
  const make = (
    id,
  ) => `<li data-item="${id}"><ul><li data-item="${id}-red">red</li><li data-item="">blue</li></ul>
    <template><b>a card's own</b></template><script type="application/json">{"id": 1}</script></li>`;
  const page = await open(
    t,
    `<vitrine-shelf><nav><ul><li>a filter</li></ul></nav><ul class="all">${cards(OWN, make)}</ul></vitrine-shelf>`,
  );
  await arranged(page, "ranked");
  const shown = await page
    .locator(".all > li")
    .evaluateAll((all) => all.map((one) => one.dataset.item));
  assert.notDeepEqual(shown, OWN);
  assert.deepEqual([...shown].sort(), [...OWN].sort());
  for (const [at, id] of shown.entries()) {
    const inside = page.locator(".all > li").nth(at).locator("ul > li");
    assert.equal(await inside.first().getAttribute("data-item"), `${id}-red`);
    assert.equal(await inside.count(), 2);
  }
  assert.equal(await page.locator("nav li").count(), 1);
  assert.deepEqual(page.warnings, []);
});

test("a template's items go into a list of their own where the page's lists are full", async (t) => {
  const page = await open(
    t,
    `<vitrine-shelf><nav><ul class="filters"><li>a filter</li></ul></nav><template><b data-vitrine="text:title"></b></template>
     <script type="application/json">${JSON.stringify(ITEMS.slice(0, 5))}</script></vitrine-shelf>`,
  );
  await arranged(page, "ranked");
  assert.equal(await page.locator(".filters > li").count(), 1);
  assert.equal(await page.locator("ul[role=list] > li").count(), 5);
});

test("cards that come later are ranked too, and the shelf's own moves are no change", async (t) => {
  const wrap = (id) => `<div class="col">${card(id)}</div>`;
  const page = await open(
    t,
    `<vitrine-shelf><div class="row">${cards(OWN.slice(0, 4), wrap)}</div><button>more</button></vitrine-shelf>`,
  );
  await arranged(page, "ranked");
  const add = (fresh) =>
    page.locator(".row").evaluate(
      (row, fresh) =>
        fresh.forEach((id) => {
          const col = row.firstElementChild.cloneNode(true);
          col.firstElementChild.dataset.item = id;
          row.append(col);
        }),
      fresh,
    );
  const expected = async (all) =>
    page.evaluate(async (all) => (await window.vitrine.rank(all)).items, all);
  for (const upTo of [8, 12]) {
    await add(OWN.slice(upTo - 4, upTo));
    const wanted = await expected(OWN.slice(0, upTo));
    await until(
      "the new order",
      async () => (await ids(page)).join() === wanted.join(),
    );
    assert.deepEqual(await outline(page, ".row"), wanted);
  }
  const arrangements = await page.evaluate(() => window.arranged.length);
  await page.waitForTimeout(300);
  assert.equal(
    await page.evaluate(() => window.arranged.length),
    arrangements,
    "it comes to rest",
  );
  // A card that the page takes away stays away; one whose id changes is another one.
  await page
    .locator(`.col:has([data-item="${OWN[2]}"])`)
    .evaluate((col) => col.remove());
  await until(
    "one less",
    async () =>
      (await page.evaluate(() => window.arranged.at(-1).ids.length)) === 11,
  );
  await page
    .locator(`[data-item="${OWN[3]}"]`)
    .evaluate((one) => (one.dataset.item = "new"));
  await until(
    "the other id",
    async () =>
      (await page.evaluate(() => window.arranged.at(-1).ids)).at(-1) === "new",
  );
  await moves(page, OWN[7]);
  assert.equal((await ids(page)).includes(OWN[2]), false);
  assert.deepEqual(page.warnings, []);
});

test("an empty shelf that is filled later is ranked", async (t) => {
  const page = await open(t, `<vitrine-shelf></vitrine-shelf>`);
  await page.locator("vitrine-shelf[status]").waitFor({ state: "attached" });
  await page.locator("vitrine-shelf").evaluate((shelf, all) => {
    const list = document.createElement("ul");
    for (const id of all) {
      const one = document.createElement("li");
      one.dataset.item = id;
      one.textContent = id;
      list.append(one);
    }
    shelf.append(list);
  }, OWN);
  await until("an order", async () => {
    const shown = await ids(page);
    return shown.length === OWN.length && shown.join() !== OWN.join();
  });
});

test("a page that exchanges all cards gets none of the old ones back", async (t) => {
  const page = await open(
    t,
    `<vitrine-shelf n="4"><ul>${cards(OWN.slice(0, 6), (id) => `<li data-item="${id}">${id}</li>`)}</ul></vitrine-shelf>`,
  );
  await arranged(page, "ranked");
  assert.equal((await ids(page)).length, 4);
  await page.locator("ul").evaluate((list, all) => {
    list.replaceChildren(
      ...all.map((id) => {
        const one = document.createElement("li");
        one.dataset.item = id;
        return one;
      }),
    );
  }, OWN.slice(6));
  await until("the new ones", async () =>
    (await page.evaluate(() => window.arranged.at(-1).ids)).every((id) =>
      OWN.slice(6).includes(id),
    ),
  );
  await page
    .locator("vitrine-shelf")
    .evaluate((shelf) => shelf.removeAttribute("n"));
  await until("all of them", async () => (await ids(page)).length === 6);
  assert.deepEqual([...(await ids(page))].sort(), OWN.slice(6).sort());
});

test("two cards of one item both stay", async (t) => {
  const page = await open(
    t,
    `<vitrine-shelf><ul>${cards([...OWN, OWN[0]], (id) => `<li data-item="${id}">${id}</li>`)}</ul></vitrine-shelf>`,
  );
  await arranged(page, "ranked");
  await moves(page);
  assert.equal((await ids(page)).length, OWN.length + 1);
});

/** The bundle whose ids are 1001 to 1240. */
const numbered = async (request, response) => {
  if (request.url !== "/manifest.json") return false;
  response.setHeader("content-type", "application/json");
  response.end(await readFile(join(FIXTURE, "numbered.json")));
  return true;
};
const NUMBERS = Array.from({ length: 12 }, (_, at) => 1001 + 10 * at);

test("items with numbers for ids are shown, ranked and excluded", async (t) => {
  const data = NUMBERS.map((id) => ({ id, title: `item ${id}` }));
  const page = await open(
    t,
    `<vitrine-shelf exclude="1011"><template><b data-vitrine="text:title"></b></template>
     <script type="application/json">${JSON.stringify(data)}</script></vitrine-shelf>`,
    { answer: numbered },
  );
  await arranged(page, "ranked");
  const wanted = NUMBERS.filter((id) => id !== 1011).map(String);
  assert.deepEqual([...(await ids(page))].sort(), wanted.sort());
  await moves(page, 1101);
  await page.locator("vitrine-shelf").evaluate(
    (shelf, items) => {
      shelf.getId = ({ sku }) => sku;
      shelf.items = items;
    },
    NUMBERS.slice(0, 5).map((sku) => ({ sku, title: `sku ${sku}` })),
  );
  await until("five less one", async () => (await ids(page)).length === 4);
  assert.match(
    await page.locator("vitrine-shelf li").first().textContent(),
    /^sku 1/,
  );
  assert.deepEqual(page.warnings, []);
});

test("items with numbers order the cards that the server wrote", async (t) => {
  const page = await open(
    t,
    `<vitrine-shelf><ul>${cards(NUMBERS, (id) => `<li data-item="${id}">${id}</li>`)}</ul></vitrine-shelf>`,
    {
      answer: numbered,
      early: `document.querySelector('vitrine-shelf').items = ${JSON.stringify(NUMBERS.map((id) => ({ id })))};`,
    },
  );
  await arranged(page, "ranked");
  assert.equal((await ids(page)).length, NUMBERS.length);
  await moves(page);
});

test("a shelf that had items never ends empty", async (t) => {
  const list = `<ul>${cards(OWN, (id) => `<li data-item="${id}">${id}</li>`)}</ul>`;
  const shelf = (more) =>
    open(t, `<vitrine-shelf>${list}</vitrine-shelf>`, more);
  const set = (code) => ({
    early: `const shelf = document.querySelector('vitrine-shelf'); ${code}`,
  });
  for (const [more, warning] of [
    [
      set(`shelf.items = [{ id: 'other' }, { id: 7 }];`),
      /2 of 14 items have neither an element/,
    ],
    [set(`shelf.items = [{ sku: 'a' }];`), /1 of 1 items have no id/],
    [set(`shelf.items = undefined;`)],
    [
      set(`shelf.lookup = () => undefined;`),
      /none of the 10 recommended items can be shown/,
    ],
    [
      set(`shelf.lookup = () => { throw new Error('of the page') };`),
      /'lookup' failed: Error: of the page/,
    ],
  ]) {
    const page = await shelf(more);
    await arranged(page, "ranked");
    assert.deepEqual([...(await ids(page))].sort(), [...OWN].sort());
    if (warning) assert.match(page.warnings.join("\n"), warning);
    else assert.deepEqual(page.warnings, []);
  }
  for (const json of ["{", '{"id": 1}']) {
    const page = await open(
      t,
      `<vitrine-shelf>${list}<script type="application/json">${json}</script></vitrine-shelf>`,
    );
    await arranged(page, "ranked");
    assert.equal((await ids(page)).length, OWN.length);
    assert.match(page.warnings[0], /the JSON inside/);
  }
});
