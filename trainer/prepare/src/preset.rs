//! The file formats of the public data sets, and what their publishers and readers take for granted.
//!
//! A preset is nothing but names and defaults: which column is which, which file of a folder holds
//! the events, and which thresholds the literature uses on these data. Whatever a flag or a mapping
//! file says stands above it.

mod analytics;

use crate::columns::Input;
use crate::options::PrepareOptionsError;
use crate::typed::ActionCode;
use std::str::FromStr;

/// A file format with a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Columns are recognised by the names that shops commonly use.
    #[default]
    Auto,
    /// `user_id,item_id,timestamp,action,rating`.
    Behaviour,
    /// Vitrine's own schema: `session_id,user_id,position,item_id,ts,event,split,price,quantity`.
    Vitrine,
    /// RetailRocket on Kaggle: `events.csv`, `item_properties_part1.csv` and `…part2.csv`.
    Retailrocket,
    /// CIKM Cup 2016: `train-item-views.csv`, `train-purchases.csv`, `product-categories.csv`.
    Diginetica,
    /// RecSys Challenge 2015: `yoochoose-clicks.dat` and `yoochoose-buys.dat`, without headers.
    Yoochoose,
    /// REES46 Open CDP: monthly files `2019-Oct.csv`, ….
    Rees46,
    /// Shopify's export of orders, one row a line; its export of products as items.
    ShopifyOrders,
    /// WooCommerce's export of orders, one row a line.
    WoocommerceOrders,
    /// A feed for Google Merchant Center as items.
    MerchantFeed,
    /// MovieLens since 2015: `ratings.csv` and `movies.csv`.
    Movielens,
    /// RecBole's atomic files: `<name>.inter` and `<name>.item`.
    Recbole,
    /// Google Analytics 4 as BigQuery exports it, in JSON or Parquet.
    Ga4,
    /// Segment's calls as its storage destinations keep them, in JSON.
    Segment,
    /// Snowplow's enriched events with its e-commerce entities, in JSON or Parquet.
    Snowplow,
    /// Matomo's visits, by `Live.getLastVisitsDetails` in JSON.
    Matomo,
}

/// What a preset says about one input.
#[derive(Debug)]
pub(crate) struct PresetInput {
    /// Pairs of wanted column and source column.
    pub columns: &'static [(&'static str, &'static str)],
    /// Stems of the files in a folder; a trailing `*` stands for anything.
    pub files: &'static [&'static str],
    /// True if text files begin with a header; without one, columns are named `1`, `2`, ….
    pub header: bool,
}

const NOTHING: PresetInput = PresetInput {
    columns: &[],
    files: &[],
    header: true,
};

