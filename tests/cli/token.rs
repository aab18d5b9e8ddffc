//! `token encode` and `token decode`: what one makes the other reads, and so does Auth.js.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use sessiongate::secret::Secret;
use sessiongate::session::authjs::{AuthJs, AuthJsOptions, MAX_TOKEN_BYTES, Version};

use crate::{Desk, OTHER_SECRET, SECRET, ada};

const KINDS: [(&str, &str); 2] =
    [("authjs", "authjs.session-token"), ("nextauth", "next-auth.session-token")];

/// A desk where the same secret can be had in each way that the command knows.
fn desk(kind: &str) -> Desk {
    let desk = Desk::new();
    desk.write("secrets", &format!("{SECRET}\n{OTHER_SECRET}\n"));
    desk.write(
        "config.yaml",
        &format!(
            "sessions:
  web: {{ kind: {kind}, secret: {SECRET} }}
  other: {{ kind: {kind}, secret: [{OTHER_SECRET}], cookie: sid }}
"
        ),
    );
    desk
}

/// Arguments and variables.
type Way<'w> = (Vec<&'w str>, Vec<(&'w str, &'w str)>);

/// The ways to [`SECRET`] and to a provider of this kind.
fn ways(kind: &str) -> Vec<Way<'_>> {
    let mut ways = vec![
        (vec!["--secret", SECRET, "--kind", kind], vec![]),
        (vec!["--secret-file", "secrets", "--kind", kind], vec![]),
        (vec!["--config", "config.yaml"], vec![]),
        (vec!["--config", "config.yaml", "--session", "web"], vec![]),
        (vec![], vec![("SESSIONGATE_CONFIG", "config.yaml")]),
    ];
    if kind == "authjs" {
        ways.push((vec![], vec![("AUTH_SECRET", SECRET)]));
    }
    ways
}

/// The claims without those that encoding adds, which are checked here.
fn without_times(json: &str) -> Map<String, Value> {
    let mut claims: Map<String, Value> = serde_json::from_str(json).unwrap();
    let (iat, exp) = (claims.remove("iat").unwrap(), claims.remove("exp").unwrap());
    assert_eq!(exp.as_u64().unwrap() - iat.as_u64().unwrap(), 30 * 24 * 3600, "30 days, as Auth.js has it");
    assert_eq!(claims.remove("jti").unwrap().as_str().unwrap().len(), 36);
    claims
}

#[test]
fn what_one_makes_the_other_reads_wherever_the_secret_comes_from() {
    let claims = Value::Object(ada()).to_string();
    for (kind, _) in KINDS {
        let desk = desk(kind);
        for (nth, (keys, variables)) in ways(kind).into_iter().enumerate() {
            // By turns: as an argument, as `-`, and without any argument.
            let (argument, input) = match nth % 3 {
                0 => (vec![claims.as_str()], ""),
                1 => (vec!["-"], claims.as_str()),
                _ => (vec![], claims.as_str()),
            };
            let arguments = [vec!["token", "encode"], argument, keys].concat();
            let token = desk.run_with_input(&variables, &arguments, input).expect_success();
            let token = token.strip_suffix('\n').expect("a line");
            assert_eq!(token.split('.').count(), 5, "{kind}: {token}");
            for (nth, (keys, variables)) in ways(kind).into_iter().enumerate() {
                let line = format!("  {token}\r\n");
                let (argument, input) = match nth % 3 {
                    0 => (vec![token], ""),
                    1 => (vec!["-"], line.as_str()),
                    _ => (vec![], line.as_str()),
                };
                let arguments = [vec!["token", "decode"], argument, keys].concat();
                let decoded = desk.run_with_input(&variables, &arguments, input).expect_success();
                assert_eq!(without_times(&decoded), ada(), "{kind} {arguments:?}");
            }
        }
    }
}

#[test]
fn a_token_is_for_the_cookie_that_was_named() {
    let desk = desk("authjs");
    let claims = r#"{"sub":"42"}"#;
    for (name, also_read_without_name) in
        [("authjs.session-token", true), ("__Secure-authjs.session-token", true), ("sid", false)]
    {
        let token = desk
            .run(&[], &["token", "encode", claims, "--secret", SECRET, "--cookie", name])
            .expect_success();
        let token = token.trim();
        desk.run(&[], &["token", "decode", token, "--secret", SECRET, "--salt", name]).expect_success();
        let run = desk.run(&[], &["token", "decode", token, "--secret", SECRET]);
        assert_eq!(run.code == 0, also_read_without_name, "{name}: {run:?}");
        let run = desk.run(&[], &["token", "decode", token, "--secret", SECRET, "--cookie", "other"]);
        assert!(run.expect_failure().contains("for a cookie name, that is not configured"), "{name}");
    }
    // The provider's own cookie, where the configuration has one.
    let token = desk
        .run(&[], &["token", "encode", claims, "-c", "config.yaml", "--session", "other"])
        .expect_success();
    let arguments = ["token", "decode", token.trim(), "--secret", OTHER_SECRET, "--cookie", "sid"];
    desk.run(&[], &arguments).expect_success();
}

