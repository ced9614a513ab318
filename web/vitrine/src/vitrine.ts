/**
 * `createVitrine`: the parts put together.
 *
 * @module
 */

import { bound } from './bound.js';
import { answered, globalPrivacyControl, mayUpload, UNANSWERED } from './consent.js';
import type { Encoding, EncodingContext } from './encoding.js';
import { read } from './events/index.js';
import { Fetcher } from './fetching.js';
import { type Id, idOf, listOf } from './ids.js';
import { Journal } from './journal.js';
import { Kept } from './kept.js';
import { Loading, reasonOf } from './loading.js';
import type { Model } from './model.js';
import { Modules } from './modules.js';
import { pinning } from './pinning.js';
import { nonce, randomNumbers, seconds, whenIdle, within } from './platform.js';
import { Reporting } from './reporting.js';
import { slice } from './slices.js';
import { openStore, type Store } from './store.js';
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
  WaitOptions,
} from './types.js';

const MAX_RECOMMENDED = 1000;
/** How long the page may be busy before the encoder is loaded all the same, in milliseconds. */
const IDLE_PATIENCE = 4_000;
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
  readonly #encodingContext: EncodingContext;
  readonly #loading: Loading;
  readonly #journal: Journal;
  readonly #store: Promise<Store>;
  readonly #kept: Kept;
  /** Set once `onError` was told of items without an id. */
  #unnamed = false;
  /** Parts of the record whose damage was told of. */
  readonly #damaged = new Set<string>();
  /** The encoder's part, once its code is here; until then, `#encoder` says how things stand. */
  #encoding: Encoding | undefined;
  #encoder: Inspection['encoder'] = 'off';
  #consents: Consents;
  /** What `consent()` was told on this page. */
  #told: Partial<Consents> = {};
  #refresh: ReturnType<typeof setInterval> | undefined;

  constructor(options: VitrineOptions) {
    this.#options = options;
    this.#onServer = typeof document === 'undefined' && options.fetch === undefined;
    this.#consents = answered(UNANSWERED, options.consent);
    // With another receiver than the page itself, a page's fetch throws.
    const { fetch: given } = options;
    this.#fetcher = new Fetcher((input, init) => (given ?? fetch)(input, init));
    const endpoint = baseOf(options.endpoint);
    this.#store = openStore(this.#onServer ? 'memory' : options.storage, {
      endpoint,
      consents: () => this.#consents,
      erased: () => this.#blank(),
      damaged: (part) => this.#tellOfDamage(part),
      failed: (error) => this.#failed(error),
    });
    this.#kept = new Kept(
      endpoint,
      () => this.#consents.ranking === 'granted' && options.storage !== 'memory' && !this.#stopped,
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
      random: () => (randomNumbers(1)[0] ?? 0) / 2 ** 32,
      randomNumbers,
      nonce,
      delay: options.reportDelay ?? [5_000, 120_000],
      relay: options.relay,
      beforeSend: options.beforeSend,
      reportable: (window) => this.#loading.model?.reportable(window, seconds()),
      update: async (change, durability) => (await this.#store).update(change, durability),
      loaded: () => this.#journal.commit(),
    });
    this.#encodingContext = { ...around, worker: options.worker };
    this.#journal = new Journal({
      ...around,
      reporting: this.#reporting,
      damaged: (part) => this.#tellOfDamage(part),
      moved: () => this.#encoding?.ask(),
    });
    this.#loading = new Loading(
      {
        ...around,
        kept: this.#kept,
        signatures: publicKeys && pinning(publicKeys, this.#fetcher, endpoint, modules),
        refused: () => this.#consents.ranking === 'denied',
        seen: async () => (await this.#store).versions(),
        adopted: (model) => this.#adopted(model),
        dropped: () => {
          this.#encoding?.close();
          this.#encoder = 'off';
        },
      },
      this.#onServer ? 'server' : undefined,
    );
    this.ready = this.#onServer ? Promise.resolve(this.#loading.outcome) : this.#begin();
    if (!this.#onServer) this.#keepFresh();
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
      const wanted = Math.floor(options?.n ?? 10);
      const n = Math.min(Math.max(Number.isFinite(wanted) ? wanted : 0, 0), MAX_RECOMMENDED);
      const exclude = this.#idsOf(listOf<Id>(options?.exclude));
      const { filter = {}, diversity = 0 } = options ?? {};
      return this.#loading.model?.recommend(n, filter, exclude, Number(diversity));
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
      this.#told = this.#consents;
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
      encoder: this.#encoder === 'off' ? (this.#encoding?.state ?? 'off') : this.#encoder,
    };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  dispose(): void {
    if (this.#stopped) return;
    this.#stop.abort();
    clearInterval(this.#refresh);
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
    this.#encoding?.forget();
    this.#told = {};
    this.#reporting.outbox?.clear();
    this.#guarded(() => this.#loading.model?.reset());
    const before = this.#consents;
    this.#consents = answered(UNANSWERED, this.#options.consent);
    const allowed = before.ranking === 'denied' && this.#consents.ranking !== 'denied';
    if (allowed && !this.#stopped) this.#loading.retry();
    this.#changed();
  }

  async #begin(): Promise<Outcome> {
    const restored = this.#journal.queue(async (store) => {
      const { consent = UNANSWERED, shown } = await store.read();
      // The shop's word of today is above what was stored, and the visitor's of now above both.
      this.#consents = answered(answered(consent, this.#options.consent), this.#told);
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
    const gone = this.#loading.model !== model;
    if (gone || this.#options.encoder === false || model.encoderWidth === 0) return;
    this.#encoder = 'loading';
    whenIdle(() => void this.#openEncoder(model), IDLE_PATIENCE);
  }

  async #openEncoder(model: Model): Promise<void> {
    try {
      const { Encoding } = await import('./encoding.js');
      if (this.#loading.model !== model) return;
      this.#encoding ??= new Encoding(this.#encodingContext);
      this.#encoding.open(model);
      this.#encoder = 'off';
    } catch (error) {
      this.#encoder = 'failed';
      this.#failed(error);
      this.#changed();
    }
  }

  /** Looks for a newer bundle, and for what other tabs have done. */
  #keepFresh(): void {
    const look = () => {
      if (this.#stopped || globalThis.document?.visibilityState === 'hidden') return;
      void this.#loading.load();
      void this.#journal.commit();
    };
    this.#refresh = setInterval(look, this.#options.refreshInterval ?? 900_000);
    globalThis.document?.addEventListener('visibilitychange', look, { signal: this.#stop.signal });
    (this.#refresh as { unref?: () => void }).unref?.();
  }

  /** Follows a change of the visitor's answers. */
  #obey(before: Consents): void {
    const now = this.#consents;
    if (now.ranking === 'denied') {
      this.#journal.clear();
      this.#loading.drop('consent');
      void this.#kept.erase();
    } else if (before.ranking === 'denied') {
      this.#loading.retry();
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
    const { timeout = this.#options.timeout ?? 1500 } = options ?? {};
    // Pages write `signal: wanted && controller.signal`.
    const signal = options?.signal || undefined;
    if (signal && typeof signal.addEventListener !== 'function') {
      throw new TypeError("'signal' is no AbortSignal: of an AbortController, give its 'signal'.");
    }
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
          if (came) this.#encoding?.ask();
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
      const answered = this.#encoding?.asking;
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
    if (place >= 0 && !this.#unnamed) {
      this.#unnamed = true;
      const count = ids.filter((id) => !id).length;
      const message = `${count} of ${ids.length} items have no id, the first at place ${place}: an id is a string or a number up to 2^53, in 'id' or where 'getId' finds it.`;
      this.#failed(new TypeError(message, { cause }));
    }
    return ids;
  }

  /** Says once that a part of the record was damaged. */
  #tellOfDamage(part: string): void {
    if (this.#damaged.has(part)) return;
    this.#damaged.add(part);
    const spent = part === 'budget' || part === 'record' ? '; the budget counts as spent' : '';
    this.#failed(new Error(`The stored record is damaged, '${part}' was dropped${spent}.`));
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
    if (!this.#stopped) tell(this.#options.onError, error);
  }
}

function tell(onError: VitrineOptions['onError'], error: unknown): void {
  try {
    onError?.(error instanceof Error ? error : new Error(String(error)));
  } catch {
    // The page's handler is the page's affair.
  }
}

/** The base URL of the server: absolute, because what is stored is named by it. */
function baseOf(endpoint: string | URL | undefined): string {
  const { location, document } = globalThis;
  let base = String(endpoint ?? location?.origin ?? '');
  try {
    base = new URL(base, document?.baseURI ?? location?.href).href;
  } catch {
    // The requests will fail, and say so.
  }
  return base.replace(/\/+$/, '');
}
