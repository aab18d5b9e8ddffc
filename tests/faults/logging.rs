//! The disk is full on which both logs are written.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::polling::wait_until;
use crate::kinds;
use crate::namespace;
use crate::traffic::{Borne, Traffic};
use crate::world::{World, without_store};

#[test]
fn a_full_disk_holds_up_no_request_and_what_is_not_logged_is_counted() {
    const FULL: &str = "[ $(df --output=avail \"$folder/disk\" | tail -1) = 0 ]";
    let place = tempfile::tempdir().expect("a folder");
    let disk = place.path().join("disk");
    fs::create_dir(&disk).expect("a folder");
    let configuration = format!(
        "{}telemetry: {{ log: debug, decisions: {{ to: \"{}\", which: all }} }}\n",
        without_store(),
        disk.join("decisions").display()
    );
    let mounts = "mount -t tmpfs -o size=16m none \"$folder/disk\" && errors=$folder/disk/log";
    let (circumstances, orders) = namespace::gate(place.path(), mounts, configuration);
    let world = World::start("disk", circumstances);
    let traffic = Traffic::begin(world.edge(), kinds::web());
    let dropped = |log: &str| world.metric(&format!("sessiongate_log_lines_dropped_total{{log=\"{log}\"}}"));
    let done = |name: &str| place.path().join(name).exists();

    let mut fault = traffic.fault("logs", "disk full", Borne::NOTHING);
    orders.give(&format!("cat /dev/zero >$folder/disk/filler; {FULL} && : >$folder/full"));
    wait_until("the disk to be full", || done("full"));
    fault.lasts();
    orders.give(&format!("{FULL} && : >$folder/still-full"));
    wait_until("it to be full all the while", || done("still-full"));
    fault.ends();
    orders.give("rm $folder/disk/filler");
    fault.recovered();
    traffic.ends();
    let length = |name: &str| {
        orders.give(&format!("cp $folder/disk/{name} $folder/copy && mv $folder/copy $folder/{name}"));
        fs::metadata(place.path().join(name)).map_or(0, |file| file.len())
    };
    for log in ["decisions", "log"] {
        let before = length(log);
        wait_until("lines to be written again", || length(log) > before + 1000);
    }
    assert_whole(&place.path().join("decisions"));
    wait_until("the lines that were lost to be counted", || dropped("decisions") > 0.0);
}

/// Each line is a JSON object, or the beginning of one for which there was no more room: no line is spoiled by another.
fn assert_whole(log: &Path) {
    const BEGINS: &str = "{\"timestamp\"";
    let text = fs::read_to_string(log).expect("text");
    // The last line may be under way.
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let is_whole = serde_json::from_str::<Value>(line).is_ok();
        assert!(is_whole || line.matches(BEGINS).count() <= 1, "two lines in one: {line}");
    }
}
