//! When something may have changed: inotify on the folders of the files, and a look now and again where that fails.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::sleep;

/// How long writing several files, or one in several steps, may take to count as one change.
const SETTLING: Duration = Duration::from_millis(100);
/// How often the files are looked at where inotify fails.
const POLL: Duration = Duration::from_secs(2);

/// Changes of the files that are followed.
pub(super) struct Changes {
    watcher: Option<RecommendedWatcher>,
    heard: Arc<Notify>,
    names: Arc<Mutex<BTreeSet<OsString>>>,
    folders: BTreeSet<PathBuf>,
    is_complete: bool,
}

impl Changes {
    pub(super) fn new() -> Self {
        let heard = Arc::new(Notify::new());
        let names = Arc::new(Mutex::new(BTreeSet::new()));
        let (hearing, known) = (Arc::clone(&heard), Arc::clone(&names));
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let names = known.lock().unwrap_or_else(PoisonError::into_inner);
            if event.is_err() || event.is_ok_and(|event| concerns(&event, &names)) {
                hearing.notify_one();
            }
        });
        let watcher = watcher.inspect_err(|error| {
            tracing::warn!(%error, "files cannot be watched: they are looked at every two seconds");
        });
        Self { watcher: watcher.ok(), heard, names, folders: BTreeSet::new(), is_complete: true }
    }

    /// Follows these files from now on: in their own folders, and where links to them lead.
    pub(super) fn follow<'p>(&mut self, files: impl Iterator<Item = &'p Path>) {
        let (mut folders, mut names) = (BTreeSet::new(), BTreeSet::new());
        for file in files {
            for place in [Some(file.to_owned()), file.canonicalize().ok()].into_iter().flatten() {
                let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
                folders.insert(folder.unwrap_or(Path::new(".")).to_owned());
                names.extend(place.file_name().map(ToOwned::to_owned));
            }
        }
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.folders.difference(&folders) {
            // It may be gone from the disk as well.
            let _ = watcher.unwatch(gone);
        }
        self.is_complete = true;
        for folder in &folders {
            // Again where it is watched already: it may be another one under the same name.
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %folder.display(), %error, "it cannot be watched: it is looked at every two seconds");
                self.is_complete = false;
            }
        }
        self.folders = folders;
    }

    /// Waits until something may have changed. What could not be read, as without a file descriptor, may be readable
    /// again without anybody telling: then it is looked at now and again.
    pub(super) async fn next(&self, are_known: bool) {
        if self.watcher.is_some() && self.is_complete && are_known {
            self.heard.notified().await;
            sleep(SETTLING).await;
        } else {
            sleep(POLL).await;
        }
    }
}

/// Whether an event is about one of the files, or about a link by which Kubernetes replaces all of a folder at once.
fn concerns(event: &Event, names: &BTreeSet<OsString>) -> bool {
    let is_change = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    };
    let is_known = |path: &PathBuf| {
        path.file_name().is_none_or(|name| names.contains(name) || name.as_encoded_bytes().starts_with(b".."))
    };
    is_change && (event.need_rescan() || event.paths.iter().any(is_known))
}
