//! `auth.user`: what Auth.js shows an application of the claims.

use serde_json::{Map, Value};

use super::Claims;

/// Claims with a meaning of their own (RFC 7519, section 4.1), and the one that is shown as `image`.
const NOT_SHOWN: [&str; 8] = ["iat", "exp", "nbf", "jti", "iss", "aud", "sub", "picture"];

/// A member of the user: from the claim `user` if that is an object with such a member, else `id` from `sub`
/// or `id`, `image` from `picture` or `image`, and any other claim by its own name.
pub(super) fn member<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    let nested = claims.get("user").and_then(Value::as_object);
    if let Some(value) = nested.and_then(|user| user.get(name)) {
        return Some(value);
    }
    match name {
        "id" => first_of(claims, "sub", "id"),
        "image" => first_of(claims, "picture", "image"),
        "user" if nested.is_some() => None,
        _ if NOT_SHOWN.contains(&name) => None,
        _ => claims.get(name),
    }
}

/// The whole user: every member that there is.
pub(super) fn object(claims: &Claims) -> Map<String, Value> {
    let nested = claims.get("user").and_then(Value::as_object);
    let names = claims.keys().chain(nested.into_iter().flat_map(Map::keys)).map(String::as_str);
    names
        .chain(["id", "image"])
        .filter_map(|name| Some((name.to_owned(), member(claims, name)?.clone())))
        .collect()
}

/// One claim, or the other where the first is missing or null.
fn first_of<'c>(claims: &'c Claims, one: &str, other: &str) -> Option<&'c Value> {
    let (one, other) = (claims.get(one), claims.get(other));
    one.filter(|value| !value.is_null()).or(other).or(one)
}
