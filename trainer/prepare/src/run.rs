//! One run from the options to the prepared folder.

use crate::collect::{Collected, DefaultAction, collect, empty};
use crate::dataset::{DatasetFile, FILE_NAME, options_value};
use crate::engine::Engine;
use crate::error::PrepareError;
use crate::inputs;
use crate::mapping::{Mapping, Shape};
use crate::notice::{Notice, Notices};
use crate::options::{Options, TestPart};
use crate::pipeline::{self, Outcome, Sources};
use crate::preset::Preset;
use crate::progress::Progress;
use crate::rejected::{self, Read};
use crate::report::{self, Facts, Figures, InputFacts};
use crate::source::{SourceFile, spool};
use crate::staging::{Staging, file};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use vitrine_core::dataset::{DatasetFacts, SplitFacts};

/// What a run did.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Contents of `dataset.json`.
    pub dataset: DatasetFile,
    /// The prepared folder.
    pub out: PathBuf,
    /// The report for people.
    pub report: PathBuf,
    /// Every dropped row.
    pub rejected: PathBuf,
    /// Rows read of events, orders and items together.
    pub rows_read: u64,
    /// Events in the result.
    pub events: u64,
    /// Order lines that confirmed a purchase in the behaviour.
    pub orders_matched: u64,
    /// Order lines that became purchases.
    pub orders_added: u64,
    /// Rows dropped, by the rules that dropped any, by name.
    pub dropped: Vec<(String, u64)>,
    /// What to look at before the result is trusted.
    pub notices: Vec<Notice>,
}

/// Prepares a dataset. Blocks until it is done; may be called from any thread.
///
/// # Errors
/// [`PrepareError`] for what no single row can be blamed for: files that are missing, cut off or
/// empty, columns that can't be found, too many bad rows, nothing left, a full disk. The output
/// folder is then as it was before.
pub fn prepare(options: &Options, progress: &dyn Progress) -> Result<Summary, PrepareError> {
    check(options)?;
    let notices = Notices::default();
    let mapping = Mapping::new(options)?;
    let mut inputs = inputs::find(options, &mapping, &notices)?;

    let staging = Staging::new(&options.out)?;
    let work = staging.work();
    for files in [&mut inputs.events, &mut inputs.orders, &mut inputs.items] {
        spool(files, &work)?;
    }
    let mut next_row = 0;
    let mut read = |shape: &Shape, files: Vec<SourceFile>| -> Result<Collected, PrepareError> {
        let target = work.join(format!("{}_collected.parquet", shape.input.name()));
        if files.is_empty() {
            empty(shape.input, &target)?;
            return Ok(Collected::default());
        }
        let default_action = DefaultAction(options.default_action);
        let collected = collect(
            shape,
            files,
            default_action,
            next_row,
            &target,
            &notices,
            progress,
        )?;
        next_row += collected.rows;
        Ok(collected)
    };
    let events = read(&mapping.events, inputs.events)?;
    let orders = read(&mapping.orders, inputs.orders)?;
    let items = read(&mapping.items, inputs.items)?;

    let run = Run {
        options,
        mapping: &mapping,
        events,
        orders,
        items,
        staging: &staging,
        notices: &notices,
        progress,
    };
    let summary = run.on_own_runtime()?;
    staging.publish()?;
    Ok(summary)
}

fn check(options: &Options) -> Result<(), PrepareError> {
    let fail = |problem: &str| Err(PrepareError::Option(problem.into()));
    if !(0.0..=1.0).contains(&options.max_bad_rows) {
        return fail("--max-bad-rows is a share: it must lie between 0 and 1");
    }
    if let TestPart::Share(share) = options.test
        && !(0.0..1.0).contains(&share)
    {
        return fail("the share of the test part must lie between 0 and 1");
    }
    if options.memory_mb < 64 {
        return fail("--memory-mb must be at least 64");
    }
    if options.shortest_prefix == Some(0) {
        return fail(
            "--shortest-prefix must be at least 1: without an event nothing can be ranked",
        );
    }
    Ok(())
}

struct Run<'a> {
    options: &'a Options,
    mapping: &'a Mapping,
    events: Collected,
    orders: Collected,
    items: Collected,
    staging: &'a Staging,
    notices: &'a Notices,
    progress: &'a dyn Progress,
}

