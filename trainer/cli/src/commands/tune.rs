//! `vitrine tune`.

use crate::output::say;
use crate::progress::Bars;
use anyhow::ensure;
use std::path::PathBuf;
use vitrine_learn::cross_validation::CrossValidation;
use vitrine_learn::encoder::device::DeviceChoice;
use vitrine_learn::recipe::Recipe;
use vitrine_learn::tune::{Options, PAGE, tune};

/// Search the encoder's hyper-parameters on validation: OUT/recipe.toml is ready for `train`.
///
/// Random search with successive halving: all trials make one pass, the better third three, the
/// better third of those nine. The table's own parameters need no search here: `train` chooses
/// them itself, in seconds. An interrupted search goes on when it is started again.
/// OUT/search.html shows every trial.
///
///   vitrine tune --data data --out search --trials 9
///   vitrine train --data data --recipe search/recipe.toml --out run
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Folder that `vitrine prepare` wrote.
    #[arg(long)]
    data: PathBuf,
    /// Folder of the search.
    #[arg(long)]
    out: PathBuf,
    /// TOML file to start from; the default recipe without one.
    #[arg(long)]
    recipe: Option<PathBuf>,
    /// Trials of the first round.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..=243))]
    trials: u16,
    /// What each trial is judged on. `rolling-origin`: the last tenths of train, each with the
    /// history before it. `k-fold`: every k-th session, each time others, with all other sessions.
    #[arg(long, value_enum, default_value = "rolling-origin")]
    cross_validation: Kind,
    /// How many tenths, 1 to 5, or how many folds, 2 to 20 [default: 1 tenth, 5 folds].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=20))]
    folds: Option<u16>,
    /// What trains the encoder: auto, cpu or cuda.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    RollingOrigin,
    KFold,
}

impl Arguments {
    fn cross_validation(&self) -> anyhow::Result<CrossValidation> {
        let folds = self.folds.map(usize::from);
        match self.cross_validation {
            Kind::RollingOrigin => {
                let origins = folds.unwrap_or(1);
                ensure!(
                    origins <= 5,
                    "--folds is above 5: before the last five tenths too little is left to learn from"
                );
                Ok(CrossValidation::RollingOrigin(origins))
            }
            Kind::KFold => {
                let folds = folds.unwrap_or(5);
                ensure!(
                    folds >= 2,
                    "--folds is below 2: one fold leaves nothing to learn from"
                );
                Ok(CrossValidation::KFold(folds))
            }
        }
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let recipe = match &arguments.recipe {
        Some(path) => Recipe::read(path)?,
        None => Recipe::default(),
    };
    super::keep_apart(&arguments.data, &arguments.out)?;
    let options = Options {
        data: &arguments.data,
        out: &arguments.out,
        device: arguments.device,
        trials: usize::from(arguments.trials),
        cross_validation: arguments.cross_validation()?,
    };
    let trials = tune(&options, &recipe, &Bars::new())?;
    say!(
        "trial passes    P@20  MRR@20  backbone   rate     dropout  temp.  hidden  negatives  batch"
    );
    for trial in &trials {
        let p = &trial.parameters;
        say!(
            "{:>5} {:>6} {:7.2} {:7.2}  {:<9}  {:.5}  {:>7.2} {:>6.2} {:>7} {:>10} {:>6}",
            trial.number,
            trial.passes(),
            trial.figures().p20,
            trial.figures().mrr20,
            p.backbone.name(),
            p.learning_rate,
            p.dropout,
            p.temperature,
            p.hidden,
            p.negatives,
            p.batch
        );
    }
    say!("page: {}", arguments.out.join(PAGE).display());
    say!(
        "next: vitrine train --data {} --recipe {}/recipe.toml --out run",
        arguments.data.display(),
        arguments.out.display()
    );
    Ok(())
}
