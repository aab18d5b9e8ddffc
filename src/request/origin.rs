//! What the proxy says of a request beside the request itself: who sent it, and what its route is configured with.
//! A client can choose none of it.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

/// The other end of the proxy's connection.
#[derive(Clone, Debug, Default)]
pub struct Peer<'a> {
    /// Its IP address as text; empty where it has none.
    pub address: Cow<'a, str>,
    /// The identity of its client certificate, as the proxy verified it; empty where there is none.
    pub principal: Cow<'a, str>,
}

/// What the proxy is configured to say of a route.
#[derive(Clone, Default)]
pub struct RouteContext<'a> {
    /// Envoy's `context_extensions`, name and value.
    pub extensions: Vec<(&'a str, &'a str)>,
    /// The route's metadata by namespace, where the proxy sends any.
    pub metadata: Map<String, Value>,
}

impl<'a> RouteContext<'a> {
    /// One of the context extensions: the last of its name, as in every map of protobuf's.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&'a str> {
        self.extensions.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Names only: an operator may have put a secret there.
impl fmt::Debug for RouteContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.extensions.iter().map(|(name, _)| name)).finish()
    }
}
