/**
 * What a storefront sees of Vitrine.
 *
 * @module
 */

import type { DataLayerEntry, EventPayloads, NamedEvent } from './events/index.js';
import type { ItemKey } from './events/payload.js';
import type { FallbackReason } from './failures.js';
import type { Id } from './ids.js';
import type { Inspection } from './inspection.js';

export type { FallbackReason } from './failures.js';
export type * from './inspection.js';

/** What a visitor did with an item. */
export type Action = 'view' | 'add_to_cart' | 'buy';

/** One thing that a visitor did. */
export interface ShopEvent {
  /** The shop's own item id: 1 to 128 bytes of UTF-8 without control characters. */
  item: Id;
  /** What was done; a view when left out. */
  action?: Action;
}

/** A visitor's answer to one question. */
export type Choice = 'pending' | 'granted' | 'denied';

/** The two questions, which are asked apart. */
export interface Consents {
  /**
   * May this device order items by what was looked at?
   *
   * `granted`: the session is kept on the device and orders the page. `pending`: the same, but
   * in this page's memory only, so nothing is stored. `denied`: nothing is kept or loaded and
   * every list keeps the shop's order.
   */
  ranking: Choice;
  /**
   * May single counts leave this device?
   *
   * Only `granted` sends anything. Nothing that happened before is sent afterwards.
   */
  upload: Choice;
}

/** One count that may leave the device; see PRIVACY in the documentation. */
export type Cell =
  | { table: 'transition'; from: string; to: string; action: Action }
  | { table: 'item'; item: string; action: Action }
  | { table: 'impression'; item: string; position: string; clicked: boolean }
  /** With noise on both from this device: 55 of 100 such reports are not true. */
  | { table: 'metric'; arm: 'shop' | 'vitrine'; rank: string };

/** A span of time in which this device may report so many cells; the same for everybody. */
export interface FeedbackWindow {
  /** It spans `[number, number + 1) * seconds` of Unix time. */
  number: number;
  /** Its length. */
  seconds: number;
}

/** One request to the server: a count, its window, and a random number that is used once. */
export interface Report {
  /** 32 hexadecimal digits, drawn for this cell; a retry repeats it and is counted once. */
  nonce: string;
  /** The window in whose budget the count was spent. */
  window: FeedbackWindow;
  /** What is counted. */
  cell: Cell;
}

/** How a list came about. */
export interface Outcome {
  /** `ranked` by the model, or the caller's own order. */
  status: 'ranked' | 'fallback';
  /** Why the order is the caller's own; only with `fallback`. */
  reason?: FallbackReason;
  /** Version of the bundle that ranked; only with `ranked`. */
  version?: number;
}

/** An ordered list of the caller's items. */
export interface Ranking<T> extends Outcome {
  /** The caller's items, all of them, best first. */
  items: T[];
  /** Scores in the same order; 0 where the model does not know the item. */
  scores: Float32Array;
}

/** An item of the catalogue that suits the session. */
export interface RecommendedItem {
  /** The shop's item id. */
  id: string;
  /** Its score; comparable within one list only. */
  score: number;
  /** What speaks for it, strongest first. */
  reasons: Reason[];
}

/** A part of a score that speaks for an item. */
export type Reason =
  /** The visitor did something with `item`, and others who did chose this one. */
  | { kind: 'seen'; item: string; action: Action; contribution: number }
  /** It fits the visit as a whole. */
  | { kind: 'session'; contribution: number }
  /** It is popular with everybody. */
  | { kind: 'popularity'; contribution: number };

/** Items of the catalogue, best first; none with `fallback`. */
export interface Recommendation extends Outcome {
  /** The items. */
  items: RecommendedItem[];
}

/** What the catalogue is narrowed to. Every condition must hold. */
export interface Filter {
  /** Names of categories, any of which will do. */
  category?: readonly string[];
  /** Price bands, counted from 0, any of which will do. */
  price_band?: readonly number[];
  /** Only what can be sold. */
  in_stock?: boolean;
  /** Only what this session has not seen. */
  unseen?: boolean;
}

/** How long a call waits for the model. */
export interface WaitOptions {
  /** Milliseconds to wait for the model while it loads. Default: the instance's `timeout`. */
  timeout?: number;
  /** Ends the waiting: the answer is then a fallback, at once. Default: none. */
  signal?: AbortSignal;
}

