//! The whole as its users meet it.
mod harness;
