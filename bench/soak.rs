//! Ten minutes at four fifths of what this machine can do, through a real Envoy, with everything going on at once: a
//! reload every ten seconds, certificates replaced twice, Redis restarted once. Every answer is looked at.
//!
//! Loopback only, bounded in time, and it ends by itself. `SESSIONGATE_SOAK_SECONDS` sets another length; `cargo test`
//! runs a few seconds of it, to see that it works.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::float_cmp,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark prints, and one that panics has failed"
)]

#[allow(dead_code, unused_imports, reason = "what the tests are made of, of which this uses a part")]
#[path = "../tests/envoy/harness/mod.rs"]
mod harness;
#[path = "soak/load.rs"]
mod load;
#[allow(dead_code, reason = "the faults ask more")]
#[path = "../tests/faults/question.rs"]
mod question;
#[path = "soak/world.rs"]
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::load::{Load, Outcome};
use self::world::World;

const MINUTES: u64 = 10;
/// Of what the machine can do.
const SHARE: f64 = 0.8;
/// Memory that may come and go, in bytes: caches that fill, buffers of connections.
const MEMORY_SLACK: u64 = 6 << 20;
/// File descriptors that may come and go: connections that Envoy opens and closes.
const FILE_SLACK: usize = 16;

fn main() {
    let is_trial =
        std::env::args().any(|argument| argument == "--test") || !std::env::args().any(|a| a == "--bench");
    let asked = std::env::var("SESSIONGATE_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let seconds = asked.unwrap_or(if is_trial { 8 } else { MINUTES * 60 });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut world = World::start();
    let load = Arc::new(Load::new(&world));

    let trying = Duration::from_secs((seconds / 20).clamp(1, 15));
    let most = runtime.block_on(load.as_fast_as_possible(trying));
    let rate = (most * SHARE).max(1.0);
    println!("the machine answers {most:.0} requests a second; {rate:.0} a second for {seconds} s");

    let length = Duration::from_secs(seconds);
    let loading = runtime.spawn({
        let load = Arc::clone(&load);
        async move { load.at(rate, length).await }
    });
    let watched = watch(&mut world, length);
    let outcome = runtime.block_on(loading).expect("the load ends");
    report(&outcome, &watched, &world);
}

/// What the gate took, as it was seen now and again.
struct Sample {
    at: Duration,
    memory: u64,
    files: usize,
}

/// Makes everything happen that is to happen, and looks at what the gate takes.
fn watch(world: &mut World, length: Duration) -> Vec<Sample> {
    let begun = Instant::now();
    let step = (length / 60).min(Duration::from_secs(10)).max(Duration::from_millis(500));
    let due = |share: f64| length.mul_f64(share);
    let mut events =
        vec![due(0.3), due(0.6), due(0.45), due(0.5)].into_iter().enumerate().collect::<Vec<_>>();
    events.sort_by_key(|(_, at)| *at);
    let mut samples = Vec::new();
    while begun.elapsed() < length {
        std::thread::sleep(step.min(length.saturating_sub(begun.elapsed())));
        while events.first().is_some_and(|(_, at)| begun.elapsed() >= *at) {
            match events.remove(0).0 {
                0 | 1 => world.replace_certificates(),
                2 => world.stop_redis(),
                _ => world.start_redis(),
            }
        }
        world.reload();
        samples.push(Sample { at: begun.elapsed(), memory: world.memory(), files: world.files() });
    }
    samples
}

fn report(outcome: &Outcome, watched: &[Sample], world: &World) {
    println!("{}", outcome.table());
    let settled = watched.iter().filter(|sample| sample.at >= settled_after(watched)).collect::<Vec<_>>();
    let (first, last) = settled.split_at(settled.len() / 2);
    let most_memory =
        |samples: &[&Sample]| samples.iter().map(|sample| sample.memory).max().unwrap_or_default();
    let most_files =
        |samples: &[&Sample]| samples.iter().map(|sample| sample.files).max().unwrap_or_default();
    let (memory, files) = ((most_memory(first), most_memory(last)), (most_files(first), most_files(last)));
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "memory after the first minute: at most {:.1} MiB, and {:.1} MiB in the second half",
        mib(memory.0),
        mib(memory.1)
    );
    println!(
        "file descriptors after the first minute: at most {}, and {} in the second half",
        files.0, files.1
    );
    println!("configurations loaded: {}, refused: {}", world.reloads("success"), world.reloads("failure"));
    assert_eq!(outcome.wrong, Vec::<String>::new(), "requests were answered wrongly");
    assert!(memory.1 <= memory.0 + MEMORY_SLACK, "memory grows");
    assert!(files.1 <= files.0 + FILE_SLACK, "file descriptors grow");
    assert!(world.reloads("failure") == 0.0 && world.reloads("success") >= 1.0);
}

/// A minute, or less of a short run.
fn settled_after(watched: &[Sample]) -> Duration {
    let length = watched.last().map_or(Duration::ZERO, |sample| sample.at);
    Duration::from_mins(1).min(length / 4)
}
