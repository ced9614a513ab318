/**
 * A large catalogue, a real server, a real browser: the native ranker's scores to the bit, from a
 * small part of the bundle.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { largeVisit } from './support/large.mjs';
import { scratch, serve } from './support/programs.mjs';
import { largeCatalogue } from './support/shop.mjs';
import { stage } from './support/stage.mjs';

const ITEMS = 51_000;

test('a page ranks what it names of a large catalogue, over another origin', async (t) => {
  const folder = await scratch(t);
  const { session, listing, ranked } = await largeCatalogue(ITEMS, folder);
  const server = await serve(folder, { store: join(folder, 'store') });
  t.after(() => server.stop());
  const { url } = await stage(t, {
    pages: { '/page': '<!doctype html><title>a page</title>' },
    bundle: false,
  });

  const found = await largeVisit({ page: url, endpoint: server.url, session, listing });
  assert.equal(ranked.length, 500);
  assert.deepEqual(found.ranked, ranked);
  assert.equal(found.shelfStatus, 'ranked');
  assert.equal(found.shelf.length, 20);
  assert.ok(found.shelf.every((id) => !session.includes(id)));
  t.diagnostic(
    `${found.listed.data} bytes in ${found.listed.requests} requests for 500 of ${ITEMS} items`,
  );
  // Eleven megabytes lie on the server.
  assert.ok(found.listed.data < 2_000_000, `${found.listed.data} bytes`);
});
