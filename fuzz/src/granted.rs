//! An upper bound of what the rules of [`crate::world`] open to everybody, said in another way than by matchers: the
//! path is made as plain as a server could make it, and then has to begin in one of a few ways.

use percent_encoding::percent_decode_str;

/// Whether the path of a request target can be one that needs no session.
#[must_use]
pub fn may_be_open(target: &str) -> bool {
    let path = plain(target.split('?').next().unwrap_or_default());
    let page = without_data_prefix(&path).unwrap_or(&path);
    [&*path, page].iter().any(|path| is_open(path))
}

fn is_open(path: &str) -> bool {
    let is_home = matches!(path, "" | "/") || path.starts_with("/index") || path.starts_with("index");
    is_home
        || ["/api/auth", "/_next/static", "/public"].iter().any(|section| {
            path.strip_prefix(section).is_some_and(|rest| {
                rest.is_empty()
                    || ["/", ".json", ".rsc", ".segments/"].iter().any(|end| rest.starts_with(end))
            })
        })
}

fn without_data_prefix(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/_next/data/")?;
    Some(rest.find('/').map_or("", |end| &rest[end..]))
}

/// Decoded twice, cut off at a query, in plain slashes, without parameters, repeated slashes and dot segments.
fn plain(path: &str) -> String {
    let decode = |path: &str| percent_decode_str(path).decode_utf8_lossy().into_owned();
    let decoded = decode(&decode(path)).replace('\\', "/");
    let path = decoded.split(['?', '#']).next().unwrap_or_default();
    let mut segments: Vec<&str> = Vec::new();
    let mut ends_in_slash = true;
    for segment in path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()) {
        ends_in_slash = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let end = if ends_in_slash && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}
