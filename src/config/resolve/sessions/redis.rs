//! `kind: redis`.

use super::Written;
use super::better_auth;
use crate::config::error::Problems;
use crate::session::Provider;
use crate::session::redis::connection::RedisServer;
use crate::session::redis::{Layout, RedisStore};
use crate::session::stored::{Store, Stored};

pub(super) fn resolve(written: &Written<'_>, problems: &mut Problems) -> Option<Provider> {
    let options = written.stored_options(problems);
    let layout = if let Some(schema) = &written.raw.schema {
        problems.ok(&written.key("schema"), schema.parse())
    } else {
        problems.error(written.key("schema"), "is missing: write `upstash`, `unstorage` or `better-auth`");
        None
    };
    let server = written.redis_server(problems);
    let layout = layout?;
    if layout == Layout::BetterAuth {
        // Its cookie is signed: without the secret anybody could write one.
        return better_auth::resolve(written, problems);
    }
    if written.raw.secret.is_some() || written.raw.secret_file.is_some() {
        problems.error(
            written.key("secret"),
            "means nothing to this `schema`: its cookie holds the token as it is",
        );
    }
    let store = RedisStore::new(server?, layout, written.raw.prefix.clone().unwrap_or_default());
    Some(Provider::Stored(Stored::new(written.name, Store::Redis(store), options?)))
}

impl Written<'_> {
    /// The Redis at `url`.
    pub(super) fn redis_server(&self, problems: &mut Problems) -> Option<RedisServer> {
        let ca = match &self.raw.ca_file {
            Some(file) => Some(problems.read(&self.key("ca_file"), file)?.to_vec()),
            None => None,
        };
        let Some(url) = &self.raw.url else {
            problems
                .error(self.key("url"), "is missing: write the address of Redis, as in `redis://cache:6379`");
            return None;
        };
        let timeout = self.timeout(problems)?;
        problems.ok(&self.key("url"), RedisServer::new(url, ca, timeout))
    }
}
