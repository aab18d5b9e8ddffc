//! Envoy's door: bytes of a `CheckRequest` in, bytes of a `CheckResponse` out.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use prost::Message as _;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as ProtoValue};
use serde_json::json;
use sessiongate::config::{self, Environment};
use sessiongate::envoy::attribute_context::{HttpRequest, Request};
use sessiongate::envoy::codec::Asked;
use sessiongate::envoy::service::AuthorizationService;
use sessiongate::envoy::{AttributeContext, CheckRequest, CheckResponse, HttpResponse, Metadata};
use sessiongate::program::{Doors, Program};
use tokio::runtime::Runtime;

use super::{SECRET, gate, session_cookie};

/// The door, and the runtime that it needs.
struct Door(AuthorizationService, Runtime);

impl Door {
    fn of(yaml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessiongate.yaml");
        let text = format!("sessions: {{ web: {{ kind: authjs, secret: {SECRET} }} }}\n{yaml}");
        std::fs::write(&file, text).unwrap();
        let settings = config::load(Some(&file), &Environment::default()).unwrap();
        let runtime = Runtime::new().unwrap();
        let program = runtime.block_on(async { Program::new(settings.program) }).unwrap();
        Self(AuthorizationService::new(Doors::new(program.into_current(), 1)), runtime)
    }

    fn ask(&self, message: &CheckRequest) -> CheckResponse {
        let asked = Asked::from(message.encode_to_vec());
        let asked = asked.read().unwrap();
        let answer = self.0.answer(&asked, SystemTime::now(), Duration::from_secs(10), None);
        CheckResponse::decode(self.1.block_on(answer).bytes()).unwrap()
    }
}

fn message(change: impl FnOnce(&mut HttpRequest)) -> CheckRequest {
    let mut http = HttpRequest {
        method: "GET".to_owned(),
        scheme: "https".to_owned(),
        host: "app.example.com".to_owned(),
        path: "/".to_owned(),
        ..HttpRequest::default()
    };
    change(&mut http);
    let request = Some(Request { http: Some(http) });
    CheckRequest { attributes: Some(AttributeContext { request, ..AttributeContext::default() }) }
}

fn told(response: &CheckResponse, name: &str) -> Kind {
    response.dynamic_metadata.as_ref().unwrap().fields[name].kind.clone().unwrap()
}

#[test]
fn what_cannot_be_judged_is_a_bad_request_and_not_even_public() {
    let door = Door::of("rules: [{ access: public }]");
    assert_eq!(door.ask(&message(|_| {})).status.unwrap().code, 0);
    let empty = |attributes| CheckRequest { attributes };
    let without_http = AttributeContext { request: Some(Request::default()), ..AttributeContext::default() };
    for (message, reason) in [
        (empty(None), "no_http_attributes"),
        (empty(Some(AttributeContext::default())), "no_http_attributes"),
        (empty(Some(without_http)), "no_http_attributes"),
        (message(|http| http.method.clear()), "no_method"),
        (message(|http| http.path.clear()), "no_path"),
        (message(|http| http.host = "app.example.com,evil.example".to_owned()), "several_hosts"),
        (message(|http| http.path = "*".to_owned()), "path_not_absolute"),
        (message(|http| http.path = "/a\tb".to_owned()), "path_control_character"),
        (message(|http| http.path = format!("/{}", "a".repeat(8192))), "path_too_long"),
        (message(|http| http.path = format!("/{}", r"%255c;x//..%252f".repeat(400))), "path_too_ambiguous"),
    ] {
        let response = door.ask(&message);
        assert_eq!(told(&response, "reason"), Kind::StringValue(reason.to_owned()));
        assert_eq!(told(&response, "decision"), Kind::StringValue("deny".to_owned()), "{reason}");
        assert_eq!(response.status.unwrap().code, tonic::Code::InvalidArgument as i32, "{reason}");
        let Some(HttpResponse::DeniedResponse(denied)) = response.http_response else {
            panic!("{reason}: no denial")
        };
        assert_eq!(denied.status.unwrap().code, 400, "{reason}");
    }
}

#[test]
fn bytes_that_are_no_message_are_no_question() {
    let whole = message(|_| {}).encode_to_vec();
    for bytes in [&whole[..whole.len() - 1], b"\x22\xff\xff\xff\xff\x0f", b"GET / HTTP/1.1\r\n\r\n"] {
        assert!(Asked::from(bytes.to_vec()).read().is_err(), "{bytes:?}");
    }
}

#[test]
fn what_a_route_says_is_read_whatever_its_type() {
    let facts = r#"
      context.route_metadata["team"].nothing == null && context.route_metadata["team"].open == true
      && context.route_metadata["team"].level > 1.5 && context.route_metadata["team"].name == "red"
      && context.route_metadata["team"].sizes == [1.0, "x"] && context.route_metadata["team"].inner.name == "red""#;
    let condition = facts.split_whitespace().collect::<Vec<_>>().join(" ");
    let yaml = format!("rules: [{{ condition: '{condition}' }}]");
    let cookie = session_cookie(&gate(""), json!({"sub": "42"}));
    let value = |kind| ProtoValue { kind: Some(kind) };
    let name = || ("name".to_owned(), value(Kind::StringValue("red".to_owned())));
    let sizes = vec![value(Kind::NumberValue(1.0)), value(Kind::StringValue("x".to_owned()))];
    let inner = Struct { fields: BTreeMap::from([name()]) };
    let fields = BTreeMap::from([
        ("nothing".to_owned(), value(Kind::NullValue(0))),
        ("open".to_owned(), value(Kind::BoolValue(true))),
        ("level".to_owned(), value(Kind::NumberValue(1.75))),
        name(),
        ("sizes".to_owned(), value(Kind::ListValue(ListValue { values: sizes }))),
        ("inner".to_owned(), value(Kind::StructValue(inner))),
    ]);
    let door = Door::of(&yaml);
    let mut message = message(|http| drop(http.headers.insert("cookie".to_owned(), cookie)));
    assert_ne!(door.ask(&message).status.unwrap().code, 0, "nothing is known of the route");
    let filter_metadata = [("team".to_owned(), Struct { fields })].into();
    message.attributes.as_mut().unwrap().route_metadata_context = Some(Metadata { filter_metadata });
    let response = door.ask(&message);
    assert_eq!(response.status.as_ref().unwrap().code, 0, "{response:?}");
}

#[test]
fn the_proxy_is_told_each_claim_in_its_own_type() {
    let door = Door::of("identity: { dynamic_metadata: [sub, none, flag, level, roles, org] }");
    let claims = json!({
        "sub": "42", "none": null, "flag": true, "level": 7, "roles": ["a", null], "org": {"id": "x"},
    });
    let cookie = session_cookie(&gate(""), claims);
    let response = door.ask(&message(|http| drop(http.headers.insert("cookie".to_owned(), cookie))));
    let value = |kind| ProtoValue { kind: Some(kind) };
    let text = |text: &str| Kind::StringValue(text.to_owned());
    let roles = vec![value(text("a")), value(Kind::NullValue(0))];
    let org = BTreeMap::from([("id".to_owned(), value(text("x")))]);
    for (name, expected) in [
        ("sub", text("42")),
        ("none", Kind::NullValue(0)),
        ("flag", Kind::BoolValue(true)),
        ("level", Kind::NumberValue(7.0)),
        ("roles", Kind::ListValue(ListValue { values: roles })),
        ("org", Kind::StructValue(Struct { fields: org })),
    ] {
        assert_eq!(told(&response, name), expected, "{name}");
    }
}
