//! An HTTP/1.1 client that sends what it is given, byte for byte, and one request a connection.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::upstream::MARK;

const LIMIT: Duration = Duration::from_secs(30);

/// A request. Neither its target nor its headers are touched on their way.
#[derive(Clone, Debug)]
pub struct Call {
    method: String,
    target: String,
    host: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Call {
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            host: "app.example.com".to_owned(),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A browser that goes to a page.
    pub fn page(target: &str) -> Self {
        Self::get(target)
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("sec-fetch-mode", "navigate")
    }

    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// The same request for another target.
    pub fn target(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A Cookie header of its own.
    pub fn cookie(self, value: &str) -> Self {
        self.header("cookie", value)
    }

    pub fn body(mut self, content_type: &str, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self.header("content-type", content_type)
    }

    /// Sends the request and reads the answer, up to its length or the end of the connection.
    pub fn send(&self, to: SocketAddr) -> Answer {
        let mut stream = self.open(to, "close");
        let mut bytes = Vec::new();
        let mut piece = [0; 16 * 1024];
        while !self.is_answered_by(&bytes) {
            match stream.read(&mut piece).unwrap_or_else(|error| panic!("{self:?}: {error}")) {
                0 => break,
                read => bytes.extend_from_slice(&piece[..read]),
            }
        }
        let answer = Answer::parse(&bytes).unwrap_or_else(|| panic!("{self:?}: no answer: {bytes:?}"));
        let is_whole = answer.header("content-length").is_none() || self.is_answered_by(&bytes);
        assert!(is_whole, "{self:?}: cut off: {answer:?}");
        answer
    }

    /// Whether nothing more is to come after these bytes.
    fn is_answered_by(&self, bytes: &[u8]) -> bool {
        Answer::parse(bytes).is_some_and(|answer| answer.is_whole(&self.method))
    }

    /// Asks for a WebSocket. Gives the answer and, where it is 101, the connection behind it.
    pub fn upgrade(self, to: SocketAddr) -> (Answer, TcpStream) {
        let call = self
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "c2Vzc2lvbmdhdGUgdGVzdA==")
            .header("sec-fetch-mode", "websocket");
        let mut stream = call.open(to, "upgrade");
        let mut bytes = Vec::new();
        let mut byte = [0];
        // Not one byte more than the head: what follows belongs to the connection.
        while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("an answer") == 1 {
            bytes.extend_from_slice(&byte);
        }
        (Answer::parse_head(&bytes).unwrap_or_else(|| panic!("{call:?}: no answer")), stream)
    }

    /// A connection on which the request is sent again and again.
    pub fn keep(&self, to: SocketAddr) -> Kept {
        Kept { call: self.clone(), stream: self.open(to, "keep-alive"), is_sent: true }
    }

    fn open(&self, to: SocketAddr, connection: &str) -> TcpStream {
        let text = self.written(connection);
        let mut stream = TcpStream::connect(to).unwrap_or_else(|error| panic!("{to}: {error}"));
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        // A server that refuses a request half-way closes its end; its answer is there to be read all the
        // same.
        let _ = stream.write_all(text.as_bytes());
        stream
    }

    fn written(&self, connection: &str) -> String {
        let Self { method, target, host, headers, body } = self;
        let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: {connection}\r\n");
        for (name, value) in headers {
            text.extend([name, ": ", value, "\r\n"]);
        }
        if !body.is_empty() {
            text.extend(["content-length: ", &body.len().to_string(), "\r\n"]);
        }
        text += "\r\n";
        text += body;
        text
    }
}

/// A connection that is kept, and the request that is sent on it.
pub struct Kept {
    call: Call,
    stream: TcpStream,
    is_sent: bool,
}

impl Kept {
    /// The status of the next answer, which has to say how long it is.
    pub fn ask(&mut self) -> u16 {
        if !std::mem::take(&mut self.is_sent) {
            self.stream.write_all(self.call.written("keep-alive").as_bytes()).expect("an open connection");
        }
        let mut bytes = Vec::new();
        let mut piece = [0; 16 * 1024];
        loop {
            let read = self.stream.read(&mut piece).expect("an answer");
            assert!(read > 0, "the connection ended: {}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&piece[..read]);
            if self.call.is_answered_by(&bytes) {
                return Answer::parse(&bytes).expect("an answer").status;
            }
        }
    }
}

/// What came back, from Envoy, from the gate through Envoy, or from the echo service.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// Whether a request of this method is answered, and nothing more is to come.
    pub fn is_whole(&self, method: &str) -> bool {
        let length = self.header("content-length");
        length.is_some_and(|length| method == "HEAD" || length == self.body.len().to_string())
    }

    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let mut answer = Self::parse_head(&bytes[..end])?;
        let body = &bytes[end..];
        // The answer to HEAD has the headers of a body and none.
        let is_chunked = !body.is_empty() && answer.header("transfer-encoding") == Some("chunked");
        let body = if is_chunked { Cow::from(joined(body)?) } else { Cow::from(body) };
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Some(answer)
    }

    fn parse_head(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let fields = lines.filter_map(|line| line.split_once(':'));
        let headers =
            fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        Some(Self { status, headers, body: String::new() })
    }

    /// The values of a header, line by line.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header that is there once, or not at all.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.values(name);
        assert!(values.len() <= 1, "{name} is there {} times", values.len());
        values.first().copied()
    }

    pub fn reached_upstream(&self) -> bool {
        self.header(MARK).is_some()
    }

    /// The request as the echo service got it.
    #[track_caller]
    pub fn upstream(&self) -> Seen {
        assert!(self.reached_upstream(), "the request did not pass: {self:?}");
        Seen::parse(&self.body)
    }
}

/// A body that was sent in chunks (RFC 9112, section 7.1), without trailers.
fn joined(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&chunks[..end]).ok()?, 16).ok()?;
        let data = &chunks[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(data.get(..size)?);
        chunks = data.get(size + 2..)?;
    }
}

/// A request as the echo service got it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// Names in lower case, as Envoy writes them; a header that came twice is there twice.
    pub headers: Vec<(String, String)>,
}

impl Seen {
    pub fn parse(body: &str) -> Self {
        let seen: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let lines = seen["headers"].as_array().expect("a list");
        Self {
            method: text(&seen["method"]),
            path: text(&seen["path"]),
            headers: lines.iter().map(|line| (text(&line[0]), text(&line[1]))).collect(),
        }
    }

    pub fn values(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}
