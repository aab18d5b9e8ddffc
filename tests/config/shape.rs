//! Files of the wrong shape: the exact path of the key, and the words that matter.

use sessiongate::config::{ConfigError, Environment};

use crate::{ConfigFile, SECRET, SESSIONS, assert_one, assert_one_of, problems, provider};

#[test]
fn unknown_keys_are_mistakes_at_every_level() {
    for (yaml, path) in [
        ("lisen: {}", "lisen"),
        ("Listen: {}", "Listen"),
        ("listen: { port: 9191 }", "listen.port"),
        ("login: { callback: url }", "login.callback"),
        ("rules: [{ match: /a }]", "rules[0].match"),
        ("rules: [{}, { matcher: [/a, { source: /a, regexp: x }] }]", "rules[1].matcher[1].regexp"),
        (
            "rules: [{ matcher: [{ source: /a, has: [{ type: query, key: q, values: x }] }] }]",
            "rules[0].matcher[0].has[0].values",
        ),
        ("default: { matcher: /a }", "default.matcher"),
        ("next: { basePath: /docs }", "next.basePath"),
        ("next: { i18n: { locales: [en], default_locale: en, locale: en } }", "next.i18n.locale"),
        (
            "next: { i18n: { locales: [a], default_locale: a, domains: [{ domain: b, default_locale: a, x: 1 }] } }",
            "next.i18n.domains[0].x",
        ),
        ("identity: { header: x-user }", "identity.header"),
        ("telemetry: { level: info }", "telemetry.level"),
        ("listen: { admin: { address: '127.0.0.1:1', mod: 1 } }", "listen.admin.mod"),
        ("listen: { limits: { streams: 1 } }", "listen.limits.streams"),
        ("forward_auth: { proxies: [] }", "forward_auth.proxies"),
        ("telemetry: { otlp: { endpoint: 'http://c:1', url: x } }", "telemetry.otlp.url"),
        ("telemetry: { decisions: { to: stdout, file: d.log } }", "telemetry.decisions.file"),
        ("telemetry: { redact: { host: omit } }", "telemetry.redact.host"),
    ] {
        let key = path.rsplit('.').next().unwrap();
        assert_one(yaml, path, &format!("unknown field `{key}`"));
    }
    assert_one_of(&provider("keys: 1"), "sessions.web.keys", "unknown field `keys`");
}

#[test]
fn a_key_of_another_kind_of_provider_is_a_mistake() {
    for (kind, key) in [
        ("authjs", "issuer: 'https://issuer.test'"),
        ("authjs", "url: 'postgres://db'"),
        ("nextauth", "cache: 10s"),
        ("jwt", "refresh: true"),
        ("database", "secret: 0123456789abcdef0123456789abcdef"),
        ("redis", "query: 'select 1'"),
        ("endpoint", "connections: 3"),
        ("better-auth", "issuer: 'https://issuer.test'"),
    ] {
        let name = key.split(':').next().unwrap();
        let found = problems(&format!("sessions: {{ web: {{ kind: {kind}, {key} }} }}"));
        let words = format!("means nothing to `kind: {kind}`");
        let path = format!("sessions.web.{name}");
        assert!(found.iter().any(|p| p.path == path && p.message == words), "{kind} {key}: {found:?}");
    }
}

