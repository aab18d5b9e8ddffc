//! The gRPC listener: the gate, its health, and reflection.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::body::Bytes;
use axum::http::{Request, Response};
use http_body::Body;
use tonic::codegen::BoxFuture;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::Service;

use super::ServerError;
use super::listen::Limits;
use crate::envoy::service::AuthorizationService;
use crate::envoy::{AuthorizationServer, DESCRIPTORS};
use crate::program::Doors;

/// What nearly every call asks for.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The services of the listener. A check takes no detour by the router.
#[derive(Clone)]
pub(super) struct Services {
    authorization: AuthorizationServer<AuthorizationService>,
    others: Routes,
}

/// What the listener serves, and by what its health is told.
pub(super) async fn services(
    doors: Doors,
    limits: &Limits,
) -> Result<(HealthReporter, Services), ServerError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    set_health(&health, ServingStatus::Serving).await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let authorization = AuthorizationServer::new(AuthorizationService::new(doors))
        .max_decoding_message_size(limits.message_bytes);
    let others = Routes::new(health_service).add_service(reflection).prepare();
    Ok((health, Services { authorization, others }))
}

/// For the service by its name, and for the server as a whole, which health checkers ask for with an empty name.
pub(super) async fn set_health(health: &HealthReporter, status: ServingStatus) {
    health.set_service_status("envoy.service.auth.v3.Authorization", status).await;
    health.set_service_status("", status).await;
}

impl<B> Service<Request<B>> for Services
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send> + Send + 'static,
{
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.uri().path() == CHECK {
            self.authorization.call(request)
        } else {
            Box::pin(self.others.call(request))
        }
    }
}
