/**
 * Reports on their way to the server. Loaded when there may be something to report, because no
 * list waits for it. It imports no code, which a page would then fetch in a file of its own before
 * the first list.
 *
 * A report must not tell which other report it belongs to. So each travels in a request of its
 * own, without a cookie, a referrer or a time, after a delay drawn for it alone. Reports become due
 * together when timers have stood still: in a laptop that slept, in a tab in the background, or
 * between two visits. Then one of them leaves, and each other one gets a new delay.
 *
 * A report is claimed before it is sent: its next try is written first, in a transaction that is
 * on the disk before the request begins. So no report leaves whose budget was not kept, and of
 * several tabs only one sends it. A retry repeats nonce and window, and the server counts it once.
 * A report that did not arrive within its window, or shortly after, is dropped: the server takes
 * it into no other.
 *
 * @module
 */

import type { Model } from './model.js';
import type { Outgoing, PendingEvent, State } from './record.js';
import type { FeedbackWindow, Report, ReportState } from './types.js';

export { posting } from './posting.js';

/** What the outbox needs from around it; times in milliseconds since the epoch. */
export interface OutboxContext {
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Uniform 32-bit numbers. */
  randomNumbers(count: number): Uint32Array;
  /** 32 hexadecimal digits that are used once. */
  nonce(): string;
  delay: readonly [number, number];
  /** Sends a report; resolves to the HTTP status, rejects without a network. */
  post(report: Report): Promise<number>;
  /** The shop's veto. */
  beforeSend: ((report: Report) => boolean | void) | undefined;
  /** True if reports may leave the device at this moment. */
  allowed(): boolean;
  /** True if a report of a window may still be sent; `undefined` while no bundle is loaded. */
  reportable(window: FeedbackWindow): boolean | undefined;
  /** Changes the record, as a store does. */
  update(change: (state: State) => void, durability?: IDBTransactionDurability): Promise<State>;
  /** Called when a report changes its state. */
  changed(): void;
  failed(error: unknown): void;
}

/** The wait before the second try, doubled for each further one; longer than a request may take. */
const FIRST_PAUSE = 60_000;
/** How often a report is tried: with the pauses in between, over eight hours. */
const ATTEMPTS = 10;
/** The longest timer; browsers count to 2^31 and no further. */
const LONGEST_TIMER = 3_600_000;
/** How many finished reports `inspect` shows. */
const REMEMBERED = 50;
/** Random numbers that one event may use. */
const RANDOM_NUMBERS = 16;

/** Takes cells from events, and sends what is due, one report at a time. */
export class Outbox {
  readonly #context: OutboxContext;
  #queue: Outgoing[] = [];
  #finished: { report: Report; state: ReportState }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending = false;
  #disposed = false;

  constructor(context: OutboxContext) {
    this.#context = context;
  }

