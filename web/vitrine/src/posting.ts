/**
 * How a report leaves: to the server, or through a relay, and then in no other way.
 *
 * @module
 */

import type { Fetcher } from './fetching.js';
import type { RelayOptions, Report } from './types.js';

/** The longest answer of a relay that is read, in bytes. */
const MAX_ANSWER = 16_384;
/** Longest time for a report to be answered, in milliseconds; it is then sent again. */
const PATIENCE = 25_000;

/** Posts a report; resolves to the server's status, rejects when the server did not answer. */
export type Post = (report: Report) => Promise<number>;

/** The way that the page has chosen. */
export function posting(fetcher: Fetcher, endpoint: string, relay?: RelayOptions): Post {
  if (!relay) {
    return async (report) => {
      const json = JSON.stringify(report);
      return (await post(fetcher, `${endpoint}/v1/feedback`, 'application/json', json)).status;
    };
  }
  return async (report) => {
    const { envelope } = await import('./oblivious.js');
    const { bytes, status } = await envelope(relay, endpoint, report);
    const url = String(relay.url);
    const answer = await post(fetcher, url, 'message/ohttp-req', bytes, MAX_ANSWER);
    return status(answer.status, answer.parts);
  };
}

/**
 * Posts a body of a type; resolves to the status and at most `limit` bytes that came back. Goes on
 * when the instance is disposed.
 */
function post(
  fetcher: Fetcher,
  url: string,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
  limit = 0,
): Promise<{ status: number; parts: Uint8Array[] }> {
  const init: RequestInit = {
    method: 'POST',
    headers: { 'content-type': type },
    body,
    cache: 'no-store',
    keepalive: true,
    redirect: 'error',
  };
  return fetcher.exchange(url, PATIENCE, init, new AbortController(), async (response, signal) => {
    const parts: Uint8Array[] = [];
    const take = (piece: Uint8Array) => void parts.push(piece);
    if (limit > 0) await fetcher.read(url, response, limit, take, signal);
    return { status: response.status, parts };
  });
}
