/**
 * A shop's server in memory, over the fixture's files: what it was asked, and what it answers.
 */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const FIXTURE = new URL('../../fixture/', import.meta.url);
export const ENDPOINT = 'https://shop.example';

export const catalogue = JSON.parse(await readFile(new URL('catalogue.json', FIXTURE), 'utf8'));
export const manifest = JSON.parse(await readFile(new URL('manifest.json', FIXTURE), 'utf8'));
/** The same bundle in blocks. */
export const inBlocks = JSON.parse(await readFile(new URL('in-blocks.json', FIXTURE), 'utf8'));
/** The same bundle with numbers for ids. */
export const numbered = JSON.parse(await readFile(new URL('numbered.json', FIXTURE), 'utf8'));
export const ids = catalogue.items.map((item) => item.id);

/** A server; `answers` replaces what a path answers. */
export class Shop {
  requests = [];
  answers = new Map();
  /** Whether it answers ranges of bytes. */
  ranges = true;

  fetch = async (input, init = {}) => {
    const url = new URL(String(input));
    // The modules are the package's own files, not the server's.
    if (url.protocol === 'file:') return new Response(await readFile(fileURLToPath(url)));
    const request = { path: url.pathname, method: init.method ?? 'GET', body: init.body, init };
    this.requests.push(request);
    const answer = this.answers.get(url.pathname);
    if (answer !== undefined) return answer(request);
    if (request.method === 'POST') return new Response(null, { status: 204 });
    try {
      const bytes = await readFile(new URL(`.${url.pathname}`, FIXTURE));
      const range = /^bytes=(\d+)-(\d+)$/.exec(init.headers?.range ?? '');
      if (range === null || !this.ranges) return new Response(bytes);
      const part = bytes.subarray(Number(range[1]), Number(range[2]) + 1);
      return new Response(part, { status: 206 });
    } catch {
      return new Response('', { status: 404 });
    }
  };

  /** Serves a manifest with some fields replaced. */
  publish(fields) {
    this.answers.set(
      '/manifest.json',
      () => new Response(JSON.stringify({ ...manifest, ...fields })),
    );
  }

  /** What was posted, parsed. */
  reports() {
    return this.requests
      .filter(({ method }) => method === 'POST')
      .map(({ body }) => JSON.parse(body));
  }
}

/** Options of an instance that a test can hold still. */
export function options(shop, more = {}) {
  return {
    endpoint: ENDPOINT,
    fetch: shop.fetch,
    storage: 'memory',
    encoder: false,
    reportDelay: [0, 0],
    timeout: 5_000,
    ...more,
  };
}

/** Waits until `holds` does. */
export async function until(holds, what = 'this') {
  for (let turn = 0; turn < 400; turn += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what} did not come about`);
}