  /**
   * The reports of the latest event, taken from the budget of `model`. Only the latest `reportable`
   * events are looked at, so that no cell names what came before consent.
   */
  take({ ranker, facts }: Model, { impressions }: PendingEvent, reportable: number): Outgoing[] {
    const { randomNumbers, nonce } = this.#context;
    const now = Math.floor(this.#context.now() / 1000);
    const cells = JSON.parse(
      ranker.candidates(reportable, now, randomNumbers(RANDOM_NUMBERS)),
    ) as unknown[];
    const add = (json: string | undefined) => json !== undefined && cells.push(JSON.parse(json));
    for (const { item, rank, clicked } of impressions) {
      add(ranker.impression(item, rank, clicked, now));
      // Its noise is drawn here, once; the true rank is not stored.
      if (clicked) add(ranker.metric(rank, now, randomNumbers(2)));
    }
    const window = { number: ranker.window(now), seconds: facts.windowSeconds };
    return cells.map((cell) => this.outgoing(cell, window, nonce()));
  }

  /** A report for a cell, with a delay of its own. */
  outgoing(cell: unknown, window: FeedbackWindow, nonce: string): Outgoing {
    const report = { nonce, window, cell } as Report;
    return { report, due: this.#context.now() + this.#delay(), attempts: 0 };
  }

  /** Gives each report that is due a new delay. */
  redraw(state: State): void {
    const now = this.#context.now();
    for (const entry of state.outbox) {
      if (entry.due <= now) entry.due = now + this.#delay();
    }
  }

  /** Follows the stored queue. */
  follow(state: State): void {
    this.#queue = state.outbox;
    this.#schedule();
  }

  /** Every report that this page knows of, the waiting ones last. */
  reports(): { report: Report; state: ReportState }[] {
    const waiting = this.#queue.map(({ report }) => ({ report, state: 'queued' as const }));
    return [...this.#finished, ...waiting];
  }

  /** Forgets everything; nothing more is sent of what was queued. */
  clear(): void {
    this.#queue = [];
    this.#finished = [];
    this.#schedule();
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  #delay(): number {
    const [least, most] = this.#context.delay;
    return least + (most - least) * this.#context.random();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#disposed || this.#sending || this.#queue.length === 0) return;
    // `follow` is called again when there is a bundle.
    const [first] = this.#queue;
    if (first && this.#context.reportable(first.report.window) === undefined) return;
    const due = Math.min(...this.#queue.map((entry) => entry.due));
    const wait = Math.max(0, due - this.#context.now());
    this.#timer = setTimeout(() => void this.#run(), Math.min(wait, LONGEST_TIMER));
  }

  async #run(): Promise<void> {
    this.#sending = true;
    try {
      const entry = await this.#claim();
      if (entry !== undefined && !this.#disposed) await this.#finish(entry);
    } catch (error) {
      this.#context.failed(error);
      // What cannot be stored is not sent from this page.
      this.#queue = [];
    }
    this.#sending = false;
    this.#schedule();
  }

  /** One of the reports that are due, chosen by chance, as its order would tell of the others. */
  async #claim(): Promise<Outgoing | undefined> {
    let claimed: Outgoing | undefined;
    const state = await this.#context.update((state) => {
      const now = this.#context.now();
      const due = state.outbox.filter((entry) => entry.due <= now);
      claimed = due[Math.floor(due.length * this.#context.random())];
      this.redraw(state);
      if (claimed === undefined) return;
      const pause = FIRST_PAUSE * 2 ** claimed.attempts;
      claimed.attempts += 1;
      claimed.due = now + pause * (0.5 + this.#context.random());
    }, 'strict');
    this.#queue = state.outbox;
    return claimed;
  }

  /** Sends a claimed report, and writes how it ended. */
  async #finish(entry: Outgoing): Promise<void> {
    const outcome = await this.#send(entry);
    const { nonce } = entry.report;
    const state = await this.#context.update((state) => {
      if (outcome !== 'queued') {
        state.outbox = state.outbox.filter(({ report }) => report.nonce !== nonce);
      }
      // What became due while it was sent must not follow on its heels.
      this.redraw(state);
    });
    this.#queue = state.outbox;
    if (outcome !== 'queued') {
      this.#finished = [...this.#finished, { report: entry.report, state: outcome }];
      this.#finished = this.#finished.slice(-REMEMBERED);
    }
    this.#context.changed();
  }

  async #send({ report, attempts }: Outgoing): Promise<ReportState> {
    if (!this.#context.allowed() || !this.#context.reportable(report.window)) return 'dropped';
    try {
      if (
        this.#context.beforeSend?.({
          ...report,
          window: { ...report.window },
          cell: { ...report.cell },
        }) === false
      )
        return 'vetoed';
    } catch (error) {
      // A veto that cannot speak is a veto.
      this.#context.failed(error);
      return 'vetoed';
    }
    try {
      const status = await this.#context.post(report);
      if (status >= 200 && status < 300) return 'sent';
      const later = [408, 425, 429].includes(status) || status >= 500;
      if (!later) return 'dropped';
    } catch (error) {
      this.#context.failed(error);
    }
    return attempts < ATTEMPTS ? 'queued' : 'dropped';
  }
}
