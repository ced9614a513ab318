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

/// Names of an item's id, the surer first.
macro_rules! item_names {
    ($($more:literal),*) => {
        &[
            "item",
            "product_id",
            "product",
            "sku",
            "item_sku",
            "product_sku",
            "variant_sku",
            "lineitem_sku",
            "article_id",
            "article",
            "article_number",
            "item_code",
            "item_no",
            "item_number",
            "product_code",
            "product_number",
            "product_ref",
            "asin",
            "parent_asin",
            "stock_code",
            "content_id",
            "artikelnummer",
            "artikel_id",
            $($more),*
        ]
    };
}

const ITEM_ID: Wanted = wanted("item_id", "the item", item_names!());
const USER_ID: Wanted = wanted(
    "user_id",
    "the visitor or customer",
    &[
        "user",
        "visitor_id",
        "visitor",
        "customer_id",
        "customer",
        "customer_no",
        "customer_number",
        "client_id",
        "reviewer_id",
        "shopper_id",
        "buyer_id",
        "member_id",
        "account_id",
        "household_id",
        "household_key",
        "anonymous_id",
        "customer_email",
        "user_email",
        "email",
        "billing_email",
        "kundennummer",
        "user_pseudo_id",
        "full_visitor_id",
        "domain_userid",
        "distinct_id",
        "cookie_id",
        "device_id",
    ],
);
const SESSION_ID: Wanted = wanted(
    "session_id",
    "the session",
    &[
        "session",
        "user_session",
        "ga_session_id",
        "domain_sessionid",
        "domain_sessionidx",
        "visit_id",
    ],
);
/// Names of an event's time, the surer first; a column of these names is taken only where its
/// values are times.
const TIMESTAMP: Wanted = wanted(
    "timestamp",
    "when: a date, a date and a time, or Unix time",
    &[
        "ts",
        "time",
        "event_time",
        "event_timestamp",
        "event_ts",
        "event_datetime",
        "occurred_at",
        "occurred_on",
        "datetime",
        "date_time",
        "server_time",
        "hit_time",
        "hit_timestamp",
        "visit_time",
        "view_time",
        "viewed_at",
        "visited_at",
        "click_time",
        "clicked_at",
        "action_time",
        "log_time",
        "logged_at",
        "order_timestamp",
        "order_time",
        "order_datetime",
        "ordered_at",
        "ordered_on",
        "order_date",
        "order_created_at",
        "order_purchase_timestamp",
        "purchase_time",
        "purchase_timestamp",
        "purchased_at",
        "purchased_on",
        "purchase_date",
        "placed_at",
        "placed_on",
        "date_placed",
        "sold_at",
        "sale_date",
        "transaction_time",
        "transaction_timestamp",
        "transaction_date",
        "invoice_date",
        "created_at",
        "created_on",
        "created",
        "date_created",
        "date_created_gmt",
        "create_time",
        "created_time",
        "created_date",
        "creation_date",
        "event_date",
        "date",
        "visit_date",
        "visit_start_time",
        "day",
        "unix_time",
        "unix_timestamp",
        "epoch",
        "timestamp_ms",
        "timestamp_utc",
        "time_ms",
        "utc_time",
        "sent_at",
        "received_at",
        "review_time",
        "reviewed_at",
        "rated_at",
        "datum",
        "zeitstempel",
        "zeitpunkt",
        "zeit",
        "bestelldatum",
        "horodatage",
        "fecha",
    ],
);
const TIME_OF_DAY: Wanted = wanted(
    "time_of_day",
    "the time, where the timestamp column holds the day only",
    &[],
);
const PRICE: Wanted = wanted(
    "price",
    "the price of one piece",
    &[
        "unit_price",
        "item_price",
        "product_price",
        "price_each",
        "sale_price",
        "lineitem_price",
        "amount",
        "preis",
    ],
);
const QUANTITY: Wanted = wanted(
    "quantity",
    "how many pieces",
    &[
        "qty",
        "item_quantity",
        "product_quantity",
        "product_qty",
        "lineitem_quantity",
        "quantity_ordered",
        "qty_ordered",
        "units",
        "pieces",
        "menge",
        "anzahl",
    ],
);
const ORDER_ID: Wanted = wanted(
    "order_id",
    "the order",
    &[
        "order",
        "order_number",
        "order_no",
        "order_key",
        "invoice",
        "invoice_no",
        "invoice_id",
        "invoice_number",
        "transaction_id",
        "transaction",
        "receipt_id",
        "increment_id",
        "bestellnummer",
    ],
);
const ORDER_STATUS: Wanted = wanted(
    "order_status",
    "the state of the order; cancelled, refunded, failed and unpaid ones are no purchases",
    &[
        "status",
        "financial_status",
        "payment_status",
        "order_state",
        "state",
        "bestellstatus",
    ],
);
const CANCELLED_AT: Wanted = wanted(
    "cancelled_at",
    "when the order was cancelled; empty where it was not",
    &[
        "canceled_at",
        "cancelled_on",
        "canceled_on",
        "cancelled",
        "canceled",
    ],
);
const TIME_OFFSET: Wanted = wanted("time_offset", "milliseconds to add to the timestamp", &[]);

