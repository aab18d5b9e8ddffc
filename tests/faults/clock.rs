//! The clock of the gate's machine jumps, as libfaketime makes it: the time of day alone, for what runs on goes on.
//!
//! What is valid is a matter of the clock: a session that ended within the time by which the clock is behind passes, and
//! nothing on the machine knows better. When the clock is right again, so is every answer.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::harness::http1::Call;
use crate::harness::polling::wait_until;
use crate::harness::servers::Redis;
use crate::harness::session::{COOKIE, ada, v5};
use crate::kinds;
use crate::question::{Due, Question};
use crate::traffic::{Borne, Traffic};
use crate::world::{Circumstances, World, with_store, without_store};

/// A clock that is read anew each time.
struct Clock {
    library: String,
    file: tempfile::NamedTempFile,
}

impl Clock {
    fn right() -> Self {
        let clock = Self { library: library(), file: tempfile::NamedTempFile::new().expect("a file") };
        clock.shows("+0");
        clock
    }

    /// `+40d`, `-1h`, or a moment at which it stands.
    fn shows(&self, time: &str) {
        let new = self.file.path().with_extension("new");
        fs::write(&new, format!("{time}\n")).expect("a file");
        fs::rename(new, self.file.path()).expect("it takes the place of the other");
    }

    fn of_gate(&self, configuration: String) -> Circumstances {
        let file = self.file.path().display().to_string();
        let variables = [
            ("LD_PRELOAD", self.library.clone()),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        Circumstances { variables: variables.to_vec(), ..Circumstances::plain(configuration) }
    }
}

/// `/usr/lib/<machine>/faketime/…`
fn library() -> String {
    let machines = fs::read_dir("/usr/lib").expect("a folder").flatten();
    let mut libraries = machines.map(|machine| machine.path().join("faketime/libfaketimeMT.so.1"));
    let found = libraries.find(|library| library.exists());
    found.expect("libfaketime is installed: run `make tools`").display().to_string()
}

#[test]
fn sessions_end_by_the_clock_and_are_back_when_it_is_right_again() {
    let redis = Redis::start();
    crate::stores::fill_redis(&redis);
    let clock = Clock::right();
    let kept = crate::stores::redis_at(redis.port).replace("cache: 0s", "cache: 1h");
    let told = "telemetry: { decisions: { to: stdout, which: all } }\n";
    let world = World::start("clock", clock.of_gate(with_store(&kept) + told));
    let traffic = Traffic::begin(world.edge(), kinds::stored());
    for (what, time, borne) in [
        ("forward by 40 days: sessions of 30 are over", "+40d", Borne::DENIAL),
        ("forward by 80 years: those that a store keeps, too", "+29200d", Borne::DENIAL),
        ("to before 1970", "-25000d", Borne::DENIAL),
    ] {
        let mut fault = traffic.fault("clock", what, borne);
        clock.shows(time);
        fault.lasts_until_it_hurts();
        fault.ends();
        clock.shows("+0");
        assert!(fault.recovered().has_hurt(), "{what}");
    }
    let mut fault = traffic.fault("clock", "back by 40 days, and to and fro", Borne::NOTHING);
    for time in ["-40d", "+1h", "-1h", "-40d"] {
        clock.shows(time);
        fault.lasts();
    }
    fault.ends();
    clock.shows("+0");
    fault.recovered();
    traffic.ends();
}

#[test]
fn a_revoked_session_stays_revoked_whatever_the_clock_did_meanwhile() {
    let redis = Redis::start();
    let clock = Clock::right();
    let configuration = format!(
        "{}revocation: {{ redis: \"{}\", poll: 1s, secret: {REVOKING} }}\n",
        without_store(),
        redis.url()
    );
    let mut world = World::start("clock-revoked", clock.of_gate(configuration));
    let revoked = v5(ada()).mint();
    revoke(&world, &revoked);
    let mut questions = kinds::web();
    questions.push(Question::new("revoked", "/dashboard", Due::Unauthorized).cookie(COOKIE, &revoked));
    let traffic = Traffic::begin(world.edge(), questions);
    for (what, revokes_another) in [
        ("forward by 40 days, with revocations", false),
        ("forward by 40 days, and a revocation written then", true),
    ] {
        let mut fault = traffic.fault("clock", what, Borne::DENIAL);
        clock.shows("+40d");
        fault.lasts_until_it_hurts();
        let read = reads(&redis);
        wait_until("the list to be read by the wrong clock", || reads(&redis) >= read + 2);
        if revokes_another {
            revoke(&world, "another-token");
        }
        fault.ends();
        clock.shows("+0");
        assert!(fault.recovered().has_hurt(), "{what}");
    }
    traffic.ends();
    assert!(world.gate().is_running());
}

/// How often the list of revocations was read.
fn reads(redis: &Redis) -> u32 {
    let calls = redis.ask(&["INFO", "commandstats"]);
    let line = calls.lines().find_map(|line| line.strip_prefix("cmdstat_zrangebyscore:calls="));
    line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or_default()
}

const REVOKING: &str = "may-revoke-8Vq2Lw5Tz9Kc3Rj7";

/// Ends a session through the gate's own door.
fn revoke(world: &World, token: &str) {
    let call = Call::new("POST", "/revocations")
        .host("localhost")
        .header("authorization", &format!("Bearer {REVOKING}"));
    let body = serde_json::json!({ "token": token }).to_string();
    let answer = call.body("application/json", &body).send(world.admin);
    assert_eq!(answer.status, 204, "{answer:?}");
}

#[test]
fn an_assertion_lasts_for_its_minute_by_the_clock_that_is_right_again() {
    let clock = Clock::right();
    let configuration =
        format!("{}identity: {{ assertion: {{ audience: upstream, ttl: 60s }} }}\n", without_store());
    let world = World::start("clock-assertion", clock.of_gate(configuration));
    let traffic = Traffic::begin(world.edge(), kinds::web());
    let signed_in = format!("{COOKIE}={}", v5(ada()).mint());
    let asserted = || {
        let seen = Call::get("/dashboard").cookie(&signed_in).send(world.edge()).upstream();
        let token = seen.values("x-auth-assertion").concat();
        let claims = base64url(token.split('.').nth(1).expect("three parts"));
        let moment = |name: &str| claims[name].as_i64().expect("a number");
        (moment("iat"), moment("exp"))
    };
    let mut fault = traffic.fault("clock", "forward by an hour, with assertions", Borne::NOTHING);
    clock.shows("+1h");
    assert!(asserted().0 >= now() + 3000, "it is of the wrong clock");
    fault.lasts();
    fault.ends();
    clock.shows("+0");
    let (issued, expires) = asserted();
    fault.recovered();
    traffic.ends();
    assert!(issued <= now() + 1, "issued {} s from now", issued - now());
    assert!(expires <= now() + 61, "lasts for {} s more", expires - now());
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_secs()).expect("not so soon")
}

fn base64url(text: &str) -> Value {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
