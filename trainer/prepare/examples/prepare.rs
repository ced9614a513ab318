//! Prepares a dataset with the defaults:
//! `cargo run -p vitrine-prepare --example prepare -- EVENTS OUT [PRESET] [ITEMS] [ORDERS]`.

use std::time::Instant;
use vitrine_prepare::{Options, Preset, Progress, prepare};

/// One line per stage, with its time.
struct Lines(std::sync::Mutex<Option<(String, Instant)>>);

impl Progress for Lines {
    fn start(&self, stage: &str, _total: Option<u64>) {
        if let Ok(mut running) = self.0.lock() {
            *running = Some((stage.into(), Instant::now()));
        }
    }

    fn advance(&self, _n: u64) {}

    fn finish(&self) {
        if let Ok(mut running) = self.0.lock()
            && let Some((stage, since)) = running.take()
        {
            println!("{stage}: {:.2} s", since.elapsed().as_secs_f64());
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(events), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: prepare EVENTS OUT [PRESET] [ITEMS] [ORDERS]".into());
    };
    let mut options = Options::new(events, out);
    if let Some(preset) = arguments.next() {
        options.preset = preset.parse::<Preset>()?;
    }
    options.items = arguments.next().map(Into::into);
    options.orders = arguments.next().map(Into::into);
    let since = Instant::now();
    let summary = match prepare(&options, &Lines(std::sync::Mutex::new(None))) {
        Ok(summary) => summary,
        Err(error) => return Err(error.to_string().into()),
    };
    println!("{:#?}", summary.dataset.facts);
    println!("dropped: {:?}", summary.dropped);
    println!(
        "{} events in {:.2} s",
        summary.events,
        since.elapsed().as_secs_f64()
    );
    Ok(())
}
