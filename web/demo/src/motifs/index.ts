/**
 * Things that a shop sells, drawn flat on a table: 400 wide, 500 high, standing on y = 400.
 *
 * @module
 */

import type { Chance, Motif, Palette } from './kit.js';
import { mug, teapot, bottle, bowl, plate, jar, cutlery, cake } from './table.js';
import {
  vase,
  candle,
  lantern,
  lamp,
  clock,
  frame,
  cushion,
  textile,
  chair,
  cabinet,
  mat,
  hook,
  basketry,
  plant,
  flower,
} from './rooms.js';
import {
  heart,
  star,
  bag,
  box,
  book,
  card,
  tree,
  bird,
  toy,
  umbrella,
  jewel,
  garment,
  shoe,
  phone,
  audio,
  soap,
  pencils,
  tower,
} from './things.js';

export type { Palette } from './kit.js';

/** Words of a title, and what is drawn for them. */
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
  [
    /frame|mirror|picture|canvas|poster|print\b|painting|chalk ?board|blackboard|sign\b|plaque/,
    frame,
  ],
  [/chair|stool|bench|seat|sofa/, chair],
  [/cabinet|drawer|shelf|shelves|cupboard|desk|table|wardrobe|chest/, cabinet],
  [/cushion|pillow|bean ?bag/, cushion],
  [
    /blanket|towel|throw|scarf|shawl|linen|quilt|cloth|napkin|apron|tea ?towel|bedding|wool|sock/,
    textile,
  ],
  [/door ?mat|\brug\b|carpet|\bmat\b/, mat],
  [/notebook|\bbooks?\b|diary|journal|planner|album|sketch/, book],
  [/\bcards?\b|envelope|postcard|invitation|wrap|paper|ribbon|sticker|stationery|tissue/, card],
  [/pencil|\bpens?\b|crayon|marker|eraser|chalk\b|brush/, pencils],
  [/hook|hanger|rack\b|\bpegs?\b|knob/, hook],
  [/soap|bath|sponge|wash|cream\b|balm/, soap],
  [/necklace|ring\b|earring|bracelet|brooch|bangle|jewel|pendant|charm/, jewel],
  [
    /shirt|jumper|dress|jacket|coat|sweater|cardigan|hoodie|\btop\b|vest|blouse|trouser|jeans/,
    garment,
  ],
  [/shoe|boot|sneaker|trainer|slipper|sandal|wellies/, shoe],
  [/phone|tablet|charger|case\b|cable|screen|laptop|camera/, phone],
  [/headphone|speaker|radio|audio|earbud|microphone/, audio],
  [/bird|owl|duck|hen\b|chicken|robin|dove|parrot|penguin/, bird],
  [
    /toy|teddy|bear\b|rabbit|bunny|doll|game|puzzle|dinosaur|cat\b|dog\b|elephant|soldier|spaceboy|kids|child/,
    toy,
  ],
  [/heart|love|valentine/, heart],
  [/star\b|stars\b|moon/, star],
  [/\bbox|tin\b|tins\b|gift|trinket|set\b|pack\b|kit\b|sewing/, box],
];

const ANY: Motif[] = [vase, bowl, tower, jar, tower, box, cushion, tower];

/**
 * The drawing for a title: what its words name, or a still life. The word that stands last wins:
 * a rose scarf is a scarf.
 */
export function motifFor(title: string, p: Palette, chance: Chance): string {
  const text = title.toLowerCase();
  let last = -1;
  let motif = ANY[Math.floor(chance() * ANY.length)] ?? vase;
  for (const [words, named] of WORDS) {
    const at = text.search(words);
    if (at > last) [last, motif] = [at, named];
  }
  return motif(p, chance);
}
