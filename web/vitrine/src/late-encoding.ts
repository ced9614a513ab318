/**
 * The encoder's part, whose code is loaded when the page is idle: no list waits for it.
 *
 * @module
 */

import type { Encoding, EncodingContext } from './encoding.js';
import type { Model } from './model.js';
import { part, whenIdle } from './platform.js';
import type { Inspection } from './types.js';

/** How long the page may be busy before the encoder is loaded all the same, in milliseconds. */
const IDLE_PATIENCE = 4_000;

/** The encoder's part, as far as it is here. */
export class LateEncoding {
  readonly #context: EncodingContext;
  #encoding: Encoding | undefined;
  /** How things stand while the code is on its way. */
  #state: Inspection['encoder'] = 'off';
  #model: Model | undefined;

  constructor(context: EncodingContext) {
    this.#context = context;
  }

  get state(): Inspection['encoder'] {
    return this.#state === 'off' ? (this.#encoding?.state ?? 'off') : this.#state;
  }

  /** Resolves when the latest event is answered; `undefined` where nobody is asked. */
  get asking(): Promise<void> | undefined {
    return this.#encoding?.asking;
  }

  /** Begins to load the encoder of `model`, when the page is idle. */
  open(model: Model): void {
    this.#model = model;
    this.#state = 'loading';
    whenIdle(() => void this.#load(model), IDLE_PATIENCE);
  }

  /** Asks about the running session. */
  ask(): void {
    this.#encoding?.ask();
  }

  /** Loads again what did not come. */
  retry(): void {
    if (this.#model === undefined) return;
    if (this.#state === 'failed') void this.#load(this.#model);
    else this.#encoding?.retry();
  }

  /** Forgets the session that was answered last. */
  forget(): void {
    this.#encoding?.forget();
  }

  /** Stops the encoder. */
  close(): void {
    this.#encoding?.close();
    this.#state = 'off';
    this.#model = undefined;
  }

  async #load(model: Model): Promise<void> {
    try {
      const { Encoding } = await part(import('./encoding.js'));
      if (this.#model !== model) return;
      this.#encoding ??= new Encoding(this.#context);
      this.#encoding.open(model);
      this.#state = 'off';
    } catch (error) {
      if (this.#model !== model) return;
      this.#state = 'failed';
      this.#context.failed(error);
      this.#context.changed();
    }
  }
}
