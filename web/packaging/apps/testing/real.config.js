export default {
  testEnvironment: 'jsdom',
  testMatch: ['**/real.jest.js'],
  // With `node --experimental-vm-modules`, jest reads modules as they are.
  transform: {},
};
