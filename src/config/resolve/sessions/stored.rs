//! What all kinds that look tokens up have in common: cookies, limits, memory, renewal.

use std::time::Duration;

use super::Written;
use crate::config::error::{Noted, Problems};
use crate::session::authjs::{MAX_TOKEN_BYTES, Version, is_cookie_name};
use crate::session::stored::{CacheOptions, StoredOptions};
use crate::session::{CacheLimits, Refresh};

/// What a token may be configured to be at most: the header section that Envoy accepts.
const LARGEST_TOKEN_BYTES: usize = 64 * 1024;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
const LONGEST_TIMEOUT: Duration = Duration::from_mins(1);

impl Written<'_> {
    /// All that a provider needs that looks tokens up, but its store.
    pub(super) fn stored_options(&self, problems: &mut Problems) -> Option<StoredOptions> {
        let cookies = self.cookies(&Version::V5.cookie_names(), problems);
        let max_token_bytes = self.max_token_bytes(problems);
        let cache = self.cache_options(problems);
        let refresh = self.refresh(problems);
        Some(StoredOptions {
            cookies: cookies?,
            bearer: self.raw.bearer,
            max_token_bytes,
            cache: cache?,
            refresh: refresh.ok()?,
        })
    }

    /// How long a request waits for another server.
    pub(super) fn timeout(&self, problems: &mut Problems) -> Option<Duration> {
        let timeout = self.raw.timeout.unwrap_or(DEFAULT_TIMEOUT);
        if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
            problems.error(self.key("timeout"), "must be more than nothing and at most 60 s");
            return None;
        }
        Some(timeout)
    }

    pub(super) fn cache_options(&self, problems: &mut Problems) -> Option<CacheOptions> {
        let raw = &self.raw;
        let found = raw.cache.unwrap_or(CacheLimits::DEFAULT.found);
        let unknown = raw.cache_unknown.unwrap_or(CacheLimits::DEFAULT.unknown.min(found));
        let entries = raw.cache_entries.unwrap_or(CacheLimits::DEFAULT.entries);
        for (key, lasts) in [("cache", found), ("cache_unknown", unknown)] {
            if lasts > CacheLimits::LONGEST {
                problems.error(self.key(key), "must be at most 1 h: until then an ended session would pass");
            }
        }
        if !(1..=CacheLimits::MOST_ENTRIES).contains(&entries) {
            problems.error(self.key("cache_entries"), format!("must be 1 to {}", CacheLimits::MOST_ENTRIES));
        }
        let max_age = raw.max_age.unwrap_or(Refresh::MAX_AGE);
        Some(CacheOptions { found, unknown, entries, timeout: self.timeout(problems)?, max_age })
    }

    /// The cookies as written, else these.
    pub(super) fn cookies(&self, default: &[&str], problems: &mut Problems) -> Option<Vec<String>> {
        let Some(cookie) = &self.raw.cookie else {
            return Some(default.iter().map(|name| (*name).to_owned()).collect());
        };
        let written = cookie.clone().with_paths(&self.key("cookie"));
        if written.is_empty() {
            problems.error(self.key("cookie"), "is empty: leave it out for the names of Auth.js");
        }
        let mut names = Vec::new();
        for (path, name) in written {
            if is_cookie_name(&name) {
                names.push(name);
            } else {
                problems.error(path, "is no cookie name (RFC 6265: letters, digits and !#$%&'*+-.^_`|~)");
            }
        }
        (!names.is_empty()).then_some(names)
    }

    pub(super) fn max_token_bytes(&self, problems: &mut Problems) -> usize {
        let max_token_bytes = self.raw.max_token_bytes.unwrap_or(MAX_TOKEN_BYTES);
        if !(1..=LARGEST_TOKEN_BYTES).contains(&max_token_bytes) {
            problems.error(self.key("max_token_bytes"), format!("must be 1 to {LARGEST_TOKEN_BYTES}"));
        }
        max_token_bytes
    }

    /// When sessions are renewed; `None`: never.
    pub(super) fn refresh(&self, problems: &mut Problems) -> Result<Option<Refresh>, Noted> {
        let raw = &self.raw;
        if !raw.refresh {
            return Ok(None);
        }
        let refresh = Refresh {
            update_age: raw.update_age.unwrap_or(Refresh::UPDATE_AGE),
            max_age: raw.max_age.unwrap_or(Refresh::MAX_AGE),
        };
        if refresh.update_age >= refresh.max_age {
            problems.error(
                self.key("update_age"),
                "must be shorter than `max_age`, or no session is ever renewed",
            );
            return Err(Noted);
        }
        Ok(Some(refresh))
    }
}
