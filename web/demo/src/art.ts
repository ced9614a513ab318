/**
 * A picture for a product: the same for the same product, always.
 *
 * Drawn here even where the catalogue names one. A picture that is fetched when its card comes
 * into view tells whoever serves it what this visitor is shown and what was opened.
 *
 * The category chooses the colours, so that a category looks like one, and the title chooses the
 * thing and its variation.
 *
 * @module
 */

import type { Product } from './catalogue.js';
import { motifFor, type Palette } from './motifs/index.js';

const PALETTES: readonly Palette[] = [
  {
    wall: '#e9e1d3',
    table: '#cdbda3',
    main: '#b5573a',
    shade: '#8a3d28',
    accent: '#2f4b46',
    light: '#f6eee0',
  },
  {
    wall: '#dbe3dc',
    table: '#b3c2b4',
    main: '#47705c',
    shade: '#2f5143',
    accent: '#d98f4e',
    light: '#f3f1e4',
  },
  {
    wall: '#e3dfe8',
    table: '#beb6cb',
    main: '#6c5b8f',
    shade: '#4d4070',
    accent: '#d7a84d',
    light: '#f4f0f6',
  },
  {
    wall: '#dfe6ea',
    table: '#b4c4ce',
    main: '#3f6f8c',
    shade: '#2a5069',
    accent: '#d8735a',
    light: '#f1f4f3',
  },
  {
    wall: '#f0e0da',
    table: '#d9b8ad',
    main: '#c96f6a',
    shade: '#9d4d4d',
    accent: '#3c5a66',
    light: '#fbf1ea',
  },
  {
    wall: '#ece4c8',
    table: '#cfbf8d',
    main: '#c7952f',
    shade: '#96691a',
    accent: '#4b5b3b',
    light: '#faf4df',
  },
  {
    wall: '#d9dfd9',
    table: '#aab8b0',
    main: '#2f4a4f',
    shade: '#1c3236',
    accent: '#cf8a63',
    light: '#eef0e8',
  },
  {
    wall: '#e8ddd7',
    table: '#c6aea3',
    main: '#7d4b3f',
    shade: '#59322a',
    accent: '#7f9a86',
    light: '#f5ece3',
  },
];

const drawn = new Map<string, string>();

/** The address of a product's picture. */
export function pictureOf(product: Product): string {
  const known = drawn.get(product.id);
  if (known !== undefined) return known;
  const picture = `data:image/svg+xml,${encodeURIComponent(draw(product.title, product.category))}`;
  drawn.set(product.id, picture);
  return picture;
}

/** Colours that titles name: a thing's own, and its shaded side. */
const NAMED: readonly [RegExp, string, string][] = [
  [/\bred\b|scarlet|cherry|strawberry|poppy/, '#b8423a', '#8a2f2a'],
  [/\bpink\b|\brose\b|blush/, '#d58a93', '#a9626c'],
  [/\bblue\b|navy|indigo|ocean/, '#3f6590', '#2b4767'],
  [/\bgreen\b|olive|\bmint\b|meadow|sage/, '#56805f', '#3c5d45'],
  [/turquoise|\bteal\b|aqua|sea glass/, '#5f9d9b', '#407473'],
  [/yellow|lemon|mustard|honey/, '#d9a93c', '#a87d22'],
  [/orange|terracotta|copper|amber/, '#c5683f', '#94482a'],
  [/purple|violet|lavender|lilac|plum/, '#83699e', '#5f4a77'],
  [/\bblack\b|charcoal|slate|ebony/, '#4a4a4d', '#303033'],
  [/\bwhite\b|ivory|cream|\bpearl\b/, '#f2ece0', '#cfc4b2'],
  [/\bgr[ae]y\b|silver|\bzinc\b|pewter/, '#a3a8a8', '#7a8080'],
  [/\bgold(en)?\b|brass/, '#bf9a4e', '#8e6f31'],
  [/\bbrown\b|\boak\b|wood(en)?\b|chocolate|walnut|wicker/, '#a5774c', '#7b5635'],
];

/** Half of a category's things have its own colours, the others borrow a neighbour's. */
function paletteOf(title: string, category: string, chance: () => number): Palette {
  const own = PALETTES[hash(category) % PALETTES.length] as Palette;
  const other = PALETTES[hash(title) % PALETTES.length] as Palette;
  const palette = chance() < 0.5 ? { ...other, wall: own.wall, table: own.table } : own;
  const named = NAMED.find(([words]) => words.test(title.toLowerCase()));
  return named === undefined ? palette : { ...palette, main: named[1], shade: named[2] };
}

function draw(title: string, category: string): string {
  const chance = seeded(title);
  const palette = paletteOf(title, category, chance);
  const turn = chance() < 0.5 ? '' : 'transform="matrix(-1 0 0 1 400 0)"';
  const light = 60 + Math.round(chance() * 200);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 500">` +
    `<defs><radialGradient id="l" cx="${light}" cy="90" r="420" gradientUnits="userSpaceOnUse"><stop stop-color="#fff" stop-opacity=".55"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient>` +
    `<filter id="b" x="-30%" y="-80%" width="160%" height="260%"><feGaussianBlur stdDeviation="9"/></filter></defs>` +
    `<rect width="400" height="500" fill="${palette.wall}"/><rect width="400" height="500" fill="url(#l)"/>` +
    `<path d="M0 368h400v132H0z" fill="${palette.table}"/><path d="M0 368h400v5H0z" fill="#fff" opacity=".28"/>` +
    `<ellipse cx="206" cy="402" rx="128" ry="15" fill="#1b140d" opacity=".34" filter="url(#b)"/>` +
    `<g ${turn}>${motifFor(title, palette, chance)}</g></svg>`
  );
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

/** Mulberry32. */
function seeded(text: string): () => number {
  let state = hash(text);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}
