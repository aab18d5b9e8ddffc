//! The log on standard error. Whoever writes to it never waits: lines that nobody takes are dropped and counted.

use std::io;
use std::sync::{Mutex, PoisonError};

use metrics::counter;
use schemars::JsonSchema;
use serde::Deserialize;
use tracing::Level;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// Lines that wait for their reader; at most some two kilobytes each.
pub(super) const MAX_WAITING_LINES: usize = 8192;

/// How much is logged, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    filter: String,
    format: Format,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// Text for people.
    Text,
}

/// The configured level cannot be read; for whoever wrote it.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not a level (`error`, `warn`, `info`, `debug`, `trace`) or a filter such as `info,sessiongate=debug`"
)]
pub struct FilterError(String);

impl LogOptions {
    /// # Errors
    /// [`FilterError`] where the filter is none.
    pub fn new(filter: &str, format: Format) -> Result<Self, FilterError> {
        let is_level = filter.parse::<Level>().is_ok();
        let is_filter = filter.contains('=') && EnvFilter::try_new(filter).is_ok();
        if is_level || is_filter {
            Ok(Self { filter: filter.to_owned(), format })
        } else {
            Err(FilterError(filter.to_owned()))
        }
    }
}

type Filtered = tracing_subscriber::layer::Layered<reload::Layer<EnvFilter, Registry>, Registry>;
type Lines = Box<dyn Layer<Filtered> + Send + Sync>;

/// The log of this process.
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    lines: reload::Handle<Lines, Filtered>,
    writer: NonBlocking,
    dropped: ErrorCounter,
    guard: Mutex<Option<WorkerGuard>>,
}

impl Log {
    /// Sends the logs of this process to standard error.
    #[must_use]
    pub fn install(options: &LogOptions) -> Self {
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(MAX_WAITING_LINES)
            .thread_name("log")
            .finish(io::stderr());
        let (filter_layer, filter) = reload::Layer::new(EnvFilter::new(&options.filter));
        let (lines_layer, lines) = reload::Layer::new(lines(options.format, writer.clone()));
        tracing_subscriber::registry().with(filter_layer).with(lines_layer).init();
        Self { filter, lines, dropped: writer.error_counter(), writer, guard: Mutex::new(Some(guard)) }
    }

    /// Logs as these options say from now on.
    pub fn apply(&self, options: &LogOptions) {
        // It fails only where the log is gone.
        let _ = self.filter.reload(EnvFilter::new(&options.filter));
        let _ = self.lines.reload(lines(options.format, self.writer.clone()));
    }

    /// Writes what waits, and no more.
    pub fn finish(&self) {
        drop(self.guard.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Counts the lines that were dropped so far.
    pub fn count_dropped(&self) {
        let dropped = u64::try_from(self.dropped.dropped_lines()).unwrap_or(u64::MAX);
        counter!("sessiongate_log_lines_dropped_total", "log" => "log").absolute(dropped);
    }
}

fn lines(format: Format, writer: NonBlocking) -> Lines {
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        Format::Json => layer.json().flatten_event(true).with_current_span(false).boxed(),
        Format::Text => layer.boxed(),
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}
