//! `kind: database`.

use super::Written;
use crate::config::error::Problems;
use crate::session::Provider;
use crate::session::database::{Database, DatabaseError, DatabaseOptions, Layout, Schema};
use crate::session::stored::{Store, Stored};

const CONNECTIONS: u32 = 10;
const MOST_CONNECTIONS: u32 = 1000;

pub(super) fn resolve(written: &Written<'_>, problems: &mut Problems) -> Option<Provider> {
    let options = written.stored_options(problems);
    let layout = layout(written, problems);
    let database = written.database(layout?, problems);
    Some(Provider::Stored(Stored::new(written.name, Store::Database(database?), options?)))
}

fn layout<'w>(written: &'w Written<'_>, problems: &mut Problems) -> Option<Layout<'w>> {
    let raw = &written.raw;
    match (&raw.schema, &raw.query) {
        (Some(schema), None) => problems.ok(&written.key("schema"), schema.parse()).map(Layout::Schema),
        (None, Some(query)) => {
            if raw.refresh {
                problems.error(written.key("refresh"), "needs a `schema`: a query of your own only reads");
            }
            Some(Layout::Query(query))
        }
        (Some(_), Some(_)) => {
            problems.error(written.key("query"), "stands beside `schema`: keep one of them");
            None
        }
        (None, None) => {
            let message =
                "is missing: write the adapter's name, as in `pg-adapter`, or a `query` of your own";
            problems.error(written.key("schema"), message);
            None
        }
    }
}

impl Written<'_> {
    /// The database at `url`.
    pub(super) fn database(&self, layout: Layout<'_>, problems: &mut Problems) -> Option<Database> {
        let connections = self.raw.connections.unwrap_or(CONNECTIONS);
        if !(1..=MOST_CONNECTIONS).contains(&connections) {
            problems.error(self.key("connections"), format!("must be 1 to {MOST_CONNECTIONS}"));
        }
        let Some(url) = &self.raw.url else {
            problems.error(
                self.key("url"),
                "is missing: write the URL of the database, as in `postgres://app@db/app`",
            );
            return None;
        };
        let timeout = self.timeout(problems)?;
        let options = DatabaseOptions { url, layout, connections, timeout, writes: self.raw.refresh };
        match Database::new(&options) {
            Ok(database) => Some(database),
            Err(error) => {
                let key = match &error {
                    DatabaseError::Url(_) => "url",
                    DatabaseError::Query(_) => "query",
                    DatabaseError::Engine { .. } => "schema",
                };
                problems.error(self.key(key), error);
                None
            }
        }
    }

    /// Whether `url` is that of a database.
    pub(super) fn is_database(&self) -> bool {
        const SCHEMES: [&str; 5] = ["postgres", "postgresql", "mysql", "mariadb", "sqlite"];
        let scheme = self.raw.url.as_deref().and_then(|url| url.split(':').next());
        scheme.is_some_and(|scheme| SCHEMES.contains(&scheme))
    }
}

/// The tables that Better Auth makes.
pub(super) const BETTER_AUTH: Layout<'static> = Layout::Schema(Schema::BetterAuth);
