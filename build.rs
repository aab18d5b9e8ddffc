//! Compiles the protocol from `proto/` without `protoc`, and notes what is built, and by which compiler.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(["envoy/service/auth/v3/external_auth.proto"], ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().build_transport(false).compile_fds(descriptors)?;
    println!("cargo:rerun-if-env-changed=SESSIONGATE_COMMIT");
    println!("cargo:rustc-env=SESSIONGATE_COMMIT={}", commit());
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = output(Command::new(rustc).arg("--version")).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=SESSIONGATE_RUSTC={version}");
    Ok(())
}

/// The commit of a release: from the environment where there is no repository, as in a container's build. A build for
/// debugging has none, so that a commit does not make it anew.
fn commit() -> String {
    if let Some(given) = env::var("SESSIONGATE_COMMIT").ok().filter(|given| !given.is_empty()) {
        return given;
    }
    if env::var("PROFILE").as_deref() != Ok("release") {
        return "debug build".to_owned();
    }
    if let Some(folder) = output(Command::new("git").args(["rev-parse", "--git-dir"])) {
        println!("cargo:rerun-if-changed={folder}/logs/HEAD");
    }
    let describe = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
    output(Command::new("git").args(describe)).unwrap_or_else(|| "unknown commit".to_owned())
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}
