//! `vitrine promote`.

use crate::destination;
use vitrine_core::Digest;

/// Make the candidate live that `vitrine publish --candidate` left.
///
///   vitrine promote --to store
///   vitrine promote --to http://127.0.0.1:8081 --token-file token
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    #[command(flatten)]
    destination: destination::Destined,
    /// Only if the candidate's manifest has this SHA-256 [default: whichever waits].
    #[arg(long, value_name = "HEX")]
    candidate: Option<Digest>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let destination = arguments.destination.open()?;
    let (manifest, bytes) = destination.candidate()?;
    destination.promote(arguments.candidate.unwrap_or_else(|| Digest::of(&bytes)))?;
    let name = arguments.destination.name();
    println!("version {} is live in {name}", manifest.version);
    Ok(())
}
