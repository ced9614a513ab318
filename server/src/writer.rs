//! Group commit: one task owns the database and stores all reports that wait in one
//! transaction.
//!
//! A flush costs milliseconds and is the same for one row as for a thousand. While one batch is
//! being flushed the next gathers in the queue, so batches grow with the load and nothing waits
//! on a timer. The queue is bounded: beyond it a report is refused at once with 503, which a
//! client can retry, instead of being held in memory, which a crash would lose.
//!
//! Which reports came together, and in what order, is kept for as short a time as the flush allows: a
//! batch is stored in the order of its nonces' hashes, SQLite's log is cut in every pause, and
//! PostgreSQL's rows are shuffled every hour.
//!
//! After a failed batch the connection is opened anew, so that a disk that was full and is not
//! any more needs no restart.

use crate::clock::Clock;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::promise::{Policy, Promise, Promises};
use crate::storage::{Database, Location, Recorded, Refusal, Row, ServerId, StorageError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use vitrine_core::window::{Admission, WindowName};

/// The most reports in one transaction: bounds the memory and the length of the lock.
const BATCH: usize = 4096;
/// How long a batch may take. A database that does not answer, as behind a cut network, must not
/// hold up reports for ever; what became of the batch is unknown then, and retries settle it.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often a server notes its clock while reports come, in seconds.
const CLOCK_NOTED_SECONDS: u64 = 60;
/// When nothing comes for as long, the database may tidy up.
const PAUSE: Duration = Duration::from_secs(1);
/// While reports come without a pause, it tidies up this often.
const TIDIED: Duration = Duration::from_secs(60);
/// How often raw rows are shuffled, at most.
const SHUFFLED: Duration = Duration::from_secs(3600);
/// And what part of the time it may take: a large table is shuffled more seldom.
const SHUFFLING: u32 = 1000;

/// Hands reports to the writer's task. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::Sender<Request>,
}

/// Why a report was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// More reports wait than may.
    #[error("too many reports are waiting for the disk; send this one again later")]
    Full,
    /// The database did not take it.
    #[error("the report could not be written to the disk; send it again later")]
    Failed,
    /// There is no window to count it in.
    #[error("no bundle is published yet, so there is no window to count a report in")]
    NothingPublished,
    /// The promises of its window cannot be read.
    #[error(
        "the store cannot be read, so the window of the report has no promise; send it again \
             later"
    )]
    Store,
}

enum Request {
    Report(Row, oneshot::Sender<Result<Recorded, WriteError>>),
    Probe(oneshot::Sender<Result<(), StorageError>>),
    Overdue(oneshot::Sender<Result<u64, StorageError>>),
}

impl Writer {
    /// Starts the task. It ends when every [`Writer`] is dropped and the queue is empty; then
    /// it closes the database.
    #[allow(clippy::too_many_arguments)] // Called once, where the server is put together.
    pub fn start(
        database: Database,
        location: Location,
        server: ServerId,
        live: Arc<Live>,
        policy: Policy,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        capacity: usize,
    ) -> (Self, JoinHandle<Result<(), StorageError>>) {
        let (queue, requests) = mpsc::channel(capacity);
        let task = Task {
            database: Some(database),
            location,
            server,
            clock_noted: None,
            promises: Promises::new(live, policy),
            overlap_warned: None,
            clock,
            metrics,
            requests,
        };
        (Self { queue }, tokio::spawn(task.run()))
    }

    /// Stores a report; the answer comes when it is flushed to the disk.
    pub async fn record(&self, row: Row) -> Result<Recorded, WriteError> {
        let (answer, stored) = oneshot::channel();
        self.queue
            .try_send(Request::Report(row, answer))
            .map_err(|_| WriteError::Full)?;
        stored.await.unwrap_or(Err(WriteError::Failed))
    }

    /// True if the database takes writes; `None` when the queue is full or the task is gone.
    pub async fn probe(&self) -> Option<Result<(), StorageError>> {
        let (answer, probed) = oneshot::channel();
        self.queue.try_send(Request::Probe(answer)).ok()?;
        probed.await.ok()
    }

