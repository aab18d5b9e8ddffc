//! The tables that adapters make.

use std::fmt;
use std::str::FromStr;

use super::pool::Engine;

/// Whose tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    PgAdapter,
    Prisma,
    Drizzle,
    Typeorm,
    Kysely,
    BetterAuth,
}

/// The names of two tables and of the columns that matter.
pub(super) struct Tables {
    pub session: &'static str,
    pub user: &'static str,
    pub token: &'static str,
    pub expires: &'static str,
    pub clock: Clock,
}

/// How a column tells the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// In the engine's own type; in `SQLite` as whatever stands there.
    Native,
    /// Milliseconds since 1970 as text, as `TypeORM`'s adapter writes it.
    MillisecondsAsText,
}

const NAMES: [(Schema, &str); 6] = [
    (Schema::PgAdapter, "pg-adapter"),
    (Schema::Prisma, "prisma"),
    (Schema::Drizzle, "drizzle"),
    (Schema::Typeorm, "typeorm"),
    (Schema::Kysely, "kysely"),
    (Schema::BetterAuth, "better-auth"),
];

/// The name is none of a schema; for whoever wrote it.
#[derive(Debug, thiserror::Error)]
#[error(
    "is none of pg-adapter, prisma, drizzle, typeorm, kysely, better-auth; with tables of your own write `query`"
)]
pub struct UnknownSchema;

impl Schema {
    pub(super) const fn tables(self) -> Tables {
        let (session, user) = match self {
            Self::PgAdapter | Self::Typeorm => ("sessions", "users"),
            Self::Prisma | Self::Kysely => ("Session", "User"),
            Self::Drizzle | Self::BetterAuth => ("session", "user"),
        };
        let (token, expires) = match self {
            Self::BetterAuth => ("token", "expiresAt"),
            _ => ("sessionToken", "expires"),
        };
        let clock = match self {
            Self::Typeorm => Clock::MillisecondsAsText,
            _ => Clock::Native,
        };
        Tables { session, user, token, expires, clock }
    }

    /// Whether the adapter works with the engine.
    pub(super) const fn is_there_for(self, engine: Engine) -> bool {
        match self {
            Self::PgAdapter => matches!(engine, Engine::Postgres),
            _ => true,
        }
    }
}

impl FromStr for Schema {
    type Err = UnknownSchema;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        NAMES.iter().find(|(_, name)| *name == text).map(|(schema, _)| *schema).ok_or(UnknownSchema)
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(schema, _)| schema == self).map_or("", |(_, name)| *name);
        f.write_str(name)
    }
}
