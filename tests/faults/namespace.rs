//! A gate that sees other files than the rest of the machine: mounts of its own, which need no root where users may have
//! namespaces.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::Circumstances;

/// Takes orders inside, for as long as the gate lives.
pub struct Orders(PathBuf);

/// A gate for which `mounts`, a line of shell, has been done first; it may name `folder` as `$folder`.
pub fn gate(folder: &Path, mounts: &str, configuration: String) -> (Circumstances, Orders) {
    let orders = folder.join("orders");
    assert!(Command::new("mkfifo").arg(&orders).status().expect("mkfifo runs").success());
    let script = format!(
        "folder=$1; shift; {mounts} || exit 1\n\
         while :; do while read -r order; do eval \"$order\"; done <\"$folder/orders\"; done 2>/dev/null &\n\
         exec \"$@\" 2>>\"${{errors:-/dev/stderr}}\""
    );
    let mut through = vec!["unshare", "--mount"];
    if !rustix::process::getuid().is_root() {
        through.push("--map-root-user");
    }
    through.extend(["sh", "-c", &script, "sh"]);
    let through = through.into_iter().map(str::to_owned);
    let through = through.chain([folder.display().to_string()]).collect();
    (Circumstances { through, ..Circumstances::plain(configuration) }, Orders(orders))
}

impl Orders {
    /// Has a line of shell done inside.
    pub fn give(&self, order: &str) {
        fs::write(&self.0, format!("{order}\n")).expect("somebody listens");
    }
}
