//! The real gate in process, from the text of its configuration to the answer that Envoy acts on.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::Message as _;
use prost_types::value::Kind;
use sessiongate::config::{self, Carried, Environment, Loaded};
use sessiongate::envoy::attribute_context::{HttpRequest, Request};
use sessiongate::envoy::codec::Asked;
use sessiongate::envoy::service::AuthorizationService;
use sessiongate::envoy::{
    AttributeContext, CheckRequest, CheckResponse, HeaderMap, HeaderValue, HeaderValueOption, HttpResponse,
    OkHttpResponse,
};
use sessiongate::program::{Current, Doors, Program};
use sessiongate::session::revocation::{Entry, Revocations};
use tempfile::TempDir;

use crate::configuration::{self, Redis};
use crate::harness::runtime::runtime;
use crate::harness::servers;
use crate::model::Outcome;
use crate::tokens::{Token, start_of_machine};
use crate::world::{
    Access, Ask, Client, Configuration, Mistake, Revocation, Revoke, Seconds, Session, USERS, picked,
};

/// Longer than any check takes here.
const PATIENCE: Duration = Duration::from_secs(30);
const IDENTITY: &str = "x-auth-user-id";

static REDIS: LazyLock<servers::Redis> = LazyLock::new(servers::Redis::start);

pub struct System {
    folder: TempDir,
    redis: Redis,
    start: Seconds,
    current: Current,
    carried: Carried,
    service: AuthorizationService,
    tokens: Vec<Token>,
}

impl System {
    /// # Errors
    /// The configuration is refused.
    pub fn start(configuration: &Configuration) -> Result<Self, String> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let prefix = format!("machine-{}:", NEXT.fetch_add(1, Ordering::Relaxed));
        let redis = Redis { url: REDIS.url(), prefix };
        let folder = tempfile::tempdir().unwrap();
        let text = configuration::yaml(configuration, &redis);
        let (program, carried) = load(&folder, &text, &Carried::default())?;
        until_known(&program, configuration);
        let current = program.into_current();
        let service = AuthorizationService::new(Doors::new(Arc::clone(&current), 16));
        Ok(Self { folder, redis, start: start_of_machine(), current, carried, service, tokens: Vec::new() })
    }

    pub fn sign_in(&mut self, session: &Session) {
        let id = format!("{}{}", self.redis.prefix, self.tokens.len());
        self.tokens.push(Token::of(session, self.start, id));
    }

    /// Puts another configuration in the place of this one.
    ///
    /// # Errors
    /// It is refused.
    pub fn reload(&mut self, configuration: &Configuration) -> Result<(), String> {
        let text = configuration::yaml(configuration, &self.redis);
        let (program, carried) = load(&self.folder, &text, &self.carried)?;
        until_known(&program, configuration);
        self.current.store(Arc::new(program));
        self.carried = carried;
        Ok(())
    }

    /// Loads this configuration with a mistake in it; whether it was refused.
    pub fn reload_broken(&mut self, configuration: &Configuration, mistake: Mistake) -> bool {
        let text = configuration::broken(configuration, &self.redis, mistake);
        load(&self.folder, &text, &self.carried).is_err()
    }

    /// Ends sessions, here or through another replica, after which the list is read again; whether it could be written.
    pub fn revoke(&self, what: Revoke, now: Seconds, elsewhere: Option<&Configuration>) -> bool {
        let Some(entry) = self.entry(what, now) else { return false };
        let replica = elsewhere.map(|configuration| {
            load(&self.folder, &configuration::yaml(configuration, &self.redis), &Carried::default())
                .unwrap()
                .0
        });
        let here = self.current.load_full();
        let Some(list) = here.gate.sessions.revocations() else { return false };
        let revoke = |list: &Arc<Revocations>| runtime().block_on(list.revoke(entry)).is_ok();
        match replica.as_ref().and_then(|replica| replica.gate.sessions.revocations()) {
            Some(other) => revoke(other) && runtime().block_on(list.read()).is_ok(),
            None => revoke(list),
        }
    }

    fn entry(&self, what: Revoke, now: Seconds) -> Option<Entry> {
        let token = |pick| self.tokens.get(picked(pick, self.tokens.len())?);
        Some(match what {
            Revoke::User(user) => Entry::of_subject(user, self.at(now)),
            Revoke::Token { pick } => Entry::of_token(&token(pick)?.text),
            Revoke::Id { pick } => Entry::TokenId(token(pick)?.id.clone()),
        })
    }

    /// What comes of a request, and why in one word.
    ///
    /// # Errors
    /// The answer contradicts itself.
    pub fn ask(&self, ask: &Ask, now: Seconds) -> Result<(Outcome, String), String> {
        let headers = self.headers(ask);
        let message = message(ask, &headers);
        let asked = Asked::from(message.encode_to_vec());
        let asked = asked.read().map_err(|error| error.to_string())?;
        let answer = runtime().block_on(self.service.answer(&asked, self.at(now), PATIENCE, None));
        let answer = CheckResponse::decode(answer.bytes()).map_err(|error| error.to_string())?;
        Ok((outcome(&answer, &headers)?, metadata(&answer, "reason")))
    }

    fn headers(&self, ask: &Ask) -> Vec<(&'static str, String)> {
        // What a client would like the upstream to believe.
        let mut headers = vec![(IDENTITY, "mallory".to_owned()), ("X_Auth_User_Id", "mallory".to_owned())];
        headers.push(match ask.client {
            Client::Browser => ("sec-fetch-mode", "navigate".to_owned()),
            Client::OldBrowser => ("accept", "text/html,*/*;q=0.8".to_owned()),
            Client::Api => ("accept", "application/json".to_owned()),
            Client::Router => ("rsc", "1".to_owned()),
            Client::Grpc => ("content-type", "application/grpc".to_owned()),
        });
        if ask.client == Client::Router || ask.client == Client::Grpc {
            headers.push(("accept", "text/html".to_owned()));
        }
        if ask.has_ops {
            headers.push(("x-ops", "on-call".to_owned()));
        }
        for (at, is_tampered) in ask.tokens(self.tokens.len()) {
            let token = &self.tokens[at];
            headers.push(if is_tampered { token.tampered().header() } else { token.header() });
        }
        headers
    }

    fn at(&self, now: Seconds) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::try_from(self.start + now).unwrap())
    }
}

