//! `kind: authjs` and `kind: nextauth`.

use super::Written;
use crate::config::error::Problems;
use crate::session::Provider;
use crate::session::authjs::{AuthJs, AuthJsError, AuthJsOptions, Version};

pub(super) fn resolve(version: Version, written: &Written<'_>, problems: &mut Problems) -> Option<Provider> {
    let raw = &written.raw;
    let max_token_bytes = written.max_token_bytes(problems);
    let refresh = written.refresh(problems);
    let cookies = written.cookies(&[], problems);
    let secrets = written.secrets(problems);
    let options = AuthJsOptions {
        version,
        secrets: secrets?,
        cookies: cookies?,
        salt: None,
        bearer: raw.bearer,
        // The age at which a session is refused and the age that a renewed one reaches are one and the same.
        max_age: raw.max_age,
        max_token_bytes,
        refresh: refresh.ok()?,
    };
    match AuthJs::new(options) {
        Ok(provider) => Some(Provider::AuthJs(provider)),
        Err(error) => {
            let key = match error {
                AuthJsError::CookieName => "cookie",
                AuthJsError::NoSecret | AuthJsError::Keys => "secret",
            };
            problems.error(written.key(key), error);
            None
        }
    }
}
