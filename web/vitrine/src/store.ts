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

import { inTime, Late, STORAGE_PATIENCE } from './platform.js';
import {
  copyOf,
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
  /** Names whose record it is: the base URL of its server, and the instance's `name`. */
  place: string;
  consents(): Consents;
  /** Called when another tab has erased everything. */
  erased(): void;
  /** Called with each part of the record that was damaged, and dropped. */
  damaged(part: string): void;
  failed(error: unknown): void;
}

/** The database of an endpoint is named by this, a blank and the endpoint. */
const DATABASE = 'vitrine';
const TABLE = 'device';
const KEY = 'state';

/**
 * The store that was asked for, and one in memory where the device's is refused or does not answer;
 * also later, when it stops to answer. Nothing is written, not even an empty database, before there
 * is something that may be.
 */
export async function openStore(
  kind: Store['kind'] | undefined,
  page: StoreContext,
): Promise<Store> {
  const { consents, damaged } = page;
  const name = `${DATABASE} ${page.place}`;
  /** The device's storage, and whether it is in use. */
  let device: IDBFactory | undefined;
  let used = false;
  let database: IDBDatabase | undefined;
  let memory = emptyState();

  /** Goes on from memory: without the reports, which may not leave from there. */
  const giveUp = (error: unknown) => {
    if (!(error instanceof Late)) device = undefined;
    if (!used) return;
    used = false;
    database?.close();
    database = undefined;
    memory.outbox = [];
    page.failed(error);
  };
  /** Runs `work` on the device, and `instead` where the device is not there or does not answer. */
  const onDevice = async <T>(work: (device: IDBFactory) => Promise<T>, instead: () => T) => {
    try {
      if (used && device !== undefined) return await work(device);
    } catch (error) {
      if (!(error instanceof Late)) throw error;
      giveUp(error);
    }
    return instead();
  };
  const connect = async (device: IDBFactory, make: boolean) => {
    if (database !== undefined) return;
    let opened = await openDatabase(device, name);
    if (opened === undefined && make) {
      const first = emptyState();
      if (await succeeds(device)) first.budget = SPENT;
      opened = await openDatabase(device, name, first);
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
  /** Changes what is written; `change` leaves what is written then. */
  const write = async (
    device: IDBFactory,
    durability: IDBTransactionDurability,
    change: (written: State) => State,
  ) => {
    await connect(device, true);
    if (database === undefined) throw new Error('IndexedDB opened no database.');
    const transaction = database.transaction(TABLE, 'readwrite', { durability });
    const table = transaction.objectStore(TABLE);
    try {
      const written = readState(await settled(table.get(KEY)), damaged);
      table.put(permitted(change(written), consents()), KEY);
      await finished(transaction);
    } catch (error) {
      // One that comes to life later must not undo what was done without it.
      if (error instanceof Late) abort(transaction);
      throw error;
    }
  };
  const read = () =>
    onDevice(
      async () => {
        if (database === undefined) return emptyState();
        const table = database.transaction(TABLE, 'readonly').objectStore(TABLE);
        return readState(await settled(table.get(KEY)), damaged);
      },
      () => copyOf(memory),
    );

  try {
    // Where storage is refused, some browsers throw when it is only looked at.
    device = kind === 'memory' ? undefined : globalThis.indexedDB;
    used = device !== undefined;
    await onDevice(
      (device) => connect(device, false),
      () => {},
    );
  } catch (error) {
    giveUp(error);
  }
  return {
    get kind() {
      return used ? 'indexeddb' : 'memory';
    },
    read,
    async versions() {
      return highest((await read()).versions, memory.versions);
    },
    async update(change, durability = 'default') {
      /** True if `memory` has the change, which may have reached the device too. */
      let changed = false;
      const changeMemory = () => {
        if (!changed) change(memory);
        changed = true;
      };
      await onDevice(async (device) => {
        const { ranking, upload } = consents();
        if (database === undefined && ranking !== 'granted' && upload !== 'granted') {
          changeMemory();
          // The answer itself is kept, so that it need not be asked for again.
          const { consent } = memory;
          if (consent === undefined) return;
          return write(device, durability, (written) => ({ ...written, consent }));
        }
        return write(device, durability, (written) => {
          const state = together(written, memory, consents());
          change(state);
          memory = copyOf(state);
          changed = true;
          return state;
        });
      }, changeMemory);
      return copyOf(memory);
    },
    async erase() {
      memory = emptyState();
      database?.close();
      database = undefined;
      if (device === undefined) return;
      try {
        await settled(device.deleteDatabase(name));
        await settled(device.deleteDatabase(DATABASE));
      } catch (error) {
        throw new Error(
          `${String(error)} The record may still be on this device: forget it again.`,
        );
      }
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
    // One that comes later would keep other tabs from erasing it.
    opening.onsuccess = () => opening.result.close();
    if (missing) return undefined;
    throw error;
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return answered((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB refused a request.'));
    request.addEventListener('blocked', () =>
      reject(new Error('Another tab holds the database open.')),
    );
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return answered((resolve, reject) => {
    const failed = () =>
      reject(transaction.error ?? new Error('IndexedDB could not write; is the disk full?'));
    transaction.oncomplete = () => resolve();
    transaction.onabort = failed;
    transaction.onerror = failed;
  });
}

function answered<T>(
  wait: (resolve: (answer: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return inTime(new Promise(wait), STORAGE_PATIENCE, 'IndexedDB');
}

/** One that has ended meanwhile cannot be aborted any more. */
function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It is over.
  }
}
