/**
 * What comes back from browsers makes the next version better, at a size that a test can bear.
 * `loop.mjs` runs the same at the size of the published figures.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { closeTheLoop } from './support/loop.mjs';
import { scratch } from './support/programs.mjs';
import { TABLE } from './support/shop.mjs';

test('feedback from browsers makes a better version 2', { timeout: 600_000 }, async (t) => {
  const seen = await closeTheLoop(await scratch(t), {
    draw: [
      ...['--items', 60, '--new-items', 20, '--drift', 1, '--shoppers', 500, '--days', 20],
      ...['--visits', 60, '--held-out', 1500],
    ],
    recipe: `seed = 1\n${TABLE}\n[encoder]\nenabled = false\n`,
  });
  t.diagnostic(JSON.stringify(seen));
  assert.equal(seen.sent, seen.reports, 'every report that was sent is in the release');
  assert.ok(seen.cells > 0, 'something was named twice');
  const { all } = seen.compared;
  assert.ok(all['p@20'].interval[0] > 0, 'version 2 finds no more');
  assert.ok(all['mrr@20'].interval[0] > 0, 'version 2 ranks no better');
});
