//! The shape of the code: imports between modules flow one way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, which is what it is for"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The top-level modules in the order of the flow: each may use those before it.
const FLOW: [&str; 18] = [
    "request",
    "rule",
    "secret",
    "session",
    "expression",
    "policy",
    "identity",
    "gate",
    "explain",
    "telemetry",
    "metrics",
    "program",
    "envoy",
    "forward_auth",
    "server",
    "config",
    "reload",
    "cli",
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Which top-level modules each one names with `crate::`, outside its unit tests.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let place = file.strip_prefix(&src).expect("below src").to_string_lossy().replace(".rs", "");
        let module = place.split('/').next().expect("a first part").to_owned();
        let text = fs::read_to_string(&file).expect("a source");
        let code = text.split("#[cfg(test)]\nmod tests").next().expect("a first part").to_owned();
        let used = imports.entry(module.clone()).or_default();
        for rest in code.split("crate::").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if name != module && FLOW.contains(&name.as_str()) {
                used.insert(name);
            }
        }
    }
    imports
}

#[test]
fn imports_flow_one_way() {
    let imports = imports();
    let place = |module: &str| FLOW.iter().position(|name| *name == module);
    for (module, used) in imports {
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let at = place(&module).unwrap_or_else(|| panic!("src/{module}.rs has no place in the flow"));
        for name in used {
            assert!(place(&name) < Some(at), "{module} uses {name}, which comes after it");
        }
    }
}
