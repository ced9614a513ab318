//! scratch
use std::path::Path;
use vitrine_learn::{evaluate, progress::Progress, recipe::Recipe, run::*};
struct P(std::sync::Mutex<std::time::Instant>);
impl Progress for P {
    fn start(&self, s: &str, t: Option<u64>) {
        *self.0.lock().unwrap() = std::time::Instant::now();
        eprint!("{s} {t:?} ");
    }
    fn advance(&self, _: u64) {}
    fn finish(&self) {
        eprintln!("{:?}", self.0.lock().unwrap().elapsed());
    }
    fn say(&self, l: &str) {
        eprintln!("{l}");
    }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let p = P(std::sync::Mutex::new(std::time::Instant::now()));
    let recipe = if a.len() > 3 {
        Recipe::read(Path::new(&a[3])).unwrap()
    } else {
        Recipe::default()
    };
    let o = Options {
        data: Path::new(&a[1]),
        out: Path::new(&a[2]),
        device: Default::default(),
        now: 1,
    };
    let f = train(&o, &recipe, &p).unwrap();
    println!("{:#?}", f.record.parameters);
    println!("{:?}", f.record.validation);
    for c in &f.record.curve {
        println!("{c:?}");
    }
    let measured = evaluate::Options {
        bundle: &o.out.join("bundle"),
        against: None,
        data: o.data,
        protocol: Default::default(),
        baselines: false,
        breakdown: false,
        report: None,
    };
    println!(
        "{}",
        serde_json::to_string_pretty(&evaluate::evaluate(&measured, &p).unwrap()).unwrap()
    );
}
