/**
 * Requests that say nothing about the visitor, and answers that are never longer than expected.
 *
 * @module
 */

import { Failure } from './failures.js';
import { pieces } from './slices.js';

/** How a request is made: without cookies and without the page's address. */
const ANONYMOUS = { credentials: 'omit', referrerPolicy: 'no-referrer' } as const;

/** Longest time for one file, in milliseconds. */
export const PATIENCE = 60_000;
/** How a web page begins; no file of a bundle and no module does. */
const PAGE = /^(\xef\xbb\xbf)?\s*<(!|\?xml|html|head|body|script)/i;

/** Takes the bytes of an answer, and is waited for. */
type Take = (piece: Uint8Array) => void | Promise<void>;

/** Fetches files, until it is disposed. */
export class Fetcher {
  readonly read = read;
  readonly #fetch: typeof fetch;
  readonly #running = new Set<AbortController>();
  /** What the latest answer of each address said that it is. */
  readonly #types = new Map<string, string>();
  #disposed = false;

  constructor(fetcher: typeof fetch) {
    this.#fetch = fetcher;
  }

  /** The bytes at `url`, at most `limit`. */
  async bytes(
    url: string,
    limit: number,
    cache: RequestCache = 'default',
  ): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    const take = (piece: Uint8Array) => void parts.push(piece);
    return joined(parts, await this.pieces(url, limit, take, cache));
  }

  /**
   * The bytes at `url`, at most `limit`, asked for anew. Without a network, a copy that the browser
   * has kept is better than none: `kept` is called then, and hash or version decide whether it is
   * used.
   */
  async fresh(url: string, limit: number, kept?: () => void): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await this.bytes(url, limit, 'no-cache');
    } catch (error) {
      const lost = error instanceof Failure && error.reason === 'unreachable' && !error.status;
      if (!lost || this.#disposed) throw error;
      const copy = await this.bytes(url, limit, 'force-cache').catch(() => Promise.reject(error));
      kept?.();
      return copy;
    }
  }

  /**
   * Hands the bytes at `url`, at most `limit`, to `take` as they arrive, and waits for it each
   * time; resolves to their number. `range` asks for a part of them.
   */
  async pieces(
    url: string,
    limit: number,
    take: Take,
    cache: RequestCache = 'default',
    range?: string,
  ): Promise<number> {
    if (this.#disposed)
      throw new Failure('unreachable', `${url} is not asked for after dispose().`);
    const init: RequestInit = range === undefined ? { cache } : { cache, headers: { range } };
    const abort = new AbortController();
    this.#running.add(abort);
    try {
      return await this.exchange(url, PATIENCE, init, abort, async (response, signal) => {
        this.#accept(url, response, range !== undefined);
        let first = true;
        const checked = (piece: Uint8Array) => {
          const page = first && PAGE.test(String.fromCharCode(...piece.subarray(0, 64)));
          first = false;
          if (page) throw this.misplaced(url, 'a web page');
          return take(piece);
        };
        return read(url, response, limit, checked, signal);
      });
    } catch (error) {
      abort.abort();
      if (error instanceof Failure) throw error;
      throw new Failure('unreachable', `${url} could not be fetched: ${String(error)}`);
    } finally {
      this.#running.delete(abort);
    }
  }

  /** Throws where an answer's head says that it is not what was asked for. */
  #accept(url: string, { ok, status, headers }: Response, partly: boolean): void {
    const type = headers.get('content-type') ?? 'no content type';
    this.#types.set(url, type);
    if (!ok && /html/.test(type) && /^4(04|10)/.test(`${status}`)) {
      throw this.misplaced(url, 'not found', status);
    }
    const fault = ok ? 'is not served in ranges; its host must answer them' : `answered ${status}`;
    if (!ok || (partly && status !== 206)) {
      throw new Failure('unreachable', `${url} ${fault} (${type}).`, status);
    }
  }

  /** The error for an address where something else is: `found`. */
  misplaced(url: string, found: string, status?: number): Failure {
    const message = `${url} is ${found} (${this.#types.get(url)}): something else than Vitrine answers there. Check \`endpoint\`, for modules \`wasmUrl\`, and with Vite put vitrine into \`optimizeDeps.exclude\`.`;
    return new Failure('wrong_address', message, status);
  }

  /**
   * Makes a request and runs `use` on its answer, unless `abort` is aborted before; that happens
   * after `patience` milliseconds.
   */
  exchange<T>(
    url: string,
    patience: number,
    init: RequestInit,
    abort: AbortController,
    use: (response: Response, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return bounded(url, patience, abort, async (signal) =>
      use(await this.#fetch(url, { ...ANONYMOUS, ...init, signal }), signal),
    );
  }

  /** Ends what is under way, and fetches nothing more. */
  dispose(): void {
    this.#disposed = true;
    for (const abort of this.#running) abort.abort();
  }
}

/**
 * What `run` resolves to, unless `abort` is aborted before; that happens after `patience`
 * milliseconds. A function of the page's that heeds no signal is not waited for either.
 */
export async function bounded<T>(
  url: string,
  patience: number,
  abort: AbortController,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal } = abort;
  const timer = setTimeout(() => abort.abort(), patience);
  const late = new Promise<never>((_, reject) => {
    signal.onabort = () => reject(new Failure('unreachable', `${url} took too long.`));
  });
  try {
    return await Promise.race([run(signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Hands a response's body, at most `limit` bytes, to `take` as it arrives; resolves to its length.
 * `url` is for the message.
 */
export async function read(
  url: string,
  response: Response,
  limit: number,
  take: Take,
  signal?: AbortSignal,
): Promise<number> {
  if (response.body === null) return 0;
  const reader = response.body.getReader();
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return length;
    length += value.length;
    if (length > limit || signal?.aborted) {
      // Nobody waits for a stream that does not end.
      void reader.cancel().catch(() => {});
      throw new Failure('refused', `${url} is longer than ${limit} bytes.`);
    }
    await take(value);
  }
}

async function joined(parts: Uint8Array[], length: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    await pieces(part, (piece) => {
      whole.set(piece, at);
      at += piece.length;
    });
  }
  return whole;
}
