/**
 * Things that a shop sells, drawn flat on a table: 400 wide, 500 high, standing on y = 400.
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

type Motif = (p: Palette, chance: Chance) => string;

const path = (d: string, fill: string, more = '') => `<path d="${d}" fill="${fill}" ${more}/>`;
const line = (d: string, stroke: string, width: number) =>
  `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
const oval = (x: number, y: number, rx: number, ry: number, fill: string, more = '') =>
  `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="${fill}" ${more}/>`;
const block = (x: number, y: number, w: number, h: number, r: number, fill: string, more = '') =>
  `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="${r}" fill="${fill}" ${more}/>`;
/** The shaded right side of whatever `inner` is cut from. */
const HALF = 'opacity=".55"';

const mug: Motif = (p, chance) => {
  const h = 130 + chance() * 40;
  const y = 400 - h;
  const band = chance() > 0.5 ? block(120, y + h * 0.42, 140, h * 0.2, 0, p.light, 'opacity=".8"') : '';
  return (
    line(`M258 ${y + 36}c62-10 66 78 0 74`, p.shade, 18) +
    path(`M120 ${y}h140v${h - 26}q0 26-26 26h-88q-26 0-26-26z`, p.main) +
    band +
    path(`M206 ${y}h54v${h - 26}q0 26-26 26h-44q16-40 16-${Math.round(h / 2)}z`, p.shade, HALF) +
    oval(190, y, 70, 13, p.shade) +
    oval(190, y + 3, 58, 8, p.accent)
  );
};

const teapot: Motif = (p) =>
  line('M120 330c-54-6-52-70-78-82', p.main, 22) +
  line('M282 286c70-22 76 76 4 78', p.shade, 16) +
  path('M112 312c0-66 40-92 90-92s92 26 92 92c0 52-26 88-92 88s-90-36-90-88z', p.main) +
  path('M214 221c44 6 80 34 80 91 0 52-26 88-92 88 40-30 50-110 12-179z', p.shade, HALF) +
  path('M150 228q52-38 104 0-52 20-104 0z', p.accent) +
  oval(202, 202, 13, 13, p.accent);

const bottle: Motif = (p, chance) => {
  const w = 44 + chance() * 22;
  return (
    path(`M${200 - w} 400q-10 0-10-12v-118q0-54 ${w - 8}-78v-58h36v58q${w - 8} 24 ${w - 8} 78v118q0 12-10 12z`, p.main) +
    path(`M204 134h14v58q${w - 8} 24 ${w - 8} 78v118q0 12-10 12h-26q26-60 22-266z`, p.shade, HALF) +
    block(179, 112, 42, 28, 5, p.accent) +
    block(200 - w + 2, 292, w * 2 - 4, 66, 3, p.light, 'opacity=".9"') +
    line(`M${200 - w + 18} 316h${w * 2 - 36}M${200 - w + 18} 334h${w - 10}`, p.accent, 5)
  );
};

const vase: Motif = (p, chance) => {
  const belly = 62 + chance() * 26;
  const neck = 24 + chance() * 12;
  const stem = (x: number, y: number, bend: number) =>
    line(`M200 226q${bend} -60 ${x - 200} ${y - 226}`, p.accent, 5) +
    oval(x, y, 15, 24, p.accent, `transform="rotate(${bend} ${x} ${y})"`);
  return (
    stem(140, 104, -24) + stem(206, 78, 6) + stem(262, 118, 30) +
    path(`M${200 - neck} 218c-4 40-${belly - neck} 52-${belly - neck} 104 0 48 24 78 ${belly} 78s${belly}-30 ${belly}-78c0-52-${belly - neck}-64-${belly - neck}-104z`, p.main) +
    path(`M206 218h${neck - 6}c4 40 ${belly - neck} 52 ${belly - neck} 104 0 48-24 78-${belly} 78 46-36 40-120 6-182z`, p.shade, HALF) +
    oval(200, 218, neck, 6, p.shade)
  );
};

