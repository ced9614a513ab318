//! Runs statements on DataFusion, bounded in memory.
//!
//! Each statement is a file under `sql/`; its result becomes a table of the same name, either a
//! view or, where it is expensive and read more than once, a Parquet file in the working folder.
//! Only built-in SQL is used and results meet in Parquet, so that the same statements can run on
//! a cluster of DataFusion executors.

use crate::error::PrepareError;
use crate::progress::Progress;
use crate::sink::Sink;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, ParquetReadOptions, SessionConfig, SessionContext};
use futures::StreamExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One SQL file.
pub(crate) struct Statement {
    /// Name of the file without its extension, for messages.
    pub name: &'static str,
    pub sql: &'static str,
}

/// The statement in `sql/<path>.sql`.
macro_rules! statement {
    ($path:literal) => {
        $crate::engine::Statement {
            name: $path,
            sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $path, ".sql")),
        }
    };
}
pub(crate) use statement;

/// A session with its tables and the values of `$parameters`.
pub(crate) struct Engine<'a> {
    context: SessionContext,
    parameters: Vec<(String, ScalarValue)>,
    work: PathBuf,
    progress: &'a dyn Progress,
}

impl<'a> Engine<'a> {
    /// An engine that spills into `work`.
    pub(crate) fn new(
        work: &Path,
        memory_mb: usize,
        progress: &'a dyn Progress,
    ) -> Result<Self, PrepareError> {
        let spill = work.join("spill");
        std::fs::create_dir_all(&spill).map_err(PrepareError::io(&spill))?;
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![spill]))
            // The disk's own end is the limit.
            .with_max_temp_directory_size(u64::MAX);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(memory_mb << 20)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(|e| failed("start", work)(e))?;
        let config = SessionConfig::new()
            // Plain strings: what is read back is written again as such.
            .set_bool(
                "datafusion.execution.parquet.schema_force_view_types",
                false,
            )
            .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
            // One sort must leave room for the merge of its own runs.
            .set_u64(
                "datafusion.execution.sort_spill_reservation_bytes",
                16 << 20,
            );
        Ok(Self {
            context: SessionContext::new_with_config_rt(config, runtime),
            parameters: Vec::new(),
            work: work.into(),
            progress,
        })
    }

    /// Sets `$name` in the statements that follow.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<ScalarValue>) {
        self.parameters.retain(|(known, _)| known != name);
        self.parameters.push((name.into(), value.into()));
    }

    /// Tells the progress bar that a stage of `tables` tables begins.
    pub(crate) fn begin(&self, stage: &str, tables: u64) {
        self.progress.start(stage, Some(tables));
    }

    /// Tells the progress bar that the stage is over.
    pub(crate) fn finish(&self) {
        self.progress.finish();
    }

    /// Makes a Parquet file a table.
    pub(crate) async fn register(
        &self,
        table: &'static str,
        path: &Path,
    ) -> Result<(), PrepareError> {
        self.context
            .register_parquet(table, file_url(path), ParquetReadOptions::default())
            .await
            .map_err(failed(table, &self.work))
    }

    /// Takes tables out, so that others can have their names.
    pub(crate) fn forget(&self, tables: &[&'static str]) -> Result<(), PrepareError> {
        for table in tables {
            self.context
                .deregister_table(*table)
                .map_err(failed(table, &self.work))?;
        }
        Ok(())
    }

    /// Makes a table known under another name too, so that one statement serves several tables.
    pub(crate) async fn alias(
        &self,
        alias: &'static str,
        table: &'static str,
    ) -> Result<(), PrepareError> {
        let failed = || failed(table, &self.work);
        let provider = self.context.table_provider(table).await.map_err(failed())?;
        self.context.deregister_table(alias).map_err(failed())?;
        self.context
            .register_table(alias, provider)
            .map_err(failed())?;
        Ok(())
    }

    /// Makes rows that were decided on outside SQL a table.
    pub(crate) fn values(
        &self,
        table: &'static str,
        rows: Result<RecordBatch, ArrowError>,
    ) -> Result<(), PrepareError> {
        rows.map_err(DataFusionError::from)
            .and_then(|rows| self.context.register_batch(table, rows))
            .map_err(failed(table, &self.work))?;
        Ok(())
    }

    async fn plan(&self, statement: &Statement) -> Result<DataFrame, PrepareError> {
        let plan = self.context.sql(statement.sql).await;
        plan.and_then(|frame| frame.with_param_values(self.parameters.clone()))
            .map_err(failed(statement.name, &self.work))
    }

    /// Makes the statement's result a view.
    pub(crate) async fn view(
        &self,
        table: &'static str,
        statement: &Statement,
    ) -> Result<(), PrepareError> {
        let frame = self.plan(statement).await?;
        self.context
            .register_table(table, frame.into_view())
            .map_err(failed(statement.name, &self.work))?;
        Ok(())
    }

    /// Runs the statement into a Parquet file of the working folder and makes it a table.
    pub(crate) async fn table(
        &self,
        table: &'static str,
        statement: &Statement,
    ) -> Result<u64, PrepareError> {
        let path = self.work.join(format!("{table}.parquet"));
        let rows = self.write(statement, &path, None).await?;
        self.register(table, &path).await?;
        Ok(rows)
    }

    /// Runs the statement into a Parquet file; columns are cast to `schema` where one is given.
    pub(crate) async fn write(
        &self,
        statement: &Statement,
        path: &Path,
        schema: Option<SchemaRef>,
    ) -> Result<u64, PrepareError> {
        let frame = self.plan(statement).await?;
        let since = std::time::Instant::now();
        let mut stream = frame
            .execute_stream()
            .await
            .map_err(failed(statement.name, &self.work))?;
        let schema = schema.unwrap_or_else(|| plain(&stream.schema()));
        let mut sink = Sink::create(path, schema)?;
        while let Some(batch) = stream.next().await {
            sink.write(&batch.map_err(failed(statement.name, &self.work))?)?;
        }
        let rows = sink.close()?;
        tracing::debug!(statement = statement.name, rows, elapsed = ?since.elapsed());
        self.progress.advance(1);
        Ok(rows)
    }

    /// Runs the statement and hands over its rows as they come.
    pub(crate) async fn stream(
        &self,
        statement: &Statement,
    ) -> Result<impl futures::Stream<Item = Result<RecordBatch, PrepareError>> + use<>, PrepareError>
    {
        let frame = self.plan(statement).await?;
        let stream = frame
            .execute_stream()
            .await
            .map_err(failed(statement.name, &self.work))?;
        let (name, work) = (statement.name, self.work.clone());
        Ok(stream.map(move |batch| batch.map_err(failed(name, &work))))
    }

    /// Runs the statement and keeps its rows: for results that are small by construction.
    pub(crate) async fn rows(
        &self,
        statement: &Statement,
    ) -> Result<Vec<RecordBatch>, PrepareError> {
        let frame = self.plan(statement).await?;
        frame
            .collect()
            .await
            .map_err(failed(statement.name, &self.work))
    }
}

/// The path as a URL: as a path, brackets and asterisks in it would be read as a pattern.
fn file_url(path: &Path) -> String {
    use std::fmt::Write;
    let mut url = String::from("file://");
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

/// The schema with plain strings and all columns nullable.
fn plain(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
            other => other.clone(),
        };
        Field::new(field.name(), data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn failed(statement: &'static str, work: &Path) -> impl FnOnce(DataFusionError) -> PrepareError {
    let work = work.to_path_buf();
    move |source| PrepareError::Statement {
        statement,
        work,
        source: Box::new(source),
    }
}
