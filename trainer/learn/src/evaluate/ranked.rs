//! A bundle's ranks of the labels of examples, with its encoder and without.

use super::breakdown::LIST;
use super::protocol::Protocol;
use super::queries::queries;
use super::ranks::Ranking;
use crate::bundle::Opened;
use crate::dataset::{Examples, Sessions};
use crate::progress::Progress;
use vitrine_core::bundle::Bundle;
use vitrine_core::score::Event;
use vitrine_encoder::EncoderError;

/// What is ranked.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The examples, in rows of `ids`.
    pub examples: &'a Examples,
    /// Item ids by row.
    pub ids: &'a [String],
    /// Says which items are ranked.
    pub protocol: Protocol,
    /// Whether the first items are wanted too, and not only the ranks of the labels.
    pub lists: bool,
}

/// What a bundle makes of the examples; ranks count from 1, with 0 for a miss.
pub struct Ranked {
    /// Rank of each label.
    pub ranks: Vec<u32>,
    /// The same without the encoder, where the bundle has one.
    pub without_encoder: Option<Vec<u32>>,
    /// The first [`LIST`] rows of the bundle for each example with their scores, where they were
    /// asked for.
    pub lists: Option<Vec<Vec<(u32, f32)>>>,
}

impl Ranked {
    /// Ranks as the bundle does in a browser.
    ///
    /// # Errors
    /// [`EncoderError`] when the bundle's encoder does not run.
    pub fn of(
        opened: &Opened,
        asked: Asked<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, EncoderError> {
        let examples = translate(asked.examples, asked.ids, &opened.bundle);
        let tables = opened.bundle.tables();
        let max_session = opened.bundle.max_session();
        let table_alone = Ranking {
            tables,
            max_session,
            queries: &[],
            protocol: asked.protocol,
        };
        progress.start("ranking every test example", None);
        let alone = table_alone.label_ranks(&examples);
        progress.finish();
        let lists = |ranking: &Ranking<'_>| {
            asked.lists.then(|| {
                progress.start("listing the first items of every example", None);
                let lists = ranking.lists(&examples, LIST);
                progress.finish();
                lists
            })
        };
        let Some(onnx) = &opened.encoder else {
            return Ok(Self {
                ranks: alone,
                without_encoder: None,
                lists: lists(&table_alone),
            });
        };
        progress.start("ranking with the encoder", None);
        let queries = queries(tables, onnx, &examples, max_session)?;
        let ranking = Ranking {
            queries: &queries,
            ..table_alone
        };
        let ranks = ranking.label_ranks(&examples);
        progress.finish();
        Ok(Self {
            ranks,
            without_encoder: Some(alone),
            lists: lists(&ranking),
        })
    }
}

/// The examples in the rows of a bundle, which may know other items than the data's train split.
fn translate(examples: &Examples, ids: &[String], bundle: &Bundle) -> Examples {
    let rows: Vec<Option<u32>> = ids.iter().map(|id| bundle.row(id)).collect();
    let mut sessions = Sessions::new();
    for session in examples.sessions.iter() {
        sessions.push(session.iter().map(|event| Event {
            row: event.row.and_then(|row| rows[row as usize]),
            action: event.action,
        }));
    }
    Examples {
        sessions,
        at: examples.at.clone(),
    }
}
