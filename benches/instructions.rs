//! What the pieces of a check cost in instructions, counted by Valgrind, each with a limit of 5 % above the figure noted
//! here: unlike time, instructions do not depend on what else the machine does.
//!
//! `make instructions` builds the crate optimised, on the dependencies of the tests. Who makes a piece cheaper, or
//! dearer for a reason, notes the new figure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that panics has failed"
)]

#[path = "pieces/mod.rs"]
mod pieces;

use std::hint::black_box;
use std::sync::Arc;

use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use sessiongate::envoy::response;
use sessiongate::gate::Gate;
use sessiongate::policy::decision::Decision;
use sessiongate::request::HttpRequest;
use sessiongate::request::cookies::Cookies;
use sessiongate::request::path::RequestPath;
use sessiongate::session::credential::{Credential, Precedence};

use self::pieces::{COOKIE, ODD_PATH, PAGE, Pieces};

/// At most 5 % more instructions than noted.
fn noted(instructions: u64) -> LibraryBenchmarkConfig {
    let limit = instructions + instructions / 20;
    let mut callgrind = Callgrind::with_args(["--cache-sim=no"]);
    callgrind.hard_limits([(EventKind::Ir, limit)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

#[library_benchmark]
#[bench::plain(args = (PAGE), config = noted(235))]
#[bench::odd(args = (ODD_PATH), config = noted(247_700))]
fn readings(path: &'static str) -> usize {
    black_box(RequestPath::parse(black_box(path)).expect("a path").readings().len())
}

fn asked(pieces: &Pieces) -> (&'static Gate, HttpRequest<'static>) {
    (pieces.gate, pieces.request())
}

fn of_rules(rules: usize) -> (&'static Gate, HttpRequest<'static>) {
    asked(&Pieces::with_rules(rules))
}

#[library_benchmark]
#[bench::of_20(args = (20), setup = of_rules, config = noted(1_914))]
#[bench::of_5000(args = (5_000), setup = of_rules, config = noted(1_948))]
fn rule((gate, request): (&'static Gate, HttpRequest<'static>)) -> HttpRequest<'static> {
    black_box(gate.rules.governing(black_box(&request)).len());
    request
}

fn of_chunks(chunks: usize) -> (&'static Gate, HttpRequest<'static>) {
    asked(&if chunks == 1 { Pieces::with_rules(20) } else { Pieces::with_chunks(chunks) })
}

#[library_benchmark]
#[bench::whole(args = (1), setup = of_chunks, config = noted(5_000))]
#[bench::in_4_chunks(args = (4), setup = of_chunks, config = noted(9_450))]
fn credential((_, request): (&'static Gate, HttpRequest<'static>)) -> HttpRequest<'static> {
    let (cookies, name) = (Cookies::parse(black_box(&request.headers)), Arc::from(COOKIE));
    let found = Credential::from_cookies(&cookies, &name, Precedence::First, 16 * 1024);
    black_box(found.is_some());
    request
}

#[library_benchmark]
#[bench::of_500_bytes(args = (20), setup = Pieces::with_rules, config = noted(48_700))]
fn token(pieces: Pieces) -> Pieces {
    black_box(pieces.provider().decode(black_box(&pieces.token)).expect("claims"));
    pieces
}

#[library_benchmark]
#[bench::of_a_browser(args = (20), setup = Pieces::with_rules, config = noted(15_500))]
fn message(pieces: Pieces) -> HttpRequest<'static> {
    black_box(pieces.request())
}

fn decision(is_session: bool) -> Decision<'static> {
    if is_session { Pieces::with_rules(20).decision() } else { Pieces::of_visitor().decision() }
}

#[library_benchmark]
#[bench::to_a_session(args = (true), setup = decision, config = noted(8_800))]
#[bench::to_a_visitor(args = (false), setup = decision, config = noted(7_142))]
fn answer(decision: Decision<'static>) -> Decision<'static> {
    black_box(response::write(black_box(&decision)));
    decision
}

fn visitor(_: ()) -> Pieces {
    Pieces::of_visitor()
}

#[library_benchmark]
#[bench::of_a_session(args = (20), setup = Pieces::with_rules, config = noted(93_000))]
#[bench::in_4_chunks(args = (4), setup = Pieces::with_chunks, config = noted(97_200))]
#[bench::of_a_visitor(args = (()), setup = visitor, config = noted(43_000))]
fn check(pieces: Pieces) -> Pieces {
    black_box(pieces.answer());
    pieces
}

library_benchmark_group!(
    name = pieces_of_a_check,
    benchmarks = [readings, rule, credential, token, message, answer, check]
);
main!(library_benchmark_groups = pieces_of_a_check);
