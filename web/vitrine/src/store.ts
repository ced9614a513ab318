/**
 * What is kept on the device: one record, changed by one reader at a time.
 *
 * Several tabs of a shop share the session and, above all, the feedback budget: two tabs that
 * each counted for themselves would report twice what the manifest allows. So every change is a
 * function from the record to the record, run inside one IndexedDB transaction, which the
 * browser serialises over all tabs. Such a function must not wait for anything, or the
 * transaction would end before it.
 *
 * What is written follows the visitor's answers: without consent to ranking no session, without
 * consent to upload no queue. Those parts then live in this page's memory.
 *
 * @module
 */

import { mayUpload } from './consent.js';
import type { Consents, Report } from './types.js';

/** An event that no ranker has seen yet. */
export interface PendingEvent {
  item: string;
  /** 0 a view, 1 the basket, 2 a purchase. */
  action: number;
  /** Unix time in seconds. */
  at: number;
  /** Whether counts were allowed to leave when it happened. */
  upload: boolean;
  /** Impressions that this event tells of, for the feedback budget. */
  impressions: { item: string; rank: number; clicked: boolean }[];
}

/** A report that waits. */
export interface Outgoing {
  report: Report;
  /** Not before this time, in milliseconds since the epoch. */
  due: number;
  /** How often it was tried. */
  attempts: number;
}

/** All that is kept. */
export interface State {
  /** The answers that were given through `consent()`. */
  consent?: Consents;
  /** The highest bundle version that this device accepted. */
  version?: number;
  /** The running session, as the ranker writes it. */
  session?: string;
  /** How many of the session's latest events came with consent to upload, without a break. */
  reportable?: number;
  /** Events that came before a ranker was there. */
  pending: PendingEvent[];
  /** The feedback budget, as the ranker writes it. */
  budget?: string;
  /** What was last recommended, best first: a click on it is an impression. */
  shown: string[];
  /** Reports on their way. */
  outbox: Outgoing[];
}

/** A place where the record is kept. */
export interface Store {
  readonly kind: 'indexeddb' | 'memory';
  /** What is written, whatever the answers say. */
  read(): Promise<State>;
  /** The highest bundle version that this device accepted. Makes no database. */
  version(): Promise<number>;
  /** Runs `change` on the record and keeps what it leaves; resolves to that. */
  update(change: (state: State) => void): Promise<State>;
  /** Erases the record. */
  erase(): Promise<void>;
  close(): void;
}

/** The store that was asked for, and one in memory where the device's is refused. */
export async function openStore(
  kind: Store['kind'] | undefined,
  page: { consents(): Consents; erased(): void; failed(error: unknown): void },
): Promise<Store> {
  try {
    // Where storage is refused, some browsers throw when it is only looked at.
    const factory = kind === 'memory' ? undefined : globalThis.indexedDB;
    if (factory !== undefined) return await deviceStore(factory, page.consents, page.erased);
  } catch (error) {
    page.failed(error);
  }
  return memoryStore();
}

/** A record with nothing in it. */
function emptyState(): State {
  return { pending: [], shown: [], outbox: [] };
}

/** A store that ends with the page. */
function memoryStore(): Store {
  let state = emptyState();
  return {
    kind: 'memory',
    async read() {
      return structuredClone(state);
    },
    async version() {
      return state.version ?? 0;
    },
    async update(change) {
      change(state);
      return structuredClone(state);
    },
    async erase() {
      state = emptyState();
    },
    close() {},
  };
}

const DATABASE = 'vitrine';
const TABLE = 'device';
const KEY = 'state';

/**
 * A store in IndexedDB; `consents` says what may be written. Nothing is written, not even an
 * empty database, before there is something that may be. `erased` is called when another tab
 * has erased everything. Rejects where IndexedDB is refused, as in some private windows.
 */
