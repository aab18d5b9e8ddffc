//! `sessiongate serve`: runs the server until SIGTERM or SIGINT.

use std::io;
use std::panic;
use std::process::ExitCode;
use std::sync::Arc;

use ::metrics::counter;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::ConfigArg;
use crate::config::{self, ConfigError, Environment, Loaded};
use crate::metrics::{Metrics, MetricsError};
use crate::program::{Current, Program, ProgramError};
use crate::reload::{Begun, Reloader, START_LIMIT, tell_warnings};
use crate::server::{self, ServerError};
use crate::telemetry::Log;

#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("metrics cannot be kept: {0}")]
    Metrics(#[from] MetricsError),
    #[error("cannot start: {0}")]
    Runtime(#[from] io::Error),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Server(#[from] ServerError),
}

pub(super) fn run(arg: &ConfigArg) -> Result<ExitCode, ServeError> {
    leave_no_core();
    // Providers register their counters when they are made.
    let metrics = Metrics::install()?;
    let environment = Environment::of_process();
    let loaded = config::load_again(arg.config.as_deref(), &environment, &config::Carried::default());
    let Loaded { settings, files, carried } = loaded;
    let settings = settings?;
    let log = Arc::new(Log::install(&settings.program.telemetry.log));
    count_panics();
    tell_warnings(&settings.warnings);
    let begun =
        Begun { file: arg.config.clone(), environment, listen: settings.listen.clone(), files, carried };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        // Who finds the listeners may ask for an end at once.
        let signals = Signals::listen()?;
        let bound = server::bind(&settings.listen).await?;
        let current = Program::new(settings.program)?.into_current();
        serve(bound, current, begun, metrics, &log, signals).await
    });
    // A call that outlived the drain time-out must not hold the process.
    runtime.shutdown_background();
    log.finish();
    served.map(|()| ExitCode::SUCCESS)
}

async fn serve(
    bound: server::Bound,
    current: Current,
    begun: Begun,
    metrics: Metrics,
    log: &Arc<Log>,
    signals: Signals,
) -> Result<(), ServeError> {
    let Signals { stops, hangup } = signals;
    // What is fetched may come later: the checks that need it are answered 503 until then.
    let starting = Arc::clone(&current);
    tokio::spawn(async move { starting.load_full().start(START_LIMIT).await });
    let reloader = Reloader::new(begun, Arc::clone(&current), Arc::clone(log));
    let reloading = tokio::spawn(reloader.run(hangup));
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    bound.run(Arc::clone(&current), metrics, Some(Arc::clone(log)), stops).await?;
    reloading.abort();
    // It waits for the collector, up to its own time-out.
    let last = current.load_full();
    let _ = tokio::task::spawn_blocking(move || last.flush()).await;
    Ok(())
}

/// What the process is asked for.
struct Signals {
    /// How often it was asked to stop.
    stops: watch::Receiver<u8>,
    hangup: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let [terminate, interrupt, hangup] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        Ok(Self { stops: count(terminate?, interrupt?), hangup: hangup? })
    }
}

fn count(mut terminate: Signal, mut interrupt: Signal) -> watch::Receiver<u8> {
    let (asked, stops) = watch::channel(0_u8);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            let _ = sd_notify::notify(&[NotifyState::Stopping]);
            asked.send_modify(|times| *times = times.saturating_add(1));
        }
    });
    stops
}

/// The memory of this process holds secrets: no dump of it is written, and no other process of its user reads it.
fn leave_no_core() {
    // Where the platform refuses, the rest of the protection stands.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

fn count_panics() {
    // A panic's message can quote what was being read, a cookie too: its place is enough.
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
        counter!("sessiongate_panics_total").increment(1);
    }));
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, set_hook, take_hook};

    use crate::metrics::Metrics;

    #[test]
    fn a_panic_is_counted() {
        let (recorder, metrics) = Metrics::new().expect("metrics");
        let before = take_hook();
        super::count_panics();
        let caught = ::metrics::with_local_recorder(&recorder, || catch_unwind(|| panic!("a defect")));
        set_hook(before);
        assert!(caught.is_err());
        let text = metrics.text().expect("text");
        assert!(text.contains("sessiongate_panics_total 1"), "{text}");
    }
}
