//! The log of decisions: one JSON line each. A check never waits for it: lines that nobody takes are dropped and
//! counted.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use metrics::{Counter, counter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

use super::Record;
use super::lines::Lines;
use super::log::MAX_WAITING_LINES;
use crate::policy::decision::Decision;

/// Which decisions are told, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionOptions {
    pub to: Place,
    pub which: Which,
    /// The share of allowed requests that are told with [`Which::All`].
    pub sample: f64,
}

/// Where decisions are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Stdout,
    Stderr,
    /// A file that is appended to; only its owner may read it.
    File(PathBuf),
}

/// Which decisions are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// All but those that let a request pass.
    #[default]
    Denied,
    /// Every decision.
    All,
}

/// Tells decisions, in a thread of its own.
pub struct DecisionLog {
    which: Which,
    sample: Sample,
    lines: NonBlocking,
    counted: AtomicU64,
    dropped: Counter,
    guard: Option<WorkerGuard>,
}

/// One in so many, evenly spread.
struct Sample {
    /// Of 2^32.
    share: u64,
    sum: AtomicU64,
}

#[derive(Serialize)]
struct Line<'r, 'd> {
    timestamp: String,
    #[serde(flatten)]
    record: &'r Record<'d>,
}

impl DecisionLog {
    /// Opens the place.
    ///
    /// # Errors
    /// Where the file cannot be written to.
    pub fn open(options: &DecisionOptions) -> io::Result<Self> {
        let writer: Box<dyn io::Write + Send> = match &options.to {
            Place::Stdout => Box::new(io::stdout()),
            Place::Stderr => Box::new(io::stderr()),
            Place::File(path) => {
                Box::new(OpenOptions::new().create(true).append(true).mode(0o600).open(path)?)
            }
        };
        let dropped = counter!("sessiongate_log_lines_dropped_total", "log" => "decisions");
        let (lines, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(MAX_WAITING_LINES)
            .thread_name("decisions")
            .finish(Lines::new(writer, dropped.clone()));
        Ok(Self {
            which: options.which,
            sample: Sample::new(options.sample),
            lines,
            counted: AtomicU64::new(0),
            dropped,
            guard: Some(guard),
        })
    }

    pub(crate) fn tell(&self, decision: &Decision<'_>, record: &Record<'_>, at: SystemTime) {
        let is_told = match (decision, self.which) {
            (Decision::Allow(_), Which::Denied) => false,
            (Decision::Allow(_), Which::All) => self.sample.takes(),
            (Decision::Deny(_) | Decision::Redirect(_) | Decision::Unavailable(_), _) => true,
        };
        if !is_told {
            return;
        }
        // What cannot be written is a moment before 1970, as a clock shows that was never set.
        let timestamp = humantime::format_rfc3339_micros(at.max(SystemTime::UNIX_EPOCH)).to_string();
        // Text and numbers always serialise.
        let Ok(mut line) = serde_json::to_vec(&Line { timestamp, record }) else { return };
        line.push(b'\n');
        // It only hands the line on, or counts that nobody took it.
        let _ = self.lines.clone().write_all(&line);
    }

    /// Counts the lines that were dropped since this was asked last.
    pub fn count_dropped(&self) {
        let dropped = u64::try_from(self.lines.error_counter().dropped_lines()).unwrap_or(u64::MAX);
        let counted = self.counted.swap(dropped, Ordering::Relaxed);
        self.dropped.increment(dropped.saturating_sub(counted));
    }
}

impl Sample {
    fn new(share: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 1")]
        let share = (share.clamp(0.0, 1.0) * f64::from(u32::MAX)).round() as u64 + u64::from(share > 0.0);
        Self { share, sum: AtomicU64::new(0) }
    }

    /// Whether the sum of the shares has reached the next whole number.
    fn takes(&self) -> bool {
        let before = self.sum.fetch_add(self.share, Ordering::Relaxed);
        (before.wrapping_add(self.share) >> 32) != (before >> 32)
    }
}

/// The last lines are written by a thread that may wait for their reader.
impl Drop for DecisionLog {
    fn drop(&mut self) {
        self.count_dropped();
        if let Some(guard) = self.guard.take() {
            std::thread::spawn(move || drop(guard));
        }
    }
}

impl std::fmt::Debug for DecisionLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecisionLog").field("which", &self.which).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    #[test]
    fn a_sample_takes_its_share() {
        for (share, expected) in [(0.0, 0), (0.01, 10), (0.25, 250), (0.5, 500), (1.0, 1000)] {
            let sample = Sample::new(share);
            let taken = (0..1000).filter(|_| sample.takes()).count();
            assert_eq!(taken, expected, "{share}");
        }
    }
}
