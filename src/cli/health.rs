//! `sessiongate health`: whether the running server serves, for a container that holds nothing else to ask with.
//!
//! The gRPC listener is asked, as a proxy asks it: it alone knows of the end before it comes. Where it hears only those
//! with a client certificate, the admin listener is.

mod ask;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;

use self::ask::AskError;
use super::{ConfigArg, print};
use crate::config::{ConfigError, Handshake, Listeners, Reach};
use crate::server::listen::GrpcAddress;

#[derive(Debug, Args)]
pub(super) struct HealthArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// How long the answer may take
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum HealthError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(
        "`listen.grpc` asks for a client certificate, and there is no `listen.admin` that can be asked without one: \
         add `admin: 127.0.0.1:9193`"
    )]
    ClientCertificate,
    #[error("`{0}` leaves the port to the system, which nobody knows here: write the port")]
    Port(GrpcAddress),
    #[error("cannot ask: {0}")]
    Runtime(io::Error),
    #[error("{address}: {error}")]
    Ask { address: GrpcAddress, error: AskError },
    #[error("{address}: no answer within {}", humantime::format_duration(*.timeout))]
    Late { address: GrpcAddress, timeout: Duration },
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// Which listener is asked, and in what protocol.
#[derive(Debug)]
enum Question {
    Grpc(Reach),
    Http(Reach),
}

pub(super) fn run(args: &HealthArgs) -> Result<ExitCode, HealthError> {
    let question = choose(args.config.listeners()?)?;
    let address = question.reach().address.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = runtime.map_err(HealthError::Runtime)?.block_on(async {
        let asked = async {
            match &question {
                Question::Grpc(reach) => ask::grpc(reach).await,
                Question::Http(reach) => ask::http(reach).await,
            }
        };
        timeout(args.timeout, asked).await
    });
    match answer {
        Ok(Ok(())) => {
            print("serving\n")?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(Err(error)) => Err(HealthError::Ask { address, error }),
        Err(_) => Err(HealthError::Late { address, timeout: args.timeout }),
    }
}

fn choose(listeners: Listeners) -> Result<Question, HealthError> {
    let hears_us = |reach: &Reach| reach.handshake != Handshake::ClientCertificate;
    let question = if hears_us(&listeners.grpc) {
        Question::Grpc(reachable(listeners.grpc)?)
    } else {
        let admin = listeners.admin.filter(hears_us).ok_or(HealthError::ClientCertificate)?;
        Question::Http(reachable(admin)?)
    };
    Ok(question)
}

/// The same listener by an address of this machine: what listens everywhere listens on loopback too.
fn reachable(reach: Reach) -> Result<Reach, HealthError> {
    let GrpcAddress::Tcp(text) = &reach.address else { return Ok(reach) };
    if text.rsplit_once(':').is_some_and(|(_, port)| port.parse() == Ok(0_u16)) {
        return Err(HealthError::Port(reach.address));
    }
    let loopback = match text.parse::<SocketAddr>() {
        Ok(SocketAddr::V4(every)) if every.ip().is_unspecified() => format!("127.0.0.1:{}", every.port()),
        Ok(SocketAddr::V6(every)) if every.ip().is_unspecified() => format!("[::1]:{}", every.port()),
        _ => return Ok(reach),
    };
    Ok(Reach { address: GrpcAddress::Tcp(loopback), ..reach })
}

impl Question {
    fn reach(&self) -> &Reach {
        match self {
            Self::Grpc(reach) | Self::Http(reach) => reach,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HealthError, reachable};
    use crate::config::{Handshake, Reach};
    use crate::server::listen::GrpcAddress;

    #[test]
    fn what_listens_everywhere_is_asked_on_loopback() {
        for (listens, asked) in [
            ("0.0.0.0:9191", Some("127.0.0.1:9191")),
            ("[::]:9191", Some("[::1]:9191")),
            ("10.0.0.7:9191", Some("10.0.0.7:9191")),
            ("localhost:9191", Some("localhost:9191")),
            ("unix:/run/sessiongate.sock", Some("unix:/run/sessiongate.sock")),
            ("127.0.0.1:0", None),
            ("[::]:00", None),
        ] {
            let address = GrpcAddress::parse(listens).expect("an address");
            let found = reachable(Reach { address, handshake: Handshake::Nothing });
            match asked {
                Some(asked) => assert_eq!(found.expect("reachable").address.to_string(), asked),
                None => assert!(matches!(found, Err(HealthError::Port(_))), "{listens}"),
            }
        }
    }
}
