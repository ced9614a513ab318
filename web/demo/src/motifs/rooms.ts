/**
 * Things for rooms and gardens.
 *
 * @module
 */

import { block, HALF, line, oval, path, type Motif } from './kit.js';

/** Fire has its own colour in every palette. */
const FLAME = '#e59b3c';

export const vase: Motif = (p, chance) => {
  const belly = 62 + chance() * 26;
  const neck = 24 + chance() * 12;
  const stem = (x: number, y: number, bend: number) =>
    line(`M200 226q${bend} -60 ${x - 200} ${y - 226}`, p.accent, 5) +
    oval(x, y, 15, 24, p.accent, `transform="rotate(${bend} ${x} ${y})"`);
  return (
    stem(140, 104, -24) +
    stem(206, 78, 6) +
    stem(262, 118, 30) +
    path(
      `M${200 - neck} 218c-4 40-${belly - neck} 52-${belly - neck} 104 0 48 24 78 ${belly} 78s${belly}-30 ${belly}-78c0-52-${belly - neck}-64-${belly - neck}-104z`,
      p.main,
    ) +
    path(
      `M206 218h${neck - 6}c4 40 ${belly - neck} 52 ${belly - neck} 104 0 48-24 78-${belly} 78 46-36 40-120 6-182z`,
      p.shade,
      HALF,
    ) +
    oval(200, 218, neck, 6, p.shade)
  );
};

export const candle: Motif = (p, chance) => {
  const h = 96 + chance() * 60;
  const y = 372 - h;
  return (
    oval(200, y - 46, 44, 52, p.light, 'opacity=".35"') +
    path(`M200 ${y - 74}c20 26 22 36 22 48a22 22 0 0 1-44 0c0-12 6-22 22-48z`, FLAME) +
    path(`M200 ${y - 46}c9 12 10 16 10 21a10 10 0 0 1-20 0c0-5 3-10 10-21z`, p.light) +
    line(`M200 ${y - 12}v18`, p.shade, 4) +
    block(160, y, 80, h, 6, p.light) +
    block(204, y, 36, h, 6, p.main, 'opacity=".35"') +
    path('M112 372h176q-4 28-34 28H146q-30 0-34-28z', p.main) +
    path('M216 372h72q-4 28-34 28h-52z', p.shade, HALF)
  );
};

export const lantern: Motif = (p) =>
  line('M164 152q0-54 36-54t36 54', p.shade, 8) +
  path('M138 186l62-46 62 46z', p.main) +
  block(130, 182, 140, 18, 4, p.shade) +
  block(142, 200, 116, 172, 2, p.light, 'opacity=".75"') +
  path('M200 262c16 22 18 30 18 40a18 18 0 0 1-36 0c0-10 4-18 18-40z', FLAME) +
  block(178, 320, 44, 52, 3, p.wall) +
  line('M142 200v172M258 200v172M200 200v34', p.main, 9) +
  block(126, 372, 148, 28, 5, p.main) +
  block(204, 372, 70, 28, 5, p.shade, HALF);

export const lamp: Motif = (p) =>
  path('M86 258l44-138h140l44 138z', p.light) +
  path('M206 120h64l44 138h-96z', p.main, 'opacity=".3"') +
  block(192, 258, 16, 112, 0, p.shade) +
  path('M146 400q0-38 54-38t54 38z', p.main) +
  path('M204 362q50 0 50 38h-40z', p.shade, HALF) +
  line('M238 258v42', p.accent, 3) +
  oval(238, 306, 6, 6, p.accent);

export const clock: Motif = (p, chance) => {
  const hour = chance() * Math.PI * 2;
  const at = (a: number, r: number) =>
    `${(200 + Math.sin(a) * r).toFixed(1)} ${(262 - Math.cos(a) * r).toFixed(1)}`;
  const ticks = Array.from(
    { length: 12 },
    (_, i) => `M${at((i * Math.PI) / 6, 82)}L${at((i * Math.PI) / 6, 92)}`,
  );
  return (
    block(140, 384, 22, 22, 6, p.shade) +
    block(238, 384, 22, 22, 6, p.shade) +
    oval(200, 262, 136, 136, p.main) +
    oval(212, 262, 124, 134, p.shade, 'opacity=".3"') +
    oval(200, 262, 108, 108, p.light) +
    line(ticks.join(''), p.shade, 5) +
    line(`M200 262L${at(hour, 52)}`, p.shade, 9) +
    line(`M200 262L${at(hour * 12, 78)}`, p.accent, 5) +
    oval(200, 262, 8, 8, p.accent)
  );
};

export const frame: Motif = (p, chance) => {
  const hill = 250 + chance() * 50;
  return (
    block(104, 118, 192, 282, 4, p.main) +
    block(282, 118, 14, 282, 3, p.shade) +
    block(122, 138, 152, 244, 1, p.light) +
    block(142, 162, 112, 196, 0, p.wall) +
    oval(222, 210, 18, 18, p.accent) +
    path(`M142 ${hill + 20}q40-70 78-20t34-10v68H142z`, p.main) +
    path(`M142 ${hill + 62}q50-44 112 0v${296 - hill}H142z`, p.shade)
  );
};

