//! Values that cannot be meant: one bad file for each, the exact path of the key, and the words that matter.

use std::fs;

use crate::{ConfigFile, SECRET, SESSIONS, assert_one, assert_one_of, load, provider};

#[test]
fn stores_and_issuers_are_held_to_what_they_need() {
    for (keys, key, words) in [
        ("kind: database, schema: pg-adapter", "url", "is missing"),
        ("kind: database, url: 'postgres://db/app'", "schema", "is missing"),
        ("kind: database, url: 'oracle://app:hunter2@db', schema: drizzle", "url", "is no URL of a database"),
        (
            "kind: database, url: 'mysql://app:hunter2@db/app', schema: pg-adapter",
            "schema",
            "is not there for MySQL",
        ),
        ("kind: database, url: 'sqlite:/absent/app.db', schema: drizzle", "url", "a file that is not there"),
        ("kind: database, url: 'postgres://db/app', query: 'SELECT 1'", "query", "has 0 placeholders"),
        (
            "kind: database, url: 'postgres://db/app', query: 'DELETE FROM s WHERE t = $1'",
            "query",
            "one SELECT",
        ),
        (
            "kind: database, url: 'postgres://db/app', schema: kysely, timeout: 0s",
            "timeout",
            "more than nothing",
        ),
        ("kind: database, url: 'postgres://db/app', schema: kysely, cache: 2h", "cache", "at most 1 h"),
        (
            "kind: database, url: 'postgres://db/app', schema: kysely, refresh: true, update_age: 31d",
            "update_age",
            "shorter",
        ),
        ("kind: redis, url: 'http://cache', schema: upstash", "url", "is no address of Redis"),
        ("kind: redis, url: 'redis://cache', schema: memcached", "schema", "none of upstash"),
        (
            "kind: endpoint, url: 'http://app.example.com/api/auth/session'",
            "url",
            "plain http to another machine",
        ),
        ("kind: jwt, issuer: 'https://issuer.test'", "algorithms", "is missing"),
        ("kind: jwt, issuer: 'https://issuer.test', algorithms: [none]", "algorithms[0]", "is none of HS256"),
        (
            "kind: jwt, issuer: 'https://issuer.test', algorithms: [RS256, HS256]",
            "algorithms",
            "cannot be mixed",
        ),
        ("kind: jwt, issuer: 'http://issuer.test', algorithms: [RS256]", "issuer", "plain http"),
        ("kind: jwt, public_key: 'x', algorithms: [ES256]", "public_key", "no public key in PEM"),
    ] {
        let yaml = format!("sessions: {{ app: {{ {keys} }} }}");
        assert_one_of(&yaml, &format!("sessions.app.{key}"), words);
        assert!(!format!("{:?}", crate::problems(&yaml)).contains("hunter2"), "{keys}");
    }
    let without_source = format!("sessions: {{ app: {{ kind: better-auth, secret: {SECRET} }} }}");
    assert_one_of(&without_source, "sessions.app", "needs `cookie_cache`");
}

#[test]
fn providers_are_held_to_what_they_need() {
    for (yaml, path, words) in [
        ("sessions: {}", "sessions", "at least one provider"),
        (
            "sessions: { web: { kind: authjs } }",
            "sessions.web.secret",
            "is missing: write `secret: ${AUTH_SECRET}`",
        ),
        ("sessions: { web: { kind: authjs, secret: [] } }", "sessions.web.secret", "is missing"),
        ("sessions: { web: { kind: authjs, secret: '' } }", "sessions.web.secret", "is empty"),
        (
            "sessions: { web: { kind: authjs, secret: fifteen-bytes-x } }",
            "sessions.web.secret",
            "has 15 bytes",
        ),
        (
            "sessions: { web: { kind: authjs, secret: Change-Me } }",
            "sessions.web.secret",
            "known from documentation",
        ),
        (
            "sessions: { web: { kind: authjs, secret: complex_password_at_least_32_characters_long } }",
            "sessions.web.secret",
            "`openssl rand -base64 32`",
        ),
        (
            "sessions: { web: { kind: nextauth, secret: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx } }",
            "sessions.web.secret",
            "repeats one character",
        ),
        (
            "sessions: { web: { kind: authjs, secret: '', allow_weak_secret: true } }",
            "sessions.web.secret",
            "is empty",
        ),
        (
            "sessions: { web: { kind: authjs, secret_file: /absent } }",
            "sessions.web.secret_file",
            "/absent: No such file",
        ),
    ] {
        assert_one_of(yaml, path, words);
    }
    let without_kind = format!("sessions: {{ web: {{ secret: {SECRET} }} }}");
    assert_one_of(&without_kind, "sessions.web.kind", "is missing: write one of authjs, nextauth, jwt,");
    let second = format!("sessions: {{ web: {{ kind: authjs, secret: [{SECRET}, hunter2] }} }}");
    assert_one_of(&second, "sessions.web.secret[1]", "has 7 bytes");
    for (keys, path, words) in [
        ("secret_file: /run/secrets/auth", "sessions.web.secret_file", "stands beside `secret`"),
        ("cookie: 'a b'", "sessions.web.cookie", "no cookie name"),
        ("cookie: ''", "sessions.web.cookie", "no cookie name"),
        ("max_token_bytes: 0", "sessions.web.max_token_bytes", "must be 1 to 65536"),
        ("max_token_bytes: 65537", "sessions.web.max_token_bytes", "must be 1 to 65536"),
    ] {
        assert_one_of(&provider(keys), path, words);
    }
}

