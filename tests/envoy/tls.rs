//! TLS between Envoy and the gate: who is let in, which versions are spoken, and certificates that are replaced.

use serde_json::{Value, json};

use crate::harness::certificates::{Authority, Certificate, Mounted};
use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::Call;
use crate::harness::polling::wait_until;
use crate::harness::session::{SECRET, USER_ID, signed_in};
use crate::harness::upstream::{start_echo, start_grpc};

const INGRESS: &str = "spiffe://cluster.local/ns/istio-system/sa/ingress";

/// A gate with these files, that lets in who has one of the names.
fn start(name: &str, files: &Mounted, names: &str) -> Gate {
    let at = |file: &str| files.file(file).display().to_string();
    let configuration = format!(
        "listen:\n  grpc: 127.0.0.1:0\n  admin: 127.0.0.1:0\n  tls: {{ cert: {}, key: {}, client_ca: {}, allowed_client_names: {names} }}\n\
         sessions: {{ web: {{ kind: authjs, secret: \"${{AUTH_SECRET}}\" }} }}\n",
        at("tls.crt"),
        at("tls.key"),
        at("ca.crt"),
    );
    Gate::start(name, &configuration, &[("AUTH_SECRET", SECRET)])
}

fn mounted(server: &Certificate, authority: &Authority) -> Mounted {
    Mounted::new(&contents(server, authority))
}

fn contents<'c>(server: &'c Certificate, authority: &'c Authority) -> [(&'static str, &'c str); 3] {
    [("tls.crt", &server.cert), ("tls.key", &server.key), ("ca.crt", &authority.pem)]
}

/// TLS of Envoy towards the gate.
fn towards_gate(authority: &Authority, client: Option<&Certificate>, version: &str) -> Value {
    let shown = client.map(|client| {
        json!([{"certificate_chain": {"inline_string": client.cert}, "private_key": {"inline_string": client.key}}])
    });
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2"],
                "tls_params": {"tls_minimum_protocol_version": version, "tls_maximum_protocol_version": version},
                "tls_certificates": shown.unwrap_or_else(|| json!([])),
                "validation_context": {
                    "trusted_ca": {"inline_string": authority.pem},
                    "match_typed_subject_alt_names": [{"san_type": "IP_ADDRESS", "matcher": {"exact": "127.0.0.1"}}],
                },
            },
        },
    })
}

#[test]
fn envoy_is_let_in_by_its_certificate_and_nobody_else_is() {
    let (ours, foreign) = (Authority::new("ours"), Authority::new("foreign"));
    let gate = start("gate-mtls", &mounted(&ours.server(), &ours), &format!("[\"{INGRESS}\"]"));
    let (ingress, shop) = (ours.workload(INGRESS), ours.workload("spiffe://cluster.local/ns/shop/sa/web"));
    let impostor = foreign.workload(INGRESS);
    for (what, client, version, is_let_in) in [
        ("tls-13", Some(&ingress), "TLSv1_3", true),
        ("tls-12", Some(&ingress), "TLSv1_2", true),
        ("tls-11", Some(&ingress), "TLSv1_1", false),
        ("tls-other-name", Some(&shop), "TLSv1_3", false),
        ("tls-foreign", Some(&impostor), "TLSv1_3", false),
        ("tls-nobody", None, "TLSv1_3", false),
    ] {
        let listener = Listener {
            gate_tls: Some(towards_gate(&ours, client, version)),
            ..Listener::new("edge", &gate.address)
        };
        let envoy = Envoy::start(what, &[listener], start_echo(), start_grpc());
        let ask = || Call::page("/x").cookie(&signed_in()).send(envoy.address("edge"));
        if is_let_in {
            wait_until("Envoy to find the gate", || envoy.sees_healthy(&gate.address));
            assert_eq!(ask().upstream().values("x-auth-user-id"), [USER_ID], "{what}");
        } else {
            let answer = ask();
            assert_eq!((answer.status, answer.reached_upstream()), (502, false), "{what}: {answer:?}");
        }
    }
    let plain =
        Envoy::start("tls-plain", &[Listener::new("edge", &gate.address)], start_echo(), start_grpc());
    assert!(!Call::page("/x").cookie(&signed_in()).send(plain.address("edge")).reached_upstream());
}

#[test]
fn certificates_are_replaced_without_dropping_a_connection_and_bad_ones_change_nothing() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let files = mounted(&old.server(), &old);
    let mut gate = start("gate-rotated", &files, "[]");
    let admin = gate.admin();
    let client = old.workload(INGRESS);
    let listener = Listener {
        gate_tls: Some(towards_gate(&old, Some(&client), "TLSv1_3")),
        ..Listener::new("edge", &gate.address)
    };
    let before = Envoy::start("tls-before", &[listener], start_echo(), start_grpc());
    let passes =
        |envoy: &Envoy| Call::page("/x").cookie(&signed_in()).send(envoy.address("edge")).reached_upstream();
    wait_until("Envoy to find the gate", || passes(&before));
    let taken = || metric(admin, "sessiongate_connections_total{listener=\"grpc\",result=\"taken\"}");
    let connections = taken();

    let reloads =
        |result: &str| metric(admin, &format!("sessiongate_config_reloads_total{{result=\"{result}\"}}"));
    let expiry = || metric(admin, "sessiongate_tls_certificate_expiry_timestamp_seconds{listener=\"grpc\"}");
    let first_expiry = expiry();
    files.replace(&contents(&old.expired(), &new));
    wait_until("the expired certificate to be told", || reloads("failure") == 1.0);
    // No line of the log is waited for by what tells of it otherwise.
    wait_until("the log to say why", || gate.process.output().contains("expired on"));
    assert_eq!(expiry(), first_expiry);

    files.replace(&contents(&new.server(), &new));
    wait_until("the new certificate to be taken", || reloads("success") == 1.0);
    assert!(passes(&before), "who is connected stays connected");
    assert_eq!(taken(), connections);
    let listener = Listener {
        gate_tls: Some(towards_gate(&new, Some(&new.workload(INGRESS)), "TLSv1_3")),
        ..Listener::new("edge", &gate.address)
    };
    let after = Envoy::start("tls-after", &[listener], start_echo(), start_grpc());
    wait_until("an Envoy with the new authority to find the gate", || passes(&after));
    assert!(taken() > connections);
}

fn metric(admin: std::net::SocketAddr, name: &str) -> f64 {
    crate::harness::gate::metric(admin, name).unwrap_or_default()
}
