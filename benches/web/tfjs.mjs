/** What TensorFlow.js needs to run a converted model on WebAssembly: its three packages. */
export * as tf from '@tensorflow/tfjs-core';
export * as converter from '@tensorflow/tfjs-converter';
export * as backend from '@tensorflow/tfjs-backend-wasm';
