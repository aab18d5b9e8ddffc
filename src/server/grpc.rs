//! The gRPC listener: the gate, its health, and reflection.

use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::ServerError;
use super::listen::Limits;
use crate::envoy::service::AuthorizationService;
use crate::envoy::{AuthorizationServer, DESCRIPTORS};
use crate::program::Doors;

/// What the listener serves, and by what its health is told.
pub(super) async fn services(doors: Doors, limits: &Limits) -> Result<(HealthReporter, Routes), ServerError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    set_health(&health, ServingStatus::Serving).await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let authorization = AuthorizationServer::new(AuthorizationService::new(doors))
        .max_decoding_message_size(limits.message_bytes);
    let routes = Routes::new(authorization).add_service(health_service).add_service(reflection);
    Ok((health, routes.prepare()))
}

/// For the service by its name, and for the server as a whole, which health checkers ask for with an empty name.
pub(super) async fn set_health(health: &HealthReporter, status: ServingStatus) {
    health.set_service_status("envoy.service.auth.v3.Authorization", status).await;
    health.set_service_status("", status).await;
}
