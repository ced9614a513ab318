//! What the databases say differently. Every other statement is one text for all of them.

use sqlx::migrate::Migrator;

/// A database's own words for what it must do.
pub(super) struct Dialect {
    /// Brings the tables up to date.
    pub migrations: Migrator,
    /// Starts a transaction that writes.
    pub begin: &'static str,
    /// Taken first by whoever stores reports; many hold it at a time. A release waits for them.
    pub lock_to_record: Option<&'static str>,
    /// Taken first by a release, which then is alone.
    pub lock_to_release: Option<&'static str>,
    /// Taken before a window is opened or its promise changed: two servers must not open windows
    /// that overlap.
    pub lock_windows: Option<&'static str>,
    /// Answers with the database's clock, Unix time in seconds.
    pub clock: &'static str,
    /// `$1`: a JSON array of `[nonce, binding, window, table, cell]`, hashes in hexadecimal; `$2`
    /// day. A nonce that `raw_cell` has is passed over.
    pub insert_reports: &'static str,
    /// `$1`: a JSON array of nonces. Answers with nonce and binding of those that are known.
    pub bindings: &'static str,
    /// `$1`: a JSON array of `[cell, count]`; `$2` window.
    pub insert_released: &'static str,
    /// Empties `raw_cell` so that nothing is left in its pages.
    pub empty_raw: &'static str,
    /// Empties `surviving_cell` in the same way.
    pub empty_surviving: &'static str,
    /// Puts raw rows into an order that says nothing of when they came, where they are in another.
    pub shuffle: Option<&'static str>,
    /// What is well done in a pause and every so often, where there is anything.
    pub tidy: Option<&'static str>,
    /// The way out of an error by its code, for what an operator can mend.
    pub hint: fn(code: &str) -> &'static str,
}
