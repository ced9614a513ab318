import { visit } from './visit.js';

visit({ wasmUrl: '/wasm', worker: '/worker.js' });
