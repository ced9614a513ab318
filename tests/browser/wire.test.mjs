/** What leaves the device, at a size that a test can bear; `wire.mjs` does the same in full. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { launch } from './support/browser.mjs';
import { FIXTURE } from './support/stage.mjs';
import { watchTheWire } from './support/wire.mjs';

test('nothing of a visitor is on the wire', { timeout: 300_000 }, async (t) => {
  const { items } = JSON.parse(await readFile(join(FIXTURE, 'catalogue.json'), 'utf8'));
  const ids = items.map(({ id }) => id);
  const seen = await watchTheWire(t, await launch(t), { visits: 12, ids });
  assert.deepEqual(seen.faults, []);
  assert.ok(seen.perVisit >= 50);
  assert.ok(seen.reports >= 12 * 4, `${seen.reports} reports`);
});