const bowl: Motif = (p, chance) => {
  const y = 288 - chance() * 14;
  return (
    path(`M92 ${y}h216c0 66-44 112-108 112S92 ${y + 66} 92 ${y}z`, p.main) +
    path(`M222 ${y}h86c0 66-44 112-108 112 30-30 26-70 22-112z`, p.shade, HALF) +
    oval(200, y, 108, 20, p.shade) + oval(200, y + 3, 94, 14, p.light) +
    block(164, 394, 72, 12, 4, p.shade)
  );
};

const plate: Motif = (p) =>
  block(86, 372, 228, 30, 6, p.accent) +
  oval(200, 258, 124, 124, p.main) + oval(208, 258, 116, 122, p.shade, 'opacity=".35"') +
  oval(200, 258, 116, 116, p.main) + oval(200, 258, 82, 82, p.light) +
  line('M200 196v124M138 258h124M156 214l88 88M244 214l-88 88', p.main, 4) +
  oval(200, 258, 18, 18, p.accent);

const candle: Motif = (p, chance) => {
  const h = 96 + chance() * 60;
  const y = 372 - h;
  return (
    oval(200, y - 46, 44, 52, p.light, 'opacity=".35"') +
    path(`M200 ${y - 74}c20 26 22 36 22 48a22 22 0 0 1-44 0c0-12 6-22 22-48z`, p.accent) +
    path(`M200 ${y - 46}c9 12 10 16 10 21a10 10 0 0 1-20 0c0-5 3-10 10-21z`, p.light) +
    line(`M200 ${y - 12}v18`, p.shade, 4) +
    block(160, y, 80, h, 6, p.light) + block(204, y, 36, h, 6, p.main, 'opacity=".35"') +
    path('M112 372h176q-4 28-34 28H146q-30 0-34-28z', p.main) +
    path('M216 372h72q-4 28-34 28h-52z', p.shade, HALF)
  );
};

const lantern: Motif = (p) =>
  line('M164 152q0-54 36-54t36 54', p.shade, 8) +
  path('M138 186l62-46 62 46z', p.main) + block(130, 182, 140, 18, 4, p.shade) +
  block(142, 200, 116, 172, 2, p.light, 'opacity=".75"') +
  path('M200 262c16 22 18 30 18 40a18 18 0 0 1-36 0c0-10 4-18 18-40z', p.accent) +
  block(178, 320, 44, 52, 3, p.wall) +
  line('M142 200v172M258 200v172M200 200v34', p.main, 9) +
  block(126, 372, 148, 28, 5, p.main) + block(204, 372, 70, 28, 5, p.shade, HALF);

const lamp: Motif = (p) =>
  path('M86 258l44-138h140l44 138z', p.light) + path('M206 120h64l44 138h-96z', p.main, 'opacity=".3"') +
  block(192, 258, 16, 112, 0, p.shade) +
  path('M146 400q0-38 54-38t54 38z', p.main) + path('M204 362q50 0 50 38h-40z', p.shade, HALF) +
  line('M238 258v42', p.accent, 3) + oval(238, 306, 6, 6, p.accent);

const clock: Motif = (p, chance) => {
  const hour = chance() * Math.PI * 2;
  const at = (a: number, r: number) => `${(200 + Math.sin(a) * r).toFixed(1)} ${(262 - Math.cos(a) * r).toFixed(1)}`;
  const ticks = Array.from({ length: 12 }, (_, i) => `M${at((i * Math.PI) / 6, 82)}L${at((i * Math.PI) / 6, 92)}`);
  return (
    block(140, 384, 22, 22, 6, p.shade) + block(238, 384, 22, 22, 6, p.shade) +
    oval(200, 262, 136, 136, p.main) + oval(212, 262, 124, 134, p.shade, 'opacity=".3"') +
    oval(200, 262, 108, 108, p.light) + line(ticks.join(''), p.shade, 5) +
    line(`M200 262L${at(hour, 52)}`, p.shade, 9) + line(`M200 262L${at(hour * 12, 78)}`, p.accent, 5) +
    oval(200, 262, 8, 8, p.accent)
  );
};

