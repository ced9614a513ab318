//! Draws a shop with the defaults:
//! `cargo run -p vitrine-simulate --example simulate -- OUT [ITEMS SHOPPERS DAYS SEED]`.

use std::time::Instant;
use vitrine_simulate::{Options, simulate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, numbers @ ..] = arguments.as_slice() else {
        return Err("usage: simulate OUT [ITEMS SHOPPERS DAYS SEED]".into());
    };
    let mut options = Options::new(out);
    let numbers: Vec<u64> = numbers
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()?;
    let number = |place: usize, default: u64| numbers.get(place).copied().unwrap_or(default);
    options.items = usize::try_from(number(0, options.items as u64))?;
    options.shoppers = usize::try_from(number(1, options.shoppers as u64))?;
    options.days = u32::try_from(number(2, u64::from(options.days)))?;
    options.seed = number(3, options.seed);
    let since = Instant::now();
    println!(
        "{:?} in {:.2} s",
        simulate(&options)?,
        since.elapsed().as_secs_f64()
    );
    Ok(())
}
