/**
 * How files of the bundle are put into Cache Storage. Loaded when there are some; like the outbox
 * it imports no code.
 *
 * @module
 */

/** Keeps these files in the cache `name`, in place of all others. */
export async function keep(
  caches: CacheStorage,
  name: string,
  files: ReadonlyMap<string, Blob>,
): Promise<void> {
  const cache = await caches.open(name);
  const wanted = new Set([...files.keys()].map(absolute));
  for (const [url, blob] of files) {
    if (blob.size > 0) await cache.put(url, new Response(blob));
  }
  for (const { url } of await cache.keys()) {
    if (!wanted.has(url)) await cache.delete(url);
  }
}

function absolute(url: string): string {
  return new URL(url, globalThis.location?.href).href;
}
