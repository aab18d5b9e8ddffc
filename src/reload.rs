//! The configuration, followed: what changes in a file that it names takes effect as a whole between two checks, and
//! what is wrong with it changes nothing.

mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use metrics::{counter, gauge};
use sd_notify::NotifyState;
use tokio::signal::unix::Signal;

use self::watch::Changes;
use crate::config::{self, Carried, Environment, Loaded, NamedFiles, Problem, Settings};
use crate::program::{Current, Program, ProgramError, Shown};
use crate::server::listen::Listen;
use crate::telemetry::Log;

/// How long a new configuration may take to fetch what its checks need, before it takes over all the same.
pub const START_LIMIT: Duration = Duration::from_secs(2);

/// Puts configurations in the place of earlier ones.
pub struct Reloader {
    file: Option<PathBuf>,
    environment: Environment,
    current: Current,
    listen: Listen,
    log: Arc<Log>,
    files: NamedFiles,
    carried: Carried,
}

/// What a running server knows of the configuration that it began with.
pub struct Begun {
    /// As `--config` says.
    pub file: Option<PathBuf>,
    pub environment: Environment,
    pub listen: Listen,
    pub files: NamedFiles,
    pub carried: Carried,
}

impl Reloader {
    #[must_use]
    pub fn new(begun: Begun, current: Current, log: Arc<Log>) -> Self {
        let Begun { file, environment, listen, files, carried } = begun;
        tell_success(&current.load().shown);
        counter!("sessiongate_config_reloads_total", "result" => "success").increment(0);
        counter!("sessiongate_config_reloads_total", "result" => "failure").increment(0);
        Self { file, environment, current, listen, log, files, carried }
    }

    /// Follows the files, and `hangup`, which loads the configuration whether or not a file has changed.
    pub async fn run(mut self, mut hangup: Signal) {
        let mut changes = Changes::new();
        loop {
            changes.follow(self.files.paths());
            tokio::select! {
                Some(()) = hangup.recv() => tracing::info!("asked to load the configuration"),
                () = changes.next(self.files.are_known()) => {
                    if !self.files.have_changed() {
                        continue;
                    }
                }
            }
            notify_reloading();
            self.load().await;
            let _ = sd_notify::notify(&[NotifyState::Ready]);
        }
    }

    async fn load(&mut self) {
        let (file, environment, carried) =
            (self.file.clone(), self.environment.clone(), self.carried.clone());
        let loading =
            tokio::task::spawn_blocking(move || config::load_again(file.as_deref(), &environment, &carried));
        // A panic was logged by the panic hook.
        let Ok(Loaded { settings, files, carried }) = loading.await else { return tell_failure() };
        self.files = files;
        match settings {
            Ok(settings) => match self.put_in_place(settings).await {
                Ok(()) => self.carried = carried,
                Err(error) => {
                    tracing::error!("the configuration stays as it was: {error}");
                    tell_failure();
                }
            },
            Err(error) => {
                tracing::error!("the configuration stays as it was: {error}");
                tell_failure();
            }
        }
    }

    async fn put_in_place(&self, settings: Settings) -> Result<(), ProgramError> {
        let Settings { listen, program, warnings } = settings;
        let log = program.telemetry.log.clone();
        let program = Program::new(program)?;
        program.start(START_LIMIT).await;
        self.log.apply(&log);
        self.listen.take_certificates(&listen);
        if listen.differs_from(&self.listen) {
            tracing::warn!("`listen` has changed, which takes a restart; everything else is in effect");
        }
        tell_warnings(&warnings);
        let shown = program.shown.clone();
        self.current.store(Arc::new(program));
        tracing::info!(hash = shown.hash, "the configuration was loaded");
        counter!("sessiongate_config_reloads_total", "result" => "success").increment(1);
        tell_success(&shown);
        Ok(())
    }
}

/// With the time at which it begins, as systemd asks for (`sd_notify(3)`).
fn notify_reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        let _ = sd_notify::notify(&[NotifyState::Reloading, now]);
    }
}

/// Logs what is allowed but unwise.
pub fn tell_warnings(warnings: &[Problem]) {
    for warning in warnings {
        tracing::warn!(key = warning.path, "{}", warning.message);
    }
}

fn tell_success(shown: &Shown) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    gauge!("sessiongate_config_last_reload_successful").set(1.0);
    gauge!("sessiongate_config_last_reload_success_timestamp_seconds").set(now.as_secs_f64());
    crate::metrics::tell_config(&shown.hash);
}

fn tell_failure() {
    counter!("sessiongate_config_reloads_total", "result" => "failure").increment(1);
    gauge!("sessiongate_config_last_reload_successful").set(0.0);
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader").field("file", &self.file).finish_non_exhaustive()
    }
}