const frame: Motif = (p, chance) => {
  const hill = 250 + chance() * 50;
  return (
    block(104, 118, 192, 282, 4, p.main) + block(282, 118, 14, 282, 3, p.shade) +
    block(122, 138, 152, 244, 1, p.light) + block(142, 162, 112, 196, 0, p.wall) +
    oval(222, 210, 18, 18, p.accent) +
    path(`M142 ${hill + 20}q40-70 78-20t34-10v68H142z`, p.main) +
    path(`M142 ${hill + 62}q50-44 112 0v${296 - hill}H142z`, p.shade)
  );
};

const heart: Motif = (p) =>
  line('M200 92v66', p.accent, 6) + line('M200 92q-22-34-36-8t36 8q22-34 36-8t-36 8', p.accent, 6) +
  path('M200 366C90 290 84 218 110 184c28-36 72-24 90 12 18-36 62-48 90-12 26 34 20 106-90 182z', p.main) +
  path('M200 366c110-76 116-148 90-182-16-20-38-26-56-20 60 40 30 140-34 202z', p.shade, HALF) +
  line('M130 208q14-24 38-16', p.light, 7);

const star: Motif = (p) =>
  line('M200 84v50', p.accent, 6) +
  path('M200 130l40 84 92 12-68 64 18 92-82-46-82 46 18-92-68-64 92-12z', p.main) +
  path('M200 130l40 84 92 12-68 64 18 92-82-46z', p.shade, 'opacity=".45"') +
  path('M200 130l40 84-40 54zM332 226l-68 64-64-22zM282 382l-82-46v-68z', p.shade, 'opacity=".35"');

const bag: Motif = (p, chance) => {
  const dots = Array.from({ length: 12 }, (_, i) => oval(126 + (i % 4) * 48 + (i % 8 > 3 ? 16 : 0), 262 + Math.floor(i / 4) * 44, 9, 9, p.light, 'opacity=".85"'));
  const bands = block(104, 290, 192, 26, 0, p.light, 'opacity=".85"') + block(101, 334, 198, 12, 0, p.accent);
  return (
    line('M150 220q0-110 50-110t50 110', p.shade, 13) +
    path('M110 212h180l18 176q0 12-12 12H104q-12 0-12-12z', p.main) +
    (chance() > 0.5 ? dots.join('') : bands) +
    path('M236 212h54l18 176q0 12-12 12h-48q10-90-12-188z', p.shade, 'opacity=".45"')
  );
};

const box: Motif = (p, chance) =>
  block(96, 238, 208, 162, 4, p.main) + block(222, 238, 82, 162, 4, p.shade, 'opacity=".4"') +
  block(86, 202, 228, 46, 5, p.accent) +
  block(182, 202, 36, 198, 0, p.light) +
  (chance() > 0.4
    ? path('M200 202c-14-54-74-66-78-34-2 24 44 34 78 34zM200 202c14-54 74-66 78-34 2 24-44 34-78 34z', p.light) + oval(200, 200, 15, 13, p.main)
    : line('M150 270v100M250 270v100', p.light, 6));

const cushion: Motif = (p, chance) => {
  const stripes = [0, 1, 2, 3].map((i) => line(`M${120 + i * 50} 206q10 90 0 172`, p.light, 12)).join('');
  const leaf = line('M200 360V226', p.light, 7) + path('M200 300q-60-4-66-54 60-2 66 54zM200 268q56-6 60-52-56 0-60 52zM200 340q58-4 66-50-60-2-66 50z', p.light);
  return (
    path('M84 200q116-34 232 0 16 92 0 194-116 26-232 0-18-98 0-194z', p.main) +
    (chance() > 0.5 ? stripes : leaf) +
    path('M250 190q34 2 66 10 16 92 0 194-40 10-88 12 60-100 22-216z', p.shade, 'opacity=".45"')
  );
};