#[test]
fn a_value_of_another_type_is_a_mistake() {
    for (yaml, path, words) in [
        ("listen: 0.0.0.0:9191", "listen", "invalid type"),
        ("listen: { drain_timeout: 10 }", "listen.drain_timeout", "expected a duration"),
        ("listen: { drain_timeout: soon }", "listen.drain_timeout", "expected a duration"),
        ("login: { trusted_hosts: app.example.com }", "login.trusted_hosts", "expected a sequence"),
        ("rules: { name: a }", "rules", "expected a sequence"),
        ("rules: [/a]", "rules[0]", "invalid type"),
        ("rules: [{ matcher: { source: /a } }]", "rules[0].matcher", "an object stands in a list"),
        ("rules: [{ matcher: [{ missing: [] }] }]", "rules[0].matcher[0]", "source"),
        ("rules: [{ matcher: [7] }]", "rules[0].matcher[0]", "invalid type"),
        (
            "rules: [{ matcher: [{ source: /a, locale: true }] }]",
            "rules[0].matcher[0].locale",
            "only `false`",
        ),
        ("rules: [{ hosts: { a: b } }]", "rules[0].hosts", "a string or a list of strings"),
        ("rules: [{ access: everybody }]", "rules[0].access", "everybody"),
        ("rules: [{ on_deny: forbid }]", "rules[0].on_deny", "`redirect`"),
        ("rules: [{ on_deny: { body: no } }]", "rules[0].on_deny", "`status`"),
        ("default: public", "default", "invalid type"),
        ("next: { trailing_slash: perhaps }", "next.trailing_slash", "expected a boolean"),
        ("identity: { headers: [sub] }", "identity.headers", "expected a map"),
        ("identity: { headers: { x-user: [sub] } }", "identity.headers.x-user", "expected a path"),
        ("identity: { dynamic_metadata: 7 }", "identity.dynamic_metadata", "expected a path"),
        ("identity: { strip_cookie: perhaps }", "identity.strip_cookie", "expected a boolean"),
        ("telemetry: { format: xml }", "telemetry.format", "xml"),
    ] {
        assert_one(yaml, path, words);
    }
    for (keys, path, words) in [
        ("bearer: perhaps", "sessions.web.bearer", "expected a boolean"),
        ("max_age: 30", "sessions.web.max_age", "expected a duration"),
        ("max_token_bytes: many", "sessions.web.max_token_bytes", "expected an integer"),
        ("max_token_bytes: -1", "sessions.web.max_token_bytes", "unsigned"),
    ] {
        assert_one_of(&provider(keys), path, words);
    }
    assert_one_of(
        "sessions: { web: { kind: authjs, secret: 1234567890123456 } }",
        "sessions.web.secret",
        "type",
    );
    let list = format!("sessions: {{ web: {{ kind: authjs, secret: [{SECRET}, [{SECRET}]] }} }}");
    assert_one_of(&list, "sessions.web.secret", "type");
}

#[test]
fn what_is_wrong_is_told_with_what_would_be_right() {
    for (yaml, words) in [
        (format!("sessions: {{ web: {{ kind: saml, secret: {SECRET} }} }}"), "`nextauth`"),
        (format!("{SESSIONS}rules: [{{ access: everybody }}]"), "`optional`"),
        (format!("{SESSIONS}telemetry: {{ format: xml }}"), "`text`"),
        (
            format!("{SESSIONS}rules: [{{ matcher: [{{ source: /a, has: [{{ type: path, key: a }}] }}] }}]"),
            "`query`",
        ),
        (format!("{SESSIONS}rules: [{{ on_deny: {{ status: 401, bodies: x }} }}]"), "bodies"),
        (format!("{SESSIONS}rules: [{{ matcher: [{{ has: [] }}] }}]"), "`source`"),
        (format!("{SESSIONS}listen: 0.0.0.0:9191"), "map"),
        (format!("{SESSIONS}rules: [/a]"), "map"),
    ] {
        for problem in problems(&yaml) {
            let message = &problem.message;
            assert!(message.contains(words), "{words}: {problem}");
            // The names of our own types help nobody who writes YAML.
            assert!(!message.contains("Raw") && !message.contains("constructor"), "{problem}");
        }
    }
}

#[test]
fn what_is_no_yaml_is_unreadable_and_says_where() {
    for (yaml, words) in [
        ("rules: [", "line 2"),
        ("login: { url: /a }\nlogin: { url: /b }", "duplicated key"),
        ("{}\n---\n{}\n", "2 YAML documents"),
        ("just text", "expected a map"),
    ] {
        let file = ConfigFile::new(yaml);
        let error = file.load(&Environment::default()).expect_err("a mistake");
        assert!(matches!(error, ConfigError::Unreadable { .. }), "{yaml}: {error}");
        let told = error.to_string();
        assert!(
            told.starts_with(&file.path().display().to_string()) && told.contains(words),
            "{yaml}: {told}"
        );
    }
}
