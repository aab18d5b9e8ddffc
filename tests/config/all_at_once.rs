//! Every mistake of a file is told at once, and no message holds a secret.

use sessiongate::config::Environment;

use crate::{ConfigFile, SECRET, SESSIONS, load, load_with, places, problems, told};

#[test]
fn a_mistake_in_each_section_is_told_in_one_go() {
    let yaml = format!(
        "listen: {{ grpc: nowhere, drain_timeout: soon, http: nowhere }}
sessions:
  web: {{ kind: authjs, secret: hunter2, bearer: perhaps, refresh: true }}
  old: {{ kind: jwt, secret: {SECRET}, secret_file: /run/secrets/auth }}
  new: {{ secret: '${{UNSET_SECRET}}', max_token_bytes: 0 }}
login: {{ url: signin, trusted_hosts: ['*.a.test', 'http://b.test'], page: 1 }}
rules:
  - {{ name: a, matcher: admin, acces: public }}
  - {{ name: a, hosts: ['a.*.test', ''] }}
  - matcher: [{{ source: /a, has: [{{ type: query, key: q, value: '(' }}, {{ type: query, key: q, value: ')' }}] }}]
  - {{ on_deny: {{ status: 200 }} }}
default: {{ access: nobody, on_deny: {{ status: 1 }} }}
next: {{ trailing_slash: perhaps, basePath: /docs }}
identity: {{ headers: {{ cookie: sub, x-a: auth, x_a: sub }}, session_header: 'x y', assertion: {{ ttl: 2h }} }}
telemetry: {{ log: loud, format: xml }}
revocation: {{}}
"
    );
    let expected = [
        "default.access",
        "default.on_deny.status",
        "identity.assertion.ttl",
        "identity.headers.cookie",
        "identity.headers.x-a",
        "identity.session_header",
        "listen.drain_timeout",
        "listen.grpc",
        "listen.http",
        "login.page",
        "login.trusted_hosts[0]",
        "login.trusted_hosts[1]",
        "login.url",
        "next.basePath",
        "next.trailing_slash",
        "revocation.redis",
        "rules[0].acces",
        "rules[0].matcher[0]",
        "rules[1].hosts[0]",
        "rules[1].hosts[1]",
        "rules[1].name",
        "rules[2].matcher[0].has[0]",
        "rules[2].matcher[0].has[1]",
        "rules[3].on_deny.status",
        "sessions.new.kind",
        "sessions.new.secret",
        "sessions.old.secret_file",
        "sessions.web.bearer",
        "sessions.web.secret",
        "telemetry.format",
        "telemetry.log",
    ];
    assert_eq!(places(&yaml), expected);
}

#[test]
fn a_mistake_in_a_list_does_not_hide_those_after_it() {
    let yaml = format!(
        "{SESSIONS}rules:
  - /a
  - 7
  - {{ matcher: [{{ has: [] }}, admin, 7, {{ source: /a, methods: [get] }}] }}
  - {{ matcher: [{{ source: /a, has: [{{ type: host }}, {{ type: cookie }}] }}] }}
  - {{ access: nobody }}
  - {{ matcher: admin }}
"
    );
    let expected = [
        "rules[0]",
        "rules[1]",
        "rules[2].matcher[0]",
        "rules[2].matcher[1]",
        "rules[2].matcher[2]",
        "rules[2].matcher[3].methods[0]",
        "rules[3].matcher[0].has[0]",
        "rules[3].matcher[0].has[1]",
        "rules[4].access",
        "rules[5].matcher[0]",
    ];
    assert_eq!(places(&yaml), expected);
}

#[test]
fn every_setting_of_the_login_is_checked() {
    let yaml = format!("{SESSIONS}login: {{ url: signin, origin: here, callback_param: 'a b' }}\n");
    assert_eq!(places(&yaml), ["login.callback_param", "login.origin", "login.url"]);
}

#[test]
fn a_rule_is_checked_even_where_its_providers_are_wrong() {
    let yaml = format!(
        "sessions: {{ web: {{ secret: {SECRET} }} }}
rules: [{{ session: [web, nobody] }}]
default: {{ session: [] }}
"
    );
    assert_eq!(places(&yaml), ["default.session", "rules[0].session[1]", "sessions.web.kind"]);
}

