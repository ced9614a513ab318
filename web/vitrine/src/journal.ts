/**
 * What the visitor did on this page, and how it gets onto the device.
 *
 * An event takes two ways. In the page's memory it moves the ranker at once, so that the next
 * list is already in its order. On the device it is committed: inside one transaction the stored
 * session is taken up, the event is added to it, the cells it may report are taken from the
 * stored budget, and all of it is written back. Another tab's events come in by the same way,
 * and no budget is spent twice.
 *
 * @module
 */

import { ACTIONS } from './actions.js';
import { mayUpload } from './consent.js';
import type { Model } from './model.js';
import { randomNumbers, seconds } from './platform.js';
import { highest, type Outgoing, type PendingEvent, SPENT, type State } from './record.js';
import type { Reporting } from './reporting.js';
import type { Store } from './store.js';
import type { Action, Consents } from './types.js';

/** What the journal needs from around it. */
export interface JournalContext {
  store: Promise<Store>;
  reporting: Reporting;
  /** The model in use; `undefined` while there is none. */
  model(): Model | undefined;
  consents(): Consents;
  /** Runs the ranker; `undefined` when it has stopped. */
  guarded<T>(run: () => T): T | undefined;
  /** Called when the ranker holds another session: the encoder is to be asked about it. */
  moved(): void;
  /** Called when events are on the device. */
  written(): unknown;
  changed(): void;
  /** Called with a part of the record that the ranker cannot read. */
  damaged(part: string): void;
  failed(error: unknown): void;
}

/** Events that wait for a ranker; a session is no longer than this. */
const MAX_PENDING = 200;
/** Of a recommended list, so many items are remembered for impressions. */
const MAX_SHOWN = 50;

/** The events of this page, and the commits that are under way. */
export class Journal {
  readonly #context: JournalContext;
  #commits: Promise<void> = Promise.resolve();
  /** Events that are not committed yet. */
  #fresh: PendingEvent[] = [];
  /** Events that are committed and wait for a ranker. */
  #waiting: PendingEvent[] = [];
  #shown: string[] = [];

  constructor(context: JournalContext) {
    this.#context = context;
  }

  /** Resolves when everything is committed that is known by now. */
  get settled(): Promise<void> {
    return this.#commits;
  }

