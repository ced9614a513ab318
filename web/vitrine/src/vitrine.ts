/**
 * `createVitrine`: the parts put together.
 *
 * @module
 */

import { bound } from './bound.js';
import { answered, globalPrivacyControl, mayUpload, UNANSWERED } from './consent.js';
import { baseOf } from './endpoint.js';
import { read } from './events/index.js';
import { type FallbackReason, reasonOf } from './failures.js';
import { Fetcher } from './fetching.js';
import { type Id, idOf, listOf } from './ids.js';
import { Journal } from './journal.js';
import { Kept } from './kept.js';
import { LateEncoding } from './late-encoding.js';
import { Loading } from './loading.js';
import type { Model } from './model.js';
import { Modules } from './modules.js';
import { clamped, LONGEST_TIMER } from './numbers.js';
import { pinning } from './pinning.js';
import { nonce, part, randomNumbers, seconds, whenIdle, within } from './platform.js';
import { Reporting } from './reporting.js';
import { slice } from './slices.js';
import { openStore, type Store } from './store.js';
import type {
  Choice,
  Consents,
  Explanation,
  Inspection,
  Outcome,
  Ranking,
  RankOptions,
  Recommendation,
  RecommendOptions,
  Vitrine,
  VitrineOptions,
  WaitOptions,
} from './types.js';
import { watched, type Watching, watching } from './watching.js';

/** How long the page may be busy before it joins the shop's other windows, in milliseconds. */
const IDLE_PATIENCE = 4_000;
const MAX_RECOMMENDED = 1000;
/** How often a newer bundle is looked for, and how often at most, in milliseconds. */
const REFRESH = { standard: 900_000, least: 10_000 };
/** Least and most delay of a report, and the longest that a page may ask for, in milliseconds. */
const REPORT_DELAY = [5_000, 120_000] as const;
const LONGEST_DELAY = 86_400_000;
/** How long a list waits for the encoder to have seen the latest event, in milliseconds. */
const ANSWER_PATIENCE = 60;

/**
 * Starts Vitrine. In a browser it begins to load the model; on a server (without a `document`,
 * unless `fetch` is given) it does nothing.
 */
export function createVitrine(options: VitrineOptions = {}): Vitrine {
  return bound<Vitrine>(new Instance(options ?? {}), (error) => tell(options?.onError, error));
}

class Instance implements Vitrine {
  readonly ready: Promise<Outcome>;
  readonly #options: VitrineOptions;
  readonly #onServer: boolean;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #fetcher: Fetcher;
  readonly #reporting: Reporting;
  readonly #encoding: LateEncoding;
  readonly #loading: Loading;
  readonly #journal: Journal;
  readonly #store: Promise<Store>;
  readonly #kept: Kept;
  /** Names what is stored. */
  readonly #place: string;
  /** With `debug`: the code that writes everything down. */
  readonly #watch: Watching | undefined;
  /** Tells the shop's other windows that something was written, once that code is here. */
  #tellTabs: (() => void) | undefined;
  /** What was told of once and is not told again. */
  readonly #told = new Set<string>();
  #consents: Consents;
  /** What `consent()` was told on this page. */
  #answers: Partial<Consents> = {};

