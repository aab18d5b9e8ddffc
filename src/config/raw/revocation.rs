//! `revocation` as written.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, by_name};
use crate::session::revocation::OnOutage;

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawRevocation {
    /// The Redis that keeps the list: `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`.
    /// Required.
    pub redis: Option<String>,
    /// What stands before the names of the key and the channel. Default: `sessiongate:`.
    pub prefix: Option<String>,
    /// For `rediss:`: a file with the certificate authority of Redis, in PEM. Default: those of the machine.
    pub ca_file: Option<String>,
    /// The longest that Redis may take to answer. Default: 1 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub timeout: Option<Duration>,
    /// How often the whole list is read. Default: 10 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub poll: Option<Duration>,
    /// How long an entry is kept; at least as long as a session lasts. Default: 31 days.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub keep: Option<Duration>,
    /// How long Redis may be away before `on_outage` holds. Default: 1 min.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub max_staleness: Option<Duration>,
    /// What becomes of sessions then. Default: `deny`.
    #[serde(deserialize_with = "by_name")]
    pub on_outage: Option<OnOutage>,
    /// The bearer secret of `POST /revocations` on the admin listener. Default: it is closed.
    pub secret: Option<OneOrMany>,
    /// A file with that secret, in place of `secret`.
    pub secret_file: Option<String>,
}
