//! The normalised request that the rest of the program sees, whichever door it came through.

pub mod cookies;
pub mod host;
pub mod navigation;
pub mod origin;
pub mod path;

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;
use std::time::SystemTime;

use self::cookies::Cookies;
use self::origin::{Peer, RouteContext};
use self::path::RequestPath;

/// One HTTP request as the proxy received it, borrowed from the message that carried it.
#[derive(Debug)]
pub struct HttpRequest<'a> {
    parts: RequestParts<'a>,
    peer: Peer<'a>,
    context: RouteContext<'a>,
    cookies: OnceLock<Cookies<'a>>,
}

/// The parts of a request, as a door hands them over.
#[derive(Debug)]
pub struct RequestParts<'a> {
    /// The request method, in the case that was sent (RFC 9110, section 9.1: case-sensitive).
    pub method: &'a str,
    /// `http` or `https` as the proxy sees the client's connection; empty when unknown.
    pub scheme: &'a str,
    /// The `Host` header or `:authority`, as sent.
    pub host: &'a str,
    /// The path, in every reading that a server might make of it.
    pub path: RequestPath<'a>,
    /// The query without its `?`; empty when there is none.
    pub query: &'a str,
    /// The header fields.
    pub headers: Headers<'a>,
    /// The moment at which the request is judged.
    pub now: SystemTime,
}

impl<'a> HttpRequest<'a> {
    #[must_use]
    pub fn new(parts: RequestParts<'a>) -> Self {
        let (peer, context) = (Peer::default(), RouteContext::default());
        Self { parts, peer, context, cookies: OnceLock::new() }
    }

    /// The same request, known to come from this client.
    #[must_use]
    pub fn from_peer(self, peer: Peer<'a>) -> Self {
        Self { peer, ..self }
    }

    /// The same request on a route that the proxy says more of.
    #[must_use]
    pub fn on_route(self, context: RouteContext<'a>) -> Self {
        Self { context, ..self }
    }

    /// Who is at the other end of the proxy's connection.
    pub fn peer(&self) -> &Peer<'a> {
        &self.peer
    }

    /// What the proxy's configuration says of the route.
    pub fn context(&self) -> &RouteContext<'a> {
        &self.context
    }

    /// Whether the method only reads (RFC 9110, section 9.2.1), as a browser's navigation does.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self.method, "GET" | "HEAD")
    }

    /// The cookies, parsed when they are first asked for.
    pub fn cookies(&self) -> &Cookies<'a> {
        self.cookies.get_or_init(|| Cookies::parse(&self.headers))
    }
}

/// A request is its parts, and more.
impl<'a> Deref for HttpRequest<'a> {
    type Target = RequestParts<'a>;

    fn deref(&self) -> &Self::Target {
        &self.parts
    }
}

/// The header fields of a request in the order in which they arrived.
#[derive(Clone, Default)]
pub struct Headers<'a> {
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    repeats: Repeats,
}

/// What the proxy did with a header that was sent more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// Joined with `,` into one value, as Envoy's `headers` map holds them.
    #[default]
    Joined,
    /// Kept apart, as in Envoy's `header_map`.
    Separate,
}

impl<'a> Headers<'a> {
    #[must_use]
    pub fn new(fields: Vec<(Cow<'a, str>, Cow<'a, str>)>, repeats: Repeats) -> Self {
        Self { fields, repeats }
    }

    /// What was done with repeated fields.
    #[must_use]
    pub fn repeats(&self) -> Repeats {
        self.repeats
    }

    /// The first value of a header; names are compared without regard to case (RFC 9110, 5.1).
    #[must_use]
    pub fn get<'s>(&'s self, name: &str) -> Option<&'s str> {
        self.get_all(name).next().map(AsRef::as_ref)
    }

    /// Every value of a header, in order.
    pub fn get_all<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s Cow<'a, str>> {
        self.fields.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Every field, name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// Names only: values carry cookies and tokens.
impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fields.iter().map(|(name, _)| name)).finish()
    }
}
