/**
 * A stub for the tests of pages: the same types, an order that the test sets, and no model,
 * request, worker or storage.
 *
 * ```ts
 * const vitrine = stubVitrine({ order: ['jug', 'mug'] });
 * await vitrine.rank(['mug', 'jug']); // jug, mug
 * vitrine.track({ item: 'mug' });
 * vitrine.tracked; // [{ item: 'mug', action: 'view' }]
 * ```
 *
 * @module
 */

import { bound } from './bound.js';
import { answered, UNANSWERED } from './consent.js';
import { type ItemEvent, read } from './events/index.js';
import { type Id, idOf, listOf, textOf } from './ids.js';
import type {
  Choice,
  Consents,
  Explanation,
  FallbackReason,
  Inspection,
  Outcome,
  Ranking,
  RankOptions,
  Recommendation,
  RecommendOptions,
  Vitrine,
  VitrineOptions,
} from './types.js';

export type { ItemEvent } from './events/index.js';

/** Options of `stubVitrine`. */
export interface StubOptions extends Pick<VitrineOptions, 'consent' | 'itemKey' | 'onError'> {
  /** The ids that the stub knows, best first. Default: none, so that every list stays as it is. */
  order?: readonly Id[];
  /** Why there is no model. Default: there is one. */
  reason?: FallbackReason;
}

/** An instance whose order a test sets, and which keeps what it was told. */
export interface VitrineStub extends Vitrine {
  /** The tracked events, oldest first. An order of three items is three events. */
  readonly tracked: readonly ItemEvent[];
  /** The errors that `onError` was told of: events that are not understood, items without an id. */
  readonly errors: readonly Error[];
  /** Sets the ids that the stub knows, best first, and tells the subscribers. */
  order(ids: readonly Id[]): void;
  /** Takes the model away for this reason, or gives it back; tells the subscribers. */
  fallback(reason: FallbackReason | undefined): void;
}

/** Makes a stub. */
export function stubVitrine(options: StubOptions = {}): VitrineStub {
  const stub = new Stub(options);
  return bound<VitrineStub>(stub, (error) => stub.failed(error));
}

/** Stands for `createVitrine` in the tests of a page, where `vitrine` is mapped to this module. */
export function createVitrine(options: VitrineOptions = {}): VitrineStub {
  return stubVitrine(options);
}

class Stub implements VitrineStub {
  readonly ready: Promise<Outcome>;
  readonly #options: StubOptions;
  readonly #listeners = new Set<() => void>();
  #tracked: ItemEvent[] = [];
  #errors: Error[] = [];
  #order: string[] = [];
  #reason: FallbackReason | undefined;
  #consents: Consents;

  constructor(options: StubOptions) {
    this.#options = options;
    this.#consents = answered(UNANSWERED, options.consent);
    this.#reason = options.reason;
    this.order(options.order ?? []);
    this.ready = Promise.resolve(this.#outcome);
  }

  get tracked(): readonly ItemEvent[] {
    return [...this.#tracked];
  }

  get errors(): readonly Error[] {
    return [...this.#errors];
  }

  get status(): Vitrine['status'] {
    return this.#reason === undefined ? 'ready' : 'fallback';
  }

  order(ids: readonly Id[]): void {
    this.#order = listOf(ids).map((id) => textOf(id) ?? '');
    this.#changed();
  }

  fallback(reason: FallbackReason | undefined): void {
    this.#reason = reason;
    this.#changed();
  }

  track(event: unknown, payload?: unknown): void {
    if (this.#consents.ranking === 'denied') return;
    this.#tracked.push(...read(event, payload, this.#options.itemKey ?? 'product'));
    this.#changed();
  }

  async rank<T>(
    items: readonly T[] | null | undefined,
    options?: RankOptions<T>,
  ): Promise<Ranking<T>> {
    const own = listOf(items).map((item) => {
      const id = idOf(item, options?.getId);
      if (id === undefined) this.failed(new TypeError(`This item has no id: ${String(item)}`));
      return { item, score: this.#reason ? 0 : this.#score(id) };
    });
    own.sort((a, b) => b.score - a.score);
    return {
      ...this.#outcome,
      items: own.map(({ item }) => item),
      scores: Float32Array.from(own, ({ score }) => score),
    };
  }

  async recommend(options?: RecommendOptions): Promise<Recommendation> {
    const excluded = listOf<Id>(options?.exclude).map((id) => idOf(id));
    const ids = this.#reason ? [] : this.#order.filter((id) => !excluded.includes(id));
    const items = ids
      .slice(0, options?.n ?? 10)
      .map((id) => ({ id, score: this.#score(id), reasons: [] }));
    return { ...this.#outcome, items };
  }

  async explain<Item extends Id>(item: Item): Promise<Explanation<Item> | undefined> {
    const score = this.#score(idOf(item));
    if (score === 0 || this.#reason) return undefined;
    const terms = { encoder: 0, neighbours: 0, repeat: 0, popularity: score };
    return { item, score, terms, because: [] };
  }

  consent(choice?: Choice | Partial<Consents>): Consents {
    if (choice !== undefined) {
      this.#consents = answered(this.#consents, choice);
      this.#changed();
    }
    return { ...this.#consents };
  }

  async forget(): Promise<void> {
    this.#tracked = [];
    this.#consents = answered(UNANSWERED, this.#options.consent);
    this.#changed();
  }

  async inspect(): Promise<Inspection> {
    return {
      consent: { ...this.#consents },
      globalPrivacyControl: false,
      storage: 'memory',
      session: [...this.#tracked],
      budget: undefined,
      reports: [],
      bundle: undefined,
      files: [],
      encoder: 'off',
    };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async retry(): Promise<Outcome> {
    return this.#outcome;
  }

  dispose(): void {
    this.#reason = 'disposed';
    this.#listeners.clear();
  }

  failed(error: unknown): void {
    const told = error instanceof Error ? error : new Error(String(error));
    this.#errors.push(told);
    this.#options.onError?.(told);
  }

  get #outcome(): Outcome {
    if (this.#consents.ranking === 'denied') return { status: 'fallback', reason: 'consent' };
    return this.#reason
      ? { status: 'fallback', reason: this.#reason }
      : { status: 'ranked', version: 1 };
  }

  /** 1 for the best item, less for the others, 0 for those that are not known. */
  #score(id: string | undefined): number {
    const place = id === undefined ? -1 : this.#order.indexOf(id);
    return place < 0 ? 0 : 1 / (1 + place);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
