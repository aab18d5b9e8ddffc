//! `listen`, `forward_auth` and `telemetry`: what is wrong with them is told before anybody is served.

use std::fs;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use sessiongate::server::listen::{GrpcAddress, Limits};
use tempfile::TempDir;

use crate::{SESSIONS, load, problems};

/// Certificates of a server: one that is good, one that is over, one that is not yet valid.
fn files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let years = [("good", 2020, 2120), ("over", 2020, 2021), ("early", 2119, 2120)];
    for (name, from, to) in years {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["gate.test".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        fs::write(folder.path().join(format!("{name}.crt")), params.self_signed(&key).unwrap().pem())
            .unwrap();
        fs::write(folder.path().join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
    fs::write(folder.path().join("empty.pem"), "nothing\n").unwrap();
    folder
}

#[test]
fn certificates_that_do_not_serve_are_told_with_the_reason() {
    let folder = files();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for (cert, key, more, path, words) in [
        ("over.crt", "over.key", "", "listen.tls", "expired on"),
        ("early.crt", "early.key", "", "listen.tls", "is not valid before"),
        ("good.crt", "over.key", "", "listen.tls", "is not the key of the certificate"),
        ("empty.pem", "good.key", "", "listen.tls", "`cert` holds no certificate"),
        ("good.crt", "empty.pem", "", "listen.tls", "`key` holds no private key"),
        ("gone.crt", "good.key", "", "listen.tls.cert", "No such file"),
        ("good.crt", "good.key", ", client_ca: EMPTY", "listen.tls", "`client_ca` holds no certificate"),
        (
            "good.crt",
            "good.key",
            ", allowed_client_names: [a.test]",
            "listen.tls.allowed_client_names",
            "without `client_ca`",
        ),
        (
            "good.crt",
            "good.key",
            ", client_ca: GOOD, allowed_client_names: ['*']",
            "listen.tls.allowed_client_names[0]",
            "DNS name or a URI",
        ),
        ("good.crt", "good.key", ", min_version: '1.1'", "listen.tls.min_version", "`1.2` or `1.3`"),
    ] {
        let more = more.replace("EMPTY", &at("empty.pem")).replace("GOOD", &at("good.crt"));
        let yaml = format!("{SESSIONS}\nlisten: {{ tls: {{ cert: {}, key: {}{more} }} }}", at(cert), at(key));
        let found = problems(&yaml);
        assert!(
            found.iter().any(|problem| problem.path == path && problem.message.contains(words)),
            "{yaml}: {found:?}"
        );
    }
    let good = format!(
        "{SESSIONS}\nlisten: {{ http: '127.0.0.1:1', admin: '127.0.0.1:2', tls: {{ cert: {}, key: {} }} }}",
        at("good.crt"),
        at("good.key")
    );
    let listen = load(&good).unwrap().listen;
    assert!(
        listen.grpc.tls.is_some()
            && listen.http.unwrap().tls.is_some()
            && listen.admin.unwrap().tls.is_none()
    );
    let own = good.replace("http: '127.0.0.1:1'", "http: { address: '127.0.0.1:1', tls: off }");
    assert!(load(&own).unwrap().listen.http.unwrap().tls.is_none());
}

#[test]
fn a_listener_is_an_address_or_a_map_of_keys_and_a_socket_has_a_mode() {
    for (grpc, mode) in
        [("'unix:/run/g.sock'", 0o660), ("{ address: 'unix:/run/g.sock', mode: '0600' }", 0o600)]
    {
        let listen = load(&format!("{SESSIONS}\nlisten: {{ grpc: {grpc} }}")).unwrap().listen;
        assert_eq!(listen.grpc.address, GrpcAddress::Unix { path: "/run/g.sock".into(), mode });
        assert_eq!(listen.limits, Limits::DEFAULT);
    }
    for (listen, path) in [
        ("grpc: { address: 'unix:/run/g.sock', mode: '0777' }", "listen.grpc.mode"),
        ("grpc: { address: '127.0.0.1:1', mode: '0600' }", "listen.grpc.mode"),
        ("grpc: { address: 'nowhere', tls: off }", "listen.grpc.address"),
        ("grpc: 'nowhere'", "listen.grpc"),
        ("http: { tls: off }", "listen.http.address"),
        ("http: { address: '127.0.0.1:1', secret: s }", "listen.http.secret"),
        ("admin: { address: '127.0.0.1:1', secret: short }", "listen.admin.secret"),
        ("tls: on", "listen.tls"),
        ("limits: { checks: 0 }", "listen.limits.checks"),
        ("limits: { message_bytes: 2000, buffered_bytes: 1000 }", "listen.limits.buffered_bytes"),
        ("limits: { stall_timeout: 0s }", "listen.limits.stall_timeout"),
    ] {
        let found = problems(&format!("{SESSIONS}\nlisten: {{ {listen} }}"));
        assert!(found.iter().any(|problem| problem.path == path), "{listen}: {found:?}");
    }
}

#[test]
fn what_is_told_and_who_may_ask_is_checked_too() {
    for (section, path) in [
        ("forward_auth: { trusted_proxies: [10.0.0.0/33] }", "forward_auth.trusted_proxies[0]"),
        ("forward_auth: { trusted_proxies: [127.0.0.1, proxy.test] }", "forward_auth.trusted_proxies[1]"),
        ("telemetry: { otlp: 'collector:4317' }", "telemetry.otlp"),
        ("telemetry: { otlp: { endpoint: 'http://c:1', sample: 1.5 } }", "telemetry.otlp.sample"),
        ("telemetry: { otlp: { endpoint: 'http://c:1', protocol: udp } }", "telemetry.otlp.protocol"),
        (
            "telemetry: { otlp: { endpoint: 'http://c:1', headers: { 'x y': z } } }",
            "telemetry.otlp.headers.x y",
        ),
        ("telemetry: { decisions: { which: all } }", "telemetry.decisions.to"),
        ("telemetry: { decisions: { to: stdout, which: some } }", "telemetry.decisions.which"),
        ("telemetry: { redact: { sub: hash } }", "telemetry.redact.secret"),
        (
            "telemetry: { redact: { sub: omit, secret: k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga } }",
            "telemetry.redact.secret",
        ),
    ] {
        let found = problems(&format!("{SESSIONS}\n{section}"));
        assert!(found.iter().any(|problem| problem.path == path), "{section}: {found:?}");
    }
}
