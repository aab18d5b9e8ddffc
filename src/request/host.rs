//! The name in a `Host` header or `:authority`, without what does not name the host.

/// The host without its port and without the dot that ends a fully qualified name. An IPv6 address keeps its
/// brackets. The case is as sent: compare without regard to it.
#[must_use]
pub fn host_name(authority: &str) -> &str {
    let end = if authority.starts_with('[') {
        authority.find(']').map_or(authority.len(), |bracket| bracket + 1)
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    // `end` is the index of an ASCII character, or one past it, or the end.
    let name = authority.get(..end).unwrap_or(authority);
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::host_name;

    #[test]
    fn a_host_is_named_without_its_port_and_final_dot() {
        for (authority, name) in [
            ("app.example.com", "app.example.com"),
            ("app.example.com:8443", "app.example.com"),
            ("app.example.com.", "app.example.com"),
            ("app.example.com.:443", "app.example.com"),
            ("[::1]:8080", "[::1]"),
            ("[::1", "[::1"),
            (":80", ""),
            ("", ""),
        ] {
            assert_eq!(host_name(authority), name, "{authority}");
        }
    }
}
