//! A request of which it is known what the right answer is, and a connection on which such requests are sent.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::harness::upstream::MARK;

/// A GET request, and what is due to it.
#[derive(Clone, Debug)]
pub struct Question {
    /// What the right answer is called in a table.
    pub label: &'static str,
    /// Whether a store has to be asked first: it may be away.
    pub needs_store: bool,
    target: &'static str,
    headers: Vec<(&'static str, String)>,
    due: Due,
}

/// The right answer.
#[derive(Clone, Debug)]
pub enum Due {
    /// The service behind gets it, and is told this user, or nobody.
    Pass(Option<String>),
    Login,
    Unauthorized,
}

/// What an answer is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// Refused for the time being, with this status: 503 of the gate, or 502 of Envoy, which has no answer.
    Refused(u16),
    /// A session that is valid was taken for none.
    Denied,
    /// It is told what is wrong.
    Wrong(String),
}

impl Question {
    pub fn new(label: &'static str, target: &'static str, due: Due) -> Self {
        // Every client tries to name itself.
        let headers = vec![("host", "app.example.com".to_owned()), ("x-auth-user-id", "eve".to_owned())];
        Self { label, needs_store: false, target, headers, due }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn cookie(self, name: &str, token: &str) -> Self {
        self.header("cookie", &format!("{name}={token}"))
    }

    pub fn of_store(self) -> Self {
        Self { needs_store: true, ..self }
    }

    /// Whether a session is sent that is valid, or none is needed.
    pub fn passes(&self) -> bool {
        matches!(self.due, Due::Pass(_))
    }

    fn request(&self) -> Request<Empty<Bytes>> {
        let request = Request::get(self.target);
        let request =
            self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        request.body(Empty::new()).expect("a request")
    }

    async fn judge(&self, answer: Response<Incoming>) -> Verdict {
        let (head, body) = answer.into_parts();
        let Ok(body) = body.collect().await else { return Verdict::Wrong("half an answer".to_owned()) };
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        let (status, has) = (head.status.as_u16(), |name: &str| head.headers.contains_key(name));
        let is_sent_nowhere = !has("location") && !has("set-cookie");
        match (&self.due, status, has(MARK)) {
            (Due::Pass(user), 200, true) if tells(&body, user.as_deref()) => Verdict::Right,
            (Due::Login, 307, false) if leads_to_login(&head.headers) => Verdict::Right,
            (Due::Unauthorized, 401, false) => Verdict::Right,
            (_, 503, false) if has("retry-after") && is_sent_nowhere => Verdict::Refused(status),
            (_, 502, false) if is_sent_nowhere => Verdict::Refused(status),
            (Due::Pass(Some(_)), 401 | 307, false) => Verdict::Denied,
            (_, _, passed) => Verdict::Wrong(format!("{status}, passed: {passed}, told: {:?}", told(&body))),
        }
    }
}

/// Whether the service behind was told of this user, and of nobody else.
fn tells(body: &str, user: Option<&str>) -> bool {
    told(body) == Vec::from_iter(user)
}

/// The users of whom the service behind was told, by what it says that it got.
fn told(body: &str) -> Vec<&str> {
    let values = body.split("[\"x-auth-user-id\",\"").skip(1);
    values.map(|rest| rest.split('"').next().unwrap_or_default()).collect()
}

fn leads_to_login(headers: &HeaderMap) -> bool {
    let location = headers.get("location").and_then(|location| location.to_str().ok());
    location.is_some_and(|location| location.starts_with("/api/auth/signin?"))
}

/// A connection to Envoy, opened anew when it broke.
pub struct Caller {
    edge: SocketAddr,
    client: SendRequest<Empty<Bytes>>,
}

impl Caller {
    pub async fn connect(edge: SocketAddr) -> Self {
        Self { edge, client: connect(edge).await }
    }

    pub async fn ask(&mut self, question: &Question) -> Verdict {
        match self.client.send_request(question.request()).await {
            Ok(answer) => question.judge(answer).await,
            Err(error) => {
                self.client = connect(self.edge).await;
                Verdict::Wrong(format!("no answer: {error}"))
            }
        }
    }
}

async fn connect(edge: SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(edge).await.expect("Envoy listens");
    stream.set_nodelay(true).expect("an option");
    let (client, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    client
}
