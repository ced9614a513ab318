/** onnxruntime-web's smallest entry: WebAssembly only. */
export * from 'onnxruntime-web/wasm';
