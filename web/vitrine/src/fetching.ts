/**
 * Requests that say nothing about the visitor, and answers that are never longer than expected.
 *
 * @module
 */

import { pieces } from './slices.js';

/** The server did not give what was asked for. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  /** The status that was answered, where something answered. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** What came is not what was promised. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** How a request is made: without cookies and without the page's address. */
export const ANONYMOUS = { credentials: 'omit', referrerPolicy: 'no-referrer' } as const;

/** Longest time for one file, in milliseconds. */
const PATIENCE = 60_000;
/** Longest time for a report to be answered; it is then sent again. */
const REPORT_PATIENCE = 25_000;

/** Fetches files, until it is disposed. */
export class Fetcher {
  readonly #fetch: typeof fetch;
  readonly #running = new Set<AbortController>();
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
      if (!(error instanceof Unreachable) || error.status || this.#disposed) throw error;
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
    take: (piece: Uint8Array) => void | Promise<void>,
    cache: RequestCache = 'default',
    range?: string,
  ): Promise<number> {
    if (this.#disposed) throw new Unreachable(`${url} was not asked for: Vitrine was disposed.`);
    const abort = new AbortController();
    this.#running.add(abort);
    try {
      return await bounded(url, PATIENCE, abort, async (signal) => {
        const init: RequestInit = { ...ANONYMOUS, cache, signal };
        if (range !== undefined) init.headers = { range };
        const response = await this.#fetch(url, init);
        if (!response.ok) {
          throw new Unreachable(`${url} answered ${response.status}.`, response.status);
        }
        if (range !== undefined && response.status !== 206) {
          throw new Unreachable(`${url} is not served in ranges; its host must answer them.`);
        }
        return read(url, response, limit, take, signal);
      });
    } catch (error) {
      abort.abort();
      if (error instanceof Refused || error instanceof Unreachable) throw error;
      throw new Unreachable(`${url} could not be fetched: ${String(error)}`);
    } finally {
      this.#running.delete(abort);
    }
  }

  /** Posts a body of a type; resolves to the status and at most `limit` bytes that came back. */
  post(
    url: string,
    type: string,
    body: string | Uint8Array<ArrayBuffer>,
    limit = 0,
  ): Promise<{ status: number; parts: Uint8Array[] }> {
    return bounded(url, REPORT_PATIENCE, new AbortController(), async (signal) => {
      const response = await this.#fetch(url, {
        ...ANONYMOUS,
        method: 'POST',
        headers: { 'content-type': type },
        body,
        cache: 'no-store',
        keepalive: true,
        redirect: 'error',
        signal,
      });
      const parts: Uint8Array[] = [];
      if (limit > 0) await read(url, response, limit, (piece) => void parts.push(piece), signal);
      return { status: response.status, parts };
    });
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
async function bounded<T>(
  url: string,
  patience: number,
  abort: AbortController,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal } = abort;
  const timer = setTimeout(() => abort.abort(), patience);
  const late = new Promise<never>((_, reject) => {
    signal.onabort = () => reject(new Unreachable(`${url} took too long.`));
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
  take: (piece: Uint8Array) => void | Promise<void>,
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
      throw new Refused(`${url} is longer than ${limit} bytes.`);
    }
    await take(value);
  }
}

/** Runs a step of the module; what it does not take is {@link Refused}. */
export function refusing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
    throw new Refused(error instanceof Error ? error.message : String(error));
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
