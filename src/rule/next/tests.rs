use super::*;

fn i18n() -> I18n {
    I18n {
        locales: ["en", "fr", "de-AT"].map(String::from).to_vec(),
        default_locale: "en".to_owned(),
        domains: vec![Domain {
            domain: "example.fr".to_owned(),
            default_locale: "fr".to_owned(),
            locales: Vec::new(),
        }],
    }
}

fn config(base_path: &str, i18n: Option<I18n>, build_id: Option<&str>) -> NextConfig {
    NextConfig::new(base_path.to_owned(), i18n, false, build_id.map(str::to_owned)).unwrap()
}

#[test]
fn every_form_of_a_page_is_asked_for_as_that_page() {
    let plain = config("", None, None);
    let built = config("", None, Some("B"));
    let docs = config("/docs", None, None);
    let locales = config("", Some(i18n()), None);
    for (next, reading, asked) in [
        (&plain, "/p", vec!["/p"]),
        (&plain, "/p.json", vec!["/p.json"]),
        (&plain, "/_next/data/X/p.json", vec!["/_next/data/X/p.json", "/p"]),
        (&plain, "/_next/data/X/index.json", vec!["/_next/data/X/index.json", "/"]),
        (&plain, "/_next/data/X/index/index.json", vec!["/_next/data/X/index/index.json", "/index"]),
        (&plain, "/_next/data/X/index/[id].json", vec!["/_next/data/X/index/[id].json", "/index/[id]"]),
        (&plain, "/_next/data//p.json", vec!["/_next/data//p.json"]),
        (&plain, "/_next/static/x.js", vec!["/_next/static/x.js"]),
        (&plain, "/p.rsc", vec!["/p.rsc", "/p"]),
        (&plain, "/p.prefetch.rsc", vec!["/p.prefetch.rsc", "/p"]),
        (&plain, "/index.rsc", vec!["/index.rsc", "/"]),
        (
            &plain,
            "/p.segments/a/_tree.segment.rsc",
            vec!["/p.segments/a/_tree.segment.rsc", "/p.segments/a/_tree.segment", "/p"],
        ),
        (&built, "/_next/data/B/p.json", vec!["/p"]),
        (&built, "/_next/data/X/p.json", vec!["/_next/data/X/p.json", "/p"]),
        (&docs, "/docs", vec!["/docs"]),
        (&docs, "/docs/_next/data/X/p.json", vec!["/docs/_next/data/X/p.json", "/docs/p"]),
        (&docs, "/docs/index.rsc", vec!["/docs/index.rsc", "/docs"]),
        (&docs, "/docs.rsc", vec!["/docs.rsc", "/docs"]),
        (&locales, "/about", vec!["/en/about"]),
        (&locales, "/FR/about", vec!["/FR/about"]),
        (&locales, "/_next/data/X/fr/p.json", vec!["/_next/data/X/fr/p.json", "/fr/p"]),
        (&locales, "/_next/data/X/p.json", vec!["/_next/data/X/p.json", "/en/p"]),
        (&locales, "/%66r/about", vec!["/en/%66r/about", "/en/fr/about"]),
        (&locales, "/p.rsc", vec!["/en/p.rsc", "/en/p"]),
    ] {
        assert_eq!(next.asked(reading, "localhost").as_slice(), asked, "{reading}");
    }
}

#[test]
fn the_host_chooses_the_default_locale() {
    let next = config("/docs", Some(i18n()), None);
    for (host, asked) in [
        ("example.fr", "/docs/fr/p"),
        ("EXAMPLE.fr:3000", "/docs/fr/p"),
        ("example.com", "/docs/en/p"),
        ("", "/docs/en/p"),
    ] {
        assert_eq!(next.asked("/docs/p", host).as_slice(), [asked], "{host}");
    }
}

#[test]
fn index_keys_leave_out_what_stands_before_a_source() {
    let docs = config("/docs", Some(i18n()), None);
    for (next, asked, keys) in [
        (&config("", None, None), "/a/b", vec!["/a/b"]),
        (&config("", None, None), "/_next/data/x/a", vec!["/_next/data/x/a", "/a"]),
        (&config("", None, None), "/_next/data/x", vec!["/_next/data/x", ""]),
        (&docs, "/docs/en/a", vec!["/en/a", "/a"]),
        (&docs, "/docs/_next/data/x/en/a", vec!["/_next/data/x/en/a", "/en/a", "/data/x/en/a", "/a"]),
        (&docs, "/docs", vec![""]),
        (&docs, "/other", vec![""]),
    ] {
        assert_eq!(next.index_keys(asked).as_slice(), keys, "{asked}");
    }
}

/// Makes a valid configuration an invalid one.
type Spoiling = fn(&mut I18n);

#[test]
fn mistakes_are_told() {
    for (base_path, reason) in
        [("docs", "must start with /"), ("/docs/", "not end with it"), ("/", "not end"), ("/:a", "`:`")]
    {
        let error = NextConfig::new(base_path.to_owned(), None, false, None).unwrap_err().to_string();
        assert!(error.contains(reason), "{base_path}: {error}");
    }
    let wrong: [(Spoiling, &str); 5] = [
        (|i18n| i18n.locales.clear(), "at least one locale"),
        (|i18n| i18n.locales.push("EN".to_owned()), "named twice"),
        (|i18n| i18n.locales.push("a/b".to_owned()), "is no locale"),
        (|i18n| i18n.default_locale = "it".to_owned(), "not one of"),
        (|i18n| i18n.domains[0].domain = "https://x".to_owned(), "without scheme"),
    ];
    for (spoil, reason) in wrong {
        let mut i18n = i18n();
        spoil(&mut i18n);
        let error = NextConfig::new(String::new(), Some(i18n), false, None).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(NextConfig::new(String::new(), None, false, Some("a/b".to_owned())).is_err());
}
