//! The folder that the processes of a run write into. It is emptied when the next run starts.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below `target/tmp`, by the name of the test binary, so that it can be read after a failure.
pub fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME"));
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the logs of the last run can be removed");
        }
        fs::create_dir_all(&folder).expect("a folder for logs");
        folder
    })
}

/// A file that no other process of this run has.
pub fn file(name: &str, extension: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    folder().join(format!("{number:02}-{name}.{extension}"))
}

/// What has been written by processes whose names begin so.
pub fn of(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the folder of logs");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let is_theirs = |file: &PathBuf| {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.split_once('-'));
        stem.is_some_and(|(_, known)| known.starts_with(name))
            && file.extension().is_some_and(|kind| kind == "log")
    };
    files.filter(is_theirs).collect()
}
