//! Without a configuration: what Auth.js's own variables mean, and which file is read.

use serde_json::{Value, json};

use crate::{Desk, OTHER_SECRET, Run, SECRET};

const THIRD_SECRET: &str = "a-third-secret-of-thirty-two-byte";

fn decided(variables: &[(&str, &str)], arguments: &[&str]) -> Value {
    Desk::new().run(variables, &[&["check", "--json", "GET"], arguments].concat()).json()
}

#[test]
fn a_secret_alone_guards_everything_but_the_login_and_static_files() {
    for (path, rule, decision) in [
        ("/api/auth/signin", "auth", "allow"),
        ("/api/auth", "auth", "allow"),
        ("/api/auth/callback/github?code=1", "auth", "allow"),
        ("/_next/static/chunks/main.js", "static", "allow"),
        ("/_next/image?url=%2Fa.png&w=64&q=75", "static", "allow"),
        ("/favicon.ico", "static", "allow"),
        ("/", "default", "redirect"),
        ("/api/authors", "default", "redirect"),
        ("/_next/data/build/a.json", "default", "redirect"),
        ("/_next/static/..%2F..%2Fa", "default", "redirect"),
        ("/favicon.ico.html", "default", "redirect"),
    ] {
        let report = decided(&[("AUTH_SECRET", SECRET)], &[path, "-H", "accept: text/html"]);
        assert_eq!(
            (&report["rule"], &report["decision"]),
            (&json!(rule), &json!(decision)),
            "{path}: {report:#}"
        );
    }
}

#[test]
fn the_origin_and_path_of_auth_url_are_those_of_redirects_and_of_the_login() {
    for (url, expected) in [
        (None, "/api/auth/signin?callbackUrl=%2Fa"),
        (
            Some(("AUTH_URL", "https://app.example.com")),
            "https://app.example.com/api/auth/signin?callbackUrl=https%3A%2F%2Fapp.example.com%2Fa",
        ),
        (
            Some(("AUTH_URL", "http://localhost:3000/")),
            "http://localhost:3000/api/auth/signin?callbackUrl=http%3A%2F%2Flocalhost%3A3000%2Fa",
        ),
        (
            Some(("AUTH_URL", "https://app.example.com/auth")),
            "https://app.example.com/auth/signin?callbackUrl=https%3A%2F%2Fapp.example.com%2Fa",
        ),
        (
            Some(("AUTH_URL", "https://app.example.com/auth/")),
            "https://app.example.com/auth/signin?callbackUrl=https%3A%2F%2Fapp.example.com%2Fa",
        ),
        (
            Some(("NEXTAUTH_URL", "https://app.example.com")),
            "https://app.example.com/api/auth/signin?callbackUrl=https%3A%2F%2Fapp.example.com%2Fa",
        ),
    ] {
        let variables: Vec<_> = [("AUTH_SECRET", SECRET)].into_iter().chain(url).collect();
        // Another host than that of AUTH_URL: what the client says is not repeated.
        let report = decided(&variables, &["https://evil.test/a", "-H", "accept: text/html"]);
        assert_eq!(report["location"], expected, "{url:?}");
    }
    let variables = [("AUTH_SECRET", SECRET), ("AUTH_URL", "https://app.example.com/auth")];
    for (path, rule) in [("/auth/signin", "auth"), ("/auth/session", "auth"), ("/api/auth/signin", "default")]
    {
        assert_eq!(decided(&variables, &[path])["rule"], rule, "{path}");
    }
}

