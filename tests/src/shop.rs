//! A simulated shop, drawn and prepared by the commands.

use crate::command::vitrine;
use std::path::Path;

/// Draws a shop of `sizes` into `folder/shop` and prepares it into `folder/data`: the path of the
/// latter.
///
/// # Panics
/// When a command fails.
pub fn prepared(folder: &Path, sizes: &[&str]) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    let (shop, data) = (at("shop"), at("data"));
    vitrine(&[&["simulate", "--out", &shop][..], sizes].concat()).done();
    let behaviour = ["--preset", "behaviour", "--out", &data];
    vitrine(&[&["prepare", "--events", &shop][..], &behaviour].concat()).done();
    data
}
