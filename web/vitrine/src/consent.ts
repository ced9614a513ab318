/**
 * What the visitor allows, and what follows from it.
 *
 * @module
 */

import type { Choice, Consents } from './types.js';

/** Nobody has answered yet. */
export const UNANSWERED: Consents = { ranking: 'pending', upload: 'pending' };

/** `known` with the answers of `choice`, which may be one word for both. */
export function answered(
  known: Consents,
  choice: Choice | Partial<Consents> | undefined,
): Consents {
  const given = typeof choice === 'string' ? { ranking: choice, upload: choice } : choice;
  return {
    ranking: isChoice(given?.ranking) ? given.ranking : known.ranking,
    upload: isChoice(given?.upload) ? given.upload : known.upload,
  };
}

/** Whether reports may leave the device. */
export function mayUpload(consents: Consents): boolean {
  return consents.upload === 'granted' && consents.ranking !== 'denied' && !globalPrivacyControl();
}

/** Whether the browser tells sites not to share. https://w3c.github.io/gpc/ */
export function globalPrivacyControl(): boolean {
  const navigator = globalThis.navigator as
    (Navigator & { globalPrivacyControl?: unknown }) | undefined;
  return navigator?.globalPrivacyControl === true;
}

export function isChoice(value: unknown): value is Choice {
  return value === 'pending' || value === 'granted' || value === 'denied';
}
