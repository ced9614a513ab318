/**
 * The oldest browsers that the package runs in. Chrome runs modules with reference types since 96,
 * Firefox classes with private fields since 90, Safari SIMD since 16.4.
 */

export const OLDEST = ['chrome96', 'firefox90', 'safari16.4'];
