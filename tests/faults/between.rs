//! What stands between the gate and a store, and makes the network, or the store, another one: slow, cut off, or a liar.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::harness::runtime::runtime;

/// Nothing that any store says.
const GARBAGE: &[u8] = b"<html>\0\xff\r\n";

/// What becomes of what the store says.
#[derive(Clone, Debug)]
pub enum Way {
    Pass,
    /// It comes later.
    Late(Duration),
    /// The connection ends in the middle of each answer.
    Cut,
    /// Bytes of nothing.
    Garbage,
    /// One text for another of the same length, as in a store that mixes up its rows.
    Swap(Vec<u8>, Vec<u8>),
    /// Each answer comes twice.
    Twice,
    /// Nobody answers any longer; connections stay open.
    Silent,
}

/// It ends with the run.
pub struct Between {
    pub port: u16,
    way: watch::Sender<Way>,
}

impl Between {
    pub fn start(store: u16) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let port = listener.local_addr().expect("an address").port();
        let (way, told) = watch::channel(Way::Pass);
        runtime().spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((gate, _)) = listener.accept().await {
                let Ok(store) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], store))).await else {
                    continue;
                };
                let ((gate_said, to_gate), (store_said, to_store)) = (gate.into_split(), store.into_split());
                tokio::spawn(pass(gate_said, to_store));
                tokio::spawn(lie(store_said, to_gate, told.clone()));
            }
        });
        Self { port, way }
    }

    /// What it does from now on, with open connections too.
    pub fn goes(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    drop(tokio::io::copy(&mut from, &mut to).await);
}

async fn lie(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: watch::Receiver<Way>) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let now = way.borrow_and_update().clone();
        if let Way::Late(pause) = now {
            // No longer than it is the way.
            let _ = tokio::time::timeout(pause, way.changed()).await;
        }
        if tell(&mut to, &piece[..length], &now).await.is_err() {
            return;
        }
    }
}

/// An error ends the connection.
async fn tell(to: &mut OwnedWriteHalf, said: &[u8], way: &Way) -> io::Result<()> {
    match way {
        Way::Pass | Way::Late(_) => to.write_all(said).await,
        Way::Cut => {
            to.write_all(&said[..said.len() / 2]).await?;
            to.shutdown().await?;
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Way::Garbage => to.write_all(&GARBAGE.repeat(said.len() / GARBAGE.len() + 1)).await,
        Way::Swap(from, other) => to.write_all(&swapped(said, from, other)).await,
        Way::Twice => {
            to.write_all(said).await?;
            to.write_all(said).await
        }
        Way::Silent => Ok(()),
    }
}

fn swapped(said: &[u8], from: &[u8], other: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), other.len(), "the frames around it stay right");
    let mut told = said.to_vec();
    let mut at = 0;
    while let Some(found) = told[at..].windows(from.len()).position(|window| window == from) {
        at += found;
        told[at..at + from.len()].copy_from_slice(other);
        at += from.len();
    }
    told
}
