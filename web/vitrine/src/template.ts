/**
 * An item's `<template>`, filled without parsing HTML.
 *
 * `data-vitrine="text:title href:url"` on an element inside it takes the element's text and
 * attributes from fields of the item. Only attributes that cannot run anything are filled, and
 * an address must be one that a link of a shop may have: a catalogue is data, not code.
 *
 * @module
 */

const ATTRIBUTES: readonly string[] = ['alt', 'aria-label', 'datetime', 'title', 'value'];
const ADDRESSES: readonly string[] = ['href', 'src'];
/** Elements whose addresses and text are code. */
const CODE: readonly string[] = ['base', 'embed', 'iframe', 'link', 'object', 'script', 'style'];

/** The template's content for an item. */
export function fill(
  template: HTMLTemplateElement,
  item: Readonly<Record<string, unknown>>,
): DocumentFragment {
  const content = document.importNode(template.content, true);
  for (const element of content.querySelectorAll('[data-vitrine]')) {
    const bindings = (element.getAttribute('data-vitrine') ?? '').split(/\s+/).filter(Boolean);
    element.removeAttribute('data-vitrine');
    if (CODE.includes(element.localName)) continue;
    for (const binding of bindings) {
      const [target = '', field = ''] = binding.split(':');
      const value = item[field];
      if (typeof value !== 'string' && typeof value !== 'number') continue;
      if (target === 'text') element.textContent = String(value);
      else if (ATTRIBUTES.includes(target) || (ADDRESSES.includes(target) && isSafe(value))) {
        element.setAttribute(target, String(value));
      }
    }
  }
  return content;
}

/** Whether an address leads to a page or a picture, and is no script. */
function isSafe(address: string | number): boolean {
  try {
    const { protocol } = new URL(String(address), document.baseURI);
    return ['http:', 'https:', 'blob:'].includes(protocol) || /^data:image\//i.test(`${address}`);
  } catch {
    return false;
  }
}
