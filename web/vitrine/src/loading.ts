/**
 * The model in use: how it is loaded, replaced by a newer one, and why there is none.
 *
 * @module
 */

import { type Failure, type FallbackReason, reasonOf } from './failures.js';
import { loadRanker, Model, type Origin } from './model.js';
import { seconds } from './platform.js';
import type { Outcome, Vitrine } from './types.js';

/** What loading needs from around it. */
export interface LoadingContext extends Omit<Origin, 'copied'> {
  /** Aborted when the instance is disposed. */
  stop: AbortSignal;
  /** Milliseconds between looks for a newer bundle; without end where there are to be none. */
  interval: number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Called at each look. */
  looked(): void;
  /** True if the visitor refused ranking. */
  refused(): boolean;
  /** Called with the new model before anybody asks it. */
  adopted(model: Model): Promise<void>;
  /** Called before the model in use is given up. */
  dropped(): void;
  changed(): void;
  failed(error: unknown): void;
}

/** How often the time of a bundle is looked at, in milliseconds; timers are late after a sleep. */
const EXPIRY_LOOK = 3_600_000;
/** Least pause between two looks of a page that is hidden and shown again, in milliseconds. */
const SHOWN_PAUSE = 10_000;
/**
 * The pause after the first failure, in milliseconds: doubled for each further one, up to the
 * longest, and shortened by chance to a half, so that an outage does not end with all visitors at
 * once.
 */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 300_000;
/** What somebody has to mend first begins with the pause of so many failures: 16 seconds. */
const MENDED = 5;
/** Reasons that may pass by themselves. */
const PASSING: readonly FallbackReason[] = ['unreachable', 'wrong_address', 'expired'];

/** The model in use, or the reason why there is none. */
export class Loading {
  readonly #context: LoadingContext;
  #model: Model | undefined;
  #reason: FallbackReason | undefined;
  #running: Promise<Outcome> | undefined;
  #adopting = false;
  #expiry: ReturnType<typeof setTimeout> | undefined;
  #next: ReturnType<typeof setTimeout> | undefined;
  #begun = 0;
  /** Loads in a row that failed for a reason that may pass. */
  #failures = 0;
  /** The latest failure, which is told once. */
  #told = '';

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

  /** True if the model is here and has not taken up the session yet. */
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
    this.#begun = Date.now();
    this.#running ??= this.#fetch().finally(() => {
      this.#running = undefined;
      this.#schedule();
      this.#context.changed();
    });
    return this.#running;
  }

  /** Looks for newer bundles from now on, and again where a load failed. */
  keepFresh(): void {
    const { stop: signal } = this.#context;
    globalThis.document?.addEventListener('visibilitychange', () => this.#look(), { signal });
    // Node has none.
    globalThis.addEventListener?.('online', () => this.#failures > 0 && this.#look(), { signal });
    this.#schedule();
  }

  /** Gives the model up. */
  drop(reason: FallbackReason): void {
    this.#release();
    this.#reason = reason;
    // A newer bundle may be there already.
    if (reason === 'expired') this.#failures = MENDED;
    this.#schedule();
  }

  /** What was in the way is gone; the next load decides. */
  restart(): void {
    this.#reason = undefined;
    void this.load();
  }

  #schedule(): void {
    clearTimeout(this.#next);
    const { stop, interval, random } = this.#context;
    const pause = Math.min(FIRST_PAUSE * 2 ** (this.#failures - 1), LONGEST_PAUSE);
    const wait = this.#failures > 0 ? Math.min(pause * (1 - random() / 2), interval) : interval;
    if (stop.aborted || wait === Infinity) return;
    this.#next = setTimeout(() => this.#look(true), wait);
    (this.#next as { unref?: () => void }).unref?.();
  }

  /** Nobody looks at a hidden page; it looks when it is shown. */
  #look(due = this.#failures > 0): void {
    const { stop, interval, looked } = this.#context;
    if (stop.aborted || globalThis.document?.visibilityState === 'hidden') return;
    const pause = interval === Infinity ? interval : SHOWN_PAUSE;
    if (due || Date.now() - this.#begun >= pause) void this.load();
    looked();
  }

  async #fetch(): Promise<Outcome> {
    const { modules, stop, refused } = this.#context;
    if (refused()) {
      this.#reason = 'consent';
      return this.outcome;
    }
    // The module that stopped is the only one this page can have.
    if (this.#reason === 'failed') return this.outcome;
    let failures = 0;
    try {
      const module = loadRanker(modules);
      const origin = { ...this.#context, copied: () => void (failures = 1) };
      const model = await Model.fetch(origin, module, seconds(), () => this.model);
      this.#told = '';
      if (stop.aborted || refused()) model?.free();
      else if (model !== undefined) await this.#adopt(model);
    } catch (error) {
      const reason = reasonOf(error);
      // Nobody answers, or the server is ill: neither is a fault of the page's settings.
      const { status = 500 } = error as Partial<Failure>;
      const outage = reason === 'unreachable' && status >= 500;
      if (PASSING.includes(reason)) failures = outage ? 1 : MENDED;
      // A page that ranks goes on ranking with what it has.
      if (this.#model === undefined && !stop.aborted) this.#reason = reason;
      if (this.#told !== String(error)) this.#context.failed(error);
      this.#told = String(error);
    }
    this.#failures = failures > 0 ? Math.max(this.#failures + 1, failures) : 0;
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
    this.#expiry = setTimeout(() => this.#expire(), Math.min(leftOf(model), EXPIRY_LOOK));
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
