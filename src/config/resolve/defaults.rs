//! What Auth.js itself reads from the environment, and the defaults that follow from it.

use url::Url;

use crate::config::environment::Environment;
use crate::config::error::Problems;
use crate::rule::next::NextConfig;

/// Auth.js's variables, with the meaning that they have to Auth.js.
pub(super) struct AuthEnvironment {
    /// `AUTH_SECRET`, or else `AUTH_SECRET_3`, `_2` and `_1`, the first of which mints. Each with its variable.
    pub(super) secrets: Vec<(&'static str, String)>,
    /// The origin of `AUTH_URL`.
    pub(super) origin: Option<String>,
    /// The path of `AUTH_URL`, or `/api/auth`.
    base_path: String,
}

impl AuthEnvironment {
    pub(super) fn read(environment: &Environment, problems: &mut Problems) -> Self {
        let url = environment.first_of(&["AUTH_URL", "NEXTAUTH_URL"]);
        let url = url.and_then(|url| match Url::parse(url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
            _ => {
                problems.error("AUTH_URL", format!("`{url}` is not a URL such as `https://app.example.com`"));
                None
            }
        });
        let base_path = url.as_ref().map_or("", |url| url.path().trim_end_matches('/'));
        let base_path = if base_path.is_empty() { "/api/auth" } else { base_path };
        Self {
            secrets: secrets(environment),
            origin: url.as_ref().map(|url| url.origin().ascii_serialization()),
            base_path: base_path.to_owned(),
        }
    }
}

impl AuthEnvironment {
    /// Where Auth.js's own routes are within the application. NextAuth.js has Next.js's base path in its URL as well.
    pub(super) fn routes(&self, next: &NextConfig) -> &str {
        let within = self.base_path.strip_prefix(next.base_path());
        within.filter(|path| path.starts_with('/')).unwrap_or(&self.base_path)
    }
}

fn secrets(environment: &Environment) -> Vec<(&'static str, String)> {
    let set = |name: &&'static str| environment.get(name).map(|value| (*name, value.to_owned()));
    if let Some(secret) = ["AUTH_SECRET", "NEXTAUTH_SECRET"].iter().find_map(set) {
        return vec![secret];
    }
    ["AUTH_SECRET_3", "AUTH_SECRET_2", "AUTH_SECRET_1"].iter().filter_map(set).collect()
}
