//! `vitrine privacy`.

use crate::output::{self, say};
use crate::progress::Bars;
use anyhow::Context;
use std::path::PathBuf;
use vitrine_core::privacy::MAX_CELLS;
use vitrine_learn::files::write_atomically;
use vitrine_learn::levels::forged::forge;
use vitrine_learn::levels::{Options, markdown, recommend, simulate, write_page};
use vitrine_learn::recipe::{Recipe, TableForm};

/// Measure what each privacy level would keep of the visitors' reports, on the shop's own history.
///
/// The first half of the train sessions plays the history that the shop has, the second half the
/// visitors of whom only cells come back. The table is learned from the history with what each
/// level would release of them, and measured on the test split. A level is then recommended: the
/// strongest promise that keeps at least --keep percent of what whole sessions would be worth.
///
///   vitrine privacy --data data
///   vitrine privacy --data data --report levels.html
///   vitrine privacy --data data --forged 1 --windows 4 --cells 8
///   vitrine privacy --data data --windows 1 --cells 8 --form ridge --recipe slist.toml
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Folder that `vitrine prepare` wrote.
    #[arg(long)]
    data: PathBuf,
    /// TOML file whose [table] gives the parameters; the defaults without one.
    #[arg(long)]
    recipe: Option<PathBuf>,
    /// `ridge` also measures the ridge solution, with the recipe's parameters; the first-order
    /// table then has its defaults.
    #[arg(long, value_enum, default_value = "first-order")]
    form: Form,
    /// Into how many windows the visitors are cut, several separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4")]
    windows: Vec<usize>,
    /// L: the most transitions that a profile reports in a window, several separated by commas.
    #[arg(
        long,
        value_delimiter = ',', default_value = "4,8,16",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CELLS))
    )]
    cells: Vec<u32>,
    /// Percent of the field's value that a recommended level keeps at least.
    #[arg(long, default_value_t = 50.0)]
    keep: f64,
    /// Instead of comparing levels, measure what so many percent of forged reports do to an item's
    /// exposure, with the first of --windows and --cells.
    #[arg(long, value_name = "PERCENT", conflicts_with = "report")]
    forged: Option<f64>,
    /// Seed of what is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write a page with the curves to FILE.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the tables as Markdown to FILE.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    FirstOrder,
    Ridge,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let given = match &arguments.recipe {
        Some(path) => Recipe::read(path)?,
        None => Recipe::default(),
    };
    if let Some(percent) = arguments.forged {
        return forged(arguments, &given, percent);
    }
    let mut recipes = Vec::new();
    if arguments.form == Form::Ridge {
        let mut ridge = given;
        ridge.table.form = TableForm::Ridge;
        recipes.push(ridge);
        recipes.push(Recipe::default());
    } else {
        recipes.push(given);
    }
    let mut measured = Vec::new();
    for recipe in &recipes {
        let options = Options {
            data: &arguments.data,
            recipe,
            cells: &arguments.cells,
            windows: &arguments.windows,
            seed: arguments.seed,
        };
        measured.push(simulate(&options, &Bars::new())?);
    }
    let recommended: Vec<_> = measured
        .iter()
        .map(|levels| recommend(levels, arguments.keep))
        .collect();
    let mut text = String::new();
    for (levels, found) in measured.iter().zip(&recommended) {
        text += &markdown(levels, found.as_ref(), arguments.keep);
        text.push('\n');
    }
    output::out(format_args!("{text}"));
    if let Some(path) = &arguments.markdown {
        let page = format!(
            "# What each privacy level keeps\n\nWritten by `vitrine privacy --markdown`, seed \
             {}. The first half of the train sessions is the history, the second half plays the \
             visitors of whom only cells come back; each session counts as a profile of its own, \
             transitions lie at most three events apart.\n\n{}\n",
            arguments.seed,
            text.trim_end()
        );
        write_atomically(path, page.as_bytes()).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &arguments.report {
        write_page(path, &measured, &recommended, arguments.keep)
            .with_context(|| path.display().to_string())?;
        say!("report: {}", path.display());
    }
    Ok(())
}

/// Measures what forged reports do.
fn forged(arguments: &Arguments, recipe: &Recipe, percent: f64) -> anyhow::Result<()> {
    anyhow::ensure!(
        percent > 0.0 && percent <= 100.0,
        "--forged is not above 0 and at most 100"
    );
    let options = Options {
        data: &arguments.data,
        recipe,
        cells: &arguments.cells,
        windows: &arguments.windows,
        seed: arguments.seed,
    };
    let found = forge(&options, percent, &Bars::new())?;
    let text = found.markdown();
    say!("{text}\nworst: {:.2} times", found.worst());
    if let Some(path) = &arguments.markdown {
        let page = format!(
            "# What forged reports do\n\nWritten by `vitrine privacy --forged {percent} \
             --markdown`, seed {}.\n\n{text}",
            arguments.seed
        );
        write_atomically(path, page.as_bytes()).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
