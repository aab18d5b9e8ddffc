//! Other ways to speak to the edge than HTTP/1.1: HTTP/2, the WebSocket protocol, gRPC.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;

use tonic::metadata::MetadataValue;
use tonic::{Code, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::harness::edge::{HEADER_FORMS, PLAIN, STRIP, STRIP_RAW, at};
use crate::harness::grpc::connect;
use crate::harness::http1::{Call, Seen};
use crate::harness::http2;
use crate::harness::runtime::runtime;
use crate::harness::session::{COOKIE, USER_ID, ada, chunks, padded, signed_in, v5};

const PAGE: [(&str, &str); 2] = [("accept", "text/html"), ("sec-fetch-mode", "navigate")];

#[test]
fn over_http_2_a_session_may_come_in_cookie_fields_of_their_own() {
    let parts = chunks(COOKIE, &v5(padded(ada(), 9_000)).mint());
    for form in HEADER_FORMS {
        let mut fields = PAGE.to_vec();
        fields.push(("cookie", "theme=dark"));
        fields.extend(parts.iter().map(|part| ("cookie", part.as_str())));
        let (status, _, body) = http2::get(at(form), "/web/x", &fields);
        assert_eq!(status, 200, "{form}: {body}");
        assert_eq!(Seen::parse(&body).values("x-auth-user-id"), [USER_ID], "{form}");

        let (status, ..) = http2::get(at(form), "/web/x", &fields[..fields.len() - 1]);
        assert_eq!(status, 307, "{form}: a part of the session is missing");
    }
}

#[test]
fn over_http_2_denials_are_the_same() {
    let (ada, eve) = (signed_in(), format!("{COOKIE}={}", v5(serde_json::json!({"sub": "eve"})).mint()));
    for form in HEADER_FORMS {
        let (status, headers, _) = http2::get(at(form), "/dashboard", &PAGE);
        assert_eq!((status, headers["cache-control"].as_bytes()), (307, b"no-store".as_slice()));
        let (status, _, body) = http2::get(at(form), "/orders", &[]);
        assert_eq!((status, body.as_str()), (401, r#"{"message":"Not authenticated"}"#));
        let (status, ..) = http2::get(at(form), "/web/x", &[("cookie", &ada), ("cookie", &eve)]);
        assert_eq!(status, 401, "{form}: two cookies that disagree");
        let (status, headers, _) = http2::get(
            at(form),
            "/web/x",
            &[("cookie", "authjs.session-token.0=x"), ("cookie", "authjs.session-token.1=y")],
        );
        assert_eq!((status, headers.get_all("set-cookie").iter().count()), (401, 2), "{form}: {headers:?}");
    }
}

#[test]
fn over_http_2_the_session_is_kept_from_the_upstream_too() {
    for form in [STRIP, STRIP_RAW] {
        let session = signed_in();
        let fields =
            [("cookie", "a=1"), ("cookie", session.as_str()), ("cookie", "b=2"), ("x_auth_user_id", "eve")];
        let (status, _, body) = http2::get(at(form), "/x", &fields);
        assert_eq!(status, 200, "{form}: {body}");
        let seen = Seen::parse(&body);
        assert_eq!(seen.values("cookie"), ["a=1; b=2"], "{form}");
        assert_eq!((seen.values("x-auth-user-id"), seen.values("x_auth_user_id")), (vec![USER_ID], vec![]));
    }
}

#[test]
fn a_websocket_opens_with_a_session_and_not_without() {
    for form in HEADER_FORMS {
        let (refused, _) = Call::get("/live").upgrade(at(form));
        assert_eq!((refused.status, refused.reached_upstream()), (401, false), "{form}: {refused:?}");

        let (opened, mut socket) = Call::get("/live").cookie(&signed_in()).upgrade(at(form));
        assert_eq!((opened.status, opened.header("upgrade")), (101, Some("websocket")), "{form}: {opened:?}");
        // A text frame as a browser sends it, masked with zeros (RFC 6455, 5.2); the service sends it back.
        let frame = [b"\x81\x85\0\0\0\0".as_slice(), b"hello"].concat();
        socket.write_all(&frame).expect("an open connection");
        let mut back = vec![0; frame.len()];
        socket.read_exact(&mut back).expect("the same bytes");
        assert_eq!(back, frame, "{form}");
    }
}

/// Asks the gRPC service behind Envoy, as an application would.
fn grpc(to: SocketAddr, cookie: &str) -> Result<Response<HealthCheckResponse>, Status> {
    runtime().block_on(async {
        let mut client = HealthClient::new(connect(to).await);
        client.check(with_cookie(cookie)).await
    })
}

fn with_cookie(cookie: &str) -> tonic::Request<HealthCheckRequest> {
    let mut request = tonic::Request::new(HealthCheckRequest::default());
    if !cookie.is_empty() {
        let value = MetadataValue::try_from(cookie).expect("ASCII");
        request.metadata_mut().insert("cookie", value);
    }
    request
}

#[test]
fn a_grpc_client_hears_unauthenticated_or_gets_its_answer() {
    for form in HEADER_FORMS {
        for cookie in ["", "authjs.session-token=not-a-token"] {
            let status = grpc(at(form), cookie).expect_err("no session");
            assert_eq!(status.code(), Code::Unauthenticated, "{form}: {status:?}");
        }
        let answer = grpc(at(form), &signed_in()).expect("an answer");
        assert_eq!(answer.metadata().get("seen-user").map(MetadataValue::as_bytes), Some(USER_ID.as_bytes()));
    }
}

#[test]
fn a_grpc_client_hears_permission_denied_where_nobody_may() {
    let to = at(PLAIN);
    let code = runtime().block_on(async {
        let mut client = HealthClient::new(connect(to).await);
        client.watch(with_cookie(&signed_in())).await.expect_err("nobody may").code()
    });
    assert_eq!(code, Code::PermissionDenied);
}

#[test]
fn a_grpc_call_is_never_redirected() {
    let call = Call::new("POST", "/redirecting/Method").header("content-type", "application/grpc+proto");
    let answer = call.send(at(PLAIN));
    assert_eq!((answer.status, answer.header("grpc-status")), (200, Some("16")), "{answer:?}");
}
