import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Aes128Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import { IDBFactory } from 'fake-indexeddb';
import { createVitrine } from 'vitrine';
import { internal } from './internal.js';
import { ids, options, Shop, until } from './shop.js';

const { keyOf, opened, requestOf, statusOf } = await internal('oblivious');
const RELAY = 'https://relay.example/shop';
const utf8 = (text) => new TextEncoder().encode(text);
const hex = (text) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const base64 = (bytes) => Buffer.from(bytes).toString('base64');

/**
 * A gateway in memory, with the other side of the HPKE library; `tests/browser/relay.test.mjs` has
 * the server's own. It answers each report with `status`.
 */
class Gateway {
  status = 204;
  requests = [];

  async open() {
    this.kem = new DhkemP256HkdfSha256();
    this.pair = await this.kem.generateKeyPair();
    const key = new Uint8Array(await this.kem.serializePublicKey(this.pair.publicKey));
    this.header = Uint8Array.of(7, 0, 0x10, 0, 1, 0, 1);
    const config = Buffer.concat([Uint8Array.of(7, 0, 0x10), key, Uint8Array.of(0, 4, 0, 1, 0, 1)]);
    this.config = Buffer.concat([Uint8Array.of(0, config.length), config]);
    return this;
  }

  async answer(bytes) {
    assert.deepEqual(bytes.slice(0, 7), this.header);
    const suite = new CipherSuite({
      kem: this.kem,
      kdf: new HkdfSha256(),
      aead: new Aes128Gcm(),
    });
    const enc = bytes.slice(7, 72);
    const recipient = await suite.createRecipientContext({
      recipientKey: this.pair,
      enc,
      info: Buffer.concat([utf8('message/bhttp request\0'), this.header]),
    });
    this.requests.push(new Uint8Array(await recipient.open(bytes.slice(72))));
    const secret = await recipient.export(utf8('message/bhttp response'), 16);
    const nonce = crypto.getRandomValues(new Uint8Array(16));
    const salt = Buffer.concat([enc, nonce]);
    const material = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
    const derived = (info, bits) =>
      crypto.subtle.deriveBits(
        { name: 'HKDF', hash: 'SHA-256', salt, info: utf8(info) },
        material,
        bits,
      );
    const key = await crypto.subtle.importKey('raw', await derived('key', 128), 'AES-GCM', false, [
      'encrypt',
    ]);
    const iv = await derived('nonce', 96);
    const message = Uint8Array.of(1, 0x40 | (this.status >> 8), this.status & 255, 0, 0, 0);
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, message);
    return new Response(Buffer.concat([nonce, new Uint8Array(sealed)]), {
      headers: { 'content-type': 'message/ohttp-res' },
    });
  }

  /** The reports that were opened. */
  reports() {
    return this.requests.map((message) => {
      const text = new TextDecoder('latin1').decode(message);
      return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
    });
  }
}

let gateway;
const running = [];
before(async () => (gateway = await new Gateway().open()));
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  gateway.requests = [];
  gateway.status = 204;
});
after(() => running.forEach((vitrine) => vitrine.dispose()));

/** A visit with `relay`, whose requests are answered by `answer`. */
async function visit(answer, relay = { url: RELAY, keys: base64(gateway.config) }) {
  const shop = new Shop();
  shop.answers.set('/shop', answer);
  const errors = [];
  const onError = (error) => errors.push(error.message);
  const more = { storage: 'indexeddb', consent: 'granted', relay, onError };
  const vitrine = createVitrine(options(shop, more));
  running.push(vitrine);
  await vitrine.ready;
  for (const item of ids.slice(0, 6)) vitrine.track({ item });
  await vitrine.inspect();
  return { shop, errors, vitrine };
}

const states = async (vitrine) => (await vitrine.inspect()).reports.map(({ state }) => state);
const posts = (shop) => shop.requests.filter(({ method }) => method === 'POST');

test('the example of RFC 9458, appendix A, opens', async () => {
  const message = await opened(
    hex('4b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b472'),
    hex('62d87a6ba569ee81014c2641f52bea36'),
    hex('c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd'),
  );
  assert.deepEqual(message, hex('0140c8'));
  assert.equal(statusOf(message), 200);
});

test('a request is binary HTTP of RFC 9292, padded with zeros', () => {
  // Framing 0, then method, scheme, authority, path, the fields and the content, each after its
  // length; 65 bytes are counted in two.
  const report = 'x'.repeat(65);
  const expected = Buffer.concat([
    hex('00 04'),
    utf8('POST'),
    hex('05'),
    utf8('https'),
    hex('04'),
    utf8('shop'),
    hex('0c'),
    utf8('/v1/feedback'),
    hex('1e 0c'),
    utf8('content-type'),
    hex('10'),
    utf8('application/json'),
    hex('40 41'),
    utf8(report),
  ]);
  const message = requestOf('shop', report);
  assert.equal(message.length, 1024);
  assert.deepEqual(Buffer.from(message.slice(0, expected.length)), expected);
  assert.ok(message.slice(expected.length).every((byte) => byte === 0));
  assert.equal(requestOf('shop', 'x'.repeat(1000)).length, 2048);
});

