/**
 * Reads and writes safetensors files, tensors as they are: name, type, shape, bytes.
 *
 * @module
 */

/** The tensors of a file: `Map` of name → `{ dtype, shape, bytes }`. */
export function readTensors(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const tensors = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [from, to] = entry.data_offsets;
    const bytes = file.subarray(8 + length + from, 8 + length + to);
    tensors.set(name, { dtype: entry.dtype, shape: entry.shape, bytes });
  }
  return tensors;
}

/** A file of tensors. Those of wide types come first, so that all of them are aligned. */
export function writeTensors(tensors) {
  const width = ({ dtype }) => Number(/\d+/.exec(dtype)?.[0] ?? 8);
  const sorted = [...tensors].sort(
    ([one, a], [other, b]) => width(b) - width(a) || (one < other ? -1 : 1),
  );
  const header = {};
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of sorted) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  let head = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(head.length / 8) * 8).fill(0x20);
  padded.set(head);
  head = padded;
  const file = new Uint8Array(8 + head.length + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  for (const [name, { bytes }] of sorted)
    file.set(bytes, 8 + head.length + header[name].data_offsets[0]);
  return file;
}

/** `numbers` as a tensor of f32, or of bf16, cut off, where `dtype` says so. */
export function floatTensor(numbers, shape, dtype = 'F32') {
  const floats = Float32Array.from(numbers);
  if (dtype === 'F32') return { dtype, shape, bytes: new Uint8Array(floats.buffer) };
  const halves = Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16);
  return { dtype, shape, bytes: new Uint8Array(halves.buffer) };
}
