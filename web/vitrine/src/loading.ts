/**
 * The model in use: how it is loaded, replaced by a newer one, and why there is none.
 *
 * @module
 */

import { Refused, Unreachable } from './fetching.js';
import { Expired, loadRanker, Model, type Origin, Unsupported } from './model.js';
import { seconds } from './platform.js';
import type { FallbackReason, Outcome, Vitrine } from './types.js';

/** What loading needs from around it. */
export interface LoadingContext extends Origin {
  /** Aborted when the instance is disposed. */
  stop: AbortSignal;
  /** Whether the visitor refused ranking. */
  refused(): boolean;
  /** Called with the new model before anybody asks it. */
  adopted(model: Model): Promise<void>;
  /** Called before the model in use is given up. */
  dropped(): void;
  changed(): void;
  failed(error: unknown): void;
}

/** The longest timer, in milliseconds; browsers count to 2^31 and no further. */
const LONGEST_TIMER = 3_600_000;

/** The model in use, or the reason why there is none. */
export class Loading {
  readonly #context: LoadingContext;
  #model: Model | undefined;
  #reason: FallbackReason | undefined;
  #running: Promise<Outcome> | undefined;
  #adopting = false;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(context: LoadingContext, reason?: FallbackReason) {
    this.#context = context;
    this.#reason = reason;
  }

  /** The model in use; one that has expired meanwhile is given up. */
  get model(): Model | undefined {
    // A timer alone would be late after the device has slept.
    if (this.#model !== undefined && leftOf(this.#model) <= 0) this.drop('expired');
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
    const { model } = this;
    if (this.#reason !== undefined) return 'fallback';
    return model === undefined ? 'loading' : 'ready';
  }

  get outcome(): Outcome {
    const { model } = this;
    if (model !== undefined) return { status: 'ranked', version: model.facts.version };
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
    const { modules, stop, refused } = this.#context;
    if (refused()) {
      this.#reason = 'consent';
      return this.outcome;
    }
    // The module that stopped is the only one this page can have.
    if (this.#reason === 'failed') return this.outcome;
    try {
      const module = loadRanker(modules);
      const model = await Model.fetch(this.#context, module, seconds(), () => this.model);
      if (stop.aborted || refused()) model?.free();
      else if (model !== undefined) await this.#adopt(model);
    } catch (error) {
      // A page that ranks goes on ranking with what it has.
      if (this.#model === undefined && !stop.aborted) this.#reason = reasonOf(error);
      this.#context.failed(error);
    }
    return this.outcome;
  }

  async #adopt(model: Model): Promise<void> {
    this.#release();
    this.#model = model;
    this.#reason = undefined;
    this.#expire();
    this.#adopting = true;
    try {
      await this.#context.adopted(model);
    } finally {
      this.#adopting = false;
    }
  }

  /** Says so when the model expires. */
  #expire(): void {
    const { model } = this;
    if (model === undefined) return this.#context.changed();
    this.#expiry = setTimeout(() => this.#expire(), Math.min(leftOf(model), LONGEST_TIMER));
    (this.#expiry as { unref?: () => void }).unref?.();
  }

  #release(): void {
    clearTimeout(this.#expiry);
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

/** How long a model may still be used, in milliseconds. */
function leftOf(model: Model): number {
  return model.facts.expires.getTime() - Date.now();
}

/** What a list is told of an error. */
export function reasonOf(error: unknown): FallbackReason {
  if (error instanceof Expired) return 'expired';
  if (error instanceof Refused) return 'refused';
  if (error instanceof Unreachable) return 'unreachable';
  if (error instanceof Unsupported) return 'unsupported';
  return 'failed';
}