test('of a list the first key that every browser can use is taken', () => {
  const key = new Uint8Array(65).fill(9);
  const config = (id, kem, key, suites) => {
    const bytes = [id, 0, kem, ...key, 0, suites.length, ...suites];
    return [0, bytes.length, ...bytes];
  };
  const x25519 = config(1, 0x20, new Uint8Array(32), [0, 1, 0, 1]);
  const chacha = config(2, 0x10, key, [0, 1, 0, 3]);
  const both = config(3, 0x10, key, [0, 1, 0, 3, 0, 1, 0, 1]);
  const later = config(4, 0x10, key, [0, 1, 0, 1]);
  const found = keyOf(base64([...x25519, ...chacha, ...both, ...later]));
  assert.deepEqual([...found.header], [3, 0, 0x10, 0, 1, 0, 1]);
  assert.deepEqual(found.publicKey, key);
  for (const list of [[], x25519, chacha, [...both].slice(0, -1), [0], [0xff, 0xff, 1]]) {
    assert.throws(() => keyOf(base64(list)), /relay\.keys/);
  }
  assert.throws(() => keyOf('§'), /relay\.keys/);
});

test('every report goes through the relay, and says nothing to it', async () => {
  const { shop, errors, vitrine } = await visit(({ body }) => gateway.answer(body));
  await until(
    async () => (await states(vitrine)).every((state) => state === 'sent'),
    'the reports',
  );
  const reports = gateway.reports();
  assert.equal(new Set(reports.map(({ nonce }) => nonce)).size, 6);
  for (const report of reports) assert.deepEqual(Object.keys(report), ['nonce', 'window', 'cell']);
  assert.equal(posts(shop).length, 6);
  for (const { path, init, body } of posts(shop)) {
    assert.equal(path, '/shop');
    assert.deepEqual(init.headers, { 'content-type': 'message/ohttp-req' });
    assert.equal(init.credentials, 'omit');
    assert.equal(init.referrerPolicy, 'no-referrer');
    assert.equal(init.redirect, 'error');
    assert.equal(body.length, posts(shop)[0].body.length);
    const text = new TextDecoder('latin1').decode(body);
    assert.ok(!ids.some((id) => text.includes(id)));
  }
  // A key of its own for each.
  assert.equal(new Set(posts(shop).map(({ body }) => base64(body.slice(7, 72)))).size, 6);
  assert.deepEqual(errors, []);
});

test('the status inside decides', async () => {
  for (const [status, state] of [
    [422, 'dropped'],
    [410, 'dropped'],
    [503, 'queued'],
    [425, 'queued'],
  ]) {
    gateway.status = status;
    gateway.requests = [];
    globalThis.indexedDB = new IDBFactory();
    const { vitrine, shop } = await visit(({ body }) => gateway.answer(body));
    await until(() => gateway.requests.length > 0 && posts(shop).length > 0, 'a report');
    await until(async () => (await states(vitrine)).includes(state), `${status}: ${state}`);
    assert.ok(!(await states(vitrine)).includes('sent'));
    vitrine.dispose();
  }
});

test('a report whose relay fails waits, and never goes to the server', async () => {
  const altered = async ({ body }) => {
    const bytes = new Uint8Array(await (await gateway.answer(body)).arrayBuffer());
    bytes[20] ^= 1;
    return new Response(bytes);
  };
  const problem = { type: 'https://iana.org/assignments/http-problem-types#ohttp-key' };
  for (const [answer, said] of [
    [() => Promise.reject(new Error('no network')), /no network/],
    [() => new Response('', { status: 500 }), /answered 500/],
    // What would be final from the server is not from somebody on the way.
    [() => new Response('', { status: 410 }), /answered 410/],
    [() => new Response(null, { status: 204 }), /answered 204/],
    [() => Response.json(problem, { status: 400 }), /`relay\.keys` names/],
    [() => new Response(''), /./],
    [() => new Response(new Uint8Array(100)), /./],
    [() => new Response(new Uint8Array(20_000)), /longer than/],
    [altered, /./],
  ]) {
    globalThis.indexedDB = new IDBFactory();
    const { shop, errors, vitrine } = await visit(answer);
    await until(() => errors.length > 0, 'an error');
    assert.match(errors[0], said);
    const now = await states(vitrine);
    assert.equal(now.length, 6);
    assert.ok(
      now.every((state) => state === 'queued'),
      now.join(),
    );
    assert.ok(posts(shop).every(({ path }) => path === '/shop'));
    vitrine.dispose();
  }
});

test('without a usable key nothing leaves at all', async () => {
  for (const keys of ['', 'not base64!', undefined]) {
    globalThis.indexedDB = new IDBFactory();
    const { shop, errors, vitrine } = await visit(() => new Response(''), { url: RELAY, keys });
    await until(() => errors.length > 0, 'an error');
    assert.match(errors[0], /relay\.keys/);
    assert.equal(posts(shop).length, 0);
    vitrine.dispose();
  }
});
