/**
 * Sentences for the console, where there is no `onError` to tell.
 *
 * @module
 */

const said = new Set<string>();

/** Warns once for each message. */
export function warnOnce(message: string): void {
  if (said.has(message)) return;
  said.add(message);
  console.warn(`vitrine: ${message}`);
}