#[test]
fn a_secret_file_is_held_to_the_same() {
    let file = ConfigFile::new("sessions: { web: { kind: authjs, secret_file: /dev/null } }\n");
    let secrets = file.path().with_file_name("secrets");
    let yaml = format!("sessions: {{ web: {{ kind: authjs, secret_file: {} }} }}\n", secrets.display());
    for (text, problem) in [
        (format!("{SECRET}\n"), None),
        (format!("{SECRET}\r\n\r\n{SECRET}2"), None),
        (format!("{SECRET}\nhunter2\n"), Some("secret 2): has 7 bytes")),
        ("\n \n".to_owned(), Some("holds no secret")),
    ] {
        fs::write(&secrets, &text).unwrap();
        let told = load(&yaml).err().map(|error| error.to_string());
        match (told, problem) {
            (None, None) => {}
            (Some(told), Some(words)) => {
                assert!(told.contains(": sessions.web.secret_file") && told.contains(words), "{told}");
                assert!(!told.contains("hunter2"), "{told}");
            }
            (told, _) => panic!("{text:?}: {told:?}"),
        }
    }
}

#[test]
fn matchers_and_conditions_are_refused_with_the_reason() {
    for (matcher, path, words) in [
        ("admin", "rules[0].matcher[0]", "source must start with /"),
        ("[/a, '/:a*?']", "rules[0].matcher[1]", "Unexpected MODIFIER at 4, expected END"),
        ("/:a:b", "rules[0].matcher[0]", "Must have text between two parameters"),
        ("'/:'", "rules[0].matcher[0]", "Missing parameter name at 1"),
        ("'/a(b'", "rules[0].matcher[0]", "Unbalanced pattern at 2"),
        ("'/a(?<n>b)'", "rules[0].matcher[0]", "Pattern cannot start with \"?\" at 3"),
        ("'/((a)b)'", "rules[0].matcher[0]", "Capturing groups are not allowed at 2"),
        ("'/([b-a])'", "rules[0].matcher[0]", "Invalid regular expression"),
        ("'/(\\u0041)'", "", ""),
        (
            "[{ source: /a, has: [{ type: header, key: x, value: '(' }] }]",
            "rules[0].matcher[0].has[0]",
            "value: Invalid regular expression: /^($/",
        ),
        (
            "[{ source: /a, missing: [{ type: host, value: a }, { type: query, key: q, value: '*' }] }]",
            "rules[0].matcher[0].missing[1]",
            "Invalid regular expression: /^*$/",
        ),
        ("[{ source: /a, has: [{ type: host }] }]", "rules[0].matcher[0].has[0]", "host must have a value"),
        ("[{ source: /a, has: [{ type: cookie }] }]", "rules[0].matcher[0].has[0]", "key is required"),
        ("[{ source: /a, methods: [get] }]", "rules[0].matcher[0].methods[0]", "write `GET`"),
        ("[{ source: /a, methods: [] }]", "rules[0].matcher[0].methods", "at least one method"),
    ] {
        let yaml = format!("rules: [{{ matcher: {matcher} }}]");
        if path.is_empty() {
            assert!(load(&format!("{SESSIONS}{yaml}")).is_ok(), "{yaml}");
        } else {
            assert_one(&yaml, path, words);
        }
    }
}