#[test]
fn every_secret_of_a_file_reads_and_the_first_one_makes() {
    for (kind, _) in KINDS {
        let desk = desk(kind);
        let made = desk
            .run(&[], &["token", "encode", "{}", "--secret-file", "secrets", "--kind", kind])
            .expect_success();
        desk.run(&[], &["token", "decode", made.trim(), "--secret", SECRET, "--kind", kind]).expect_success();
        let older = desk
            .run(&[], &["token", "encode", "{}", "--secret", OTHER_SECRET, "--kind", kind])
            .expect_success();
        let arguments = ["token", "decode", older.trim(), "--secret-file", "secrets", "--kind", kind];
        desk.run(&[], &arguments).expect_success();
    }
}

/// Seals exactly these claims, valid or not.
fn sealed(kind: &str, claims: Value) -> String {
    let (version, name) = match kind {
        "authjs" => (Version::V5, KINDS[0].1),
        _ => (Version::V4, KINDS[1].1),
    };
    let provider = AuthJs::new(AuthJsOptions {
        version,
        secrets: vec![Secret::check(SECRET, false).unwrap().0],
        cookies: Vec::new(),
        salt: None,
        bearer: false,
        max_age: None,
        max_token_bytes: MAX_TOKEN_BYTES,
        refresh: None,
    });
    let Value::Object(claims) = claims else { panic!("claims are an object") };
    provider.unwrap().seal(name, &claims).unwrap()
}

