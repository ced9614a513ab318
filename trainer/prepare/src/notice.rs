//! Notices: what a person has to see before they trust a prepared folder.
//!
//! A rule drops rows and counts them. A notice is about the whole: the source was read as nobody
//! meant it, or looks like that. Notices head the report and end the output of the command; with
//! `--strict` one of them fails the run.

use std::sync::{Mutex, PoisonError};
pub use vitrine_core::dataset::Notice;

/// A value as a shell takes it for one word.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The notices of a run, in the order in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<Vec<Notice>>);

impl Notices {
    pub(crate) fn add(
        &self,
        name: &'static str,
        finding: impl Into<String>,
        advice: impl Into<String>,
    ) {
        let notice = Notice {
            name,
            finding: finding.into(),
            advice: advice.into(),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(notice);
    }

    pub(crate) fn all(&self) -> Vec<Notice> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