#[test]
fn rules_are_held_to_what_they_can_mean() {
    for (yaml, path, words) in [
        (
            "rules: [{ session: [web, nobody] }]",
            "rules[0].session[1]",
            "no session provider `nobody`; there is web",
        ),
        ("rules: [{ session: nobody }]", "rules[0].session", "no session provider `nobody`"),
        ("rules: [{ session: Web }]", "rules[0].session", "no session provider `Web`"),
        ("rules: [{ session: [] }]", "rules[0].session", "is empty"),
        ("default: { session: nobody }", "default.session", "no session provider `nobody`"),
        (
            "rules: [{ hosts: [app.example.com, 'http://a.test/'] }]",
            "rules[0].hosts[1]",
            "without scheme and path",
        ),
        ("rules: [{ hosts: 'a.*.test' }]", "rules[0].hosts", "`*` stands for the first labels only"),
        ("rules: [{ hosts: bücher.test }]", "rules[0].hosts", "Punycode"),
        ("rules: [{ hosts: '' }]", "rules[0].hosts", "must not be empty"),
        ("rules: [{ hosts: [] }]", "rules[0].hosts", "is empty: leave it out"),
        ("rules: [{ name: a }, { name: b }, { name: a }]", "rules[2].name", "`a` is taken"),
        ("rules: [{ name: default }]", "rules[0].name", "`default` is taken"),
        ("rules: [{ name: '' }]", "rules[0].name", "1 to 64 bytes"),
        (
            "rules: [{ on_deny: { status: 200 } }]",
            "rules[0].on_deny.status",
            "200 is not a status from 300 to 599",
        ),
        ("rules: [{ on_deny: { status: 299 } }]", "rules[0].on_deny.status", "299"),
        ("rules: [{ on_deny: { status: 600 } }]", "rules[0].on_deny.status", "600"),
        ("rules: [{ on_deny: { status: 418 } }]", "rules[0].on_deny.status", "that Envoy knows"),
        ("default: { on_deny: { status: 100 } }", "default.on_deny.status", "100"),
        (
            "rules: [{ on_deny: { status: 401, headers: { 'a b': c } } }]",
            "rules[0].on_deny.headers.a b",
            "is no legal header",
        ),
        (
            "rules: [{ on_deny: { status: 401, headers: { x-a: \"b\\r\\nset-cookie: c\" } } }]",
            "rules[0].on_deny.headers.x-a",
            "is no legal header",
        ),
        (
            "rules: [{ on_deny: { status: 401, headers: { Content-Length: '1' } } }]",
            "rules[0].on_deny.headers.Content-Length",
            "is no legal header",
        ),
    ] {
        assert_one(yaml, path, words);
    }
    let long = "n".repeat(65);
    assert_one(&format!("rules: [{{ name: {long} }}]"), "rules[0].name", "1 to 64 bytes");
}

#[test]
fn the_login_never_leads_astray() {
    for (yaml, path, words) in [
        ("login: { url: signin }", "login.url", "neither a path"),
        ("login: { url: '//evil.test/signin' }", "login.url", "one `/`"),
        ("login: { url: '/\\evil.test/signin' }", "login.url", "one `/`"),
        ("login: { url: 'javascript:alert(1)' }", "login.url", "http(s) URL"),
        ("login: { url: '/signin#now' }", "login.url", "fragment"),
        ("login: { origin: app.example.com }", "login.origin", "`https://app.example.com`"),
        ("login: { origin: 'https://app.example.com/login' }", "login.origin", "is not an origin"),
        ("login: { origin: 'https://user@app.example.com' }", "login.origin", "is not an origin"),
        ("login: { origin: 'ftp://app.example.com' }", "login.origin", "is not an origin"),
        ("login: { callback_param: 'a b' }", "login.callback_param", "name for a query parameter"),
        ("login: { callback_param: '' }", "login.callback_param", "name for a query parameter"),
        ("login: { trusted_hosts: ['*.example.com'] }", "login.trusted_hosts[0]", "*.example.com"),
        ("login: { trusted_hosts: [a.test, 'https://b.test'] }", "login.trusted_hosts[1]", "without scheme"),
    ] {
        assert_one(yaml, path, words);
    }
}

#[test]
fn headers_are_ours_alone_and_legal() {
    for (headers, path, words) in [
        ("{ cookie: sub }", "identity.headers.cookie", "must not be set"),
        ("{ Host: sub }", "identity.headers.Host", "must not be set"),
        ("{ x-envoy-user: sub }", "identity.headers.x-envoy-user", "must not be set"),
        ("{ 'x user': sub }", "identity.headers.x user", "is not a header name"),
        ("{ ':path': sub }", "identity.headers.:path", "is not a header name"),
        ("{ x-user: sub, X_User: email }", "identity.headers.X_User", "an upstream may take it for `x-user`"),
        ("{ x-user: sub, X-USER: email }", "identity.headers.X-USER", "an upstream may take it for `x-user`"),
        ("{ x-user: '' }", "identity.headers.x-user", "is empty"),
        ("{ x-user: auth }", "identity.headers.x-user", "names a whole face of the session"),
        ("{ x-user: auth.users.id }", "identity.headers.x-user", "no part of `auth`"),
        ("{ x-user: token..id }", "identity.headers.x-user", "empty step"),
        ("{ x-user: {} }", "identity.headers.x-user", "one of `claim` and `cel`"),
        ("{ x-user: { claim: sub, cel: token.sub } }", "identity.headers.x-user", "one of `claim` and `cel`"),
        ("{ x-user: { cel: tokn.sub } }", "identity.headers.x-user.cel", "there is no `tokn`"),
        ("{ x-user: { cel: params.team } }", "identity.headers.x-user.cel", "no parameter here"),
        (
            "{ x-user: { claim: sub, separator: \"a\\nb\" } }",
            "identity.headers.x-user.separator",
            "printable",
        ),
    ] {
        assert_one(&format!("identity: {{ headers: {headers} }}"), path, words);
    }
    for (name, words) in [
        ("X-Auth-User-Id", "which is set as well"),
        ("x_auth_user_id", "which is set as well"),
        ("set-cookie", "must not be set"),
        ("'x auth'", "is not a header name"),
    ] {
        assert_one(&format!("identity: {{ session_header: {name} }}"), "identity.session_header", words);
    }
}