const textile: Motif = (p) =>
  [0, 1, 2].map((i) => {
    const y = 352 - i * 52;
    const fill = [p.main, p.light, p.accent][i] ?? p.main;
    return path(`M${92 + i * 6} ${y}q0-26 26-26h${164 - i * 12}q26 0 26 26v22q0 26-26 26H${118 + i * 6}q-26 0-26-26z`, fill) +
      path(`M${242 - i * 4} ${y - 26}h40q26 0 26 26v22q0 26-26 26h-40z`, p.shade, 'opacity=".35"');
  }).join('') + line('M112 390v22M136 392v22M160 392v22M184 392v22M208 392v22M232 392v22M256 392v22M280 392v22', p.main, 5);

const book: Motif = (p) =>
  path('M96 352h212v36q0 12-12 12H108q-12 0-12-12z', p.shade) + block(110, 358, 190, 30, 2, p.light) +
  path('M150 124l150-14q10 0 11 10l19 216q0 10-10 11l-150 13q-12 0-13-11l-18-214q0-10 11-11z', p.main) +
  path('M150 124l14-1 22 236-16 1q-12 0-13-11l-18-214q0-10 11-11z', p.shade) +
  path('M196 176l84-8 4 44-84 8z', p.light) + line('M214 204l52-5', p.accent, 5) + line('M204 270l86-8M206 292l60-6', p.accent, 5);

const card: Motif = (p, chance) =>
  `<g transform="rotate(${-9 + chance() * 4} 180 300)">${block(92, 170, 168, 220, 3, p.light)}${path('M92 170l84 70 84-70z', p.shade, 'opacity=".25"')}</g>` +
  `<g transform="rotate(${5 + chance() * 5} 230 300)">${block(150, 152, 170, 232, 3, p.main)}${oval(235, 246, 48, 48, p.light)}${path('M235 282c-38-28-36-48-28-58 10-12 24-6 28 6 4-12 18-18 28-6 8 10 10 30-28 58z', p.accent)}${line('M190 334h90', p.light, 6)}</g>`;

const flower: Motif = (p, chance) => {
  const head = (x: number, y: number, r: number, fill: string) =>
    Array.from({ length: 8 }, (_, i) => oval(x, y - r, r * 0.42, r * 0.78, fill, `transform="rotate(${i * 45} ${x} ${y})"`)).join('') + oval(x, y, r * 0.42, r * 0.42, p.light);
  return (
    line('M200 320V150M200 320q-40-70-66-104M200 320q40-60 72-90', p.accent, 6) +
    path('M198 290q-50 0-58-46 52 0 58 46zM204 270q46-4 50-46-48 4-50 46z', p.accent) +
    head(200, 140, 44, p.main) + head(128, 204, 32 + chance() * 6, p.shade) + head(276, 216, 34, p.main) +
    path('M150 312h100l-14 76q-3 12-14 12h-44q-11 0-14-12z', p.light) + path('M214 312h36l-14 76q-3 12-14 12h-24z', p.shade, 'opacity=".3"')
  );
};

const plant: Motif = (p) =>
  path('M200 290c-90-10-116-88-104-138 66 8 112 62 104 138zM200 290c88-16 112-84 96-140-66 14-108 70-96 140z', p.accent) +
  path('M200 290c-40-60-30-140 2-190 40 54 36 134-2 190z', p.main) + line('M200 292V130M192 270q-40-60-78-100M208 270q36-60 72-102', p.light, 3) +
  path('M136 288h128l-16 98q-3 14-16 14h-64q-13 0-16-14z', p.light) + path('M218 288h46l-16 98q-3 14-16 14h-36z', p.shade, 'opacity=".35"') +
  block(126, 276, 148, 26, 6, p.shade);

