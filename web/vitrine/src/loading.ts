/**
 * The model in use: how it is loaded, replaced by a newer one, and why there is none.
 *
 * @module
 */

import { Refused, Unreachable } from './fetching.js';
import { loadRanker, Model, type Origin, Unsupported } from './model.js';
import { seconds } from './platform.js';
import type { FallbackReason, Outcome, Vitrine } from './types.js';

/** What loading needs from around it. */
export interface LoadingContext extends Origin {
  /** Where `ranker.wasm` is. */
  moduleUrl(): string;
  /** Aborted when the instance is disposed. */
  stop: AbortSignal;
  /** Whether the visitor refused ranking. */
  refused(): boolean;
  /** The highest bundle version that this device has accepted. */
  seen(): Promise<number>;
  /** Called with the new model before anybody asks it. */
  adopted(model: Model): Promise<void>;
  /** Called before the model in use is given up. */
  dropped(): void;
  changed(): void;
  failed(error: unknown): void;
}

/** The model in use, or the reason why there is none. */
export class Loading {
  readonly #context: LoadingContext;
  #model: Model | undefined;
  #reason: FallbackReason | undefined;
  #running: Promise<Outcome> | undefined;
  #adopting = false;

  constructor(context: LoadingContext, reason?: FallbackReason) {
    this.#context = context;
    this.#reason = reason;
  }

  get model(): Model | undefined {
    return this.#model;
  }

  /** The load that is under way. */
  get running(): Promise<Outcome> | undefined {
    return this.#running;
  }

  /** Whether the model is here and has not taken up the session yet. */
  get adopting(): boolean {
    return this.#adopting;
  }

  get status(): Vitrine['status'] {
    if (this.#reason !== undefined) return 'fallback';
    return this.#model === undefined ? 'loading' : 'ready';
  }

  get outcome(): Outcome {
    if (this.#model !== undefined) return { status: 'ranked', version: this.#model.facts.version };
    return { status: 'fallback', reason: this.#reason ?? 'timeout' };
  }

  /** Loads the current bundle if it is above the one in use. */
  load(): Promise<Outcome> {
    this.#running ??= this.#fetch().finally(() => {
      this.#running = undefined;
      this.#context.changed();
    });
    return this.#running;
  }

  /** Gives the model up. */
  drop(reason: FallbackReason): void {
    this.#release();
    this.#reason = reason;
  }

  /** What was in the way is gone; the next load decides. */
  retry(): void {
    this.#reason = undefined;
    void this.load();
  }

  async #fetch(): Promise<Outcome> {
    const { fetcher, stop, refused } = this.#context;
    if (refused()) {
      this.#reason = 'consent';
      return this.outcome;
    }
    // The module that stopped is the only one this page can have.
    if (this.#reason === 'failed') return this.outcome;
    try {
      const module = loadRanker(fetcher, this.#context.moduleUrl());
      const above = this.#model?.facts.version ?? 0;
      const seen = this.#context.seen();
      const asked = seconds();
      const model = await Model.fetch(this.#context, module, asked, above, seen);
      (model ?? this.#model)?.validated(asked);
      if (stop.aborted || refused()) model?.free();
      else if (model !== undefined) await this.#adopt(model);
    } catch (error) {
      // A page that ranks goes on ranking with what it has.
      if (this.#model === undefined && !stop.aborted) this.#reason = reasonOf(error);
      this.#context.failed(error);
    }
    if (this.#model !== undefined && this.#model.facts.expires.getTime() <= Date.now()) {
      this.drop('refused');
    }
    return this.outcome;
  }

  async #adopt(model: Model): Promise<void> {
    this.#release();
    this.#model = model;
    this.#reason = undefined;
    this.#adopting = true;
    try {
      await this.#context.adopted(model);
    } finally {
      this.#adopting = false;
    }
  }

  #release(): void {
    this.#context.dropped();
    const model = this.#model;
    this.#model = undefined;
    try {
      model?.free();
    } catch {
      // A module that has stopped cannot free anything either.
    }
  }
}

/** What a list is told of an error. */
export function reasonOf(error: unknown): FallbackReason {
  if (error instanceof Refused) return 'refused';
  if (error instanceof Unreachable) return 'unreachable';
  if (error instanceof Unsupported) return 'unsupported';
  return 'failed';
}