#[test]
fn one_mistake_is_told_once() {
    for yaml in [
        "rules: [{ matcher: '${UNSET}' }]",
        "rules: [{ matcher: '/a/${x' }]",
        "next: { base_path: '${UNSET}' }",
        "login: { origin: '${UNSET}' }",
        "identity: { headers: { x-user: '${UNSET}' } }",
        "rules: [{ matcher: [{ source: 7 }] }]",
        "rules: [{ matcher: [{ source: /a, has: [{ type: path, key: a }] }] }]",
    ] {
        let problems = problems(&format!("{SESSIONS}{yaml}\n"));
        assert_eq!(problems.len(), 1, "{yaml}: {problems:#?}");
    }
    for sessions in ["[]", "{ web: 7 }", "7"] {
        let problems = problems(&format!("sessions: {sessions}\n"));
        assert_eq!(problems.len(), 1, "{sessions}: {problems:#?}");
    }
}

#[test]
fn each_line_names_the_file() {
    let file = ConfigFile::new("sessions: { web: { kind: authjs, secret: hunter2 } }\nfoo: 1\n");
    let message = told(file.load(&Environment::default()));
    let start = format!("{}: ", file.path().display());
    assert_eq!(message.lines().count(), 2, "{message}");
    assert!(message.lines().all(|line| line.starts_with(&start)), "{message}");
}

/// Whatever is wrong with it and wherever it stands, a secret is not repeated.
#[test]
fn no_message_holds_the_secret() {
    for yaml in [
        "sessions: { web: { secret: SECRET } }",
        "sessions: { web: { kind: authjs, secret: { value: SECRET } } }",
        "sessions: { web: { kind: authjs, secret: [[SECRET]] } }",
        "sessions: { web: { kind: authjs, secret: SECRET, secret_file: /run/secrets/auth } }",
        "sessions: { web: { kind: authjs, secret_file: { value: SECRET } } }",
        "sessions: { web: { kind: authjs, secrets: SECRET } }",
        "sessions: { web: { kind: authjs, secret: SECRET, cookie: 'a b', max_age: soon } }",
        "sessions: { web: { kind: authjs, secret: SECRET }, old: {} }",
    ] {
        let message = told(load(&yaml.replace("SECRET", SECRET)));
        assert!(!message.contains(SECRET), "{yaml}: {message}");
    }
    for weak in ["hunter2", "hunter2-hunter2", "My-Super-Secret-Key", "ssssssssssssssssssssssssssss"] {
        let yaml = format!(
            "sessions: {{ web: {{ kind: authjs, secret: {weak} }}, old: {{ kind: authjs, secret: ['{weak}'] }} }}"
        );
        let message = told(load(&yaml));
        assert!(!message.contains(weak), "{message}");
        let message = told(load_with("", [("AUTH_SECRET", weak)]));
        assert!(!message.contains(weak), "{message}");
    }
}

#[test]
fn no_message_holds_a_secret_that_stands_in_the_place_of_a_provider() {
    for yaml in
        ["sessions: SECRET", "sessions: { web: SECRET }", "sessions: [SECRET]", "sessions: { web: [SECRET] }"]
    {
        let message = told(load(&yaml.replace("SECRET", SECRET)));
        assert!(!message.contains(SECRET), "{yaml}: {message}");
    }
    let number = "4815162342108";
    for yaml in ["sessions: SECRET", "sessions: { web: SECRET }"] {
        let message = told(load(&yaml.replace("SECRET", number)));
        assert!(!message.contains(number), "{yaml}: {message}");
    }
    // As a person writes it: the variable without its key.
    let message = told(load_with("sessions: { web: '${AUTH_SECRET}' }", [("AUTH_SECRET", SECRET)]));
    assert!(!message.contains(SECRET), "{message}");
}

#[test]
fn no_message_holds_a_secret_with_a_dollar_and_a_brace_in_it() {
    for secret in ["k4Zp0Wq9${sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga", "k4Zp0Wq9sVb1${Xn7Rt3-Ym5Lc8Hd2}Jf6Ga"] {
        for yaml in ["{ kind: authjs, secret: 'SECRET' }", "{ kind: authjs, secret: ['SECRET'] }"] {
            let yaml = format!("sessions: {{ web: {} }}", yaml.replace("SECRET", secret));
            let message = told(load(&yaml));
            assert!(message.contains("sessions.web.secret"), "{message}");
            assert!(!message.contains("Xn7Rt3"), "a part of the secret: {message}");
        }
    }
}
