import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readTensors, writeTensors } from '../../../benches/web/safetensors.mjs';
import initialise, { Manifest, Opening } from '../wasm/ranker.js';
import { catalogue, ids, manifest } from './shop.js';

const at = (path) => new URL(path, import.meta.url);
const file = (name) => readFile(at(`../../fixture/bundles/${manifest.files[name].sha256}`));
await initialise({ module_or_path: await readFile(at('../wasm/ranker.wasm')) });

const { fround } = Math;
let state = 7;
const below = (n) => (state = (state * 48_271) % 2_147_483_647) % n;

/** The fixture with random vectors of another width, and its units and scale. */
async function widened(dim) {
  const N = ids.length;
  const tensors = readTensors(await file('tables.safetensors'));
  const units = Int8Array.from({ length: N * dim }, () => below(256) - 128);
  tensors.set('items', { dtype: 'I8', shape: [N, dim], bytes: new Uint8Array(units.buffer) });
  // 2⁻⁷ as a bfloat16.
  const halves = new Uint16Array(N).fill(0x3c00);
  tensors.set('item_scale', { dtype: 'BF16', shape: [N], bytes: new Uint8Array(halves.buffer) });
  const fusion = new Float32Array(Uint8Array.from(tensors.get('fusion').bytes).buffer);
  fusion[0] = 0.25;
  const bytes = new Uint8Array(fusion.buffer);
  tensors.set('fusion', { dtype: 'F32', shape: [fusion.length], bytes });
  const tables = writeTensors(tensors);
  const sha256 = createHash('sha256').update(tables).digest('hex');
  const changed = {
    ...manifest,
    model: { ...manifest.model, dim },
    files: { ...manifest.files, 'tables.safetensors': { sha256, bytes: tables.length } },
  };
  const opening = new Opening(new Manifest(Buffer.from(JSON.stringify(changed))));
  const [items, facets] = [await file('items.fst'), await file('facets.json')];
  const files = { 'tables.safetensors': tables, 'items.fst': items, 'facets.json': facets };
  for (const [name, bytes] of Object.entries(files)) {
    opening.push(name, bytes);
    while (!opening.read(name));
  }
  return { ranker: opening.finish(), units };
}

/** The ids of the best. */
function best(ranker, n, filter = '', exclude = '') {
  const packed = ranker.recommend(n, filter, exclude);
  return Array.from(packed.subarray(0, packed.length / 2), (row) => ranker.id(row));
}

// Widths with a rest, below and above one load of the SIMD loop, and beyond what an i32 holds.
for (const dim of [1, 7, 8, 19, 64, 512, 600]) {
  test(`vectors of width ${dim}: the scan is exact and finds what scoring every row finds`, async () => {
    const { ranker, units } = await widened(dim);
    // The ids in the order of the rows; the fixture's ids are plain ASCII.
    const rows = [...ids].sort();
    for (let visit = 0; visit < 5; visit += 1) {
      ranker.clear();
      for (let event = 0; event < 3; event += 1) ranker.track(ids[below(ids.length)], 0, 1_000_000);
      // The largest is 1, so that a unit of the query is 1 / 32,767 and all are given exactly.
      const query = Int16Array.from({ length: dim }, () => below(65_535) - 32_767);
      query[0] = 32_767;
      ranker.setQuery(Float32Array.from(query, (unit) => fround(unit * fround(1 / 32_767))));

      const ranked = ranker.rank(rows.join('\n'));
      const every = Array.from(ranked.subarray(0, rows.length), (place) => rows[place]);
      for (const n of [1, 20, rows.length]) {
        assert.deepEqual(best(ranker, n), every.slice(0, n));
      }
      const inStock = new Map(catalogue.items.map((item) => [item.id, item.in_stock]));
      assert.deepEqual(
        best(ranker, 20, '{"in_stock":true}', every[0]),
        every.filter((id, place) => place > 0 && inStock.get(id)).slice(0, 20),
      );

      const row = below(rows.length);
      let total = 0;
      for (let d = 0; d < dim; d += 1) total += query[d] * units[row * dim + d];
      const dot = fround(fround(total) * fround(fround(1 / 32_767) * 2 ** -7));
      assert.equal(fround(JSON.parse(ranker.explain(rows[row])).terms.encoder), fround(0.25 * dot));
    }
  });
}
