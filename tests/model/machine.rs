//! What can happen, in any order: sign-ins, requests, revocations, reloads, and time.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;

use crate::model::{Model, TOLERANCE};
use crate::world::{
    Access, Ask, Carried, Client, Configuration, DAY, HOSTS, Matcher, Mistake, OnDeny, PATHS, Place,
    Provider, Revocation, Revoke, Role, Rule, START, Seconds, Secret, Session, USERS,
};

#[derive(Clone, Debug)]
pub enum Transition {
    /// The application begins a session.
    SignIn(Session),
    Ask(Ask),
    /// `elsewhere`: through another replica.
    Revoke {
        what: Revoke,
        elsewhere: bool,
    },
    /// Forward, or back.
    TimePasses(Seconds),
    Reload(Configuration),
    BrokenReload(Mistake),
}

/// How far time goes at once: to the second about where sessions end, and by whole days.
static STEPS: [Seconds; 12] = [1, 14, 15, 16, 45, 59, 60, -1, -60, DAY, 10 * DAY, 20 * DAY];
/// How long sessions last.
static LIFETIMES: [Seconds; 4] = [60, 75, DAY, 60 * DAY];
/// As far as the clock goes back behind the start.
const EARLIEST: Seconds = -DAY;

pub struct Machine;

impl ReferenceStateMachine for Machine {
    type State = Model;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Model> {
        let model =
            |configuration| Model { now: START, configuration, sessions: Vec::new(), ended: Vec::new() };
        configurations().prop_map(model).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Transition> {
        let now = model.now;
        Union::new_weighted(vec![
            (4, sessions(&model.configuration, now).prop_map(Transition::SignIn).boxed()),
            (12, asks().prop_map(Transition::Ask).boxed()),
            (
                2,
                (revocations(), any::<bool>())
                    .prop_map(|(what, elsewhere)| Transition::Revoke { what, elsewhere })
                    .boxed(),
            ),
            (2, steps(model).prop_map(Transition::TimePasses).boxed()),
            (1, changes(&model.configuration).prop_map(Transition::Reload).boxed()),
            (1, mistakes().prop_map(Transition::BrokenReload).boxed()),
        ])
        .boxed()
    }

    fn apply(mut model: Model, transition: &Transition) -> Model {
        match transition {
            Transition::SignIn(session) => model.sessions.push(session.clone()),
            Transition::Revoke { what, .. } => drop(model.revoke(*what)),
            Transition::TimePasses(seconds) => model.now = (model.now + seconds).max(EARLIEST),
            Transition::Reload(configuration) => model.configuration = configuration.clone(),
            Transition::Ask(_) | Transition::BrokenReload(_) => {}
        }
        model
    }
}

/// Some time, or as much as brings one of the sessions to its last second, or to the one after.
fn steps(model: &Model) -> impl Strategy<Value = Seconds> + use<> {
    let last = |session: &Session| session.expires + TOLERANCE - 1 - model.now;
    let ends: Vec<_> = model.sessions.iter().map(last).flat_map(|last| [last, last + 1]).collect();
    let aimed = if ends.is_empty() { STEPS.to_vec() } else { ends };
    prop_oneof![2 => select(&STEPS[..]), 1 => select(aimed)]
}

fn configurations() -> impl Strategy<Value = Configuration> {
    let secrets = Just(vec![Secret::A, Secret::B, Secret::C]).prop_shuffle();
    (secrets, 1..=2_usize, prop::option::weighted(0.7, secret()), any::<bool>(), revocation_lists())
        .prop_flat_map(|(mut web, count, machine, machine_first, revocation)| {
            web.truncate(count);
            let has_machine = machine.is_some();
            (prop::collection::vec(rules(has_machine), 1..6), rules(has_machine)).prop_map(
                move |(rules, default)| {
                    let default = Rule { admins_only: false, ..default };
                    Configuration { rules, default, web: web.clone(), machine, machine_first, revocation }
                },
            )
        })
}

/// Another configuration, most often one change away from this one.
fn changes(now: &Configuration) -> impl Strategy<Value = Configuration> + use<> {
    let has_machine = now.machine.is_some();
    let shuffled = Just(now.rules.clone()).prop_shuffle();
    let (reordered, replaced, rotated, revocable, reduced) =
        (now.clone(), now.clone(), now.clone(), now.clone(), now.clone());
    prop_oneof![
        shuffled.prop_map(move |rules| Configuration { rules, ..reordered.clone() }),
        rules(has_machine).prop_map(move |rule| {
            let mut changed = replaced.clone();
            changed.rules[0] = rule;
            changed
        }),
        secret().prop_map(move |newest| {
            let mut web = vec![newest];
            web.extend(rotated.web.iter().filter(|secret| **secret != newest).take(1));
            Configuration { web, ..rotated.clone() }
        }),
        revocation_lists().prop_map(move |revocation| Configuration { revocation, ..revocable.clone() }),
        Just(without_machine(reduced)),
        configurations(),
    ]
}

/// The provider is gone, and no rule names it any more.
fn without_machine(mut configuration: Configuration) -> Configuration {
    configuration.machine = None;
    for rule in configuration.rules.iter_mut().chain([&mut configuration.default]) {
        rule.accepts = rule.accepts.take().map(|_| vec![Provider::Web]);
    }
    configuration
}

fn rules(has_machine: bool) -> impl Strategy<Value = Rule> {
    use Matcher::{Admin, AllButDocs, Api, AuthJs, Docs, Everything, Help, Home, Ops, Orders};
    let matcher = select(vec![Everything, Home, Admin, Help, Docs, AuthJs, Orders, Api, Ops, AllButDocs]);
    let access = prop_oneof![
        2 => Just(Access::Public),
        2 => Just(Access::Optional),
        5 => Just(Access::Session),
        1 => Just(Access::Deny),
    ];
    let mut accepted = vec![None, None, Some(vec![Provider::Web])];
    if has_machine {
        let (web, machine) = (Provider::Web, Provider::Machine);
        accepted.extend([Some(vec![machine]), Some(vec![machine, web]), Some(vec![web, machine])]);
    }
    let on_deny =
        select(vec![OnDeny::Auto, OnDeny::Auto, OnDeny::Redirect, OnDeny::Unauthorized, OnDeny::Custom]);
    (matcher, access, prop::bool::weighted(0.3), select(accepted), on_deny).prop_map(
        |(matcher, access, admins_only, accepts, on_deny)| {
            let admins_only = admins_only && access == Access::Session;
            Rule { matcher, access, admins_only, accepts, on_deny }
        },
    )
}

fn revocation_lists() -> impl Strategy<Value = Revocation> {
    prop_oneof![
        2 => Just(Revocation::Off),
        5 => Just(Revocation::Redis),
        1 => any::<bool>().prop_map(|lenient| Revocation::Away { lenient }),
    ]
}

fn sessions(configuration: &Configuration, now: Seconds) -> impl Strategy<Value = Session> + use<> {
    let (web, machine) = (configuration.web.clone(), configuration.machine);
    let place =
        prop_oneof![3 => Just(Place::Cookie), 3 => Just(Place::SecureCookie), 2 => Just(Place::Bearer)];
    let role = select(vec![Role::Admin, Role::Viewer, Role::Unsaid]);
    let is_foreign = prop::bool::weighted(0.15);
    (
        select(&USERS[..]),
        role,
        place,
        any::<bool>(),
        secret(),
        is_foreign,
        any::<prop::sample::Index>(),
        select(&LIFETIMES[..]),
    )
        .prop_map(move |(user, role, place, is_long, any_secret, is_foreign, one, lifetime)| {
            let known = if place == Place::Bearer { machine } else { Some(*one.get(&web)) };
            let secret = known.filter(|_| !is_foreign).unwrap_or(any_secret);
            let is_long = is_long && place != Place::Bearer;
            Session { user, role, place, is_long, secret, issued: now, expires: now + lifetime }
        })
}

fn asks() -> impl Strategy<Value = Ask> {
    let client = select(vec![Client::Browser, Client::OldBrowser, Client::Api, Client::Router, Client::Grpc]);
    let route =
        prop_oneof![14 => Just(None), 1 => Just(Some(Access::Session)), 1 => Just(Some(Access::Deny))];
    let carried =
        (picks(), prop::bool::weighted(0.1)).prop_map(|(pick, is_tampered)| Carried { pick, is_tampered });
    let carried = prop_oneof![
        1 => Just(Vec::new()),
        5 => carried.clone().prop_map(|one| vec![one]),
        2 => (carried.clone(), carried).prop_map(|(one, other)| vec![one, other]),
    ];
    let method = select(vec!["GET", "GET", "GET", "HEAD", "POST", "PUT"]);
    (0..PATHS.len(), 0..HOSTS.len(), method, client, any::<bool>(), route, carried, any::<bool>()).prop_map(
        |(path, host, method, client, has_ops, route, carried, is_raw)| {
            let (path, host) = (&PATHS[path], &HOSTS[host]);
            Ask { path, host, method, client, has_ops, route, carried, is_raw }
        },
    )
}

fn revocations() -> impl Strategy<Value = Revoke> {
    prop_oneof![
        select(&USERS[..]).prop_map(Revoke::User),
        picks().prop_map(|pick| Revoke::Token { pick }),
        picks().prop_map(|pick| Revoke::Id { pick }),
    ]
}

/// One of the last sessions, most often.
fn picks() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![3 => 0..3_usize, 1 => 0..16_usize]
}

fn mistakes() -> impl Strategy<Value = Mistake> {
    select(vec![
        Mistake::NoYaml,
        Mistake::UnknownKey,
        Mistake::UnknownProvider,
        Mistake::BadMatcher,
        Mistake::BadCondition,
        Mistake::WeakSecret,
        Mistake::UnsetVariable,
        Mistake::NoFile,
    ])
}

fn secret() -> impl Strategy<Value = Secret> {
    select(vec![Secret::A, Secret::B, Secret::C])
}
