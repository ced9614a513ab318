//! `vitrine promote`.

use crate::destination;
use crate::output::say;
use vitrine_core::Digest;

/// Make the candidate live that `vitrine publish --candidate` left.
///
/// Where a bundle is live already, the candidate must have been compared with it by
/// `vitrine retrain`, and be within the recipe's bounds: [promotion] fall, the most that P@20 and
/// MRR@20 on held-out sessions may fall, in percent of what they were (2); growth, the most by
/// which any item's exposure may be multiplied or divided (3). Else it stays a candidate, and the
/// command says what moved.
///
///   vitrine promote --to store
///   vitrine promote --to store --force "the spring catalogue: looked at by M. on Monday"
///   vitrine promote --to http://127.0.0.1:8081 --token-file token
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    #[command(flatten)]
    destination: destination::Destined,
    /// Only if the candidate's manifest has this SHA-256 [default: whichever waits].
    #[arg(long, value_name = "HEX")]
    candidate: Option<Digest>,
    /// Promote it although it is too far from what is live, and say why; the store keeps the
    /// reason, and a server also in its audit log.
    #[arg(long, value_name = "REASON", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    force: Option<String>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let destination = arguments.destination.open()?;
    let (manifest, bytes) = destination.candidate()?;
    let candidate = arguments.candidate.unwrap_or_else(|| Digest::of(&bytes));
    destination.promote(candidate, arguments.force.as_deref())?;
    let name = arguments.destination.name();
    say!("version {} is live in {name}", manifest.version);
    Ok(())
}
