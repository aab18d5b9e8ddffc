//! `kind: better-auth`, and `kind: redis` with its schema.

use super::Written;
use super::database::BETTER_AUTH;
use crate::config::error::Problems;
use crate::config::raw::CookieCache;
use crate::session::Provider;
use crate::session::better_auth::{BetterAuth, BetterAuthError, BetterAuthOptions, Strategy};
use crate::session::redis::{Layout, RedisStore};
use crate::session::stored::Store;

pub(super) fn resolve(written: &Written<'_>, problems: &mut Problems) -> Option<Provider> {
    let raw = &written.raw;
    let secrets = written.secrets(problems);
    let cache = written.cache_options(problems);
    let max_token_bytes = written.max_token_bytes(problems);
    let store = match &raw.url {
        Some(_) => Some((store(written, problems)?, cache?)),
        None => None,
    };
    let options = BetterAuthOptions {
        secrets: secrets?,
        cookie_prefix: raw.cookie_prefix.clone().unwrap_or_else(|| "better-auth".to_owned()),
        cookie_cache: raw.cookie_cache.map(|strategy| match strategy {
            CookieCache::Compact => Strategy::Compact,
            CookieCache::Jwt => Strategy::Jwt,
            CookieCache::Jwe => Strategy::Jwe,
        }),
        version: raw.cookie_cache_version.clone().unwrap_or_else(|| "1".to_owned()),
        max_token_bytes,
        store,
    };
    match BetterAuth::new(written.name, options) {
        Ok(provider) => Some(Provider::BetterAuth(provider)),
        Err(error) => {
            let path = match error {
                BetterAuthError::NoSource => written.path.clone(),
                BetterAuthError::CookiePrefix => written.key("cookie_prefix"),
                BetterAuthError::Keys(_) => written.key("secret"),
            };
            problems.error(path, error);
            None
        }
    }
}

fn store(written: &Written<'_>, problems: &mut Problems) -> Option<Store> {
    if written.is_database() {
        return written.database(BETTER_AUTH, problems).map(Store::Database);
    }
    let prefix = written.raw.prefix.clone().unwrap_or_default();
    let server = written.redis_server(problems)?;
    Some(Store::Redis(RedisStore::new(server, Layout::BetterAuth, prefix)))
}
