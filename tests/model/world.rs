//! What the machine is about, as plain values: configurations, sessions and requests. The model reads them as they
//! are; the real gate gets them as YAML, as tokens and as messages of Envoy.

/// Seconds since the machine was started.
pub type Seconds = i64;

/// When the machine starts, on its own clock: sessions can have begun before.
pub const START: Seconds = 0;
/// How long a revocation is kept: half a day more than whole days, since time jumps by whole days.
pub const KEEP: Seconds = 20 * DAY + DAY / 2;
pub const DAY: Seconds = 86_400;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    Public,
    Optional,
    Session,
    Deny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDeny {
    Auto,
    Redirect,
    Unauthorized,
    /// 410, whatever the reason.
    Custom,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Auth.js, in cookies.
    Web,
    /// Signed tokens, as `Authorization: Bearer`.
    Machine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Secret {
    A,
    B,
    C,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matcher {
    Everything,
    Home,
    Admin,
    Help,
    Docs,
    AuthJs,
    /// `POST` and `PUT` only.
    Orders,
    /// One host and those below it.
    Api,
    /// Without the header `x-ops` only.
    Ops,
    AllButDocs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub matcher: Matcher,
    pub access: Access,
    /// `condition`; only where `access` is `Session`.
    pub admins_only: bool,
    /// The providers accepted, in this order; `None`: all.
    pub accepts: Option<Vec<Provider>>,
    pub on_deny: OnDeny,
}

/// Where the list of revocations is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    Off,
    Redis,
    /// In a Redis that nobody has ever seen; `lenient`: `on_outage: allow`.
    Away {
        lenient: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    pub rules: Vec<Rule>,
    /// What holds where no rule matches.
    pub default: Rule,
    /// The secrets of [`Provider::Web`], newest first.
    pub web: Vec<Secret>,
    /// The secret of [`Provider::Machine`]; without one there is no such provider.
    pub machine: Option<Secret>,
    /// Whether [`Provider::Machine`] is asked first where a rule does not say.
    pub machine_first: bool,
    pub revocation: Revocation,
}

impl Configuration {
    /// The providers in their order.
    pub fn providers(&self) -> Vec<Provider> {
        match (self.machine, self.machine_first) {
            (None, _) => vec![Provider::Web],
            (Some(_), true) => vec![Provider::Machine, Provider::Web],
            (Some(_), false) => vec![Provider::Web, Provider::Machine],
        }
    }
}

/// The name of the rule at a place, by which a change of the order shows.
pub fn rule_name(place: usize, rule: &Rule) -> String {
    format!("{place} {:?}", rule.matcher)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Admin,
    Viewer,
    /// The token has no such claim: whether the condition holds cannot be told.
    Unsaid,
}

/// Where a session's token travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `authjs.session-token`.
    Cookie,
    /// `__Secure-authjs.session-token`.
    SecureCookie,
    Bearer,
}

/// A session as the application began it.
#[derive(Clone, Debug)]
pub struct Session {
    pub user: &'static str,
    pub role: Role,
    pub place: Place,
    /// Its token is too long for one cookie, and comes in [`CHUNKS`].
    pub is_long: bool,
    pub secret: Secret,
    pub issued: Seconds,
    pub expires: Seconds,
}

pub static USERS: [&str; 3] = ["ada", "ben", "cyd"];
/// Of a long session.
pub const CHUNKS: usize = 2;

/// A client, by what tells whether it can follow a redirect to the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Sends `Sec-Fetch-Mode: navigate`.
    Browser,
    /// Sends `Accept: text/html` alone.
    OldBrowser,
    /// Sends `Accept: application/json`.
    Api,
    /// The router of Next.js, which fetches data in place of a page.
    Router,
    Grpc,
}

/// A path as it is sent, and every page that some server takes it for; none where it is no path. What the routers of
/// Next.js fetch is the page itself. Where two are judged alike the first one names the rule.
#[derive(Debug)]
pub struct Path {
    pub sent: &'static str,
    pub pages: &'static [&'static str],
}

