//! How far a run has come, for whoever draws the bars.

/// Told by a run what it does. All methods may be called from any thread.
pub trait Progress: Sync {
    /// A stage begins; `total` is the number of units in it where it is known (bytes while
    /// sources are read, statements while SQL runs).
    fn start(&self, stage: &str, total: Option<u64>);

    /// `n` further units of the running stage are done.
    fn advance(&self, n: u64);

    /// The running stage is over.
    fn finish(&self);
}

/// Draws nothing.
impl Progress for () {
    fn start(&self, _stage: &str, _total: Option<u64>) {}

    fn advance(&self, _n: u64) {}

    fn finish(&self) {}
}
