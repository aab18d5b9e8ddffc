//! The gate itself is killed, or stopped in the middle of what it does.

use crate::kinds;
use crate::traffic::{Borne, Traffic};
use crate::world::{Circumstances, World, without_store};

#[test]
fn a_gate_that_is_killed_lets_nobody_in_and_is_found_again_when_it_is_restarted() {
    let mut world = World::start("killed", Circumstances::plain(without_store()));
    let traffic = Traffic::begin(world.edge(), kinds::web());
    let mut fault = traffic.fault("process", "SIGKILL, then a restart", Borne::ANY_REFUSAL);
    world.kill_gate();
    fault.lasts_until_it_hurts();
    fault.ends();
    world.start_gate();
    assert!(fault.recovered().has_hurt());

    let mut fault = traffic.fault("process", "killed five times in a row", Borne::ANY_REFUSAL);
    for _ in 0..5 {
        world.kill_gate();
        world.start_gate();
        world.wait_until_found();
    }
    fault.lasts();
    fault.ends();
    assert!(fault.recovered().has_hurt());
    traffic.ends();
}

#[test]
fn a_gate_that_is_stopped_lets_nobody_in_and_goes_on_where_it_was() {
    let mut world = World::start("stopped", Circumstances::plain(without_store()));
    let traffic = Traffic::begin(world.edge(), kinds::web());
    let mut fault = traffic.fault("process", "SIGSTOP, then SIGCONT", Borne::ANY_REFUSAL);
    world.gate().freeze();
    fault.lasts_until_it_hurts();
    fault.ends();
    world.gate().thaw();
    assert!(fault.recovered().has_hurt());
    traffic.ends();
}
