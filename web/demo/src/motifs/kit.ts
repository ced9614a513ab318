/**
 * What every drawing is made of.
 *
 * @module
 */

/** Colours of one picture. */
export interface Palette {
  wall: string;
  table: string;
  /** The thing's own colour, and its shaded side. */
  main: string;
  shade: string;
  /** A second material, and a light one. */
  accent: string;
  light: string;
}

/** Numbers in [0, 1) that are the same for the same thing. */
export type Chance = () => number;

/** Draws a thing, as SVG. */
export type Motif = (p: Palette, chance: Chance) => string;

export const path = (d: string, fill: string, more = '') =>
  `<path d="${d}" fill="${fill}" ${more}/>`;
export const line = (d: string, stroke: string, width: number) =>
  `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
export const oval = (x: number, y: number, rx: number, ry: number, fill: string, more = '') =>
  `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="${fill}" ${more}/>`;
export const block = (
  x: number,
  y: number,
  w: number,
  h: number,
  r: number,
  fill: string,
  more = '',
) => `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="${r}" fill="${fill}" ${more}/>`;
/** How dark the shaded side of a thing is. */
export const HALF = 'opacity=".55"';
