//! The program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;
use sessiongate::cli::Cli;

/// A check asks for memory some fifty times, in blocks that live as long as the check.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Cli::parse().run()
}
