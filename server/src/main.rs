//! The `vitrine-server` command.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{CommandFactory, Parser};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use vitrine_core::checkpoint::{Checkpoint, MAX_CHECKPOINT_BYTES};
use vitrine_core::signature::PublicKey;
use vitrine_server::audit::Known;
use vitrine_server::cli::{
    AuditArgs, Cli, Command, DatabaseArgs, ObliviousKeyCommand, PrivacyArgs, ReleaseArgs, ServeArgs,
};
use vitrine_server::clock::{Clock, SystemClock};
use vitrine_server::config::{Config, Layer, check_environment};
use vitrine_server::oblivious::keys::{self, Keys};
use vitrine_server::storage::Database;
use vitrine_server::{audit, release, serve, statement};

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
        Some(Command::Privacy(args)) => run_privacy(args).await,
        Some(Command::Audit(args)) => run_audit(&args),
        Some(Command::ObliviousKey(args)) => run_oblivious_key(&args.command),
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
    let (config, clock) = resolve_database(args.settings)?;
    let (database, policy) = (&config.database, &config.policy);
    let Some(out) = args.out.filter(|_| !args.dry_run) else {
        let forecasts = release::dry_run(database, policy, args.window, &clock).await?;
        if forecasts.is_empty() {
            say("no closed window waits for its release");
        }
        for (window, forecast) in forecasts {
            say(&statement::forecast(window, &forecast));
        }
        return Ok(());
    };
    let outcome = release::release(database, policy, args.window, &out, &clock).await?;
    if outcome.reports.is_empty() && outcome.refused.is_none() {
        say("no closed window holds a report; nothing to release");
    }
    for report in outcome.reports {
        let window = report.window;
        let path = report.path.display();
        match report.released {
            Some(released) => say(&format!(
                "window {window}: {} reports gave {} cells{}{} in {path}; the raw cells are deleted{}{}",
                released.reports,
                released.cells,
                if released.metrics {
                    " and the metrics"
                } else {
                    ""
                },
                match released.left_out {
                    0 => String::new(),
                    left_out =>
                        format!(" (and {left_out} with lower counts LEFT OUT, for want of room)"),
                },
                if outcome.overwritten {
                    ""
                } else {
                    ", but not overwritten"
                },
                statement::cost(released.level, released.noise.as_ref(), &released.year)
            )),
            None if report.written => say(&format!(
                "window {window} was released before; {path} was missing and is written again"
            )),
            None => say(&format!("window {window} was released before, to {path}")),
        }
    }
    outcome.refused.map_or(Ok(()), |error| Err(error.into()))
}

fn run_audit(args: &AuditArgs) -> Result<()> {
    let checkpoint = args.checkpoint.as_deref();
    let checkpoint = checkpoint.map(|path| believed(path, &args.public_keys));
    let known = Known {
        head: args.head,
        checkpoint: checkpoint.transpose()?,
    };
    let checked = audit::verify(&args.file, known)?;
    say(&format!(
        "{} lines, each names the one before",
        checked.lines
    ));
    if let Some(Checkpoint { at, lines, .. }) = known.checkpoint {
        say(&format!(
            "the first {lines} are those of the checkpoint (Unix time {at})"
        ));
    }
    if checked.torn > 0 {
        say("a line after them was cut short; the next start of the server takes it away");
    }
    if let Some(out) = &args.out {
        let checkpoint = Checkpoint {
            at: SystemClock::default().now(),
            lines: checked.lines,
            head: checked.head,
        };
        vitrine_durable::replace(out, &checkpoint.to_bytes())
            .with_context(|| format!("cannot write {}", out.display()))?;
        let name = out.display();
        say(&format!(
            "{name}: sign it where the key is, `vitrine key sign {name} --key KEY`, and keep it there"
        ));
    }
    say(&format!("head {}", checked.head));
    Ok(())
}

/// A checkpoint whose signature verifies.
fn believed(path: &Path, keys: &[PublicKey]) -> Result<Checkpoint> {
    let name = || path.display().to_string();
    let mut file = Vec::new();
    File::open(path)
        .and_then(|open| open.take(MAX_CHECKPOINT_BYTES).read_to_end(&mut file))
        .with_context(name)?;
    let (checkpoint, _) = Checkpoint::verified(&file, keys).with_context(name)?;
    Ok(checkpoint)
}

fn run_oblivious_key(command: &ObliviousKeyCommand) -> Result<()> {
    let keys = match command {
        ObliviousKeyCommand::New { file } => keys::add(file)?,
        ObliviousKeyCommand::Show { file } => Keys::read(file)?,
    };
    let newest = STANDARD.encode(keys.newest()?);
    if let Some(id) = keys.newest_id() {
        say(&format!("key id  {id}"));
    }
    say(&format!("keys    {newest}"));
    say(&format!(
        "pin it  createVitrine({{ relay: {{ url: 'https://…', keys: '{newest}' }} }})"
    ));
    Ok(())
}

async fn run_privacy(args: PrivacyArgs) -> Result<()> {
    let (config, clock) = resolve_database(args.settings)?;
    let mut database = Database::open(&config.database).await?;
    let ledger = database.ledger().await?;
    let waiting = database.windows().await?;
    let waiting = waiting.iter().filter(|window| !window.released).count();
    database.close().await?;
    say(&statement::ledger(
        &ledger,
        &config.policy,
        clock.now(),
        waiting,
    ));
    Ok(())
}

/// The settings in force of a command that works on the database alone, and the clock.
fn resolve_database(args: DatabaseArgs) -> Result<(Config, SystemClock)> {
    let file = args.config.clone();
    let config = resolve(args.layer(), file.as_deref())?;
    let clock = SystemClock {
        offset_seconds: config.clock_offset_seconds,
    };
    Ok((config, clock))
}

/// The settings in force, and logging by them.
fn resolve(flags: Layer, file: Option<&Path>) -> Result<Config> {
    let file = file.map(Layer::from_file).transpose()?.unwrap_or_default();
    let config = flags.over(file).resolve()?;
    let mut filter = EnvFilter::try_new(&config.log)
        .with_context(|| format!("log: '{}' is not a filter such as `info`", config.log))?;
    // At `debug` and `trace` these would write lines for each report, with its time.
    for quiet in ["actix_http=warn", "mio=warn"] {
        filter = filter.add_directive(quiet.parse()?);
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // Written to standard error, where that is closed, it would be a panic.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal())
        .init();
    Ok(config)
}

/// A line on standard output. Whoever started us may have closed it, which is no reason to stop.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
