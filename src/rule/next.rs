//! What Next.js makes of a path before it asks a matcher: base path, locales, and the forms of a page.

mod forms;

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};
use thiserror::Error;

use self::forms::Form;
use crate::request::path::{RequestPath, decode_uri_component};

/// The parts of `next.config` that bear on matchers. The default is an application that sets none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextConfig {
    base_path: String,
    i18n: Option<I18n>,
    trailing_slash: bool,
    build_id: Option<String>,
}

/// The locales of the Pages Router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct I18n {
    pub locales: Vec<String>,
    pub default_locale: String,
    pub domains: Vec<Domain>,
}

/// A host with a default locale of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    pub domain: String,
    pub default_locale: String,
    pub locales: Vec<String>,
}

/// Why a Next.js configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NextConfigError {
    #[error("base_path `{0}` must start with / and not end with it; leave it out for the root")]
    BasePathSlashes(String),
    #[error("base_path `{path}` contains `{character}`, which has a meaning in matchers")]
    BasePathSyntax { path: String, character: char },
    #[error("i18n.locales must name at least one locale")]
    NoLocales,
    #[error("`{0}` is no locale: it must be one segment of a path")]
    BadLocale(String),
    #[error("the locale `{0}` is named twice")]
    RepeatedLocale(String),
    #[error("the default locale `{0}` is not one of i18n.locales")]
    UnknownLocale(String),
    #[error("the domain `{0}` must be a host name without scheme and path")]
    BadDomain(String),
    #[error("build_id `{0}` must be one segment of a path")]
    BadBuildId(String),
}

/// What a matcher is asked: usually one text, the path itself.
pub type Asked<'a> = SmallVec<[Cow<'a, str>; 2]>;

impl NextConfig {
    /// Checks and takes the configuration. The base path is empty or like `/docs`.
    ///
    /// # Errors
    /// The first value that Next.js would refuse, or that would make a matcher ambiguous.
    pub fn new(
        base_path: String,
        i18n: Option<I18n>,
        trailing_slash: bool,
        build_id: Option<String>,
    ) -> Result<Self, NextConfigError> {
        check_base_path(&base_path)?;
        i18n.as_ref().map_or(Ok(()), check_i18n)?;
        if let Some(id) = build_id.as_ref().filter(|id| !is_segment(id)) {
            return Err(NextConfigError::BadBuildId(id.clone()));
        }
        Ok(Self { base_path, i18n, trailing_slash, build_id })
    }

    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    #[must_use]
    pub fn i18n(&self) -> Option<&I18n> {
        self.i18n.as_ref()
    }

    /// All that a matcher is to be asked for one reading of a path. The decision is the strictest of the
    /// answers: a page can be asked for in several forms, and not every server tells them apart as Next.js does.
    #[must_use]
    pub fn asked<'a>(&self, reading: &'a str, host: &str) -> Asked<'a> {
        if self.i18n.is_none() && !forms::may_be_form(reading) {
            return smallvec![Cow::Borrowed(reading)];
        }
        let (base, path) = self.split_base_path(reading);
        let mut asked = Asked::new();
        for Form { path, is_data_page } in forms::of(path, self.build_id.as_deref()) {
            let localised = self.localised(path, host);
            let is_changed = matches!(localised, Cow::Owned(_));
            let mut form = rebased(base, localised);
            if is_data_page || (is_changed && reading.ends_with('/')) {
                form = self.with_trailing_slash(form);
            }
            // Next.js decodes after it has put the locale in front, so an encoded locale is one segment more.
            let decoded = if is_changed { decode_uri_component(&form).map(Cow::into_owned) } else { None };
            push(&mut asked, form);
            if let Some(decoded) = decoded {
                push(&mut asked, Cow::Owned(decoded));
            }
        }
        asked
    }

    /// Exactly what Next.js asks first. Its second question is the same text after [`decode_uri_component`].
    #[must_use]
    pub fn asked_by_next<'p>(&self, path: &'p RequestPath<'_>, host: &str) -> Cow<'p, str> {
        let (pathname, _) = path.next_forms();
        // Next.js redirects such a path to its cleaner spelling before it does anything else.
        if path.as_sent().contains('\\') || path.as_sent().contains("//") {
            return Cow::Borrowed(pathname);
        }
        let (base, page) = self.split_base_path(pathname);
        let data_page = self.build_id.as_deref().and_then(|id| forms::data_page_of_build(page, id));
        if let Some(page) = data_page {
            return self.with_trailing_slash(rebased(base, self.localised(page, host)));
        }
        match self.localised(Cow::Borrowed(page), host) {
            Cow::Borrowed(_) => Cow::Borrowed(pathname),
            localised @ Cow::Owned(_) => {
                let localised = rebased(base, localised);
                if pathname.ends_with('/') { self.with_trailing_slash(localised) } else { localised }
            }
        }
    }

    /// The texts of which one starts with [`super::matcher::Matcher::literal_prefix`], for every matcher that
    /// hits what is asked: without base path, with and without the data prefix, with and without a locale.
    #[must_use]
    pub fn index_keys<'a>(&self, asked: &'a str) -> SmallVec<[&'a str; 4]> {
        // A path outside the base path is hit only by what has no prefix.
        let Some(path) = strip_start(asked, &self.base_path) else { return smallvec![""] };
        let mut keys: SmallVec<[&str; 4]> = smallvec![path];
        if let Some(page) = path.strip_prefix("/_next/data/").and_then(after_segment) {
            keys.push(page);
        }
        if self.i18n.is_some() {
            for at in 0..keys.len() {
                let page = keys.get(at).and_then(|key| after_segment(key.strip_prefix('/')?));
                keys.extend(page);
            }
        }
        keys
    }

    fn split_base_path<'a>(&self, path: &'a str) -> (&'a str, &'a str) {
        match strip_start(path, &self.base_path) {
            Some("") => (path, "/"),
            Some(rest) if rest.starts_with('/') => path.split_at(self.base_path.len()),
            _ => ("", path),
        }
    }

    /// The path with the default locale of the host in front, unless it has a locale or is internal.
    fn localised<'a>(&self, path: Cow<'a, str>, host: &str) -> Cow<'a, str> {
        let Some(i18n) = self.i18n.as_ref().filter(|_| !path.starts_with("/_next/")) else { return path };
        let segment = path.split('/').nth(1).unwrap_or_default().to_lowercase();
        if i18n.locales.iter().any(|locale| locale.to_lowercase() == segment) {
            return path;
        }
        let locale = i18n.default_for(host);
        Cow::Owned(if path == "/" { format!("/{locale}") } else { format!("/{locale}{path}") })
    }

    fn with_trailing_slash<'a>(&self, path: Cow<'a, str>) -> Cow<'a, str> {
        if self.trailing_slash && !path.ends_with('/') { Cow::Owned(path.into_owned() + "/") } else { path }
    }
}

