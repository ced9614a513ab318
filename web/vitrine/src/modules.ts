/**
 * Where the WebAssembly modules are.
 *
 * @module
 */

/** A module of the package. */
export type Module = 'ranker' | 'verifier' | 'encoder';

/** Where a module is: beside this code, in the words that bundlers look for, or in a folder. */
export function moduleUrl(name: Module, folder: string | URL | undefined): string {
  if (folder !== undefined) return `${String(folder).replace(/\/*$/, '')}/${name}.wasm`;
  switch (name) {
    case 'ranker':
      return new URL('../wasm/ranker.wasm', import.meta.url).href;
    case 'verifier':
      return new URL('../wasm/verifier.wasm', import.meta.url).href;
    case 'encoder':
      return new URL('../wasm/encoder.wasm', import.meta.url).href;
  }
}
