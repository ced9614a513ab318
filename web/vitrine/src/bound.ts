/**
 * An instance as a page gets it.
 *
 * Pages put it into Vue's `ref`, Pinia or MobX, freeze it, spread it, and take its methods off it.
 * Through the proxy that is `this` then, no private field is reached. So the page's object holds
 * no state: each of its properties is a closure over the instance. `__v_skip` tells Vue to leave
 * the object as it is, and a prototype of its own tells MobX, immer and Svelte the same.
 *
 * @module
 */

import { listOf } from './ids.js';
import type { Outcome, Vitrine } from './types.js';

const FAILED: Outcome = { status: 'fallback', reason: 'failed' };

/**
 * The page's object for `instance`: its methods neither throw nor reject, whatever they are called
 * with, and `failed` is told.
 */
export function bound<T extends Vitrine>(instance: T, failed: (error: unknown) => void): T {
  const answers: Record<string, (given: Iterable<unknown>) => unknown> = {
    rank: (given) => {
      let items: unknown[] = [];
      try {
        items = listOf(given);
      } catch {
        // A list that cannot be read is none.
      }
      return { ...FAILED, items, scores: new Float32Array(items.length) };
    },
    recommend: () => ({ ...FAILED, items: [] }),
    consent: () => instance.consent(),
    subscribe: () => () => {},
  };
  const shared = Object.defineProperty({}, '__v_skip', { value: true });
  const page = Object.create(shared) as Record<string, unknown>;
  const members = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(instance) as object);
  for (const [name, { get, value }] of Object.entries(members)) {
    if (get) Object.defineProperty(shared, name, { get: () => get.call(instance) as unknown });
    else if (name !== 'constructor') {
      const method = value as (...given: unknown[]) => unknown;
      page[name] = (...given: unknown[]) => {
        const survived = (error: unknown) => {
          failed(error);
          return answers[name]?.(given[0] as Iterable<unknown>);
        };
        try {
          const answer = method.apply(instance, given);
          return answer instanceof Promise ? answer.catch(survived) : answer;
        } catch (error) {
          return survived(error);
        }
      };
    }
  }
  page['ready'] = instance.ready;
  return page as unknown as T;
}
