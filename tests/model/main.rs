//! The whole gate beside a model of it: rules, sessions, revocations, reloads and time, in any order.
//!
//! The system is the real one, from the text of its configuration to the answer that Envoy acts on, with a real Redis;
//! the model is `model.rs`. `PROPTEST_CASES` sets how many histories are tried.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, which is what it is for"
)]

#[allow(
    dead_code,
    unused_imports,
    clippy::float_cmp,
    reason = "what the tests are made of, of which this uses a part"
)]
#[path = "../envoy/harness/mod.rs"]
mod harness;

mod configuration;
mod machine;
mod model;
mod system;
mod tally;
mod tokens;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use proptest_state_machine::ReferenceStateMachine as _;

use self::machine::{Machine, Transition};
use self::model::{Ended, Model};
use self::system::System;
use self::tally::Tally;
use self::world::{Revocation, START, Secret};

/// Histories, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 500;
/// Things that happen in a history, at most.
const LENGTH: usize = 60;

/// Steps towards the shortest history that shows a difference.
const SHRINKS: u32 = 200;

type History = (Model, Vec<Transition>, Option<Arc<AtomicUsize>>);

/// What a model takes to be so.
type Belief = fn(&Model) -> Model;

/// How many histories are tried.
fn cases() -> u32 {
    if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { CASES }
}

/// Lets a history happen to the real gate, and holds each of its answers against those of `expected`.
fn walk((mut model, history, seen): History, expected: Belief, tally: &Tally) -> Result<(), TestCaseError> {
    let mut system = System::start(&model.configuration).map_err(TestCaseError::fail)?;
    for transition in history {
        if let Some(seen) = &seen {
            seen.fetch_add(1, Ordering::SeqCst);
        }
        let before = model.clone();
        model = Machine::apply(model, &transition);
        step(&mut system, &before, &model, &transition, expected, tally)?;
    }
    Ok(())
}

fn step(
    system: &mut System,
    before: &Model,
    model: &Model,
    transition: &Transition,
    expected: Belief,
    tally: &Tally,
) -> Result<(), TestCaseError> {
    match transition {
        Transition::SignIn(session) => {
            system.sign_in(session);
            tally.signed_in(session);
        }
        Transition::Ask(ask) => {
            let (expected, (seen, reason)) =
                (expected(model).decide(ask), system.ask(ask, model.now).map_err(TestCaseError::fail)?);
            prop_assert_eq!(&expected, &seen, "{:?}", ask);
            tally.asked(&seen, &reason);
        }
        Transition::Revoke { what, elsewhere } => {
            let through = elsewhere.then_some(&model.configuration);
            let is_written = system.revoke(*what, model.now, through);
            prop_assert_eq!(is_written, model.ended.len() > before.ended.len());
            if is_written {
                tally.revoked(*what, *elsewhere);
            }
        }
        Transition::TimePasses(_) => tally.time_passed(before, model),
        Transition::Reload(configuration) => {
            system.reload(configuration).map_err(TestCaseError::fail)?;
            tally.reloaded(&before.configuration, configuration);
        }
        Transition::BrokenReload(mistake) => {
            prop_assert!(system.reload_broken(&model.configuration, *mistake), "{:?} was accepted", mistake);
            tally.count(format!("refused: {mistake:?}"));
        }
    }
    Ok(())
}

/// Tries histories until one contradicts `expected`.
fn search(cases: u32, expected: Belief, tally: &Tally) -> Result<(), Box<TestError<History>>> {
    let histories = Machine::sequential_strategy(1..=LENGTH);
    // The history itself is all that is needed to see it again.
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: SHRINKS,
        ..ProptestConfig::default()
    };
    TestRunner::new(config).run(&histories, |history| walk(history, expected, tally)).map_err(Box::new)
}

#[test]
fn the_gate_decides_as_the_model_does_whatever_happens() {
    let tally = Tally::default();
    if let Err(error) = search(cases(), Model::clone, &tally) {
        panic!("{error}");
    }
    println!("{}", tally.lines());
    if cases() >= CASES {
        assert_eq!(tally.missing(), [""; 0], "never happened");
    }
}

/// Models that are wrong in one thing. A machine that does not find them would not find the same mistake in the gate.
const WRONG: [(&str, Belief); 8] = [
    ("a revocation counts for nothing", |model| Model { ended: Vec::new(), ..model.clone() }),
    ("nobody's sessions are ended as a whole", |model| {
        let mut wrong = model.clone();
        wrong.ended.retain(|ended| !matches!(ended, Ended::User(..)));
        wrong
    }),
    ("time stands still", |model| Model { now: START, ..model.clone() }),
    ("a session lasts a second longer", |model| Model { now: model.now - 1, ..model.clone() }),
    ("an old secret counts for nothing", |model| {
        let mut wrong = model.clone();
        wrong.configuration.web.truncate(1);
        wrong
    }),
    ("a secret that was never configured counts", |model| {
        let mut wrong = model.clone();
        wrong.configuration.web = vec![Secret::A, Secret::B, Secret::C];
        wrong
    }),
    ("the last rule is not there", |model| {
        let mut wrong = model.clone();
        wrong.configuration.rules.pop();
        wrong
    }),
    ("an unknown list of revocations is an empty one", |model| {
        let mut wrong = model.clone();
        if matches!(wrong.configuration.revocation, Revocation::Away { .. }) {
            wrong.configuration.revocation = Revocation::Off;
        }
        wrong
    }),
];

#[test]
fn a_model_that_is_wrong_in_one_thing_is_found_out() {
    for (what, wrong) in WRONG {
        let found = search(4 * CASES, wrong, &Tally::default()).err().map(|error| *error);
        let Some(TestError::Fail(_, (_, history, _))) = found else { panic!("{what}, and nobody noticed") };
        // Short enough to be read: what leads there, and the request that shows it.
        assert!(history.len() <= 12, "{what}: {history:#?}");
        assert!(matches!(history.last(), Some(Transition::Ask(_))), "{what}: {history:#?}");
    }
}
