//! A picture for every item: a drawing of its kind in its colour, about half a kilobyte of SVG.

use crate::catalogue::Item;
use crate::words::COLOURS;

/// The item's picture, an SVG document of 240 × 240 units. The same item gives the same bytes.
pub fn picture(item: &Item) -> String {
    let (name, colour, ground) = COLOURS[item.colour];
    let form = item.form;
    // Some proportions of the thing, from 0 to the bound, taken from different bits.
    let vary = |place: u32, bound: u64| (form >> (place * 8)) % bound;
    let light = COLOURS[(item.colour + 1 + vary(6, 7) as usize) % COLOURS.len()].1;
    let (a, b, c) = (vary(0, 24), vary(1, 24), vary(2, 3));
    let thing = match item.category {
        // Lamp
        0 => format!(
            r##"<path d="M{} 110L{} 50H{}L{} 110Z" fill="{colour}"/><path d="M120 110V{}" stroke="#444" stroke-width="5"/><ellipse cx="120" cy="{}" rx="{}" ry="9" fill="{light}"/>"##,
            64 - a / 2,
            92 - b / 3,
            148 + b / 3,
            176 + a / 2,
            176 + b / 2,
            180 + b / 2,
            34 + a / 2
        ),
        // Rug
        1 => format!(
            r##"<rect x="48" y="{}" width="144" height="{}" rx="{}" fill="{colour}"/><g fill="none" stroke="{light}" stroke-width="{}"><rect x="62" y="{}" width="116" height="{}" rx="{}"/><path d="M80 120H160"/></g>"##,
            78 - a / 2,
            84 + a,
            c * 30,
            4 + c * 2,
            92 - a / 2,
            56 + a,
            c * 22
        ),
        // Cushion
        2 => format!(
            r##"<path d="M60 64Q120 {} 180 64Q{} 120 180 176Q120 {} 60 176Q{} 120 60 64Z" fill="{colour}"/><path d="M84 {}H156M84 {}H156" stroke="{light}" stroke-width="{}"/>"##,
            78 + a / 2,
            166 + b / 3,
            162 - a / 2,
            74 - b / 3,
            104 + b / 2,
            126 + b / 2,
            4 + c * 3
        ),
        // Mug
        3 => format!(
            r##"<circle cx="158" cy="126" r="{}" fill="none" stroke="{colour}" stroke-width="11"/><path d="M74 {}H158V{}Q158 180 136 180H96Q74 180 74 {}Z" fill="{colour}"/><path d="M74 {}H158" stroke="{light}" stroke-width="{}"/>"##,
            22 + a / 3,
            84 - b / 2,
            158,
            158,
            112 + a,
            5 + c * 5
        ),
        // Bowl
        4 => format!(
            r##"<path d="M{} 100H{}Q{} {} 120 {}Q{} {} {} 100Z" fill="{colour}"/><ellipse cx="120" cy="100" rx="{}" ry="{}" fill="{light}"/>"##,
            52 - a / 3,
            188 + a / 3,
            182,
            168 + b / 2,
            172 + b / 2,
            58,
            168 + b / 2,
            52 - a / 3,
            68 + a / 3,
            10 + c * 3
        ),
        // Pan
        5 => format!(
            r##"<rect x="150" y="112" width="{}" height="14" rx="7" fill="{light}" transform="rotate(-18 150 118)"/><circle cx="104" cy="130" r="{}" fill="{colour}"/><circle cx="104" cy="130" r="{}" fill="none" stroke="{ground}" stroke-width="{}"/>"##,
            56 + a / 2,
            50 + b / 3,
            34 + b / 3,
            3 + c * 2
        ),
        // Planter
        6 => format!(
            r##"<g stroke="#5f7f4f" stroke-width="8" fill="none" stroke-linecap="round"><path d="M120 124Q{} 84 {} 56M120 124Q126 80 120 48M120 124Q{} 90 {} 62"/></g><path d="M72 120H168L{} 188H{}Z" fill="{colour}"/><path d="M68 120H172" stroke="{light}" stroke-width="{}"/>"##,
            96 - a / 2,
            82 - a / 2,
            146 + b / 2,
            160 + b / 2,
            154 - b / 3,
            86 + b / 3,
            8 + c * 3
        ),
        // Tool
        7 => format!(
            r##"<g transform="rotate({} 120 120)"><rect x="111" y="40" width="18" height="78" rx="9" fill="{light}"/><path d="M96 118H144V{}Q120 {} 96 {}Z" fill="{colour}"/></g>"##,
            20 + a,
            150 + b / 2,
            204 + b / 2,
            150 + b / 2
        ),
        // Seating
        8 => format!(
            r##"<path d="M78 186V{}M162 186V{}M84 140L70 190M156 140L170 190" stroke="{light}" stroke-width="8" stroke-linecap="round"/><rect x="70" y="{}" width="100" height="{}" rx="{}" fill="{colour}"/><rect x="64" y="130" width="112" height="16" rx="8" fill="{colour}"/>"##,
            70 - a / 2,
            70 - a / 2,
            58 - a / 2,
            40 + b,
            4 + c * 8
        ),
        // Scarf
        9 => format!(
            r##"<path d="M76 66Q120 {} 164 66L{} 96Q120 132 {} 96Z" fill="{colour}"/><path d="M128 104L{} 190H{}L106 108Z" fill="{colour}"/><path d="M{} 172H{}" stroke="{light}" stroke-width="{}"/>"##,
            104 + a,
            168,
            72,
            152 + b / 2,
            116 + b / 2,
            118 + b / 2,
            148 + b / 2,
            6 + c * 4
        ),
        // Bag
        10 => format!(
            r##"<path d="M90 96Q90 {} 120 {}T150 96" fill="none" stroke="{light}" stroke-width="8"/><path d="M{} 94H{}L{} 186H{}Z" fill="{colour}"/><circle cx="120" cy="{}" r="{}" fill="{light}"/>"##,
            52 - a / 2,
            52 - a / 2,
            66 + b / 3,
            174 - b / 3,
            182,
            58,
            112 + c * 8,
            5 + c * 2
        ),
        // Boots
        _ => format!(
            r##"<path d="M88 {}H134V136Q176 140 182 172H88Z" fill="{colour}"/><path d="M84 176H186" stroke="#444" stroke-width="{}"/><path d="M88 {}H134" stroke="{light}" stroke-width="{}"/>"##,
            58 + a,
            8 + c * 3,
            70 + a + b / 2,
            6 + c * 3
        ),
    };
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240"><title>{}</title><rect width="240" height="240" fill="{ground}"/><ellipse cx="120" cy="194" rx="74" ry="9" fill="#000" opacity=".08"/>{thing}</svg>
"##,
        // Titles hold letters, spaces, commas and hyphens only.
        if item.title.is_empty() {
            name
        } else {
            &item.title
        }
    )
}