/** Options of `recommend`. */
export interface RecommendOptions extends WaitOptions {
  /** How many items, at most 1,000. Default 10. */
  n?: number;
  /** What the catalogue is narrowed to. Default: nothing. */
  filter?: Filter;
  /** Ids of items that are not wanted. Default: none. */
  exclude?: readonly Id[];
  /**
   * From 0, the best items, to 1, such as resemble one another least: the weight of an item's
   * likeness to those before it against its score (maximal marginal relevance, Carbonell &
   * Goldstein 1998). The best item stays first, and only the first 100 places are chosen so.
   * Alike are items that the session encoder sees alike; in a bundle without one, items with the
   * same neighbours and category. Scores are the items' own, so they no longer fall along the
   * list. Default: 0.
   */
  diversity?: number;
}

/** Options of `rank`. */
export interface RankOptions<T = unknown> extends WaitOptions {
  /** Gives an item's id. Default: the item itself, or its `id`. */
  getId?: (item: T) => Id;
}

/** What a score is made of. */
export interface Explanation<Item extends Id = string> {
  /** The explained item, as the caller named it. */
  item: Item;
  /** Its score: the sum of the terms, up to rounding. */
  score: number;
  /** The terms, weighted as the model learned. */
  terms: {
    /** How well the item fits the session as a whole. */
    encoder: number;
    /** How often it was chosen near what was looked at. */
    neighbours: number;
    /** True if it was looked at before. */
    repeat: number;
    /** How popular it is with everybody. */
    popularity: number;
  };
  /** The visitor's own events that brought the item here, strongest first. */
  because: { item: string; action: Action; contribution: number }[];
}

/** A `TrustedScriptURL`, as a policy of the page makes it. */
export interface TrustedAddress {
  toJSON(): string;
  toString(): string;
}

/** A relay of Oblivious HTTP (RFC 9458), and to whom it passes reports on. */
export interface RelayOptions {
  /** Where reports are posted. Whoever runs it must not be who runs the server. */
  url: string | URL;
  /**
   * The public key of the server's gateway, as `vitrine-server oblivious-key show` prints it:
   * `application/ohttp-keys` in base64. It belongs into the page's own code, the same for every
   * visitor; no other key is ever asked for or used.
   */
  keys: string;
}

/** Options of `createVitrine`. */
export interface VitrineOptions {
  /**
   * Where the bundle is served and reports go: the base URL of a `vitrine-server`. Must answer
   * `manifest.json`, `bundles/<sha256>` and `v1/feedback`. Default: the page's origin.
   */
  endpoint?: string | URL;
  /**
   * Keeps apart the session, budget and versions of shops that share an `endpoint` address, such as
   * those that a developer serves on one port by turns. Default: none.
   */
  name?: string;
  /**
   * Public keys that are trusted to sign the bundle, as `vitrine key show` prints them. With it,
   * a manifest that none of them has signed is refused before it is parsed; a signature of one
   * is enough, so that keys can be changed with both pinned for a while. Default: signatures
   * are not looked at, and whoever controls the endpoint decides what ranks.
   */
  publicKeys?: readonly string[];
  /**
   * What the visitor has answered, as the shop's consent dialog knows it. Given here, it wins
   * over what was stored; left out, the stored answers hold, and `pending` where there are none.
   */
  consent?: Choice | Partial<Consents>;
  /**
   * Where to keep things. From memory nothing is reported, because a budget there would be a new
   * one with each page load. Default: IndexedDB, and memory where that is refused.
   */
  storage?: 'indexeddb' | 'memory';
  /**
   * Where the modules are, when the bundler does not serve them beside the package's code: a
   * folder with `ranker.wasm`, `encoder.wasm` and, where `publicKeys` is given,
   * `verifier.wasm`. Other modules than those of this very build of the package are refused.
   * Default: resolved from `import.meta.url`.
   */
  wasmUrl?: string | URL;
  /**
   * The worker that runs the encoder, as a URL of the module `vitrine/worker`, or `false` to run
   * it on the main thread when idle. Where the page requires Trusted Types, a `TrustedScriptURL`.
   * Default: resolved from `import.meta.url`.
   */
  worker?: string | URL | TrustedAddress | false;
  /**
   * Which id of a Shopify, Segment or GA4 event is the item id that the model was trained with.
   * Default: `product`, which is `product.id`, `product_id` and `item_id`.
   */
  itemKey?: ItemKey;
  /** True if to load the session encoder when the bundle has one. Default: true. */
  encoder?: boolean;
  /**
   * Milliseconds that `rank`, `recommend` and `explain` wait for the model; `Infinity` is as long
   * as loading takes, which ends by itself. Default: 1,500.
   */
  timeout?: number;
  /**
   * Milliseconds between looks for a newer bundle, 10,000 at least; `Infinity` is never. A load
   * that failed is tried again sooner. Default: 900,000 (15 minutes).
   */
  refreshInterval?: number;
  /**
   * Least and most milliseconds that a report waits before it is sent; drawn anew for each, so
   * that the reports of one visit do not travel together; a day at most. Default: 5,000 to
   * 120,000.
   */
  reportDelay?: readonly [number, number];
  /**
   * Sends reports encrypted through a relay, so that the server does not learn the address that
   * they come from and the relay not what they say. While the relay fails they wait; they are
   * never sent to the server directly. Default: reports go to `endpoint`.
   */
  relay?: RelayOptions;
  /** Called before a report is sent; `false` drops it. */
  beforeSend?: (report: Report) => boolean | void;
  /**
   * Called with what went wrong and was survived; where that is why lists keep the shop's order,
   * the error's `reason` is theirs. Default: nothing.
   */
  onError?: (error: Error & { readonly reason?: FallbackReason }) => void;
  /**
   * Writes a line to the console on each thing that is loaded, from where and in what time, and on
   * each error. Default: false.
   */
  debug?: boolean;
  /** The function that makes requests. Default: the page's `fetch`. */
  fetch?: typeof fetch;
}

