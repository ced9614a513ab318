/**
 * A framework's own server, as a program.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../../../../tests/browser/support/programs.mjs';
import { WORK } from './install.mjs';

/** Runs a program of an installed package until the test ends; resolves to the address it prints. */
export async function serve(t, path, args, { cwd, env }) {
  const server = spawn(process.execPath, [join(WORK, '../node_modules', path), ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => server.kill());
  let url;
  createInterface({ input: server.stdout }).on('line', (line) => {
    url ??= /http:\/\/(127\.0\.0\.1|localhost):\d+/.exec(line)?.[0];
  });
  await until(`the server of ${path}`, () => url, 60_000);
  return url;
}

/** A port that nothing listens on. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
