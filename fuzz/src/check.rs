//! Envoy's door, from the bytes of a `CheckRequest` to those of its `CheckResponse`.

use std::sync::LazyLock;
use std::time::Duration;

use prost::Message as _;
use sessiongate::envoy::codec::Asked;
use sessiongate::envoy::service::AuthorizationService;
use sessiongate::envoy::{CheckRequest, CheckResponse};

use crate::world::{self, TOKENS};
use crate::{answer, written::Written};

static SERVICE: LazyLock<AuthorizationService> = LazyLock::new(|| AuthorizationService::new(world::doors()));

/// Nothing in a test takes that long.
const PATIENCE: Duration = Duration::from_hours(1);

/// After a zero byte the message itself, else a request as text.
pub fn run(data: &[u8]) {
    let asked = match data.split_first() {
        Some((0, message)) => {
            let read = CheckRequest::decode(message);
            assert_eq!(read.is_ok(), Asked::from(message.to_vec()).read().is_ok(), "two readers disagree");
            match read {
                Ok(message) => with_tokens(message),
                Err(_) => return,
            }
        }
        _ => Written::parse(data).to_message(),
    };
    let message = Asked::from(asked.encode_to_vec());
    let message = message.read().expect("what prost writes, the door reads");
    let answer = world::runtime().block_on(SERVICE.answer(&message, world::now(), PATIENCE, None));
    let answer = CheckResponse::decode(answer.bytes()).expect("what the door writes, prost reads");
    answer::examine(&asked, &answer);
}

/// The message with real tokens where they are asked for.
fn with_tokens(mut message: CheckRequest) -> CheckRequest {
    let attributes = message.attributes.as_mut();
    let Some(http) = attributes.and_then(|a| a.request.as_mut()).and_then(|r| r.http.as_mut()) else {
        return message;
    };
    for value in http.headers.values_mut() {
        *value = TOKENS.put_into(value);
    }
    for header in http.header_map.iter_mut().flat_map(|map| &mut map.headers) {
        header.value = TOKENS.put_into(&header.value);
        if let Ok(text) = str::from_utf8(&header.raw_value) {
            header.raw_value = TOKENS.put_into(text).into_bytes();
        }
    }
    message
}
