/**
 * Stands in for the package in a storefront without it: the same methods, the shop's own order,
 * nothing loaded.
 *
 * @module
 */

const none = { status: 'fallback', reason: 'server' };
const nothing = () => {};

/** As the package's, and does nothing. */
export function createVitrine() {
  const consents = { ranking: 'pending', upload: 'pending' };
  return {
    status: 'fallback',
    ready: Promise.resolve(none),
    track: nothing,
    rank: async (items) => ({ ...none, items: [...items], scores: new Float32Array(items.length) }),
    recommend: async () => ({ ...none, items: [] }),
    explain: async () => undefined,
    consent: (choice) => Object.assign(consents, choice),
    forget: async () => {},
    inspect: async () => ({
      consent: { ...consents },
      globalPrivacyControl: false,
      storage: 'memory',
      session: [],
      reports: [],
      encoder: 'off',
    }),
    subscribe: () => nothing,
    dispose: nothing,
  };
}
