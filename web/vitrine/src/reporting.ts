/**
 * Whether this page may report, and the code that does: loaded when there is something to report,
 * because no list waits for it.
 *
 * @module
 */

import { mayUpload } from './consent.js';
import type { Fetcher } from './fetching.js';
import type { Outbox, OutboxContext } from './outbox.js';
import { part, whenIdle } from './platform.js';
import type { Store } from './store.js';
import type { Consents, RelayOptions } from './types.js';

/** What reporting needs from around it. */
export interface ReportingContext extends Omit<OutboxContext, 'allowed' | 'post'> {
  fetcher: Fetcher;
  endpoint: string;
  relay: RelayOptions | undefined;
  consents(): Consents;
  /** Aborted when the instance is disposed. */
  stop: AbortSignal;
  /** Called when the outbox is there. */
  loaded(): Promise<void>;
}

/** How long a busy page may keep the code waiting, in milliseconds. */
const IDLE_PATIENCE = 2_000;

/** The outbox, once it is here. */
export class Reporting {
  readonly #context: ReportingContext;
  #outbox: Outbox | undefined;
  #loading: Promise<void> | undefined;
  #failed = false;

  constructor(context: ReportingContext) {
    this.#context = context;
  }

  get outbox(): Outbox | undefined {
    return this.#outbox;
  }

  /**
   * Whether events may be reported from this page. Only what is in IndexedDB outlasts the page: a
   * budget in memory would be a new one with each page load.
   */
  may({ kind }: Store): boolean {
    return !this.#failed && kind === 'indexeddb' && mayUpload(this.#context.consents());
  }

  /** Loads the outbox when the page is idle; resolves when it is there, or cannot be. */
  load(): Promise<void> {
    this.#loading ??= new Promise<void>((resolve) => whenIdle(resolve, IDLE_PATIENCE)).then(() =>
      this.#load(),
    );
    return this.#loading;
  }

  /** Resolves when a load that was begun has ended. */
  async settled(): Promise<void> {
    await this.#loading;
  }

  async #load(): Promise<void> {
    const { fetcher, endpoint, relay, stop, consents, loaded, failed, update } = this.#context;
    try {
      const { Outbox, posting } = await part(import('./outbox.js'));
      if (stop.aborted) return;
      const post = posting(fetcher, endpoint, relay);
      const allowed = () => mayUpload(consents());
      const outbox = new Outbox({ ...this.#context, post, allowed });
      stop.addEventListener('abort', () => outbox.dispose());
      // What an earlier page left behind would leave together with this one's opening.
      await update((state) => outbox.redraw(state));
      this.#outbox = outbox;
    } catch (error) {
      this.#failed = true;
      failed(error);
    }
    await loaded();
  }
}
