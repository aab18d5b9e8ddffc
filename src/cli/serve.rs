//! `sessiongate serve`: runs the server until SIGTERM or SIGINT.

use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::ConfigArg;
use crate::config::ConfigError;
use crate::metrics;
use crate::server::{self, Program, ServerError};

#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("metrics cannot be kept: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    #[error("cannot start: {0}")]
    Runtime(#[from] io::Error),
    #[error(transparent)]
    Server(#[from] ServerError),
}

pub(super) fn run(arg: &ConfigArg) -> Result<ExitCode, ServeError> {
    // Providers register their counters when they are made.
    let metrics = metrics::install()?;
    let settings = arg.load()?;
    settings.telemetry.install();
    for warning in &settings.warnings {
        tracing::warn!(key = warning.path, "{}", warning.message);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let bound = server::bind(&settings.listen).await?;
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let program = Program { gate: settings.gate, metrics, admin_secret: settings.admin_secret };
        bound.run(program, either(terminate, interrupt)).await?;
        Ok::<(), ServeError>(())
    });
    // A call that outlived the drain time-out must not hold the process.
    runtime.shutdown_background();
    served.map(|()| ExitCode::SUCCESS)
}

async fn either(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
