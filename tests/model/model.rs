//! What the gate has to decide, said as plainly as possible: no parsing, no cryptography, no index, no cache. Shares no
//! code with `src/`.

use std::collections::BTreeSet;

use crate::world::{
    Access, Ask, CHUNKS, Client, Configuration, KEEP, Matcher, OnDeny, Place, Provider, Revocation, Revoke,
    Role, Rule, START, Seconds, Session, picked, rule_name,
};

/// How far the application's clock may be off.
pub const TOLERANCE: Seconds = 15;

#[derive(Clone, Debug)]
pub struct Model {
    pub now: Seconds,
    pub configuration: Configuration,
    pub sessions: Vec<Session>,
    /// What was written to Redis.
    pub ended: Vec<Ended>,
}

#[derive(Clone, Copy, Debug)]
pub enum Ended {
    /// Every session that a user had at this moment.
    User(&'static str, Seconds),
    /// The session at this place, by its `jti`.
    Session(usize),
    /// The token of the session at this place.
    Token(usize),
}

/// What can be seen of a decision from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub decision: &'static str,
    pub status: u16,
    pub rule: String,
    /// Whom the upstream takes the caller for.
    pub subject: Option<&'static str>,
    /// The cookies that the browser is told to forget.
    pub cleared: BTreeSet<String>,
    /// Whether session cookies reach the upstream.
    pub cookies_pass: bool,
}

/// What the tokens of a request are worth to a rule.
enum Found<'m> {
    Valid(&'m Session),
    Revoked,
    /// Whether the session was revoked cannot be known.
    Unknown,
    Nothing {
        was_sent: bool,
    },
}

/// What decides between two rules: the stricter one.
type Judgement = (u8, Outcome);

impl Model {
    /// Where there is a list that can be written to, and a session to end.
    pub fn revoke(&mut self, what: Revoke) -> bool {
        let ended = match what {
            Revoke::User(user) => Some(Ended::User(user, self.now)),
            Revoke::Token { pick } => picked(pick, self.sessions.len()).map(Ended::Token),
            Revoke::Id { pick } => picked(pick, self.sessions.len()).map(Ended::Session),
        };
        let ended = ended.filter(|_| self.configuration.revocation == Revocation::Redis);
        self.ended.extend(ended);
        ended.is_some()
    }

    pub fn decide(&self, ask: &Ask) -> Outcome {
        let judged = ask.path.pages.iter().map(|page| self.judge(page, ask));
        let strictest =
            judged.reduce(|strictest, other| if other.0 > strictest.0 { other } else { strictest });
        strictest.map_or_else(|| outcome("deny", 400, String::new()), |(_, outcome)| outcome)
    }

    fn judge(&self, page: &str, ask: &Ask) -> Judgement {
        let mut rules = self.configuration.rules.iter().enumerate();
        let (name, rule) = match rules.find(|(_, rule)| matches(rule.matcher, page, ask)) {
            Some((place, rule)) => (rule_name(place, rule), rule),
            None => ("default".to_owned(), &self.configuration.default),
        };
        let access = ask.route.map_or(rule.access, |least| rule.access.max(least));
        let (mut found, mut cookies_pass) = (self.found(rule, ask), !self.cookies(ask).is_empty());
        if let (Found::Revoked, Some(route)) = (&found, sign_in_route(ask)) {
            found = Found::Nothing { was_sent: true };
            cookies_pass &= route == Route::Ends;
        }
        let allow = |strictness, subject| {
            (strictness, Outcome { subject, cookies_pass, ..outcome("allow", 200, name.clone()) })
        };
        let status = if rule.on_deny == OnDeny::Custom { 410 } else { 403 };
        match (access, found) {
            (Access::Deny, _) => (6, outcome("deny", status, name)),
            (_, Found::Revoked) => self.unauthenticated(name, rule, ask, true),
            (Access::Public, _) => allow(0, None),
            (_, Found::Unknown) => (5, outcome("unavailable", 503, name)),
            (_, Found::Valid(session)) if rule.admins_only && session.role != Role::Admin => {
                (6, outcome("deny", status, name))
            }
            (_, Found::Valid(session)) => allow(2, Some(session.user)),
            (Access::Optional, Found::Nothing { .. }) => allow(1, None),
            (_, Found::Nothing { was_sent }) => self.unauthenticated(name, rule, ask, was_sent),
        }
    }

    fn unauthenticated(&self, name: String, rule: &Rule, ask: &Ask, was_sent: bool) -> Judgement {
        let can_follow = !matches!(ask.client, Client::Router | Client::Grpc);
        let is_page = matches!(ask.client, Client::Browser | Client::OldBrowser)
            && matches!(ask.method, "GET" | "HEAD");
        let is_login = ask.path.pages.iter().any(|page| matches!(*page, "/login" | "/login/"));
        let (strictness, decision, status) = match rule.on_deny {
            OnDeny::Custom => (4, "deny", 410),
            OnDeny::Auto if is_page && !is_login => (3, "redirect", 307),
            OnDeny::Redirect if can_follow && !is_login => (3, "redirect", 307),
            OnDeny::Auto | OnDeny::Redirect | OnDeny::Unauthorized => (4, "deny", 401),
        };
        let forgets = was_sent && self.accepted(rule).contains(&Provider::Web);
        let cleared = if forgets { self.cookies(ask) } else { BTreeSet::new() };
        (strictness, Outcome { cleared, ..outcome(decision, status, name) })
    }

