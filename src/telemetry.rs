//! How decisions are told: in the log, in a log of their own, as spans; and how much of them is told.

mod decisions;
mod lines;
mod log;
mod record;
mod redact;
mod trace;

pub use self::decisions::{DecisionLog, DecisionOptions, Place, Which};
pub use self::log::{FilterError, Format, Log, LogOptions};
pub use self::record::{Arrival, Record};
pub use self::redact::{Redact, Redaction};
pub use self::trace::{Protocol, TraceError, TraceOptions, Tracer};

/// What the configuration says about telling.
#[derive(Clone, Debug)]
pub struct Telemetry {
    pub log: LogOptions,
    /// A log of decisions of its own; else they stand in the log.
    pub decisions: Option<DecisionOptions>,
    /// Where spans go.
    pub trace: Option<TraceOptions>,
    pub redact: Redact,
}
