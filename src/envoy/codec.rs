//! Messages between tonic and the door, as their bytes: read where they lie, and written once.

use buffa::MessageView as _;
use bytes::{Buf as _, BufMut as _, Bytes};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::response::Written;
use super::{CheckRequestView, DecodeError};

/// What a check takes of memory at first in each direction, in bytes: as much as a browser's question, and our answer,
/// need. What is longer makes it grow.
const USUAL_MESSAGE: usize = 1536;

/// A `CheckRequest` as it was sent.
#[derive(Clone)]
pub struct Asked(Bytes);

/// A `CheckResponse` as it is sent.
pub type Answered = Written;

/// Hands messages over as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verbatim;

impl Asked {
    /// Reads the message; it borrows everything.
    ///
    /// # Errors
    /// [`DecodeError`] where it is none.
    pub fn read(&self) -> Result<CheckRequestView<'_>, DecodeError> {
        CheckRequestView::decode_view(&self.0)
    }
}

/// Without what it says: it carries cookies.
impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asked({} bytes)", self.0.len())
    }
}

impl From<Vec<u8>> for Asked {
    fn from(message: Vec<u8>) -> Self {
        Self(message.into())
    }
}

impl Codec for Verbatim {
    type Encode = Answered;
    type Decode = Asked;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Verbatim {
    type Item = Answered;
    type Error = Status;

    fn encode(&mut self, answer: Answered, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(answer.bytes());
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(USUAL_MESSAGE, USUAL_MESSAGE)
    }
}

impl Decoder for Verbatim {
    type Item = Asked;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Asked>, Status> {
        let length = buffer.remaining();
        Ok(Some(Asked(buffer.copy_to_bytes(length))))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(USUAL_MESSAGE, USUAL_MESSAGE)
    }
}
