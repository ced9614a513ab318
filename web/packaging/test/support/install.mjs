/**
 * The package as a storefront gets it: packed, then installed from the tarball.
 *
 * @module
 */

import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const PACKAGING = here('../../');
/** Made anew in each run. What is not the package's own is found in the folder above. */
export const WORK = join(PACKAGING, '.work');

/** Runs a command; resolves to its standard output, and rejects with all that it said. */
export async function run(command, args, options = {}) {
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      maxBuffer: 1 << 26,
      ...options,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
    });
    return stdout;
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}:\n${error.stdout}\n${error.stderr}`);
  }
}

/** Runs a program of an installed package. */
export function tool(path, args, options) {
  return run(process.execPath, [join(PACKAGING, 'node_modules', path), ...args], options);
}

/** Packs and installs; resolves to the tarball, the names in it, and where it was installed. */
export async function install() {
  await rm(WORK, { recursive: true, force: true });
  await mkdir(WORK);
  await run('npm', ['pack', '--pack-destination', WORK], { cwd: here('../../../vitrine') });
  const [tarball] = (await readdir(WORK)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(WORK, 'package.json'), '{ "private": true, "type": "module" }\n');
  await run(
    'npm',
    ['install', '--offline', '--no-audit', '--no-fund', '--omit=peer', join(WORK, tarball)],
    { cwd: WORK },
  );
  return { tarball: join(WORK, tarball), folder: join(WORK, 'node_modules/vitrine') };
}

/** A copy of `apps/<name>` beside the installed package. */
export async function app(name) {
  const folder = join(WORK, name);
  await cp(join(PACKAGING, 'apps', name), folder, { recursive: true });
  await cp(join(PACKAGING, 'apps/visit.js'), join(folder, 'visit.js'));
  return folder;
}
