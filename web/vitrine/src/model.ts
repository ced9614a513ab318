/**
 * The ranker's module, loaded once, and a bundle in it.
 *
 * @module
 */

import { initSync, Manifest, type Ranker } from '../wasm/ranker.js';
import { ACTIONS } from './actions.js';
import type { Blocks } from './blocks.js';
import { Failure, refusing } from './failures.js';
import type { Fetcher } from './fetching.js';
import type { Kept } from './kept.js';
import type { Modules } from './modules.js';
import { type Files, INDEX, openBundle, rankerFiles, release } from './opening.js';
import type { Pinning } from './pinning.js';
import { part } from './platform.js';
import { reasonsOf } from './reasons.js';
import { highest, UNSIGNED, type Versions } from './record.js';
import { pieces, turn } from './slices.js';
import type {
  Action,
  BundleFacts,
  CellCounts,
  Explanation,
  Filter,
  RecommendedItem,
} from './types.js';

/** Where a bundle comes from. */
export interface Origin {
  fetcher: Fetcher;
  kept: Kept;
  endpoint: string;
  modules: Modules;
  /** Where keys are pinned. */
  signatures: Pinning | undefined;
  /** The highest bundle versions that this device has accepted, by signer. */
  seen(): Promise<Versions>;
  /** Called when the manifest is a copy that the browser has kept. */
  copied(): void;
}

/** The fields of a manifest that are used here; `core` has checked them. */
interface ManifestFields {
  version: number;
  created: number;
  expires: number;
  synthetic: boolean;
  files: Files;
  model: { items: number; dim: number };
  training: { sessions: number; released_cells: number };
  privacy: CellCounts & { k: number; window_seconds: number };
}

/** The longest manifest that is read; as in `core`. */
const MAX_MANIFEST_BYTES = 256 * 1024;
/** A module of one function, which gives a vector: `i8x16.splat` of 0. */
const PROBE = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0],
  ...[10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x0f, 0x0b],
);
let module: Promise<WebAssembly.Memory> | undefined;

/**
 * Compiles the ranker's module, once for the page; resolves to its memory. Whoever waited for
 * another instance's load tries it again where that one failed: it may only have been disposed.
 */
export async function loadRanker(modules: Modules): Promise<WebAssembly.Memory> {
  // What another instance has loaded may be unverified.
  modules.check();
  while (module !== undefined) {
    try {
      return await module;
    } catch {
      // The one whose load it was says so.
    }
  }
  module = compile(modules).catch((error: unknown) => {
    module = undefined;
    throw error;
  });
  return module;
}

async function compile(modules: Modules): Promise<WebAssembly.Memory> {
  try {
    // Where there is no WebAssembly with SIMD, or the page's policy forbids it, no file is asked for.
    new WebAssembly.Module(PROBE);
  } catch (error) {
    throw new Failure('unsupported', `WebAssembly cannot be run here: ${String(error)}`);
  }
  const bytes = await modules.fetch('ranker');
  try {
    return initSync({ module: await WebAssembly.compile(bytes) }).memory;
  } catch (error) {
    throw new Failure(
      'unsupported',
      `The ranker's module cannot be started here: ${String(error)}`,
    );
  }
}

/** A bundle that is ready to rank, and this visitor's session in it. */
export class Model {
  readonly facts: BundleFacts;
  readonly allowed: CellCounts;
  /** The width of the encoder's input, D + 3; 0 when the bundle has no encoder. */
  readonly encoderWidth: number;
  /** The bundle's version, for each who has signed it. */
  readonly versions: Versions;
  readonly #manifest: Manifest;
  readonly #fields: ManifestFields;
  /** Traps where it has stopped. */
  readonly ranker: Ranker;
  /** Ids by row, as far as they were listed. */
  readonly #ids = new Map<number, string>();
  /** Where the catalogue is large. */
  readonly #blocks: Blocks | undefined;

