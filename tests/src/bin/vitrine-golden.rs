//! Writes golden vectors: what the native ranker and encoder answer for a shop's own sessions.
//!
//! The browser's modules are the same source built for another machine. This file holds what
//! they must answer: scores as the bits of an f32, so that equal means equal, and the encoder's
//! query as numbers, because there the last digits may differ.

use anyhow::{Context, ensure};
use clap::Parser;
use serde::Serialize;
use std::path::PathBuf;
use vitrine_core::facets::Filter;
use vitrine_core::rank::{Ranker, Recommended};
use vitrine_core::score::Event;
use vitrine_encoder::Encoder;
use vitrine_learn::bundle;
use vitrine_learn::dataset::Dataset;

/// How many items are asked for.
const TOP: usize = 20;
/// Length of the caller's list that is ranked.
const LIST: usize = 50;
/// An item that no shop has.
const UNKNOWN: &str = "no such item";

/// Writes golden vectors for the browser's modules.
#[derive(Parser)]
struct Arguments {
    /// The bundle's folder.
    #[arg(long)]
    bundle: PathBuf,
    /// Folder that `vitrine prepare` wrote; its sessions are replayed.
    #[arg(long)]
    data: PathBuf,
    /// How many sessions, from the test split first.
    #[arg(long, default_value_t = 1000)]
    sessions: usize,
    /// JSON file to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Serialize)]
struct Golden {
    /// Where the sessions come from.
    dataset: String,
    synthetic: bool,
    sessions: Vec<Session>,
}

#[derive(Serialize)]
struct Session {
    /// Item id and action code, oldest first.
    events: Vec<(String, u8)>,
    /// `recommend(20)` by the table alone: id and score bits.
    top: Vec<(String, u32)>,
    /// The same of what is in stock, without the session's own items.
    narrowed: Vec<(String, u32)>,
    /// The caller's list, and `rank` of it: place in that list and score bits.
    list: Vec<String>,
    ranked: Vec<(u32, u32)>,
    /// The encoder's answer, where there is an encoder and a known item.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<Vec<f32>>,
    /// `recommend(20)` with that answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fused: Vec<(String, u32)>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let opened = bundle::open(&arguments.bundle)?;
    let data = Dataset::open(&arguments.data, &[])?;
    let mut encoder = opened
        .encoder
        .as_ref()
        .map(|onnx| Encoder::new(onnx, opened.bundle.dim() + vitrine_core::Action::COUNT))
        .transpose()?;
    let mut ranker = Ranker::new(opened.bundle);

    let test: Vec<&[Event]> = data.test.sessions.iter().collect();
    let train: Vec<&[Event]> = data.train.iter().collect();
    let from_test = arguments.sessions.min(test.len());
    let mut chosen = spread(&test, from_test);
    chosen.extend(spread(&train, arguments.sessions - from_test));
    ensure!(
        chosen.len() >= arguments.sessions,
        "{}: has {} sessions, fewer than {}",
        arguments.data.display(),
        chosen.len(),
        arguments.sessions
    );
    let mut random = Lcg(1);
    let mut sessions = Vec::with_capacity(chosen.len());
    for events in chosen {
        let events = named(events, &data.ids);
        sessions.push(answer(
            &mut ranker,
            encoder.as_mut(),
            events,
            &data.ids,
            &mut random,
        )?);
    }
    let golden = Golden {
        dataset: data.facts.name,
        synthetic: data.facts.synthetic,
        sessions,
    };
    let json = serde_json::to_vec(&golden)?;
    std::fs::write(&arguments.out, json).with_context(|| arguments.out.display().to_string())?;
    println!(
        "{} sessions of {}: {}",
        golden.sessions.len(),
        golden.dataset,
        arguments.out.display()
    );
    Ok(())
}

/// `n` of a list, evenly spread.
fn spread<T: Copy>(from: &[T], n: usize) -> Vec<T> {
    (0..n.min(from.len()))
        .map(|at| from[at * from.len() / n])
        .collect()
}

fn named(events: &[Event], ids: &[String]) -> Vec<(String, u8)> {
    events
        .iter()
        .map(|event| {
            let id = event.row.map_or(UNKNOWN, |row| ids[row as usize].as_str());
            (id.to_owned(), event.action.code())
        })
        .collect()
}

fn answer(
    ranker: &mut Ranker,
    encoder: Option<&mut Encoder>,
    events: Vec<(String, u8)>,
    ids: &[String],
    random: &mut Lcg,
) -> anyhow::Result<Session> {
    ranker.clear();
    for (item, action) in &events {
        let action = vitrine_core::Action::from_code(*action).context("an action's code")?;
        ranker.track(item, action, 1_000_000);
    }
    let top = packed(&ranker.recommend(TOP, &Filter::default(), &[]));
    let own: Vec<&str> = events.iter().map(|(item, _)| item.as_str()).collect();
    let in_stock = Filter {
        in_stock: true,
        ..Filter::default()
    };
    let narrowed = packed(&ranker.recommend(TOP, &in_stock, &own));

    // Half of the list is what the session leads to, so that scores differ; and one stranger.
    let mut list: Vec<String> = top.iter().map(|(id, _)| id.clone()).collect();
    list.push(UNKNOWN.into());
    while list.len() < LIST {
        list.push(ids[random.below(ids.len())].clone());
    }
    let borrowed: Vec<&str> = list.iter().map(String::as_str).collect();
    let ranked = ranker.rank(&borrowed);
    let ranked = ranked
        .iter()
        .map(|item| (item.index, item.score.to_bits()))
        .collect();

    let input = ranker.encoder_input();
    let (query, fused) = match encoder {
        Some(encoder) if !input.is_empty() => {
            let query = encoder.encode(&input)?;
            ranker.set_query(Some(&query));
            let fused = packed(&ranker.recommend(TOP, &Filter::default(), &[]));
            (Some(query), fused)
        }
        _ => (None, Vec::new()),
    };
    Ok(Session {
        events,
        top,
        narrowed,
        list,
        ranked,
        query,
        fused,
    })
}

fn packed(items: &[Recommended]) -> Vec<(String, u32)> {
    items
        .iter()
        .map(|item| (item.id.clone(), item.score.to_bits()))
        .collect()
}

/// Knuth's 64-bit linear congruential generator: the same list on every run.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}
