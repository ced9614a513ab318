//! Item ids: one form for one item, and what is no id at all.

use super::{Identity, count_at};
use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::pipeline::text;
use crate::report::thousands;

impl Identity<'_> {
    /// Decides which item ids are one, and notes it; false where all are read as told.
    pub(super) async fn join_items(&self, engine: &Engine<'_>) -> Result<bool, PrepareError> {
        engine
            .table("item_forms", &statement!("identity/65_item_forms"))
            .await?;
        let other = engine
            .table("same_items", &statement!("identity/70_same_items"))
            .await?;
        for batch in engine.rows(&statement!("identity/75_item_notes")).await? {
            for row in 0..batch.num_rows() {
                let ids = thousands(count_at(&batch, "ids", row));
                let told = text(&batch, "told", row).unwrap_or_default();
                let read = text(&batch, "item_id", row).unwrap_or_default();
                match text(&batch, "kind", row).as_deref() {
                    Some("floats") => self.notices.add(
                        "float_ids",
                        format!("{ids} item ids were written as floats: '{told}' is read as '{read}'."),
                        "If pages know the items by that id, let it pass with --accept float_ids; else export the column as text.",
                    ),
                    Some("zeros") => self.notices.add(
                        "padded_ids",
                        format!("{ids} item ids have zeros in front in one file and none in another: '{told}' is read as '{read}', the form of the events."),
                        "If pages know the items by that id, let it pass with --accept padded_ids; else export the column as text.",
                    ),
                    _ => self.notices.add(
                        "ambiguous_ids",
                        format!("{ids} item ids differ from others by zeros in front only, such as '{told}'. They are not joined, because one file has several such forms."),
                        "Write the ids alike in all files, as pages send them.",
                    ),
                }
            }
        }
        for batch in engine.rows(&statement!("identity/80_no_ids")).await? {
            for row in 0..batch.num_rows() {
                let rows = thousands(count_at(&batch, "events", row));
                let example: String = text(&batch, "example", row)
                    .unwrap_or_default()
                    .chars()
                    .take(60)
                    .collect();
                if text(&batch, "rule", row).as_deref() == Some("nested_id") {
                    self.notices.add(
                        "nested_ids",
                        format!("{rows} rows have an item_id that is a nested value, such as '{example}'; they are dropped (nested_id)."),
                        "Name the field that holds the id, e.g. --column item_id=product.id, or export one row per item.",
                    );
                } else {
                    self.notices.add(
                        "header_rows",
                        format!("{rows} rows repeat the names of the columns: their item is '{example}'; they are dropped (header_row)."),
                        "Files that were put together keep the header of each; export again, or name a folder of files.",
                    );
                }
            }
        }
        Ok(other > 0)
    }
}
