/** Keys and signatures as `vitrine key` and `vitrine sign` make them. */

import { createHash, generateKeyPairSync, sign } from 'node:crypto';

/** A key: its public half in hexadecimal, its id, and how it signs. */
export function makeKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const id = createHash('sha256').update(raw).digest('hex').slice(0, 16);
  return {
    id,
    public: raw.toString('hex'),
    line: (bytes) => `${id} ${sign(null, bytes, privateKey).toString('hex')}\n`,
  };
}

/** Where the signatures of these bytes are. */
export const addressOf = (bytes) =>
  `/manifests/${createHash('sha256').update(bytes).digest('hex')}.sig`;

/** The signature file of these bytes. */
export const fileOf = (bytes, ...keys) =>
  `vitrine.signature/1\n${keys.map((key) => key.line(bytes)).join('')}`;
