/**
 * Item ids as shops write them. All of them are compared as strings: the number 7 and the string
 * '7' name the same item.
 *
 * @module
 */

/** An item id. */
export type Id = string | number;

/**
 * The string by which an id is compared; `undefined` where there is none. A number above 2^53 has
 * lost its last digits, and two items could have become one, so it is no id.
 */
export function textOf(id: unknown): string | undefined {
  if (typeof id === 'string') return id || undefined;
  const exact = typeof id === 'number' && Math.abs(id) <= Number.MAX_SAFE_INTEGER;
  return exact || typeof id === 'bigint' ? String(id) : undefined;
}

/** The id of a caller's item: by `getId` where it is given, else the item itself or its `id`. */
export function idOf<T>(item: T, getId?: ((item: T) => Id) | undefined): string | undefined {
  if (getId) return textOf(getId(item));
  return textOf(typeof item === 'object' ? (item as { id?: unknown } | null)?.id : item);
}

/** A caller's list, and a list of one where it is a lone id; an empty one while there is none. */
export function listOf<T>(items: Iterable<T> | ArrayLike<T> | Id | null | undefined): T[] {
  if (textOf(items) !== undefined) return [items as T];
  return Array.from((items ?? []) as Iterable<T>);
}