const tree: Motif = (p) =>
  block(186, 350, 28, 50, 2, p.shade) +
  path('M200 110l92 130h-40l60 76h-46l36 46H98l36-46H88l60-76h-40z', p.main) +
  path('M200 110l92 130h-40l60 76h-46l36 46H200z', p.shade, 'opacity=".45"') +
  [[168, 214], [226, 246], [150, 298], [206, 324], [254, 336], [196, 172]].map(([x, y]) => oval(x ?? 0, y ?? 0, 9, 9, p.accent)).join('') +
  path('M200 78l9 19 21 3-15 14 4 21-19-10-19 10 4-21-15-14 21-3z', p.light);

const bird: Motif = (p) =>
  line('M186 372v28M214 372v28', p.accent, 7) +
  path('M92 262c0-74 52-116 108-116 40 0 64 22 74 52l44 18-42 16c2 82-44 146-112 146-50 0-72-46-72-116z', p.main) +
  path('M206 200c66 60 40 150-42 178 68 0 114-64 112-146l42-16-44-18c-8-24-26-44-52-50 6 20 0 36-16 52z', p.shade, 'opacity=".4"') +
  path('M116 270c30-40 86-34 106 10-30 50-90 46-106-10z', p.light, 'opacity=".85"') +
  oval(240, 196, 7, 7, p.wall) + path('M290 206l40 10-40 14z', p.accent);

const toy: Motif = (p) =>
  oval(128, 176, 34, 34, p.main) + oval(272, 176, 34, 34, p.shade) + oval(128, 178, 17, 17, p.light) + oval(272, 178, 17, 17, p.light) +
  oval(200, 214, 92, 80, p.main) + path('M232 140c74 20 80 134-32 154 50-40 60-110 32-154z', p.shade, 'opacity=".35"') +
  path('M126 396c-16-72 12-116 74-116s90 44 74 116q-74 12-148 0z', p.main) + oval(200, 352, 42, 44, p.light) +
  oval(170, 206, 8, 9, p.wall) + oval(230, 206, 8, 9, p.wall) + oval(200, 238, 30, 22, p.light) + oval(200, 230, 11, 8, p.accent);

const chair: Motif = (p) =>
  line('M128 400l10-120M272 400l-10-120M164 386l4-100M236 386l-4-100', p.accent, 11) +
  path('M124 116q76-26 152 0l-10 152H134z', p.main) + path('M214 104q34 2 62 12l-10 152h-46z', p.shade, 'opacity=".4"') +
  path('M110 268q90-22 180 0l8 32q-98 24-196 0z', p.light) + path('M220 260q36 0 70 8l8 32q-44 12-78 12z', p.shade, 'opacity=".3"');

const cabinet: Motif = (p) =>
  line('M116 400v-20M284 400v-20', p.accent, 13) + block(92, 150, 216, 234, 6, p.main) + block(236, 150, 72, 234, 6, p.shade, 'opacity=".35"') +
  [166, 240, 314].map((y) => block(108, y, 184, 62, 3, p.light, 'opacity=".28"') + oval(200, y + 31, 10, 10, p.accent)).join('');

const umbrella: Motif = (p) =>
  line('M200 140v214q0 40 34 40t30-34', p.accent, 10) +
  path('M64 270c4-92 66-146 136-146s132 54 136 146q-34-34-68 0-34-34-68 0-34-34-68 0-34-34-68 0z', p.main) +
  path('M200 124c70 0 132 54 136 146q-34-34-68 0c-4-70-30-120-68-146z', p.shade, 'opacity=".45"') +
  path('M132 270c4-70 30-120 68-146 38 26 64 76 68 146q-34-34-68 0-34-34-68 0z', p.light, 'opacity=".35"') + line('M200 124v-24', p.accent, 8);

