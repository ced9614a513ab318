/**
 * Bar 3 of the privacy documentation: the wire over 200 scripted visits, each with canaries.
 *
 *   node tests/browser/wire.mjs [--visits 200]
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launch } from './support/browser.mjs';
import { FIXTURE } from './support/stage.mjs';
import { watchTheWire } from './support/wire.mjs';

const { values } = parseArgs({ options: { visits: { type: 'string', default: '200' } } });
const { items } = JSON.parse(await readFile(join(FIXTURE, 'catalogue.json'), 'utf8'));
const ends = [];
const browser = await launch();
try {
  const seen = await watchTheWire({ after: (end) => ends.push(end) }, browser, {
    visits: Number(values.visits),
    ids: items.map(({ id }) => id),
    note: (line) => console.error(line),
  });
  console.log(
    `${values.visits} visits, ${seen.perVisit} canaries each: ${seen.requests} requests of Vitrine, ` +
      `${seen.reports} of them reports, every nonce used once`,
  );
  console.log(`headers of a report, the same for every visitor: ${seen.constants.join(', ')}`);
  for (const fault of seen.faults) console.error(`fault: ${fault}`);
  process.exitCode = seen.faults.length > 0 ? 1 : 0;
} finally {
  await browser.close();
  for (const end of ends) end();
}
