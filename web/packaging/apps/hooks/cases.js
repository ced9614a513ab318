/** The lists that both frameworks are given, by name: the items, and the options. */

export const NUMBERS = Array.from({ length: 12 }, (_, at) => 1001 + 10 * at);

export const CASES = {
  undefined: [undefined],
  null: [null],
  nothing: [[]],
  response: [{ products: [] }],
  holes: [[null, ...NUMBERS, undefined]],
  numbers: [NUMBERS],
  texts: [NUMBERS.map(String)],
  objects: [NUMBERS.map((id) => ({ id }))],
  skus: [NUMBERS.map((sku) => ({ sku })), { getId: ({ sku }) => sku }],
  unreadable: [[{ sku: { code: 1001 } }, {}], { getId: ({ sku }) => sku.code }],
};

/** A list's status and reason, and its items by their ids. */
export const told = (name, { items, status, reason }) => {
  const ids = items.map((item) => item?.id ?? item?.sku ?? item);
  return [name, { status, reason, ids }];
};
