//! What was counted, as a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::question::Verdict;
use crate::traffic::asked_length;

/// What one fault did.
#[derive(Clone, Debug)]
pub struct Row {
    part: &'static str,
    what: &'static str,
    pub sent: usize,
    pub wrong: usize,
    /// Requests that would have passed without the fault.
    pub turned_away: usize,
    /// Requests that would have been denied all the same, and were told to come back later.
    pub put_off: usize,
    recovery: Duration,
}

impl Row {
    pub fn new(part: &'static str, what: &'static str, recovery: Duration) -> Self {
        Self { part, what, sent: 0, wrong: 0, turned_away: 0, put_off: 0, recovery }
    }

    pub fn count(&mut self, verdict: &Verdict, would_pass: bool, is_borne: bool) {
        self.sent += 1;
        match verdict {
            _ if !is_borne => self.wrong += 1,
            Verdict::Right => {}
            _ if would_pass => self.turned_away += 1,
            _ => self.put_off += 1,
        }
    }

    /// Whether anybody noticed.
    pub fn has_hurt(&self) -> bool {
        self.turned_away + self.put_off + self.wrong > 0
    }
}

static ROWS: LazyLock<Mutex<BTreeMap<(&str, &str), Row>>> = LazyLock::new(Mutex::default);

/// Adds a row, and writes the table as far as it goes where one was asked for.
pub fn add(row: Row) {
    let mut rows = ROWS.lock().unwrap_or_else(PoisonError::into_inner);
    rows.insert((row.part, row.what), row);
    if let Some(file) = std::env::var_os("SESSIONGATE_FAULT_TABLE") {
        fs::write(file, written(rows.values())).expect("the table can be written");
    }
}

fn written<'r>(rows: impl Iterator<Item = &'r Row>) -> String {
    let mut text = format!(
        "# Faults while requests flow\n\n\
         Written by `make faults` on {}, on {}.\n{}.\n\n\
         Each fault lasts {} s or longer while 12 connections send requests of all kinds through Envoy, one of each \
         every 25 ms.\nTurned away: requests that would have passed without the fault. Put off: those that would have \
         been denied all the same and were answered 502 or 503 meanwhile. Recovery: from the end of the fault to the first \
         of 60 right answers in a row.\n\n\
         | part | fault | requests | wrong | turned away | put off | recovery |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: |\n",
        &humantime::format_rfc3339_seconds(SystemTime::now()).to_string()[..10],
        machine(),
        versions(),
        asked_length().as_secs(),
    );
    let mut total = (0, 0);
    for row in rows {
        let Row { part, what, sent, wrong, turned_away, put_off, recovery } = row;
        total = (total.0 + sent, total.1 + wrong);
        let recovery = recovery.as_millis();
        let _ = writeln!(
            text,
            "| {part} | {what} | {sent} | {wrong} | {turned_away} | {put_off} | {recovery} ms |"
        );
    }
    let _ = writeln!(text, "| all | | {} | {} | | | |", total.0, total.1);
    text
}

/// The processor, the number of cores, and the kernel.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}

fn versions() -> String {
    let envoy = crate::harness::envoy::binary();
    let said = [
        (envoy.to_string_lossy().into_owned(), "--version"),
        ("redis-server".to_owned(), "--version"),
        ("psql".to_owned(), "--version"),
    ]
    .map(|(program, argument)| {
        let output = Command::new(program).arg(argument).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    });
    let [envoy, redis, postgres] = &said;
    // `… version: <commit>/<version>/…`, `Redis server v=<version> …`, `psql (PostgreSQL) <version> …`.
    let envoy = envoy.split("version: ").nth(1).and_then(|rest| rest.split('/').nth(1)).unwrap_or("?");
    let redis = redis.split("v=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("?");
    let postgres = postgres.split(' ').nth(2).unwrap_or("?");
    let built = if cfg!(debug_assertions) { "without optimisation" } else { "with optimisation" };
    format!("Envoy {envoy}, Redis {redis}, PostgreSQL {postgres}; sessiongate built {built}")
}
