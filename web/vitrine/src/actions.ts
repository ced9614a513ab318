/**
 * What a visitor can do with an item, in the order of the bundle's codes.
 *
 * @module
 */

import type { Action } from './types.js';

/** 0 a view, 1 the basket, 2 a purchase. */
export const ACTIONS: readonly Action[] = ['view', 'add_to_cart', 'buy'];
