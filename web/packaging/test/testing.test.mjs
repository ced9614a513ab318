/** The tests that a page has, in jest and vitest: with the stub, and with the package itself. */

import { join } from 'node:path';
import test, { before } from 'node:test';
import { app, install, run, tool, WORK } from './support/install.mjs';

const JEST = join(WORK, '../node_modules/jest/bin/jest.js');

let folder;
before(async () => {
  await install();
  folder = await app('testing');
});

test('jest and jsdom, with the stub', async () => {
  await tool('jest/bin/jest.js', ['--config', 'jest.config.js'], { cwd: folder });
});

test('jest and jsdom, with the package itself', async () => {
  const modules = ['--experimental-vm-modules', JEST, '--config', 'real.config.js'];
  await run(process.execPath, modules, { cwd: folder });
});

test('vitest and jsdom, with the stub', async () => {
  await tool('vitest/vitest.mjs', ['run', '--config', 'vitest.config.js'], { cwd: folder });
});
