/**
 * Vitrine: through the package, as a page uses it, and its modules alone, for the parts.
 *
 * @module
 */

import { copying, once, time } from "./clock.mjs";

const BEST = 20;
const RANKS = 10_000;

export async function measure(env) {
  const session = JSON.parse(
    new TextDecoder().decode(await env.bytes("session.json")),
  );
  const { events, actions, listing } = session;
  const packaged = await throughThePackage(env, events);
  if (env.coldOnly) return { cold: packaged.cold };

  // The modules alone.
  const { default: initialise, Manifest, Opening } = await env.import("ranker");
  const parts = {};
  const part = async (name, task) => {
    const [spent, answer] = await once(task);
    parts[name] = spent;
    return answer;
  };
  const module = await part("read", () => env.bytes("wasm/ranker.wasm"));
  const { memory } = await part("compile", () =>
    initialise({ module_or_path: module }),
  );
  const manifestBytes = await env.bytes("site/manifest.json");
  const manifest = new Manifest(manifestBytes);
  const { files, model } = JSON.parse(new TextDecoder().decode(manifestBytes));
  const file = (name) => env.bytes(`site/bundles/${files[name].sha256}`);
  const names = ["tables.safetensors", "items.fst", "facets.json"];
  const [tables, items, facets] = await Promise.all(names.map(file));
  /** As the package does: no larger piece is copied into the module at once. */
  const pieces = (bytes, take) => {
    for (let at = 0; at < bytes.length; at += 32_768)
      take(bytes.subarray(at, at + 32_768));
  };
  const empty = memory.buffer.byteLength;
  const ranker = await part("open", () => {
    const opening = new Opening(manifest);
    [tables, items, facets].forEach((bytes, at) =>
      pieces(bytes, (piece) => opening.push(names[at], piece)),
    );
    for (const name of names) while (!opening.read(name));
    return opening.finish();
  });
  const loaded = memory.buffer.byteLength;
  /** The ids of the best, each asked for once, as in the package. */
  const ids = new Map();
  const id = (row) => {
    if (!ids.has(row)) ids.set(row, ranker.id(row));
    return ids.get(row);
  };
  const best = () => {
    const packed = ranker.recommend(BEST, "", "");
    return Array.from(packed.subarray(0, packed.length / 2), id);
  };
  await part("hash", () => {
    [tables, items, facets].forEach((bytes, at) => {
      const check = manifest.check(names[at]);
      pieces(bytes, (piece) => check.push(piece));
      check.finish();
    });
  });
  await part("recommend", () => best());

  const onnx = await file("encoder.onnx");
  const encoding = await env.import("encoder");
  const encoderModule = await env.bytes("wasm/encoder.wasm");
  await part("compileEncoder", () =>
    encoding.default({ module_or_path: encoderModule }),
  );
  const encoder = await part(
    "openEncoder",
    () => new encoding.Encoder(onnx, model.dim + 3),
  );

  const visit = () => {
    ranker.clear();
    for (const [at, item] of events.entries())
      ranker.track(item, actions[at], 1_000_000);
  };
  visit();
  const input = ranker.encoderInput();
  const query = encoder.encode(input);
  const rows = best();
  const lines = listing.join("\n");

  const times = {};
  times.visit = await time(visit);
  times.alone = await time(() => {
    visit();
    best();
  });
  times.both = await time(() => {
    visit();
    ranker.setQuery(encoder.encode(ranker.encoderInput()));
    best();
  });
  times.encoder = await time(() => encoder.encode(input));
  times.click = await time(() => {
    ranker.track(events[0], 0, 1_000_000);
    best();
  });
  visit();
  ranker.setQuery(query);
  times.scan = await time(best);
  times.listing = await time(() => ranker.rank(lines));
  times.copy = await copying(session.items * model.dim);
  times.package = await time(() => packaged.vitrine.recommend({ n: BEST }));
  times.packageListing = await time(() => packaged.vitrine.rank(listing));
  const worker = env.workerUrl
    ? await throughTheWorker(env, onnx, encoderModule, input, model.dim + 3)
    : {};
  Object.assign(times, worker.times);

  // Whether anything grows when it is asked for long.
  const few = listing.slice(0, 60).join("\n");
  const rankOften = (count) => {
    for (let at = 0; at < count; at += 1) {
      if (at % 20 === 0) visit();
      else ranker.track(events[at % events.length], 0, 1_000_000);
      if (at % 2) ranker.setQuery(query);
      ranker.rank(few);
      if (at % 10 === 0) best();
    }
  };
  rankOften(200);
  const before = { wasm: memory.buffer.byteLength, heap: await env.heap() };
  rankOften(RANKS);
  const after = { wasm: memory.buffer.byteLength, heap: await env.heap() };
  packaged.vitrine.dispose();

  return {
    cold: packaged.cold,
    coldWithEncoder: packaged.coldWithEncoder,
    parts,
    times,
    rows,
    query: [...query],
    memory: {
      empty,
      loaded,
      tables: tables.length,
      files: tables.length + items.length + facets.length,
      encoder: await encoderMemory(encoding, encoderModule),
    },
    ranks: { count: RANKS, before, after },
  };
}

/** From nothing to the first list, and to the first that the encoder had a part in. */
async function throughThePackage(env, events) {
  const began = performance.now();
  const { createVitrine } = await env.import("vitrine");
  const errors = [];
  const vitrine = createVitrine({
    endpoint: env.endpoint,
    wasmUrl: env.wasmUrl,
    ...(env.workerUrl && { worker: env.workerUrl }),
    ...(env.fetch && { fetch: env.fetch }),
    storage: "memory",
    timeout: 60_000,
    onError: (error) => errors.push(error),
  });
  vitrine.track({ item: events[0] });
  const list = await vitrine.recommend({ n: BEST });
  const cold = performance.now() - began;
  if (list.status !== "ranked" || list.items.length !== BEST) {
    throw new Error(`the package gave no list: ${list.reason}: ${errors}`);
  }
  const state = async () => (await vitrine.inspect()).encoder;
  await new Promise((resolve, reject) => {
    const look = async () => {
      const now = await state();
      if (now === "ready") resolve();
      if (now === "failed") reject(new Error(`the encoder failed: ${errors}`));
    };
    vitrine.subscribe(look);
    void look();
  });
  await vitrine.recommend({ n: BEST });
  return { vitrine, cold, coldWithEncoder: performance.now() - began };
}

/** The way of a session to the worker and back, as the package sends it. */
async function throughTheWorker(env, onnx, module, input, width) {
  const worker = new Worker(env.workerUrl, { type: "module" });
  const answer = () =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) =>
        "error" in data ? reject(new Error(data.error)) : resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
  await answer();
  const ask = (message) => {
    worker.postMessage(message);
    return answer();
  };
  await ask({ start: { module, onnx, width } });
  let turn = 0;
  const roundTrip = await time(() =>
    ask({ session: input, turn: (turn += 1) }),
  );
  worker.terminate();
  return { times: { roundTrip } };
}

/** The encoder's memory after it has run. */
async function encoderMemory(encoding, module) {
  const { memory } = await encoding.default({ module_or_path: module });
  return memory.buffer.byteLength;
}