#[test]
fn numbered_secrets_count_without_auth_secret_only_and_the_highest_mints() {
    let numbered =
        [("AUTH_SECRET_1", SECRET), ("AUTH_SECRET_2", OTHER_SECRET), ("AUTH_SECRET_3", THIRD_SECRET)];
    let desk = Desk::new();
    let mint = |secret: &str| {
        let token =
            desk.run(&[], &["token", "encode", r#"{"sub":"42"}"#, "--secret", secret]).expect_success();
        token.trim().to_owned()
    };
    for secret in [SECRET, OTHER_SECRET, THIRD_SECRET] {
        desk.run(&numbered, &["token", "decode", &mint(secret)]).expect_success();
    }
    let newest = desk.run(&numbered, &["token", "encode", r#"{"sub":"42"}"#]).expect_success();
    desk.run(&[], &["token", "decode", newest.trim(), "--secret", THIRD_SECRET]).expect_success();
    let newest = desk.run(&numbered[..2], &["token", "encode", r#"{"sub":"42"}"#]).expect_success();
    desk.run(&[], &["token", "decode", newest.trim(), "--secret", OTHER_SECRET]).expect_success();

    for name in ["AUTH_SECRET", "NEXTAUTH_SECRET"] {
        let beside = [(name, SECRET), ("AUTH_SECRET_1", OTHER_SECRET)];
        desk.run(&beside, &["token", "decode", &mint(SECRET)]).expect_success();
        desk.run(&beside, &["token", "decode", &mint(OTHER_SECRET)]).expect_failure();
    }
}

#[test]
fn what_is_wrong_with_a_variable_is_told_with_its_name() {
    for (variables, words) in [
        (&[][..], "AUTH_SECRET"),
        (&[("AUTH_SECRET", "")], "set AUTH_SECRET"),
        (&[("AUTH_SECRET", "hunter2")], "AUTH_SECRET: has 7 bytes"),
        (&[("AUTH_SECRET", "your-secret-key-here")], "AUTH_SECRET: is one that is known"),
        (&[("NEXTAUTH_SECRET", "hunter2")], "NEXTAUTH_SECRET: has 7 bytes"),
        (&[("AUTH_SECRET_1", SECRET), ("AUTH_SECRET_2", "hunter2")], "AUTH_SECRET_2: has 7 bytes"),
        (
            &[("AUTH_SECRET", SECRET), ("AUTH_URL", "app.example.com")],
            "AUTH_URL: `app.example.com` is not a URL",
        ),
        (&[("AUTH_SECRET", SECRET), ("AUTH_URL", "ftp://app.example.com")], "AUTH_URL: "),
    ] {
        let stderr = Desk::new().run(variables, &["validate"]).expect_failure();
        assert!(stderr.contains(words) && stderr.lines().count() == 1, "{variables:?}: {stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}

/// The files a configuration can come from, each with a listener by which it is known.
#[test]
fn the_file_is_the_one_named_else_that_of_the_variable_else_the_one_that_is_there() {
    let desk = Desk::new();
    let mistake = |name: &str| format!("in_{name}: 1\n");
    for name in ["named", "variable"] {
        desk.write(&format!("{name}.yaml"), &mistake(name));
    }
    let variables = [("AUTH_SECRET", SECRET), ("SESSIONGATE_CONFIG", "variable.yaml")];
    let told = |run: Run| run.expect_failure().split(": ").take(2).collect::<Vec<_>>().join(": ");

    desk.run(&variables[..1], &["validate"]).expect_success();
    desk.write("sessiongate.yaml", &mistake("place"));
    assert_eq!(told(desk.run(&variables[..1], &["validate"])), "sessiongate.yaml: in_place");
    assert_eq!(told(desk.run(&variables, &["validate"])), "variable.yaml: in_variable");
    assert_eq!(told(desk.run(&variables, &["validate", "--config", "named.yaml"])), "named.yaml: in_named");
    assert_eq!(
        told(desk.run(&variables, &["validate", "-c", "absent.yaml"])).split(": ").next(),
        Some("absent.yaml")
    );
    let absent = [("AUTH_SECRET", SECRET), ("SESSIONGATE_CONFIG", "absent.yaml")];
    let stderr = desk.run(&absent, &["validate"]).expect_failure();
    assert!(
        stderr.starts_with("absent.yaml: No such file"),
        "a file that is named has to be there: {stderr}"
    );
}

#[test]
fn a_variable_overrides_the_file() {
    let desk = Desk::with_config(&format!(
        "sessions: {{ web: {{ kind: authjs, secret: {SECRET} }} }}\ndefault: {{ access: deny }}\n"
    ));
    let check = ["check", "GET", "/a", "--json"];
    assert_eq!(desk.run(&[], &check).json()["decision"], "deny");
    assert_eq!(desk.run(&[("SESSIONGATE__DEFAULT__ACCESS", "public")], &check).json()["decision"], "allow");
    let stderr = desk.run(&[("SESSIONGATE__DEFAULT__ACCES", "public")], &check).expect_failure();
    assert!(stderr.contains("default.acces: unknown field"), "{stderr}");
}
