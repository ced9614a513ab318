/**
 * What is kept on the device: its parts, and how they are read.
 *
 * A disk, another version or another program may have damaged any part. Each is checked by itself,
 * so that what is wrong with one costs no more than that one.
 *
 * @module
 */

import { isChoice, mayUpload } from './consent.js';
import type { Consents, Report } from './types.js';

/** An event that no ranker has seen yet. */
export interface PendingEvent {
  item: string;
  /** 0 a view, 1 the basket, 2 a purchase. */
  action: number;
  /** Unix time in seconds. */
  at: number;
  /** True if counts were allowed to leave when it happened. */
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
  /** The highest bundle version that this device accepted, by who signed it. */
  versions?: Versions;
  /** The running session, as the ranker writes it. */
  session?: string;
  /** How many of the session's latest events came with consent to upload, without a break. */
  reportable?: number;
  /** Events that came before a ranker was there. */
  pending: PendingEvent[];
  /** The feedback budget, as the ranker writes it; {@link SPENT} where it was lost. */
  budget?: string;
  /** What was last recommended, best first: a click on it is an impression. */
  shown: string[];
  /** Reports on their way. */
  outbox: Outgoing[];
}

/** Bundle versions by the id of the key that signed them, or {@link UNSIGNED}. */
export type Versions = Record<string, number>;

/** Stands for the signer where no key is pinned. */
export const UNSIGNED = 'unsigned';

/** A budget that no ranker can read, and that therefore counts as spent. */
export const SPENT = '';

/** A record with nothing in it. */
export function emptyState(): State {
  return { pending: [], shown: [], outbox: [] };
}

/** True if a value has its form. */
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isNumber: Check = (value) => Number.isFinite(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isAction: Check = (value) => [0, 1, 2].includes(value as number);
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const hasAll =
  (checks: Record<string, Check>): Check =>
  (value) =>
    Object.entries(checks).every(([part, check]) => check((value as never)?.[part]));

const isImpression = hasAll({ item: isText, rank: isCount, clicked: isFlag });
const isWindow = hasAll({ number: isCount, seconds: isCount });

/** The parts that a record may have. */
const PARTS: { [Part in keyof State]-?: Check } = {
  consent: hasAll({ ranking: isChoice, upload: isChoice }),
  versions: (value) => Object(value) === value && Object.values(value as object).every(isCount),
  session: isText,
  reportable: isCount,
  pending: hasAll({
    item: isText,
    action: isAction,
    at: isCount,
    upload: isFlag,
    impressions: isListOf(isImpression),
  }),
  budget: isText,
  shown: isText,
  outbox: hasAll({
    report: hasAll({ nonce: isText, window: isWindow }),
    due: isNumber,
    attempts: isCount,
  }),
};

/**
 * The record that was `written`. A part that is damaged is left out, of a list only its damaged
 * entries, and `damaged` is called with the part's name. A budget that is lost counts as spent.
 */
export function readState(written: unknown, damaged: (part: string) => void): State {
  const state: Record<string, unknown> = { ...emptyState() };
  const lose = (part: string) => {
    damaged(part);
    if (part === 'budget' || part === 'record') state['budget'] = SPENT;
  };
  if (written !== undefined && Object(written) !== written) lose('record');
  for (const [part, value] of Object.entries(Object(written) as object)) {
    const check = PARTS[part as keyof State];
    if (!check || value === undefined) continue;
    // Of a list, each entry is checked by itself.
    const list: unknown[] | undefined = part in emptyState() ? [value].flat() : undefined;
    const kept = list?.filter(check);
    if (list ? Array.isArray(value) && kept?.length === list.length : check(value)) {
      state[part] = value;
    } else {
      if (kept) state[part] = kept;
      lose(part);
    }
  }
  return state as unknown as State;
}

/** What the device holds, and from memory what the device may not. */
export function together(written: State, memory: State, consents: Consents): State {
  const state = copyOf(written);
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
export function permitted(state: State, consents: Consents): State {
  const kept = copyOf(state);
  if (consents.ranking !== 'granted') {
    kept.pending = [];
    delete kept.session;
    delete kept.versions;
  }
  if (!mayUpload(consents)) {
    kept.shown = [];
    kept.outbox = [];
    // The budget stays: whoever refuses and allows again in one window has spent what was spent.
  }
  return kept;
}

/** A copy of a record. The oldest browsers have no `structuredClone`; all of it is JSON. */
export function copyOf(state: State): State {
  return JSON.parse(JSON.stringify(state)) as State;
}

/** The higher version of each signer. */
export function highest(some: Versions = {}, others: Versions = {}): Versions {
  const all = { ...some };
  for (const [signer, version] of Object.entries(others)) {
    all[signer] = Math.max(all[signer] ?? 0, version);
  }
  return all;
}
