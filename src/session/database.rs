//! Database sessions of Auth.js: a row for each session, in `PostgreSQL`, `MySQL`, `MariaDB` or `SQLite`.

mod decode;
mod pool;
mod query;
mod schema;

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use self::decode::Row;
pub use self::pool::UrlError;
use self::pool::{Pool, Target};
use self::query::Queries;
pub use self::query::QueryError;
pub use self::schema::Schema;
use super::Outage;
use super::stored::{Record, Sought};

/// The longest token that is looked up, in bytes: Auth.js makes 36, and its columns hold 255 or less.
const MAX_TOKEN_BYTES: usize = 1024;

/// What the configuration says about a database.
#[derive(Debug)]
pub struct DatabaseOptions<'o> {
    /// `postgres:`, `mysql:`, `mariadb:` or `sqlite:`.
    pub url: &'o str,
    pub layout: Layout<'o>,
    /// The most connections.
    pub connections: u32,
    /// The longest that a connection or a statement may take.
    pub timeout: Duration,
    /// Whether expiries are written.
    pub writes: bool,
}

/// Where in the database the sessions are.
#[derive(Clone, Copy, Debug)]
pub enum Layout<'o> {
    /// In the tables of an adapter.
    Schema(Schema),
    /// Where this query finds them, whose one placeholder is the token.
    Query(&'o str),
}

/// Why a provider cannot be made: for whoever wrote the configuration. None of it repeats the URL.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("the schema `{schema}` is not there for {engine}")]
    Engine { schema: Schema, engine: &'static str },
}

/// The sessions of one database. It connects when the first session is looked up.
pub struct Database {
    target: Target,
    queries: Queries,
    pool: OnceLock<Pool>,
}

impl Database {
    /// # Errors
    /// [`DatabaseError`] says which part of the configuration does not work.
    pub fn new(options: &DatabaseOptions<'_>) -> Result<Self, DatabaseError> {
        let DatabaseOptions { url, layout, connections, timeout, writes } = *options;
        let target = Target::parse(url, connections, timeout, writes)?;
        let queries = Queries::new(layout, target.engine())?;
        Ok(Self { target, queries, pool: OnceLock::new() })
    }

    pub(in crate::session) async fn fetch(&self, sought: &Sought) -> Result<Option<Record>, Outage> {
        let token = &*sought.token;
        if !is_plausible(token) {
            return Ok(None);
        }
        let is_asked_for = |row: &Row| row.is_of(token, &self.queries);
        let row = self.pool().fetch(&self.queries.select, token, is_asked_for).await?;
        row.map(|row| row.into_record(token, &self.queries)).transpose().map(Option::flatten)
    }

    /// Gives a session a new expiry, unless somebody else did so already; times are in seconds since 1970.
    pub(in crate::session) async fn renew(
        &self,
        token: &str,
        was: f64,
        expires: f64,
    ) -> Result<bool, Outage> {
        match &self.queries.renew {
            Some(update) if is_plausible(token) => self.pool().renew(update, token, was, expires).await,
            _ => Ok(false),
        }
    }

    /// Connections in use, and idle ones, once there is a pool.
    pub(in crate::session) fn connections(&self) -> Option<(u32, u32)> {
        self.pool.get().map(Pool::connections)
    }

    fn pool(&self) -> &Pool {
        self.pool.get_or_init(|| self.target.open())
    }
}

/// No adapter makes a token with control characters, and `PostgreSQL` takes no NUL.
fn is_plausible(token: &str) -> bool {
    (1..=MAX_TOKEN_BYTES).contains(&token.len()) && !token.chars().any(char::is_control)
}

/// Without the URL, which can hold a password.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("engine", &self.target.engine()).finish_non_exhaustive()
    }
}
