//! Variables: in the strings of a file, and over its keys.

use sessiongate::config::Environment;
use sessiongate::server::listen::GrpcAddress;

use crate::{ConfigFile, SECRET, SESSIONS, load_with, problems, problems_of};

/// The address of a configuration, which stands here for any string of it.
#[track_caller]
fn address<const N: usize>(grpc: &str, variables: [(&str, &str); N]) -> String {
    match load_with(&format!("{SESSIONS}listen: {{ grpc: '{grpc}' }}\n"), variables) {
        Ok(settings) => settings.listen.grpc.address.to_string(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_variable_stands_for_its_value_and_a_default_for_one_that_is_not_there() {
    for (written, meant) in [
        ("${HOST}:9191", "gate.test:9191"),
        ("${HOST}:${PORT}", "gate.test:7"),
        ("${HOST:-other.test}:9191", "gate.test:9191"),
        ("${UNSET:-other.test}:9191", "other.test:9191"),
        ("${EMPTY:-other.test}:9191", "other.test:9191"),
        ("gate.test:9191${EMPTY}", "gate.test:9191"),
        ("${UNSET:-unix:/run/a}", "unix:/run/a"),
        ("unix:/$${HOST}", "unix:/${HOST}"),
        ("unix:/${NESTED}", "unix:/${HOST}"),
        ("unix:/$HOST", "unix:/$HOST"),
    ] {
        let variables = [("HOST", "gate.test"), ("PORT", "7"), ("EMPTY", ""), ("NESTED", "${HOST}")];
        assert_eq!(address(written, variables), meant, "{written}");
    }
}

#[test]
fn a_variable_that_is_not_set_or_not_closed_is_a_mistake_where_it_stands() {
    for (yaml, path, words) in [
        ("listen: { grpc: '${UNSET}' }", "listen.grpc", "the environment variable `UNSET` is not set"),
        ("listen: { grpc: '${UNSET}' }", "listen.grpc", "`${UNSET:-…}`"),
        ("login: { trusted_hosts: [a.test, '${UNSET}'] }", "login.trusted_hosts[1]", "`UNSET`"),
        ("rules: [{ name: '${UNSET}' }]", "rules[0].name", "`UNSET`"),
        ("listen: { grpc: '${GRPC' }", "listen.grpc", "begins no variable"),
        ("listen: { grpc: '${}' }", "listen.grpc", "begins no variable"),
        ("listen: { grpc: '${my-grpc}' }", "listen.grpc", "begins no variable"),
        ("listen: { grpc: '${GRPC-x}' }", "listen.grpc", "write `${NAME}` or `${NAME:-default}`"),
    ] {
        let problems = problems(&format!("{SESSIONS}{yaml}\n"));
        let [problem] = problems.as_slice() else { panic!("{yaml}: {problems:#?}") };
        assert!(problem.path == path && problem.message.contains(words), "{yaml}: {problem}");
    }
}

#[test]
fn a_variable_of_ours_overrides_a_key_of_the_file() {
    let yaml = format!("{SESSIONS}listen: {{ grpc: 'file.test:1', drain_timeout: 1s }}\n");
    let grpc = |variables: &[(&str, &str)]| {
        let [variable] = variables else { panic!("one at a time") };
        load_with(&yaml, [*variable]).map(|settings| settings.listen)
    };
    let listen = grpc(&[("SESSIONGATE__LISTEN__GRPC", "variable.test:2")]).unwrap();
    assert_eq!(listen.grpc.address, GrpcAddress::Tcp("variable.test:2".to_owned()));
    assert_eq!(listen.drain_timeout.as_secs(), 1, "what is not overridden stays");
    let listen = grpc(&[("SESSIONGATE__LISTEN__DRAIN_TIMEOUT", "5s")]).unwrap();
    assert_eq!(
        (listen.grpc.address.to_string().as_str(), listen.drain_timeout.as_secs()),
        ("file.test:1", 5)
    );
    for name in
        ["SESSIONGATE_LISTEN_GRPC", "SESSIONGATE_LISTEN__GRPC", "LISTEN__GRPC", "XSESSIONGATE__LISTEN__GRPC"]
    {
        assert_eq!(
            grpc(&[(name, "variable.test:2")]).unwrap().grpc.address.to_string(),
            "file.test:1",
            "{name}"
        );
    }
    // Without the key in the file, and with a variable within the value.
    let variables = [("SESSIONGATE__LISTEN__GRPC", "${HOST}:3"), ("HOST", "gate.test")];
    assert_eq!(load_with(SESSIONS, variables).unwrap().listen.grpc.address.to_string(), "gate.test:3");
}

#[test]
fn a_provider_can_come_from_variables_alone() {
    let variables =
        [("SESSIONGATE__SESSIONS__WEB__KIND", "nextauth"), ("SESSIONGATE__SESSIONS__WEB__SECRET", SECRET)];
    let settings = load_with("", variables).unwrap();
    let names: Vec<&str> = settings.program.gate.sessions.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["web"]);
    let variables = [
        ("SESSIONGATE__SESSIONS__WEB__SECRET", SECRET),
        ("SESSIONGATE__SESSIONS__WEB__BEARER", "true"),
        ("SESSIONGATE__SESSIONS__WEB__MAX_TOKEN_BYTES", "4096"),
        ("SESSIONGATE__IDENTITY__STRIP_COOKIE", "false"),
    ];
    load_with("sessions: { web: { kind: authjs } }\n", variables).unwrap();
}

#[test]
fn a_variable_that_is_wrong_is_a_mistake_too() {
    for (name, value, path) in [
        ("SESSIONGATE__LISTEN__GRPC", "nowhere", "listen.grpc"),
        ("SESSIONGATE__LISTEN__PORT", "9191", "listen.port"),
        ("SESSIONGATE__LISTEN", "0.0.0.0:9191", "listen"),
        ("SESSIONGATE__REVOCATION__REDIS", "x", "revocation.redis"),
        ("SESSIONGATE__IDENTITY__STRIP_COOKIE", "perhaps", "identity.strip_cookie"),
        ("SESSIONGATE__SESSIONS__WEB__SECRET", "hunter2", "sessions.web.secret"),
        // Items of a list have no names: nothing may become of the list.
        ("SESSIONGATE__RULES__0__ACCESS", "public", "rules"),
    ] {
        let yaml = format!("{SESSIONS}rules: [{{ access: deny }}]\n");
        let problems = problems_of(&yaml, load_with(&yaml, [(name, value)]));
        assert!(problems.iter().all(|problem| problem.path == path), "{name}: {problems:#?}");
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
}

#[test]
fn the_file_of_the_variable_is_read_unless_one_is_named() {
    let named = ConfigFile::new(&format!("{SESSIONS}listen: {{ grpc: 'named.test:1' }}\n"));
    let of_variable = ConfigFile::new(&format!("{SESSIONS}listen: {{ grpc: 'variable.test:1' }}\n"));
    let environment = Environment::from([("SESSIONGATE_CONFIG", of_variable.path().to_str().unwrap())]);
    let settings = sessiongate::config::load(None, &environment).unwrap();
    assert_eq!(settings.listen.grpc.address.to_string(), "variable.test:1");
    assert_eq!(named.load(&environment).unwrap().listen.grpc.address.to_string(), "named.test:1");
}