/// What `sessiongate serve` makes of a configuration, and of the parts of the one before it.
fn load(folder: &TempDir, text: &str, before: &Carried) -> Result<(Program, Carried), String> {
    let file: PathBuf = folder.path().join("sessiongate.yaml");
    std::fs::write(&file, text).unwrap();
    let Loaded { settings, carried, .. } = config::load_again(Some(&file), &Environment::default(), before);
    let settings = settings.map_err(|error| format!("{error}\n{text}"))?;
    let _entered = runtime().enter();
    Ok((Program::new(settings.program).map_err(|error| error.to_string())?, carried))
}

/// Waits for what was revoked, where that can be known.
fn until_known(program: &Program, configuration: &Configuration) {
    if configuration.revocation == Revocation::Redis {
        runtime().block_on(program.gate.sessions.until_ready());
    }
}

fn message(ask: &Ask, headers: &[(&'static str, String)]) -> CheckRequest {
    let mut http = HttpRequest {
        method: ask.method.to_owned(),
        scheme: "https".to_owned(),
        host: ask.host.sent.to_owned(),
        path: ask.path.sent.to_owned(),
        ..HttpRequest::default()
    };
    if ask.is_raw {
        let raw = headers.iter().map(|(name, value)| HeaderValue {
            key: name.to_ascii_lowercase(),
            raw_value: value.as_bytes().to_vec(),
            ..HeaderValue::default()
        });
        http.header_map = Some(HeaderMap { headers: raw.collect() });
    } else {
        for (name, value) in headers {
            // Several cookies in one header, as HTTP/1.1 has them.
            let separator = if *name == "cookie" { "; " } else { "," };
            let joined = http.headers.entry(name.to_ascii_lowercase()).or_default();
            *joined = if joined.is_empty() { value.clone() } else { format!("{joined}{separator}{value}") };
        }
    }
    let access = |access| match access {
        Access::Public => "public",
        Access::Optional => "optional",
        Access::Session => "session",
        Access::Deny => "deny",
    };
    let route = ask.route.map(|least| ("sessiongate.access".to_owned(), access(least).to_owned()));
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request { http: Some(http) }),
            context_extensions: route.into_iter().collect(),
            ..AttributeContext::default()
        }),
    }
}