async function deviceStore(
  factory: IDBFactory,
  consents: () => Consents,
  erased: () => void,
): Promise<Store> {
  let database: IDBDatabase | undefined;
  let memory = emptyState();

  const connect = async (make: boolean) => {
    if (database !== undefined) return;
    const opened = await openDatabase(factory, make);
    database = opened;
    // Another tab erases everything, or has a later version of Vitrine: neither may wait.
    if (opened !== undefined) {
      opened.onversionchange = () => {
        opened.close();
        if (database !== opened) return;
        database = undefined;
        memory = emptyState();
        erased();
      };
    }
  };
  const writing = async () => {
    await connect(true);
    if (database === undefined) throw new Error('IndexedDB opened no database.');
    return database.transaction(TABLE, 'readwrite');
  };
  await connect(false);

  const read = async () => {
    if (database === undefined) return emptyState();
    const table = database.transaction(TABLE, 'readonly').objectStore(TABLE);
    const written: unknown = await settled(table.get(KEY));
    return isState(written) ? written : emptyState();
  };
  return {
    kind: 'indexeddb',
    read,
    async version() {
      return Math.max((await read()).version ?? 0, memory.version ?? 0);
    },
    async update(change) {
      const { ranking, upload } = consents();
      if (database === undefined && ranking !== 'granted' && upload !== 'granted') {
        change(memory);
        if (memory.consent === undefined) return structuredClone(memory);
        // The answer itself is kept, so that it need not be asked for again.
        const transaction = await writing();
        transaction.objectStore(TABLE).put({ ...emptyState(), consent: memory.consent }, KEY);
        await finished(transaction);
        return structuredClone(memory);
      }
      const transaction = await writing();
      const table = transaction.objectStore(TABLE);
      const written: unknown = await settled(table.get(KEY));
      const state = together(isState(written) ? written : emptyState(), memory, consents());
      change(state);
      memory = structuredClone(state);
      table.put(permitted(state, consents()), KEY);
      await finished(transaction);
      return structuredClone(memory);
    },
    async erase() {
      memory = emptyState();
      database?.close();
      database = undefined;
      await settled(factory.deleteDatabase(DATABASE));
    },
    close() {
      database?.close();
    },
  };
}

/** The database, or `undefined` when there is none and none is to be made. */
async function openDatabase(factory: IDBFactory, make: boolean): Promise<IDBDatabase | undefined> {
  const opening = factory.open(DATABASE, 1);
  let missing = false;
  opening.onupgradeneeded = () => {
    if (make) return void opening.result.createObjectStore(TABLE);
    missing = true;
    opening.transaction?.abort();
  };
  try {
    return await settled(opening);
  } catch (error) {
    if (missing) return undefined;
    throw error;
  }
}

/** What the device holds, and from memory what the device may not. */
function together(written: State, memory: State, consents: Consents): State {
  const state = structuredClone(written);
  if (consents.ranking !== 'granted') {
    state.pending = memory.pending;
    delete state.session;
    if (memory.session !== undefined) state.session = memory.session;
  }
  if (!mayUpload(consents)) {
    state.shown = memory.shown;
    state.outbox = memory.outbox;
  }
  return state;
}

/** The part of a record that may be written. */
function permitted(state: State, consents: Consents): State {
  const kept = structuredClone(state);
  if (consents.ranking !== 'granted') {
    kept.pending = [];
    delete kept.session;
    delete kept.version;
  }
  if (!mayUpload(consents)) {
    kept.shown = [];
    kept.outbox = [];
    // The budget stays: whoever refuses and allows again in one window has spent what was spent.
  }
  return kept;
}

function isState(value: unknown): value is State {
  if (typeof value !== 'object' || value === null) return false;
  const { pending, shown, outbox } = value as Partial<State>;
  return Array.isArray(pending) && Array.isArray(shown) && Array.isArray(outbox);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB refused a request.'));
    request.addEventListener('blocked', () =>
      reject(new Error('Another tab holds the database open.')),
    );
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = () =>
      reject(transaction.error ?? new Error('IndexedDB could not write; is the disk full?'));
    transaction.oncomplete = () => resolve();
    transaction.onabort = failed;
    transaction.onerror = failed;
  });
}
