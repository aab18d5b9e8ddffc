//! The connections to a database, and the statements sent over them.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::types::time::OffsetDateTime;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, MySqlPool, PgPool, SqlitePool};

use super::decode::Row;
use super::query::Renew;
use super::schema::Clock;
use crate::session::Outage;

/// A connection that nobody used for so long is closed.
const IDLE: Duration = Duration::from_mins(5);
const LONGEST_LIFE: Duration = Duration::from_mins(30);

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Postgres,
    /// `MariaDB` too.
    MySql,
    Sqlite,
}

/// Why a URL cannot be used: for whoever wrote it. None of it repeats the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error(
        "is no URL of a database: write `postgres://user:password@host/name`, `mysql://…` or `sqlite:/path`"
    )]
    Scheme,
    #[error("cannot be read as a URL of {0}")]
    Unreadable(&'static str),
    #[error("names a file that is not there")]
    NoFile,
}

/// A database, and how to connect to it.
pub(super) struct Target {
    options: Options,
    connections: u32,
    timeout: Duration,
}

enum Options {
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
    Sqlite(Box<SqliteConnectOptions>),
}

/// Open connections, bounded in number.
pub(super) enum Pool {
    Postgres(PgPool),
    MySql(MySqlPool),
    Sqlite(SqlitePool),
}

impl Engine {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL",
            Self::Sqlite => "SQLite",
        }
    }

    /// A name that keeps its case.
    pub(super) fn quoted(self, name: &str) -> String {
        match self {
            Self::Postgres | Self::Sqlite => format!("\"{name}\""),
            Self::MySql => format!("`{name}`"),
        }
    }

    pub(super) fn placeholder(self, n: u8) -> String {
        match self {
            Self::Postgres => format!("${n}"),
            Self::MySql => "?".to_owned(),
            Self::Sqlite => format!("?{n}"),
        }
    }
}

