//! Another configuration at the worst moment: half of a file, a store that is away, a gate that is stopped or overloaded.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::application::Application;
use crate::between::{Between, Way};
use crate::harness::http1::Call;
use crate::harness::polling::wait_until;
use crate::harness::servers::Redis;
use crate::kinds;
use crate::stores::{fill_redis, redis_at};
use crate::traffic::{Borne, Traffic};
use crate::world::{Circumstances, World, with_store};

/// The same decisions under another name.
fn version(store: &str, number: u32) -> String {
    format!("{}  - {{ name: v{number}, matcher: /never }}\n", with_store(store))
}

#[test]
fn a_reload_at_the_worst_moment_is_whole_or_changes_nothing() {
    let mut redis = Redis::start();
    fill_redis(&redis);
    let store = redis_at(redis.port);
    let revocation = format!("revocation: {{ redis: \"{}\", poll: 1s, max_staleness: 10m }}\n", redis.url());
    let version = |number| version(&store, number) + &revocation;
    let mut world = World::start("reload", Circumstances::plain(version(1)));
    let traffic = Traffic::begin(world.edge(), kinds::stored());

    // What is left of it cannot be read. A half that reads as a whole is a whole to everybody, which is why files are
    // replaced and not written over.
    let whole = world.text(&version(2));
    let mut fault = traffic.fault("reload", "a file half written", Borne::NOTHING);
    for cut in ["kind: authjs", "kind: redis", "name: open", "name: web", "max_staleness"] {
        let before = world.reloads("failure");
        fs::write(&world.file, &whole[..whole.find(cut).expect("it is there")]).expect("a file");
        wait_until("the half to be refused", || world.reloads("failure") > before);
    }
    fault.lasts();
    fault.ends();
    world.replace(&version(2));
    fault.recovered();

    let before = world.reloads("success");
    let mut fault = traffic.fault("reload", "the file replaced during SIGSTOP", Borne::ANY_REFUSAL);
    world.gate().freeze();
    world.replace(&version(3));
    fault.lasts_until_it_hurts();
    fault.ends();
    world.gate().thaw();
    assert!(fault.recovered().has_hurt());
    wait_until("what was replaced to be loaded", || world.reloads("success") > before);

    let before = world.reloads("success");
    let mut fault = traffic.fault("reload", "ten reloads while Redis is away", Borne::ANY_OF_STORE);
    redis.kill();
    fault.lasts_until_it_hurts();
    for number in 0..10 {
        world.replace(&version(10 + number));
    }
    wait_until("the last of them to be loaded", || world.reloads("success") > before);
    redis.begin();
    fill_redis(&redis);
    fault.ends();
    assert!(fault.recovered().has_hurt());
    traffic.ends();
}

#[test]
fn a_reload_while_there_is_too_much_to_do_is_loaded_and_lets_nobody_in() {
    let application = Application::start();
    let between = Between::start(application.port);
    let store = Application::provider(between.port).replace("timeout: 500ms", "timeout: 900ms");
    let limits = "checks: 32";
    let world =
        World::start("overloaded", Circumstances { limits, ..Circumstances::plain(version(&store, 1)) });
    let traffic = Traffic::begin(world.edge(), kinds::stored());
    let (edge, is_over) = (world.edge(), AtomicBool::new(false));
    let mut fault = traffic.fault("reload", "reloads while checks are past their limit", Borne::ANY_REFUSAL);
    between.goes(Way::Late(Duration::from_millis(400)));
    std::thread::scope(|scope| {
        for number in 200..264 {
            let is_over = &is_over;
            scope.spawn(move || {
                let call = Call::get("/kept/page").cookie(&format!("kept={}", kinds::token(number)));
                while !is_over.load(Ordering::Relaxed) {
                    assert!(!call.send(edge).reached_upstream());
                }
            });
        }
        let overloaded = "sessiongate_unavailable_total{reason=\"overloaded\"}";
        wait_until("checks to be refused", || world.metric(overloaded) > 0.0);
        for number in 2..5 {
            let before = world.reloads("success");
            world.replace(&version(&store, number));
            wait_until("the configuration to be loaded", || world.reloads("success") > before);
        }
        fault.lasts_until_it_hurts();
        is_over.store(true, Ordering::Relaxed);
    });
    fault.ends();
    between.goes(Way::Pass);
    assert!(fault.recovered().has_hurt());
    traffic.ends();
}
