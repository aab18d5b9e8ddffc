//! Stores that lie. What can be told from a lie is never a session, and makes nobody somebody else. What cannot be told,
//! as an expiry or an owner on which all of a store's words agree, is the store's to say: it is whom the gate asks.

use crate::between::{Between, Way};
use crate::harness::servers::{Postgres, Redis};
use crate::kinds;
use crate::stores::{fill_postgres, fill_redis, postgres_at, redis_at};
use crate::traffic::{Borne, Traffic};
use crate::world::{Circumstances, World, with_store};

type Lie = (&'static str, Way, Borne);

fn swap(from: &str, other: &str) -> Way {
    Way::Swap(from.as_bytes().to_vec(), other.as_bytes().to_vec())
}

/// What is the same for all stores.
fn of_any_store() -> Vec<Lie> {
    vec![
        ("garbage", Way::Garbage, Borne::REFUSAL_OF_STORE),
        ("answers cut off in the middle", Way::Cut, Borne::REFUSAL_OF_STORE),
        ("the row of another token", swap(&kinds::token(1), &kinds::token(2)), Borne::ANY_OF_STORE),
    ]
}

/// After it each answer is that to the question before, as when something on the way loses count.
const TWICE: Lie = ("each answer twice", Way::Twice, Borne::ANY_OF_STORE);

fn try_each(store: &'static str, lies: Vec<Lie>, traffic: &Traffic, between: &Between) {
    for (lie, way, borne) in lies {
        let mut fault = traffic.fault(store, lie, borne);
        between.goes(way);
        fault.lasts_until_it_hurts();
        fault.ends();
        between.goes(Way::Pass);
        assert!(fault.recovered().has_hurt(), "{lie}");
    }
}

#[test]
fn a_redis_that_lies_lets_nobody_in_and_makes_nobody_somebody_else() {
    let redis = Redis::start();
    fill_redis(&redis);
    let between = Between::start(redis.port);
    let world = World::start("lying-redis", Circumstances::plain(with_store(&redis_at(between.port))));
    let traffic = Traffic::begin(world.edge(), kinds::stored());
    let mut lies = of_any_store();
    let owner = |user| format!("{{\"id\":\"{user}\"");
    lies.extend([
        TWICE,
        (
            "the user of another session",
            swap(&owner(kinds::user(1)), &owner(kinds::user(2))),
            Borne::ANY_OF_STORE,
        ),
        ("an expiry that is none", swap("2099-01", "2099-x1"), Borne::REFUSAL_OF_STORE),
        ("a user that is no JSON", swap("{\"id\":", "{\"id\";"), Borne::REFUSAL_OF_STORE),
    ]);
    try_each("lying Redis", lies, &traffic, &between);

    let mut fault = traffic.fault("lying Redis", "a list in the place of a user", Borne::REFUSAL_OF_STORE);
    redis.ask(&["LPUSH", "list", "x"]);
    redis.ask(&["RENAME", "list", "user:r-000001"]);
    fault.lasts_until_it_hurts();
    fault.ends();
    fill_redis(&redis);
    assert!(fault.recovered().has_hurt());
    traffic.ends();
}

#[test]
fn a_postgres_that_lies_lets_nobody_in_and_makes_nobody_somebody_else() {
    let postgres = Postgres::start();
    fill_postgres(&postgres);
    let between = Between::start(postgres.port);
    let world = World::start("lying-postgres", Circumstances::plain(with_store(&postgres_at(between.port))));
    let traffic = Traffic::begin(world.edge(), kinds::stored());
    let mut lies = of_any_store();
    // After the column that stands between session and user: an integer, and then the length of the user's id.
    let owner = |user| format!("\0\0\0\u{1}\0\0\0\u{8}{user}");
    lies.push((
        "the user of another session",
        swap(&owner(kinds::user(1)), &owner(kinds::user(2))),
        Borne::ANY_OF_STORE,
    ));
    try_each("lying PostgreSQL", lies, &traffic, &between);

    let mut fault = traffic.fault("lying PostgreSQL", "a row of other types", Borne::REFUSAL_OF_STORE);
    postgres.sql("ALTER TABLE session ALTER expires TYPE BYTEA USING convert_to(expires::text, 'UTF8')");
    fault.lasts_until_it_hurts();
    fault.ends();
    postgres.sql(
        "ALTER TABLE session ALTER expires TYPE TIMESTAMP USING convert_from(expires, 'UTF8')::timestamp",
    );
    assert!(fault.recovered().has_hurt());
    traffic.ends();
}

#[test]
fn a_postgres_connection_that_lost_count_is_given_up() {
    let postgres = Postgres::start();
    fill_postgres(&postgres);
    let between = Between::start(postgres.port);
    let world = World::start("miscounting", Circumstances::plain(with_store(&postgres_at(between.port))));
    let traffic = Traffic::begin(world.edge(), kinds::stored());
    try_each("lying PostgreSQL", vec![TWICE], &traffic, &between);
    traffic.ends();
}