impl Target {
    pub(super) fn parse(
        url: &str,
        connections: u32,
        timeout: Duration,
        writes: bool,
    ) -> Result<Self, UrlError> {
        let options = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => {
                let options =
                    PgConnectOptions::from_str(url).map_err(|_| UrlError::Unreadable("PostgreSQL"))?;
                // The server ends a statement that nobody waits for any longer.
                let options = options.application_name("sessiongate");
                let limit = timeout.as_millis().to_string();
                Options::Postgres(Box::new(
                    options.options([("statement_timeout", limit)]).disable_statement_logging(),
                ))
            }
            Some("mysql" | "mariadb") => {
                let url = url.replacen("mariadb:", "mysql:", 1);
                let options =
                    MySqlConnectOptions::from_str(&url).map_err(|_| UrlError::Unreadable("MySQL"))?;
                Options::MySql(Box::new(options.disable_statement_logging()))
            }
            Some("sqlite") => {
                let options =
                    SqliteConnectOptions::from_str(url).map_err(|_| UrlError::Unreadable("SQLite"))?;
                let options = options.create_if_missing(false).read_only(!writes).busy_timeout(timeout);
                if !options.get_filename().exists() {
                    return Err(UrlError::NoFile);
                }
                Options::Sqlite(Box::new(options.disable_statement_logging()))
            }
            _ => return Err(UrlError::Scheme),
        };
        Ok(Self { options, connections, timeout })
    }

    pub(super) fn engine(&self) -> Engine {
        match self.options {
            Options::Postgres(_) => Engine::Postgres,
            Options::MySql(_) => Engine::MySql,
            Options::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// The pool; nothing is connected yet.
    pub(super) fn open(&self) -> Pool {
        match &self.options {
            Options::Postgres(options) => {
                Pool::Postgres(self.bounded(PgPoolOptions::new()).connect_lazy_with((**options).clone()))
            }
            Options::MySql(options) => {
                let seconds = self.timeout.as_secs_f64();
                let pool = self.bounded(MySqlPoolOptions::new()).after_connect(move |connection, _| {
                    Box::pin(async move {
                        // MariaDB knows the first, MySQL the second: each refuses the other's.
                        let mariadb = format!("SET SESSION max_statement_time = {seconds}");
                        let mysql = format!("SET SESSION max_execution_time = {}", (seconds * 1000.0).ceil());
                        if connection.execute(AssertSqlSafe(mariadb)).await.is_err() {
                            drop(connection.execute(AssertSqlSafe(mysql)).await);
                        }
                        Ok(())
                    })
                });
                Pool::MySql(pool.connect_lazy_with((**options).clone()))
            }
            Options::Sqlite(options) => {
                Pool::Sqlite(self.bounded(SqlitePoolOptions::new()).connect_lazy_with((**options).clone()))
            }
        }
    }

    /// A request gives up at the time-out; the pool does so a little earlier, to say that it had no connection.
    fn bounded<DB: sqlx::Database>(&self, pool: PoolOptions<DB>) -> PoolOptions<DB> {
        pool.max_connections(self.connections)
            .acquire_timeout(self.timeout.mul_f64(0.8))
            .idle_timeout(IDLE)
            .max_lifetime(LONGEST_LIFE)
    }
}

impl Pool {
    /// The one row that a statement finds for a token.
    /// Connections in use, and idle ones.
    pub(super) fn connections(&self) -> (u32, u32) {
        let (size, idle) = match self {
            Self::Postgres(pool) => (pool.size(), pool.num_idle()),
            Self::MySql(pool) => (pool.size(), pool.num_idle()),
            Self::Sqlite(pool) => (pool.size(), pool.num_idle()),
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        (size.saturating_sub(idle), idle)
    }

    pub(super) async fn fetch(
        &self,
        select: &str,
        token: &str,
        is_asked_for: impl Fn(&Row) -> bool,
    ) -> Result<Option<Row>, Outage> {
        let sql = AssertSqlSafe(select.to_owned());
        let row = match self {
            Self::Postgres(pool) => fetch_from_postgres(pool, sql, token, is_asked_for).await,
            Self::MySql(pool) => sqlx::query(sql)
                .bind(token)
                .fetch_optional(pool)
                .await
                .map(|row| row.as_ref().map(Row::of_mysql)),
            Self::Sqlite(pool) => sqlx::query(sql)
                .bind(token)
                .fetch_optional(pool)
                .await
                .map(|row| row.as_ref().map(Row::of_sqlite)),
        };
        row.map_err(|error| outage_of(&error))
    }

    /// Whether this call changed the expiry.
    pub(super) async fn renew(
        &self,
        renew: &Renew,
        token: &str,
        was: f64,
        expires: f64,
    ) -> Result<bool, Outage> {
        let Renew { update, clock } = renew;
        let sql = AssertSqlSafe(update.clone());
        // Some columns keep less than what was read of others; a renewal is far later than this.
        let was = milliseconds(was) + 1;
        let expires = milliseconds(expires);
        let changed = match (self, clock) {
            (Self::Postgres(pool), Clock::Native) => {
                let (expires, was) = (moment(expires)?, moment(was)?);
                let query = sqlx::query(sql).bind(expires).bind(token).bind(was);
                query.execute(pool).await.map(|done| done.rows_affected())
            }
            (Self::Postgres(pool), Clock::MillisecondsAsText) => {
                let query = sqlx::query(sql).bind(expires.to_string()).bind(token).bind(was.to_string());
                query.execute(pool).await.map(|done| done.rows_affected())
            }
            (Self::MySql(pool), Clock::Native) => {
                let (expires, was) = (moment(expires)?, moment(was)?);
                let query = sqlx::query(sql).bind(expires).bind(token).bind(was);
                query.execute(pool).await.map(|done| done.rows_affected())
            }
            (Self::MySql(pool), Clock::MillisecondsAsText) => {
                let query = sqlx::query(sql).bind(expires.to_string()).bind(token).bind(was.to_string());
                query.execute(pool).await.map(|done| done.rows_affected())
            }
            (Self::Sqlite(pool), Clock::Native) => {
                let query = sqlx::query(sql).bind(expires).bind(token).bind(was);
                query.execute(pool).await.map(|done| done.rows_affected())
            }
            (Self::Sqlite(pool), Clock::MillisecondsAsText) => {
                let query = sqlx::query(sql).bind(expires.to_string()).bind(token).bind(was.to_string());
                query.execute(pool).await.map(|done| done.rows_affected())
            }
        };
        changed.map(|rows| rows > 0).map_err(|error| outage_of(&error))
    }
}

/// `PostgreSQL` finds a token exactly, so that a row of another one is the answer to another question: a connection on
/// which that happens would answer the next question with it as well, and is given up.
async fn fetch_from_postgres(
    pool: &PgPool,
    sql: AssertSqlSafe<String>,
    token: &str,
    is_asked_for: impl Fn(&Row) -> bool,
) -> Result<Option<Row>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let row = sqlx::query(sql).bind(token).fetch_optional(&mut *connection).await?;
    let row = row.as_ref().map(Row::of_postgres);
    if row.as_ref().is_some_and(|row| !is_asked_for(row)) {
        tracing::warn!("PostgreSQL answered another question, and its connection is given up");
        connection.close_on_drop();
    }
    Ok(row)
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and no such time is ever reached")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

fn moment(milliseconds: i64) -> Result<OffsetDateTime, Outage> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .map_err(|_| Outage::Failed)
}

/// Whose fault it is. The words of a database can quote what it was asked, so only their kind is logged.
fn outage_of(error: &sqlx::Error) -> Outage {
    let (outage, code) = match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
            (Outage::Unreachable, None)
        }
        sqlx::Error::Database(error) => match error.code().as_deref() {
            // PostgreSQL: no more connections, starting, stopping. MySQL: 08004, too many connections.
            Some("53300" | "57P01" | "57P02" | "57P03" | "08004" | "08S01") => {
                (Outage::Unreachable, error.code())
            }
            // A statement was ended because it took too long: PostgreSQL, MariaDB, MySQL.
            Some("57014" | "70100") => (Outage::Timeout, error.code()),
            _ => (Outage::Failed, error.code()),
        },
        _ => (Outage::Failed, None),
    };
    tracing::debug!(code = code.as_deref(), kind = %outage, "database");
    outage
}