const basketry: Motif = (p) =>
  line('M120 262q0-132 80-132t80 132', p.accent, 13) +
  path('M88 256h224l-24 130q-3 14-18 14H130q-15 0-18-14z', p.main) +
  [0, 1, 2].map((row) => line(`M${96 + row * 7} ${288 + row * 36}h${208 - row * 14}`, p.shade, 8)).join('') +
  line('M138 262l10 132M180 262l4 136M220 262l-4 136M262 262l-10 132', p.light, 6) + block(80, 244, 240, 24, 10, p.shade);

const jar: Motif = (p, chance) =>
  block(126, 196, 148, 204, 26, p.light, 'opacity=".8"') +
  path(`M126 ${286 - chance() * 40}h148V374q0 26-26 26H152q-26 0-26-26z`, p.main) + block(220, 200, 54, 200, 24, p.shade, 'opacity=".25"') +
  block(134, 160, 132, 42, 8, p.accent) + block(154, 280, 92, 62, 4, p.wall) + line('M170 302h60M170 322h36', p.shade, 5);

const jewel: Motif = (p) =>
  path('M104 400l34-220q62-26 124 0l34 220z', p.light) + path('M214 162q26 4 48 18l34 220h-70z', p.shade, 'opacity=".25"') +
  line('M146 190q54 130 108 0', p.accent, 6) +
  [[158, 216], [172, 238], [228, 238], [242, 216]].map(([x, y]) => oval(x ?? 0, y ?? 0, 9, 9, p.main)).join('') +
  path('M200 254l22 26-22 34-22-34z', p.main) + path('M200 254l22 26-22 34z', p.shade, HALF);

const garment: Motif = (p) =>
  line('M200 136q-2-26 18-28t14-22-30-8', p.accent, 6) +
  path('M150 140q50 34 100 0l74 44-28 62-34-16 8 170H130l8-170-34 16-28-62z', p.main) +
  path('M222 152q16-4 28-12l74 44-28 62-34-16 8 170h-56q30-120 8-248z', p.shade, 'opacity=".4"') + line('M154 144q46 36 92 0', p.light, 8);

const shoe: Motif = (p) =>
  path('M80 346V232q44-14 66 12l28 32q40 30 112 34 50 4 50 46v24H80z', p.main) + path('M174 276q40 30 112 34 50 4 50 46v24H180q30-50-6-104z', p.shade, 'opacity=".35"') +
  block(74, 372, 268, 30, 12, p.light) + line('M148 256l28-16M166 280l28-18M190 298l24-22', p.light, 8);

const phone: Motif = (p) =>
  path('M112 386h176q6 14-12 14H124q-18 0-12-14z', p.accent) +
  block(132, 110, 136, 276, 20, p.shade) + block(142, 122, 116, 252, 12, p.light) +
  path('M142 300q58-60 116 0v62q0 12-12 12h-92q-12 0-12-12z', p.main) + oval(226, 186, 20, 20, p.accent) + block(184, 130, 32, 7, 3, p.shade);

const audio: Motif = (p) =>
  line('M104 300V256q0-112 96-112t96 112v44', p.shade, 17) +
  block(78, 270, 62, 122, 26, p.main) + block(260, 270, 62, 122, 26, p.main) + block(118, 284, 26, 94, 10, p.light) + block(256, 284, 26, 94, 10, p.light) +
  block(294, 270, 28, 122, 14, p.shade, 'opacity=".5"');

const cutlery: Motif = (p) =>
  oval(130, 160, 34, 52, p.main) + line('M130 210v184', p.main, 15) + oval(138, 162, 20, 42, p.shade, 'opacity=".4"') +
  line('M182 112v72q0 22 22 22t22-22v-72M204 112v94', p.accent, 10) + line('M204 206v188', p.accent, 15) +
  path('M262 394V112q46 26 40 150h-24v132z', p.shade) + line('M118 330h24M192 330h24M260 330h24', p.light, 8);

