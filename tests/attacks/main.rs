//! The attack corpus: what has been published against gates and proxies of this kind, asked of sessiongate through every
//! Envoy that is supported, or of another `ext_authz` server. README.md beside this file says how to read and run it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, which is what it is for; what another server does is printed"
)]

#[allow(dead_code, unused_imports, reason = "what the tests are made of, of which this uses a part")]
#[path = "../envoy/harness/mod.rs"]
mod harness;

mod corpus;
mod edges;
mod judge;
mod report;
mod sealed;
mod stand_ins;
mod tokens;
mod wire;

use std::collections::BTreeSet;
use std::thread;

use self::corpus::cases;
use self::edges::{Edge, Gates, versions};
use self::harness::envoy::binary;
use self::judge::{Finding, Strictness, Tried, try_case};
use self::report::{said, table};
use self::stand_ins::StandIn;

#[test]
fn no_attack_gets_through_any_envoy_and_its_honest_neighbours_do() {
    let mut gates = Gates::start();
    let over_http = gates.over_http();
    let gates = &gates;
    let tried: Vec<Tried> = thread::scope(|scope| {
        let edges = versions().into_iter().map(|(version, binary)| {
            scope.spawn(move || try_all(&Edge::before(gates, &version, &binary), Strictness::Ours))
        });
        let edges: Vec<_> = edges.collect();
        let over_http = try_all(&over_http, Strictness::Ours);
        edges.into_iter().flat_map(|edge| edge.join().expect("it ends")).chain(over_http).collect()
    });
    println!("{} requests", tried.iter().map(|tried| tried.attacks + tried.controls).sum::<usize>());
    let findings: Vec<&Finding> = tried.iter().flat_map(|tried| &tried.findings).collect();
    assert!(findings.is_empty(), "{}", said(&findings));
}

#[test]
fn a_server_that_lets_everything_pass_is_noticed_by_every_case() {
    let unnoticed = unnoticed_by(StandIn::AllowsEverything, |finding| !finding.is_control);
    assert!(unnoticed.is_empty(), "no attack of these cases failed: {unnoticed:#?}");
}

#[test]
fn a_server_that_lets_nothing_pass_is_noticed_by_every_case() {
    let unnoticed = unnoticed_by(StandIn::DeniesEverything, |finding| finding.is_control);
    assert!(unnoticed.is_empty(), "no control of these cases failed: {unnoticed:#?}");
}

/// `make attacks AGAINST=host:port`.
#[test]
#[ignore = "asks the server whose address is in ATTACKS_AGAINST"]
fn another_server_is_asked_the_same() {
    let address = std::env::var("ATTACKS_AGAINST").expect("ATTACKS_AGAINST=host:port");
    let tried = try_all(&Edge::before_stranger(&address, "stranger", &binary()), Strictness::AnyServer);
    println!("{}", table(&tried));
    let findings: Vec<&Finding> = tried.iter().flat_map(|tried| &tried.findings).collect();
    assert!(findings.is_empty(), "{}", said(&findings));
}

fn try_all(edge: &Edge, strictness: Strictness) -> Vec<Tried> {
    cases().into_iter().map(|case| try_case(case, edge, strictness)).collect()
}

/// The cases that say nothing of this kind about a server that decides nothing.
fn unnoticed_by(stand_in: StandIn, kind: impl Fn(&Finding) -> bool) -> BTreeSet<String> {
    let edge = Edge::before_stranger(&stand_in.start().to_string(), stand_in.name(), &binary());
    let tried = try_all(&edge, Strictness::AnyServer).into_iter().filter(Tried::is_asked);
    tried.filter(|tried| !tried.findings.iter().any(&kind)).map(|tried| tried.case.name).collect()
}
