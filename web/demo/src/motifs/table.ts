/**
 * Things for kitchen and table.
 *
 * @module
 */

import { block, HALF, line, oval, path, type Motif } from './kit.js';

export const mug: Motif = (p, chance) => {
  const h = 130 + chance() * 40;
  const y = 400 - h;
  const band =
    chance() > 0.5 ? block(120, y + h * 0.42, 140, h * 0.2, 0, p.light, 'opacity=".8"') : '';
  return (
    line(`M258 ${y + 36}c62-10 66 78 0 74`, p.shade, 18) +
    path(`M120 ${y}h140v${h - 26}q0 26-26 26h-88q-26 0-26-26z`, p.main) +
    band +
    path(`M206 ${y}h54v${h - 26}q0 26-26 26h-44q16-40 16-${Math.round(h / 2)}z`, p.shade, HALF) +
    oval(190, y, 70, 13, p.shade) +
    oval(190, y + 3, 58, 8, p.accent)
  );
};

export const teapot: Motif = (p) =>
  line('M120 330c-54-6-52-70-78-82', p.main, 22) +
  line('M282 286c70-22 76 76 4 78', p.shade, 16) +
  path('M112 312c0-66 40-92 90-92s92 26 92 92c0 52-26 88-92 88s-90-36-90-88z', p.main) +
  path('M214 221c44 6 80 34 80 91 0 52-26 88-92 88 40-30 50-110 12-179z', p.shade, HALF) +
  path('M150 228q52-38 104 0-52 20-104 0z', p.accent) +
  oval(202, 202, 13, 13, p.accent);

export const bottle: Motif = (p, chance) => {
  const w = 44 + chance() * 22;
  return (
    path(
      `M${200 - w} 400q-10 0-10-12v-118q0-54 ${w - 8}-78v-58h36v58q${w - 8} 24 ${w - 8} 78v118q0 12-10 12z`,
      p.main,
    ) +
    path(
      `M206 134h12v58q${w - 8} 24 ${w - 8} 78v118q0 12-10 12h-${w * 0.6}Q${206 + w * 0.5} 280 206 134z`,
      p.shade,
      HALF,
    ) +
    block(179, 112, 42, 28, 5, p.accent) +
    block(200 - w + 2, 292, w * 2 - 4, 66, 3, p.light, 'opacity=".9"') +
    line(`M${200 - w + 18} 316h${w * 2 - 36}M${200 - w + 18} 334h${w - 10}`, p.accent, 5)
  );
};

export const bowl: Motif = (p, chance) => {
  const y = 288 - chance() * 14;
  return (
    path(`M92 ${y}h216c0 66-44 112-108 112S92 ${y + 66} 92 ${y}z`, p.main) +
    path(`M222 ${y}h86c0 66-44 112-108 112 30-30 26-70 22-112z`, p.shade, HALF) +
    oval(200, y, 108, 20, p.shade) +
    oval(200, y + 3, 94, 14, p.light) +
    block(164, 394, 72, 12, 4, p.shade)
  );
};

export const plate: Motif = (p) =>
  block(86, 372, 228, 30, 6, p.accent) +
  oval(200, 258, 124, 124, p.main) +
  oval(208, 258, 116, 122, p.shade, 'opacity=".35"') +
  oval(200, 258, 116, 116, p.main) +
  oval(200, 258, 82, 82, p.light) +
  line('M200 196v124M138 258h124M156 214l88 88M244 214l-88 88', p.main, 4) +
  oval(200, 258, 18, 18, p.accent);

export const jar: Motif = (p, chance) =>
  block(126, 196, 148, 204, 26, p.light, 'opacity=".8"') +
  path(`M126 ${286 - chance() * 40}h148V374q0 26-26 26H152q-26 0-26-26z`, p.main) +
  block(220, 200, 54, 200, 24, p.shade, 'opacity=".25"') +
  block(134, 160, 132, 42, 8, p.accent) +
  block(154, 280, 92, 62, 4, p.wall) +
  line('M170 302h60M170 322h36', p.shade, 5);

export const cutlery: Motif = (p) =>
  oval(130, 160, 34, 52, p.main) +
  line('M130 210v184', p.main, 15) +
  oval(138, 162, 20, 42, p.shade, 'opacity=".4"') +
  line('M182 112v72q0 22 22 22t22-22v-72M204 112v94', p.accent, 10) +
  line('M204 206v188', p.accent, 15) +
  path('M262 394V112q46 26 40 150h-24v132z', p.shade) +
  line('M118 330h24M192 330h24M260 330h24', p.light, 8);

export const cake: Motif = (p) =>
  path('M150 400q50-26 42-96h16q-8 70 42 96z', p.shade) +
  path('M84 290h232q-8 24-40 24H124q-32 0-40-24z', p.main) +
  block(128, 208, 144, 82, 8, p.light) +
  path(
    'M128 226q0-18 18-18h108q18 0 18 18v18q-18 24-36 0-18 24-36 0-18 24-36 0-18 24-36 0z',
    p.accent,
  ) +
  oval(200, 190, 17, 17, p.main) +
  line('M204 174q4-18 20-22', p.shade, 5);
