/**
 * How other people's payloads are read: only ids, and nothing is taken for granted.
 *
 * @module
 */

/**
 * Which id of a payload is the shop's item id, the one that the model was trained with.
 */
export type ItemKey = 'product' | 'variant' | 'sku';

/** The most items that one event is split into; a longer order is cut off. */
export const MAX_ITEMS = 100;

/** The id that `key` names; a payload without it names no item. */
export function pick(key: ItemKey, ids: Record<ItemKey, unknown>): unknown {
  return ids[key];
}

/** A list, or an empty one where the payload has none. */
export function list<T>(value: unknown): (T | undefined)[] {
  return Array.isArray(value) ? value.slice(0, MAX_ITEMS) : [];
}
