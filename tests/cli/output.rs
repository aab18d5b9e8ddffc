//! What holds for every command: help, exit codes, and readers that go away.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};

use crate::{Desk, SECRET};

#[test]
fn help_lists_the_commands_and_the_exit_codes() {
    let help = Desk::new().run(&[], &["--help"]).expect_success();
    for command in ["serve", "check", "validate", "token", "schema"] {
        assert!(
            help.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))),
            "{command}: {help}"
        );
    }
    let readme = include_str!("../../README.md");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "");
    for code in [
        "0 done, or allowed",
        "1 something is wrong, told on standard error",
        "2 the command line cannot be read",
        "3 (check only) the request would not be allowed",
    ] {
        assert!(words(&help).contains(code) && words(readme).contains(code), "{code}: {help}");
    }
}

#[test]
fn every_command_has_help_that_names_its_options() {
    for (arguments, options) in [
        (&["serve"][..], &["--config"][..]),
        (&["check"], &["--config", "--header", "--cookie", "--json", "<METHOD>", "<URL>"]),
        (&["validate"], &["--config"]),
        (&["token"], &["encode", "decode"]),
        (&["token", "encode"], &["[CLAIMS]", "--max-age", "--secret-file", "--kind", "--cookie", "--config"]),
        (
            &["token", "decode"],
            &["[TOKEN]", "--ignore-validity", "--secret-file", "--kind", "--cookie", "--config"],
        ),
        (&["schema"], &["JSON Schema"]),
    ] {
        let help = Desk::new().run(&[], &[arguments, &["--help"]].concat()).expect_success();
        for option in options {
            assert!(help.contains(option), "{arguments:?} {option}: {help}");
        }
    }
}

#[test]
fn a_command_line_that_cannot_be_read_ends_with_2() {
    for arguments in [
        &[][..],
        &["guard"],
        &["serve", "now"],
        &["token"],
        &["token", "decode", "--kind", "jwt"],
        &["schema", "--yaml"],
    ] {
        let run = Desk::new().run(&[], arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains("--help"), "{run:?}");
    }
}

/// Ends the command with a standard output and a standard error that nobody reads any more.
fn end_without_readers(mut command: Command) -> ExitStatus {
    let (reader, writer) = std::io::pipe().unwrap();
    let errors = writer.try_clone().unwrap();
    drop(reader);
    command.stdin(Stdio::null()).stdout(writer).stderr(errors).status().unwrap()
}

#[test]
fn a_reader_that_has_heard_enough_is_no_error() {
    let desk = Desk::with_config(&format!("sessions: {{ web: {{ kind: authjs, secret: {SECRET} }} }}\n"));
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["schema"], 0),
        (&["validate"], 0),
        (&["check", "GET", "/api/auth/signin"], 0),
        (&["check", "GET", "/a", "--json"], 3),
        (&["token", "encode", "{}"], 0),
    ] {
        let status = end_without_readers(desk.command(&[], arguments));
        assert_eq!((status.code(), status.signal()), (Some(code), None), "{arguments:?}");
    }
}

#[test]
fn a_mistake_that_nobody_reads_is_no_panic() {
    let desk = Desk::with_config("rules: 1\n");
    for arguments in [&["validate"][..], &["check", "GET", "/a"], &["serve"], &["token", "decode", "x"]] {
        let status = end_without_readers(desk.command(&[], arguments));
        assert_eq!((status.code(), status.signal()), (Some(1), None), "{arguments:?}");
    }
    // Here a warning is what nobody reads.
    let desk = Desk::with_config("sessions: { web: { kind: authjs, secret: sixteen-bytes-xx } }\n");
    assert_eq!(end_without_readers(desk.command(&[], &["validate"])).code(), Some(0));
}

#[test]
fn a_disk_that_is_full_is_an_error() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Desk::new().command(&[], &["schema"]);
    let mut child = command.current_dir("/").stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{stderr}");
    assert!(stderr.contains("No space left"), "{stderr}");
}
