//! How long work tells how far it is.

/// Receives the stages of a long run.
pub trait Progress: Sync {
    /// A stage begins; `total` is in the units that [`Progress::advance`] counts, where known.
    fn start(&self, stage: &str, total: Option<u64>);
    /// The stage went on by `units`.
    fn advance(&self, units: u64);
    /// The stage is done.
    fn finish(&self);
    /// Something that a person should read now.
    fn say(&self, line: &str);
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn finish(&self) {}
    fn say(&self, _: &str) {}
}
