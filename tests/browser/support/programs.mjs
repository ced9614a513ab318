/**
 * The built programs and where things are.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** The built npm package: `dist/` and `wasm/`. */
export const PACKAGE = join(ROOT, 'web/vitrine');
/** The folder of the built programs. */
export const BIN = process.env.VITRINE_BIN ?? join(ROOT, 'target/debug');

/** The path of a built program. */
export function program(name) {
  const path = join(BIN, name);
  if (!existsSync(path)) {
    throw new Error(
      `${path} is not built: run \`make binaries\` and \`cargo build -p vitrine-tests\` first`,
    );
  }
  return path;
}

/** Runs a program to its end; resolves to its standard output, and rejects with its errors. */
export function run(name, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program(name), args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${name} ${args.join(' ')} ended with ${code}:\n${out}${err}`));
    });
  });
}

/** A folder that is removed when the test `t` ends, or by `remove` where there is no test. */
export async function scratch(t) {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  t?.after(remove);
  return t === undefined ? { folder, remove } : folder;
}

/**
 * A running `vitrine-server` on a free port.
 *
 * `folder` gets its database and, unless `store` says otherwise, its store. Its clock is `offset`
 * seconds ahead; `port` 0 takes a free port; `obliviousKeys` names a file of keys.
 */
export async function serve(
  folder,
  { site, store = join(folder, 'store'), offset = 0, port = 0, obliviousKeys } = {},
) {
  const args = ['serve', '--listen', `127.0.0.1:${port}`, '--store', store];
  args.push('--database', join(folder, 'vitrine.db'), '--access-log', 'false', '--log', 'warn');
  args.push('--limit-loopback', 'false');
  if (offset > 0) args.push('--clock-offset-seconds', String(offset));
  if (site !== undefined) args.push('--site', site);
  if (obliviousKeys !== undefined) args.push('--oblivious-keys', obliviousKeys);
  const child = spawn(program('vitrine-server'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  const ended = new Promise((resolve) => child.on('close', resolve));
  const line = await new Promise((resolve) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    void ended.then(() => resolve(''));
  });
  const url = /^vitrine-server listens on (http:\/\/\S+)$/.exec(line)?.[1];
  if (url === undefined) {
    child.kill('SIGKILL');
    throw new Error(`the server did not start: ${line}\n${errors}`);
  }
  return {
    url,
    /** Ends it as an operator would. */
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
    errors: () => errors,
  };
}

/** Waits until `holds` gives something true, and gives that. */
export async function until(what, holds, milliseconds = 20_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: this did not come about`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}
