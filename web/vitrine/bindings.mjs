/**
 * Lets the modules' bindings be imported where there is no `TextDecoder`, as in jest's jsdom.
 *
 * wasm-bindgen's code makes one when it is imported; importing this package does nothing. So in
 * those files the name stands for a class that makes the page's when it is first used.
 */

import { readFile } from 'node:fs/promises';

/** One line: the source maps are those of the files without it. */
const LATE = `
class TextDecoder { #options; #own; constructor(...options) { this.#options = options; }
  decode(...bytes) { return bytes.length ? (this.#own ??= new globalThis.TextDecoder(...this.#options)).decode(...bytes) : ''; } }
class TextEncoder { #own; get #page() { return (this.#own ??= new globalThis.TextEncoder()); }
  encode(text) { return this.#page.encode(text); } encodeInto(text, bytes) { return this.#page.encodeInto(text, bytes); } }
`.replaceAll('\n', ' ');

/** For esbuild. */
export const lateBindings = {
  name: 'late-bindings',
  setup(build) {
    build.onLoad({ filter: /\/wasm\/(ranker|verifier|encoder)\.js$/ }, async ({ path }) => ({
      contents: LATE + (await readFile(path, 'utf8')),
      loader: 'js',
    }));
  },
};
