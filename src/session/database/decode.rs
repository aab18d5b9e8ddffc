//! Rows as JSON, as an adapter would hand them to JavaScript.

use std::time::Duration;

use serde_json::{Map, Value};
use sqlx::mysql::MySqlRow;
use sqlx::postgres::{PgRow, PgTypeInfo, PgTypeKind};
use sqlx::sqlite::SqliteRow;
use sqlx::types::Uuid;
use sqlx::types::time::{Date, OffsetDateTime, PrimitiveDateTime};
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use super::query::{DIVIDER, Queries};
use crate::session::moment::{iso, moment};
use crate::session::stored::Record;
use crate::session::{Claims, Outage};

/// The columns of the session and those of the user.
pub(super) struct Row {
    session: Claims,
    user: Claims,
}

impl Row {
    pub(super) fn of_postgres(row: &PgRow) -> Self {
        Self::of(row.columns().iter().map(|column| {
            let kind = column.type_info();
            (column.name(), of_postgres(row, column.ordinal(), kind))
        }))
    }

    pub(super) fn of_mysql(row: &MySqlRow) -> Self {
        Self::of(row.columns().iter().map(|column| {
            let kind = column.type_info().name();
            (column.name(), of_mysql(row, column.ordinal(), kind))
        }))
    }

    pub(super) fn of_sqlite(row: &SqliteRow) -> Self {
        Self::of(row.columns().iter().map(|column| (column.name(), of_sqlite(row, column.ordinal()))))
    }

    /// What cannot be said in JSON is left out.
    fn of<'c>(columns: impl Iterator<Item = (&'c str, Option<Value>)>) -> Self {
        let (mut session, mut user, mut is_user) = (Map::new(), Map::new(), false);
        for (name, value) in columns {
            if name == DIVIDER {
                is_user = true;
            } else if let Some(value) = value {
                let columns = if is_user { &mut user } else { &mut session };
                columns.insert(name.to_owned(), value);
            }
        }
        Self { session, user }
    }

    /// Whether it is the row of the token, where the schema says which column holds it.
    pub(super) fn is_of(&self, token: &str, queries: &Queries) -> bool {
        let Some(column) = queries.token else { return true };
        let stored = self.session.get(column).and_then(Value::as_str).unwrap_or_default();
        aws_lc_rs::constant_time::verify_slices_are_equal(stored.as_bytes(), token.as_bytes()).is_ok()
    }

    /// The session, if it is that of the token.
    ///
    /// # Errors
    /// Where the row does not say when the session ends: the query, or the schema, is another one.
    pub(super) fn into_record(self, token: &str, queries: &Queries) -> Result<Option<Record>, Outage> {
        if !self.is_of(token, queries) {
            return Ok(None);
        }
        let Self { session, user } = self;
        let expires = queries.expires.iter().find_map(|name| session.get(*name)).and_then(moment);
        let Some(expires) = expires else {
            tracing::warn!("a session in the database does not say when it ends");
            return Err(Outage::Failed);
        };
        Ok(Some(Record { session, user, expires }))
    }
}

/// As `JSON.stringify` writes a `Date`.
fn date(at: OffsetDateTime) -> Option<Value> {
    let since = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()?;
    iso(Duration::from_millis(since).as_secs_f64()).map(Value::String)
}

fn of_postgres(row: &PgRow, at: usize, kind: &PgTypeInfo) -> Option<Value> {
    if row.try_get_raw(at).ok()?.is_null() {
        return Some(Value::Null);
    }
    match kind.name() {
        "BOOL" => row.try_get::<bool, _>(at).ok().map(Value::from),
        "INT2" => row.try_get::<i16, _>(at).ok().map(Value::from),
        "INT4" => row.try_get::<i32, _>(at).ok().map(Value::from),
        "INT8" => row.try_get::<i64, _>(at).ok().map(integer),
        "FLOAT4" => row.try_get::<f32, _>(at).ok().map(Value::from),
        "FLOAT8" => row.try_get::<f64, _>(at).ok().map(Value::from),
        "UUID" => row.try_get::<Uuid, _>(at).ok().map(|uuid| Value::String(uuid.to_string())),
        "JSON" | "JSONB" => row.try_get::<Value, _>(at).ok(),
        "TIMESTAMPTZ" => row.try_get::<OffsetDateTime, _>(at).ok().and_then(date),
        "TIMESTAMP" => row.try_get::<PrimitiveDateTime, _>(at).ok().and_then(|at| date(at.assume_utc())),
        "DATE" => row.try_get::<Date, _>(at).ok().map(|date| Value::String(date.to_string())),
        "TEXT[]" | "VARCHAR[]" => row.try_get::<Vec<String>, _>(at).ok().map(Value::from),
        "INT4[]" => row.try_get::<Vec<i32>, _>(at).ok().map(Value::from),
        "BYTEA" | "NUMERIC" => None,
        _ if matches!(kind.kind(), PgTypeKind::Simple | PgTypeKind::Enum(_) | PgTypeKind::Domain(_)) => {
            row.try_get_unchecked::<String, _>(at).ok().map(Value::from)
        }
        _ => None,
    }
}

fn of_mysql(row: &MySqlRow, at: usize, kind: &str) -> Option<Value> {
    if row.try_get_raw(at).ok()?.is_null() {
        return Some(Value::Null);
    }
    match kind {
        "BOOLEAN" => row.try_get::<bool, _>(at).ok().map(Value::from),
        "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
            row.try_get::<i64, _>(at).ok().map(integer)
        }
        "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" | "INT UNSIGNED"
        | "BIGINT UNSIGNED" => row
            .try_get::<u64, _>(at)
            .ok()
            .map(|n| i64::try_from(n).map_or_else(|_| n.to_string().into(), integer)),
        "FLOAT" | "DOUBLE" => row.try_get::<f64, _>(at).ok().map(Value::from),
        "JSON" => row.try_get::<Value, _>(at).ok(),
        "TIMESTAMP" => row.try_get::<OffsetDateTime, _>(at).ok().and_then(date),
        "DATETIME" => row.try_get::<PrimitiveDateTime, _>(at).ok().and_then(|at| date(at.assume_utc())),
        "DATE" => row.try_get::<Date, _>(at).ok().map(|date| Value::String(date.to_string())),
        _ => row.try_get::<String, _>(at).ok().map(Value::from),
    }
}

fn of_sqlite(row: &SqliteRow, at: usize) -> Option<Value> {
    let raw = row.try_get_raw(at).ok()?;
    if raw.is_null() {
        return Some(Value::Null);
    }
    match raw.type_info().name() {
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(at).ok().map(integer),
        "REAL" | "NUMERIC" => row.try_get_unchecked::<f64, _>(at).ok().map(Value::from),
        "BLOB" => None,
        _ => row.try_get_unchecked::<String, _>(at).ok().map(Value::from),
    }
}

/// Past 2^53 JavaScript cannot tell one number from the next, so it is text, as its drivers hand it over.
fn integer(n: i64) -> Value {
    const EXACT: i64 = 1 << 53;
    if (-EXACT..=EXACT).contains(&n) { Value::from(n) } else { Value::String(n.to_string()) }
}
