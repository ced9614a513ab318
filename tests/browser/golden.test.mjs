/**
 * The browser's modules answer as the native ones do, session by session.
 *
 * Native: `vitrine-golden`, over the crates that train and evaluate. Browser: the built wasm
 * modules in a real Chromium, over the same bundle. The table's scores must be equal bit for bit;
 * the encoder's query may differ by 1e-4, and its lists where scores are no further apart.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { launch } from "./support/browser.mjs";
import { PACKAGE, run, scratch } from "./support/programs.mjs";
import { smallShop, TABLE, train } from "./support/shop.mjs";
import { stage } from "./support/stage.mjs";

const TOLERANCE = 1e-4;
const SESSIONS = 1000;

/** Replays the golden sessions in the page; runs there. */
async function replay({ base, encoder, tolerance }) {
  const bytes = async (path) =>
    new Uint8Array(await (await fetch(`${base}/${path}`)).arrayBuffer());
  const number = (pattern) =>
    new Float32Array(new Uint32Array([pattern]).buffer)[0];
  const ranking = await import(`${base}/wasm/ranker.js`);
  await ranking.default({ module_or_path: await bytes("wasm/ranker.wasm") });
  const manifest = new ranking.Manifest(await bytes("bundle/manifest.json"));
  const opening = new ranking.Opening(manifest);
  for (const name of ["tables.safetensors", "items.fst", "facets.json"]) {
    opening.push(name, await bytes(`bundle/${name}`));
    while (!opening.read(name));
  }
  const ranker = opening.finish();
  let network;
  if (encoder) {
    const encoding = await import(`${base}/wasm/encoder.js`);
    await encoding.default({
      module_or_path: await bytes("wasm/encoder.wasm"),
    });
    const onnx = await bytes("bundle/encoder.onnx");
    const check = manifest.check("encoder.onnx");
    check.push(onnx);
    check.finish();
    const { dim } = (await (await fetch(`${base}/bundle/manifest.json`)).json())
      .model;
    network = new encoding.Encoder(onnx, dim + 3);
  }
  const golden = await (await fetch(`${base}/made/golden.json`)).json();

  const wrong = [];
  const found = { sessions: 0, scores: 0, queries: 0, furthest: 0, swapped: 0 };
  const same = (what, at, mine, theirs) => {
    found.scores += theirs.length;
    if (JSON.stringify(mine) !== JSON.stringify(theirs))
      wrong.push({ what, at, mine, theirs });
  };
  const best = (filter, exclude) => {
    const packed = ranker.recommend(
      20,
      JSON.stringify(filter),
      exclude.join("\n"),
    );
    const patterns = packed.subarray(packed.length / 2);
    return Array.from(patterns, (bits, at) => [ranker.id(packed[at]), bits]);
  };

  for (const [at, session] of golden.sessions.entries()) {
    ranker.clear();
    for (const [item, action] of session.events)
      ranker.track(item, action, 1_000_000);
    same("top", at, best({}, []), session.top);
    const own = session.events.map(([item]) => item);
    same(
      "narrowed",
      at,
      best({ in_stock: true }, own),
      session.narrowed,
    );
    const ranked = ranker.rank(session.list.join("\n"));
    const n = session.list.length;
    const pairs = Array.from({ length: n }, (_, place) => [
      ranked[place],
      ranked[n + place],
    ]);
    same("ranked", at, pairs, session.ranked);
    found.sessions += 1;

    const input = ranker.encoderInput();
    if (network === undefined || session.query === undefined) {
      if (network !== undefined && input.length > 0)
        wrong.push({ what: "no query", at });
      continue;
    }
    const query = network.encode(input);
    found.queries += 1;
    const gaps = session.query.map((value, place) =>
      Math.abs(value - query[place]),
    );
    const gap =
      query.length === session.query.length ? Math.max(...gaps) : Infinity;
    found.furthest = Math.max(found.furthest, gap);
    if (!(gap <= tolerance)) wrong.push({ what: "query", at, gap });
    ranker.setQuery(query);
    const fused = best({}, []);
    const native = session.fused.map(([id, pattern]) => [id, number(pattern)]);
    const last = native.at(-1)?.[1] ?? 0;
    for (const [place, [id, pattern]] of fused.entries()) {
      const score = number(pattern);
      const [theirs, wanted] = native[place] ?? [];
      if (theirs === id && Math.abs(score - wanted) <= tolerance) continue;
      // Another item may stand here only where the native scores are as good as equal.
      const there = native.find(([other]) => other === id)?.[1] ?? last;
      if (
        Math.abs(there - wanted) <= tolerance &&
        Math.abs(score - there) <= tolerance
      ) {
        found.swapped += 1;
      } else
        wrong.push({ what: "fused", at, place, id, score, theirs, wanted });
    }
  }
  return {
    found,
    wrong: wrong.slice(0, 3),
    wrongs: wrong.length,
    dataset: golden.dataset,
  };
}

/** Compares the browser with the native ranker over one bundle and one prepared history. */
async function compare(t, folder, bundle, data) {
  const golden = join(folder, "golden.json");
  await run("vitrine-golden", [
    ...[
      "--bundle",
      bundle,
      "--data",
      data,
      "--sessions",
      SESSIONS,
      "--out",
      golden,
    ],
  ]);
  const { url: base } = await stage(t, {
    folders: {
      "/wasm/": join(PACKAGE, "wasm"),
      "/bundle/": bundle,
      "/made/": folder,
    },
    pages: { "/": "<!doctype html><title>empty</title>" },
    bundle: false,
  });
  const browser = await launch(t);
  const page = await browser.newPage();
  await page.goto(`${base}/`);
  const encoder = existsSync(join(bundle, "encoder.onnx"));
  const seen = await page.evaluate(replay, {
    base,
    encoder,
    tolerance: TOLERANCE,
  });
  t.diagnostic(`${seen.dataset}: ${JSON.stringify(seen.found)}`);
  assert.deepEqual(seen.wrong, [], `${seen.wrongs} answers differ`);
  assert.equal(seen.found.sessions, SESSIONS);
  return seen.found;
}

test(
  "table and encoder of a simulated shop",
  { timeout: 600_000 },
  async (t) => {
    const shop = await smallShop();
    const folder = await scratch(t);
    const found = await compare(
      t,
      folder,
      join(shop, "run/bundle"),
      join(shop, "data"),
    );
    assert.ok(found.queries > 0.9 * SESSIONS, "the bundle has no encoder");
  },
);

test("table and encoder of a real shop", { timeout: 1_200_000 }, async (t) => {
  const source = join(process.env.VITRINE_DATA ?? "", "retailrocket");
  if (!process.env.VITRINE_DATA || !existsSync(source)) {
    t.skip(
      "real sessions: VITRINE_DATA does not name the folder of public data sets",
    );
    return;
  }
  const folder = await scratch(t);
  const at = (name) => join(folder, name);
  await run("vitrine", [
    ...[
      "prepare",
      "--events",
      source,
      "--preset",
      "vitrine",
      "--out",
      at("data"),
    ],
  ]);
  // Less than this adds nothing to so good a table, and is not shipped.
  const encoder = "[encoder]\ndim = 48\nhidden = 64\nepochs = 2\n";
  await writeFile(at("recipe.toml"), `seed = 1\n${TABLE}${encoder}`);
  await train(at("data"), at("recipe.toml"), at("run"));
  const found = await compare(t, folder, at("run/bundle"), at("data"));
  assert.ok(found.queries > 0.9 * SESSIONS, "the bundle has no encoder");
});
