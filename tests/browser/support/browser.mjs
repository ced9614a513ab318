/**
 * A real Chromium without a window, and all that it asks the network for.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from './programs.mjs';

const require = createRequire(join(ROOT, 'web/package.json'));

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

/** The path of a Chromium. */
function chromiumPath() {
  for (const name of [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome']) {
    if (!name) continue;
    try {
      return execFileSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim();
    } catch {
      // The next one.
    }
  }
  throw new Error('there is no Chromium: run `scripts/setup.sh browser`, or set CHROMIUM');
}

/** Starts a browser with a profile of its own, closed when the test `t` ends. */
export async function launch(t) {
  const { chromium } = require('playwright-core');
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    args: FLAGS,
  });
  t?.after(() => browser.close());
  return browser;
}

/**
 * Keeps every request of a context: URL, method, all headers as they travel, body.
 *
 * Headers are asked for when a request has ended, because only then are all of them known; call
 * the returned function to get the list.
 */
export function record(context) {
  const kept = [];
  context.on('request', (request) => {
    kept.push({
      url: request.url(),
      method: request.method(),
      body: request.postData() ?? '',
      headers: request.allHeaders().catch(() => request.headers()),
    });
  });
  return () =>
    Promise.all(kept.map(async (request) => ({ ...request, headers: await request.headers })));
}