pub static PATHS: [Path; 30] = [
    Path { sent: "/", pages: &["/"] },
    Path { sent: "/other", pages: &["/other"] },
    Path { sent: "/admin", pages: &["/admin"] },
    Path { sent: "/admin/", pages: &["/admin/"] },
    Path { sent: "/admin/users?tab=1", pages: &["/admin/users"] },
    Path { sent: "/admin/help", pages: &["/admin/help"] },
    Path { sent: "/docs", pages: &["/docs"] },
    Path { sent: "/docs/intro", pages: &["/docs/intro"] },
    Path { sent: "/docsearch", pages: &["/docsearch"] },
    Path { sent: "/orders/7", pages: &["/orders/7"] },
    Path { sent: "/ops/restart", pages: &["/ops/restart"] },
    Path { sent: "/login", pages: &["/login"] },
    Path { sent: "/login/?again", pages: &["/login/"] },
    Path { sent: "/api/auth/session", pages: &["/api/auth/session"] },
    Path { sent: "/api/auth/signin", pages: &["/api/auth/signin"] },
    Path { sent: "/api/auth/callback/github?code=1", pages: &["/api/auth/callback/github"] },
    Path { sent: "/api/auth/signout", pages: &["/api/auth/signout"] },
    Path {
        sent: "/api/auth/signin/..%2fsession",
        pages: &["/api/auth/signin/..%2fsession", "/api/auth/signin/../session", "/api/auth/session"],
    },
    Path { sent: "/%61dmin", pages: &["/%61dmin", "/admin"] },
    Path { sent: "/%2561dmin", pages: &["/%2561dmin", "/%61dmin", "/admin"] },
    Path { sent: "//admin", pages: &["//admin", "/admin"] },
    Path { sent: "/docs/../admin", pages: &["/docs/../admin", "/admin"] },
    Path { sent: "/docs/..%2fadmin", pages: &["/docs/..%2fadmin", "/docs/../admin", "/admin"] },
    Path { sent: "/docs/..;/admin", pages: &["/docs/..;/admin", "/docs/../admin", "/admin"] },
    Path { sent: r"/docs\..\admin", pages: &[r"/docs\..\admin", "/admin", "/docs/../admin"] },
    Path { sent: "/_next/data/b1/admin.json", pages: &["/admin"] },
    Path { sent: "/admin.rsc", pages: &["/admin"] },
    Path { sent: "/other/admin%3fx", pages: &["/other/admin%3fx", "/other/admin"] },
    Path { sent: "/adm\u{1}in", pages: &[] },
    Path { sent: "admin", pages: &[] },
];

/// A host as it is sent, and whether [`Matcher::Api`] is for it.
#[derive(Debug)]
pub struct Host {
    pub sent: &'static str,
    pub is_api: bool,
}

pub static HOSTS: [Host; 5] = [
    Host { sent: "app.example.com", is_api: false },
    Host { sent: "api.example.com", is_api: true },
    Host { sent: "API.example.com:8443", is_api: true },
    Host { sent: "v1.api.example.com", is_api: true },
    Host { sent: "api.example.com.evil.test", is_api: false },
];

/// One token in a request: whose it is, counted from the session that began last, and whether it was tampered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    pub pick: usize,
    pub is_tampered: bool,
}

#[derive(Clone, Debug)]
pub struct Ask {
    pub path: &'static Path,
    pub host: &'static Host,
    pub method: &'static str,
    pub client: Client,
    /// It has the header `x-ops`.
    pub has_ops: bool,
    /// The access that the proxy asks for on this route, at the least.
    pub route: Option<Access>,
    pub carried: Vec<Carried>,
    /// Envoy sends each header by itself, in bytes (`encode_raw_headers`).
    pub is_raw: bool,
}

impl Ask {
    /// The tokens in the request, each once: the place of the session among `count`, and whether it was tampered with.
    pub fn tokens(&self, count: usize) -> Vec<(usize, bool)> {
        let mut tokens = Vec::new();
        for carried in &self.carried {
            let token = picked(carried.pick, count).map(|place| (place, carried.is_tampered));
            tokens.extend(token.filter(|token| !tokens.contains(token)));
        }
        tokens
    }
}

/// The place of a session among `count`, where there is any; the first one stands in for those before it.
pub fn picked(pick: usize, count: usize) -> Option<usize> {
    count.checked_sub(1).map(|last| last.saturating_sub(pick))
}

/// What somebody wants to end; a session is counted from the one that began last.
#[derive(Clone, Copy, Debug)]
pub enum Revoke {
    /// Every session of a user, until now.
    User(&'static str),
    /// One session, by its token.
    Token { pick: usize },
    /// One session, by its `jti`.
    Id { pick: usize },
}

/// What is wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    NoYaml,
    UnknownKey,
    UnknownProvider,
    BadMatcher,
    BadCondition,
    WeakSecret,
    UnsetVariable,
    NoFile,
}
