//! The columns that Vitrine wants, and the names under which shops and public data sets keep them.

/// One of the three kinds of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Input {
    /// What visitors did: one row per event.
    Events,
    /// What there is to sell: one row per item.
    Items,
    /// What was bought, from the order system: one row per order line.
    Orders,
}

impl Input {
    /// All inputs, in the order in which they are read.
    pub const ALL: [Self; 3] = [Self::Events, Self::Orders, Self::Items];

    /// The name in flags, mapping files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Items => "items",
            Self::Orders => "orders",
        }
    }

    /// The columns that this input may have.
    pub fn wanted(self) -> &'static [Wanted] {
        match self {
            Self::Events => EVENTS,
            Self::Items => ITEMS,
            Self::Orders => ORDERS,
        }
    }
}

/// A column that Vitrine can use.
#[derive(Debug)]
pub struct Wanted {
    /// Its name in Vitrine.
    pub name: &'static str,
    /// What it holds, for messages.
    pub meaning: &'static str,
    /// Names that are taken for it when no preset was chosen, besides its own; letters and digits
    /// count, case and punctuation don't.
    pub known_as: &'static [&'static str],
}

const fn wanted(
    name: &'static str,
    meaning: &'static str,
    known_as: &'static [&'static str],
) -> Wanted {
    Wanted {
        name,
        meaning,
        known_as,
    }
}

const ITEM_ID: Wanted = wanted(
    "item_id",
    "the item",
    &[
        "item",
        "product_id",
        "product",
        "sku",
        "article_id",
        "asin",
        "parent_asin",
        "stock_code",
    ],
);
const USER_ID: Wanted = wanted(
    "user_id",
    "the visitor or customer",
    &[
        "user",
        "visitor_id",
        "customer_id",
        "customer",
        "client_id",
        "reviewer_id",
    ],
);
const SESSION_ID: Wanted = wanted("session_id", "the session", &["session", "user_session"]);
const ORDER_ID: Wanted = wanted(
    "order_id",
    "the order",
    &["order", "invoice", "invoice_no", "transaction_id"],
);
const TIMESTAMP: Wanted = wanted(
    "timestamp",
    "when: ISO 8601, or Unix time in seconds or milliseconds",
    &[
        "ts",
        "time",
        "event_time",
        "datetime",
        "date",
        "created_at",
        "invoice_date",
    ],
);
const PRICE: Wanted = wanted("price", "the price of one piece", &["unit_price", "amount"]);
const QUANTITY: Wanted = wanted("quantity", "how many pieces", &["qty"]);

const EVENTS: &[Wanted] = &[
    USER_ID,
    SESSION_ID,
    ORDER_ID,
    ITEM_ID,
    TIMESTAMP,
    wanted(
        "action",
        "view, add_to_cart or buy",
        &["event", "event_type", "behavior", "behaviour"],
    ),
    wanted(
        "rating",
        "what the visitor thought of the item",
        &["stars", "overall"],
    ),
    PRICE,
    QUANTITY,
    wanted("position", "the event's place in its session", &[]),
    wanted("split", "train, valid or test", &[]),
    wanted("time_offset", "milliseconds to add to the timestamp", &[]),
    wanted("title", "the item's title", &["product_name", "name"]),
    wanted(
        "category",
        "the item's category",
        &["category_code", "category_id"],
    ),
];

const ITEMS: &[Wanted] = &[
    ITEM_ID,
    wanted(
        "title",
        "what the shopper reads",
        &["name", "product_name", "description"],
    ),
    wanted(
        "category",
        "the item's category",
        &["category_code", "category_id", "department"],
    ),
    wanted(
        "price",
        "the price of one piece",
        &["median_price", "unit_price"],
    ),
    wanted(
        "image",
        "address or file name of the picture",
        &["image_url", "picture", "img"],
    ),
    wanted(
        "in_stock",
        "whether it can be sold",
        &["available", "availability", "stock"],
    ),
    wanted("is_product", "false for postage, fees and the like", &[]),
    wanted(
        "timestamp",
        "when the row was true; the latest counts",
        &["ts", "updated_at"],
    ),
    wanted(
        "property",
        "name of the property, one row per property",
        &[],
    ),
    wanted("value", "value of the property", &[]),
];

const ORDERS: &[Wanted] = &[
    ORDER_ID,
    USER_ID,
    SESSION_ID,
    ITEM_ID,
    TIMESTAMP,
    PRICE,
    QUANTITY,
    wanted("time_offset", "milliseconds to add to the timestamp", &[]),
];

/// Letters and digits of `name` in lower case: `itemId`, `item_id` and `ITEM ID` are one name.
pub(crate) fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
