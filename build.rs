//! Compiles the protocol from `proto/` without `protoc`, and notes what is built, and by which compiler.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use tonic_build::manual::{Builder, Method, Service};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(["envoy/service/auth/v3/external_auth.proto"], ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let set = out.join("descriptors.bin");
    fs::write(&set, descriptors.encode_to_vec())?;
    views(&descriptors, set)?;
    service();
    tonic_prost_build::configure().build_server(false).build_transport(false).compile_fds(descriptors)?;
    println!("cargo:rerun-if-env-changed=SESSIONGATE_COMMIT");
    println!("cargo:rustc-env=SESSIONGATE_COMMIT={}", commit());
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = output(Command::new(rustc).arg("--version")).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=SESSIONGATE_RUSTC={version}");
    Ok(())
}

/// What reads a message where it lies, and writes one from what it borrows.
fn views(descriptors: &FileDescriptorSet, set: PathBuf) -> Result<(), Box<dyn Error>> {
    let ours = descriptors.file.iter().map(FileDescriptorProto::name);
    let ours: Vec<&str> = ours.filter(|name| !name.starts_with("google/protobuf/")).collect();
    buffa_build::Config::new()
        .files(&ours)
        .descriptor_set(set)
        .preserve_unknown_fields(false)
        .include_file("views.rs")
        .compile()
}

/// The service, whose messages are read and written as bytes.
fn service() {
    let check = Method::builder()
        .name("check")
        .route_name("Check")
        .input_type("crate::envoy::codec::Asked")
        .output_type("crate::envoy::codec::Answered")
        .codec_path("crate::envoy::codec::Verbatim")
        .build();
    let authorization =
        Service::builder().name("Authorization").package("envoy.service.auth.v3").method(check);
    Builder::new().build_client(false).build_transport(false).compile(&[authorization.build()]);
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
