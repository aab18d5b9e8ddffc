//! What the process is given runs out: file descriptors, memory.

use std::fs;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::http1::Call;
use crate::harness::polling::wait_until;
use crate::harness::servers::Redis;
use crate::harness::session::COOKIE;
use crate::kinds;
use crate::stores::{fill_redis, redis_at};
use crate::traffic::{Borne, Traffic};
use crate::world::{Circumstances, World, with_store, without_store};

/// More than the gate gets when it is idle, and fewer than the crowd takes.
const FILES: usize = 64;

#[test]
fn without_file_descriptors_nobody_passes_who_should_not_and_released_they_are_used_again() {
    let mut redis = Redis::start();
    fill_redis(&redis);
    let configuration = with_store(&redis_at(redis.port));
    let limited =
        Circumstances::plain(configuration.clone()).through(["prlimit", &format!("--nofile={FILES}")]);
    let mut world = World::start("files", limited);
    let traffic = Traffic::begin(world.edge(), kinds::stored());

    let what = "file descriptors exhausted, Redis restarted meanwhile";
    // Redis comes back knowing nobody, and is filled then.
    let mut fault = traffic.fault("limits", what, Borne::ANY_OF_STORE);
    let crowd = crowd(&mut world);
    redis.kill();
    redis.begin();
    fill_redis(&redis);
    fault.lasts_until_it_hurts();
    fault.ends();
    drop(crowd);
    assert!(fault.recovered().has_hurt());

    let before = world.reloads("success");
    let what = "file descriptors exhausted, the configuration replaced meanwhile";
    let mut fault = traffic.fault("limits", what, Borne::NOTHING);
    let crowd = self::crowd(&mut world);
    world.replace(&format!("{configuration}  - {{ name: newer, matcher: /never }}\n"));
    wait_until("the configuration not to be read", || {
        world.gate().output().contains("the configuration stays as it was")
    });
    // What was heard of the file is over by then.
    fault.lasts_for(200);
    fault.ends();
    drop(crowd);
    fault.recovered();
    traffic.ends();
    wait_until("the newer configuration to be loaded after all", || world.reloads("success") > before);
}

/// Connections that take all that is left.
fn crowd(world: &mut World) -> Vec<UnixStream> {
    let refusals =
        |world: &mut World| world.gate().output().matches("a connection could not be taken").count();
    let before = refusals(world);
    let socket = world.socket();
    let crowd = (0..FILES).map(|_| UnixStream::connect(&socket).expect("the system takes it")).collect();
    wait_until("no connection to be taken any longer", || refusals(world) > before);
    crowd
}

#[test]
fn without_memory_it_may_refuse_or_end_but_lets_nobody_in() {
    /// What it may take more than it has, in bytes.
    const MORE: u64 = 256 << 10;
    /// Requests of each client that wants too much.
    const LARGE: usize = 3000;
    // A limit from the start, or the allocator takes far more than it needs.
    let limited = Circumstances::plain(without_store()).through(["prlimit", "--data=67108864"]);
    let mut world = World::start("memory", limited);
    let traffic = Traffic::begin(world.edge(), kinds::web());
    let mut fault = traffic.fault("limits", "no more memory, and large requests", Borne::ANY_REFUSAL);
    let process = world.gate().id();
    let limit = format!("--data={}", data(process) + MORE);
    let limited = Command::new("prlimit").args(["--pid", &process.to_string(), &limit]).status();
    assert!(limited.expect("prlimit runs").success());
    let (edge, is_over) = (world.edge(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for number in 0..24 {
            let is_over = &is_over;
            scope.spawn(move || {
                let large =
                    Call::get("/dashboard").cookie(&format!("{COOKIE}={}{number}", "x".repeat(100_000)));
                for _ in (0..LARGE).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    assert!(!large.send(edge).reached_upstream());
                }
            });
        }
        fault.lasts_until_it_hurts();
        is_over.store(true, Ordering::Relaxed);
    });
    fault.ends();
    if world.gate().is_running() {
        world.kill_gate();
    }
    world.start_gate();
    assert!(fault.recovered().has_hurt());
    traffic.ends();
}

/// What a process has of memory that it can write to, in bytes.
fn data(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:")).expect("its size");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
}
