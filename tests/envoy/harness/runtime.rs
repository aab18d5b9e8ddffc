//! One runtime for the services behind Envoy, which outlive the test that started them.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"));

pub fn runtime() -> &'static Runtime {
    &RUNTIME
}
