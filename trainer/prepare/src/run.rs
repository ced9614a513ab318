//! One run from the options to the prepared folder.

use crate::catalogue;
use crate::checks;
use crate::collect::{Collected, collect, empty};
use crate::columns::Input;
use crate::dataset::{DatasetFile, FILE_NAME, options_value};
use crate::engine::Engine;
use crate::error::PrepareError;
use crate::identity::Identity;
use crate::inputs;
use crate::join;
use crate::mapping::{Mapping, Shape};
use crate::notice::{Notice, Notices};
use crate::options::{Options, TestPart};
use crate::pipeline::{self, Outcome, Sources};
use crate::preset::Preset;
use crate::preview;
use crate::progress::Progress;
use crate::rejected::{self, Read};
use crate::report::{self, Facts, Figures, InputFacts};
use crate::source::{self, SourceFile, spool};
use crate::staging::{Staging, file};
use crate::values::Told;
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
    if let Some((finding, advice)) = mapping.preset.caveat() {
        notices.add("preset_caveat", finding, advice);
    }
    refuse_own_output(options)?;
    let mut inputs = inputs::find(options, &mapping, &notices)?;

    let staging = Staging::new(&options.out)?;
    let work = staging.work();
    for files in [&mut inputs.events, &mut inputs.orders, &mut inputs.items] {
        spool(files, &work)?;
    }
    let mut next_row = 0;
    let told = Told::of(options, mapping.preset);
    let mut read = |shape: &Shape, files: Vec<SourceFile>| -> Result<Collected, PrepareError> {
        let target = match shape.join {
            Some(_) if !files.is_empty() => join::lines_path(&work, shape.input),
            _ => collected_path(&work, shape),
        };
        if files.is_empty() {
            empty(shape.input, &target)?;
            return Ok(Collected::default());
        }
        let collect = |shape, files, first_row, target: &Path| {
            let bad = options.max_bad_rows;
            collect(
                shape, files, told, bad, first_row, target, &notices, progress,
            )
        };
        let mut collected = collect(shape, files, next_row, &target)?;
        next_row += collected.rows;
        if let Some(join) = &shape.join {
            let files = vec![source::file(&join.file)?];
            let heads = join::heads_path(&work, shape.input);
            collected.joined = Some(Box::new(collect(&join.shape, files, 0, &heads)?));
        }
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
    if options.strict {
        refuse_notices(options, &summary.notices)?;
    }
    staging.publish()?;
    Ok(summary)
}

/// An error where an input lies in the folder that the result replaces.
fn refuse_own_output(options: &Options) -> Result<(), PrepareError> {
    let Ok(out) = options.out.canonicalize() else {
        return Ok(());
    };
    let inputs = [
        Some(&options.events),
        options.items.as_ref(),
        options.orders.as_ref(),
    ];
    for path in inputs.into_iter().flatten() {
        if path.canonicalize().is_ok_and(|path| path.starts_with(&out)) {
            return Err(PrepareError::Output {
                path: options.out.clone(),
                problem: format!(
                    "would be replaced, and {} is read from it; name another folder with --out",
                    path.display()
                ),
            });
        }
    }
    Ok(())
}

/// Notices that are true of most honest files, so that no run fails for them.
const REMARKS: &[&str] = &["times_without_zone"];

/// An error where a notice is none of those that the options accept.
fn refuse_notices(options: &Options, notices: &[Notice]) -> Result<(), PrepareError> {
    let mut refused: Vec<_> = notices.iter().map(|notice| notice.name).collect();
    refused.retain(|name| {
        !REMARKS.contains(name) && !options.accept.iter().any(|accepted| accepted == name)
    });
    refused.dedup();
    if refused.is_empty() {
        return Ok(());
    }
    Err(PrepareError::Strict {
        path: options.out.clone(),
        notices: notices.to_vec(),
        refused,
    })
}

pub(crate) fn check(options: &Options) -> Result<(), PrepareError> {
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

/// Where the typed table of an input lies.
fn collected_path(work: &Path, shape: &Shape) -> PathBuf {
    work.join(format!("{}_collected.parquet", shape.input.name()))
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
        for (collected, shape) in [
            (&self.events, &self.mapping.events),
            (&self.orders, &self.mapping.orders),
        ] {
            if let (Some(join), Some(_)) = (&shape.join, &collected.joined) {
                let target = collected_path(&work, shape);
                join::apply(&engine, shape.input, join, &work, &target, self.notices).await?;
            }
        }
        let event_files: Vec<_> = self.events.files.iter().map(|f| f.path.clone()).collect();
        let path = |path: &Option<PathBuf>| path.clone().unwrap_or_else(|| options.events.clone());
        let identity = Identity {
            said: &self.mapping.identity,
            paths: [
                ("events", options.events.clone()),
                ("orders", path(&options.orders)),
                ("items", path(&options.items)),
            ],
            published: self.events.found.contains(&"split"),
            orders_told: [&self.events, &self.orders]
                .iter()
                .any(|input| input.found.contains(&"order_id")),
            notices: self.notices,
        };
        let sources = Sources {
            events: &event_files,
            orders: !self.orders.files.is_empty(),
            // A catalogue of properties is a history of items, not a list of those on sale.
            items: !self.items.files.is_empty() && !self.items.found.contains(&"property"),
            stock: self.items.found.contains(&"in_stock"),
            identity,
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
        let has = |input: &Collected, name| input.found.contains(&name);
        checks::Facts {
            options,
            figures: &figures,
            rows: inputs.map(|(collected, shape)| (shape.input.name(), collected.rows)),
            dropped: &dropped,
            titles: has(&self.items, "title") || has(&self.events, "title"),
            published: has(&self.events, "split"),
            notices: self.notices,
        }
        .check(&mut engine)
        .await?;
        if figures.span_ms.is_none() && !has(&self.events, "split") {
            let sessions = has(&self.events, "session_id");
            preview::note_missing_times(&self.events.like_times, sessions, self.notices);
        }
        let dataset = self.dataset(&outcome, &figures);
        let path = result.join(FILE_NAME);
        let json =
            serde_json::to_vec_pretty(&dataset).map_err(|e| PrepareError::io(&path)(e.into()))?;
        std::fs::write(&path, json).map_err(PrepareError::io(&path))?;
        let joined = inputs[..2].iter().filter_map(|(collected, shape)| {
            let name = match shape.input {
                Input::Events => "events.join",
                _ => "orders.join",
            };
            collected.joined.as_deref().map(|joined| (name, joined))
        });
        let facts = inputs
            .iter()
            .filter(|(collected, _)| !collected.files.is_empty())
            .map(|(collected, shape)| (shape.input.name(), *collected));
        let facts = facts.chain(joined).map(|(input, collected)| InputFacts {
            input,
            files: collected.files.iter().map(SourceFile::described).collect(),
            rows: collected.rows,
            columns: collected.found.clone(),
            unread: collected.unread.clone(),
        });
        let facts = facts.collect();
        catalogue::tell(&engine, &sources, self.notices).await?;
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
            options: options_value(
                options,
                self.mapping.preset,
                &self.mapping.identity,
                &outcome.thresholds,
            ),
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

/// True if a simulator left its mark beside the data.
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
