//! `/openapi.json`: the interface, as a document.
//!
//! The paths are described where they are handled. The report's types live in `vitrine-core`,
//! which knows nothing of HTTP, so their form is repeated here; a test holds the two together.

#![allow(dead_code, reason = "these types are read by the derive alone")]

use crate::problem::Problem;
use actix_web::{HttpResponse, web};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

/// One cell, its nonce and its window.
#[derive(ToSchema)]
pub struct Report {
    /// 32 lower-case hexadecimal digits, drawn on the device, used for this cell only. A retry
    /// sends it again and is counted once.
    #[schema(
        pattern = "^[0-9a-f]{32}$",
        example = "0123456789abcdef0123456789abcdef"
    )]
    nonce: String,
    window: WindowName,
    cell: Cell,
}

/// The window in whose budget the device counted the cell: `[number, number + 1) · seconds` of Unix
/// time.
#[derive(ToSchema)]
struct WindowName {
    #[schema(example = 2948)]
    number: u64,
    /// As the manifest's `window_seconds`.
    #[schema(minimum = 1, example = 604800)]
    seconds: u64,
}

/// What is counted, by one.
#[derive(ToSchema)]
#[serde(tag = "table", rename_all = "snake_case")]
enum Cell {
    /// `to` followed `from` in one session.
    Transition {
        #[schema(min_length = 1, max_length = 128)]
        from: String,
        #[schema(min_length = 1, max_length = 128)]
        to: String,
        action: TransitionAction,
    },
    /// Something was done with an item.
    Item {
        #[schema(min_length = 1, max_length = 128)]
        item: String,
        action: Action,
    },
    /// An item was shown.
    Impression {
        #[schema(min_length = 1, max_length = 128)]
        item: String,
        position: PositionBucket,
        clicked: bool,
    },
    /// Which order was shown, and how deep the click was.
    Metric { arm: Arm, rank: PositionBucket },
}

/// What was done with an item.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    View,
    AddToCart,
    Buy,
}

/// What was done with the later item; a purchase never names a second one.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum TransitionAction {
    View,
    AddToCart,
}

/// A rank, coarse; ranks count from 1.
#[derive(ToSchema)]
enum PositionBucket {
    #[serde(rename = "1")]
    First,
    #[serde(rename = "2-4")]
    Top,
    #[serde(rename = "5-10")]
    Head,
    #[serde(rename = "11-20")]
    Page,
    #[serde(rename = "21+")]
    Tail,
}

/// Whose order was shown.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Arm {
    Shop,
    Vitrine,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vitrine",
        description = "Bundles by content hash, feedback as single unlinkable cells. The admin paths are served on a listener of their own."
    ),
    paths(
        crate::bundles::manifest,
        crate::bundles::signature,
        crate::bundles::signature_of,
        crate::bundles::file,
        crate::feedback::post,
        crate::oblivious::post,
        crate::oblivious::configurations,
        crate::health::healthz,
        crate::health::readyz,
        crate::admin::metrics,
        crate::admin::files::put_file,
        crate::admin::files::file,
        crate::admin::files::put_signature,
        crate::admin::manifests::put_manifest,
        crate::admin::manifests::put_candidate,
        crate::admin::manifests::candidate,
        crate::admin::manifests::published,
        crate::admin::manifests::promote,
    ),
    components(schemas(Report, Problem)),
    modifiers(&Token)
)]
struct Document;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Serves the document.
pub async fn serve(document: web::Data<utoipa::openapi::OpenApi>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("cache-control", "no-cache"))
        .json(&**document)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::Value;
    use vitrine_core::Action;
    use vitrine_core::cell::{Arm, Cell, PositionBucket};

    /// The schemas of `document`, with references followed one step.
    fn schema<'a>(document: &'a Value, of: &'a Value) -> &'a Value {
        match of.get("$ref").and_then(Value::as_str) {
            Some(path) => document.pointer(path.trim_start_matches('#')).unwrap(),
            None => of,
        }
    }

    #[test]
    fn the_document_knows_every_cell_that_core_writes() {
        let document = serde_json::to_value(super::document()).unwrap();
        let variants = document["components"]["schemas"]["Cell"]["oneOf"]
            .as_array()
            .unwrap();
        let item = || "a".to_owned();
        let mut cells = vec![Cell::Transition {
            from: item(),
            to: item(),
            action: Action::AddToCart,
        }];
        for action in Action::ALL {
            cells.push(Cell::Item {
                item: item(),
                action,
            });
        }
        for position in [1, 2, 5, 11, 21].map(PositionBucket::of_rank) {
            cells.push(Cell::Impression {
                item: item(),
                position,
                clicked: true,
            });
        }
        for arm in [Arm::Shop, Arm::Vitrine] {
            cells.push(Cell::Metric {
                arm,
                rank: PositionBucket::First,
            });
        }
        for cell in cells {
            let cell = serde_json::to_value(cell).unwrap();
            let cell = cell.as_object().unwrap();
            let described = variants
                .iter()
                .map(|variant| {
                    schema(&document, variant)["properties"]
                        .as_object()
                        .unwrap()
                })
                .find(|members| members["table"]["enum"][0] == cell["table"])
                .unwrap();
            assert_eq!(described.len(), cell.len(), "{cell:?}");
            for (name, value) in cell {
                let member = schema(&document, &described[name]);
                if let Some(allowed) = member.get("enum").and_then(Value::as_array) {
                    assert!(allowed.contains(value), "{name}: {value}");
                }
            }
        }
    }
}
