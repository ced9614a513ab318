/**
 * The closed loop at the size of the published figures:
 *
 *   node tests/browser/loop.mjs --out docs/results/loop.md [--visits 600] [--seed 1] …
 */

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { closeTheLoop } from './support/loop.mjs';
import { scratch } from './support/programs.mjs';
import { TABLE } from './support/shop.mjs';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    visits: { type: 'string', default: '600' },
    'held-out': { type: 'string', default: '5000' },
    items: { type: 'string', default: '200' },
    'new-items': { type: 'string', default: '60' },
    drift: { type: 'string', default: '0.5' },
    shoppers: { type: 'string', default: '1500' },
    days: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    pages: { type: 'string', default: '3' },
  },
});
const drawn = ['items', 'new-items', 'drift', 'shoppers', 'days', 'seed', 'visits', 'held-out'];
const { folder, remove } = await scratch();
try {
  const began = Date.now();
  const seen = await closeTheLoop(folder, {
    draw: drawn.flatMap((name) => [`--${name}`, values[name]]),
    recipe: `seed = 1\n${TABLE}\n[encoder]\nenabled = false\n`,
    pages: Number(values.pages),
    note: (line) => console.error(line),
  });
  const page = report(seen, Math.round((Date.now() - began) / 1000));
  if (values.out) await writeFile(values.out, page);
  else console.log(page);
} finally {
  await remove();
}

function report(seen, seconds) {
  const { compared } = seen;
  const row = (name, { before, after, difference, interval: [low, high] }) =>
    `| ${name} | ${before.toFixed(2)} | ${after.toFixed(2)} | ${signed(difference)} | ${signed(low)} to ${signed(high)} |`;
  const command = drawn.map((name) => `--${name} ${values[name]}`).join(' ');
  return `# The loop, closed

Visitors of a simulated shop, in real browsers, make the next model better.

\`\`\`sh
make web binaries && cargo build -p vitrine-tests
node tests/browser/loop.mjs --out docs/results/loop.md ${command}
\`\`\`

${verdict(compared)}

| on ${compared.examples.toLocaleString('en')} next clicks of ${compared.visits.toLocaleString('en')} visits that nothing has learned from | version 1 | version 2 | difference | 95 % interval |
| --- | --- | --- | --- | --- |
${row('P@20, %', compared.all['p@20'])}
${row('MRR@20, %', compared.all['mrr@20'])}
${row('P@20 of items that both know, %', compared.known['p@20'])}
${row('MRR@20 of items that both know, %', compared.known['mrr@20'])}

The last two rows leave out the clicks on items that one of them does not know, ${(compared.examples - compared.known.examples).toLocaleString('en')} clicks in all: what remains is the items that the history had. Their clicks are ranked among more items by version 2, which shows the newcomers too, so a click on an old item can stand lower there although more is known about it: read the two pairs of rows together. The interval is a bootstrap's over visits (2,000 samples), because the clicks of one visit are not independent.

What happened, in order:

1. \`vitrine-simulate\` drew a shop of ${values.items} items and ${values.days} days of history of ${Number(values.shoppers).toLocaleString('en')} shoppers. After its last day the shop differs: ${values['new-items']} items are sold that nobody has seen before, and of ${percent(values.drift)} of the items the substitutes and complements change. *All of it is synthetic.*
2. \`vitrine prepare\` and \`vitrine train\` made version 1 from the history: the table alone, its parameters fixed, so that the difference is what the feedback taught and nothing else.
3. ${seen.visits.toLocaleString('en')} visits of one week were replayed in headless Chromium with the npm package, each in a browser context of its own, with both consents. The package sent ${seen.sent.toLocaleString('en')} reports, one cell each, within the default budget of 8 cells; \`vitrine-server\` stored ${seen.reports.toLocaleString('en')}.
4. \`vitrine-server release\` closed the window (its clock moved on by a week): ${seen.cells.toLocaleString('en')} cells had been named by at least k = 2 reports and were released; the raw cells were deleted.
5. \`vitrine retrain\` made version 2 from the history and the released cells, and \`vitrine publish\` made it live. A page that had been open since before the visits took it up by itself, and so did a new visitor.
6. \`vitrine-field compare\` ranked every next click of the held-out visits, of the week after, with both bundles through the code that the browser runs. Of the clicks, ${compared.unknown_before.toFixed(1)} % are on items that version 1 does not know and ${compared.unknown_after.toFixed(1)} % on items that version 2 does not know; those count as misses in the first two rows.

The run took ${seconds} seconds on two cores.

A simulated shop is a world in which there is something to find. How much of the field's value each level of privacy keeps on real shops is measured in the documentation on privacy; it is far less on a sparse catalogue than here, where ${seen.visits.toLocaleString('en')} visits meet ${(Number(values.items) + Number(values['new-items'])).toLocaleString('en')} items.
`;
}

function verdict(compared) {
  const sure = ['p@20', 'mrr@20'].filter((key) => compared.all[key].interval[0] > 0);
  if (sure.length === 2)
    return 'Over all clicks, version 2 is better by both measures, and the intervals exclude zero.';
  if (sure.length === 1)
    return `Over all clicks, version 2 is better by ${sure[0].toUpperCase()}; by the other measure the interval includes zero.`;
  return 'At this traffic k = 2 releases too little: neither interval excludes zero.';
}

function signed(value) {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}

function percent(share) {
  return `${Math.round(100 * Number(share))} %`;
}
