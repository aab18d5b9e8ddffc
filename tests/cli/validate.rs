//! `validate`: 0, or 1 with every mistake.

use crate::{Desk, SECRET};

#[test]
fn a_sound_configuration_ends_with_0() {
    let desk = Desk::with_config(&format!("sessions: {{ web: {{ kind: authjs, secret: {SECRET} }} }}\n"));
    let run = desk.run(&[], &["validate"]);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (0, "The configuration is valid.\n", "")
    );
}

#[test]
fn every_mistake_is_a_line_with_the_file_and_the_path() {
    let desk = Desk::new();
    desk.write(
        "bad.yaml",
        &format!(
            "listen: {{ grpc: nowhere, http: nowhere }}
sessions:
  web: {{ kind: authjs, secret: hunter2 }}
  old: {{ secret: {SECRET}, cookie: 'a b' }}
login: {{ url: signin }}
rules:
  - {{ name: a, matcher: admin }}
  - {{ name: a, hosts: 'https://app.example.com/' }}
telemetry: {{ log: loud }}
revocation: {{}}
"
        ),
    );
    let stderr = desk.run(&[], &["validate", "--config", "bad.yaml"]).expect_failure();
    let mut places: Vec<&str> = stderr.lines().map(|line| line.split(": ").nth(1).unwrap_or(line)).collect();
    places.sort_unstable();
    let expected = [
        "listen.grpc",
        "listen.http",
        "login.url",
        "revocation.redis",
        "rules[0].matcher[0]",
        "rules[1].hosts",
        "rules[1].name",
        "sessions.old.kind",
        "sessions.web.secret",
        "telemetry.log",
    ];
    assert_eq!(places, expected, "{stderr}");
    assert!(stderr.lines().all(|line| line.starts_with("bad.yaml: ")), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn what_is_unwise_is_a_warning() {
    let desk = Desk::with_config(
        "sessions:
  web: { kind: authjs, secret: sixteen-bytes-xx }
  old: { kind: nextauth, secret: hunter2, allow_weak_secret: true }
rules: [{ name: all }]
",
    );
    let run = desk.run(&[], &["validate"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "The configuration is valid.\n"), "{run:?}");
    let warnings: Vec<&str> = run.stderr.lines().collect();
    for (warning, start) in warnings.iter().zip([
        "sessions.web.secret: has 16 bytes",
        "sessions.old.secret: would be refused",
        "login.url: nobody can sign in",
    ]) {
        assert!(warning.starts_with(&format!("warning: {start}")), "{warnings:?}");
    }
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(!run.stderr.contains("hunter2") && !run.stderr.contains("sixteen-bytes"), "{warnings:?}");
}
