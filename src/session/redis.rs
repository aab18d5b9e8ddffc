//! Stub.

mod address;
pub mod connection;

use super::Outage;
use super::stored::{Record, Sought};

#[derive(Debug)]
pub struct RedisStore;

impl RedisStore {
    pub(in crate::session) async fn fetch(&self, _: &Sought) -> Result<Option<Record>, Outage> {
        Err(Outage::Failed)
    }

    pub(in crate::session) async fn renew(&self, _: &str, _: f64, _: f64) -> Result<bool, Outage> {
        Err(Outage::Failed)
    }
}
