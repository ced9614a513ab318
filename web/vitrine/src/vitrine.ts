/**
 * `createVitrine`: the parts put together.
 *
 * An event takes two ways. In the page's memory it moves the ranker at once, so that the next
 * list is already in its order. On the device it is committed: inside one transaction the stored
 * session is taken up, the event is added to it, the cells it may report are taken from the
 * stored budget, and all of it is written back. Another tab's events come in by the same way,
 * and no budget is spent twice.
 *
 * @module
 */

import { answered, globalPrivacyControl, mayUpload, UNANSWERED } from './consent.js';
import { Encoding } from './encoding.js';
import { Fetcher, Refused, Unreachable } from './fetching.js';
import { loadRanker, Model, Unsupported } from './model.js';
import { Outbox } from './outbox.js';
import { nonce, randomNumbers, seconds, within } from './platform.js';
import { deviceStore, memoryStore, type PendingEvent, type State, type Store } from './store.js';
import type {
  Action,
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
  ShopEvent,
  Vitrine,
  VitrineOptions,
} from './types.js';

const ACTIONS: readonly Action[] = ['view', 'add_to_cart', 'buy'];
const MAX_ITEM_BYTES = 128;
/** Events that wait for a ranker; a session is no longer than this. */
const MAX_PENDING = 200;
const MAX_RECOMMENDED = 1000;
/** Of a recommended list, so many items are remembered for impressions. */
const MAX_SHOWN = 50;
/** Random numbers that one event may use. */
const RANDOM_NUMBERS = 16;

/**
 * Starts Vitrine. In a browser it begins to load the model; on a server (without a `document`,
 * unless `fetch` is given) it does nothing.
 */
export function createVitrine(options: VitrineOptions = {}): Vitrine {
  return new Instance(options);
}

class Instance implements Vitrine {
  readonly ready: Promise<Outcome>;
  readonly #options: VitrineOptions;
  readonly #endpoint: string;
  readonly #fetcher: Fetcher;
  readonly #outbox: Outbox;
  readonly #encoding: Encoding;
  readonly #listeners = new Set<() => void>();
  readonly #onServer: boolean;
  readonly #stop = new AbortController();

  #consents: Consents;
  /** What `consent()` was told on this page. */
  #told: Partial<Consents> = {};
  #store: Promise<Store>;
  #commits: Promise<void> = Promise.resolve();
  /** Events that are not committed yet. */
  #fresh: PendingEvent[] = [];
  /** Events that are committed and wait for a ranker. */
  #waiting: PendingEvent[] = [];
  #shown: string[] = [];
  #model: Model | undefined;
  #reason: FallbackReason | undefined;
  #loading: Promise<Outcome> | undefined;
  #refresh: ReturnType<typeof setInterval> | undefined;