export const cushion: Motif = (p, chance) => {
  const stripes = [0, 1, 2, 3]
    .map((i) => line(`M${120 + i * 50} 206q10 90 0 172`, p.light, 12))
    .join('');
  const leaf =
    line('M200 360V226', p.light, 7) +
    path(
      'M200 300q-60-4-66-54 60-2 66 54zM200 268q56-6 60-52-56 0-60 52zM200 340q58-4 66-50-60-2-66 50z',
      p.light,
    );
  return (
    path('M84 200q116-34 232 0 16 92 0 194-116 26-232 0-18-98 0-194z', p.main) +
    (chance() > 0.5 ? stripes : leaf) +
    path('M250 190q34 2 66 10 16 92 0 194-40 10-88 12 60-100 22-216z', p.shade, 'opacity=".45"')
  );
};

export const textile: Motif = (p) =>
  line(
    'M112 390v22M136 392v22M160 392v22M184 392v22M208 392v22M232 392v22M256 392v22M280 392v22',
    p.main,
    5,
  ) +
  [p.main, p.light, p.accent]
    .map((fill, i) => {
      const [x, y, w] = [92 + i * 6, 326 - i * 52, 216 - i * 12];
      const fold = `M${x + w - 26} ${y}q26 0 26 26v22q0 26-26 26`;
      return (
        block(x, y, w, 74, 26, fill) +
        path(`${fold}h-44v-74z`, p.shade, 'opacity=".3"') +
        line(`M${x + 22} ${y + 37}h${w * 0.46}`, p.shade, 3)
      );
    })
    .join('');

export const chair: Motif = (p) =>
  line('M128 400l10-120M272 400l-10-120M164 386l4-100M236 386l-4-100', p.accent, 11) +
  path('M124 116q76-26 152 0l-10 152H134z', p.main) +
  path('M214 104q34 2 62 12l-10 152h-46z', p.shade, 'opacity=".4"') +
  path('M110 268q90-22 180 0l8 32q-98 24-196 0z', p.light) +
  path('M220 260q36 0 70 8l8 32q-44 12-78 12z', p.shade, 'opacity=".3"');

export const cabinet: Motif = (p) =>
  line('M116 400v-20M284 400v-20', p.accent, 13) +
  block(92, 150, 216, 234, 6, p.main) +
  block(236, 150, 72, 234, 6, p.shade, 'opacity=".35"') +
  [166, 240, 314]
    .map(
      (y) =>
        block(108, y, 184, 62, 3, p.light, 'opacity=".28"') + oval(200, y + 31, 10, 10, p.accent),
    )
    .join('');

export const mat: Motif = (p) =>
  path('M66 330l70-108h198l-24 108z', p.main) +
  path('M66 330h244l-4 22H62z', p.shade) +
  path('M106 314l46-74h152l-16 74z', p.light, 'opacity=".8"') +
  path('M196 300c-34-16-30-34-18-40 10-4 18 2 20 8 4-8 14-12 24-8 12 6 8 26-26 40z', p.accent);

export const hook: Motif = (p) =>
  block(84, 168, 232, 58, 8, p.main) +
  block(230, 168, 86, 58, 8, p.shade, 'opacity=".35"') +
  [128, 200, 272]
    .map(
      (x) => oval(x, 196, 15, 15, p.light) + line(`M${x} 196v64q0 26-22 26t-20-22`, p.accent, 11),
    )
    .join('') +
  path('M228 282h68l22 118H206z', p.light) +
  path('M262 282h34l22 118h-44z', p.shade, 'opacity=".25"');

export const basketry: Motif = (p) =>
  line('M120 262q0-132 80-132t80 132', p.accent, 13) +
  path('M88 256h224l-24 130q-3 14-18 14H130q-15 0-18-14z', p.main) +
  [0, 1, 2]
    .map((row) => line(`M${96 + row * 7} ${288 + row * 36}h${208 - row * 14}`, p.shade, 8))
    .join('') +
  line('M138 262l10 132M180 262l4 136M220 262l-4 136M262 262l-10 132', p.light, 6) +
  block(80, 244, 240, 24, 10, p.shade);

export const plant: Motif = (p) =>
  path(
    'M200 290c-90-10-116-88-104-138 66 8 112 62 104 138zM200 290c88-16 112-84 96-140-66 14-108 70-96 140z',
    p.accent,
  ) +
  path('M200 290c-40-60-30-140 2-190 40 54 36 134-2 190z', p.main) +
  line('M200 292V130M192 270q-40-60-78-100M208 270q36-60 72-102', p.light, 3) +
  path('M136 288h128l-16 98q-3 14-16 14h-64q-13 0-16-14z', p.light) +
  path('M218 288h46l-16 98q-3 14-16 14h-36z', p.shade, 'opacity=".35"') +
  block(126, 276, 148, 26, 6, p.shade);

export const flower: Motif = (p, chance) => {
  const head = (x: number, y: number, r: number, fill: string) =>
    Array.from({ length: 8 }, (_, i) =>
      oval(x, y - r, r * 0.42, r * 0.78, fill, `transform="rotate(${i * 45} ${x} ${y})"`),
    ).join('') + oval(x, y, r * 0.42, r * 0.42, p.light);
  return (
    line('M200 320V150M200 320q-40-70-66-104M200 320q40-60 72-90', p.accent, 6) +
    path('M198 290q-50 0-58-46 52 0 58 46zM204 270q46-4 50-46-48 4-50 46z', p.accent) +
    head(200, 140, 44, p.main) +
    head(128, 204, 32 + chance() * 6, p.shade) +
    head(276, 216, 34, p.main) +
    path('M150 312h100l-14 76q-3 12-14 12h-44q-11 0-14-12z', p.light) +
    path('M214 312h36l-14 76q-3 12-14 12h-24z', p.shade, 'opacity=".3"')
  );
};
