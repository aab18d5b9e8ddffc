//! The parameters of a matcher, as path-to-regexp's `match` gives them to a Next.js route.

use std::collections::BTreeSet;

use super::ecma::Pattern;
use super::error::MatcherError;
use super::parts::{Name, Parameter, Part};
use super::source::Source;
use super::{ecma, regexp};
use crate::request::path::decode_uri_component;
use crate::rule::next::NextConfig;

/// Reads the parameters of one source out of the paths that it matches.
#[derive(Debug)]
pub struct Parameters {
    pattern: Pattern,
    named: Vec<Named>,
}

#[derive(Debug)]
struct Named {
    name: Box<str>,
    group: usize,
    /// What stands between the parts of a repeated parameter.
    separator: Option<Box<str>>,
}

/// What a path has for a parameter, percent-decoded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterValue {
    /// One without `*` and `+`.
    Text(String),
    /// The parts of a repeated one.
    List(Vec<String>),
}

impl Parameters {
    /// # Errors
    /// Those of [`super::Matcher::compile`], which has compiled the same source.
    pub fn compile(source: &str, locale: bool, next: &NextConfig) -> Result<Self, MatcherError> {
        let (parts, own) = Source::new(source)?.parts(locale && next.i18n().is_some(), next)?;
        let (_, syntax) = regexp::compile(&parts)?;
        let mut group = 1;
        let mut named = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let Part::Parameter(parameter) = part else { continue };
            if own.contains(&at) {
                named.extend(Named::of(parameter, group));
            }
            group += groups_of(parameter)?;
        }
        let groups: BTreeSet<usize> = named.iter().map(|named| named.group).collect();
        Ok(Self { pattern: Pattern::capturing(syntax, &groups)?, named })
    }

    /// The names, and whether each is repeated.
    pub fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        self.named.iter().map(|named| (&*named.name, named.separator.is_some()))
    }

    /// What the path has for each parameter; one that is optional and not there is left out, and none is there where
    /// the path is no match.
    pub fn read(&self, asked: &str) -> Vec<(&str, ParameterValue)> {
        let groups: Vec<usize> = self.named.iter().map(|named| named.group).collect();
        let found = self.pattern.captures(asked, &groups).unwrap_or_default();
        let values = self.named.iter().zip(found);
        values.filter_map(|(named, text)| Some((&*named.name, named.value(&text?)))).collect()
    }
}

impl Named {
    fn of(parameter: &Parameter, group: usize) -> Option<Self> {
        let name = match &parameter.name {
            Name::None => return None,
            name @ (Name::Given(_) | Name::Counted(_)) => name.to_string().into(),
        };
        let is_repeated = matches!(parameter.modifier, Some('*' | '+'));
        // A repeated parameter without a prefix was given one, see `regexp`.
        let bare = parameter.prefix.is_empty() && parameter.suffix.is_empty();
        let between = if bare { "/".to_owned() } else { format!("{}{}", parameter.prefix, parameter.suffix) };
        Some(Self { name, group, separator: is_repeated.then(|| between.into()) })
    }

    fn value(&self, text: &str) -> ParameterValue {
        match &self.separator {
            None => ParameterValue::Text(decoded(text)),
            Some(_) if text.is_empty() => ParameterValue::List(Vec::new()),
            Some(separator) => ParameterValue::List(text.split(&**separator).map(decoded).collect()),
        }
    }
}

/// As it stands where it cannot be decoded.
fn decoded(text: &str) -> String {
    decode_uri_component(text).map_or_else(|| text.to_owned(), Into::into)
}

/// How many groups a parameter takes: its own, and those within its pattern.
fn groups_of(parameter: &Parameter) -> Result<usize, MatcherError> {
    if parameter.pattern.is_empty() {
        return Ok(0);
    }
    let syntax = ecma::parse(&parameter.pattern)
        .map_err(|reason| super::SyntaxError::InvalidRegexp { regexp: parameter.pattern.clone(), reason })?;
    Ok(1 + syntax.groups())
}

#[cfg(test)]
mod tests {
    use super::ParameterValue::{self, List, Text};
    use super::{NextConfig, Parameters};
    use crate::rule::next::I18n;

    fn text(value: &str) -> ParameterValue {
        Text(value.to_owned())
    }

    fn list(values: &[&str]) -> ParameterValue {
        List(values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn a_path_has_the_parameters_that_path_to_regexp_finds() {
        for (source, path, expected) in [
            (
                "/teams/:team/:path*",
                "/teams/red/a/b",
                vec![("team", text("red")), ("path", list(&["a", "b"]))],
            ),
            ("/teams/:team/:path*", "/teams/red", vec![("team", text("red"))]),
            (
                "/teams/:team/:path*",
                "/teams/caf%C3%A9/%2F",
                vec![("team", text("café")), ("path", list(&["/"]))],
            ),
            ("/teams/:team", "/_next/data/b1/teams/red.json", vec![("team", text("red"))]),
            ("/teams/:team", "/teams/red.rsc", vec![("team", text("red"))]),
            ("/teams/:team", "/teams/%zz", vec![("team", text("%zz"))]),
            ("/teams/:team", "/teams/😀", vec![("team", text("😀"))]),
            ("/a/:n(\\d+)", "/a/17", vec![("n", text("17"))]),
            ("/a/:n(\\d+)", "/a/x", vec![]),
            ("/:a-:b", "/x-y", vec![("a", text("x")), ("b", text("y"))]),
            ("/files/(.*)", "/files/a/b", vec![("0", text("a/b"))]),
            ("/((?!api).*)", "/docs/a", vec![("0", text("docs/a"))]),
            ("/:lang(en|fr)?/about", "/about", vec![]),
            ("/:lang(en|fr)?/about", "/fr/about", vec![("lang", text("fr"))]),
        ] {
            let next = NextConfig::default();
            let parameters = Parameters::compile(source, true, &next).unwrap();
            assert_eq!(parameters.read(path), expected, "{source} {path}");
        }
    }

    #[test]
    fn a_locale_in_front_is_no_parameter() {
        let i18n =
            I18n { locales: vec!["en".to_owned()], default_locale: "en".to_owned(), domains: Vec::new() };
        let next = NextConfig::new("/docs".to_owned(), Some(i18n), false, None).unwrap();
        let parameters = Parameters::compile("/teams/:team", true, &next).unwrap();
        assert_eq!(parameters.read("/docs/en/teams/red"), [("team", text("red"))]);
        assert_eq!(parameters.names().collect::<Vec<_>>(), [("team", false)]);
    }
}
