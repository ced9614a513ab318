//! What the shop sells: twelve categories in four departments, and the words of its titles.

/// A category and everything that its items are drawn from.
pub(crate) struct Category {
    pub department: &'static str,
    pub name: &'static str,
    pub nouns: &'static [&'static str],
    pub materials: &'static [&'static str],
    /// Median price.
    pub price: f64,
    /// Categories that go well with it, by index.
    pub complements: &'static [usize],
}

/// Words in front of the material: what a shop says of anything.
pub(crate) const ADJECTIVES: &[&str] = &[
    "Quiet",
    "Nordic",
    "Everyday",
    "Hand-finished",
    "Slim",
    "Classic",
    "Soft",
    "Bold",
    "Little",
    "Grand",
    "Rustic",
    "Modern",
    "Warm",
    "Coastal",
    "Vintage",
    "Studio",
];

/// Colours by name and as a pair of hex values: the thing, and the ground behind it.
pub(crate) const COLOURS: &[(&str, &str, &str)] = &[
    ("Ochre", "#c98a2b", "#f6ead4"),
    ("Sage", "#7d9471", "#e8efe3"),
    ("Ink", "#2f3e5c", "#e1e6ef"),
    ("Clay", "#b5654a", "#f5e3dc"),
    ("Plum", "#7b4b73", "#efe3ed"),
    ("Teal", "#2f7f83", "#dcefef"),
    ("Sand", "#b9a27c", "#f4eee2"),
    ("Rose", "#c4707f", "#f8e5e8"),
];

/// The categories; the order is part of the format of a seed.
pub(crate) const CATEGORIES: &[Category] = &[
    Category {
        department: "Living",
        name: "Lamps",
        nouns: &[
            "Table Lamp",
            "Floor Lamp",
            "Pendant",
            "Reading Lamp",
            "Lantern Lamp",
        ],
        materials: &["Oak", "Brass", "Linen", "Paper", "Ceramic", "Glass"],
        price: 79.0,
        complements: &[1, 2],
    },
    Category {
        department: "Living",
        name: "Rugs",
        nouns: &["Rug", "Runner", "Round Rug", "Kilim", "Door Mat"],
        materials: &["Wool", "Jute", "Cotton", "Flatweave", "Felt"],
        price: 129.0,
        complements: &[2, 0],
    },
    Category {
        department: "Living",
        name: "Cushions",
        nouns: &["Cushion", "Floor Cushion", "Bolster", "Throw", "Seat Pad"],
        materials: &["Linen", "Velvet", "Wool", "Cotton", "Bouclé"],
        price: 29.0,
        complements: &[1, 0],
    },
    Category {
        department: "Kitchen",
        name: "Mugs",
        nouns: &["Mug", "Espresso Cup", "Tea Cup", "Tumbler", "Mug Set"],
        materials: &["Stoneware", "Porcelain", "Enamel", "Glass", "Speckled Clay"],
        price: 14.0,
        complements: &[4, 5],
    },
    Category {
        department: "Kitchen",
        name: "Bowls",
        nouns: &[
            "Bowl",
            "Serving Bowl",
            "Pasta Plate",
            "Salad Bowl",
            "Dip Dish",
        ],
        materials: &["Stoneware", "Olive Wood", "Porcelain", "Glass", "Bamboo"],
        price: 22.0,
        complements: &[3, 5],
    },
    Category {
        department: "Kitchen",
        name: "Pans",
        nouns: &["Frying Pan", "Saucepan", "Casserole", "Wok", "Grill Pan"],
        materials: &["Cast-Iron", "Copper", "Steel", "Carbon-Steel", "Enamelled"],
        price: 64.0,
        complements: &[4, 3],
    },
    Category {
        department: "Garden",
        name: "Planters",
        nouns: &[
            "Planter",
            "Plant Pot",
            "Hanging Pot",
            "Window Box",
            "Plant Stand",
        ],
        materials: &["Terracotta", "Zinc", "Concrete", "Rattan", "Glazed"],
        price: 24.0,
        complements: &[7, 8],
    },
    Category {
        department: "Garden",
        name: "Tools",
        nouns: &[
            "Hand Trowel",
            "Watering Can",
            "Pruner",
            "Garden Fork",
            "Bulb Planter",
        ],
        materials: &["Ash", "Copper", "Steel", "Brass", "Powder-Coated"],
        price: 31.0,
        complements: &[6, 8],
    },
    Category {
        department: "Garden",
        name: "Seating",
        nouns: &[
            "Garden Chair",
            "Bench",
            "Stool",
            "Deck Chair",
            "Folding Chair",
        ],
        materials: &["Teak", "Acacia", "Steel", "Canvas", "Rope"],
        price: 149.0,
        complements: &[6, 2],
    },
    Category {
        department: "Wardrobe",
        name: "Scarves",
        nouns: &["Scarf", "Shawl", "Neckerchief", "Snood", "Wrap"],
        materials: &["Wool", "Silk", "Cashmere", "Cotton", "Alpaca"],
        price: 45.0,
        complements: &[10, 11],
    },
    Category {
        department: "Wardrobe",
        name: "Bags",
        nouns: &["Tote", "Backpack", "Shoulder Bag", "Weekender", "Pouch"],
        materials: &["Canvas", "Leather", "Waxed-Cotton", "Felt", "Recycled"],
        price: 89.0,
        complements: &[9, 11],
    },
    Category {
        department: "Wardrobe",
        name: "Boots",
        nouns: &[
            "Ankle Boots",
            "Chelsea Boots",
            "Rain Boots",
            "Walking Boots",
            "Slippers",
        ],
        materials: &["Leather", "Suede", "Rubber", "Felt", "Nubuck"],
        price: 119.0,
        complements: &[9, 10],
    },
];
