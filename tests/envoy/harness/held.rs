//! An application's session endpoint that answers when the test says so.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use super::canned::answer;
use super::session::{EMAIL, USER_ID};

/// The endpoint, and who waits for its answer.
pub struct Held {
    pub address: SocketAddr,
    waiting: Receiver<TcpStream>,
}

impl Held {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (arrived, waiting) = channel();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let arrived = arrived.clone();
                std::thread::spawn(move || {
                    let mut request = Vec::new();
                    let mut piece = [0; 4096];
                    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                        match stream.read(&mut piece) {
                            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
                            _ => return,
                        }
                    }
                    let _ = arrived.send(stream);
                });
            }
        });
        Self { address, waiting }
    }

    /// Waits for the next one who asks.
    pub fn asked(&self) -> TcpStream {
        self.waiting.recv_timeout(std::time::Duration::from_secs(20)).expect("somebody asks")
    }

    /// The keys of a provider that asks here.
    pub fn provider(&self) -> String {
        let url = format!("http://{}/api/auth/session", self.address);
        format!("{{ kind: endpoint, url: \"{url}\", allow_http: true, timeout: 20s }}")
    }
}

/// Tells who asked that the user of these tests is signed in.
pub fn tell(mut asked: TcpStream) {
    let session =
        format!(r#"{{"user":{{"id":"{USER_ID}","email":"{EMAIL}"}},"expires":"2099-01-01T00:00:00.000Z"}}"#);
    asked.write_all(&answer("200 OK", "", &session)).expect("it listens");
}
