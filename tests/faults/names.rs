//! Names of machines that cannot be looked up any longer.

use std::fs;
use std::net::UdpSocket;

use crate::application::Application;
use crate::harness::servers::{Postgres, Redis};
use crate::kinds;
use crate::namespace;
use crate::stores::{fill_postgres, fill_redis, postgres_at, redis_at};
use crate::traffic::{Borne, Traffic};
use crate::world::{World, with_store};

const NAME: &str = "store.test";

/// Takes the name away, first from a resolver that is not there, then from one that never answers, while `disconnect`
/// sees to it that the gate has to connect anew.
fn lose_the_name(store: &'static str, resolver: &str, provider: &str, disconnect: impl Fn()) {
    let place = tempfile::tempdir().expect("a folder");
    let [hosts, resolvers] = ["hosts", "resolv.conf"].map(|name| place.path().join(name));
    let known = format!("127.0.0.1 localhost {NAME}\n");
    fs::write(&hosts, &known).expect("a file");
    fs::write(&resolvers, format!("nameserver {resolver}\n")).expect("a file");
    let mounts = "mount --bind $folder/hosts /etc/hosts && mount --bind $folder/resolv.conf /etc/resolv.conf";
    let (circumstances, _orders) = namespace::gate(place.path(), mounts, with_store(provider));
    let world = World::start("names", circumstances);
    let traffic = Traffic::begin(world.edge(), kinds::stored());
    let lose = |what, silent: Option<UdpSocket>| {
        let mut fault = traffic.fault(store, what, Borne::REFUSAL_OF_STORE);
        fs::write(&hosts, "127.0.0.1 localhost\n").expect("a file");
        disconnect();
        fault.lasts_until_it_hurts();
        fault.ends();
        fs::write(&hosts, &known).expect("a file");
        assert!(fault.recovered().has_hurt(), "{what}");
        drop(silent);
    };
    lose("DNS gone: no resolver", None);
    // Only root may listen there.
    if let Ok(silent) = UdpSocket::bind((resolver, 53)) {
        lose("DNS gone: a resolver that is silent", Some(silent));
    }
    traffic.ends();
}

#[test]
fn a_redis_whose_name_is_gone_is_an_outage_until_it_is_back() {
    let redis = Redis::start();
    fill_redis(&redis);
    let provider = redis_at(redis.port).replace("127.0.0.1", NAME);
    lose_the_name("name of Redis", "127.0.0.77", &provider, || {
        redis.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    });
}

#[test]
fn a_postgres_whose_name_is_gone_is_an_outage_until_it_is_back() {
    let postgres = Postgres::start();
    fill_postgres(&postgres);
    let provider = postgres_at(postgres.port).replace("127.0.0.1", NAME);
    lose_the_name("name of PostgreSQL", "127.0.0.78", &provider, || {
        postgres.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sessiongate'",
        );
    });
}

#[test]
fn an_application_whose_name_is_gone_is_an_outage_until_it_is_back() {
    let application = Application::start();
    let provider = Application::provider(application.port).replace("127.0.0.1", NAME);
    lose_the_name("name of the application", "127.0.0.79", &provider, || {});
}
