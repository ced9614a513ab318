/**
 * Reports through a relay: the page's side of Oblivious HTTP (RFC 9458).
 *
 * A report is written as binary HTTP (RFC 9292), padded to a length that says nothing of it,
 * encrypted to the key that the page was given (HPKE, RFC 9180) under a fresh secret, and posted
 * to the relay. Only the gateway can read it, and only this page its answer. Whatever goes wrong on
 * the way is an error, so that the report waits and is tried again; it is never sent otherwise.
 *
 * The key comes from the page's own options and from nowhere else: a key that a server handed out
 * could be another one for every visitor, and would tell their reports apart.
 *
 * The module is fetched when the first report is due, by pages that name a relay. It imports nothing
 * that a page needs before: what both need would become a file that the first list waits for.
 *
 * @module
 */

import { Aes128Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { RelayOptions, Report } from './types.js';

/** Messages are padded to a multiple of it; every report with ids that the server takes fits once. */
const PADDED_TO = 1024;
/** DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM: what every browser can do. */
const KEM = 0x0010;
const KDF = 0x0001;
const AEAD = 0x0001;
const PUBLIC_KEY_BYTES = 65;
/** Bytes of the AEAD's key, which are those of the answer's nonce too. */
const KEY_BYTES = 16;
const KEY_PROBLEM = 'https://iana.org/assignments/http-problem-types#ohttp-key';

const utf8 = (text: string) => new TextEncoder().encode(text);

/** A gateway's public key. */
export interface GatewayKey {
  /** Its identifier and the algorithms: how an encapsulated request begins. */
  header: Uint8Array<ArrayBuffer>;
  publicKey: Uint8Array<ArrayBuffer>;
}

/** A report on its way, and how its answer is read. */
export interface Envelope {
  bytes: Uint8Array<ArrayBuffer>;
  /** The status inside the relay's answer; rejects when there is none. */
  status(answered: number, parts: readonly Uint8Array[]): Promise<number>;
}

/** Encapsulates a report to the key of `relay`, as a request to the server at `endpoint`. */
export async function envelope(
  relay: RelayOptions,
  endpoint: string,
  report: Report,
): Promise<Envelope> {
  const { host } = new URL(endpoint, globalThis.location?.href);
  const message = requestOf(host, JSON.stringify(report));
  const { bytes, open } = await encapsulate(keyOf(relay.keys), message);
  return {
    bytes,
    async status(answered, parts) {
      const body = joined(...parts);
      if (answered === 200) return statusOf(await open(body));
      const unknown = new TextDecoder().decode(body).includes(KEY_PROBLEM);
      const why = unknown ? ': the gateway does not have the key that `relay.keys` names' : '';
      throw new Error(`The relay ${relay.url} answered ${answered}${why}.`);
    },
  };
}

/**
 * The first key of a list that can be used; the list as `application/ohttp-keys` in base64, as
 * `vitrine-server oblivious-key show` prints it.
 */
export function keyOf(keys: string): GatewayKey {
  const list = fromBase64(keys);
  const view = new DataView(list.buffer);
  for (let at = 0; at + 2 <= list.length;) {
    const end = at + 2 + view.getUint16(at);
    const suites = at + 5 + PUBLIC_KEY_BYTES;
    if (end > list.length) break;
    if (suites + 2 <= end && view.getUint16(at + 3) === KEM) {
      const last = Math.min(end, suites + 2 + view.getUint16(suites));
      for (let suite = suites + 2; suite + 4 <= last; suite += 4) {
        if (view.getUint16(suite) !== KDF || view.getUint16(suite + 2) !== AEAD) continue;
        const header = Uint8Array.of(list[at + 2] ?? 0, 0, KEM, 0, KDF, 0, AEAD);
        return { header, publicKey: list.slice(at + 5, suites) };
      }
    }
    at = end;
  }
  throw new Error(
    '`relay.keys` names no P-256 key with HKDF-SHA256 and AES-128-GCM: take it from `vitrine-server oblivious-key show`.',
  );
}

/** A report's request as binary HTTP, padded. */
export function requestOf(host: string, report: string): Uint8Array<ArrayBuffer> {
  const field = (text: string) => counted(utf8(text));
  const control = ['POST', 'https', host, '/v1/feedback'].map(field);
  const headers = counted(joined(field('content-type'), field('application/json')));
  const message = joined(Uint8Array.of(0), ...control, headers, field(report));
  const padded = new Uint8Array(Math.ceil(message.length / PADDED_TO) * PADDED_TO);
  padded.set(message);
  return padded;
}

/** Encrypts a message to the gateway; `open` gives the message in an encapsulated answer. */
export async function encapsulate(key: GatewayKey, message: Uint8Array<ArrayBuffer>) {
  const kem = new DhkemP256HkdfSha256();
  const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes128Gcm() });
  const sender = await suite.createSenderContext({
    recipientPublicKey: await kem.deserializePublicKey(key.publicKey),
    info: joined(utf8('message/bhttp request'), Uint8Array.of(0), key.header),
  });
  const sealed = new Uint8Array(await sender.seal(message));
  const secret = await sender.export(utf8('message/bhttp response'), KEY_BYTES);
  const enc = new Uint8Array(sender.enc);
  return {
    bytes: joined(key.header, enc, sealed),
    open: (answer: Uint8Array<ArrayBuffer>) => opened(enc, new Uint8Array(secret), answer),
  };
}

/** Opens an answer with the secret of its request (RFC 9458, section 4.4). */
export async function opened(
  enc: Uint8Array,
  secret: Uint8Array<ArrayBuffer>,
  answer: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const { subtle } = globalThis.crypto;
  const salt = joined(enc, answer.subarray(0, KEY_BYTES));
  const material = await subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const derived = (info: string, bytes: number) =>
    subtle.deriveBits(
      { name: 'HKDF', hash: 'SHA-256', salt, info: utf8(info) },
      material,
      8 * bytes,
    );
  const key = await subtle.importKey('raw', await derived('key', KEY_BYTES), 'AES-GCM', false, [
    'decrypt',
  ]);
  const iv = await derived('nonce', 12);
  return new Uint8Array(
    await subtle.decrypt({ name: 'AES-GCM', iv }, key, answer.subarray(KEY_BYTES)),
  );
}

/** The status of a binary HTTP response. */
export function statusOf(message: Uint8Array): number {
  const [framing, high = 0, low = 0] = message;
  // A status has three digits, so its length prefix says two bytes.
  const status = ((high & 0x3f) << 8) | low;
  if ((framing !== 1 && framing !== 3) || high >> 6 !== 1 || status < 200 || status > 599) {
    throw new Error('The gateway’s answer is no final response in binary HTTP.');
  }
  return status;
}

/** Bytes after their number, as a variable-length integer (RFC 9000, section 16). */
function counted(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = bytes;
  const prefix =
    length < 64 ? Uint8Array.of(length) : Uint8Array.of(0x40 | (length >> 8), length & 0xff);
  // The server takes reports of at most 16 kB, which is what two bytes count to.
  if (length >= 1 << 14) throw new Error('The report is too long.');
  return joined(prefix, bytes);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(String(text)), (letter) => letter.charCodeAt(0));
  } catch {
    throw new Error('`relay.keys` is not base64.');
  }
}
