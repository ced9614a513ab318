/**
 * The requests of Vitrine's first list and nothing else: what comes is thrown away.
 *
 * @module
 */

import { once } from "./clock.mjs";

export async function measure(env) {
  const [cold] = await once(async () => {
    await env.import("vitrine");
    const module = env.bytes("wasm/ranker.wasm");
    const manifest = await env.bytes("site/manifest.json");
    const { files } = JSON.parse(new TextDecoder().decode(manifest));
    const names = ["tables.safetensors", "items.fst", "facets.json"];
    const file = (name) => env.bytes(`site/bundles/${files[name].sha256}`);
    await Promise.all([module, ...names.map(file)]);
  });
  return { cold };
}
