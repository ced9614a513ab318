/**
 * Reports on their way to the server.
 *
 * A report must not tell which other report it belongs to. So each travels in a request of its
 * own, without a cookie, a referrer or a time, after a delay drawn for it alone; what an earlier
 * page left behind gets a new delay, or a visit's reports would leave together when the next
 * page opens. A retry repeats the nonce, and the server counts it once. A report that did not
 * arrive within its window, or shortly after, is dropped: the server takes it into no other.
 *
 * @module
 */

import type { Outgoing, State } from './store.js';
import type { FeedbackWindow, Report, ReportState } from './types.js';

/** What the outbox needs from around it; times in milliseconds since the epoch. */
export interface OutboxContext {
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  delay: readonly [number, number];
  /** Sends a report; resolves to the HTTP status, rejects without a network. */
  post(report: Report): Promise<number>;
  /** The shop's veto. */
  beforeSend: ((report: Report) => boolean | void) | undefined;
  /** Whether reports may leave the device at this moment. */
  allowed(): boolean;
  /** Whether a report of a window may still be sent; `undefined` while no bundle is loaded. */
  reportable(window: FeedbackWindow): boolean | undefined;
  update(change: (state: State) => void): Promise<State>;
  /** Called when a report changes its state. */
  changed(): void;
  failed(error: unknown): void;
}

/** The wait before the second try, doubled for each further one. */
const FIRST_RETRY = 30_000;
const LAST_RETRY = 3_600_000;
/** How often a report is tried. */
const ATTEMPTS = 8;
/** How many finished reports `inspect` shows. */
const REMEMBERED = 50;

/** Sends what is due, one report at a time. */
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

  /** A report for a cell, with a nonce and a delay of its own. */
  outgoing(cell: unknown, window: FeedbackWindow, nonce: string): Outgoing {
    const report = { nonce, window, cell } as Report;
    return { report, due: this.#context.now() + this.#delay(), attempts: 0 };
  }

  /** Gives what an earlier page left behind a new delay. */
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
    this.#timer = setTimeout(() => void this.#run(), Math.min(wait, LAST_RETRY));
  }

  async #run(): Promise<void> {
    this.#sending = true;
    try {
      // One tab sends for all; without the API the nonce alone keeps a double from counting.
      const locks = globalThis.navigator?.locks as LockManager | undefined;
      if (locks === undefined) await this.#sendDue();
      else await locks.request('vitrine-outbox', () => this.#sendDue());
    } catch (error) {
      this.#context.failed(error);
      // What cannot be stored is not sent again and again from this page.
      this.#queue = [];
    }
    this.#sending = false;
    this.#schedule();
  }

  async #sendDue(): Promise<void> {
    const now = this.#context.now();
    // Another tab may have sent some of it.
    this.#queue = (await this.#context.update(() => {})).outbox;
    for (const entry of this.#queue.filter((entry) => entry.due <= now)) {
      if (this.#disposed) return;
      const outcome = await this.#send(entry);
      const state = await this.#context.update((state) => {
        if (outcome !== 'queued') {
          state.outbox = state.outbox.filter((other) => other.report.nonce !== entry.report.nonce);
          return;
        }
        const stored = state.outbox.find((other) => other.report.nonce === entry.report.nonce);
        if (stored === undefined) return;
        stored.attempts += 1;
        const wait = Math.min(FIRST_RETRY * 2 ** (stored.attempts - 1), LAST_RETRY);
        stored.due = this.#context.now() + wait * (0.5 + this.#context.random());
      });
      this.#queue = state.outbox;
      if (outcome !== 'queued') {
        this.#finished = [...this.#finished, { report: entry.report, state: outcome }];
        this.#finished = this.#finished.slice(-REMEMBERED);
      }
      this.#context.changed();
    }
  }

  async #send(entry: Outgoing): Promise<ReportState> {
    const open = this.#context.reportable(entry.report.window);
    if (!this.#context.allowed() || !open) return 'dropped';
    try {
      if (this.#context.beforeSend?.(structuredClone(entry.report)) === false) return 'vetoed';
    } catch (error) {
      // A veto that cannot speak is a veto.
      this.#context.failed(error);
      return 'vetoed';
    }
    try {
      const status = await this.#context.post(entry.report);
      if (status >= 200 && status < 300) return 'sent';
      const later = [408, 425, 429].includes(status) || status >= 500;
      if (!later) return 'dropped';
    } catch (error) {
      this.#context.failed(error);
    }
    return entry.attempts + 1 < ATTEMPTS ? 'queued' : 'dropped';
  }
}
