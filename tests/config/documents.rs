//! What is documented and shipped is what is read.

use sessiongate::config::Settings;

use crate::{SECRET, load_with, told};

/// The configuration that README.md explains.
fn documented() -> &'static str {
    let readme = include_str!("../../README.md");
    let section = readme.split_once("\n## Configuration\n").expect("the section").1;
    section.split_once("```yaml config\n").expect("its YAML").1.split_once("```").expect("its end").0
}

fn names(settings: &Settings) -> Vec<&str> {
    settings.program.gate.sessions.iter().map(|(name, _)| &**name).collect()
}

#[test]
fn the_configuration_in_the_readme_is_read() {
    let settings = match load_with(documented(), [("AUTH_SECRET", SECRET)]) {
        Ok(settings) => settings,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(names(&settings), ["web", "machine", "stored"]);
    assert_eq!(settings.listen.grpc.address.to_string(), "0.0.0.0:9191");
    assert_eq!(settings.listen.drain_timeout.as_secs(), 10);
    assert_eq!(
        settings.program.gate.rules.terms().last().unwrap().login.path(),
        Some("/docs/api/auth/signin")
    );
}

#[test]
fn the_configuration_in_the_readme_lets_people_sign_in() {
    let settings = load_with(documented(), [("AUTH_SECRET", SECRET)]).unwrap();
    let warned: Vec<&str> = settings.warnings.iter().map(|warning| warning.path.as_str()).collect();
    // What is explained there has no key file, which a reader would not have.
    assert_eq!(warned, ["identity.assertion.key_file"]);
}

#[test]
fn the_documentation_names_every_key() {
    let schema = serde_json::to_value(schemars::schema_for!(sessiongate::config::raw::RawConfig)).unwrap();
    let mut keys = Vec::new();
    for definition in schema["$defs"].as_object().unwrap().values().chain([&schema]) {
        keys.extend(definition["properties"].as_object().into_iter().flat_map(|members| members.keys()));
    }
    assert!(keys.len() > 30, "{keys:?}");
    let pages = [
        include_str!("../../README.md"),
        include_str!("../../docs/providers/README.md"),
        include_str!("../../docs/providers/better-auth.md"),
        include_str!("../../docs/providers/database.md"),
        include_str!("../../docs/providers/endpoint.md"),
        include_str!("../../docs/providers/jwt.md"),
        include_str!("../../docs/providers/redis.md"),
        include_str!("../../docs/assertions.md"),
        include_str!("../../docs/conditions.md"),
        include_str!("../../docs/routes.md"),
        include_str!("../../docs/forward-auth.md"),
        include_str!("../../docs/observability.md"),
        include_str!("../../docs/operations.md"),
        include_str!("../../docs/testing.md"),
        include_str!("../../docs/refresh.md"),
        include_str!("../../docs/revocation.md"),
    ];
    let names = |page: &str, key: &str| page.match_indices(key).any(|(at, _)| is_word(page, at, key.len()));
    let is_named = |key: &&&String| pages.iter().any(|page| names(page, key));
    // Domains are for the few with one application on several hosts, `locale` is Next.js's own.
    let is_for_few = |key: &&&String| ["domains", "domain", "locale"].contains(&key.as_str());
    let missing: Vec<_> = keys.iter().filter(|key| !is_named(key) && !is_for_few(key)).collect();
    assert!(missing.is_empty(), "no page names {missing:?}");
}

fn is_word(text: &str, at: usize, length: usize) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    let bytes = text.as_bytes();
    is_edge(at.checked_sub(1).and_then(|before| bytes.get(before))) && is_edge(bytes.get(at + length))
}

#[test]
fn the_shipped_configuration_is_read_without_a_warning() {
    let yaml = include_str!("../../deploy/sessiongate.yaml");
    let settings = match load_with(yaml, [("AUTH_SECRET", SECRET), ("AUTH_URL", "https://app.example.com")]) {
        Ok(settings) => settings,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(names(&settings), ["web"]);
    assert_eq!(settings.warnings, []);
    let message = told(load_with(yaml, []));
    for place in [
        "sessions.web.secret: the environment variable `AUTH_SECRET`",
        "login.origin: the environment variable `AUTH_URL`",
    ] {
        assert!(message.contains(place), "{message}");
    }
}