  constructor(options: VitrineOptions) {
    this.#options = options;
    this.#onServer = typeof document === 'undefined' && options.fetch === undefined;
    this.#endpoint = String(options.endpoint ?? globalThis.location?.origin ?? '').replace(
      /\/+$/,
      '',
    );
    // Called without its receiver, a page's fetch throws.
    this.#fetcher = new Fetcher(options.fetch ?? ((input, init) => fetch(input, init)));
    this.#consents = answered(UNANSWERED, options.consent);
    this.#outbox = new Outbox({
      now: () => Date.now(),
      random: () => (randomNumbers(1)[0] ?? 0) / 2 ** 32,
      delay: options.reportDelay ?? [5_000, 120_000],
      post: (report) => this.#fetcher.post(`${this.#endpoint}/v1/feedback`, report),
      beforeSend: options.beforeSend,
      allowed: () => mayUpload(this.#consents),
      window: (now) => this.#model?.window(now / 1000),
      update: async (change) => (await this.#store).update(change),
      changed: () => this.#changed(),
      failed: (error) => this.#failed(error),
    });
    this.#encoding = new Encoding({
      fetcher: this.#fetcher,
      endpoint: this.#endpoint,
      moduleUrl: moduleUrl('encoder', options.wasmUrl),
      worker: options.worker,
      guarded: (run) => this.#guarded(run),
      changed: () => this.#changed(),
      failed: (error) => this.#failed(error),
    });
    if (this.#onServer) {
      this.#store = Promise.resolve(memoryStore());
      this.#reason = 'server';
      this.ready = Promise.resolve(this.#outcome());
      return;
    }
    this.#store = this.#openStore();
    this.ready = this.#begin();
    this.#keepFresh();
  }

  get status(): Vitrine['status'] {
    if (this.#reason !== undefined) return 'fallback';
    return this.#model === undefined ? 'loading' : 'ready';
  }

  track(event: ShopEvent): void {
    if (this.#onServer || this.#stop.signal.aborted || this.#consents.ranking === 'denied') return;
    const item = String(event?.item ?? '');
    const action = ACTIONS.indexOf(event?.action ?? 'view');
    if (!isItem(item) || action < 0) {
      const what = JSON.stringify(event)?.slice(0, 200);
      this.#failed(
        new TypeError(
          `This event cannot be recorded: ${what}. Wanted is an item id of 1 to 128 bytes and the action view, add_to_cart or buy.`,
        ),
      );
      return;
    }
    const at = seconds();
    const impressions = action === 0 ? this.#impressionsOf(item) : [];
    const upload = mayUpload(this.#consents);
    this.#fresh.push({ item, action, at, upload, impressions });
    if (this.#fresh.length > MAX_PENDING) this.#fresh.shift();
    this.#guarded(() => this.#model?.track(item, action, at));
    this.#encoding.ask();
    this.#changed();
    void this.#commit();
  }

  async rank<T extends string | { id: string }>(
    items: readonly T[],
    options: RankOptions = {},
  ): Promise<Ranking<T>> {
    await this.#settle(options.timeout);
    const ids = items.map((item) => String(typeof item === 'string' ? item : item?.id));
    const ranked = this.#guarded(() => this.#model?.rank(ids));
    if (ranked === undefined) {
      return { ...this.#outcome(), items: [...items], scores: new Float32Array(items.length) };
    }
    const ordered = Array.from(ranked.order, (place) => items[place] as T);
    return { ...this.#outcome(), items: ordered, scores: ranked.scores };
  }

  async recommend(options: RecommendOptions = {}): Promise<Recommendation> {
    await this.#settle(options.timeout);
    const wanted = Math.floor(options.n ?? 10);
    const n = Math.min(Math.max(Number.isFinite(wanted) ? wanted : 0, 0), MAX_RECOMMENDED);
    const exclude = (options.exclude ?? []).map(String);
    const items = this.#guarded(() => this.#model?.recommend(n, options.filter ?? {}, exclude));
    if (items === undefined) return { ...this.#outcome(), items: [] };
    this.#show(items.map((item) => item.id));
    return { ...this.#outcome(), items };
  }

  async explain(item: string): Promise<Explanation | undefined> {
    await this.#settle(undefined);
    return this.#guarded(() => this.#model?.explain(String(item)));
  }

  consent(choice?: Choice | Partial<Consents>): Consents {
    if (choice !== undefined && !this.#onServer && !this.#stop.signal.aborted) {
      const before = this.#consents;
      this.#consents = answered(before, choice);
      this.#told = this.#consents;
      void this.#obey(before);
    }
    return { ...this.#consents };
  }

  async forget(): Promise<void> {
    if (this.#onServer || this.#stop.signal.aborted) return;
    this.#blank();
    await this.#queue(async (store) => {
      await store.erase();
      // What came while the erasing waited for its turn goes too.
      this.#outbox.clear();
    });
    this.#changed();
  }

  async inspect(): Promise<Inspection> {
    const store = await this.#store;
    await this.#commits;
    const waiting = [...this.#waiting, ...this.#fresh];
    return {
      consent: { ...this.#consents },
      globalPrivacyControl: globalPrivacyControl(),
      storage: store.kind,
      session:
        this.#guarded(() => this.#model?.events()) ??
        waiting.map(({ item, action }) => ({ item, action: ACTIONS[action] ?? 'view' })),
      budget: this.#guarded(
        () => this.#model && { spent: this.#model.spent(), allowed: this.#model.allowed },
      ),
      reports: this.#outbox.reports(),
      bundle: this.#model?.facts,
      encoder: this.#encoding.state,
    };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  dispose(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    clearInterval(this.#refresh);
    this.#outbox.dispose();
    this.#fetcher.dispose();
    this.#dropModel();
    this.#reason = 'disposed';
    this.#listeners.clear();
    // A commit under way still ends as it should.
    void this.#commits.then(async () => (await this.#store).close()).catch(() => {});
  }

  /** Leaves nothing of this visitor in the page's memory. */
  #blank(): void {
    this.#fresh = [];
    this.#waiting = [];
    this.#shown = [];
    this.#encoding.forget();
    this.#told = {};
    this.#outbox.clear();
    this.#guarded(() => this.#model?.reset());
    const refused = this.#mayNotRank();
    this.#consents = answered(UNANSWERED, this.#options.consent);
    if (refused && !this.#mayNotRank()) {
      this.#reason = undefined;
      void this.#load();
    }
    this.#changed();
  }

  // Loading.

  async #openStore(): Promise<Store> {
    if (this.#options.storage === 'memory' || globalThis.indexedDB === undefined)
      return memoryStore();
    try {
      return await deviceStore(
        globalThis.indexedDB,
        () => this.#consents,
        () => this.#blank(),
      );
    } catch (error) {
      this.#failed(error);
      return memoryStore();
    }
  }

  async #begin(): Promise<Outcome> {
    await this.#queue(async (store) => {
      const stored = (await store.read()).consent ?? UNANSWERED;
      // The shop's word of today is above what was stored, and the visitor's of now above both.
      this.#consents = answered(answered(stored, this.#options.consent), this.#told);
      this.#shown = (await store.update((state) => this.#outbox.redraw(state))).shown;
    });
    return this.#load();
  }

  /** Loads the current bundle if it is above the one in use. */
  #load(): Promise<Outcome> {
    this.#loading ??= this.#fetchModel().finally(() => {
      this.#loading = undefined;
      this.#changed();
    });
    return this.#loading;
  }

  async #fetchModel(): Promise<Outcome> {
    if (this.#mayNotRank()) {
      this.#reason = 'consent';
      return this.#outcome();
    }
    // The module that stopped is the only one this page can have.
    if (this.#reason === 'failed') return this.#outcome();
    try {
      await loadRanker(this.#fetcher, moduleUrl('ranker', this.#options.wasmUrl));
      const seen = (await (await this.#store).update(() => {})).version ?? 0;
      const above = this.#model?.facts.version ?? 0;
      const model = await Model.fetch(this.#fetcher, this.#endpoint, seconds(), above, seen);
      if (this.#stop.signal.aborted || this.#mayNotRank()) {
        model?.free();
      } else if (model !== undefined) {
        await this.#adopt(model);
      }
    } catch (error) {
      // A page that ranks goes on ranking with what it has.
      if (this.#model === undefined && !this.#stop.signal.aborted) this.#reason = reasonOf(error);
      this.#failed(error);
    }
    if (this.#model !== undefined && this.#model.facts.expires.getTime() <= Date.now()) {
      this.#dropModel();
      this.#reason = 'refused';
    }
    return this.#outcome();
  }

  async #adopt(model: Model): Promise<void> {
    this.#dropModel();
    this.#model = model;
    this.#reason = undefined;
    for (const { item, action, at } of this.#fresh) model.track(item, action, at);
    await this.#commit();
    if (this.#options.encoder !== false && model.encoderWidth > 0) this.#encoding.open(model);
  }

  #dropModel(): void {
    this.#encoding.close();
    const model = this.#model;
    this.#model = undefined;
    try {
      model?.free();
    } catch {
      // A module that has stopped cannot free anything either.
    }
  }

  /** Looks for a newer bundle, and for what other tabs have done. */
  #keepFresh(): void {
    const look = () => {
      if (this.#stop.signal.aborted || globalThis.document?.visibilityState === 'hidden') return;
      void this.#load();
      void this.#commit();
    };
    this.#refresh = setInterval(look, this.#options.refreshInterval ?? 900_000);
    globalThis.document?.addEventListener('visibilitychange', look, { signal: this.#stop.signal });
    (this.#refresh as { unref?: () => void }).unref?.();
  }

  // Committing.

  /** Runs `work` after everything that was queued before it. */
  #queue(work: (store: Store) => Promise<void>): Promise<void> {
    this.#commits = this.#commits
      .then(async () => work(await this.#store))
      .catch((error: unknown) => this.#failed(error));
    return this.#commits;
  }

  #commit(): Promise<void> {
    return this.#queue(async (store) => {
      const events = this.#fresh;
      this.#fresh = [];
      const before = this.#guarded(() => this.#model?.session());
      const state = await store.update((state) => {
        state.shown = this.#shown;
        state.pending = [...state.pending, ...events].slice(-MAX_PENDING);
        this.#guarded(() => this.#apply(state));
      });
      this.#waiting = state.pending;
      this.#outbox.follow(state);
      // Another tab's events came in, or reports went into the queue.
      const after = this.#guarded(() => this.#model?.session());
      if (before !== after || events.length > 0) this.#changed();
    });
  }

  /** Takes up what is stored, and what happened since. */
  #apply(state: State): void {
    const model = this.#model;
    if (model === undefined) return;
    const now = seconds();
    const upload = mayUpload(this.#consents);
    model.restore(state.session, now);
    model.restoreBudget(state.budget);
    for (const { item, action, at, upload: then, impressions } of state.pending) {
      model.track(item, action, at);
      state.reportable = upload && then ? (state.reportable ?? 0) + 1 : 0;
      if (state.reportable === 0) continue;
      const cells = model.candidates(state.reportable, now, randomNumbers(RANDOM_NUMBERS));
      for (const shown of impressions) {
        const cell = model.impression(shown.item, shown.rank, shown.clicked, now);
        if (cell !== undefined) cells.push(cell);
      }
      const window = model.window(now);
      state.outbox.push(...cells.map((cell) => this.#outbox.outgoing(cell, window, nonce())));
    }
    state.pending = [];
    state.session = model.session();
    if (upload) state.budget = model.budget();
    state.version = Math.max(state.version ?? 0, model.facts.version);
    // Events of this very moment are in the ranker but not yet in the record.
    for (const { item, action, at } of this.#fresh) model.track(item, action, at);
    this.#encoding.ask();
  }

  /** Follows a change of the visitor's answers. */
  async #obey(before: Consents): Promise<void> {
    const now = this.#consents;
    if (now.ranking === 'denied') {
      this.#fresh = [];
      this.#waiting = [];
      this.#shown = [];
      this.#dropModel();
      this.#reason = 'consent';
    } else if (before.ranking === 'denied') {
      this.#reason = undefined;
      void this.#load();
    }
    this.#changed();
    await this.#queue(async (store) => {
      const state = await store.update((state) => {
        state.consent = this.#consents;
        if (now.ranking === 'denied') {
          delete state.session;
          state.pending = [];
        }
        if (!mayUpload(now)) {
          state.outbox = [];
          state.shown = [];
          state.reportable = 0;
        }
      });
      this.#outbox.follow(state);
    });
    void this.#commit();
  }

  // What a list waits for, and what it is told.

  /** Waits for the model, and shortly for the encoder to have seen the latest event. */
  async #settle(timeout: number | undefined): Promise<void> {
    if (this.status === 'loading') {
      await within(timeout ?? this.#options.timeout ?? 1500, this.#loading ?? this.ready);
    }
    await this.#encoding.settled();
  }

  #outcome(): Outcome {
    if (this.#model !== undefined) return { status: 'ranked', version: this.#model.facts.version };
    return { status: 'fallback', reason: this.#reason ?? 'timeout' };
  }

  #mayNotRank(): boolean {
    return this.#consents.ranking === 'denied';
  }

  /** Runs the ranker; a trap in it ends ranking, not the page. */
  #guarded<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#failed(error);
      if (error instanceof WebAssembly.RuntimeError) {
        this.#dropModel();
        this.#reason = 'failed';
      }
      return undefined;
    }
  }

  #show(ids: string[]): void {
    if (!mayUpload(this.#consents)) return;
    this.#shown = ids.slice(0, MAX_SHOWN);
    void this.#commit();
  }

  /**
   * A click on a recommended item is an impression, and so is one other item of that list drawn
   * at random, which was not clicked. Never the list itself: its order tells the session.
   */
  #impressionsOf(item: string): PendingEvent['impressions'] {
    const clicked = this.#shown.indexOf(item);
    if (clicked < 0 || !mayUpload(this.#consents)) return [];
    const others = this.#shown.map((_, place) => place).filter((place) => place !== clicked);
    const other = others[(randomNumbers(1)[0] ?? 0) % Math.max(others.length, 1)];
    const impressions = [{ item, rank: clicked + 1, clicked: true }];
    if (other !== undefined) {
      impressions.push({ item: this.#shown[other] ?? '', rank: other + 1, clicked: false });
    }
    this.#shown = [];
    return impressions;
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
    if (this.#stop.signal.aborted) return;
    try {
      this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
    } catch {
      // The page's handler is the page's affair.
    }
  }
}

function reasonOf(error: unknown): FallbackReason {
  if (error instanceof Refused) return 'refused';
  if (error instanceof Unreachable) return 'unreachable';
  if (error instanceof Unsupported) return 'unsupported';
  return 'failed';
}

/** Whether an id is one that a feedback cell can carry: short, and without control characters. */
function isItem(id: string): boolean {
  return /^\P{Cc}+$/u.test(id) && new TextEncoder().encode(id).length <= MAX_ITEM_BYTES;
}

/** Where a module is: beside this code, in the words that bundlers look for, or in a folder. */
function moduleUrl(name: 'ranker' | 'encoder', folder: string | URL | undefined): string {
  if (folder !== undefined) return `${String(folder).replace(/\/*$/, '')}/${name}.wasm`;
  return name === 'ranker'
    ? new URL('../wasm/ranker.wasm', import.meta.url).href
    : new URL('../wasm/encoder.wasm', import.meta.url).href;
}
