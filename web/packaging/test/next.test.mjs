/**
 * Next.js: a server component's list, hydrated as it was sent and ranked afterwards; the
 * endpoint is another origin.
 */

import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { launch } from '../../../tests/browser/support/browser.mjs';
import { until } from '../../../tests/browser/support/programs.mjs';
import { stage } from '../../../tests/browser/support/stage.mjs';
import { app, install, tool } from './support/install.mjs';
import { opened } from './support/page.mjs';
import { serve } from './support/server.mjs';

const NEXT = 'next/dist/bin/next';
const HEADERS = { 'access-control-allow-origin': '*' };

before(() => install());

test('Next.js on the server and in the browser', async (t) => {
  const folder = await app('next');
  const shop = await stage(t, { headers: () => HEADERS });
  const env = { NEXT_PUBLIC_VITRINE: shop.url, NEXT_TELEMETRY_DISABLED: '1' };
  await tool(NEXT, ['build'], { cwd: folder, env });

  const url = await serve(t, NEXT, ['start', '-p', '0', '-H', '127.0.0.1'], { cwd: folder, env });

  const { items } = await (await fetch(`${shop.url}/catalogue.json`)).json();
  const own = items.map(({ id }) => id);
  const idsIn = (html) => [...html.matchAll(/<li data-item="([^"]+)"/g)].map(([, id]) => id);
  const html = await (await fetch(url)).text();
  assert.deepEqual(idsIn(html), own, 'the server sends the shop’s order');
  assert.ok(!shop.requests.some(({ path }) => path === '/manifest.json'), 'and loads no model');

  const browser = await launch(t);
  const { page, faults } = await opened(t, browser, url);
  const ids = () => page.locator('ul li').evaluateAll((all) => all.map((one) => one.dataset.item));
  await page.locator('ul[data-status="ranked"]').waitFor({ timeout: 30_000 });
  const before = await ids();
  assert.notDeepEqual(before, own);
  await page.locator(`li[data-item="${own[7]}"] button`).click();
  await until('another order', async () => (await ids()).join() !== before.join());
  assert.deepEqual([...(await ids())].sort(), [...own].sort());
  assert.equal(await page.locator('ol[data-status="ranked"] li').count(), 5);
  await until('the encoder in its worker', () => page.workers().length === 1);
  assert.deepEqual(faults, [], 'no hydration mismatch, and nothing else');
});
