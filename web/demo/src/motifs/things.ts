/**
 * Things to give, to wear, to play with.
 *
 * @module
 */

import { block, HALF, line, oval, path, type Motif } from './kit.js';

export const heart: Motif = (p) =>
  line('M200 92v66', p.accent, 6) +
  line('M200 92q-22-34-36-8t36 8q22-34 36-8t-36 8', p.accent, 6) +
  path(
    'M200 366C90 290 84 218 110 184c28-36 72-24 90 12 18-36 62-48 90-12 26 34 20 106-90 182z',
    p.main,
  ) +
  path('M200 366c110-76 116-148 90-182-16-20-38-26-56-20 60 40 30 140-34 202z', p.shade, HALF) +
  line('M130 208q14-24 38-16', p.light, 7);

export const star: Motif = (p) =>
  line('M200 84v50', p.accent, 6) +
  path('M200 130l40 84 92 12-68 64 18 92-82-46-82 46 18-92-68-64 92-12z', p.main) +
  path('M200 130l40 84 92 12-68 64 18 92-82-46z', p.shade, 'opacity=".45"') +
  path('M200 130l40 84-40 54zM332 226l-68 64-64-22zM282 382l-82-46v-68z', p.shade, 'opacity=".35"');

export const bag: Motif = (p, chance) => {
  const dots = Array.from({ length: 12 }, (_, i) =>
    oval(
      126 + (i % 4) * 48 + (i % 8 > 3 ? 16 : 0),
      262 + Math.floor(i / 4) * 44,
      9,
      9,
      p.light,
      'opacity=".85"',
    ),
  );
  const bands =
    block(104, 290, 192, 26, 0, p.light, 'opacity=".85"') + block(101, 334, 198, 12, 0, p.accent);
  return (
    line('M150 220q0-110 50-110t50 110', p.shade, 13) +
    path('M110 212h180l18 176q0 12-12 12H104q-12 0-12-12z', p.main) +
    (chance() > 0.5 ? dots.join('') : bands) +
    path('M236 212h54l18 176q0 12-12 12h-48q10-90-12-188z', p.shade, 'opacity=".45"')
  );
};

export const box: Motif = (p, chance) =>
  block(96, 238, 208, 162, 4, p.main) +
  block(222, 238, 82, 162, 4, p.shade, 'opacity=".4"') +
  block(86, 202, 228, 46, 5, p.accent) +
  block(182, 202, 36, 198, 0, p.light) +
  (chance() > 0.4
    ? path(
        'M200 202c-14-54-74-66-78-34-2 24 44 34 78 34zM200 202c14-54 74-66 78-34 2 24-44 34-78 34z',
        p.light,
      ) + oval(200, 200, 15, 13, p.main)
    : line('M150 270v100M250 270v100', p.light, 6));

export const book: Motif = (p) =>
  path('M96 352h212v36q0 12-12 12H108q-12 0-12-12z', p.shade) +
  block(110, 358, 190, 30, 2, p.light) +
  path(
    'M150 124l150-14q10 0 11 10l19 216q0 10-10 11l-150 13q-12 0-13-11l-18-214q0-10 11-11z',
    p.main,
  ) +
  path('M150 124l14-1 22 236-16 1q-12 0-13-11l-18-214q0-10 11-11z', p.shade) +
  path('M196 176l84-8 4 44-84 8z', p.light) +
  line('M214 204l52-5', p.accent, 5) +
  line('M204 270l86-8M206 292l60-6', p.accent, 5);

export const card: Motif = (p, chance) =>
  `<g transform="rotate(${-9 + chance() * 4} 180 300)">${block(92, 170, 168, 220, 3, p.light)}${path('M92 170l84 70 84-70z', p.shade, 'opacity=".25"')}</g>` +
  `<g transform="rotate(${5 + chance() * 5} 230 300)">${block(150, 152, 170, 232, 3, p.main)}${oval(235, 246, 48, 48, p.light)}${path('M235 282c-38-28-36-48-28-58 10-12 24-6 28 6 4-12 18-18 28-6 8 10 10 30-28 58z', p.accent)}${line('M190 334h90', p.light, 6)}</g>`;

