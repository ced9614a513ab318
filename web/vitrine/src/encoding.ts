/**
 * The encoder's part in a page: loaded when nothing else is to be done, this code too, asked after
 * every event, and never waited for long. A page without it ranks all the same. Nothing is imported
 * here that the code of the first list has.
 *
 * @module
 */

import { type EncoderHost, startEncoder, WorkerLost } from './encoder-host.js';
import type { Fetcher } from './fetching.js';
import type { Model } from './model.js';
import type { Modules } from './modules.js';
import type { Inspection, VitrineOptions } from './types.js';

/** What the encoder needs from around it. */
export interface EncodingContext {
  fetcher: Fetcher;
  endpoint: string;
  modules: Modules;
  /** As in the options of `createVitrine`. */
  worker: VitrineOptions['worker'];
  /** Aborted when the instance is disposed. */
  stop: AbortSignal;
  /** Runs the ranker; `undefined` when it has stopped. */
  guarded<T>(run: () => T): T | undefined;
  changed(): void;
  failed(error: unknown): void;
}

/** The encoder of the model in use. */
export class Encoding {
  readonly #context: EncodingContext;
  #state: Inspection['encoder'] = 'off';
  #model: Model | undefined;
  #host: EncoderHost | undefined;
  #asking: Promise<void> = Promise.resolve();
  #answer: { about: string; query: Float32Array } | undefined;
  /** True if what failed may be there later. */
  #lost = false;

  constructor(context: EncodingContext) {
    this.#context = context;
  }

  get state(): Inspection['encoder'] {
    return this.#state;
  }

  /** Resolves when the latest event is answered. */
  get asking(): Promise<void> {
    return this.#asking;
  }

  /** Begins to load the encoder of `model`. */
  open(model: Model): void {
    this.close();
    this.#model = model;
    void this.#load(model, this.#context.worker);
  }

  /** Loads it again where its files did not come. */
  retry(): void {
    if (this.#state === 'failed' && this.#lost && this.#model) this.open(this.#model);
  }

  /** Stops the encoder. */
  close(): void {
    this.#host?.dispose();
    this.#host = undefined;
    this.#model = undefined;
    this.#answer = undefined;
    this.#state = 'off';
  }

  /** Forgets the session that was answered last. */
  forget(): void {
    this.#answer = undefined;
  }

  /** Asks about the running session; the same session is answered from memory. */
  ask(): void {
    const { guarded } = this.#context;
    const [model, host] = [this.#model, this.#host];
    if (model === undefined || host === undefined) return;
    const session = guarded(() => model.ranker.session()) ?? '';
    const input = guarded(() => model.ranker.encoderInput());
    if (input === undefined || input.length === 0) return;
    // Items of a large catalogue may be known a little later than they are looked at.
    const about = `${input.length} ${session}`;
    if (this.#answer?.about === about) {
      const { query } = this.#answer;
      guarded(() => model.ranker.setQuery(query));
      return;
    }
    this.#asking = host.encode(input).then(
      (query) => {
        // The visitor may have gone on meanwhile; that session was asked about too.
        if (this.#model !== model || guarded(() => model.ranker.session()) !== session) return;
        this.#answer = { about, query };
        guarded(() => model.ranker.setQuery(query));
        this.#context.changed();
      },
      (error: unknown) => {
        if (this.#host !== host) return;
        this.#host = undefined;
        this.#broken(model, error);
        this.#context.changed();
      },
    );
  }

  /** Without a worker that broke, the page itself takes over; its files are in the cache. */
  #broken(model: Model, error: unknown): void {
    this.#context.failed(error);
    this.#state = 'failed';
    this.#lost = (error as { reason?: unknown }).reason === 'unreachable';
    if (error instanceof WorkerLost) void this.#load(model, false);
  }

  async #load(model: Model, worker: VitrineOptions['worker']): Promise<void> {
    const current = () => this.#model === model;
    if (!current()) return;
    const { fetcher, endpoint, modules, stop } = this.#context;
    this.#state = 'loading';
    try {
      const [module, onnx] = await Promise.all([
        modules.fetch('encoder'),
        model.encoderFile(fetcher, endpoint),
      ]);
      if (!current()) return;
      const { encoderDigest: sha256 } = modules;
      const start = { module, sha256, onnx, width: model.encoderWidth };
      const host = await startEncoder(start, worker, stop);
      if (!current()) return host.dispose();
      this.#host = host;
      this.#state = 'ready';
      this.ask();
    } catch (error) {
      if (current()) this.#broken(model, error);
      else this.#context.failed(error);
    }
    this.#context.changed();
  }
}