const cake: Motif = (p) =>
  path('M150 400q50-26 42-96h16q-8 70 42 96z', p.shade) + path('M84 290h232q-8 24-40 24H124q-32 0-40-24z', p.main) +
  block(128, 208, 144, 82, 8, p.light) + path('M128 226q0-18 18-18h108q18 0 18 18v18q-18 24-36 0-18 24-36 0-18 24-36 0-18 24-36 0z', p.accent) +
  oval(200, 190, 17, 17, p.main) + line('M204 174q4-18 20-22', p.shade, 5);

const hook: Motif = (p) =>
  block(84, 168, 232, 58, 8, p.main) + block(230, 168, 86, 58, 8, p.shade, 'opacity=".35"') +
  [128, 200, 272].map((x) => oval(x, 196, 15, 15, p.light) + line(`M${x} 196v64q0 26-22 26t-20-22`, p.accent, 11)).join('') +
  line('M200 286q0 60-26 96', p.shade, 8) + path('M146 372h58l8 28h-74z', p.light);

const mat: Motif = (p) =>
  path('M66 330l70-108h198l-24 108z', p.main) + path('M66 330h244l-4 22H62z', p.shade) +
  path('M106 314l46-74h152l-16 74z', p.light, 'opacity=".8"') + path('M196 300c-34-16-30-34-18-40 10-4 18 2 20 8 4-8 14-12 24-8 12 6 8 26-26 40z', p.accent);

const soap: Motif = (p) =>
  oval(270, 150, 30, 30, p.light, 'opacity=".6"') + oval(228, 106, 18, 18, p.light, 'opacity=".6"') + oval(306, 108, 12, 12, p.light, 'opacity=".6"') +
  path('M92 280q0-70 84-70h60q76 0 76 66t-84 68h-62q-74 0-74-64z', p.main) + path('M214 210h22q76 0 76 66t-84 68h-30q60-60 16-134z', p.shade, 'opacity=".35"') +
  line('M150 282h104', p.light, 9) + path('M70 352h260q-6 48-64 48H134q-58 0-64-48z', p.accent);

const pencils: Motif = (p) =>
  [[150, -10, p.main], [182, -3, p.accent], [216, 4, p.shade], [248, 11, p.light]].map(([x, turn, fill]) =>
    `<g transform="rotate(${turn} ${x} 300)">${block(Number(x) - 12, 168, 24, 180, 0, String(fill))}${path(`M${Number(x) - 12} 168l12-44 12 44z`, p.wall)}${path(`M${Number(x) - 5} 142l5-18 5 18z`, String(fill))}</g>`).join('') +
  path('M120 270h160l-12 116q-2 14-16 14H148q-14 0-16-14z', p.main) + path('M214 270h66l-12 116q-2 14-16 14h-32q12-70-6-130z', p.shade, HALF) + block(124, 304, 152, 24, 0, p.light, 'opacity=".8"');

const tower: Motif = (p, chance) => {
  const parts: string[] = [];
  const fills = [p.main, p.light, p.accent, p.shade];
  let y = 400;
  for (let i = 0; i < 3; i += 1) {
    const h = 62 + chance() * 34;
    const w = 92 - i * 18 + chance() * 26;
    const fill = fills[Math.floor(chance() * 4)] ?? p.main;
    const round = chance();
    parts.push(
      round > 0.5
        ? block(200 - w, y - h, w * 2, h, Math.min(h / 2, 40), fill) + block(210, y - h, w - 10, h, Math.min(h / 2, 40), p.shade, 'opacity=".3"')
        : path(`M${200 - w} ${y}q0-${h} ${w}-${h}t${w} ${h}z`, fill) + path(`M206 ${y - h}q${w - 6} 6 ${w - 6} ${h}h-40z`, p.shade, 'opacity=".3"'),
    );
    y -= h;
  }
  return parts.join('') + oval(200, y - 20, 20, 20, p.accent);
};

