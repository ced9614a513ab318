/**
 * Writes the few ONNX models that are measured: IR 8, opset 17, as the trainer does
 * (trainer/learn/src/encoder/onnx.rs).
 *
 * @module
 */

const VARINT = 0;
const BYTES = 2;

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const int = (field, value) => Buffer.concat([varint((field << 3) | VARINT), varint(value)]);
const bytes = (field, value) =>
  Buffer.concat([varint((field << 3) | BYTES), varint(value.length), value]);
const text = (field, value) => bytes(field, Buffer.from(value));
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

const FLOAT = 1;
const INT64 = 7;

function tensor(name, type, dims, raw) {
  return message(5, ...dims.map((dim) => int(1, dim)), int(2, type), text(8, name), bytes(9, raw));
}

const raw = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
const floats = (name, dims, values) => tensor(name, FLOAT, dims, raw(Float32Array.from(values)));
const longs = (name, values) =>
  tensor(name, INT64, [values.length], raw(BigInt64Array.from(values.map(BigInt))));

const intAttribute = (name, value) => message(5, text(1, name), int(3, value), int(20, 2));
const intsAttribute = (name, values) =>
  message(5, text(1, name), ...values.map((value) => int(8, value)), int(20, 7));

function node(type, inputs, outputs, ...attributes) {
  return message(
    1,
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(3, `${type}_${outputs.at(-1)}`),
    text(4, type),
    ...attributes,
  );
}

/** An input or output; a size that is a word is left open. */
function value(field, name, type, dims) {
  const shape = dims.map((dim) => message(1, typeof dim === 'number' ? int(1, dim) : text(2, dim)));
  return message(field, text(1, name), message(2, message(1, int(1, type), message(2, ...shape))));
}

function model(name, parts) {
  return Buffer.concat([
    int(1, 8),
    text(2, 'vitrine-bench'),
    message(7, ...parts, text(2, name)),
    message(8, text(1, ''), int(2, 17)),
  ]);
}

/** The encoder's nodes and weights; `weights` as `gruWeights` gives them. */
function gru({ dim, hidden, W, R, B, P, p }) {
  return [
    node('Transpose', ['session'], ['events'], intsAttribute('perm', [1, 0, 2])),
    node(
      'GRU',
      ['events', 'W', 'R', 'B', '', 'initial'],
      ['', 'state'],
      intAttribute('hidden_size', hidden),
      intAttribute('linear_before_reset', 1),
    ),
    node('Squeeze', ['state', 'first'], ['last']),
    node('MatMul', ['last', 'P'], ['projected']),
    node('Add', ['projected', 'p'], ['query']),
    floats('W', [1, 3 * hidden, dim + 3], W),
    floats('R', [1, 3 * hidden, hidden], R),
    floats('B', [1, 6 * hidden], B),
    floats('initial', [1, 1, hidden], new Float32Array(hidden)),
    longs('first', [0]),
    floats('P', [hidden, dim], P),
    floats('p', [dim], p),
    value(11, 'session', FLOAT, [1, 'T', dim + 3]),
  ];
}

/** The product with all items and the best of it; `items` is `[D, N]`. */
function scan(dim, items, best) {
  const count = items.length / dim;
  return [
    node('MatMul', ['query', 'items'], ['scores']),
    node('TopK', ['scores', 'best'], ['values', 'rows']),
    floats('items', [dim, count], items),
    longs('best', [best]),
    value(12, 'values', FLOAT, [1, best]),
    value(12, 'rows', INT64, [1, best]),
  ];
}

const answer = (dim) => value(12, 'query', FLOAT, [1, dim]);

/** `session` `[1, T, D + 3]` → `query` `[1, D]`: what `encoder.onnx` of a bundle is. */
export function encoderModel(weights) {
  return model('encoder', [...gru(weights), answer(weights.dim)]);
}

/** `query` `[1, D]` → `values` and `rows`, the best of `items` `[D, N]`. */
export function scanModel(dim, items, best) {
  return model('scan', [value(11, 'query', FLOAT, [1, dim]), ...scan(dim, items, best)]);
}

/** Both in one model, with the query as an output too. */
export function sessionModel(weights, items, best) {
  return model('session', [
    ...gru(weights),
    answer(weights.dim),
    ...scan(weights.dim, items, best),
  ]);
}
