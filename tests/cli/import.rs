//! `import`: the builds of the real Next.js 13 to 16 as configurations that decide the same.
//! `tests/fixtures/next-app/build.sh` makes the builds.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sessiongate::rule::matcher::Matcher;
use sessiongate::rule::next::{Domain, I18n, NextConfig};

use crate::{Desk, SECRET};

const BUILDS: [&str; 9] = [
    "next-13/built/plain",
    "next-13/built/rich",
    "next-14/built/plain",
    "next-14/built/rich",
    "next-15/built/plain",
    "next-15/built/rich",
    "next-16/built/plain",
    "next-16/built/rich",
    "next-16/built/edge",
];

fn build(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    assert!(folder.exists(), "{} is not there: run `make tools`", folder.display());
    folder
}

fn import(name: &str) -> String {
    Desk::new().run(&[], &["import", &build(name).display().to_string()]).expect_success()
}

fn rich() -> NextConfig {
    let i18n = I18n {
        locales: vec!["en".to_owned(), "fr".to_owned()],
        default_locale: "en".to_owned(),
        domains: vec![Domain {
            domain: "example.fr".to_owned(),
            default_locale: "fr".to_owned(),
            locales: Vec::new(),
        }],
    };
    NextConfig::new("/docs".to_owned(), Some(i18n), true, None).unwrap()
}

/// The matchers as the build has them, from whichever manifest.
fn built_matchers(folder: &Path) -> Vec<Value> {
    let read = |name: &str| -> Option<Value> {
        serde_json::from_str(&fs::read_to_string(folder.join(".next/server").join(name)).ok()?).ok()
    };
    let functions = read("functions-config-manifest.json").unwrap_or_default();
    let edge = read("middleware-manifest.json").unwrap_or_default();
    let found = functions["functions"]["/_middleware"]["matchers"].as_array();
    found.or(edge["middleware"]["/"]["matchers"].as_array()).expect("matchers").clone()
}

#[test]
fn each_matcher_becomes_the_regular_expression_of_the_build() {
    for name in BUILDS {
        let next = if name.ends_with("rich") { rich() } else { NextConfig::default() };
        let yaml = import(name);
        let matchers = built_matchers(&build(name));
        assert_eq!(matchers.len(), 5, "{name}");
        for matcher in matchers {
            let source = matcher["originalSource"].as_str().unwrap();
            let compiled = Matcher::compile(source, matcher["locale"] != false, &next).unwrap();
            let built = matcher["regexp"].as_str().unwrap();
            if name < "next-15" {
                // Older versions know fewer forms of a page, with a dot that is any character.
                let newer = compiled.regexp();
                let head = built.split(r"(.json)?[\/#\?]?$").next().unwrap();
                assert!(newer.starts_with(head) || source == "/", "{name} {source}: {newer} {built}");
                let loose = format!("{}", serde_json::json!(format!("{source}(.json)")));
                assert!(source == "/" || yaml.contains(&loose), "{name}: {yaml}");
            } else {
                assert_eq!(compiled.regexp(), built, "{name} {source}");
            }
            assert!(yaml.contains(&serde_json::json!(source).to_string()), "{name} {source}: {yaml}");
        }
    }
}

#[test]
fn an_imported_configuration_decides_as_the_application_does() {
    let plain = [
        ("/", &[][..], 401),
        ("/dashboard", &[], 401),
        ("/dashboard/a/b.rsc", &[], 401),
        ("/about", &[], 401),
        ("/apis", &[], 200),
        ("/api/orders", &[], 200),
        ("/_next/static/a.js", &[], 200),
        ("/favicon.ico", &[], 200),
        ("/teams/red", &[], 200),
        ("/x/admin", &[], 401),
        ("/teams/red?q=1", &["x-team: red", "host: example.com", "cookie: beta=1"], 401),
        ("/teams/red?q=2", &["x-team: red", "host: example.com", "cookie: beta=1"], 200),
        (
            "/teams/red?q=1",
            &["x-team: red", "host: example.com", "cookie: beta=1", "next-router-prefetch: 1"],
            200,
        ),
    ];
    let rich = [
        ("/docs", &[][..], 401),
        ("/docs/", &[], 401),
        ("/docs/dashboard", &[], 401),
        ("/docs/fr/dashboard/a", &[], 401),
        ("/docs/teams/red", &[], 200),
        ("/docs/en/admin", &[], 401),
        ("/elsewhere", &[], 200),
    ];
    for name in BUILDS {
        let desk = Desk::with_config(&import(name));
        let cases = if name.ends_with("rich") { &rich[..] } else { &plain[..] };
        for (path, headers, status) in cases {
            let mut arguments = vec!["check", "--json"];
            for header in *headers {
                arguments.extend(["--header", *header]);
            }
            arguments.extend(["GET", path]);
            let told = desk.run(&[("AUTH_SECRET", SECRET)], &arguments).json();
            assert_eq!(told["status"], *status, "{name} {path} {headers:?}: {told:#}");
        }
        desk.run(&[("AUTH_SECRET", SECRET)], &["validate"]).expect_success();
    }
}

#[test]
fn what_is_no_build_is_told_so_and_nothing_of_it_is_run() {
    let desk = Desk::new();
    let told = |desk: &Desk| desk.run(&[], &["import", "."]).expect_failure();
    assert!(told(&desk).contains("holds no build of Next.js: run `next build`"));
    fs::create_dir_all(desk.path(".next/server")).unwrap();
    desk.write("next.config.js", "require('fs').writeFileSync('ran', '')");
    desk.write(".next/required-server-files.json", r#"{"config": {"basePath": "", "i18n": null}}"#);
    assert!(told(&desk).contains("has no middleware"));
    desk.write(".next/server/middleware-manifest.json", "{");
    assert!(told(&desk).contains("middleware-manifest.json: EOF"));
    let manifest = |source: &str| {
        format!(
            r#"{{"middleware": {{"/": {{"matchers": [{{"regexp": "", "originalSource": "{source}"}}]}}}}}}"#
        )
    };
    desk.write(".next/server/middleware-manifest.json", &manifest("no-slash"));
    assert!(told(&desk).contains("the matcher `no-slash` cannot be used here: source must start with /"));
    desk.write(".next/server/middleware-manifest.json", &manifest("/:path*"));
    desk.write("package.json", r#"{"dependencies": {"next-auth": "^4.24.14"}}"#);
    let yaml = desk.run(&[], &["import", "."]).expect_success();
    assert!(yaml.contains("kind: nextauth") && yaml.contains("- \"/:path*\""), "{yaml}");
    assert!(!desk.path("ran").exists());
    // The folder of the build itself, wherever `distDir` puts it.
    assert!(desk.run(&[], &["import", ".next"]).expect_success().contains("- \"/:path*\""));
}