  constructor(options: VitrineOptions) {
    this.#options = options;
    this.#onServer = typeof document === 'undefined' && options.fetch === undefined;
    this.#consents = answered(UNANSWERED, options.consent);
    const endpoint = baseOf(options.endpoint);
    // With another receiver than the page itself, a page's fetch throws.
    const { fetch: given } = options;
    const request: typeof fetch = (input, init) => (given ?? fetch)(input, init);
    const watch = options.debug && !this.#onServer ? watching(this, request, endpoint) : undefined;
    this.#watch = watch;
    this.#fetcher = new Fetcher(watch ? watched(watch, request) : request);
    const place = options.name ? `${endpoint} ${options.name}` : endpoint;
    this.#place = place;
    const [least, most] = Array.from(Object(options.reportDelay ?? REPORT_DELAY) as number[]);
    this.#store = openStore(this.#onServer ? 'memory' : options.storage, {
      place,
      consents: () => this.#consents,
      erased: () => this.#blank(),
      damaged: (part) => this.#tellOfDamage(part),
      failed: (error) => this.#failed(error),
    });
    this.#kept = new Kept(
      place,
      () => this.#consents.ranking === 'granted' && options.storage !== 'memory' && !this.#stopped,
      (error) => this.#failed(error),
      (url) => void watch?.then((watch) => watch?.found(url)),
    );
    const { publicKeys } = options;
    const modules = new Modules(this.#fetcher, options.wasmUrl, publicKeys !== undefined);
    const around = {
      fetcher: this.#fetcher,
      endpoint,
      modules,
      store: this.#store,
      stop: this.#stop.signal,
      model: () => this.#loading.model,
      consents: () => this.#consents,
      guarded: <T>(run: () => T) => this.#guarded(run),
      changed: () => this.#changed(),
      failed: (error: unknown) => this.#failed(error),
    };
    this.#reporting = new Reporting({
      ...around,
      now: () => Date.now(),
      random,
      randomNumbers,
      nonce,
      delay: [
        this.#number('reportDelay', least ?? NaN, REPORT_DELAY[0], 0, LONGEST_DELAY),
        this.#number('reportDelay', most ?? NaN, REPORT_DELAY[1], 0, LONGEST_DELAY),
      ],
      relay: options.relay,
      beforeSend: options.beforeSend,
      reportable: ({ number, seconds: length }) =>
        this.#loading.model?.ranker.reportable(number, length, seconds()),
      update: async (change, durability) => (await this.#store).update(change, durability),
      loaded: () => this.#journal.commit(),
    });
    this.#encoding = new LateEncoding({ ...around, worker: options.worker });
    this.#journal = new Journal({
      ...around,
      reporting: this.#reporting,
      damaged: (part) => this.#tellOfDamage(part),
      moved: () => this.#encoding.ask(),
      written: () => this.#consents.ranking === 'granted' && this.#tellTabs?.(),
    });
    this.#loading = new Loading(
      {
        ...around,
        kept: this.#kept,
        signatures: publicKeys && pinning(publicKeys, this.#fetcher, endpoint, modules),
        refused: () => this.#consents.ranking === 'denied',
        interval:
          options.refreshInterval === Infinity
            ? Infinity
            : this.#number(
                'refreshInterval',
                options.refreshInterval,
                REFRESH.standard,
                REFRESH.least,
              ),
        random,
        looked: () => {
          void this.#journal.commit();
          this.#encoding.retry();
        },
        seen: async () => (await this.#store).versions(),
        adopted: (model) => this.#adopted(model),
        dropped: () => this.#encoding.close(),
      },
      this.#onServer ? 'server' : undefined,
    );
    this.ready = this.#onServer ? Promise.resolve(this.#loading.outcome) : this.#begin();
    if (!this.#onServer) this.#loading.keepFresh();
  }

  get status(): Vitrine['status'] {
    return this.#loading.status;
  }

  track(event: unknown, payload?: unknown): void {
    if (this.#onServer || this.#stopped || this.#consents.ranking === 'denied') return;
    try {
      for (const { item, action } of read(event, payload, this.#options.itemKey ?? 'product')) {
        this.#journal.record(item, action);
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  async rank<T>(
    items: readonly T[] | null | undefined,
    options?: RankOptions<T>,
  ): Promise<Ranking<T>> {
    const own = listOf(items);
    const ids = this.#idsOf(own, options?.getId);
    const reason = await this.#settle((model) => model.gather(ids), options);
    const ranked = this.#guarded(() => !reason && this.#loading.model?.rank(ids));
    if (!ranked) {
      return { ...this.#fallback(reason), items: own, scores: new Float32Array(own.length) };
    }
    const ordered = Array.from(ranked.order, (place) => own[place] as T);
    return { ...this.#loading.outcome, items: ordered, scores: ranked.scores };
  }

  async recommend(options?: RecommendOptions): Promise<Recommendation> {
    const reason = await this.#settle((model) => model.gatherAround(), options);
    const items = this.#guarded(() => {
      if (reason) return undefined;
      const n = Math.floor(this.#number('n', options?.n, 10, 0, MAX_RECOMMENDED));
      const exclude = this.#idsOf(listOf<Id>(options?.exclude));
      const diversity = this.#number('diversity', options?.diversity, 0, 0, 1);
      return this.#loading.model?.recommend(n, options?.filter ?? {}, exclude, diversity);
    });
    if (items === undefined) return { ...this.#fallback(reason), items: [] };
    this.#journal.show(items.map((item) => item.id));
    return { ...this.#loading.outcome, items };
  }

  async explain<Item extends Id>(item: Item): Promise<Explanation<Item> | undefined> {
    const [id = ''] = this.#idsOf([item]);
    await this.#settle((model) => model.gather([id]));
    const explanation = this.#guarded(() => this.#loading.model?.explain(id));
    return explanation && { ...explanation, item };
  }

  consent(choice?: Choice | Partial<Consents>): Consents {
    if (choice !== undefined && !this.#onServer && !this.#stopped) {
      const before = this.#consents;
      this.#consents = answered(before, choice);
      this.#answers = this.#consents;
      this.#obey(before);
    }
    return { ...this.#consents };
  }

  async forget(): Promise<void> {
    if (this.#onServer) return;
    this.#blank();
    await this.#journal.queue(async (store) => {
      await store.erase();
      await this.#kept.erase();
      // What came while the erasing waited for its turn goes too.
      this.#reporting.outbox?.clear();
    });
    this.#changed();
  }

  async inspect(): Promise<Inspection> {
    const store = await this.#store;
    await this.#journal.settled;
    await this.#reporting.settled();
    await this.#journal.settled;
    const { model } = this.#loading;
    return {
      consent: { ...this.#consents },
      globalPrivacyControl: globalPrivacyControl(),
      storage: store.kind,
      session: this.#guarded(() => model?.events()) ?? this.#journal.unranked(),
      budget: this.#guarded(
        () => model && { spent: model.spent(seconds()), allowed: model.allowed },
      ),
      reports: this.#reporting.outbox?.reports() ?? [],
      bundle: this.#loading.model?.facts,
      files: await this.#kept.addresses(),
      encoder: this.#encoding.state,
    };
  }

  async retry(): Promise<Outcome> {
    if (!this.#onServer && !this.#stopped) {
      await this.#loading.load();
      this.#encoding.retry();
    }
    return this.#loading.outcome;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  dispose(): void {
    if (this.#stopped) return;
    this.#stop.abort();
    this.#fetcher.dispose();
    this.#loading.drop('disposed');
    this.#listeners.clear();
    // A commit under way still ends as it should.
    void this.#journal.settled.then(async () => (await this.#store).close()).catch(() => {});
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Leaves nothing of this visitor in the page's memory. */
  #blank(): void {
    this.#journal.clear();
    this.#encoding.forget();
    this.#answers = {};
    this.#reporting.outbox?.clear();
    this.#guarded(() => this.#loading.model?.ranker.reset());
    const before = this.#consents;
    this.#consents = answered(UNANSWERED, this.#options.consent);
    const allowed = before.ranking === 'denied' && this.#consents.ranking !== 'denied';
    if (allowed && !this.#stopped) this.#loading.restart();
    this.#changed();
  }

  async #begin(): Promise<Outcome> {
    const restored = this.#journal.queue(async (store) => {
      const { consent = UNANSWERED, shown } = await store.read();
      // The shop's word of today is above what was stored, and the visitor's of now above both.
      this.#consents = answered(answered(consent, this.#options.consent), this.#answers);
      if (mayUpload(this.#consents)) this.#journal.resume(shown);
    });
    // Where the shop has not said whether ranking is allowed, what is stored decides.
    const { ranking } = answered({ ...UNANSWERED, ranking: 'denied' }, this.#options.consent);
    if (ranking !== 'denied') void this.#loading.load();
    await restored;
    return this.#stopped ? this.#loading.outcome : this.#loading.load();
  }

  async #adopted(model: Model): Promise<void> {
    this.#journal.replay(model);
    await this.#journal.restored();
    if (!this.#tellTabs) whenIdle(() => void this.#joinTabs(), IDLE_PATIENCE);
    const gone = this.#loading.model !== model;
    if (gone || this.#options.encoder === false || model.encoderWidth === 0) return;
    this.#encoding.open(model);
  }

  /** Nothing is shared of what is in memory only. */
  async #joinTabs(): Promise<void> {
    try {
      const { joinTabs } = await part(import('./tabs.js'));
      if (this.#stopped || this.#tellTabs || (await this.#store).kind === 'memory') return;
      this.#tellTabs = joinTabs(
        `vitrine ${this.#place}`,
        this.#stop.signal,
        () => void this.#journal.commit(),
      );
    } catch {
      // This window takes up what the others do when it is shown.
    }
  }

  /** Follows a change of the visitor's answers. */
  #obey(before: Consents): void {
    const now = this.#consents;
    if (now.ranking === 'denied') {
      this.#journal.clear();
      this.#loading.drop('consent');
      void this.#kept.erase();
    } else if (before.ranking === 'denied') {
      this.#loading.restart();
    }
    this.#changed();
    void this.#journal.obey(now);
  }

  /**
   * Waits for the model, for what `gather` fetches of it, and shortly for the encoder to have
   * seen the latest event. Resolves to why there will be no list from the model that there is.
   */
  async #settle(
    gather: (model: Model) => Promise<boolean>,
    options?: WaitOptions,
  ): Promise<FallbackReason | undefined> {
    // Pages write `signal: wanted && controller.signal`.
    const signal = options?.signal || undefined;
    if (signal && typeof signal.addEventListener !== 'function') {
      throw new TypeError("'signal' is no AbortSignal: of an AbortController, give its 'signal'.");
    }
    const timeout = this.#number('timeout', options?.timeout ?? this.#options.timeout, 1_500);
    if (this.status === 'loading' || this.#loading.adopting) {
      const load = this.#loading.running ?? this.ready;
      await within(timeout, load, signal, this.#stop.signal);
      // The first list of a large catalogue takes a while.
      await slice();
    }
    const { model } = this.#loading;
    let reason: FallbackReason | undefined;
    if (model !== undefined && !signal?.aborted) {
      reason = 'timeout';
      const gathered = gather(model).then(
        (came) => {
          reason = undefined;
          if (came) this.#encoding.ask();
        },
        (error: unknown) => {
          this.#broken(error);
          reason = reasonOf(error);
        },
      );
      await within(timeout, gathered, signal, this.#stop.signal);
      // Of a newer bundle that was taken up meanwhile, nothing was fetched.
      const now = this.#loading.model;
      if (now !== undefined && now !== model) return this.#settle(gather, options);
      const answered = this.#encoding.asking;
      if (answered) await within(ANSWER_PATIENCE, answered, this.#stop.signal);
    }
    return signal?.aborted ? 'aborted' : reason;
  }

  /** Why a list is the caller's own. */
  #fallback(reason: FallbackReason | undefined): Outcome {
    const { outcome } = this.#loading;
    if (reason === 'aborted') return { status: 'fallback', reason };
    if (reason && outcome.status === 'ranked') return { status: 'fallback', reason };
    // There is a model, but it took no sense of what it was given.
    return outcome.status === 'ranked' ? { status: 'fallback', reason: 'failed' } : outcome;
  }

  /** Runs the ranker; a trap in it ends ranking, not the page. */
  #guarded<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#broken(error);
      return undefined;
    }
  }

  #broken(error: unknown): void {
    this.#failed(error);
    if (error instanceof WebAssembly.RuntimeError) this.#loading.drop('failed');
  }

  /** The ids of items, '' where one has none; that is said once. */
  #idsOf<T>(items: readonly T[], getId?: (item: T) => Id): string[] {
    let cause: unknown;
    const ids = items.map((item) => {
      try {
        return idOf(item, getId) ?? '';
      } catch (error) {
        cause = error;
        return '';
      }
    });
    const place = ids.indexOf('');
    if (place >= 0) {
      const count = ids.filter((id) => !id).length;
      const message = `${count} of ${ids.length} items have no id, the first at place ${place}: an id is a string or a number up to 2^53, in 'id' or where 'getId' finds it.`;
      this.#tellOnce('id', message, cause);
    }
    return ids;
  }

  /** A number of the page's, within bounds; that it was not is said once. */
  #number(name: string, given: unknown, standard: number, least = 0, most = LONGEST_TIMER): number {
    return clamped(given, standard, least, most, (used) =>
      this.#tellOnce(name, `'${name}' cannot be ${String(given)}: ${used} is used.`),
    );
  }

  /** Says once that a part of the record was damaged. */
  #tellOfDamage(part: string): void {
    const spent = part === 'budget' || part === 'record' ? '; the budget counts as spent' : '';
    this.#tellOnce(` ${part}`, `The stored record is damaged, '${part}' was dropped${spent}.`);
  }

  #tellOnce(about: string, message: string, cause?: unknown): void {
    if (this.#told.has(about)) return;
    this.#told.add(about);
    // The page may not have the instance in its hands yet.
    void Promise.resolve().then(() => this.#failed(new Error(message, { cause })));
  }

  #changed(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    void this.#watch?.then((watch) => watch?.failed(error));
    tell(this.#options.onError, error);
  }
}

function tell(onError: VitrineOptions['onError'], error: unknown): void {
  try {
    onError?.(error instanceof Error ? error : new Error(String(error)));
  } catch {
    // The page's handler is the page's affair.
  }
}

/** Uniform in [0, 1). */
function random(): number {
  return (randomNumbers(1)[0] ?? 0) / 2 ** 32;
}
