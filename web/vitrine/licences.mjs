/**
 * Puts the licences beside the package before it is packed: its own two, because npm packs
 * nothing from above, and those of the crates that are compiled into the modules and of the npm
 * packages that are bundled into the code, which ask for their notice wherever they go.
 */

import { execFileSync } from 'node:child_process';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HERE = fileURLToPath(new URL('./', import.meta.url));
const MODULES = ['vitrine-ranker', 'vitrine-verifier', 'vitrine-encoder'];
/** Of the licences that a crate offers, the first of these is taken. */
const TEXTS = [/^LICEN[CS]E-MIT/i, /^LICEN[CS]E(\.\w+)?$/i, /^LICEN[CS]E/i, /^COPYING/i];

/** The crates that are linked into the modules; what only runs while they are built is not. */
function crates() {
  const options = ['--format-version', '1', '--locked'];
  const target = ['--filter-platform', 'wasm32-unknown-unknown'];
  const json = execFileSync('cargo', ['metadata', ...options, ...target], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const { packages, resolve } = JSON.parse(json);
  const byId = new Map(packages.map((one) => [one.id, one]));
  const needs = new Map(resolve.nodes.map(({ id, deps }) => [id, deps]));
  const linked = new Set();
  const link = (id) => {
    const macro = byId.get(id).targets.some(({ kind }) => kind.includes('proc-macro'));
    if (linked.has(id) || macro) return;
    linked.add(id);
    for (const { pkg, dep_kinds } of needs.get(id)) {
      if (dep_kinds.some(({ kind }) => kind === null)) link(pkg);
    }
  };
  packages.filter(({ name }) => MODULES.includes(name)).forEach(({ id }) => link(id));
  return [...linked]
    .map((id) => byId.get(id))
    .filter(({ source }) => source !== null)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The npm packages in the bundled code, by the sources that its maps name. */
async function packages() {
  const folders = new Set();
  for (const name of await readdir(join(HERE, 'dist'))) {
    if (!name.endsWith('.js.map')) continue;
    const { sources } = JSON.parse(await readFile(join(HERE, 'dist', name), 'utf8'));
    for (const source of sources) {
      const [folder] = /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(source) ?? [];
      if (folder !== undefined) folders.add(join(HERE, 'dist', folder));
    }
  }
  return Promise.all(
    [...folders].sort().map(async (folder) => {
      const manifest_path = join(folder, 'package.json');
      const { name, version, license } = JSON.parse(await readFile(manifest_path, 'utf8'));
      return { name, version, license, manifest_path };
    }),
  );
}

async function textOf({ manifest_path }) {
  const folder = dirname(manifest_path);
  const names = (await readdir(folder)).sort();
  const name = TEXTS.map((text) => names.find((name) => text.test(name))).find(Boolean);
  return name === undefined ? '' : (await readFile(join(folder, name), 'utf8')).trim();
}

for (const name of ['LICENSE-APACHE', 'LICENSE-MIT']) {
  await copyFile(join(ROOT, name), join(HERE, name));
}
/** Licence text → the crates and packages that come with it. */
const notices = new Map();
for (const part of [...crates(), ...(await packages())]) {
  const text = await textOf(part);
  const lines = notices.get(text) ?? notices.set(text, []).get(text);
  lines.push(`${part.name} ${part.version} (${part.license})`);
}
const parts = [...notices].map(([text, names]) => `${names.join('\n')}\n\n${text}`.trim());
await writeFile(
  join(HERE, 'LICENSE-THIRD-PARTY'),
  `These are compiled into ranker.wasm, verifier.wasm and encoder.wasm, or bundled into dist/.\n\n${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`,
);