/** Words of a title, and what is drawn for them; the first that fits. */
const WORDS: [RegExp, Motif][] = [
  [/\btea ?pot|kettle|coffee pot/, teapot],
  [/cake|cup ?cake|muffin|baking|bun\b|jelly|pudding|biscuit/, cake],
  [/lantern/, lantern],
  [/candle|t-?light|votive|incense|scent/, candle],
  [/lamp|\blights?\b|bulb|chandelier/, lamp],
  [/umbrella|parasol/, umbrella],
  [/\bbags?\b|tote|shopper|rucksack|backpack|purse|satchel|holdall/, bag],
  [/basket|hamper|trug|crate/, basketry],
  [/\bmugs?\b|\bcups?\b|saucer|beaker|tankard|espresso/, mug],
  [/bottle|decanter|flask|carafe|lotion|serum|shampoo|oil\b|wine|perfume/, bottle],
  [/cutlery|spoon|fork|knife|ladle|spatula|utensil|whisk|chopstick/, cutlery],
  [/\bplates?\b|platter|tray|coaster|charger/, plate],
  [/bowl|\bdish|casserole|\bpan\b|colander|sieve|wok/, bowl],
  [/\bjars?\b|canister|storage|\bpots?\b|spice|honey|jam\b/, jar],
  [/plant|cactus|succulent|herb|fern|garden|seed/, plant],
  [/vase|jug|pitcher|urn|ceramic/, vase],
  [/flower|rose|daisy|tulip|bouquet|garland|wreath|posy|peony|floral/, flower],
  [/christmas|\btree\b|bauble|advent|\bxmas\b/, tree],
  [/clock|watch|timer/, clock],
  [/frame|mirror|picture|canvas|poster|print\b|painting|chalk ?board|blackboard|sign\b|plaque/, frame],
  [/chair|stool|bench|seat|sofa/, chair],
  [/cabinet|drawer|shelf|shelves|cupboard|desk|table|wardrobe|chest/, cabinet],
  [/cushion|pillow|bean ?bag/, cushion],
  [/blanket|towel|throw|scarf|shawl|linen|quilt|cloth|napkin|apron|tea ?towel|bedding|wool|sock/, textile],
  [/door ?mat|\brug\b|carpet|\bmat\b/, mat],
  [/notebook|\bbooks?\b|diary|journal|planner|album|sketch/, book],
  [/\bcards?\b|envelope|postcard|invitation|wrap|paper|ribbon|sticker|stationery|tissue/, card],
  [/pencil|\bpens?\b|crayon|marker|eraser|chalk\b|brush/, pencils],
  [/hook|hanger|rack|peg|holder|handle|knob/, hook],
  [/soap|bath|sponge|wash|cream\b|balm/, soap],
  [/necklace|ring\b|earring|bracelet|brooch|bangle|jewel|pendant|charm/, jewel],
  [/shirt|jumper|dress|jacket|coat|sweater|cardigan|hoodie|\btop\b|vest|blouse|trouser|jeans/, garment],
  [/shoe|boot|sneaker|trainer|slipper|sandal|wellies/, shoe],
  [/phone|tablet|charger|case\b|cable|screen|laptop|camera/, phone],
  [/headphone|speaker|radio|audio|earbud|microphone/, audio],
  [/bird|owl|duck|hen\b|chicken|robin|dove|parrot|penguin/, bird],
  [/toy|teddy|bear\b|rabbit|bunny|doll|game|puzzle|dinosaur|cat\b|dog\b|elephant|soldier|spaceboy|kids|child/, toy],
  [/heart|love|valentine/, heart],
  [/star\b|stars\b|moon/, star],
  [/\bbox|tin\b|tins\b|gift|trinket|set\b|pack\b|kit\b|sewing/, box],
];

const ANY: Motif[] = [vase, bowl, tower, jar, tower, box, cushion, tower];

/** The drawing for a title: what its words name, or a still life. */
export function motifFor(title: string, p: Palette, chance: Chance): string {
  const text = title.toLowerCase();
  const named = WORDS.find(([words]) => words.test(text))?.[1];
  const motif = named ?? ANY[Math.floor(chance() * ANY.length)] ?? vase;
  return motif(p, chance);
}