fn outcome(answer: &CheckResponse, sent: &[(&'static str, String)]) -> Result<Outcome, String> {
    let (decision, rule) = (metadata(answer, "decision"), metadata(answer, "rule"));
    let code = answer.status.as_ref().ok_or("no status")?.code;
    let decision = ["allow", "deny", "redirect", "unavailable"].into_iter().find(|known| *known == decision);
    let decision = decision.ok_or("an unknown decision")?;
    if (code == 0) != (decision == "allow") {
        return Err(format!("{decision}, and Envoy is told {code}"));
    }
    match answer.http_response.as_ref().ok_or("no response")? {
        HttpResponse::OkResponse(ok) if decision == "allow" => {
            let upstream = Upstream::of(ok, sent);
            Ok(Outcome {
                decision,
                status: 200,
                rule,
                subject: upstream.subject()?,
                cleared: BTreeSet::new(),
                cookies_pass: upstream.sees_session_cookies(),
            })
        }
        HttpResponse::DeniedResponse(denied) if matches!(decision, "deny" | "redirect") => {
            let status = denied.status.as_ref().ok_or("no status")?.code;
            let location = values(&denied.headers, "location").next();
            if (status == 307) != location.is_some_and(|location| location.starts_with("/login?callbackUrl="))
            {
                return Err(format!("{status} to {location:?}"));
            }
            Ok(refusal(decision, status, rule, &denied.headers))
        }
        HttpResponse::ErrorResponse(error) if decision == "unavailable" => {
            Ok(refusal(decision, error.status.as_ref().ok_or("no status")?.code, rule, &error.headers))
        }
        other => Err(format!("{decision} in {other:?}")),
    }
}

fn refusal(decision: &'static str, status: i32, rule: String, headers: &[HeaderValueOption]) -> Outcome {
    let cookies = values(headers, "set-cookie").filter(|cookie| cookie.contains("=; Max-Age=0; Path=/;"));
    let names = cookies.filter_map(|cookie| Some(cookie.split_once('=')?.0.to_owned()));
    let status = u16::try_from(status).unwrap();
    Outcome { decision, status, rule, subject: None, cleared: names.collect(), cookies_pass: false }
}

/// The headers of a request as the upstream gets them.
struct Upstream(Vec<(String, String)>);

impl Upstream {
    fn of(ok: &OkHttpResponse, sent: &[(&'static str, String)]) -> Self {
        let sent = sent.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        let mut headers: Vec<_> = sent.collect();
        headers.retain(|(name, _)| !ok.headers_to_remove.contains(name));
        for header in ok.headers.iter().filter_map(|option| option.header.as_ref()) {
            headers.retain(|(name, _)| *name != header.key);
            headers.push((header.key.clone(), header.value.clone()));
        }
        Self(headers)
    }

    /// Whom an upstream takes the caller for that folds `-` and `_` together.
    fn subject(&self) -> Result<Option<&'static str>, String> {
        let mut told = self.0.iter().filter(|(name, _)| name.replace('_', "-") == IDENTITY);
        match (told.next(), told.next()) {
            (None, _) => Ok(None),
            (Some((_, subject)), None) => {
                let known = USERS.into_iter().find(|user| user == subject);
                known.map(Some).ok_or_else(|| format!("the upstream takes the caller for {subject}"))
            }
            (Some(_), Some(_)) => Err("the upstream is told twice who is calling".to_owned()),
        }
    }

    fn sees_session_cookies(&self) -> bool {
        self.0.iter().any(|(name, value)| name == "cookie" && value.contains("authjs.session-token"))
    }
}

fn values<'h>(headers: &'h [HeaderValueOption], name: &'h str) -> impl Iterator<Item = &'h str> {
    let headers = headers.iter().filter_map(|option| option.header.as_ref());
    headers.filter(move |header| header.key == name).map(|header| header.value.as_str())
}

fn metadata(answer: &CheckResponse, name: &str) -> String {
    let value = answer.dynamic_metadata.as_ref().and_then(|fields| fields.fields.get(name)?.kind.as_ref());
    match value {
        Some(Kind::StringValue(text)) => text.clone(),
        _ => String::new(),
    }
}
