//! `next`: the settings of next.config that change what a matcher means.

use crate::config::error::Problems;
use crate::config::raw::{RawDomain, RawI18n, RawNext};
use crate::rule::next::{Domain, I18n, NextConfig, NextConfigError};

pub(super) fn resolve(raw: RawNext, problems: &mut Problems) -> Option<NextConfig> {
    let i18n = match raw.i18n {
        Some(raw) => Some(i18n(raw, problems)?),
        None => None,
    };
    let base_path = raw.base_path.unwrap_or_default();
    NextConfig::new(base_path, i18n, raw.trailing_slash, raw.build_id)
        .map_err(|error| problems.error(key_of(&error), &error))
        .ok()
}

fn key_of(error: &NextConfigError) -> &'static str {
    match error {
        NextConfigError::BasePathSlashes(_) | NextConfigError::BasePathSyntax { .. } => "next.base_path",
        NextConfigError::NoLocales | NextConfigError::BadLocale(_) | NextConfigError::RepeatedLocale(_) => {
            "next.i18n.locales"
        }
        NextConfigError::UnknownLocale(_) => "next.i18n.default_locale",
        NextConfigError::BadDomain(_) => "next.i18n.domains",
        NextConfigError::BadBuildId(_) => "next.build_id",
    }
}

fn i18n(raw: RawI18n, problems: &mut Problems) -> Option<I18n> {
    let Some(default_locale) = raw.default_locale else {
        problems.error("next.i18n.default_locale", "is missing");
        return None;
    };
    let domains: Option<Vec<Domain>> =
        raw.domains.into_iter().enumerate().map(|(at, raw)| domain(at, raw, problems)).collect();
    Some(I18n { locales: raw.locales, default_locale, domains: domains? })
}

fn domain(at: usize, raw: RawDomain, problems: &mut Problems) -> Option<Domain> {
    let path = format!("next.i18n.domains[{at}]");
    match (raw.domain, raw.default_locale) {
        (Some(domain), Some(default_locale)) => Some(Domain { domain, default_locale, locales: raw.locales }),
        (None, _) => {
            problems.error(format!("{path}.domain"), "is missing");
            None
        }
        (_, None) => {
            problems.error(format!("{path}.default_locale"), "is missing");
            None
        }
    }
}