#[test]
fn what_is_no_session_ends_with_1_and_the_reason() {
    for (kind, _) in KINDS {
        let desk = desk(kind);
        let good = sealed(kind, json!({"sub": "42", "exp": 1e12}));
        let expired = sealed(kind, json!({"sub": "42", "exp": 1}));
        let endless = sealed(kind, json!({"sub": "42"}));
        let state = sealed(kind, json!({"state": "x", "exp": 1e12}));
        let wrong_secret = if kind == "authjs" { "a secret" } else { "cannot be decrypted" };
        for (token, secret, words) in [
            (&*good, OTHER_SECRET, wrong_secret),
            ("hunter2", SECRET, "malformed"),
            ("", SECRET, "malformed"),
            (&expired, SECRET, "has expired"),
            (&endless, SECRET, r#"the claim "exp""#),
            (&state, SECRET, "belongs to a sign-in under way"),
        ] {
            let run = desk.run(&[], &["token", "decode", token, "--secret", secret, "--kind", kind]);
            let stderr = run.expect_failure();
            assert!(
                stderr.starts_with("not a session: ") && stderr.contains(words),
                "{kind} {words}: {stderr}"
            );
            assert!(
                token.is_empty() || !stderr.contains(token),
                "{kind} {words}: the token is told: {stderr}"
            );
        }
        for (token, claims) in [(expired, json!({"sub": "42", "exp": 1})), (endless, json!({"sub": "42"}))] {
            let arguments =
                ["token", "decode", &token, "--secret", SECRET, "--kind", kind, "--ignore-validity"];
            let run = desk.run(&[], &arguments);
            assert_eq!((run.code, run.json()), (0, claims), "{kind}");
        }
        let arguments =
            ["token", "decode", &good, "--secret", OTHER_SECRET, "--kind", kind, "--ignore-validity"];
        desk.run(&[], &arguments).expect_failure();
        let other = if kind == "authjs" { "nextauth" } else { "authjs" };
        desk.run(&[], &["token", "decode", &good, "--secret", SECRET, "--kind", other]).expect_failure();
    }
}

#[test]
fn a_damaged_token_is_not_blamed_on_the_secret() {
    for (kind, _) in KINDS {
        let good = sealed(kind, json!({"sub": "42", "exp": 1e12}));
        let cut = &good[..good.len() - 8];
        let run = desk(kind).run(&[], &["token", "decode", cut, "--secret", SECRET, "--kind", kind]);
        let stderr = run.expect_failure();
        assert!(stderr.contains("malformed") || stderr.contains("cannot be decrypted"), "{kind}: {stderr}");
    }
}

#[test]
fn the_time_that_a_token_lasts_can_be_named() {
    let desk = desk("authjs");
    let encode = ["token", "encode", r#"{"sub":"42","iat":1,"exp":2,"jti":"mine"}"#, "--secret", SECRET];
    let token = desk.run(&[], &[&encode[..], &["--max-age", "1h"]].concat()).expect_success();
    let claims = desk.run(&[], &["token", "decode", token.trim(), "--secret", SECRET]).json();
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600, "{claims}");
    assert_ne!(claims["jti"], "mine", "as Auth.js does: each token has a number of its own");
    for wrong in ["1", "soon", "-1h"] {
        assert_eq!(desk.run(&[], &[&encode[..], &["--max-age", wrong]].concat()).code, 2, "{wrong}");
    }
}

#[test]
fn what_cannot_be_done_is_told() {
    let desk = desk("authjs");
    desk.write("empty", "\n");
    for (arguments, words) in [
        (&["encode", "[1]", "--secret", SECRET][..], "the claims are not a JSON object"),
        (&["encode", "{\"sub\":", "--secret", SECRET], "the claims are not a JSON object"),
        (&["encode", "", "--secret", SECRET], "the claims are not a JSON object"),
        (&["encode", "{}", "--secret", ""], "the secret is empty"),
        (&["encode", "{}", "--secret", SECRET, "--cookie", "a b"], "no cookie name"),
        (&["encode", "{}", "--secret-file", "absent"], "absent: No such file"),
        (&["encode", "{}", "--secret-file", "empty"], "at least one secret"),
        (&["encode", "{}"], "AUTH_SECRET"),
        (&["encode", "{}", "-c", "config.yaml", "--session", "nobody"], "no session provider `nobody`"),
        (&["encode", "{}", "-c", "config.yaml", "--cookie", "sid"], "does not read that cookie"),
        (&["encode", "{}", "-c", "absent.yaml"], "absent.yaml: No such file"),
    ] {
        let stderr = desk.run(&[], &[&["token"], arguments].concat()).expect_failure();
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
    for arguments in [
        &["encode", "{}", "--secret", SECRET, "--secret-file", "secrets"][..],
        &["encode", "{}", "--secret", SECRET, "--session", "web"],
        &["encode", "{}", "{}"],
    ] {
        assert_eq!(desk.run(&[], &[&["token"], arguments].concat()).code, 2, "{arguments:?}");
    }
}

/// Asks the real Auth.js and NextAuth.js, line by line.
fn authjs(questions: &[Value]) -> Vec<Value> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/authjs");
    assert!(place.join("node_modules").exists(), "its packages are not there: run `make tools`");
    let mut command = Command::new("node");
    command.arg("mint.mjs").current_dir(place).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = command.spawn().expect("Node.js");
    let mut input = node.stdin.take().unwrap();
    for question in questions {
        writeln!(input, "{question}").unwrap();
    }
    drop(input);
    let output = node.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn authjs_reads_what_is_made_here_and_the_other_way_round() {
    let desk = desk("authjs");
    let mut questions = Vec::new();
    for ((kind, cookie), version) in KINDS.into_iter().zip(["v5", "v4"]) {
        let claims = Value::Object(ada()).to_string();
        let token =
            desk.run(&[], &["token", "encode", &claims, "--secret", SECRET, "--kind", kind]).expect_success();
        let mut question = json!({"version": version, "secret": SECRET});
        if version == "v5" {
            question["salt"] = json!(cookie);
        }
        let mut encode = question.clone();
        encode["op"] = json!("encode");
        encode["token"] = Value::Object(ada());
        question["op"] = json!("decode");
        question["token"] = json!(token.trim());
        questions.extend([question, encode]);
    }
    let answers = authjs(&questions);
    assert_eq!(answers.len(), 4, "{answers:?}");
    for (pair, (kind, _)) in answers.chunks(2).zip(KINDS) {
        assert_eq!(without_times(&pair[0]["claims"].to_string()), ada(), "{kind}: {}", pair[0]);
        let token = pair[1]["token"].as_str().unwrap();
        let decoded =
            desk.run(&[], &["token", "decode", token, "--secret", SECRET, "--kind", kind]).expect_success();
        assert_eq!(without_times(&decoded), ada(), "{kind}");
    }
}
