//! A session as a store keeps it, and the claims that are made of it.

use std::sync::Arc;

use serde_json::Value;

use super::Claims;
use super::moment::moment;

/// Members of a stored session that are the credential itself: they never become claims.
const TOKENS: [&str; 4] = ["sessionToken", "session_token", "sessiontoken", "token"];

/// Members of a stored session that name its owner.
const OWNERS: [&str; 3] = ["userId", "user_id", "userid"];

/// A session and its user, in the store's own names.
#[derive(Clone, PartialEq)]
pub struct Record {
    pub session: Claims,
    pub user: Claims,
    /// When it ends, in seconds since 1970.
    pub expires: f64,
}

impl Record {
    /// The user's columns, then the session's own, then `user` as a whole; `sub` is the user's id. What the session
    /// calls like a column of the user is shown only in the session's name where that is its `id`.
    pub(in crate::session) fn into_claims(self) -> Arc<Claims> {
        let Self { session, user, .. } = self;
        let mut claims = user.clone();
        claims.remove("id");
        let own = session.into_iter().filter(|(name, _)| !TOKENS.contains(&name.as_str()));
        for (name, value) in own {
            claims.entry(name).or_insert(value);
        }
        let owner = OWNERS.iter().find_map(|name| claims.get(*name));
        let sub = user.get("id").or(owner).filter(|id| id.is_string() || id.is_number());
        if let Some(sub) = sub.cloned() {
            claims.insert("sub".to_owned(), sub);
        }
        if !user.is_empty() {
            claims.insert("user".to_owned(), Value::Object(user));
        }
        Arc::new(claims)
    }

    /// Whether the session is another user's: then one of the two was the answer to another question.
    pub(in crate::session) fn is_mixed_up(&self) -> bool {
        let owner = OWNERS.iter().find_map(|name| text_of(self.session.get(*name)?));
        match (owner, self.user.get("id").and_then(text_of)) {
            (Some(owner), Some(id)) => owner != id,
            _ => false,
        }
    }

    /// When the session began, where the store says so; in seconds since 1970.
    pub(in crate::session) fn created(&self) -> Option<f64> {
        moment(self.session.get("createdAt").or_else(|| self.session.get("created_at"))?)
    }
}

/// The id of a user, which is text, or a number that is written as text.
pub(in crate::session) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Sessions are about a person, so they are not shown.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").field("expires", &self.expires).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_has_the_columns_of_session_and_user_but_never_the_token() {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let record = Record {
            session: object(
                json!({"id": "s1", "sessionToken": "t", "token": "t", "userId": 7, "expires": "x"}),
            ),
            user: object(json!({"id": 7, "email": "ada@example.com", "expires": "never"})),
            expires: 1.0,
        };
        assert_eq!(
            Value::Object(Arc::unwrap_or_clone(record.into_claims())),
            json!({
                "sub": 7, "id": "s1", "userId": 7, "email": "ada@example.com", "expires": "never",
                "user": {"id": 7, "email": "ada@example.com", "expires": "never"},
            })
        );
    }
}