  /** Records an event, which moves the ranker at once. */
  record(item: string, action: Action): void {
    const code = ACTIONS.indexOf(action);
    const at = seconds();
    const impressions = action === 'view' ? this.#impressionsOf(item) : [];
    const upload = mayUpload(this.#context.consents());
    this.#fresh.push({ item, action: code, at, upload, impressions });
    if (this.#fresh.length > MAX_PENDING) this.#fresh.shift();
    this.#context.guarded(() => this.#context.model()?.ranker.track(item, code, at));
    this.#context.moved();
    this.#context.changed();
    void this.commit();
  }

  /** Remembers what was recommended, best first: a click on it is an impression. */
  show(ids: readonly string[]): void {
    if (!mayUpload(this.#context.consents())) return;
    this.#shown = ids.slice(0, MAX_SHOWN);
    void this.commit();
  }

  /** Takes up what an earlier page recommended. */
  resume(shown: string[]): void {
    this.#shown = shown;
  }

  /** Tells a new model what is not committed yet. */
  replay(model: Model): void {
    for (const { item, action, at } of this.#fresh) model.ranker.track(item, action, at);
  }

  /** The events that no ranker has seen yet, oldest first. */
  unranked(): { item: string; action: Action }[] {
    return [...this.#waiting, ...this.#fresh].map(({ item, action }) => ({
      item,
      action: ACTIONS[action] ?? 'view',
    }));
  }

  /** Forgets what this page's memory holds. */
  clear(): void {
    this.#fresh = [];
    this.#waiting = [];
    this.#shown = [];
  }

  /** Runs `work` after everything that was queued before it. */
  queue(work: (store: Store) => Promise<void>): Promise<void> {
    this.#commits = this.#commits
      .then(async () => work(await this.#context.store))
      .catch((error: unknown) => this.#context.failed(error));
    return this.#commits;
  }

  /** Commits; resolves as soon as the ranker has taken up what is stored, before that is written. */
  restored(): Promise<void> {
    return new Promise((resolve) => void this.commit(resolve).then(resolve));
  }

  /**
   * Writes what is fresh, and takes up what other tabs have written; `taken` is called in between.
   */
  commit(taken?: () => void): Promise<void> {
    const { guarded, model, reporting, written, changed } = this.#context;
    const session = () => guarded(() => model()?.ranker.session());
    return this.queue(async (store) => {
      const events = this.#fresh;
      this.#fresh = [];
      const before = session();
      const state = await store.update((state) => {
        state.shown = this.#shown;
        state.pending = [...state.pending, ...events].slice(-MAX_PENDING);
        guarded(() => this.#apply(state, reporting.may(store)));
        taken?.();
      });
      this.#waiting = state.pending;
      reporting.outbox?.follow(state);
      if (events.length > 0) written();
      // Another tab's events came in, or reports went into the queue.
      if (before !== session() || events.length > 0) changed();
    });
  }

  /** Writes the visitor's new answers, and erases what they no longer allow. */
  async obey(answers: Consents): Promise<void> {
    await this.queue(async (store) => {
      const state = await store.update((state) => {
        state.consent = this.#context.consents();
        if (answers.ranking === 'denied') {
          delete state.session;
          state.pending = [];
        }
        if (!mayUpload(answers)) {
          state.outbox = [];
          state.shown = [];
          state.reportable = 0;
        }
      });
      this.#context.reporting.outbox?.follow(state);
    });
    await this.commit();
  }

  /** Takes up what is stored, and what happened since; `upload` says whether it may be reported. */
  #apply(state: State, upload: boolean): void {
    const { model: modelOf, reporting, damaged } = this.#context;
    const model = modelOf();
    if (model === undefined) return;
    const { ranker } = model;
    const now = seconds();
    if (!model.restore(state.session, now)) damaged('session');
    const { budget } = state;
    if (budget !== undefined && !ranker.restoreBudget(budget, now) && budget !== SPENT) {
      damaged('budget');
    }
    const { outbox } = reporting;
    // Until their cells can be taken, events stay pending; the ranker knows them all the same.
    const wait = upload && outbox === undefined;
    const taken: Outgoing[] = [];
    let { reportable = 0 } = state;
    for (const event of state.pending) {
      ranker.track(event.item, event.action, event.at);
      reportable = upload && event.upload ? reportable + 1 : 0;
      if (reportable > 0) taken.push(...(outbox?.take(model, event, reportable) ?? []));
    }
    if (wait) {
      void reporting.load();
    } else {
      const [session, spent] = [ranker.session(), ranker.budget()];
      // From here on nothing fails: a report is never queued without what it cost.
      Object.assign(state, { session, reportable, pending: [] });
      if (upload) state.budget = spent;
      state.outbox.push(...taken);
    }
    state.versions = highest(state.versions, model.versions);
    // Events of this very moment are in the ranker but not yet in the record.
    this.replay(model);
    this.#context.moved();
  }

  /**
   * A click on a recommended item is an impression, and so is one other item of that list drawn
   * at random, which was not clicked. Never the list itself: its order tells the session.
   */
  #impressionsOf(item: string): PendingEvent['impressions'] {
    const clicked = this.#shown.indexOf(item);
    if (clicked < 0 || !mayUpload(this.#context.consents())) return [];
    const others = this.#shown.map((_, place) => place).filter((place) => place !== clicked);
    const other = others[(randomNumbers(1)[0] ?? 0) % Math.max(others.length, 1)];
    const impressions = [{ item, rank: clicked + 1, clicked: true }];
    if (other !== undefined) {
      impressions.push({ item: this.#shown[other] ?? '', rank: other + 1, clicked: false });
    }
    this.#shown = [];
    return impressions;
  }
}
