/** Any transform that reads modules will do: babel-jest with a preset, ts-jest, or this. */

const { transformSync } = require('esbuild');

module.exports = {
  process: (code) => ({ code: transformSync(code, { format: 'cjs', target: 'node20' }).code }),
};
