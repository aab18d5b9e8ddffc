//! Signed tokens of a real `OpenID` Connect issuer, through the whole: its keys change, it goes away and comes back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command};

use crate::harness::canned::{Canned, answer};
use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::{Answer, Call};
use crate::harness::polling::wait_until;
use crate::harness::process::Process;
use crate::harness::servers::{free_port, wait_for_silence};
use crate::harness::upstream::{start_echo, start_grpc};

/// `oidc-provider`, told what to do line by line.
struct Issuer {
    process: Process,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    url: String,
}

impl Issuer {
    fn start(port: u16) -> Self {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/oidc");
        assert!(
            place.join("node_modules/oidc-provider").exists(),
            "its packages are not there: run `make tools`"
        );
        let mut command = Command::new("node");
        command.arg("issuer.mjs").arg(port.to_string()).current_dir(place);
        let (process, commands, answers) = Process::start_piped("issuer", &mut command);
        let mut issuer = Self { process, commands, answers: BufReader::new(answers), url: String::new() };
        issuer.url = issuer.line();
        assert!(issuer.url.starts_with("http://"), "{}", issuer.process.output());
        issuer
    }

    fn tell(&mut self, command: &str) -> String {
        writeln!(self.commands, "{command}").expect("it listens");
        self.line()
    }

    fn token(&mut self, audience: &str) -> String {
        self.tell(&format!("token {audience}"))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        line.trim().to_owned()
    }
}

struct Edge {
    _gate: Gate,
    envoy: Envoy,
}

impl Edge {
    fn start(name: &str, machine: &str) -> Self {
        let configuration = format!(
            "listen: {{ grpc: '127.0.0.1:0' }}\n\
             sessions:\n  machine: {{ kind: jwt, algorithms: [ES256], audience: [orders], timeout: 1s, {machine} }}\n\
             rules: [{{ matcher: '/public', access: public }}]\n"
        );
        let gate = Gate::start(name, &configuration, &[]);
        let listeners = [Listener::new("edge", &gate.address)];
        let envoy = Envoy::start(&format!("{name}-envoy"), &listeners, start_echo(), start_grpc());
        Self { _gate: gate, envoy }
    }

    fn ask(&self, token: &str) -> Answer {
        Call::get("/x").header("authorization", &format!("Bearer {token}")).send(self.envoy.address("edge"))
    }
}

#[test]
fn a_token_of_the_issuer_passes_and_keys_change_without_anybody_noticing() {
    let port = free_port();
    let mut issuer = Issuer::start(port);
    let edge = Edge::start("issuer", &format!("issuer: '{}'", issuer.url));
    let token = issuer.token("orders");
    assert_eq!(edge.ask(&token).upstream().values("x-auth-user-id"), ["machine"]);

    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let other = issuer.token("bills");
    let forged = [
        format!("{signed}."),
        format!("{signed}.{}", &signature[1..]),
        format!("{}.{signature}", other.rsplit_once('.').expect("three parts").0),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYWNoaW5lIn0.".to_owned(),
        "x.y.z".to_owned(),
        other,
    ];
    for forged in forged {
        assert_eq!(edge.ask(&forged).status, 401, "{forged}");
    }

    issuer.tell("rotate");
    let newer = issuer.token("orders");
    wait_until("the new key to be known", || edge.ask(&newer).reached_upstream());
}

#[test]
fn an_issuer_that_is_away_from_the_start_is_an_outage_and_known_keys_outlast_it() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let edge = Edge::start("issuer-away", &format!("issuer: '{url}', keep_keys: 1h"));
    // A token of nobody's, well-formed: whether it is genuine cannot be known.
    let stranger = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtYWNoaW5lIn0.AAAA";
    let answer = edge.ask(stranger);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    assert_eq!(
        Call::get("/x").send(edge.envoy.address("edge")).status,
        401,
        "without a token nobody is asked"
    );
    assert!(Call::get("/public").send(edge.envoy.address("edge")).reached_upstream());

    let mut issuer = Issuer::start(port);
    let token = issuer.token("orders");
    wait_until("the keys to be fetched", || edge.ask(&token).reached_upstream());
    assert_eq!(edge.ask(stranger).status, 401);

    issuer.process.freeze();
    assert!(edge.ask(&token).reached_upstream(), "known keys are enough");
    issuer.process.thaw();
    drop(issuer);
    wait_for_silence(port);
    assert!(edge.ask(&token).reached_upstream(), "known keys are enough");
    let unknown = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im5vYm9keXMifQ.eyJzdWIiOiJtYWNoaW5lIn0.AAAA";
    assert_eq!(edge.ask(unknown).status, 401);
}

#[test]
fn an_issuer_that_answers_garbage_is_an_outage_and_unknown_keys_make_one_fetch() {
    let huge = answer("200 OK", "", &format!(r#"{{"keys":[],"padding":"{}"}}"#, "x".repeat(300_000)));
    let issuer = Canned::start(&huge);
    let url = format!("http://{}/keys", issuer.address);
    let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im5vYm9keXMifQ.eyJzdWIiOiJtYWNoaW5lIn0.AAAA";
    let elsewhere = format!("location: {url}2\r\n");
    let private = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQ","alg":"HS256"}]}"#;
    for said in [
        huge.clone(),
        answer("200 OK", "", "garbage"),
        answer("200 OK", "", r#"{"keys":{}}"#),
        answer("200 OK", "", r#"{"keys":[]}"#),
        answer("200 OK", "", private),
        answer("500 Internal Server Error", "", r#"{"keys":[]}"#),
        answer("302 Found", &elsewhere, ""),
        b"no http at all".to_vec(),
        Vec::new(),
    ] {
        issuer.say(&said);
        let edge = Edge::start("issuer-garbage", &format!("jwks: '{url}'"));
        let refused = edge.ask(token);
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{refused:?}");
    }
    // A set with a key of somebody else's: the token names another one, again and again.
    let key = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;
    issuer.say(&answer("200 OK", "", key));
    let before = issuer.asked();
    let edge = Edge::start("issuer-flood", &format!("jwks: '{url}'"));
    for n in 0..50 {
        let header = format!(r#"{{"alg":"ES256","kid":"k{n}"}}"#);
        let token = format!("{}.eyJzdWIiOiJtYWNoaW5lIn0.AAAA", base64url(&header));
        wait_until("the keys to be fetched", || edge.ask(&token).status == 401);
    }
    let fetches = issuer.asked() - before;
    assert!((1..=2).contains(&fetches), "{fetches} fetches");
}

fn base64url(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}
