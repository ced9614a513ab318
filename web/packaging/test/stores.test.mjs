/** The installed package's instance, in the stores that pages put things into. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { produce } from 'immer';
import { autorun, makeAutoObservable, observable, runInAction } from 'mobx';
import { createPinia, defineStore, setActivePinia } from 'pinia';
import { FIXTURE } from '../../../tests/browser/support/stage.mjs';
import { install } from './support/install.mjs';

let createVitrine;
let ids;
before(async () => {
  const { folder } = await install();
  ({ createVitrine } = await import(pathToFileURL(join(folder, 'dist/index.js'))));
  const { items } = JSON.parse(await readFile(join(FIXTURE, 'catalogue.json'), 'utf8'));
  ids = items.map(({ id }) => id);
});

/** The fixture's bundle and the package's modules. */
async function shop(input) {
  const url = new URL(String(input));
  const path = url.protocol === 'file:' ? fileURLToPath(url) : join(FIXTURE, url.pathname);
  return new Response(await readFile(path));
}

class MobxStore {
  vitrine;
  constructor(vitrine) {
    this.vitrine = vitrine;
    makeAutoObservable(this);
  }
}

const PLACES = {
  'a Pinia store of options': (vitrine) => {
    setActivePinia(createPinia());
    return defineStore('shop', { state: () => ({ vitrine, deep: { vitrine } }) })().deep.vitrine;
  },
  'a Pinia store of a setup function': (vitrine) => {
    setActivePinia(createPinia());
    return defineStore('shop', () => ({ vitrine }))().vitrine;
  },
  'MobX’s observable': (vitrine) => observable({ deep: { vitrine } }).deep.vitrine,
  'MobX’s makeAutoObservable': (vitrine) => new MobxStore(vitrine).vitrine,
  'MobX’s box, set in an action': (vitrine) => {
    const box = observable.box();
    runInAction(() => box.set(vitrine));
    let seen;
    autorun(() => (seen = box.get()));
    return seen;
  },
  'immer’s state, which is frozen': (vitrine) =>
    produce({ deep: {} }, (draft) => {
      draft.deep.vitrine = vitrine;
      draft.deep.vitrine.track({ item: ids[9] });
    }).deep.vitrine,
  'a draft of immer’s': (vitrine) => {
    produce({ vitrine }, (draft) => draft.vitrine.track({ item: ids[9] }));
    return vitrine;
  },
};

for (const [name, put] of Object.entries(PLACES)) {
  test(`an instance does its work in ${name}`, async (t) => {
    const errors = [];
    const vitrine = put(
      createVitrine({
        ...{ endpoint: 'https://shop.example', fetch: shop, timeout: 5_000, encoder: false },
        onError: (error) => errors.push(error.message),
      }),
    );
    t.after(() => vitrine.dispose());
    vitrine.track({ item: ids[0] });
    assert.equal((await vitrine.ready).status, 'ranked');
    assert.equal(vitrine.status, 'ready');
    const { items, status } = await vitrine.rank(ids);
    assert.deepEqual([status, items.length], ['ranked', ids.length]);
    const { rank } = vitrine;
    assert.deepEqual((await rank(ids)).items, items);
    assert.ok((await vitrine.inspect()).session.some(({ item }) => item === ids[0]));
    await vitrine.forget();
    assert.deepEqual(errors, []);
  });
}
