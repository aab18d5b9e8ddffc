//! Stores that stop, die, or take their time: nobody whose session cannot be known passes or is sent to the login, and
//! nobody else notices.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::between::{Between, Way};
use crate::harness::servers::{Postgres, Redis};
use crate::kinds;
use crate::traffic::{Borne, Traffic};
use crate::world::{Circumstances, World, with_store};

/// Sessions and their users, as `@auth/upstash-redis-adapter` writes them.
pub fn fill_redis(redis: &Redis) {
    let mut command = vec!["MSET".to_owned()];
    for (number, expires) in kinds::rows() {
        let (token, user) = (kinds::token(number), kinds::user(number));
        let session = json!({"sessionToken": token, "userId": user, "expires": expires});
        command.extend([format!("user:session:{token}"), session.to_string()]);
        command.extend([format!("user:{user}"), json!({"id": user, "name": "Kept"}).to_string()]);
    }
    redis.ask(&command.iter().map(String::as_str).collect::<Vec<_>>());
}

/// The same in the tables of Drizzle's adapter, whose ids are text.
pub fn fill_postgres(postgres: &Postgres) {
    let mut statements = "CREATE TABLE \"user\" (id TEXT PRIMARY KEY, name TEXT, email TEXT); \
         CREATE TABLE session (\"sessionToken\" TEXT PRIMARY KEY, \"userId\" TEXT NOT NULL, expires TIMESTAMP NOT NULL);"
        .to_owned();
    for (number, expires) in kinds::rows() {
        let (token, user) = (kinds::token(number), kinds::user(number));
        let _ = write!(
            statements,
            "INSERT INTO \"user\" VALUES ('{user}', 'Kept', NULL); INSERT INTO session VALUES ('{token}', '{user}', '{expires}');"
        );
    }
    postgres.sql(&statements);
}

pub fn redis_at(port: u16) -> String {
    format!(
        "{{ kind: redis, url: \"redis://127.0.0.1:{port}\", schema: upstash, cookie: kept, cache: 0s, timeout: 500ms }}"
    )
}

pub fn postgres_at(port: u16) -> String {
    format!(
        "{{ kind: database, url: \"postgres://app@127.0.0.1:{port}/app\", schema: drizzle, cookie: kept, cache: 0s, \
         timeout: 500ms, connections: 4 }}"
    )
}

#[test]
fn a_redis_that_stops_dies_or_takes_its_time_is_an_outage_of_its_sessions_alone() {
    let mut redis = Redis::start();
    fill_redis(&redis);
    let between = Between::start(redis.port);
    let world = World::start("redis", Circumstances::plain(with_store(&redis_at(between.port))));
    let traffic = Traffic::begin(world.edge(), kinds::stored());

    let mut fault = traffic.fault("Redis", "SIGSTOP, then SIGCONT", Borne::REFUSAL_OF_STORE);
    redis.freeze();
    fault.lasts_until_it_hurts();
    fault.ends();
    redis.thaw();
    assert!(fault.recovered().has_hurt());

    // It comes back knowing nobody, and is filled then.
    let mut fault = traffic.fault("Redis", "killed, then a restart", Borne::ANY_OF_STORE);
    redis.kill();
    fault.lasts_until_it_hurts();
    redis.begin();
    fill_redis(&redis);
    fault.ends();
    assert!(fault.recovered().has_hurt());

    slow_in_two_ways("Redis", &traffic, &between);
    traffic.ends();
}

#[test]
fn a_postgres_that_stops_dies_or_takes_its_time_is_an_outage_of_its_sessions_alone() {
    let mut postgres = Postgres::start();
    fill_postgres(&postgres);
    let between = Between::start(postgres.port);
    let world = World::start("postgres", Circumstances::plain(with_store(&postgres_at(between.port))));
    let traffic = Traffic::begin(world.edge(), kinds::stored());

    let mut fault = traffic.fault("PostgreSQL", "SIGSTOP, then SIGCONT", Borne::REFUSAL_OF_STORE);
    postgres.freeze();
    fault.lasts_until_it_hurts();
    fault.ends();
    postgres.thaw();
    assert!(fault.recovered().has_hurt());

    let mut fault = traffic.fault("PostgreSQL", "killed, then a restart", Borne::REFUSAL_OF_STORE);
    postgres.kill();
    fault.lasts_until_it_hurts();
    postgres.begin();
    fault.ends();
    assert!(fault.recovered().has_hurt());

    slow_in_two_ways("PostgreSQL", &traffic, &between);
    traffic.ends();
}

/// Too late, and not at all.
fn slow_in_two_ways(store: &'static str, traffic: &Traffic, between: &Between) {
    let mut fault = traffic.fault(store, "slower than its time-out", Borne::REFUSAL_OF_STORE);
    between.goes(Way::Late(Duration::from_secs(2)));
    fault.lasts_until_it_hurts();
    fault.ends();
    between.goes(Way::Pass);
    assert!(fault.recovered().has_hurt());

    let mut fault = traffic.fault(store, "answers that never come", Borne::REFUSAL_OF_STORE);
    between.goes(Way::Silent);
    fault.lasts_until_it_hurts();
    fault.ends();
    between.goes(Way::Pass);
    assert!(fault.recovered().has_hurt());
}
