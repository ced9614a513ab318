/**
 * Elements, without a framework.
 *
 * @module
 */

/** What an element may be made of. */
export type Child = Node | string | number | false | null | undefined | readonly Child[];

type Listener = (event: Event) => void;
type Value = string | number | boolean | null | undefined | Listener;

/** Makes an element; `on…` are listeners, everything else is an attribute. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2).toLowerCase(), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child as readonly Child[]);
    else if (child instanceof Node) element.append(child);
    else if (typeof child === 'string' || typeof child === 'number') element.append(String(child));
  }
}

const SVG = 'http://www.w3.org/2000/svg';

/** A line icon of 24 by 24, drawn from paths. */
export function icon(...paths: string[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  for (const d of paths) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

/** The icons of this shop. */
export const ICONS = {
  basket: ['M4 9h16l-1.6 10.2a2 2 0 0 1-2 1.8H7.6a2 2 0 0 1-2-1.8z', 'M8 9l3-6M16 9l-3-6'],
  search: ['M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z', 'M15.5 15.5 20.5 20.5'],
  eye: [
    'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z',
    'M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  ],
  close: ['M6 6l12 12M18 6 6 18'],
  sparkle: [
    'M12 3c.6 5.2 3.8 8.400 9 9-5.200.6-8.400 3.800-9 9-.6-5.200-3.800-8.400-9-9 5.200-.6 8.400-3.800 9-9z',
  ],
  arrow: ['M5 12h14M13 6l6 6-6 6'],
  device: ['M7 3h10a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1z', 'M11 18h2'],
  check: ['M5 12.500 10 17.500 19.500 7'],
} as const;

/** Whether the visitor asked for less motion. */
export function calm(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
