//! What the process takes: time, memory, file descriptors.

use metrics_process::Collector;

/// The `process_*` metrics, read when somebody asks.
#[derive(Clone, Debug)]
pub struct ProcessMetrics(Collector);

impl ProcessMetrics {
    #[must_use]
    pub fn new() -> Self {
        let collector = Collector::default();
        collector.describe();
        Self(collector)
    }

    pub fn collect(&self) {
        self.0.collect();
    }
}

impl Default for ProcessMetrics {
    fn default() -> Self {
        Self::new()
    }
}
