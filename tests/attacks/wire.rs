//! Requests as bytes: nothing is corrected on their way, and what cannot be written with honest means is written too.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::corpus::Shape;
use crate::harness::http1::Answer;

const LIMIT: Duration = Duration::from_secs(30);
/// The first of the types that the PROXY protocol leaves to its users.
const CUSTOM_TLV: u8 = 0xE0;

/// Sends a request on a connection of its own. `None` where the connection ends without an answer.
pub fn send(shape: &Shape, to: SocketAddr) -> Option<Answer> {
    let mut stream = TcpStream::connect(to).unwrap_or_else(|error| panic!("{to}: {error}"));
    stream.set_read_timeout(Some(LIMIT)).expect("a limit");
    // A server that refuses half-way closes its end; its answer is there to be read all the same.
    let _ = stream.write_all(&written(shape));
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        let whole = Answer::parse(&bytes).filter(|answer| answer.is_whole(&shape.method));
        if whole.is_some() {
            return whole;
        }
        match stream.read(&mut piece) {
            Ok(0) => return Answer::parse(&bytes),
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return Answer::parse(&bytes);
            }
            Err(error) => panic!("{shape:?}: {error}"),
        }
    }
}

fn written(shape: &Shape) -> Vec<u8> {
    let Shape { method, path, host, headers, tlv } = shape;
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
    let is_connection = |line: &String| line.to_ascii_lowercase().starts_with("connection:");
    if !headers.iter().any(is_connection) {
        text += "connection: close\r\n";
    }
    for line in headers {
        text += line;
        text += "\r\n";
    }
    text += "\r\n";
    let mut bytes = tlv.as_ref().map(|tlv| proxy_header(&one_byte_each(tlv))).unwrap_or_default();
    bytes.extend(one_byte_each(&text));
    bytes
}

/// A character of a case is a byte on the wire, so that bytes that are no UTF-8 can be written: `\xFF`.
fn one_byte_each(text: &str) -> Vec<u8> {
    let byte = |c: char| u8::try_from(u32::from(c)).unwrap_or_else(|_| panic!("{c:?} is more than a byte"));
    text.chars().map(byte).collect()
}

/// The header of the PROXY protocol, version 2, for a TCP connection over IPv4, with one TLV.
fn proxy_header(value: &[u8]) -> Vec<u8> {
    let addresses = [127, 0, 0, 1, 127, 0, 0, 1, 0xC0, 0x00, 0x01, 0xBB];
    let length = |length: usize| u16::try_from(length).expect("a short value").to_be_bytes();
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11".to_vec();
    header.extend(length(addresses.len() + 3 + value.len()));
    header.extend(addresses);
    header.push(CUSTOM_TLV);
    header.extend(length(value.len()));
    header.extend(value);
    header
}
