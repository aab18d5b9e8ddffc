//! Lines on a disk that may be full: one that is cut off does not spoil the next one, and each that is lost is counted.

use std::io::{self, Write};

use metrics::Counter;

/// Writes whole lines.
pub(super) struct Lines<W> {
    to: W,
    is_cut: bool,
    lost: Counter,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(to: W, lost: Counter) -> Self {
        Self { to, is_cut: false, lost }
    }

    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_cut {
            self.to.write_all(b"\n")?;
            self.is_cut = false;
        }
        self.to.write_all(line).inspect_err(|_| self.is_cut = true)
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_all(line).map(|()| line.len())
    }

    /// The thread that writes hands over one line at a time.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        self.write_line(line).inspect_err(|_| self.lost.increment(1))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
