import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, manifest, options, Shop } from './shop.js';

// In a file of its own: the module is compiled once for the page, so only the first load tells.

/** A shop whose module is answered by `module`. */
function shopWith(module) {
  const shop = new Shop();
  const errors = [];
  const fetch = (input, init) =>
    String(input).endsWith('ranker.wasm') ? module(shop, input, init) : shop.fetch(input, init);
  const more = { fetch, onError: (error) => errors.push(error.reason) };
  return { shop, errors, vitrine: createVitrine(options(shop, more)) };
}

test('a module that is refused is what the page is told, whatever was asked for', async () => {
  const broken = shopWith(async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return new Response(new Uint8Array(100));
  });
  assert.equal((await broken.vitrine.rank(ids)).reason, 'refused');
  assert.deepEqual(broken.errors, ['refused']);
  broken.vitrine.dispose();
});

test('where WebAssembly cannot be run, neither the module nor a file is asked for', async () => {
  const { Module } = WebAssembly;
  let asked = 0;
  WebAssembly.Module = class {
    constructor() {
      throw new WebAssembly.CompileError('refused by the policy of the page');
    }
  };
  try {
    const { vitrine, shop, errors } = shopWith(() => {
      asked += 1;
      return new Response();
    });
    assert.equal((await vitrine.rank(ids)).reason, 'unsupported');
    assert.deepEqual(errors, ['unsupported']);
    assert.equal(asked, 0);
    assert.ok(!shop.requests.some(({ path }) => path.startsWith('/bundles/')));
    vitrine.dispose();
  } finally {
    WebAssembly.Module = Module;
  }
});

test('the files of a bundle are asked for while the module is on its way', async () => {
  const tables = `/bundles/${manifest.files['tables.safetensors'].sha256}`;
  const { vitrine, errors } = shopWith(
    (shop, input, init) =>
      new Promise((resolve) => {
        const asked = shop.answers;
        asked.set(tables, () => {
          asked.delete(tables);
          resolve(shop.fetch(input, init));
          return shop.fetch(`https://shop.example${tables}`);
        });
      }),
  );
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  assert.deepEqual(errors, []);
  vitrine.dispose();
});