    /// How many closed windows wait to be released; `None` as for [`Writer::probe`].
    pub async fn overdue(&self) -> Option<Result<u64, StorageError>> {
        let (answer, counted) = oneshot::channel();
        self.queue.try_send(Request::Overdue(answer)).ok()?;
        counted.await.ok()
    }

    /// Reports that wait.
    pub fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

struct Task {
    /// `None` after a failure, until the next batch opens it again.
    database: Option<Database>,
    location: Location,
    server: ServerId,
    /// When this server's clock was last noted in the database, by that clock.
    clock_noted: Option<u64>,
    promises: Promises,
    /// The last window of which it was said that it overlaps another.
    overlap_warned: Option<WindowName>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    requests: mpsc::Receiver<Request>,
}

/// What is to be done so that the database does not keep the order in which reports came, and when.
struct Chores {
    /// Until when the database is tidied, though reports come; `None`: it is tidy.
    untidy: Option<Instant>,
    /// True if a whole pause went by.
    is_quiet: bool,
    /// True if reports were stored since raw rows were shuffled.
    unshuffled: bool,
    next_shuffle: Instant,
}

impl Chores {
    fn new() -> Self {
        Self {
            untidy: None,
            is_quiet: false,
            // A process before this one may have left rows in their order.
            unshuffled: true,
            next_shuffle: Instant::now() + SHUFFLED,
        }
    }

    /// Reports were stored.
    fn stored(&mut self) {
        self.untidy.get_or_insert_with(|| Instant::now() + TIDIED);
        self.is_quiet = false;
        self.unshuffled = true;
    }

    /// None came for as long as [`Chores::pause`] says.
    fn quiet(&mut self) {
        self.is_quiet = true;
    }

    fn tidying_is_due(&self) -> bool {
        self.untidy
            .is_some_and(|until| self.is_quiet || Instant::now() >= until)
    }

    fn shuffling_is_due(&self) -> bool {
        self.unshuffled && Instant::now() >= self.next_shuffle
    }

    fn shuffled(&mut self, took: Duration) {
        self.unshuffled = false;
        self.next_shuffle = Instant::now() + SHUFFLED.max(took * SHUFFLING);
    }

    /// How long to wait for a report before there is something to do.
    fn pause(&self) -> Option<Duration> {
        let shuffle = self.next_shuffle.saturating_duration_since(Instant::now());
        match self.untidy {
            Some(_) => Some(PAUSE),
            None => self.unshuffled.then_some(shuffle),
        }
    }
}

impl Task {
    async fn run(mut self) -> Result<(), StorageError> {
        let mut waiting = Vec::new();
        let mut chores = Chores::new();
        loop {
            if chores.tidying_is_due() {
                self.tidy().await;
                chores.untidy = None;
            }
            if chores.shuffling_is_due() {
                let began = Instant::now();
                self.shuffle().await;
                chores.shuffled(began.elapsed());
            }
            let next = self.requests.recv_many(&mut waiting, BATCH);
            let received = match chores.pause() {
                Some(pause) => tokio::time::timeout(pause, next).await,
                None => Ok(next.await),
            };
            match received {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => {
                    chores.quiet();
                    continue;
                }
            }
            let mut rows = Vec::new();
            let mut answers = Vec::new();
            for request in waiting.drain(..) {
                match request {
                    Request::Report(row, answer) => {
                        rows.push(row);
                        answers.push(answer);
                    }
                    // Whoever asked may have gone; that is not our concern.
                    Request::Probe(answer) => {
                        let _ = answer.send(self.probe().await);
                    }
                    Request::Overdue(answer) => {
                        let _ = answer.send(self.overdue().await);
                    }
                }
            }
            if rows.is_empty() {
                continue;
            }
            let recorded = self.record(&rows).await;
            chores.stored();
            for (at, answer) in answers.into_iter().enumerate() {
                let outcome = match &recorded {
                    Ok(all) => all.get(at).copied().ok_or(WriteError::Failed),
                    Err(error) => Err(*error),
                };
                let _ = answer.send(outcome);
            }
        }
        match self.database {
            Some(mut database) => {
                database.remove_clock(&self.server).await?;
                database.close().await
            }
            None => Ok(()),
        }
    }