#[test]
fn assertions_and_metadata_are_checked() {
    for (identity, path, words) in [
        ("{ max_header_bytes: 1 }", "identity.max_header_bytes", "256 to 61440"),
        ("{ dynamic_metadata: [rule] }", "identity.dynamic_metadata[0]", "the name `rule` is taken"),
        ("{ dynamic_metadata: [sub, token.sub] }", "identity.dynamic_metadata[1]", "the name `sub` is taken"),
        ("{ dynamic_metadata: { user: auth } }", "identity.dynamic_metadata.user", "names a whole face"),
        ("{ forward_token: authorization }", "identity.forward_token", "there is no `assertion`"),
        ("{ assertion: {}, forward_token: x-token }", "identity.forward_token", "write `authorization`"),
        ("{ assertion: { ttl: 2h } }", "identity.assertion.ttl", "1s to 1h"),
        ("{ assertion: { audience: '' } }", "identity.assertion.audience", "is empty"),
        ("{ assertion: { header: cookie } }", "identity.assertion.header", "must not be set"),
        ("{ assertion: { header: x_auth_user_id } }", "identity.assertion.header", "which is set as well"),
        ("{ assertion: { claims: [sub] } }", "identity.assertion.claims[0]", "the name `sub` is taken"),
        (
            "{ assertion: { claims: { sid: email } } }",
            "identity.assertion.claims.sid",
            "the name `sid` is taken",
        ),
        (
            "{ assertion: { audiences: { 'a b': x } } }",
            "identity.assertion.audiences.a b",
            "is not a host name",
        ),
    ] {
        assert_one(&format!("identity: {identity}"), path, words);
    }
    assert_one("rules: [{ audience: orders }]", "rules[0].audience", "there is no `identity.assertion`");
    assert_one("rules: [{ login: { url: signin } }]", "rules[0].login.url", "one `/`");
}

#[test]
fn addresses_levels_and_the_settings_of_next_are_checked() {
    for (yaml, path, words) in [
        ("listen: { grpc: '9191' }", "listen.grpc", "write `host:port`"),
        ("listen: { grpc: ':9191' }", "listen.grpc", "write `host:port`"),
        ("listen: { grpc: 'localhost:99999' }", "listen.grpc", "write `host:port`"),
        ("listen: { grpc: 'http://localhost:9191' }", "listen.grpc", "write `host:port`"),
        ("listen: { grpc: 'unix:' }", "listen.grpc", "1 to 107 bytes"),
        ("telemetry: { log: loud }", "telemetry.log", "`error`, `warn`, `info`, `debug`, `trace`"),
        ("telemetry: { log: 'info,sessiongate=loud' }", "telemetry.log", "or a filter"),
        ("next: { i18n: { locales: [en] } }", "next.i18n.default_locale", "is missing"),
        (
            "next: { i18n: { locales: [en], default_locale: en, domains: [{ default_locale: en }] } }",
            "next.i18n.domains[0].domain",
            "is missing",
        ),
        (
            "next: { i18n: { locales: [en], default_locale: en, domains: [{ domain: a.test }] } }",
            "next.i18n.domains[0].default_locale",
            "is missing",
        ),
    ] {
        assert_one(yaml, path, words);
    }
    let long = format!("listen: {{ grpc: 'unix:/{}' }}", "a".repeat(107));
    assert_one(&long, "listen.grpc", "1 to 107 bytes long; this one has 108");
}

#[test]
fn the_settings_of_next_are_told_with_the_path_of_their_own_key() {
    for (next, path, words) in [
        ("base_path: docs", "next.base_path", "must start with /"),
        ("base_path: '/docs/'", "next.base_path", "not end with it"),
        ("build_id: a/b", "next.build_id", "one segment"),
        ("i18n: { locales: [], default_locale: en }", "next.i18n.locales", "at least one locale"),
        ("i18n: { locales: [en], default_locale: fr }", "next.i18n.default_locale", "`fr`"),
    ] {
        assert_one(&format!("next: {{ {next} }}"), path, words);
    }
}
