//! The gate as a gRPC server, asked directly: health, reflection, and how it ends.

use std::net::TcpStream;

use prost::Message as _;
use rustix::process::Signal;
use sessiongate::envoy::{AttributeContext, CheckRequest, CheckResponse, attribute_context};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::harness::edge::edge;
use crate::harness::gate::Gate;
use crate::harness::grpc::connect;
use crate::harness::polling::wait_until;
use crate::harness::runtime::runtime;
use crate::harness::session::{SECRET, signed_in};
use crate::harness::slow_call::{Connection, SlowCall, framed};

const SERVICE: &str = "envoy.service.auth.v3.Authorization";
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";

#[test]
fn it_serves_by_its_name_and_as_a_whole_and_knows_no_other_service() {
    let gate = &edge().gate.address;
    runtime().block_on(async {
        let mut client = HealthClient::new(connect(gate).await);
        for service in [SERVICE, ""] {
            let answer = client.check(HealthCheckRequest { service: service.to_owned() }).await;
            assert_eq!(answer.expect("an answer").get_ref().status(), ServingStatus::Serving, "{service:?}");
        }
        let unknown = client.check(HealthCheckRequest { service: "other".to_owned() }).await;
        assert_eq!(unknown.expect_err("no such service").code(), tonic::Code::NotFound);
    });
}

fn reflect(question: MessageRequest) -> MessageResponse {
    let gate = &edge().gate.address;
    runtime().block_on(async {
        let mut client = ServerReflectionClient::new(connect(gate).await);
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
        let answers = client.server_reflection_info(tokio_stream::once(request)).await.expect("answers");
        let answer = answers.into_inner().message().await.expect("an answer").expect("one answer");
        answer.message_response.expect("a response")
    })
}

#[test]
fn reflection_describes_its_services() {
    let listed = reflect(MessageRequest::ListServices(String::new()));
    let MessageResponse::ListServicesResponse(listed) = listed else { panic!("no list: {listed:?}") };
    let mut names: Vec<String> = listed.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(names, [SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]);

    let described = reflect(MessageRequest::FileContainingSymbol(SERVICE.to_owned()));
    let MessageResponse::FileDescriptorResponse(files) = described else { panic!("no file: {described:?}") };
    let file = files.file_descriptor_proto[0].as_slice();
    let file = prost_types::FileDescriptorProto::decode(file).expect("a file descriptor");
    assert_eq!(file.service[0].method[0].name(), "Check");
}

fn start(drain_timeout: &str) -> Gate {
    let configuration = format!(
        "listen: {{ grpc: \"127.0.0.1:0\", drain_timeout: {drain_timeout} }}\n\
         sessions: {{ web: {{ kind: authjs, secret: \"${{AUTH_SECRET}}\" }} }}\n"
    );
    Gate::start("gate-ending", &configuration, &[("AUTH_SECRET", SECRET)])
}

/// Half a check of a page with a valid session, which the server has received; and the other half.
async fn half_a_check(address: &str) -> (SlowCall, Vec<u8>) {
    let message = framed(&check("/dashboard", &signed_in()));
    let (begun, rest) = message.split_at(message.len() / 2);
    let mut connection = Connection::open(address).await;
    let call = connection.begin(CHECK).await;
    call.send(begun).await;
    // A second call on the same connection: once it is answered, the first one has arrived as well.
    let second = connection.begin(HEALTH_CHECK).await;
    second.send(&framed(&HealthCheckRequest::default())).await;
    let (status, _) = second.finish::<HealthCheckResponse>().await;
    assert_eq!(status, "0");
    (call, rest.to_vec())
}

/// The same, as gRPC sends it.
pub fn framed_check(path: &str, cookie: &str) -> Vec<u8> {
    framed(&check(path, cookie))
}

/// What Envoy asks about a GET.
fn check(path: &str, cookie: &str) -> CheckRequest {
    let http = attribute_context::HttpRequest {
        method: "GET".to_owned(),
        path: path.to_owned(),
        host: "app.example.com".to_owned(),
        headers: [("cookie".to_owned(), cookie.to_owned())].into(),
        ..Default::default()
    };
    let request = attribute_context::Request { http: Some(http) };
    CheckRequest {
        attributes: Some(AttributeContext { request: Some(request), ..AttributeContext::default() }),
    }
}

#[test]
fn after_sigterm_calls_in_flight_are_finished_up_to_the_drain_time_out_and_the_process_ends_with_0() {
    let (mut patient, mut hurried) = (start("60s"), start("100ms"));
    runtime().block_on(async {
        let (call, rest) = half_a_check(&patient.address).await;
        let (_never_ends, _) = half_a_check(&hurried.address).await;
        let mut client = HealthClient::new(connect(&patient.address).await);
        let watch = client.watch(HealthCheckRequest { service: SERVICE.to_owned() }).await;
        let mut watch = watch.expect("a stream").into_inner();
        let status = watch.message().await.expect("a status").expect("one status").status();
        assert_eq!(status, ServingStatus::Serving);

        patient.process.signal(Signal::TERM);
        let status = watch.message().await.expect("a status").expect("one status").status();
        assert_eq!(status, ServingStatus::NotServing);
        drop((watch, client));
        wait_until("nobody new to be let in", || TcpStream::connect(&patient.address).is_err());

        // Told later, it has ended: so the other one is not merely slow to end.
        assert_eq!(hurried.terminate().code(), Some(0), "{}", hurried.process.output());
        assert!(hurried.process.output().contains("drain time-out"), "{}", hurried.process.output());

        call.send(&rest).await;
        let (status, response) = call.finish::<CheckResponse>().await;
        assert_eq!(status, "0");
        assert_eq!(response.status.expect("a status").code, 0, "the session is valid");
    });
    assert_eq!(patient.process.wait().code(), Some(0), "{}", patient.process.output());
    assert!(!patient.process.output().contains("drain time-out"), "{}", patient.process.output());
}
