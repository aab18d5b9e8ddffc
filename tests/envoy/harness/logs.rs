//! The folder that the processes of a run write into. It is emptied when the next run starts.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below `target/tmp`, so that it can be read after a failure.
pub fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("envoy");
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
