/**
 * What the page gives: a clock, randomness, SHA-256, idle time.
 *
 * @module
 */

/** Unix time in seconds. */
export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Uniform 32-bit numbers that nobody can foresee. */
export function randomNumbers(count: number): Uint32Array {
  return crypto.getRandomValues(new Uint32Array(count));
}

/** 16 random bytes as 32 hexadecimal digits. */
export function nonce(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

/** Bytes as lower-case hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** True if there is {@link sha256}: a page that came without TLS has none. */
export function hasSha256(): boolean {
  return typeof globalThis.crypto?.subtle?.digest === 'function';
}

/** The SHA-256 of `bytes`, computed by the browser and not on this thread. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/**
 * Resolves when `work` has ended, however it did, at the latest after `milliseconds`, and at once
 * when one of `signals` is aborted.
 */
export function within(
  milliseconds: number,
  work: Promise<unknown>,
  ...signals: (AbortSignal | undefined)[]
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(), milliseconds);
    const done = () => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener('abort', done);
      resolve();
    };
    for (const signal of signals) {
      if (signal?.aborted) return done();
      signal?.addEventListener('abort', done);
    }
    work.then(done, done);
  });
}

/** Storage that has not answered in this time is gone without, in milliseconds. */
export const STORAGE_PATIENCE = 4_000;
/** How long code that is loaded later may be on its way, in milliseconds. */
const PART_PATIENCE = 30_000;

/** The browser did not answer in time. */
export class Late extends Error {}

/**
 * What `work` resolves to; rejects with {@link Late} after `patience` milliseconds. Time in which
 * the page slept counts as one eighth of that at most, because the answer then comes first.
 */
export function inTime<T>(work: Promise<T>, patience: number, who: string): Promise<T> {
  return new Promise((resolve, reject) => {
    let eighths = 8;
    const timer = setInterval(() => {
      eighths -= 1;
      if (eighths > 0) return;
      clearInterval(timer);
      reject(
        new Late(`${who} has not answered for ${patience / 1000} s; the page goes on without.`),
      );
    }, patience / 8);
    work.then(resolve, reject).then(() => clearInterval(timer));
  });
}

/** A part of the package that is loaded later, unless it does not come. */
export function part<T>(loading: Promise<T>): Promise<T> {
  return inTime(loading, PART_PATIENCE, 'A part of Vitrine’s code');
}

/** Runs when the page has nothing to do, and at the latest after `patience` milliseconds. */
export function whenIdle(run: () => void, patience: number): void {
  if (typeof requestIdleCallback === 'function') requestIdleCallback(run, { timeout: patience });
  else setTimeout(run, 1);
}
