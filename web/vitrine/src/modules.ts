/**
 * Where the WebAssembly modules are.
 *
 * @module
 */

/** Where a module is: beside this code, in the words that bundlers look for, or in a folder. */
export function moduleUrl(name: 'ranker' | 'encoder', folder: string | URL | undefined): string {
  if (folder !== undefined) return `${String(folder).replace(/\/*$/, '')}/${name}.wasm`;
  return name === 'ranker'
    ? new URL('../wasm/ranker.wasm', import.meta.url).href
    : new URL('../wasm/encoder.wasm', import.meta.url).href;
}
