export default {
  testEnvironment: 'jsdom',
  testMatch: ['**/listing.jest.js'],
  // The page's code gets the stub.
  moduleNameMapper: { '^vitrine$': 'vitrine/testing' },
  // The package is written in modules, which jest's own way of loading can't read as they are.
  transformIgnorePatterns: ['/node_modules/(?!vitrine/)'],
  transform: { '\\.js$': './transform.cjs' },
};