export const tree: Motif = (p) =>
  block(186, 350, 28, 50, 2, p.shade) +
  path('M200 110l92 130h-40l60 76h-46l36 46H98l36-46H88l60-76h-40z', p.main) +
  path('M200 110l92 130h-40l60 76h-46l36 46H200z', p.shade, 'opacity=".45"') +
  [
    [168, 214],
    [226, 246],
    [150, 298],
    [206, 324],
    [254, 336],
    [196, 172],
  ]
    .map(([x, y]) => oval(x ?? 0, y ?? 0, 9, 9, p.accent))
    .join('') +
  path('M200 78l9 19 21 3-15 14 4 21-19-10-19 10 4-21-15-14 21-3z', p.light);

export const bird: Motif = (p) =>
  line('M186 372v28M214 372v28', p.accent, 7) +
  path(
    'M92 262c0-74 52-116 108-116 40 0 64 22 74 52l44 18-42 16c2 82-44 146-112 146-50 0-72-46-72-116z',
    p.main,
  ) +
  path(
    'M206 200c66 60 40 150-42 178 68 0 114-64 112-146l42-16-44-18c-8-24-26-44-52-50 6 20 0 36-16 52z',
    p.shade,
    'opacity=".4"',
  ) +
  path('M116 270c30-40 86-34 106 10-30 50-90 46-106-10z', p.light, 'opacity=".85"') +
  oval(240, 196, 7, 7, p.wall) +
  path('M290 206l40 10-40 14z', p.accent);

export const toy: Motif = (p) =>
  oval(128, 176, 34, 34, p.main) +
  oval(272, 176, 34, 34, p.shade) +
  oval(128, 178, 17, 17, p.light) +
  oval(272, 178, 17, 17, p.light) +
  oval(200, 214, 92, 80, p.main) +
  path('M232 140c74 20 80 134-32 154 50-40 60-110 32-154z', p.shade, 'opacity=".35"') +
  path('M126 396c-16-72 12-116 74-116s90 44 74 116q-74 12-148 0z', p.main) +
  oval(200, 352, 42, 44, p.light) +
  oval(170, 206, 8, 9, p.wall) +
  oval(230, 206, 8, 9, p.wall) +
  oval(200, 238, 30, 22, p.light) +
  oval(200, 230, 11, 8, p.accent);

export const umbrella: Motif = (p) =>
  line('M200 140v214q0 40 34 40t30-34', p.accent, 10) +
  path(
    'M64 270c4-92 66-146 136-146s132 54 136 146q-34-34-68 0-34-34-68 0-34-34-68 0-34-34-68 0z',
    p.main,
  ) +
  path('M200 124c70 0 132 54 136 146q-34-34-68 0c-4-70-30-120-68-146z', p.shade, 'opacity=".45"') +
  path(
    'M132 270c4-70 30-120 68-146 38 26 64 76 68 146q-34-34-68 0-34-34-68 0z',
    p.light,
    'opacity=".35"',
  ) +
  line('M200 124v-24', p.accent, 8);

export const jewel: Motif = (p) =>
  path('M104 400l34-220q62-26 124 0l34 220z', p.light) +
  path('M214 162q26 4 48 18l34 220h-70z', p.shade, 'opacity=".25"') +
  line('M146 190q54 130 108 0', p.accent, 6) +
  [
    [158, 216],
    [172, 238],
    [228, 238],
    [242, 216],
  ]
    .map(([x, y]) => oval(x ?? 0, y ?? 0, 9, 9, p.main))
    .join('') +
  path('M200 254l22 26-22 34-22-34z', p.main) +
  path('M200 254l22 26-22 34z', p.shade, HALF);

