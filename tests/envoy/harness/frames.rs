//! HTTP/2 frames as no client in its right mind sends them (RFC 9113).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const CONTINUATION: u8 = 9;
pub const DATA: u8 = 0;

pub const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection on which anything can be said.
pub struct Frames(TcpStream);

impl Frames {
    /// Connects and says the preface. `window` is what the gate may send on a stream.
    pub fn open(address: &str, window: u32) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_write_timeout(Some(Duration::from_secs(5))).expect("a limit");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let mut frames = Self(stream);
        let settings = [&[0, 4], &window.to_be_bytes()[..]].concat();
        frames.0.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &settings)].concat()).expect("it listens");
        frames
    }

    /// False once the gate no longer listens.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// Whether the gate ends the connection while nothing of it is read but its end.
    pub fn is_ended(&mut self) -> bool {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            match self.0.read(&mut bytes) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
            }
        }
    }
}

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a check, without any compression.
pub fn check_headers() -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/envoy.service.auth.v3.Authorization/Check"),
        (":authority", "gate"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let mut block = Vec::new();
    for (name, value) in fields {
        // A literal field that is not indexed (RFC 7541, section 6.2.2); all lengths are below 127.
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).expect("a short text"));
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}
