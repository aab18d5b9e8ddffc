//! All readings of one path: what the rewritings lead to, in any order.

use std::borrow::Cow;

use super::{MAX_LENGTH, PathError, percent, spelling};

/// Most readings of a path. Addresses that people and programs use have one or two; a path with all kinds of
/// odd spelling at once has some fifty.
const MAX_READINGS: usize = 128;
/// Most bytes in all readings together: what bounds the work on a long path.
const MAX_BYTES: usize = 8 * MAX_LENGTH;
/// How often a server may decode what another has decoded before.
const MAX_DECODES: usize = 2;

const REWRITINGS: [fn(&str) -> Option<String>; 6] = [
    spelling::slashed,
    spelling::resolved,
    spelling::resolved_as_url,
    spelling::merged,
    spelling::without_parameters,
    spelling::without_query,
];

/// The readings, the path as sent first, and the place of the WHATWG pathname among them.
pub fn of(path: &str) -> Result<(Vec<Cow<'_, str>>, usize), PathError> {
    let mut readings = Readings { found: Vec::with_capacity(8), bytes: 0 };
    readings.add(Cow::Borrowed(path))?;
    let without_fragment = path.split('#').next().unwrap_or_default();
    let pathname = readings.add(Cow::Owned(spelling::whatwg_pathname(without_fragment)))?;
    // Spaces at the very end of a URL are no part of it; whether a query follows is not known here.
    let trimmed = path.trim_end_matches(' ');
    if trimmed.len() < path.len() {
        readings.add(Cow::Owned(spelling::whatwg_pathname(trimmed)))?;
    }
    readings.close()?;
    Ok((readings.found, pathname))
}

struct Readings<'a> {
    found: Vec<Cow<'a, str>>,
    bytes: usize,
}

impl<'a> Readings<'a> {
    /// Adds a reading unless it is there, and tells its place.
    fn add(&mut self, reading: Cow<'a, str>) -> Result<usize, PathError> {
        if let Some(place) = self.found.iter().position(|known| *known == reading) {
            return Ok(place);
        }
        self.bytes += reading.len();
        if self.found.len() == MAX_READINGS || self.bytes > MAX_BYTES {
            return Err(PathError::TooAmbiguous);
        }
        self.found.push(reading);
        Ok(self.found.len() - 1)
    }

    /// Decodes level by level, so that each reading is found with the fewest decodings and none is missed
    /// that a further decoding would lead to.
    fn close(&mut self) -> Result<(), PathError> {
        let mut level = 0;
        for _ in 0..MAX_DECODES {
            self.rewrite_from(level)?;
            let end = self.found.len();
            for place in level..end {
                self.add_some(self.found.get(place).and_then(|reading| percent::decode(reading)))?;
            }
            level = end;
        }
        self.rewrite_from(level)
    }

    fn rewrite_from(&mut self, level: usize) -> Result<(), PathError> {
        let mut place = level;
        while place < self.found.len() {
            for rewrite in REWRITINGS {
                self.add_some(self.found.get(place).and_then(|reading| rewrite(reading)))?;
            }
            place += 1;
        }
        Ok(())
    }

    fn add_some(&mut self, reading: Option<String>) -> Result<(), PathError> {
        reading.map_or(Ok(()), |reading| self.add(Cow::Owned(reading)).map(drop))
    }
}
