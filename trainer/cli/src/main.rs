//! The `vitrine` command.

// A line that is written with `say!` or `tell!` survives a closed pipe.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod commands;
mod deltas;
mod destination;
mod key_file;
mod output;
mod progress;
mod quarantine;

use clap::{Parser, Subcommand};
use output::tell;
use std::process::ExitCode;

/// Keeps large blocks that are freed: the C library hands each back to the system, and a training
/// step would wait for its pages to be cleared again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Learns a compact ranking model from a shop's history, for shoppers' own browsers.
///
/// A first run on a simulated shop:
///
///   vitrine simulate --out shop
///   vitrine prepare --events shop --preset behaviour --out data
///   vitrine train --data data --out run
///   vitrine evaluate --bundle run/bundle --data data --baselines
///   vitrine publish run/bundle --to store
///   vitrine-server serve --store store
#[derive(Parser)]
#[command(version, verbatim_doc_comment, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Prepare(Box<commands::prepare::Arguments>),
    Simulate(commands::simulate::Arguments),
    Train(commands::train::Arguments),
    Compress(commands::compress::Arguments),
    Evaluate(commands::evaluate::Arguments),
    Export(commands::export::Arguments),
    Key(commands::key::Arguments),
    Privacy(commands::privacy::Arguments),
    Promote(commands::promote::Arguments),
    Publish(commands::publish::Arguments),
    Quarantine(commands::quarantine::Arguments),
    Rollback(commands::rollback::Arguments),
    Retrain(commands::retrain::Arguments),
    Tune(commands::tune::Arguments),
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("VITRINE_LOG")
                .unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        // Written to standard error, where that is closed, it would be a panic.
        .log_internal_errors(false)
        .init();
    let done = match Cli::parse().command {
        Command::Prepare(arguments) => commands::prepare::run(*arguments),
        Command::Simulate(arguments) => commands::simulate::run(arguments),
        Command::Train(arguments) => commands::train::run(&arguments),
        Command::Compress(arguments) => commands::compress::run(&arguments),
        Command::Evaluate(arguments) => commands::evaluate::run(&arguments),
        Command::Export(arguments) => commands::export::run(&arguments),
        Command::Key(arguments) => commands::key::run(&arguments),
        Command::Privacy(arguments) => commands::privacy::run(&arguments),
        Command::Promote(arguments) => commands::promote::run(&arguments),
        Command::Publish(arguments) => commands::publish::run(&arguments),
        Command::Quarantine(arguments) => commands::quarantine::run(&arguments),
        Command::Rollback(arguments) => commands::rollback::run(&arguments),
        Command::Retrain(arguments) => commands::retrain::run(&arguments),
        Command::Tune(arguments) => commands::tune::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell!("error: {}", in_one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and what caused it. Many errors tell their cause themselves; it is not told twice.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}
