//! Envoy's external authorization protocol, version 3: the door to the gate that Envoy uses.

#![warn(clippy::wildcard_enum_match_arm, reason = "a new variant of a decision has to be answered")]

pub mod codec;
pub mod request;
pub mod response;
pub mod service;

/// The messages of `proto/` as views: read where they lie, written from what they borrow. What the door uses.
#[allow(clippy::all, clippy::pedantic, missing_docs, reason = "generated from proto/")]
mod views {
    include!(concat!(env!("OUT_DIR"), "/views.rs"));
}

/// The service, generated for messages that are bytes.
#[allow(clippy::all, clippy::pedantic, missing_docs, reason = "generated from proto/")]
mod authorization {
    include!(concat!(env!("OUT_DIR"), "/envoy.service.auth.v3.Authorization.rs"));
}

/// The same messages with everything their own, under the packages that Envoy gave them: for those who ask.
#[allow(clippy::all, clippy::pedantic, missing_docs, reason = "generated from proto/")]
pub mod proto {
    pub mod envoy {
        pub mod config {
            pub mod core {
                pub mod v3 {
                    tonic::include_proto!("envoy.config.core.v3");
                }
            }
        }
        pub mod service {
            pub mod auth {
                pub mod v3 {
                    tonic::include_proto!("envoy.service.auth.v3");
                }
            }
        }
        pub mod r#type {
            pub mod v3 {
                tonic::include_proto!("envoy.r#type.v3");
            }
        }
    }
    pub mod google {
        pub mod rpc {
            tonic::include_proto!("google.rpc");
        }
    }
}

/// The descriptors of `proto/`, encoded, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

pub use authorization::authorization_server::{Authorization, AuthorizationServer};
pub use buffa::DecodeError;
pub use views::envoy::service::auth::v3::CheckRequestView;

pub use proto::envoy::config::core::v3::address::Address as SocketAddressOf;
pub use proto::envoy::config::core::v3::header_value_option::HeaderAppendAction;
pub use proto::envoy::config::core::v3::{Address, Metadata, SocketAddress};
pub use proto::envoy::config::core::v3::{HeaderMap, HeaderValue, HeaderValueOption};
pub use proto::envoy::service::auth::v3::attribute_context;
pub use proto::envoy::service::auth::v3::authorization_client::AuthorizationClient;
pub use proto::envoy::service::auth::v3::check_response::HttpResponse;
pub use proto::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse,
};
pub use proto::envoy::r#type::v3::{HttpStatus, StatusCode};
pub use proto::google::rpc::Status as RpcStatus;
