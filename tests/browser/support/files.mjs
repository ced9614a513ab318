/**
 * Serves files from memory and folders, for pages that need no server of Vitrine.
 *
 * @module
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Serves `folders` (prefix of the path → folder) beside an empty page at `/`. */
export async function serveFiles(t, folders) {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    if (path === '/') {
      response.setHeader('content-type', TYPES['.html']);
      return response.end('<!doctype html><title>empty</title>');
    }
    for (const [prefix, folder] of Object.entries(folders)) {
      if (!path.startsWith(prefix)) continue;
      try {
        const bytes = await readFile(join(folder, path.slice(prefix.length)));
        response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
        return response.end(bytes);
      } catch {
        break;
      }
    }
    response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}
