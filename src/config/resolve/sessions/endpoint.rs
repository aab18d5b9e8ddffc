//! `kind: endpoint`.

use super::Written;
use crate::config::error::Problems;
use crate::session::Provider;
use crate::session::endpoint::{Endpoint, EndpointOptions};
use crate::session::stored::{Store, Stored};

pub(super) fn resolve(written: &Written<'_>, problems: &mut Problems) -> Option<Provider> {
    let options = written.stored_options(problems);
    let Some(url) = &written.raw.url else {
        let message = "is missing: write the application's, as in `http://127.0.0.1:3000/api/auth/session`";
        problems.error(written.key("url"), message);
        return None;
    };
    let (allow_http, timeout) = (written.raw.allow_http, written.timeout(problems)?);
    let endpoint = Endpoint::new(EndpointOptions { url, allow_http, timeout });
    let endpoint = problems.ok(&written.key("url"), endpoint)?;
    Some(Provider::Stored(Stored::new(written.name, Store::Endpoint(endpoint), options?)))
}
