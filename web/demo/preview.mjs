/**
 * Serves the built storefront over the fixture's bundle, for a first look without a server of
 * Vitrine: `npm run preview`, then http://localhost:4173. Reports are taken and printed.
 */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDERS = ['dist/', '../fixture/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);
const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};
const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:; object-src 'none'; base-uri 'none'";

const port = Number(process.env.PORT ?? 4173);

createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  response.setHeader('content-security-policy', POLICY);
  response.setHeader('cache-control', 'no-cache');
  if (request.method === 'POST' && pathname === '/v1/feedback') {
    let body = '';
    for await (const part of request) body += part;
    console.log(body);
    return response.writeHead(204).end();
  }
  const path = normalize(decodeURIComponent(pathname === '/' ? '/index.html' : pathname));
  for (const folder of FOLDERS) {
    const file = join(folder, path);
    if ((await stat(file).catch(() => undefined))?.isFile()) {
      response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
      return createReadStream(file).pipe(response);
    }
  }
  response.writeHead(404).end();
}).listen(port, () => console.log(`http://localhost:${port}`));
