//! Stub.

use super::Written;
use crate::config::error::Problems;
use crate::session::Provider;

pub(super) fn resolve(written: &Written<'_>, problems: &mut Problems) -> Option<Provider> {
    problems.error(written.key("kind"), "is not there yet");
    None
}
