/**
 * Where things are kept: one record for each endpoint, changed by one reader at a time.
 *
 * Several tabs of a shop share the session and, above all, the feedback budget: two tabs that
 * each counted for themselves would report twice what the manifest allows. So every change is a
 * function from the record to the record, run inside one IndexedDB transaction, which the
 * browser serialises over all tabs. Such a function must not wait for anything, or the
 * transaction would end before it.
 *
 * Each endpoint has a database of its own. Two servers on one page know nothing of one another:
 * neither the reports nor the versions of one are the other's.
 *
 * What is written follows the visitor's answers: without consent to ranking no session, without
 * consent to upload no queue. Those parts then live in this page's memory.
 *
 * @module
 */

import {
  emptyState,
  highest,
  permitted,
  readState,
  SPENT,
  type State,
  together,
  type Versions,
} from './record.js';
import type { Consents } from './types.js';

/** A place where the record is kept. */
export interface Store {
  /** Only what is in IndexedDB outlasts the page, so only there a budget holds. */
  readonly kind: 'indexeddb' | 'memory';
  /** What is written, whatever the answers say. */
  read(): Promise<State>;
  /** The highest bundle version that this device accepted, by signer. Makes no database. */
  versions(): Promise<Versions>;
  /**
   * Runs `change` on the record and keeps what it leaves; resolves to that. With `strict`, it is
   * on the disk by then and not only on its way there.
   */
  update(change: (state: State) => void, durability?: IDBTransactionDurability): Promise<State>;
  /** Erases the record. */
  erase(): Promise<void>;
  close(): void;
}

/** What a store needs from the page around it. */
export interface StoreContext {
  /** The base URL of the server that the record is of. */
  endpoint: string;
  consents(): Consents;
  /** Called when another tab has erased everything. */
  erased(): void;
  /** Called with each part of the record that was damaged, and dropped. */
  damaged(part: string): void;
  failed(error: unknown): void;
}

/** The store that was asked for, and one in memory where the device's is refused. */
export async function openStore(
  kind: Store['kind'] | undefined,
  page: StoreContext,
): Promise<Store> {
  try {
    // Where storage is refused, some browsers throw when it is only looked at.
    const factory = kind === 'memory' ? undefined : globalThis.indexedDB;
    if (factory !== undefined) return await deviceStore(factory, page);
  } catch (error) {
    page.failed(error);
  }
  return memoryStore();
}

/** A store that ends with the page. */
function memoryStore(): Store {
  let state = emptyState();
  return {
    kind: 'memory',
    async read() {
      return structuredClone(state);
    },
    async versions() {
      return state.versions ?? {};
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

/** The database of an endpoint is named by this, a blank and the endpoint. */
const DATABASE = 'vitrine';
const TABLE = 'device';
const KEY = 'state';

/**
 * A store in IndexedDB. Nothing is written, not even an empty database, before there is something
 * that may be. Rejects where IndexedDB is refused, as in some private windows.
 */
async function deviceStore(factory: IDBFactory, page: StoreContext): Promise<Store> {
  const { consents } = page;
  const name = `${DATABASE} ${page.endpoint}`;
  let database: IDBDatabase | undefined;
  let memory = emptyState();

  const connect = async (make: boolean) => {
    if (database !== undefined) return;
    let opened = await openDatabase(factory, name);
    if (opened === undefined && make) {
      const first = emptyState();
      if (await succeeds(factory)) first.budget = SPENT;
      opened = await openDatabase(factory, name, first);
    }
    database = opened;
    if (opened === undefined) return;
    const lost = () => {
      if (database === opened) database = undefined;
    };
    opened.onclose = lost;
    // Another tab erases everything, or has a later version of Vitrine: neither may wait.
    opened.onversionchange = () => {
      opened.close();
      if (database !== opened) return;
      lost();
      memory = emptyState();
      page.erased();
    };
  };
  const writing = async (durability: IDBTransactionDurability = 'default') => {
    await connect(true);
    if (database === undefined) throw new Error('IndexedDB opened no database.');
    return database.transaction(TABLE, 'readwrite', { durability });
  };
  await connect(false);

  const read = async () => {
    if (database === undefined) return emptyState();
    const table = database.transaction(TABLE, 'readonly').objectStore(TABLE);
    return readState(await settled(table.get(KEY)), page.damaged);
  };
  return {
    kind: 'indexeddb',
    read,
    async versions() {
      return highest((await read()).versions, memory.versions);
    },
    async update(change, durability) {
      const { ranking, upload } = consents();
      if (database === undefined && ranking !== 'granted' && upload !== 'granted') {
        change(memory);
        if (memory.consent === undefined) return structuredClone(memory);
        // The answer itself is kept, so that it need not be asked for again.
        const transaction = await writing();
        const table = transaction.objectStore(TABLE);
        const state = readState(await settled(table.get(KEY)), page.damaged);
        table.put({ ...permitted(state, consents()), consent: memory.consent }, KEY);
        await finished(transaction);
        return structuredClone(memory);
      }
      const transaction = await writing(durability);
      const table = transaction.objectStore(TABLE);
      const written = readState(await settled(table.get(KEY)), page.damaged);
      const state = together(written, memory, consents());
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
      await settled(factory.deleteDatabase(name));
      await settled(factory.deleteDatabase(DATABASE));
    },
    close() {
      database?.close();
    },
  };
}

/**
 * Whether this profile has a record of the first versions, which was one for all endpoints. Nobody
 * can say which server its budget was spent at, so it counts as spent at each. All else of it is
 * erased; the empty database stays, for the endpoints that are still to come.
 */
async function succeeds(factory: IDBFactory): Promise<boolean> {
  const database = await openDatabase(factory, DATABASE);
  if (database === undefined) return false;
  const transaction = database.transaction(TABLE, 'readwrite');
  transaction.objectStore(TABLE).clear();
  await finished(transaction);
  database.close();
  return true;
}

/** The database; where there is none, one that holds `first`, or `undefined` without it. */
async function openDatabase(
  factory: IDBFactory,
  name: string,
  first?: State,
): Promise<IDBDatabase | undefined> {
  const opening = factory.open(name, 1);
  let missing = false;
  opening.onupgradeneeded = () => {
    if (first) return void opening.result.createObjectStore(TABLE).put(first, KEY);
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