  private constructor(
    manifest: Manifest,
    fields: ManifestFields,
    signers: string[],
    ranker: Ranker,
    blocks: Blocks | undefined,
  ) {
    this.#manifest = manifest;
    this.#fields = fields;
    this.ranker = ranker;
    this.#blocks = blocks;
    const { version, created, expires, synthetic, files, model, training, privacy } = fields;
    this.facts = {
      version,
      created: new Date(created * 1000),
      expires: new Date(expires * 1000),
      synthetic,
      items: model.items,
      bytes: [...rankerFiles(files), ENCODER].reduce(
        (sum, name) => sum + (files[name]?.bytes ?? 0),
        0,
      ),
      sessions: training.sessions,
      releasedCells: training.released_cells,
      k: privacy.k,
      windowSeconds: privacy.window_seconds,
    };
    this.versions = Object.fromEntries(signers.map((signer) => [signer, version]));
    const { transitions, items, impressions, metrics } = privacy;
    this.allowed = { transitions, items, impressions, metrics };
    this.encoderWidth = files[ENCODER] && model.dim > 0 ? model.dim + ACTIONS.length : 0;
  }

  /**
   * Fetches the current bundle; `undefined` when it is the one in use. `module` is the load of the
   * ranker's module; `now` is Unix time in seconds. With `signatures`, the manifest's is checked
   * before anything is parsed.
   */
  static async fetch(
    { fetcher, kept, endpoint, signatures, seen, copied }: Origin,
    module: Promise<WebAssembly.Memory>,
    now: number,
    inUse: () => Model | undefined,
  ): Promise<Model | undefined> {
    /** True if the network said that this is the manifest of now. */
    let fresh = true;
    const url = `${endpoint}/manifest.json`;
    const read = () => {
      fresh = true;
      return fetcher.fresh(url, MAX_MANIFEST_BYTES, () => {
        fresh = false;
        copied();
      });
    };
    const reading = signatures?.(read) ?? read().then((bytes) => ({ bytes, signers: [UNSIGNED] }));
    // Where the module cannot run, no file is asked for.
    const { bytes, signers } = await Promise.race([reading, module.then(() => reading)]);
    const fields = fieldsOf(bytes);
    if (!fields) throw fetcher.misplaced(url, 'no manifest of Vitrine');
    const current = inUse();
    if (current && fields.version === current.facts.version) {
      if (fresh) current.ranker.validated(now);
      return undefined;
    }
    refuseVersion(fields.version, signers, highest(await seen(), current?.versions));
    if (fields.expires <= now) {
      throw new Failure(
        'expired',
        `The bundle of version ${fields.version} has expired: publish a new one.`,
      );
    }
    const checked = module.then(async (memory) => {
      await turn();
      return { manifest: refusing(() => new Manifest(bytes)), memory };
    });
    const folder = `${endpoint}/bundles/`;
    try {
      const source = { fetcher, kept, folder, files: fields.files, module: checked };
      const { ranker, files } = await openBundle(source);
      await turn();
      const { [BLOCKS]: file, [INDEX]: index } = fields.files;
      const blocks = index && file && (await blocksAt(folder + file.sha256, fetcher, ranker));
      void kept.keep(files);
      const model = new Model((await checked).manifest, fields, signers, ranker, blocks);
      if (fresh) ranker.validated(now);
      return model;
    } catch (error) {
      void checked.then(({ manifest }) => release(manifest)).catch(() => {});
      throw error;
    }
  }

  /** `encoder.onnx`, verified. */
  async encoderFile(fetcher: Fetcher, endpoint: string): Promise<Uint8Array> {
    const entry = this.#fields.files[ENCODER];
    if (entry === undefined) throw new Failure('refused', 'The bundle has no encoder.');
    const { verified } = await part(import('./checked.js'));
    const tools = { fetcher, pieces, refusing, release };
    return verified(
      `${endpoint}/bundles/${entry.sha256}`,
      ENCODER,
      entry.bytes,
      this.#manifest,
      tools,
    );
  }

  /** The session's events, oldest first. */
  events(): { item: string; action: Action }[] {
    return (JSON.parse(this.ranker.session()) as { events: { item: string; action: Action }[] })
      .events;
  }

  /** Takes up a stored session; one that cannot be read is as good as none, and `false`. */
  restore(session: string | undefined, now: number): boolean {
    this.ranker.clear();
    return session === undefined || attempt(() => this.ranker.restore(session, now));
  }

  /**
   * Fetches what `rank` needs of a large catalogue for these ids; resolves to whether there was
   * anything to fetch.
   */
  async gather(ids: readonly string[]): Promise<boolean> {
    return this.#gathered(await this.#blocks?.gather(lines(ids)));
  }

