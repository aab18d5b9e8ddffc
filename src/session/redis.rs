//! Sessions in Redis, as the adapters of Auth.js and the secondary storage of Better Auth keep them.

mod address;
pub mod connection;
mod layout;

use redis::{Script, cmd};
use serde_json::Value;

pub use self::address::AddressError;
use self::connection::RedisServer;
pub use self::layout::{Layout, UnknownLayout};
use super::moment::{iso, moment};
use super::record::text_of;
use super::stored::{Record, Sought};
use super::{Claims, Outage};

/// The longest value that is read, in bytes; a session has a few hundred.
const MAX_VALUE_BYTES: usize = 256 * 1024;
/// The longest token that is looked up, in bytes.
const MAX_TOKEN_BYTES: usize = 1024;

/// Replaces a value that is still what it was, and lets it last as long as the new expiry where it had an end.
const REPLACE: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end \
local ends = redis.call('PTTL', KEYS[1]) > 0 \
redis.call('SET', KEYS[1], ARGV[2]) \
if ends then redis.call('PEXPIREAT', KEYS[1], ARGV[3]) end \
return 1";

/// The sessions of one Redis. It connects when the first session is looked up.
#[derive(Debug)]
pub struct RedisStore {
    server: RedisServer,
    layout: Layout,
    /// What stands before each key.
    prefix: String,
}

impl RedisStore {
    #[must_use]
    pub fn new(server: RedisServer, layout: Layout, prefix: String) -> Self {
        Self { server, layout, prefix }
    }

    pub(in crate::session) async fn fetch(&self, sought: &Sought) -> Result<Option<Record>, Outage> {
        let token = &*sought.token;
        if !self.is_plausible(token) {
            return Ok(None);
        }
        let Some((_, stored)) = self.object(&self.layout.session_key(&self.prefix, token)).await? else {
            return Ok(None);
        };
        let Some((session, user)) = self.layout.take_apart(stored) else { return Ok(None) };
        if !self.layout.is_of_token(&session, token) {
            return Ok(None);
        }
        let Some(expires) = session.get(self.layout.expires()).and_then(moment) else {
            tracing::warn!("a session in Redis does not say when it ends");
            return Err(Outage::Failed);
        };
        let user = match user {
            Some(user) => Some(user),
            None => self.owner(&session).await?,
        };
        Ok(user.map(|user| Record { session, user, expires }))
    }

    /// Gives a session a new expiry, unless somebody else changed it; times are in seconds since 1970.
    pub(in crate::session) async fn renew(
        &self,
        token: &str,
        was: f64,
        expires: f64,
    ) -> Result<bool, Outage> {
        if !self.layout.is_renewable() || !self.is_plausible(token) {
            return Ok(false);
        }
        let key = self.layout.session_key(&self.prefix, token);
        let Some((text, mut session)) = self.object(&key).await? else { return Ok(false) };
        let (Some(known), Some(new)) = (session.get(self.layout.expires()).and_then(moment), iso(expires))
        else {
            return Ok(false);
        };
        if !self.layout.is_of_token(&session, token) || known > was + 0.001 {
            return Ok(false);
        }
        session.insert(self.layout.expires().to_owned(), Value::String(new));
        let written = serde_json::to_string(&session).map_err(|_| Outage::Failed)?;
        let script = Script::new(REPLACE);
        let mut call = script.key(key);
        call.arg(text).arg(written).arg((expires * 1000.0).round().to_string());
        self.server.run::<i64>(&call).await.map(|replaced| replaced == 1)
    }

    /// The user whose session it is, whom the adapters keep apart.
    async fn owner(&self, session: &Claims) -> Result<Option<Claims>, Outage> {
        let Some(id) = session.get("userId").and_then(text_of) else { return Ok(None) };
        let Some(bytes) = self.bytes(&format!("{}user:{id}", self.prefix)).await? else { return Ok(None) };
        let user: Option<Claims> = serde_json::from_slice(&bytes).ok();
        if user.as_ref().is_some_and(|user| user.get("id").and_then(text_of).as_ref() == Some(&id)) {
            return Ok(user);
        }
        // What is no user, or another one, may be the answer to another question, and so may be the next one.
        tracing::warn!(
            "Redis told something else than the user of a session, and its connection is given up"
        );
        self.server.give_up_connection().await;
        Err(Outage::Failed)
    }

    /// The JSON object at a key, and how it is written.
    async fn object(&self, key: &str) -> Result<Option<(String, Claims)>, Outage> {
        let Some(bytes) = self.bytes(key).await? else { return Ok(None) };
        let Ok(text) = String::from_utf8(bytes) else { return Ok(None) };
        Ok(serde_json::from_str(&text).ok().map(|object| (text, object)))
    }

    async fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, Outage> {
        let bytes = self.server.query::<Option<Vec<u8>>>(cmd("GET").arg(key)).await?;
        if let Some(bytes) = bytes.as_ref().filter(|bytes| bytes.len() > MAX_VALUE_BYTES) {
            tracing::warn!(bytes = bytes.len(), "a value in Redis is too long to be a session");
            return Err(Outage::Failed);
        }
        Ok(bytes)
    }

    fn is_plausible(&self, token: &str) -> bool {
        (1..=MAX_TOKEN_BYTES).contains(&token.len())
            && !token.chars().any(char::is_control)
            && self.layout.can_be_key(token)
    }
}
