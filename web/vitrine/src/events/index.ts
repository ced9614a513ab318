/**
 * What `track` is given, read as events of one item each.
 *
 * Shops already send events, with names and payloads of their own; those are understood as they
 * are, so that a storefront hands on what it has. Of a payload, only the ids of items are read:
 * no price, no order number, nothing about the customer.
 *
 * @module
 */

import { ACTIONS } from '../actions.js';
import { textOf } from '../ids.js';
import type { Action } from '../types.js';
import { GA4, type Ga4Event, type Ga4Payloads } from './ga4.js';
import type { ItemKey } from './payload.js';
import { SEGMENT, type SegmentEvent, type SegmentPayloads } from './segment.js';
import { SHOPIFY, type ShopifyEvent, type ShopifyPayloads } from './shopify.js';

/** The names that `track` knows, and what belongs to each. */
export interface EventPayloads extends ShopifyPayloads, SegmentPayloads, Ga4Payloads {}

/** An event in the form in which it is sent elsewhere. */
export type NamedEvent = ShopifyEvent | SegmentEvent | Ga4Event;

/**
 * An entry of a data layer, as `dataLayer` and the callbacks of tag managers hold them: objects with
 * an `event`, the arguments of a `gtag` call, functions, `undefined`. Those that are no event of
 * the known ones are ignored. An object that has the name of one must have its payload too.
 */
export type DataLayerEntry<Entry> = object extends Entry
  ? unknown
  : string extends keyof Entry
    ? unknown
    : Entry extends
          readonly unknown[] | IArguments | ((...given: never) => unknown) | null | undefined
      ? unknown
      : Entry extends { event: keyof EventPayloads } | { name: keyof EventPayloads }
        ? Entry extends NamedEvent
          ? unknown
          : never
        : Entry extends
              { event: unknown } | { ecommerce: unknown } | { name: string; data: unknown }
          ? unknown
          : never;

/** An event of one item. */
export interface ItemEvent {
  item: string;
  action: Action;
}

type Reader = { action: Action; items(payload: object, key: ItemKey): unknown[] };

/** The fields by which the forms of an event are told apart. */
type Given = Partial<
  Record<
    | ('item' | 'action' | 'event' | 'properties' | 'ecommerce' | 'eventModel' | 'name' | 'data')
    | (0 | 1 | 2),
    unknown
  >
>;

// Each reader takes the payload of its own name, and reads it as if it could be anything.
const READERS = new Map(Object.entries({ ...SHOPIFY, ...SEGMENT, ...GA4 }) as [string, Reader][]);
const MAX_ITEM_BYTES = 128;

/**
 * The events of one item each that `given` tells of; a purchase of three items is three.
 *
 * Throws a `TypeError` with a sentence where it tells of none.
 */
export function read(given: unknown, payload: unknown, key: ItemKey): ItemEvent[] {
  if (typeof given === 'string') return named(given, payload, key);
  if (typeof given === 'object' && given !== null) {
    const { item, action, event, properties, ecommerce, eventModel, name, data } = given as Given;
    if (item === undefined) {
      // A call of `gtag`: an array, or its `arguments` themselves.
      const { 0: command, 1: title, 2: parameters } = given as Given;
      if (command === 'event' && typeof title === 'string') return named(title, parameters, key);
      if (typeof event === 'string') {
        return named(event, properties ?? ecommerce ?? eventModel ?? given, key);
      }
      if (typeof name === 'string') return named(name, data ?? given, key);
    }
    const id = itemOf(item);
    const done = ACTIONS.find((known) => known === (action ?? 'view'));
    if (id !== undefined && done !== undefined) return [{ item: id, action: done }];
  }
  throw new TypeError(
    `This event cannot be recorded: ${shown(given)}. Wanted is an item id of 1 to 128 bytes, or a number up to 2^53, and the action view, add_to_cart or buy.`,
  );
}

function named(name: string, payload: unknown, key: ItemKey): ItemEvent[] {
  const reader = READERS.get(name);
  if (reader === undefined) {
    throw new TypeError(
      `The event ${shown(name)} is ignored: known are ${[...READERS.keys()].join(', ')}.`,
    );
  }
  const { action } = reader;
  const ids =
    typeof payload === 'object' && payload !== null ? reader.items(payload, key).map(itemOf) : [];
  // Two sizes of one product are one item, where products are what is ranked.
  const items = new Set(ids.filter((id) => id !== undefined));
  if (items.size === 0) {
    throw new TypeError(`The event ${shown(name)} cannot be recorded: it names no ${key} id.`);
  }
  return [...items].map((item) => ({ item, action }));
}

/** An id that a feedback cell can carry: short, and without control characters. */
function itemOf(id: unknown): string | undefined {
  const text = textOf(id) ?? '';
  return /^\P{Cc}+$/u.test(text) && utf8Length(text) <= MAX_ITEM_BYTES ? text : undefined;
}

/** The length as UTF-8, counted here because jest's jsdom has no `TextEncoder`. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const char of text) bytes += char < '\x80' ? 1 : char < '\u0800' ? 2 : char.length + 2;
  return bytes;
}

/** The beginning of a thing, for a sentence about it. */
function shown(thing: unknown): string {
  return String(JSON.stringify(thing) ?? thing).slice(0, 200);
}
