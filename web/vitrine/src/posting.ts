/**
 * How a report leaves: to the server, or through a relay, and then in no other way.
 *
 * @module
 */

import type { Fetcher } from './fetching.js';
import type { RelayOptions, Report } from './types.js';

/** The longest answer of a relay that is read, in bytes. */
const MAX_ANSWER = 16_384;

/** Posts a report; resolves to the server's status, rejects when the server did not answer. */
export type Post = (report: Report) => Promise<number>;

/** The way that the page has chosen. */
export function posting(fetcher: Fetcher, endpoint: string, relay?: RelayOptions): Post {
  if (!relay) {
    return async (report) => {
      const json = JSON.stringify(report);
      return (await fetcher.post(`${endpoint}/v1/feedback`, 'application/json', json)).status;
    };
  }
  return async (report) => {
    const { envelope } = await import('./oblivious.js');
    const { bytes, status } = await envelope(relay, endpoint, report);
    const url = String(relay.url);
    const answer = await fetcher.post(url, 'message/ohttp-req', bytes, MAX_ANSWER);
    return status(answer.status, answer.parts);
  };
}
