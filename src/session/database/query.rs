//! The statements: those of a schema in the words of an engine, or one of the operator's own.

use super::pool::Engine;
use super::schema::{Clock, Tables};
use super::{DatabaseError, Layout};

/// The column that stands between those of the session and those of the user.
pub(super) const DIVIDER: &str = "__sessiongate_user";

/// The names under which an expiry is looked for.
pub(super) const EXPIRES: [&str; 4] = ["expires", "expiresAt", "expires_at", "expiresat"];

/// The statements of one provider.
pub(super) struct Queries {
    /// One placeholder: the token.
    pub select: String,
    /// The column of the session that has to hold the token; unknown for a query of the operator's own.
    pub token: Option<&'static str>,
    /// The column of the session that tells when it ends.
    pub expires: &'static [&'static str],
    pub renew: Option<Renew>,
}

/// The statement that gives a session a new expiry; its placeholders are the new one, the token and the old one.
pub(super) struct Renew {
    pub update: String,
    pub clock: Clock,
}

/// Why a query cannot be used: for whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("has {0} placeholders for the token; write exactly one, `$1` in PostgreSQL, `?` elsewhere")]
    Placeholders(usize),
    #[error("must be one SELECT")]
    NotASelect,
}

impl Queries {
    pub(super) fn new(layout: Layout<'_>, engine: Engine) -> Result<Self, DatabaseError> {
        match layout {
            Layout::Schema(schema) if schema.is_there_for(engine) => Ok(Self::of(&schema.tables(), engine)),
            Layout::Schema(schema) => Err(DatabaseError::Engine { schema, engine: engine.name() }),
            Layout::Query(query) => {
                Ok(Self { select: check(query, engine)?, token: None, expires: &EXPIRES, renew: None })
            }
        }
    }

    /// The token is compared by the database, through its index, and once more here: some collations find `A` for `a`.
    fn of(tables: &Tables, engine: Engine) -> Self {
        let Tables { session, user, token, expires, clock } = *tables;
        let [session, user, token_column, expires_column, owner, id, divider] =
            [session, user, token, expires, "userId", "id", DIVIDER].map(|name| engine.quoted(name));
        let [first, second, third] = [1, 2, 3].map(|n| engine.placeholder(n));
        let select = format!(
            "SELECT s.*, 1 AS {divider}, u.* FROM {session} s JOIN {user} u ON u.{id} = s.{owner} \
             WHERE s.{token_column} = {first}"
        );
        // SQLite has no type for time: a row keeps the kind of value that its adapter wrote.
        let update = match engine {
            Engine::Sqlite if clock == Clock::Native => format!(
                "UPDATE {session} SET {expires_column} = CASE typeof({expires_column}) \
                 WHEN 'integer' THEN CAST({first} AS INTEGER) \
                 ELSE strftime('%Y-%m-%dT%H:%M:%fZ', {first} / 1000.0, 'unixepoch') END \
                 WHERE {token_column} = {second} AND CASE typeof({expires_column}) \
                 WHEN 'integer' THEN {expires_column} \
                 ELSE CAST(ROUND((julianday({expires_column}) - 2440587.5) * 86400000.0) AS INTEGER) END <= {third}"
            ),
            Engine::Postgres | Engine::MySql | Engine::Sqlite => format!(
                "UPDATE {session} SET {expires_column} = {first} \
                 WHERE {token_column} = {second} AND {expires_column} <= {third}"
            ),
        };
        let expires: &'static [&'static str] =
            if expires == "expires" { &["expires"] } else { &["expiresAt"] };
        Self { select, token: Some(token), expires, renew: Some(Renew { update, clock }) }
    }
}

/// A query of the operator's own is trusted, but a slip is told.
fn check(query: &str, engine: Engine) -> Result<String, QueryError> {
    let query = query.trim().trim_end_matches(';');
    let first = query.split_whitespace().next().unwrap_or_default();
    let is_select = first.eq_ignore_ascii_case("select") || first.eq_ignore_ascii_case("with");
    if !is_select || query.contains(';') {
        return Err(QueryError::NotASelect);
    }
    let count = |placeholder: &str| query.matches(placeholder).count();
    match (count("$1"), count("?"), engine) {
        (1, 0, Engine::Postgres) | (0, 1, Engine::MySql | Engine::Sqlite) => Ok(query.to_owned()),
        (0, 1, Engine::Postgres) => Ok(query.replace('?', "$1")),
        (1, 0, Engine::MySql | Engine::Sqlite) => Ok(query.replace("$1", "?")),
        (numbered, asked, _) => Err(QueryError::Placeholders(numbered + asked)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_one_placeholder_in_whichever_way_it_is_written() {
        let select = "SELECT * FROM s WHERE t = ";
        for (query, engine, expected) in [
            (format!("{select}$1;"), Engine::Postgres, Ok(format!("{select}$1"))),
            (format!("{select}?"), Engine::Postgres, Ok(format!("{select}$1"))),
            (format!("{select}$1"), Engine::MySql, Ok(format!("{select}?"))),
            (format!("{select}'x'"), Engine::Sqlite, Err(QueryError::Placeholders(0))),
            (format!("{select}? OR t = ?"), Engine::Sqlite, Err(QueryError::Placeholders(2))),
            (format!("{select}?; DELETE FROM s"), Engine::Sqlite, Err(QueryError::NotASelect)),
            ("DELETE FROM s WHERE t = ?".to_owned(), Engine::Sqlite, Err(QueryError::NotASelect)),
        ] {
            assert_eq!(check(&query, engine), expected, "{query}");
        }
    }
}