impl Run<'_> {
    /// Runs the statements on a runtime of their own, on a thread of their own: the caller may
    /// be inside a runtime, where blocking is a panic. Plans of many unions recurse deeply, hence
    /// the large stacks.
    fn on_own_runtime(&self) -> Result<Summary, PrepareError> {
        const STACK: usize = 16 << 20;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_stack_size(STACK)
            .build()
            .map_err(PrepareError::io(self.staging.work()))?;
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, || runtime.block_on(self.statements()))
                .map_err(PrepareError::io(self.staging.work()))?;
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    async fn statements(&self) -> Result<Summary, PrepareError> {
        let options = self.options;
        let (work, result) = (self.staging.work(), self.staging.result());
        let mut engine = Engine::new(&work, options.memory_mb, self.progress)?;
        let event_files: Vec<_> = self.events.files.iter().map(|f| f.path.clone()).collect();
        let sources = Sources {
            events: &event_files,
            orders: !self.orders.files.is_empty(),
        };
        let now_ms = options.now_ms.unwrap_or_else(now);
        let preset = self.mapping.preset;
        let outcome = pipeline::run(
            &mut engine,
            options,
            preset,
            &sources,
            now_ms,
            &work,
            &result,
        )
        .await?;
        let inputs = [
            (&self.events, &self.mapping.events),
            (&self.orders, &self.mapping.orders),
            (&self.items, &self.mapping.items),
        ];
        let reads = inputs.map(|(collected, shape)| Read {
            shape,
            files: &collected.files,
        });
        let path = result.join(file::REJECTED);
        let rejected = rejected::write(&engine, &reads, &path, self.progress).await?;
        let mut dropped: Vec<_> = rejected
            .by_rule
            .iter()
            .map(|(k, v)| (k.clone(), *v))
            .collect();
        dropped.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        let figures = report::figures(&engine).await?;
        let events: u64 = figures.parts.iter().map(|part| part.events).sum();
        if events == 0 {
            let rules: Vec<_> = dropped
                .iter()
                .map(|(rule, n)| format!("{rule} dropped {n}"))
                .collect();
            return Err(PrepareError::NothingLeft {
                rows: self.events.rows,
                why: rules.join(", "),
            });
        }
        let dataset = self.dataset(&outcome, &figures);
        let path = result.join(FILE_NAME);
        let json =
            serde_json::to_vec_pretty(&dataset).map_err(|e| PrepareError::io(&path)(e.into()))?;
        std::fs::write(&path, json).map_err(PrepareError::io(&path))?;
        let facts = inputs
            .iter()
            .filter(|(collected, _)| !collected.files.is_empty());
        let facts = facts.map(|(collected, shape)| InputFacts {
            input: shape.input.name(),
            files: collected.files.iter().map(SourceFile::described).collect(),
            rows: collected.rows,
            columns: collected.found.clone(),
        });
        let facts = facts.collect();
        let notices = self.notices.all();
        report::write(
            &mut engine,
            Facts {
                dataset: dataset.clone(),
                inputs: facts,
                notices: notices.clone(),
            },
            &outcome,
            rejected,
            figures,
            &result,
        )
        .await?;
        Ok(Summary {
            dataset,
            report: options.out.join(file::REPORT_HTML),
            rejected: options.out.join(file::REJECTED),
            out: options.out.clone(),
            rows_read: inputs.iter().map(|(collected, _)| collected.rows).sum(),
            events,
            orders_matched: outcome.orders_matched,
            orders_added: outcome.orders_added,
            dropped,
            notices,
        })
    }

    fn dataset(&self, outcome: &Outcome, figures: &Figures) -> DatasetFile {
        let options = self.options;
        let seconds = |ms: i64| u64::try_from(ms.div_euclid(1000)).ok();
        let shortest = u32::try_from(figures.sessions.shortest).unwrap_or(u32::MAX);
        let prefix = options
            .shortest_prefix
            .unwrap_or_else(|| shortest.saturating_sub(1).max(1));
        let splits = figures.parts.iter().map(|part| {
            let facts = SplitFacts {
                sessions: part.sessions,
                events: part.events,
            };
            (part.part.clone(), facts)
        });
        let folders = [Some(&options.events), options.items.as_ref()];
        DatasetFile {
            facts: DatasetFacts {
                name: options
                    .name
                    .clone()
                    .unwrap_or_else(|| name_of(&options.events)),
                source: self.source(),
                synthetic: folders.into_iter().flatten().any(|path| is_synthetic(path)),
                items: figures.items,
                splits: splits.collect(),
                from: figures.span_ms.and_then(|(first, _)| seconds(first)),
                to: figures.span_ms.and_then(|(_, last)| seconds(last)),
                shortest_prefix: prefix as usize,
                session_gap: options.session_gap,
                split_rule: outcome.test_rule.clone(),
            },
            protocol: outcome.protocol,
            catalogue: figures.catalogue.items,
            span_ms: figures.span_ms,
            test_from_ms: outcome.test_from_ms,
            options: options_value(options, self.mapping.preset, &outcome.thresholds),
        }
    }

    fn source(&self) -> String {
        let preset = self.mapping.preset;
        match (&self.options.mapping, self.options.columns.is_empty()) {
            (Some(path), _) => {
                let file = path.file_name().unwrap_or(path.as_os_str());
                format!("{} with {}", preset.name(), file.to_string_lossy())
            }
            (None, false) if preset == Preset::Auto => "columns given by hand".into(),
            (None, false) => format!("{} with columns given by hand", preset.name()),
            (None, true) => preset.name().into(),
        }
    }
}

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The folder's name, or the file's; `history` for a stream; for a file that is called `events`, its folder's.
fn name_of(path: &Path) -> String {
    if path.as_os_str() == "-" || path.starts_with("/dev") {
        return "history".into();
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let name = |path: &Path| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        name.unwrap_or_else(|| "history".into())
    };
    if path.is_dir() {
        return name(&path);
    }
    let file = name(&path);
    let stem = file.split('.').next().unwrap_or_default();
    match path.parent() {
        Some(parent) if stem.is_empty() || stem.eq_ignore_ascii_case("events") => name(parent),
        _ => stem.into(),
    }
}

/// Whether a simulator left its mark beside the data.
fn is_synthetic(path: &Path) -> bool {
    let folder = if path.is_dir() {
        Some(path)
    } else {
        path.parent()
    };
    folder.is_some_and(|folder| {
        ["synthetic.json", "SYNTHETIC"]
            .iter()
            .any(|mark| folder.join(mark).exists())
    })
}
