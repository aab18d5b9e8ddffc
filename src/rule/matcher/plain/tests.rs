use proptest::prelude::*;

use crate::rule::matcher::ecma::{Pattern, Verdict};
use crate::rule::matcher::{Engine, Matcher};
use crate::rule::next::{I18n, NextConfig};

fn config(base_path: &str, has_locales: bool) -> NextConfig {
    let i18n = has_locales.then(|| I18n {
        locales: ["en", "fr"].map(String::from).to_vec(),
        default_locale: "en".to_owned(),
        domains: Vec::new(),
    });
    NextConfig::new(base_path.to_owned(), i18n, false, None).unwrap()
}

#[test]
fn what_is_decided_without_the_whole_regular_expression() {
    for (source, is_plain) in [
        ("/about", true),
        ("/:id", true),
        ("/:path+", true),
        ("/blog/:slug", true),
        ("/blog/:slug?", true),
        ("/blog/:path*", true),
        ("/a.b/c/:d", true),
        (r"/a\:b", true),
        ("/über/😀/:x*", true),
        ("/files/(.*)", true),
        ("/files/:path(.*)", true),
        ("/((?!api|_next/static|_next/image|favicon.ico).*)", true),
        (r"/((?!.*\..*|_next).*)", true),
        (r"/((?!_next|[^?]*\.(?:css|js(?!on)|png)).*)", true),
        // Nothing need follow the wrapping here.
        ("/", false),
        ("/:path*", false),
        ("/:path?", false),
        // Other shapes.
        ("/blog/:slug/edit", false),
        ("/files:rest+", false),
        ("/a/:x(\\d+)", false),
        ("/(.*)*", false),
        ("/a{/b}?", false),
        // The text would run on into what stands behind it.
        ("/a\\", false),
        // What these say depends on the text before.
        ("/((?!^a).*)", false),
        (r"/((?!\bx).*)", false),
        ("/((?!(?<=/)x).*)", false),
        (r"/((?!\1x).*)", false),
        ("/((?=a).*)", false),
        ("/((?!a).+)", false),
        ("/((?!a).*|b)", false),
        ("/(b|.*)", false),
    ] {
        for next in [config("", false), config("/docs", false), config("/docs", true)] {
            let Ok(matcher) = Matcher::compile(source, true, &next) else {
                assert!(!is_plain, "{source}");
                continue;
            };
            assert_eq!(matches!(matcher.engine, Engine::Plain(_)), is_plain, "{source}");
        }
    }
}

/// Where the regular expression has several ways to go, of which only a later one leads to a hit.
#[test]
fn the_one_way_that_is_tried_is_enough() {
    let (hit, miss) = (Verdict::Hit, Verdict::Miss);
    for (source, path, verdict) in [
        ("/a", "/a.segments/x.segment.rsc#", hit),
        ("/a", "/a.segments/.segment.rsc", miss),
        ("/a", "/a.segments/.segments/.segment.rsc", hit),
        ("/a", "/_next/data/x/a/", hit),
        ("/a", "/_next/data/x/y/a", miss),
        ("/:x", "/_next/data/x/a", hit),
        ("/:x", "/.json", hit),
        ("/:x", "/.segments/x.segment.rsc", miss),
        ("/:x", "/a.segments/b/?c.segment.rsc", hit),
        ("/a/:x*", "/a.segments/x.segment.rsc", hit),
        ("/a/:x*", "/a/b.segments/c.segments//.segment.rsc", hit),
        ("/a/:x*", "/a/b.segments/\n.segments//.segment.rsc", hit),
        ("/a/:x*", "/a/b.segments/c.segments/\n/.segment.rsc", hit),
        ("/a/:x*", "/a/b.segments/c.segments//\n.segment.rsc", miss),
        ("/a/:x+", "/a", miss),
        ("/a/:x+", "/a//", miss),
        ("/a/:x+", "/a/b//", miss),
        ("/((?!_next).*)", "/_next/data/x/a", hit),
        ("/((?!_next).*)", "/_next/data/x/_next", miss),
        ("/((?!a).*)", "/_next/data/x/a", hit),
        ("/((?!).*)", "/", miss),
    ] {
        let matcher = Matcher::compile(source, true, &NextConfig::default()).unwrap();
        let pattern = Pattern::compile(matcher.regexp()).unwrap();
        assert!(matches!(matcher.engine, Engine::Plain(_)), "{source}");
        assert_eq!(matcher.is_match(path), verdict, "{source} on {path:?}");
        assert_eq!(pattern.is_match(path), verdict, "{source} on {path:?}");
    }
}

/// A choice of texts that come together to something near what a source means.
fn pieces(choices: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(choices), 0..=most).prop_map(|pieces| pieces.concat())
}

#[rustfmt::skip]
const TEXT: &[&str] =
    &["/", "/a", "a", "b", ".", "-", "\\+", "/é", "😀", "\u{10D83D}", "/_next", "/en", ".json", "/docs"];
#[rustfmt::skip]
const LAST: &[&str] = &[
    "", "", "/:x", "/:x?", "/:x*", "/:x+", "/(.*)", "/:x(.*)", "/((?!a|b).*)", "/((?!_next/|en).*)",
    r"/((?!.*\..*|_next).*)", r"/((?!\ud83d).*)", "/((?!😀|.).*)", "/((?![^]*\u{10D83D}).*)", "/((?!..$).*)",
    "/((?!a(?!b)).*)", "/((?!(?:a|b)*$).*)", "/((?!).*)",
];
#[rustfmt::skip]
const BEFORE: &[&str] = &[
    "", "", "", "/en", "/e.n", "/😀", "/_next", "/_next/data", "/_next/data/x", "/_next/data/x/en",
    "/_next/data/x#/fr", "/_next/data/x/_next/en", "/_next/data//en", "/_next/data/😀.json",
];
#[rustfmt::skip]
const AFTER: &[&str] = &[
    "", "", "/", "/x", "/a", "a", "b", ".", "é", "😀", "\u{10D83D}", "/en", "//", "#", "?", "\n", "\u{2028}",
    "\u{2030}", ".json", ".rsc", ".segments", ".segments/", ".segment.rsc", ".segments/x.segment.rsc",
    ".segments/\n.segment.rsc",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn plain_sources_are_decided_as_their_regular_expressions_are(
        base_path in prop::sample::select(vec!["", "/docs"]),
        text in pieces(TEXT, 3),
        last in prop::sample::select(LAST),
        has_locales: bool,
        paths in prop::collection::vec(
            (prop::bool::weighted(0.9), prop::sample::select(BEFORE), prop::bool::weighted(0.9), pieces(AFTER, 4)), 12
        ),
    ) {
        let source = format!("/{text}{last}").replacen("//", "/", 1);
        let next = config(base_path, has_locales);
        let Ok(matcher) = Matcher::compile(&source, true, &next) else { return Ok(()) };
        if !matches!(matcher.engine, Engine::Plain(_)) {
            return Ok(());
        }
        let pattern = Pattern::compile(matcher.regexp()).unwrap();
        let unescaped = text.replace('\\', "");
        for (in_base_path, before, in_text, after) in paths {
            let base = if in_base_path { base_path } else { "" };
            let text = if in_text { format!("/{unescaped}").replacen("//", "/", 1) } else { String::new() };
            let path = format!("{base}{before}{text}{after}");
            let expected = pattern.is_match(&path);
            if expected != Verdict::Undecided {
                prop_assert_eq!(matcher.is_match(&path), expected, "{} on {:?}", source, path);
            }
        }
    }
}
