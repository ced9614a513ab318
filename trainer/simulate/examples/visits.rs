//! Writes visits that no history holds, for evaluation and for scripted browsers:
//! `cargo run -p vitrine-simulate --example visits -- OUT N DAY [ITEMS SHOPPERS DAYS SEED NEW_ITEMS DRIFT]`.
//!
//! The world's numbers must be those that `vitrine simulate` was given. `OUT/held-out.csv` is in the
//! form that `vitrine prepare --preset behaviour` reads, with a session per visit and `split = test`;
//! `OUT/visits.json` is a list of visits, each a list of `{item, action, second}`.

use std::io::Write;
use vitrine_simulate::{Field, Options, World};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, n, day, world @ ..] = arguments.as_slice() else {
        return Err("usage: visits OUT N DAY [ITEMS SHOPPERS DAYS SEED NEW_ITEMS DRIFT]".into());
    };
    let mut options = Options::new(out);
    let number = |place: usize, default: u64| -> Result<u64, std::num::ParseIntError> {
        world.get(place).map_or(Ok(default), |text| text.parse())
    };
    options.items = number(0, options.items as u64)? as usize;
    options.shoppers = number(1, options.shoppers as u64)? as usize;
    options.days = u32::try_from(number(2, u64::from(options.days))?)?;
    options.seed = number(3, options.seed)?;
    options.field = Field {
        new_items: number(4, 0)? as usize,
        drift: world.get(5).map_or(Ok(0.0), |text| text.parse())?,
    };
    let world = World::new(&options)?;
    let visits = world.held_out(n.parse()?, options.seed, day.parse()?);
    std::fs::create_dir_all(out)?;
    let mut csv = std::fs::File::create(std::path::Path::new(out).join("held-out.csv"))?;
    writeln!(csv, "session_id,item_id,timestamp,action,split")?;
    for (number, visit) in visits.iter().enumerate() {
        for event in visit {
            let action = event.action.name();
            // A visit every half hour, from the first second of 2030 on: only the order matters.
            let time = 1_893_456_000 + number as u64 * 1800 + u64::from(event.second);
            writeln!(csv, "v{number},{},{time},{action},test", event.item)?;
        }
    }
    let json = std::fs::File::create(std::path::Path::new(out).join("visits.json"))?;
    serde_json::to_writer(json, &visits)?;
    println!("{} visits", visits.len());
    Ok(())
}