  /** The same for `recommend`. */
  async gatherAround(): Promise<boolean> {
    const own = await this.gather([]);
    return this.#gathered(await this.#blocks?.gather()) || own;
  }

  #gathered(came: boolean | undefined): boolean {
    if (came) this.#ids.clear();
    return came === true;
  }

  rank(ids: readonly string[]): { order: Uint32Array; scores: Float32Array } {
    if (ids.length === 0) return unpacked(new Uint32Array());
    return unpacked(this.ranker.rank(lines(ids)));
  }

  recommend(
    n: number,
    filter: Filter,
    exclude: readonly string[],
    diversity: number,
  ): RecommendedItem[] {
    const wanted = Object.keys(filter).length > 0 ? JSON.stringify(filter) : '';
    const packed = this.ranker.recommend(n, wanted, lines(exclude), diversity);
    const { order, scores } = unpacked(packed);
    return Array.from(order, (row, at) => {
      const id = this.#id(row);
      const explanation = this.explain(id);
      const reasons = explanation === undefined ? [] : reasonsOf(explanation);
      return { id, score: scores[at] ?? 0, reasons };
    });
  }

  #id(row: number): string {
    let id = this.#ids.get(row);
    if (id === undefined) this.#ids.set(row, (id = this.ranker.id(row) ?? ''));
    return id;
  }

  explain(item: string): Explanation | undefined {
    const json = this.ranker.explain(item);
    return json === undefined ? undefined : (JSON.parse(json) as Explanation);
  }

  /** Cells spent in the window that holds `now`. */
  spent(now: number): CellCounts {
    const [transitions = 0, items = 0, impressions = 0, metrics = 0] = this.ranker.spent(now);
    return { transitions, items, impressions, metrics };
  }

  free(): void {
    this.ranker.free();
    this.#manifest.free();
  }
}

/**
 * The fields of a manifest that the module has not checked yet; it says what is wrong with them.
 * Of another schema no file is asked for, and JSON of another program is no manifest.
 */
function fieldsOf(bytes: Uint8Array): ManifestFields | undefined {
  let fields: (Partial<ManifestFields> & { schema?: string }) | undefined;
  const isJson = attempt(() => (fields = JSON.parse(new TextDecoder().decode(bytes))));
  if (isJson && !/^vitrine\./.test(`${fields?.schema}`)) return undefined;
  const known = fields?.schema === SCHEMA;
  return { ...fields, files: { ...(known && fields?.files) } } as ManifestFields;
}

/**
 * Refuses a version that goes back behind what this device has accepted of every one of these
 * signers, and one that would leave no room for a higher one. An attacker's high version then
 * counts for the key that was abused, and no longer once that key is not pinned.
 */
function refuseVersion(version: number, signers: string[], seen: Versions): void {
  if (version > Number.MAX_SAFE_INTEGER) {
    throw new Failure('refused', `The bundle's version ${version} is above 2^53 - 1.`);
  }
  const least = Math.min(...signers.map((signer) => seen[signer] ?? 0));
  if (version < least) {
    throw new Failure(
      'refused',
      `The bundle has version ${version}; this device has seen ${least}: publish the older one under a higher version.`,
    );
  }
}

/** The blocks of a large catalogue; their code is loaded for one. */
async function blocksAt(url: string, fetcher: Fetcher, ranker: Ranker): Promise<Blocks> {
  const { Blocks } = await part(import('./blocks.js'));
  return new Blocks({ url, fetcher, ranker, refusing, turn });
}

/** The schema that is read; as in `core`. */
const SCHEMA = 'vitrine.bundle/1';

const ENCODER = 'encoder.onnx';
const BLOCKS = 'blocks.bin';

/** A list as the ranker writes it: places or rows, then scores. */
function unpacked(packed: Uint32Array): { order: Uint32Array; scores: Float32Array } {
  const count = packed.length / 2;
  return {
    order: packed.subarray(0, count),
    scores: new Float32Array(packed.buffer, packed.byteOffset + 4 * count, count),
  };
}

/** One id per line. An id with a line break names no item, and must not become two. */
function lines(ids: readonly string[]): string {
  return ids.map((id) => (id.includes('\n') ? '' : id)).join('\n');
}

/** True if `run` did not throw. */
function attempt(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
    return false;
  }
}