const EVENTS: &[Wanted] = &[
    USER_ID,
    SESSION_ID,
    ITEM_ID,
    wanted(
        "action",
        "view, add_to_cart or buy",
        &[
            "event",
            "event_type",
            "event_name",
            "action_type",
            "behavior",
            "behaviour",
            "behavior_type",
        ],
    ),
    TIMESTAMP,
    TIME_OF_DAY,
    wanted(
        "rating",
        "what the visitor thought of the item",
        &["stars", "overall"],
    ),
    PRICE,
    QUANTITY,
    wanted("position", "the event's place in its session", &[]),
    wanted("split", "train, valid or test", &[]),
    TIME_OFFSET,
    wanted(
        "title",
        "the item's title",
        &[
            "product_name",
            "product_title",
            "item_name",
            "item_title",
            "lineitem_name",
            "name",
        ],
    ),
    wanted(
        "category",
        "the item's category",
        &[
            "category_code",
            "category_id",
            "category_name",
            "product_category",
            "item_category",
            "product_type",
        ],
    ),
    ORDER_ID,
    ORDER_STATUS,
    CANCELLED_AT,
];

const ITEMS: &[Wanted] = &[
    // A catalogue's own id is the item's; an event's is not.
    wanted("item_id", "the item", item_names!("id")),
    wanted(
        "title",
        "the text for the shopper",
        &[
            "name",
            "product_name",
            "product_title",
            "item_name",
            "item_title",
            "titel",
            "description",
        ],
    ),
    wanted(
        "category",
        "the item's category",
        &[
            "category_code",
            "category_id",
            "category_name",
            "categories",
            "product_category",
            "item_category",
            "product_type",
            "google_product_category",
            "type",
            "department",
            "kategorie",
        ],
    ),
    wanted(
        "price",
        "the price of one piece",
        &[
            "median_price",
            "unit_price",
            "regular_price",
            "item_price",
            "product_price",
            "sale_price",
            "preis",
        ],
    ),
    wanted(
        "image",
        "address or file name of the picture",
        &[
            "image_url",
            "image_link",
            "image_src",
            "images",
            "picture",
            "img",
            "thumbnail",
            "photo",
        ],
    ),
    wanted(
        "in_stock",
        "whether it can be sold: a word such as in_stock or sold out, or a stock level",
        &[
            "availability",
            "available",
            "stock",
            "stock_status",
            "is_in_stock",
            "stock_quantity",
            "stock_level",
            "inventory",
            "inventory_quantity",
            "qty_in_stock",
            "verfügbarkeit",
            "lagerbestand",
        ],
    ),
    wanted(
        "item_group",
        "the product of which the row is a variant; its rows share title, category and picture",
        &["item_group_id", "parent_id"],
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
    TIME_OF_DAY,
    PRICE,
    QUANTITY,
    TIME_OFFSET,
    ORDER_STATUS,
    CANCELLED_AT,
];

/// Letters and digits of `name` in lower case: `itemId`, `item_id` and `ITEM ID` are one name.
pub(crate) fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
