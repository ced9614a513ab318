//! Exports of analytics tools: objects with lists of items inside, and many events that are of no
//! item.

use super::{NOTHING, Preset, PresetInput};
use crate::columns::Input;
use crate::typed::ActionCode;
use vitrine_core::Action;

const VIEW: ActionCode = ActionCode::Known(Action::View);
const ADD_TO_CART: ActionCode = ActionCode::Known(Action::AddToCart);
const BUY: ActionCode = ActionCode::Known(Action::Buy);
const RETURNED: ActionCode = ActionCode::Returned;

/// The words of a tool for actions, in plain form; its other events are ignored.
///
/// A click in a list is left out where the tool counts the view of the page behind it too.
pub(super) fn actions(preset: Preset) -> Option<&'static [(&'static str, ActionCode)]> {
    Some(match preset {
        Preset::Ga4 => &[
            ("viewitem", VIEW),
            ("addtocart", ADD_TO_CART),
            ("purchase", BUY),
            ("removefromcart", RETURNED),
            ("refund", RETURNED),
        ],
        Preset::Segment => &[
            ("productviewed", VIEW),
            ("productadded", ADD_TO_CART),
            ("ordercompleted", BUY),
            ("productremoved", RETURNED),
            ("orderrefunded", RETURNED),
            ("ordercancelled", RETURNED),
        ],
        Preset::Snowplow => &[
            ("productview", VIEW),
            ("addtocart", ADD_TO_CART),
            ("transaction", BUY),
            ("removefromcart", RETURNED),
            ("refund", RETURNED),
        ],
        Preset::Matomo => &[
            ("action", VIEW),
            ("ecommerceabandonedcart", ADD_TO_CART),
            ("ecommerceorder", BUY),
        ],
        _ => return None,
    })
}

pub(super) fn input(preset: Preset, input: Input) -> PresetInput {
    let columns: &[(&str, &str)] = match (preset, input) {
        (_, Input::Items) => &[],
        (_, Input::Orders) => return NOTHING,
        (Preset::Ga4, Input::Events) => &[
            ("user_id", "user_pseudo_id"),
            ("user_id", "user_id"),
            ("session_id", "event_params.ga_session_id"),
            ("item_id", "items[].item_id"),
            ("timestamp", "event_timestamp"),
            ("action", "event_name"),
            ("price", "items[].price"),
            ("quantity", "items[].quantity"),
            ("title", "items[].item_name"),
            ("category", "items[].item_category"),
        ],
        (Preset::Segment, Input::Events) => &[
            ("user_id", "anonymousId"),
            ("user_id", "userId"),
            ("item_id", "properties.products[].product_id"),
            ("item_id", "properties.products[].sku"),
            ("item_id", "properties.product_id"),
            ("item_id", "properties.sku"),
            ("timestamp", "timestamp"),
            ("timestamp", "originalTimestamp"),
            ("timestamp", "receivedAt"),
            ("action", "event"),
            ("price", "properties.products[].price"),
            ("price", "properties.price"),
            ("quantity", "properties.products[].quantity"),
            ("quantity", "properties.quantity"),
            ("title", "properties.products[].name"),
            ("title", "properties.name"),
            ("category", "properties.products[].category"),
            ("category", "properties.category"),
        ],
        (Preset::Snowplow, Input::Events) => SNOWPLOW,
        (_, Input::Events) => &[
            ("user_id", "visitorId"),
            ("session_id", "idVisit"),
            ("item_id", "actionDetails[].itemDetails[].itemSKU"),
            ("item_id", "actionDetails[].productViewSku"),
            ("timestamp", "actionDetails[].timestamp"),
            ("action", "actionDetails[].type"),
            ("price", "actionDetails[].itemDetails[].price"),
            ("price", "actionDetails[].productViewPrice"),
            ("quantity", "actionDetails[].itemDetails[].quantity"),
            ("title", "actionDetails[].itemDetails[].itemName"),
            ("title", "actionDetails[].productViewName"),
            ("category", "actionDetails[].itemDetails[].itemCategory"),
        ],
    };
    PresetInput {
        columns,
        files: match input {
            Input::Items => &["items*"],
            _ => &["events*"],
        },
        header: true,
    }
}

/// Loaders name a column after its schema, some with the whole version of it.
const SNOWPLOW: &[(&str, &str)] = &[
    ("user_id", "domain_userid"),
    ("user_id", "user_id"),
    ("session_id", "domain_sessionid"),
    ("timestamp", "derived_tstamp"),
    ("timestamp", "collector_tstamp"),
    (
        "action",
        "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1.type",
    ),
    (
        "action",
        "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_2.type",
    ),
    (
        "action",
        "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_1.type",
    ),
    (
        "action",
        "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_0.type",
    ),
    (
        "item_id",
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1[].id",
    ),
    (
        "item_id",
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0[].id",
    ),
    (
        "price",
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1[].price",
    ),
    (
        "price",
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0[].price",
    ),
    (
        "quantity",
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1[].quantity",
    ),
    (
        "quantity",
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0[].quantity",
    ),
    (
        "title",
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1[].name",
    ),
    (
        "title",
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0[].name",
    ),
    (
        "category",
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1[].category",
    ),
    (
        "category",
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0[].category",
    ),
];
