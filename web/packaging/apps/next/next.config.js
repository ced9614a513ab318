import { resolve } from 'node:path';

export default {
  // The dependencies of this test are in the folder above.
  turbopack: { root: resolve(import.meta.dirname, '../..') },
};