impl Preset {
    /// All presets.
    pub const ALL: [Self; 16] = [
        Self::Auto,
        Self::Behaviour,
        Self::Vitrine,
        Self::Retailrocket,
        Self::Diginetica,
        Self::Yoochoose,
        Self::Rees46,
        Self::ShopifyOrders,
        Self::WoocommerceOrders,
        Self::MerchantFeed,
        Self::Movielens,
        Self::Recbole,
        Self::Ga4,
        Self::Segment,
        Self::Snowplow,
        Self::Matomo,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Behaviour => "behaviour",
            Self::Vitrine => "vitrine",
            Self::Retailrocket => "retailrocket",
            Self::Diginetica => "diginetica",
            Self::Yoochoose => "yoochoose",
            Self::Rees46 => "rees46",
            Self::ShopifyOrders => "shopify-orders",
            Self::WoocommerceOrders => "woocommerce-orders",
            Self::MerchantFeed => "merchant-feed",
            Self::Movielens => "movielens",
            Self::Recbole => "recbole",
            Self::Ga4 => "ga4",
            Self::Segment => "segment",
            Self::Snowplow => "snowplow",
            Self::Matomo => "matomo",
        }
    }

    /// Fewest events of an item in the training part: 5 where the literature on the data set
    /// says so, else 2.
    pub fn min_item_events(self) -> u64 {
        match self {
            Self::Retailrocket
            | Self::Diginetica
            | Self::Yoochoose
            | Self::Rees46
            | Self::Movielens => 5,
            _ => 2,
        }
    }

    /// True if a purchase at price zero is an error of the source. Vitrine's schema is clean
    /// already: what it holds at zero was a gift.
    pub fn rejects_free_purchases(self) -> bool {
        self != Self::Vitrine
    }

    /// True if the format is one of orders, so that nobody has to be told that its events are.
    pub(crate) fn is_of_orders(self) -> bool {
        matches!(self, Self::ShopifyOrders | Self::WoocommerceOrders)
    }

    /// The preset whose columns these plainly are.
    pub(crate) fn of_columns(columns: &[String]) -> Option<Self> {
        const SIGNS: [(Preset, &[&str]); 4] = [
            (Preset::ShopifyOrders, &["Lineitem name", "Lineitem sku"]),
            (Preset::WoocommerceOrders, &["item_product_id", "item_id"]),
            (Preset::Movielens, &["userId", "movieId"]),
            (Preset::Recbole, &["user_id:token", "item_id:token"]),
        ];
        let has = |name: &&str| columns.iter().any(|column| column == name);
        let mut signs = SIGNS.iter();
        signs
            .find(|(_, names)| names.iter().all(has))
            .map(|(preset, _)| *preset)
    }

    /// Ids that mean that there is none.
    pub(crate) fn nothing(self) -> &'static [&'static str] {
        match self {
            Self::Diginetica => &["NA"],
            _ => &[],
        }
    }

    /// True if columns that the preset does not name are recognised: exports of shops have columns
    /// of their owner's, research data have one form.
    pub(crate) fn guesses(self) -> bool {
        matches!(
            self,
            Self::Auto | Self::ShopifyOrders | Self::WoocommerceOrders | Self::MerchantFeed
        )
    }

    /// What a person has to know about the format: what is found, and what to do.
    pub(crate) fn caveat(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::ShopifyOrders => Some((
                "Shopify's export of orders has no product ids: 'Lineitem sku' stands for the item, and 'Lineitem name' where there is no SKU.",
                "Rank by SKU in the page (itemKey: 'sku'), and give every product a SKU.",
            )),
            _ => None,
        }
    }

    /// The words of an analytics tool for actions, in plain form, where its other events are to be
    /// ignored: most are of no item.
    pub(crate) fn actions(self) -> Option<&'static [(&'static str, ActionCode)]> {
        analytics::actions(self)
    }

    /// True if a file of a folder belongs to the data set, but is not read.
    pub(crate) fn knows_file(self, place: &str) -> bool {
        let known: &[&str] = match self {
            Self::Retailrocket => &["category_tree."],
            Self::Diginetica => &[
                "train-queries.",
                "train-clicks.",
                "product-images",
                "dataset-",
            ],
            Self::Yoochoose => &["yoochoose-test.", "dataset-"],
            _ => &[],
        };
        known.iter().any(|known| place.starts_with(known))
    }

    pub(crate) fn input(self, input: Input) -> PresetInput {
        let named = |columns, files| PresetInput {
            columns,
            files,
            header: true,
        };
        let numbered = |columns, files| PresetInput {
            columns,
            files,
            header: false,
        };
        match (self, input) {
            (Self::Auto, Input::Events) => named(&[], &["events*"]),
            (Self::Auto, Input::Items) => named(&[], &["items*"]),
            (Self::Auto, Input::Orders) => named(&[], &["orders*"]),
            (Self::Behaviour, Input::Events) => named(
                &[
                    ("user_id", "user_id"),
                    ("session_id", "session_id"),
                    ("item_id", "item_id"),
                    ("timestamp", "timestamp"),
                    ("action", "action"),
                    ("rating", "rating"),
                    ("price", "price"),
                    ("quantity", "quantity"),
                    ("split", "split"),
                ],
                &["events*", "behaviour*"],
            ),
            (Self::Behaviour, Input::Items) => named(
                &[
                    ("item_id", "item_id"),
                    ("title", "title"),
                    ("category", "category"),
                    ("price", "price"),
                    ("image", "image"),
                    ("in_stock", "in_stock"),
                ],
                &["items*"],
            ),
            (Self::Behaviour | Self::Vitrine, Input::Orders) => named(
                &[
                    ("order_id", "order_id"),
                    ("session_id", "session_id"),
                    ("user_id", "user_id"),
                    ("item_id", "item_id"),
                    ("timestamp", "timestamp"),
                    ("quantity", "quantity"),
                    ("price", "price"),
                ],
                &["orders*"],
            ),
            (Self::Vitrine, Input::Events) => named(
                &[
                    ("session_id", "session_id"),
                    ("user_id", "user_id"),
                    ("position", "position"),
                    ("item_id", "item_id"),
                    ("timestamp", "ts"),
                    ("action", "event"),
                    ("split", "split"),
                    ("price", "price"),
                    ("quantity", "quantity"),
                ],
                &["events*"],
            ),
            (Self::Vitrine, Input::Items) => named(
                &[
                    ("item_id", "item_id"),
                    ("title", "title"),
                    ("category", "category"),
                    ("price", "price"),
                    ("price", "median_price"),
                    ("image", "image"),
                    ("in_stock", "in_stock"),
                    ("is_product", "is_product"),
                ],
                &["items*"],
            ),
            (Self::Retailrocket, Input::Events) => named(
                &[
                    ("timestamp", "timestamp"),
                    ("user_id", "visitorid"),
                    ("action", "event"),
                    ("item_id", "itemid"),
                ],
                &["events*"],
            ),
            (Self::Retailrocket, Input::Items) => named(
                &[
                    ("timestamp", "timestamp"),
                    ("item_id", "itemid"),
                    ("property", "property"),
                    ("value", "value"),
                ],
                &["item_properties_part*"],
            ),
            (Self::Diginetica, Input::Events) => named(
                &[
                    ("session_id", "sessionId"),
                    ("user_id", "userId"),
                    ("item_id", "itemId"),
                    ("time_offset", "timeframe"),
                    ("timestamp", "eventdate"),
                ],
                &["train-item-views"],
            ),
            (Self::Diginetica, Input::Items) => named(
                &[
                    ("item_id", "itemId"),
                    ("category", "categoryId"),
                    ("title", "product.name.tokens"),
                ],
                &["product-categories", "products"],
            ),
            (Self::Diginetica, Input::Orders) => named(
                &[
                    ("order_id", "ordernumber"),
                    ("session_id", "sessionId"),
                    ("user_id", "userId"),
                    ("item_id", "itemId"),
                    ("time_offset", "timeframe"),
                    ("timestamp", "eventdate"),
                ],
                &["train-purchases"],
            ),
            (Self::Yoochoose, Input::Events) => numbered(
                &[
                    ("session_id", "1"),
                    ("timestamp", "2"),
                    ("item_id", "3"),
                    ("category", "4"),
                ],
                &["yoochoose-clicks*"],
            ),
            (Self::Yoochoose, Input::Orders) => numbered(
                &[
                    ("session_id", "1"),
                    ("timestamp", "2"),
                    ("item_id", "3"),
                    ("price", "4"),
                    ("quantity", "5"),
                ],
                &["yoochoose-buys*"],
            ),
            (Self::Rees46, Input::Events) => named(
                &[
                    ("timestamp", "event_time"),
                    ("action", "event_type"),
                    ("item_id", "product_id"),
                    ("category", "category_code"),
                    ("category", "category_id"),
                    ("price", "price"),
                    ("user_id", "user_id"),
                    ("session_id", "user_session"),
                ],
                &[],
            ),
            (Self::Rees46, Input::Items) => named(
                &[
                    ("item_id", "product_id"),
                    ("category", "category_code"),
                    ("price", "price"),
                ],
                &[],
            ),
            (Self::ShopifyOrders, Input::Events | Input::Orders) => named(
                &[
                    ("order_id", "Name"),
                    ("user_id", "Email"),
                    ("user_id", "Phone"),
                    ("timestamp", "Created at"),
                    ("order_status", "Financial Status"),
                    ("cancelled_at", "Cancelled at"),
                    ("item_id", "Lineitem sku"),
                    ("item_id", "Lineitem name"),
                    ("title", "Lineitem name"),
                    ("price", "Lineitem price"),
                    ("quantity", "Lineitem quantity"),
                ],
                &["orders*"],
            ),
            (Self::ShopifyOrders, Input::Items) => named(
                &[
                    ("item_group", "Handle"),
                    ("item_id", "Variant SKU"),
                    ("title", "Title"),
                    ("category", "Type"),
                    ("category", "Product Category"),
                    ("price", "Variant Price"),
                    ("image", "Variant Image"),
                    ("image", "Image Src"),
                    ("in_stock", "Variant Inventory Qty"),
                ],
                &["products*"],
            ),
            (Self::WoocommerceOrders, Input::Events | Input::Orders) => named(
                &[
                    ("order_id", "order_id"),
                    ("order_id", "order_number"),
                    // Guests have the customer id 0; their address is theirs.
                    ("user_id", "billing_email"),
                    ("user_id", "customer_email"),
                    ("user_id", "customer_id"),
                    ("timestamp", "date_created_gmt"),
                    ("timestamp", "date_created"),
                    ("timestamp", "order_date"),
                    ("timestamp", "date"),
                    ("order_status", "status"),
                    // `item_id` is the number of the line.
                    ("item_id", "item_product_id"),
                    ("item_id", "product_id"),
                    ("title", "item_name"),
                    ("title", "name"),
                    ("price", "item_price"),
                    ("price", "price"),
                    ("quantity", "item_quantity"),
                    ("quantity", "product_qty"),
                    ("quantity", "quantity"),
                ],
                &["orders*"],
            ),
            (Self::WoocommerceOrders, Input::Items) => named(
                &[
                    ("item_id", "ID"),
                    ("title", "Name"),
                    ("category", "Categories"),
                    ("price", "Sale price"),
                    ("price", "Regular price"),
                    ("image", "Images"),
                    ("in_stock", "In stock?"),
                ],
                &["products*", "wc-product-export*"],
            ),
            (Self::MerchantFeed, Input::Items) => named(
                &[
                    ("item_id", "id"),
                    ("title", "title"),
                    ("category", "product_type"),
                    ("category", "google_product_category"),
                    ("price", "sale_price"),
                    ("price", "price"),
                    ("image", "image_link"),
                    ("in_stock", "availability"),
                    ("item_group", "item_group_id"),
                ],
                &["items*", "feed*", "products*"],
            ),
            (Self::MerchantFeed, Input::Events) => named(&[], &["events*"]),
            (Self::MerchantFeed, Input::Orders) => named(&[], &["orders*"]),
            (Self::Movielens, Input::Events) => named(
                &[
                    ("user_id", "userId"),
                    ("item_id", "movieId"),
                    ("rating", "rating"),
                    ("timestamp", "timestamp"),
                ],
                &["ratings*"],
            ),
            (Self::Movielens, Input::Items) => named(
                &[
                    ("item_id", "movieId"),
                    ("title", "title"),
                    ("category", "genres"),
                ],
                &["movies*"],
            ),
            (Self::Recbole, Input::Events) => named(
                &[
                    ("user_id", "user_id:token"),
                    ("session_id", "session_id:token"),
                    ("item_id", "item_id:token"),
                    ("rating", "rating:float"),
                    ("timestamp", "timestamp:float"),
                ],
                &["*.inter"],
            ),
            (Self::Recbole, Input::Items) => named(
                &[
                    ("item_id", "item_id:token"),
                    ("title", "title:token_seq"),
                    ("title", "title:token"),
                    ("title", "movie_title:token_seq"),
                    ("title", "name:token_seq"),
                    ("title", "item_name:token_seq"),
                    ("category", "category:token"),
                    ("category", "categories:token_seq"),
                    ("category", "class:token_seq"),
                    ("category", "genre:token_seq"),
                    ("price", "price:float"),
                ],
                &["*.item"],
            ),
            (Self::Ga4 | Self::Segment | Self::Snowplow | Self::Matomo, input) => {
                analytics::input(self, input)
            }
            (Self::Movielens | Self::Recbole, Input::Orders)
            | (Self::Yoochoose, Input::Items)
            | (Self::Retailrocket | Self::Rees46, Input::Orders) => NOTHING,
        }
    }
}

impl FromStr for Preset {
    type Err = PrepareOptionsError;

    fn from_str(name: &str) -> Result<Self, PrepareOptionsError> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == name)
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL.iter().map(|preset| preset.name()).collect();
                PrepareOptionsError(format!(
                    "'{name}' is not a preset: there are {}",
                    names.join(", ")
                ))
            })
    }
}
