/**
 * The server's address.
 *
 * @module
 */

/** The base URL of the server: absolute, because what is stored is named by it. */
export function baseOf(endpoint: string | URL | undefined): string {
  const { location, document } = globalThis;
  // An empty setting is as good as none.
  let base = String(endpoint ?? '') || (location?.origin ?? '');
  try {
    const url = new URL(base, document?.baseURI ?? location?.href);
    url.search = url.hash = '';
    base = url.href;
  } catch {
    // The requests will fail, and say so.
  }
  return base.replace(/(\/manifest\.json)?\/*$/, '');
}
