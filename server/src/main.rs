//! The `vitrine-server` command.

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use vitrine_server::cli::{Cli, Command, ReleaseArgs, ServeArgs};
use vitrine_server::clock::SystemClock;
use vitrine_server::config::{Config, Layer, check_environment};
use vitrine_server::{release, serve};

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    check_environment(
        &Cli::command(),
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()),
    )?;
    match cli.command {
        None => run_serve(cli.serve).await,
        Some(Command::Serve(args)) => run_serve(args).await,
        Some(Command::Release(args)) => run_release(args).await,
    }
}

async fn run_serve(args: ServeArgs) -> Result<()> {
    let config = resolve(args.settings, args.config.as_deref())?;
    let clock = SystemClock {
        offset_seconds: config.clock_offset_seconds,
    };
    // Before listening: a signal between the first line and the handler would kill.
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;

    let running = serve::start(&config, Arc::new(clock)).await?;
    say(&format!(
        "vitrine-server listens on http://{}",
        running.address
    ));
    if let Some(address) = running.admin_address {
        say(&format!("vitrine-server admin listens on http://{address}"));
    }
    let stop = running.stopper();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: running requests end, then the database is closed");
        stop.stop().await;
    });
    running.ended().await?;
    tracing::info!("stopped");
    Ok(())
}

async fn run_release(args: ReleaseArgs) -> Result<()> {
    let flags = Layer {
        database: args.database,
        clock_offset_seconds: args.clock_offset_seconds,
        ..Layer::default()
    };
    let config = resolve(flags, args.config.as_deref())?;
    let clock = SystemClock {
        offset_seconds: config.clock_offset_seconds,
    };
    let reports = release::release(&config.database, args.window, &args.out, &clock).await?;
    if reports.is_empty() {
        say("no closed window holds a report; nothing to release");
    }
    for report in reports {
        let window = report.window;
        let path = report.path.display();
        match report.released {
            Some(released) => say(&format!(
                "window {window}: {} reports gave {} cells in {path}; the raw cells are deleted",
                released.reports, released.cells
            )),
            None if report.written => say(&format!(
                "window {window} was released before; {path} was missing and is written again"
            )),
            None => say(&format!("window {window} was released before, to {path}")),
        }
    }
    Ok(())
}

/// The settings in force, and logging by them.
fn resolve(flags: Layer, file: Option<&Path>) -> Result<Config> {
    let file = file.map(Layer::from_file).transpose()?.unwrap_or_default();
    let config = flags.over(file).resolve()?;
    let filter = EnvFilter::try_new(&config.log)
        .with_context(|| format!("log: '{}' is not a filter such as `info`", config.log))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    Ok(config)
}

/// A line on standard output. Whoever started us may have closed it, which is no reason to stop.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