    async fn record(&mut self, rows: &[Row]) -> Result<Vec<Recorded>, WriteError> {
        let promises = self.promises(rows)?;
        let clock = Arc::clone(&self.clock);
        let recorded = tokio::time::timeout(DEADLINE, async {
            self.note_clock().await?;
            let database = self.database().await?;
            database.record(&promises, &*clock, rows).await
        })
        .await
        .unwrap_or_else(|_| {
            Err(StorageError::Slow {
                location: self.location.clone(),
                seconds: DEADLINE.as_secs(),
            })
        });
        self.metrics.commits.inc();
        let recorded = self.keep_or_reopen(recorded).map_err(|error| {
            tracing::error!(%error, reports = rows.len(), "reports were refused with 503");
            WriteError::Failed
        })?;
        let foreign = rows.iter().zip(&recorded).find(|(row, recorded)| {
            **recorded == Recorded::Refused(Refusal::Foreign) && promises.contains_key(&row.window)
        });
        if let Some((row, _)) = foreign {
            self.warn_of_overlap(row.window);
        }
        Ok(recorded)
    }

    /// Says once of each window that it takes no reports although a live manifest has its length.
    fn warn_of_overlap(&mut self, window: WindowName) {
        if self.overlap_warned == Some(window) {
            return;
        }
        self.overlap_warned = Some(window);
        tracing::warn!(
            window = window.number,
            window_seconds = window.seconds,
            "reports are refused: the window overlaps one of another length that has reports, or \
             has its number; the first window of this length that begins after it takes reports"
        );
    }

    /// The promises of the windows that these reports name, where they are open.
    fn promises(&mut self, rows: &[Row]) -> Result<HashMap<WindowName, Promise>, WriteError> {
        let refreshed = self.promises.refresh().map_err(|error| {
            tracing::error!(%error, reports = rows.len(), "reports were refused with 503");
            WriteError::Store
        })?;
        if !refreshed {
            return Err(WriteError::NothingPublished);
        }
        let now = self.clock.now();
        let windows = rows.iter().map(|row| row.window);
        let open = windows.filter(|window| window.admits(now) == Admission::Open);
        let promised = open.filter_map(|window| Some((window, self.promises.of(window)?)));
        Ok(promised.collect())
    }

    /// Notes this server's clock for releases, once a minute and before its first report.
    async fn note_clock(&mut self) -> Result<(), StorageError> {
        let now = self.clock.now();
        if self
            .clock_noted
            .is_some_and(|at| now.abs_diff(at) < CLOCK_NOTED_SECONDS)
        {
            return Ok(());
        }
        let (server, clock) = (self.server.clone(), Arc::clone(&self.clock));
        self.database().await?.note_clock(&server, &*clock).await?;
        self.clock_noted = Some(now);
        Ok(())
    }

    async fn tidy(&mut self) {
        if let Some(database) = &mut self.database {
            let tidied = database.tidy().await;
            if let Err(error) = self.keep_or_reopen(tidied) {
                tracing::warn!(%error, "the write-ahead log stays as it is until the next pause");
            }
        }
    }

    async fn shuffle(&mut self) {
        let shuffled = match self.database().await {
            Ok(database) => database.shuffle().await,
            Err(error) => Err(error),
        };
        if let Err(error) = self.keep_or_reopen(shuffled) {
            tracing::warn!(%error, "raw rows stay in the order in which they came for another hour");
        }
    }

    async fn probe(&mut self) -> Result<(), StorageError> {
        let probed = match self.database().await {
            Ok(database) => database.probe().await,
            Err(error) => Err(error),
        };
        self.keep_or_reopen(probed)
    }

    async fn overdue(&mut self) -> Result<u64, StorageError> {
        let now = self.clock.now();
        let windows = match self.database().await {
            Ok(database) => database.windows().await,
            Err(error) => Err(error),
        };
        let windows = self.keep_or_reopen(windows)?;
        let overdue = windows.iter().filter(|w| !w.released && w.end() <= now);
        Ok(overdue.count() as u64)
    }

    async fn database(&mut self) -> Result<&mut Database, StorageError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => Database::open(&self.location).await?,
        };
        Ok(self.database.insert(database))
    }

    fn keep_or_reopen<T>(&mut self, result: Result<T, StorageError>) -> Result<T, StorageError> {
        if result.is_err() {
            self.database = None;
        }
        result
    }
}