impl I18n {
    fn default_for(&self, host: &str) -> &str {
        let name = host_name(host);
        let domain = self.domains.iter().find(|domain| host_name(&domain.domain) == name);
        domain.map_or(&self.default_locale, |domain| &domain.default_locale)
    }
}

/// A host as Next.js compares it: in lower case, up to the first colon (so `[::1]` is `[`).
pub(super) fn host_name(host: &str) -> String {
    host.split(':').next().unwrap_or_default().to_lowercase()
}

fn rebased<'a>(base: &str, path: Cow<'a, str>) -> Cow<'a, str> {
    match (base, path.as_ref()) {
        ("", _) => path,
        (base, "/") => Cow::Owned(base.to_owned()),
        (base, path) => Cow::Owned(format!("{base}/{}", path.trim_start_matches('/'))),
    }
}

fn push<'a>(asked: &mut Asked<'a>, form: Cow<'a, str>) {
    if !asked.contains(&form) {
        asked.push(form);
    }
}

/// `str::strip_prefix`, quick where the prefix is empty: to compare with the address of an empty `String` takes
/// some processors 50 ns, since nothing is mapped there.
pub(super) fn strip_start<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    if prefix.is_empty() { Some(text) } else { text.strip_prefix(prefix) }
}

/// What follows the first segment of a path without its leading slash; `None` without a segment.
fn after_segment(path: &str) -> Option<&str> {
    match path.find('/') {
        Some(0) => None,
        Some(end) => path.get(end..),
        None => (!path.is_empty()).then_some(""),
    }
}

fn check_base_path(path: &str) -> Result<(), NextConfigError> {
    if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/')) {
        return Err(NextConfigError::BasePathSlashes(path.to_owned()));
    }
    match path.chars().find(|c| r"(){}:*+?\#".contains(*c)) {
        Some(character) => Err(NextConfigError::BasePathSyntax { path: path.to_owned(), character }),
        None => Ok(()),
    }
}

fn check_i18n(i18n: &I18n) -> Result<(), NextConfigError> {
    if i18n.locales.is_empty() {
        return Err(NextConfigError::NoLocales);
    }
    for (index, locale) in i18n.locales.iter().enumerate() {
        if !is_segment(locale) {
            return Err(NextConfigError::BadLocale(locale.clone()));
        }
        if i18n.locales.iter().take(index).any(|other| other.to_lowercase() == locale.to_lowercase()) {
            return Err(NextConfigError::RepeatedLocale(locale.clone()));
        }
    }
    if !i18n.locales.contains(&i18n.default_locale) {
        return Err(NextConfigError::UnknownLocale(i18n.default_locale.clone()));
    }
    for Domain { domain, default_locale, .. } in &i18n.domains {
        if !is_segment(domain) {
            return Err(NextConfigError::BadDomain(domain.clone()));
        }
        if !is_segment(default_locale) {
            return Err(NextConfigError::BadLocale(default_locale.clone()));
        }
    }
    Ok(())
}

fn is_segment(text: &str) -> bool {
    !text.is_empty() && !text.contains(['/', '?', '#', '\\'])
}

#[cfg(test)]
mod tests;
