//! A build as a configuration, with words for whoever goes on from there. What is JSON is YAML too.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::build::{Build, BuiltConfig, BuiltMatcher};

/// How the regular expressions of Next.js 13 and 14 end: the dot is any character.
const LOOSE_DATA_SUFFIX: &str = r"(.json)?[\/#\?]?$";

pub(super) fn configuration(build: &Build) -> String {
    let kind = if build.is_nextauth { "nextauth" } else { "authjs" };
    let mut text = format!(
        "# From the build of Next.js in {}.\n\
         # What its middleware is asked about needs a session here. Where it lets others in, or asks for more, add a\n\
         # rule before `middleware`, or a `condition`.\n\
         sessions:\n  web: {{ kind: {kind}, secret: \"${{AUTH_SECRET}}\" }}\n",
        build.folder.display()
    );
    text += &next(&build.config);
    text += "rules:\n  \
             # Auth.js's own routes, or nobody could sign in. A sign-in page of your own needs a rule as well.\n  \
             - { name: auth, matcher: \"/api/auth/:path*\", access: public }\n  \
             - name: middleware\n    matcher:\n";
    for matcher in &build.matchers {
        for entry in entries(matcher) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "      - {entry}");
        }
    }
    text += "# What the middleware is not asked about, Next.js serves to everybody.\ndefault: { access: public }\n";
    text
}

fn next(config: &BuiltConfig) -> String {
    let mut lines = Vec::new();
    if !config.base_path.is_empty() {
        lines.push(format!("  base_path: {}\n", json!(config.base_path)));
    }
    if config.trailing_slash {
        lines.push("  trailing_slash: true\n".to_owned());
    }
    if let Some(i18n) = &config.i18n {
        let domains: Vec<Value> = i18n
            .domains
            .iter()
            .map(|domain| {
                let mut written = Map::new();
                written.insert("domain".to_owned(), json!(domain.domain));
                written.insert("default_locale".to_owned(), json!(domain.default_locale));
                if !domain.locales.is_empty() {
                    written.insert("locales".to_owned(), json!(domain.locales));
                }
                Value::Object(written)
            })
            .collect();
        lines.push(format!(
            "  i18n:\n    locales: {}\n    default_locale: {}\n",
            json!(i18n.locales),
            json!(i18n.default_locale)
        ));
        if !domains.is_empty() {
            lines.push(format!("    domains: {}\n", json!(domains)));
        }
    }
    if lines.is_empty() { String::new() } else { format!("next:\n{}", lines.concat()) }
}

fn entries(matcher: &BuiltMatcher) -> Vec<Value> {
    let source = &matcher.original_source;
    let mut entries = vec![entry(source, matcher)];
    if matcher.regexp.ends_with(LOOSE_DATA_SUFFIX) && source != "/" {
        entries.push(entry(&format!("{source}(.json)"), matcher));
    }
    entries
}

fn entry(source: &str, matcher: &BuiltMatcher) -> Value {
    let mut written = Map::new();
    written.insert("source".to_owned(), json!(source));
    if matcher.locale == Some(false) {
        written.insert("locale".to_owned(), json!(false));
    }
    for (name, items) in [("has", &matcher.has), ("missing", &matcher.missing)] {
        if !items.is_empty() {
            written.insert(name.to_owned(), json!(items));
        }
    }
    if written.len() == 1 { json!(source) } else { Value::Object(written) }
}