    fn found(&self, rule: &Rule, ask: &Ask) -> Found<'_> {
        let mut was_sent = false;
        for provider in self.accepted(rule) {
            let places: &[Place] = match provider {
                Provider::Web => &[Place::SecureCookie, Place::Cookie],
                Provider::Machine => &[Place::Bearer],
            };
            for place in places {
                let sent: Vec<_> =
                    self.tokens(ask).filter(|(_, session, _)| session.place == *place).collect();
                was_sent |= !sent.is_empty();
                let valid = |at: usize| {
                    sent.get(at).filter(|(_, session, tampered)| !tampered && self.holds(session))
                };
                let is_conflict = match sent.as_slice() {
                    [] | [_] => false,
                    // Chunks: the first ones count, unless another server would see another session.
                    [(_, one, _), (_, other, _), ..]
                        if one.is_long && other.is_long && *place != Place::Bearer =>
                    {
                        valid(0).is_some() && valid(1).is_some()
                    }
                    _ => true,
                };
                if is_conflict {
                    break;
                }
                let Some((at, session, _)) = valid(0) else { continue };
                return match self.configuration.revocation {
                    Revocation::Redis if self.is_revoked(*at, &sent) => Found::Revoked,
                    Revocation::Away { lenient: false } => Found::Unknown,
                    _ => Found::Valid(session),
                };
            }
        }
        Found::Nothing { was_sent }
    }

    fn accepted(&self, rule: &Rule) -> Vec<Provider> {
        rule.accepts.clone().unwrap_or_else(|| self.configuration.providers())
    }

    /// Whether the session's token is good for the provider that it is meant for.
    pub fn holds(&self, session: &Session) -> bool {
        let has_secret = match session.place {
            Place::Bearer => self.configuration.machine == Some(session.secret),
            Place::Cookie | Place::SecureCookie => self.configuration.web.contains(&session.secret),
        };
        has_secret && self.now < session.expires + TOLERANCE
    }

    /// `sent` is all that came in the same cookie: no session comes in beside a token that was ended.
    fn is_revoked(&self, at: usize, sent: &[(usize, &Session, bool)]) -> bool {
        let session = &self.sessions[at];
        // Entries are written at the start, whatever the time of a request: the clock of Redis is no part of it.
        self.now < START + KEEP
            && self.ended.iter().any(|ended| match *ended {
                Ended::User(user, moment) => session.user == user && session.issued <= moment,
                Ended::Session(place) => place == at,
                Ended::Token(place) => sent.iter().any(|(other, _, tampered)| *other == place && !tampered),
            })
    }

    /// The tokens of a request, with the places of their sessions, and whether they were tampered with.
    fn tokens(&self, ask: &Ask) -> impl Iterator<Item = (usize, &Session, bool)> {
        ask.tokens(self.sessions.len()).into_iter().map(|(at, tampered)| (at, &self.sessions[at], tampered))
    }

    /// The session cookies of a request, by their names.
    fn cookies(&self, ask: &Ask) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (_, session, _) in self.tokens(ask) {
            let name = match session.place {
                Place::Cookie => "authjs.session-token",
                Place::SecureCookie => "__Secure-authjs.session-token",
                Place::Bearer => continue,
            };
            if session.is_long {
                names.extend((0..CHUNKS).map(|chunk| format!("{name}.{chunk}")));
            } else {
                names.insert(name.to_owned());
            }
        }
        names
    }
}

fn outcome(decision: &'static str, status: u16, rule: String) -> Outcome {
    Outcome { decision, status, rule, subject: None, cleared: BTreeSet::new(), cookies_pass: false }
}

fn matches(matcher: Matcher, page: &str, ask: &Ask) -> bool {
    match matcher {
        Matcher::Everything => true,
        Matcher::Home => page == "/",
        Matcher::Admin => is_below("/admin", page),
        Matcher::Help => page == "/admin/help",
        Matcher::Docs => is_below("/docs", page),
        Matcher::AuthJs => is_below("/api/auth", page),
        Matcher::Orders => is_below("/orders", page) && matches!(ask.method, "POST" | "PUT"),
        Matcher::Api => ask.host.is_api,
        Matcher::Ops => is_below("/ops", page) && !ask.has_ops,
        Matcher::AllButDocs => !page.starts_with("/docs"),
    }
}

/// The page itself, or whatever is below it.
fn is_below(parent: &str, page: &str) -> bool {
    page == parent || page.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/'))
}

/// A route that a revoked session may still ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    /// Begins a session, and must not see the revoked one.
    Begins,
    Ends,
}

fn sign_in_route(ask: &Ask) -> Option<Route> {
    match *ask.path.pages {
        ["/login" | "/login/" | "/api/auth/signin" | "/api/auth/callback/github"] => Some(Route::Begins),
        ["/api/auth/signout"] => Some(Route::Ends),
        _ => None,
    }
}
