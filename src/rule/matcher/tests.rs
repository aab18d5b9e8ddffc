use proptest::prelude::*;

use super::*;
use crate::rule::next::I18n;

fn with_locales(base_path: &str) -> NextConfig {
    let locales = ["en", "fr"].map(String::from).to_vec();
    let i18n = I18n { locales, default_locale: "en".to_owned(), domains: Vec::new() };
    NextConfig::new(base_path.to_owned(), Some(i18n), false, None).unwrap()
}

#[test]
fn literal_prefixes_are_read_off() {
    for (source, prefix) in [
        ("/", ""),
        ("/about", "/about"),
        ("/dashboard/:path*", "/dashboard"),
        ("/blog/:slug/edit", "/blog/"),
        ("/files:rest+", "/files/"),
        ("/a{/b}?", "/a"),
        ("/a{/b}+/c", "/a/b"),
        (r"/a\:b", "/a:b"),
        ("/(en|fr)/x", "/"),
        ("/über/:x", "/über/"),
        ("/😀", "/😀"),
        ("/((?!api).*)", "/"),
        // In JavaScript the class hides the parenthesis, and the alternative is one of the whole.
        ("/a([(?])|(?:x[)])", ""),
    ] {
        for next in [NextConfig::default(), with_locales(""), with_locales("/docs")] {
            let matcher = Matcher::compile(source, true, &next).unwrap();
            assert_eq!(matcher.literal_prefix(), prefix, "{source}");
        }
    }
}

#[test]
fn no_matcher_is_every_path() {
    for path in ["/", "/_next/static/x.js", "/a\nb", ""] {
        assert_eq!(Matcher::everything().is_match(path), Verdict::Hit);
    }
}

#[test]
fn sources_are_refused_with_a_reason() {
    let long = format!("/{}", "a".repeat(4096));
    let nearly = format!("/{}", "a".repeat(4090));
    for (source, reason) in [
        ("admin", "source must start with /"),
        ("", "source must start with /"),
        (long.as_str(), "source has 4097 characters; at most 4096"),
        (nearly.as_str(), "once Next.js has wrapped it"),
        ("/(", "Unbalanced pattern at 1"),
        ("/()", "Missing pattern at 1"),
        ("/(a\\", "Unbalanced pattern at 1"),
        ("/{a\\", "Unexpected END at 5, expected CLOSE"),
        ("/😀*", "Unexpected MODIFIER at 3, expected END"),
        ("/:a(?=b)", "Pattern cannot start with \"?\" at 4"),
        ("/:a([z-a])", "Range out of order in character class"),
        ("/a\\", "as Next.js wraps it"),
        ("/((?:(?<a>x)|y)*\\k<a>)", "backreference to group 3"),
    ] {
        let refusal = Matcher::compile(source, true, &NextConfig::default()).map(|m| m.regexp).unwrap_err();
        assert!(refusal.to_string().contains(reason), "{source:.40}: {refusal}");
    }
}

fn pieces(choices: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(choices), 0..most).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// A hit always starts with the literal prefix once base path, data prefix and locale are gone.
    #[test]
    fn an_index_over_literal_prefixes_misses_nothing(
        source in pieces(&["/", "a", "b", "/:x", "/:y*", ":z+", "{/b}?", "{a}+", "(b)?", "/((?!a).*)", "-", ".", "([(?])|(?:b[)])"], 5),
        path in pieces(&["/", "a", "b", "-", "/en", "/fr", "/docs", "/_next/data/x", ".json", "?"], 7),
        localised: bool,
        base_path in prop::sample::select(vec!["", "/docs"]),
    ) {
        let next = if localised {
            with_locales(base_path)
        } else {
            NextConfig::new(base_path.to_owned(), None, false, None).unwrap()
        };
        for locale in [true, false] {
            let Ok(matcher) = Matcher::compile(&format!("/{source}"), locale, &next) else { continue };
            if matcher.is_match(&path) == Verdict::Hit {
                let keys = next.index_keys(&path);
                prop_assert!(
                    keys.iter().any(|key| key.starts_with(matcher.literal_prefix())),
                    "{} of {} in none of {keys:?}", matcher.literal_prefix(), matcher.regexp
                );
            }
        }
    }

    #[test]
    fn no_source_makes_it_panic(source in ".{0,40}", path in ".{0,20}") {
        if let Ok(matcher) = Matcher::compile(&format!("/{source}"), true, &NextConfig::default()) {
            let _ = matcher.is_match(&path);
        }
    }
}