export const garment: Motif = (p) =>
  line('M200 136q-2-26 18-28t14-22-30-8', p.accent, 6) +
  path('M150 140q50 34 100 0l74 44-28 62-34-16 8 170H130l8-170-34 16-28-62z', p.main) +
  path('M222 152q16-4 28-12l74 44-28 62-34-16 8 170h-56q30-120 8-248z', p.shade, 'opacity=".4"') +
  line('M154 144q46 36 92 0', p.light, 8);

export const shoe: Motif = (p) =>
  path('M80 346V232q44-14 66 12l28 32q40 30 112 34 50 4 50 46v24H80z', p.main) +
  path('M174 276q40 30 112 34 50 4 50 46v24H180q30-50-6-104z', p.shade, 'opacity=".35"') +
  block(74, 372, 268, 30, 12, p.light) +
  line('M148 256l28-16M166 280l28-18M190 298l24-22', p.light, 8);

export const phone: Motif = (p) =>
  path('M112 386h176q6 14-12 14H124q-18 0-12-14z', p.accent) +
  block(132, 110, 136, 276, 20, p.shade) +
  block(142, 122, 116, 252, 12, p.light) +
  path('M142 300q58-60 116 0v62q0 12-12 12h-92q-12 0-12-12z', p.main) +
  oval(226, 186, 20, 20, p.accent) +
  block(184, 130, 32, 7, 3, p.shade);

export const audio: Motif = (p) =>
  line('M104 300V256q0-112 96-112t96 112v44', p.shade, 17) +
  block(78, 270, 62, 122, 26, p.main) +
  block(260, 270, 62, 122, 26, p.main) +
  block(118, 284, 26, 94, 10, p.light) +
  block(256, 284, 26, 94, 10, p.light) +
  block(294, 270, 28, 122, 14, p.shade, 'opacity=".5"');

export const soap: Motif = (p) =>
  oval(270, 150, 30, 30, p.light, 'opacity=".6"') +
  oval(228, 106, 18, 18, p.light, 'opacity=".6"') +
  oval(306, 108, 12, 12, p.light, 'opacity=".6"') +
  path('M92 280q0-70 84-70h60q76 0 76 66t-84 68h-62q-74 0-74-64z', p.main) +
  path('M214 210h22q76 0 76 66t-84 68h-30q60-60 16-134z', p.shade, 'opacity=".35"') +
  line('M150 282h104', p.light, 9) +
  path('M70 352h260q-6 48-64 48H134q-58 0-64-48z', p.accent);

export const pencils: Motif = (p) =>
  [
    [150, -10, p.main],
    [182, -3, p.accent],
    [216, 4, p.shade],
    [248, 11, p.light],
  ]
    .map(
      ([x, turn, fill]) =>
        `<g transform="rotate(${turn} ${x} 300)">${block(Number(x) - 12, 168, 24, 180, 0, String(fill))}${path(`M${Number(x) - 12} 168l12-44 12 44z`, p.wall)}${path(`M${Number(x) - 5} 142l5-18 5 18z`, String(fill))}</g>`,
    )
    .join('') +
  path('M120 270h160l-12 116q-2 14-16 14H148q-14 0-16-14z', p.main) +
  path('M214 270h66l-12 116q-2 14-16 14h-32q12-70-6-130z', p.shade, HALF) +
  block(124, 304, 152, 24, 0, p.light, 'opacity=".8"');

export const tower: Motif = (p, chance) => {
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
        ? block(200 - w, y - h, w * 2, h, Math.min(h / 2, 40), fill)
        : path(`M${200 - w} ${y}q0-${h} ${w}-${h}t${w} ${h}z`, fill),
      oval(200 + w * 0.45, y - h * 0.5, w * 0.22, h * 0.26, p.light, 'opacity=".16"'),
    );
    y -= h;
  }
  return parts.join('') + oval(200, y - 20, 20, 20, p.accent);
};
