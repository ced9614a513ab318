/**
 * A million items, published for real: how long that takes, and what a page fetches of them.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { largeVisit } from '../../tests/browser/support/large.mjs';
import { program, ROOT, run, serve } from '../../tests/browser/support/programs.mjs';
import { stage } from '../../tests/browser/support/stage.mjs';

/** Items of the shop, and of the page's listing. */
const ITEMS = 1_000_000;
const LISTED = 500;

/** Visits it `repetitions` times; resolves to what was found. */
export async function large(repetitions, note) {
  const folder = await catalogue(note);
  const { seconds, files } = JSON.parse(await readFile(join(folder, 'published.json'), 'utf8'));
  const expected = JSON.parse(await readFile(join(folder, 'visit.json'), 'utf8'));
  const cleanups = [];
  const server = await serve(folder, { store: join(folder, 'store') });
  try {
    const { url } = await stage(
      { after: (task) => cleanups.push(task) },
      { pages: { '/page': '<!doctype html><title>a page</title>' }, bundle: false },
    );
    const visits = [];
    for (let turn = 0; turn < repetitions; turn += 1) {
      const found = await largeVisit({ page: url, endpoint: server.url, ...expected });
      if (JSON.stringify(found.ranked) !== JSON.stringify(expected.ranked)) {
        throw new Error('the browser ranks the listing in another order than the native ranker');
      }
      if (found.shelfStatus !== 'ranked') throw new Error('there was no recommendation');
      const { seconds, listed, bytes } = found;
      visits.push({ seconds, listed, both: bytes });
    }
    return {
      items: ITEMS,
      listed: LISTED,
      session: expected.session.length,
      seconds,
      files,
      visits,
    };
  } finally {
    for (const task of cleanups) await task();
    await server.stop();
  }
}

/** The folder of the shop, made once: `store/` as `vitrine publish` leaves it. */
async function catalogue(note) {
  const built = [program('vitrine'), program('vitrine-catalogue')].map((path) => statSync(path));
  const key = createHash('sha256')
    .update(JSON.stringify([ITEMS, LISTED, ...built.map(({ size, mtimeMs }) => [size, mtimeMs])]))
    .digest('hex')
    .slice(0, 12);
  const folder = join(ROOT, '.bench/web', `${ITEMS}-${key}`);
  if (existsSync(folder)) return folder;
  note(`making a shop of ${ITEMS} items`);
  const making = `${folder}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  await run('vitrine-catalogue', ['--items', ITEMS, '--listing', LISTED, '--out', making]);
  note('publishing it');
  const began = Date.now();
  const bundle = join(making, 'bundle');
  await run('vitrine', ['publish', bundle, '--to', join(making, 'store')]);
  const seconds = (Date.now() - began) / 1000;
  const { files } = JSON.parse(await readFile(join(bundle, 'manifest.json'), 'utf8'));
  await writeFile(join(making, 'published.json'), JSON.stringify({ seconds, files }));
  await rm(bundle, { recursive: true });
  await rename(making, folder);
  return folder;
}
