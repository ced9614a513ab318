/**
 * An origin for a page under test: its files, the fixture's bundle as a `vitrine-server` would
 * serve it, headers of the test's choice, and a log of what was asked.
 *
 * @module
 */

import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { PACKAGE, ROOT } from "./programs.mjs";

/** The bundle of an invented shop, and its catalogue. */
export const FIXTURE = join(ROOT, "web/fixture");

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/**
 * Serves until the test `t` ends. `folders` maps prefixes of the path to folders, `pages` paths
 * to texts; the package lies at `/vitrine/`, and the fixture's bundle at the root unless
 * `bundle` is false. `headers(path)` are added to an answer; `answer(request, response)` may
 * give one itself, by returning true. With `compressed`, files travel as brotli.
 */
export async function stage(
  t,
  {
    folders = {},
    pages = {},
    headers = () => ({}),
    answer = () => false,
    bundle = true,
    compressed = false,
  } = {},
) {
  const requests = [];
  const packed = new Map();
  const places = Object.entries({ ...folders, "/vitrine/": PACKAGE });
  if (bundle) places.push(["/", FIXTURE]);
  const server = createServer(async (request, response) => {
    const path = normalize(
      decodeURIComponent(new URL(request.url, "http://localhost").pathname),
    );
    let body = "";
    for await (const part of request) body += part;
    requests.push({
      method: request.method,
      path,
      body,
      headers: request.headers,
    });
    for (const [name, value] of Object.entries(headers(path)))
      response.setHeader(name, value);
    if (await answer(request, response)) return;
    if (request.method === "POST") return response.writeHead(204).end();
    const page = pages[path];
    if (page !== undefined) {
      response.setHeader("content-type", TYPES[extname(path) || ".html"]);
      return response.end(page);
    }
    for (const [prefix, folder] of places) {
      if (!path.startsWith(prefix)) continue;
      let file = join(folder, path.slice(prefix.length));
      if ((await stat(file).catch(() => undefined))?.isDirectory())
        file = join(file, "index.html");
      const bytes = await readFile(file).catch(() => undefined);
      if (bytes === undefined) continue;
      response.setHeader(
        "content-type",
        TYPES[extname(file)] ?? "application/octet-stream",
      );
      if (!compressed) return response.end(bytes);
      if (!packed.has(file)) packed.set(file, brotliCompressSync(bytes));
      response.setHeader("content-encoding", "br");
      return response.end(packed.get(file));
    }
    response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  t.after(stop);
  return { url: `http://127.0.0.1:${server.address().port}`, requests, stop };
}
