/**
 * The cards of a shelf in the page's own tree: which there are, and how they change places while
 * everything else stays where it is.
 *
 * A card often stands in an element of its own, a grid's column, and then that is moved. Headings
 * and advertisements between cards keep their places: so many cards before, so many after.
 *
 * @module
 */

const CARD = '[data-item]:not([data-item=""])';

/** The outermost elements with `data-item` that belong to `shelf`, in their order. */
export function cardsOf(shelf: Element): Element[] {
  return ownOf(shelf, CARD);
}

/** The elements that `selector` names which belong to `shelf`, and to no card of it. */
export function ownOf<E extends Element>(shelf: Element, selector: string): E[] {
  const around = `${CARD}, ${shelf.localName}`;
  return [...shelf.querySelectorAll<E>(selector)].filter(
    (one) => one.parentElement?.closest(around) === shelf,
  );
}

/** A card's item id. */
export function itemOf(card: Element): string {
  return card.getAttribute('data-item') ?? '';
}

/** A list, and which child of it belongs to each card. */
export interface Row {
  list: Element;
  movers: Map<Element, Element>;
}

/**
 * The list in which each of `cards` has a child of its own: `known`, if it still is one, else the
 * innermost element around all of them. `undefined` where two cards share a child.
 */
export function rowOf(cards: readonly Element[], known: Element | undefined): Row | undefined {
  for (const list of [known, around(cards)]) {
    if (!list) continue;
    const movers = new Map<Element, Element>();
    for (const card of cards) {
      let mover: Element | null = card;
      while (mover && mover.parentElement !== list) mover = mover.parentElement;
      if (mover) movers.set(card, mover);
    }
    if (movers.size === cards.length && new Set(movers.values()).size === cards.length) {
      return { list, movers };
    }
  }
  return undefined;
}

function around(cards: readonly Element[]): Element | null | undefined {
  let list = cards[0]?.parentElement;
  while (list && !cards.every((card) => card !== list && list?.contains(card))) {
    list = list.parentElement;
  }
  return list;
}

/**
 * Makes `wanted` what stands in `list` of `movers`, in that order; the others leave it. An element
 * that stands where it should is not touched.
 */
export function arrange(
  list: Element,
  movers: ReadonlySet<Node>,
  wanted: readonly Element[],
): void {
  const stretches = stretchesOf(list, movers);
  const kept = new Set<Node>(wanted);
  for (const child of [...list.children]) {
    if (movers.has(child) && !kept.has(child)) child.remove();
  }
  let place = 0;
  for (const { after, before, size } of stretches) {
    const next = (node: Node | null) => {
      while (node && node !== before && !kept.has(node)) node = node.nextSibling;
      return node;
    };
    let there = next(after ? after.nextSibling : list.firstChild);
    for (const one of wanted.slice(place, place + size)) {
      if (one === there) there = next(one.nextSibling);
      else list.insertBefore(one, there);
    }
    place += size;
  }
}

/** Movers that follow one another, and what stands around them. */
interface Stretch {
  after: Node | null;
  before: Node | null;
  size: number;
}

function stretchesOf(list: Element, movers: ReadonlySet<Node>): Stretch[] {
  const stretches: Stretch[] = [];
  let running: Stretch = { after: null, before: null, size: 0 };
  for (const node of list.childNodes) {
    if (movers.has(node)) running.size += 1;
    else if (node instanceof Element || (node instanceof Text && /\S/.test(node.data))) {
      if (running.size > 0) stretches.push({ ...running, before: node });
      running = { after: node, before: null, size: 0 };
    }
  }
  if (running.size > 0 || stretches.length === 0) stretches.push(running);
  // More than there were go behind the last.
  const last = stretches[stretches.length - 1];
  if (last) last.size = Infinity;
  return stretches;
}
