export default {
  test: {
    environment: 'jsdom',
    include: ['listing.vitest.js'],
    // The page's code gets the stub.
    alias: { vitrine: 'vitrine/testing' },
  },
};
