//! What a retrained bundle changes, measured against the one before.

use super::Released;
use super::exposure::{self, Shares};
use crate::bundle::Opened;
use crate::dataset::{Dataset, Examples};
use crate::evaluate::EvaluateError;
use crate::evaluate::comparison::Comparison;
use crate::evaluate::intervals::Figures;
use crate::evaluate::protocol::{Protocol, ProtocolChoice};
use crate::evaluate::ranked::{Asked, Ranked};
use crate::progress::Progress;
use vitrine_core::provenance::{self, Bounds, HeldOut, Move, Provenance, Refusal};

/// Held-out examples by which two bundles are compared, at most about: each is listed twice.
const EXAMPLES: usize = 10_000;
/// Items that are named by group.
const NAMED: usize = 10;

/// How a bundle differs from the one before.
#[derive(Clone, Debug)]
pub struct Changes {
    /// What goes with the bundle.
    pub provenance: Provenance,
    /// The bundle's figures, and the difference with its intervals.
    pub figures: Figures,
    /// The bundle before, and the paired difference.
    pub comparison: Comparison,
    /// Windows that were learned from.
    pub windows: Vec<u64>,
    /// Windows that are left out because they are quarantined.
    pub quarantined: Vec<u64>,
    /// Released cells that were used.
    pub cells: u64,
    /// Released cells that name an item outside the catalogue.
    pub unknown: u64,
    /// Reports that were cut because they grew too fast, of all, and the items that they named;
    /// the most first.
    pub cut: Vec<(String, f64)>,
    /// Items that the bundle before did not know; the most shown first.
    pub new_items: Vec<NewItem>,
    /// How many items the bundle before knew and this one does not.
    pub dropped: usize,
    /// Items that are shown more, by percent points of the lists.
    pub up: Vec<Move>,
    /// Items that are shown less.
    pub down: Vec<Move>,
}

/// An item that the bundle before did not know.
#[derive(Clone, Debug, PartialEq)]
pub struct NewItem {
    /// The shop's id.
    pub item: String,
    /// Share of the lists that show it, in percent.
    pub share: f64,
}

impl Changes {
    /// Measures both bundles on the same held-out examples.
    ///
    /// # Errors
    /// When an encoder does not run.
    pub fn between(
        parent: &Opened,
        bundle: &Opened,
        data: &Dataset,
        released: &Released,
        bounds: Bounds,
        progress: &dyn Progress,
    ) -> Result<Self, EvaluateError> {
        let (examples, protocol, unseen) = held_out(data);
        let asked = Asked {
            examples: &examples,
            ids: &data.ids,
            protocol,
            lists: true,
        };
        let rank = |opened: &Opened| {
            Ranked::of(opened, asked, progress).map_err(|source| EvaluateError::Encoder {
                path: format!("bundle version {}", opened.manifest.version).into(),
                source,
            })
        };
        let (theirs, ours) = (rank(parent)?, rank(bundle)?);
        let version = parent.manifest.version;
        let comparison = Comparison::of_ranks(version, &examples, &ours.ranks, &theirs.ranks);
        let figures = Figures::of_ranks(&examples, &ours.ranks);
        let shares = |opened: &Opened, ranked: Ranked| {
            exposure::shares(&opened.bundle, &ranked.lists.unwrap_or_default())
        };
        let (before, after) = (shares(parent, theirs), shares(bundle, ours));
        let short = |figures: &Figures| provenance::Figures {
            p20: figures.metrics.p20,
            mrr20: figures.metrics.mrr20,
        };
        let provenance = Provenance {
            schema: provenance::SCHEMA.into(),
            against: parent.digest,
            version,
            held_out: HeldOut {
                examples: examples.len() as u64,
                unseen,
            },
            before: short(&comparison.figures),
            after: short(&figures),
            exposure: exposure::between(&before, &after, bundle.bundle.items()),
            bounds,
        };
        let (up, down) = movers(&before, &after);
        let known = |opened: &Opened, id: &str| opened.bundle.row(id).is_some();
        let ids = (0..bundle.bundle.items()).filter_map(|row| bundle.bundle.id(row));
        let mut new_items: Vec<NewItem> = ids
            .filter(|id| !known(parent, id))
            .map(|item| NewItem {
                share: after.get(&item).copied().unwrap_or_default(),
                item,
            })
            .collect();
        new_items.sort_by(|a, b| b.share.total_cmp(&a.share));
        let mut ids = (0..parent.bundle.items()).filter_map(|row| parent.bundle.id(row));
        let cut = data.ids.iter().cloned().zip(data.field.cut.iter().copied());
        let mut cut: Vec<(String, f64)> = cut.filter(|(_, cut)| *cut > 0.0).collect();
        cut.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(Self {
            provenance,
            figures,
            comparison,
            windows: data.field.windows.clone(),
            quarantined: released.quarantined.clone(),
            cells: data.field.used,
            unknown: data.field.unknown,
            cut,
            new_items,
            dropped: ids.by_ref().filter(|id| !known(bundle, id)).count(),
            up,
            down,
        })
    }

    /// What `vitrine promote` will say of the bundle.
    ///
    /// # Errors
    /// With what moved beyond the recipe's bounds.
    pub fn verdict(&self) -> Result<(), Refusal> {
        self.provenance.judge()
    }
}

/// Examples that neither bundle learned from, where the data have some; else the latest sessions
/// of train. At most about [`EXAMPLES`].
fn held_out(data: &Dataset) -> (Examples, Protocol, bool) {
    let protocol = ProtocolChoice::Auto.resolve(data.leaves_one_out);
    let test = protocol.examples(&data.test);
    if !test.is_empty() {
        return (test.thinned(EXAMPLES), protocol, true);
    }
    let (_, valid) = data.validation();
    (valid.thinned(EXAMPLES), Protocol::NextItem, false)
}

/// The items that gained and lost most places.
fn movers(before: &Shares, after: &Shares) -> (Vec<Move>, Vec<Move>) {
    let mut moves = exposure::moves(before, after);
    moves.sort_by(|a, b| (b.after - b.before).total_cmp(&(a.after - a.before)));
    let up = moves.iter().filter(|m| m.after > m.before);
    let down = moves.iter().rev().filter(|m| m.after < m.before);
    (
        up.take(NAMED).cloned().collect(),
        down.take(NAMED).cloned().collect(),
    )
}
