//! The files that a configuration names, and what they held: whoever changes one of them means to be heard.

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};
use zeroize::Zeroizing;

/// The files that were read, each with a digest of what it held.
#[derive(Clone, Debug, Default)]
pub struct NamedFiles(Vec<NamedFile>);

#[derive(Clone, Debug)]
struct NamedFile {
    path: PathBuf,
    /// Of its bytes; `None` where it could not be read.
    content: Option<Digest>,
}

impl NamedFiles {
    /// What a file holds; it is watched from now on, also where it cannot be read yet.
    pub(super) fn read(&mut self, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        let read = std::fs::read(path).map(Zeroizing::new);
        let content = read.as_ref().ok().map(|bytes| digest(&SHA256, bytes));
        self.0.push(NamedFile { path: path.to_owned(), content });
        read
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Of the files after the first `known` ones, with what they held.
    pub(super) fn fingerprint_since(&self, known: usize, context: &mut Context) {
        for file in self.0.iter().skip(known) {
            context.update(file.path.as_os_str().as_encoded_bytes());
            context.update(file.content.as_ref().map_or(&[], AsRef::as_ref));
        }
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|file| file.path.as_path())
    }

    /// Whether all of them could be read.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.0.iter().all(|file| file.content.is_some())
    }

    /// Whether any of them holds something else now.
    #[must_use]
    pub fn have_changed(&self) -> bool {
        self.0.iter().any(|file| {
            let now = std::fs::read(&file.path).ok().map(Zeroizing::new);
            let now = now.map(|bytes| digest(&SHA256, &bytes));
            now.as_ref().map(AsRef::as_ref) != file.content.as_ref().map(AsRef::<[u8]>::as_ref)
        })
    }
}
