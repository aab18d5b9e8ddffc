//! Configurations: any YAML is loaded, or refused with the paths of its mistakes and without its secrets.

use std::path::PathBuf;
use std::sync::LazyLock;

use config::{Config, File, FileFormat, Value, ValueKind};
use futures_util::FutureExt as _;
use sessiongate::config::{ConfigError, Environment, Settings, load};
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, RequestParts};
use tempfile::TempDir;

use crate::world;

/// The secret as text, and as the variable `SECRET`; no message shows either.
const WRITTEN: &str = "hunter2-hunter2-hunter2-hunter2";
const VARIABLE: &str = "swordfish-swordfish-swordfish";

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

/// # Panics
/// Where a mistake has no path, or a secret is shown.
pub fn run(data: &[u8]) {
    // A device can be read for ever, which is whoever's mistake who names one.
    let Some(text) =
        str::from_utf8(data).ok().filter(|text| !text.contains("/dev") && !text.contains("/proc"))
    else {
        return;
    };
    let file = file(text);
    let variables = [("AUTH_SECRET", world::SECRET), ("SECRET", VARIABLE), ("EMPTY", "")];
    let _entered = world::runtime().enter();
    let loaded = load(Some(&file), &Environment::from(variables));
    match &loaded {
        Ok(settings) => can_be_served(settings),
        Err(error) => is_told_well(error, &file),
    }
    shows_no_secret(text, &loaded);
}

fn file(text: &str) -> PathBuf {
    let file = FOLDER.path().join("fuzzed.yaml");
    std::fs::write(&file, text).expect("a file");
    file
}

/// What was accepted answers, too.
fn can_be_served(settings: &Settings) {
    for path in ["/", "/a/b"] {
        let request = HttpRequest::new(RequestParts {
            method: "GET",
            scheme: "https",
            host: "app.example.com",
            path: RequestPath::parse(path).expect("a path"),
            query: "a=b",
            headers: Headers::default(),
            now: world::now(),
        });
        if let Some(decision) = settings.program.gate.check(&request).now_or_never() {
            let answer = decision.answer();
            assert_eq!(answer.is_none(), decision.label() == "allow");
            for (name, value) in answer.iter().flat_map(|answer| &answer.headers) {
                assert!(!value.contains(['\r', '\n', '\0']), "{name}: {value:?}");
            }
        }
    }
}

fn is_told_well(error: &ConfigError, file: &std::path::Path) {
    match error {
        ConfigError::Unreadable { file: named, message } => {
            assert_eq!(named, &file.display().to_string());
            assert!(!message.is_empty());
        }
        ConfigError::Invalid { problems, .. } => {
            assert!(!problems.is_empty(), "refused without a reason");
            for problem in problems {
                assert!(!problem.message.is_empty() && !problem.path.is_empty(), "{problem:?}");
            }
        }
    }
}

fn shows_no_secret(text: &str, loaded: &Result<Settings, ConfigError>) {
    let told = match loaded {
        Ok(settings) => {
            let shown = &settings.program.shown.text;
            assert!(!shown.contains(VARIABLE), "a variable is shown: {shown}");
            format!("{settings:?} {shown}")
        }
        Err(error) => format!("{error} {error:?}"),
    };
    let is_told = told.contains(WRITTEN) || told.contains(VARIABLE);
    assert!(!is_told || !are_secrets(text), "a secret is told: {told}");
}

/// Whether the secrets stand only where secrets do.
fn are_secrets(text: &str) -> bool {
    let written = Config::builder().add_source(File::from_str(text, FileFormat::Yaml)).build();
    written.is_ok_and(|tree| stand_well(&tree.cache, false))
}

fn stand_well(value: &Value, is_secret: bool) -> bool {
    match &value.kind {
        ValueKind::String(text) => {
            is_secret || !(text.contains(WRITTEN) || text.contains(VARIABLE) || text.contains("SECRET"))
        }
        ValueKind::Table(table) => table.iter().all(|(key, value)| {
            let is_plain = !key.contains("hunter2") && !key.contains("swordfish");
            is_plain && stand_well(value, matches!(key.as_str(), "secret" | "password"))
        }),
        ValueKind::Array(items) => items.iter().all(|item| stand_well(item, is_secret)),
        _ => true,
    }
}
