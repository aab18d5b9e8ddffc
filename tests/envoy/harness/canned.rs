//! A server over HTTP that says what it is told to say, to whoever asks.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// It ends with the run.
pub struct Canned {
    pub address: SocketAddr,
    said: Arc<Mutex<Vec<u8>>>,
    asked: Arc<AtomicUsize>,
}

impl Canned {
    pub fn start(answer: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (said, asked) = (Arc::new(Mutex::new(answer.to_vec())), Arc::new(AtomicUsize::new(0)));
        let (answer, count) = (Arc::clone(&said), Arc::clone(&asked));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (answer, count) = (Arc::clone(&answer), Arc::clone(&count));
                thread::spawn(move || {
                    count.fetch_add(1, Ordering::Relaxed);
                    let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    serve(connection, &answer);
                });
            }
        });
        Self { address, said, asked }
    }

    /// What it says from now on.
    pub fn say(&self, answer: &[u8]) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = answer.to_vec();
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// One answer a connection. One that is empty never comes: the connection stays open until the other side ends it.
fn serve(mut connection: TcpStream, answer: &[u8]) {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match connection.read(&mut buffer) {
            Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
            _ => return,
        }
    }
    if answer.is_empty() {
        let _ = connection.read(&mut buffer);
        return;
    }
    // The other side may have heard enough.
    let _ = connection.write_all(answer);
}

/// An answer with this status and body.
pub fn answer(status: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n{body}")
        .into_bytes()
}