/** One visitor's Vitrine. No method throws, and none rejects. */
export interface Vitrine {
  /**
   * Records what the visitor did. Events before the model is loaded are queued. An event in the
   * form of Shopify, Segment or GA4 is understood as it is, with whatever else it carries; a name
   * that is not known is ignored, and `onError` is told.
   */
  track(event: ShopEvent): void;
  /** The same, for an event in the form in which it is sent elsewhere. */
  track<Event extends NamedEvent>(event: Event): void;
  /** The same, with the name that the event has elsewhere and what belongs to it. */
  track<Name extends keyof EventPayloads, Payload extends EventPayloads[Name]>(
    name: Name,
    payload: Payload,
  ): void;
  /** The same, for whatever stands in a data layer. */
  track<const Entry>(entry: Entry & DataLayerEntry<Entry>): void;
  /**
   * Orders the caller's items: those that the model knows by score, then the others; the
   * caller's order decides among equals. Ids may be strings or numbers; items that have no `id`
   * need `getId`.
   */
  rank<T extends Id | { id: Id }>(
    items: readonly T[] | null | undefined,
    options?: RankOptions<T>,
  ): Promise<Ranking<T>>;
  /** The same for items whose id is not in `id`. */
  rank<T>(
    items: readonly T[] | null | undefined,
    options: RankOptions<T> & { getId: (item: T) => Id },
  ): Promise<Ranking<T>>;
  /** The items of the whole catalogue that suit the session best. */
  recommend(options?: RecommendOptions): Promise<Recommendation>;
  /** Why an item stands where it stands; `undefined` when the model does not know it. */
  explain<Item extends Id>(item: Item): Promise<Explanation<Item> | undefined>;
  /** The visitor's answers; with an argument, records them. One word answers both questions. */
  consent(choice?: Choice | Partial<Consents>): Consents;
  /**
   * Erases all that Vitrine keeps on this device for this endpoint, the answers and the budget with
   * it; after `dispose` too.
   */
  forget(): Promise<void>;
  /** All that Vitrine knows and keeps. */
  inspect(): Promise<Inspection>;
  /**
   * Looks for the bundle now, without waiting for the next look; resolves to how that ended. A load
   * that failed is tried again by itself: with pauses that grow to five minutes, when the network
   * is back, and when the page is shown.
   */
  retry(): Promise<Outcome>;
  /** Calls `listener` whenever an order or an inspection may have changed. */
  subscribe(listener: () => void): () => void;
  /** Resolves to how the first load ended. */
  readonly ready: Promise<Outcome>;
  /** How things stand now. */
  readonly status: 'loading' | 'ready' | 'fallback';
  /**
   * Stops every timer, request and worker; who waits gets a fallback at once. What is stored
   * stays.
   */
  dispose(): void;
}
