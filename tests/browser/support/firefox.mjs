/**
 * A real Firefox without a window. It opens a page and nothing else: the page posts what it found
 * to its own origin.
 *
 * @module
 */

import { execFileSync, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scratch } from './programs.mjs';

/** The path of a Firefox; `undefined` where there is none. */
export function firefoxPath() {
  for (const name of [process.env.FIREFOX, 'firefox', 'firefox-esr']) {
    if (!name) continue;
    try {
      return execFileSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim();
    } catch {
      // The next one.
    }
  }
  return undefined;
}

/** Nothing of the network but the page, and no first-run pages. */
const PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.enabled': false,
};

/** Opens `url` in a profile of its own, until the test `t` ends. */
export async function openFirefox(t, url) {
  const profile = await scratch(t);
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  await writeFile(join(profile, 'user.js'), lines.join('\n'));
  const child = spawn(firefoxPath(), ['--headless', '--no-remote', '--profile', profile, url], {
    stdio: 'ignore',
    detached: true,
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  t.after(async () => {
    // Its content processes are of its group.
    if (child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    await ended;
  });
}
