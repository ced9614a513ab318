/**
 * What `inspect` shows.
 *
 * @module
 */

import type { Action, Consents, Report } from './types.js';

/** What becomes of a report. */
export type ReportState =
  /** It waits for its random delay, or for the next try. */
  | 'queued'
  /** The server has it. */
  | 'sent'
  /** The server refused it, its window closed, or it was tried too often. */
  | 'dropped'
  /** `beforeSend` held it back. */
  | 'vetoed';

/** Cells spent or allowed in one window, by table. */
export interface CellCounts {
  transitions: number;
  items: number;
  impressions: number;
  metrics: number;
}

/** All that Vitrine knows and keeps; what `forget` erases. */
export interface Inspection {
  /** The two consents. */
  consent: Consents;
  /** Whether the browser sends Global Privacy Control, which refuses upload. */
  globalPrivacyControl: boolean;
  /** Where things are kept: on the device, or in this page's memory only. */
  storage: 'indexeddb' | 'memory';
  /** The running session, oldest first. */
  session: { item: string; action: Action }[];
  /** The feedback budget of this window; `undefined` until a bundle is loaded. */
  budget: { spent: CellCounts; allowed: CellCounts } | undefined;
  /** This page's reports, and those that an earlier page left in the queue. */
  reports: { report: Report; state: ReportState }[];
  /** The bundle that ranks; `undefined` until one is loaded. */
  bundle: BundleFacts | undefined;
  /**
   * Addresses of the bundle's files that are kept on the device, so that of the next version only
   * what has changed is fetched. They are the same for every visitor.
   */
  files: string[];
  /** The encoder: switched off or not in the bundle, on its way, at work, or given up. */
  encoder: 'off' | 'loading' | 'ready' | 'failed';
}

/** What the manifest says about the bundle. */
export interface BundleFacts {
  /** Rises with every bundle of the shop. */
  version: number;
  /** When it was made. */
  created: Date;
  /** When it must no longer be used. */
  expires: Date;
  /** Whether it was trained from simulated visits. */
  synthetic: boolean;
  /** How many items it knows. */
  items: number;
  /** Bytes of the files that are fetched whole: all but the blocks of a large catalogue. */
  bytes: number;
  /** Sessions that it was trained from. */
  sessions: number;
  /** Counts from the field that were added to the shop's own history. */
  releasedCells: number;
  /** A count is released for training when this many reports named it. */
  k: number;
  /** Length of a feedback window in seconds. */
  windowSeconds: number;
}
