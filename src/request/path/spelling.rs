//! The ways in which servers rewrite a path, one function each. `None` when a path stays as it is.

/// Whether none of the rewritings changes the path.
pub fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    let mut after_slash = false;
    for (index, &byte) in bytes.iter().enumerate() {
        if IS_SPECIAL.get(usize::from(byte)).is_none_or(|special| *special) {
            return false;
        }
        let has_dots = || bytes.get(index..).is_none_or(starts_with_dots);
        if after_slash && (byte == b'/' || (byte == b'.' && has_dots())) {
            return false;
        }
        after_slash = byte == b'/';
    }
    true
}

/// Bytes that some rewriting treats in a special way wherever they stand.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const IS_SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[allow(clippy::cast_possible_truncation, reason = "below 256")]
        let b = byte as u8;
        special[byte] = matches!(b, b'%' | b'\\' | b';' | b'#') || is_encoded_by_whatwg(b);
        byte += 1;
    }
    special
};

/// The path percent-encode set of the URL standard; controls and all that is not ASCII belong to it.
const fn is_encoded_by_whatwg(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b'"' | b'#' | b'<' | b'>' | b'?' | b'`' | b'{' | b'}' | 0x7F..)
}

fn starts_with_dots(segment: &[u8]) -> bool {
    matches!(segment, [b'.'] | [b'.', b'/', ..] | [b'.', b'.'] | [b'.', b'.', b'/', ..])
}

/// Backslashes read as slashes.
pub fn slashed(path: &str) -> Option<String> {
    path.contains('\\').then(|| path.replace('\\', "/"))
}

/// Repeated slashes merged.
pub fn merged(path: &str) -> Option<String> {
    if !path.contains("//") {
        return None;
    }
    let mut merged = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !merged.ends_with('/') {
            merged.push(c);
        }
    }
    Some(merged)
}

/// Path parameters dropped: each segment ends at its first `;`.
pub fn without_parameters(path: &str) -> Option<String> {
    if !path.contains(';') {
        return None;
    }
    let segments: Vec<&str> =
        path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    Some(segments.join("/"))
}

/// What stands before a `?` or `#`: a proxy that decodes a path and sends it on has turned `%3f` into the start
/// of a query.
pub fn without_query(path: &str) -> Option<String> {
    path.split_once(['?', '#']).map(|(path, _)| path.to_owned())
}

/// Dot segments resolved as in RFC 3986, section 5.2.4.
pub fn resolved(path: &str) -> Option<String> {
    let resolved = resolve(path, |segment| match segment {
        "." => Dots::One,
        ".." => Dots::Two,
        _ => Dots::None,
    });
    (resolved != path).then_some(resolved)
}

/// Dot segments resolved as a WHATWG URL parser does, to which `%2e` is a dot.
pub fn resolved_as_url(path: &str) -> Option<String> {
    let resolved = resolve(path, url_dots);
    (resolved != path).then_some(resolved)
}

/// `new URL('http://n' + path).pathname` for a path without query and fragment: backslashes are slashes, dot
/// segments may be encoded, and some characters get encoded.
pub fn whatwg_pathname(path: &str) -> String {
    let resolved = resolve(&path.replace('\\', "/"), url_dots);
    let mut pathname = String::with_capacity(resolved.len());
    for byte in resolved.bytes() {
        if is_encoded_by_whatwg(byte) {
            pathname.push_str(percent_encoding::percent_encode_byte(byte));
        } else {
            pathname.push(char::from(byte));
        }
    }
    pathname
}

enum Dots {
    None,
    One,
    Two,
}

fn url_dots(segment: &str) -> Dots {
    if !segment.contains(['.', '%']) || segment.len() > "%2e%2e".len() {
        return Dots::None;
    }
    match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
        "." => Dots::One,
        ".." => Dots::Two,
        _ => Dots::None,
    }
}

/// The path after a leading slash, segment by segment; a dot segment at the end leaves its slash.
fn resolve(path: &str, dots: impl Fn(&str) -> Dots) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut pieces = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(piece) = pieces.next() {
        let kind = dots(piece);
        match kind {
            Dots::None => segments.push(piece),
            Dots::One => {}
            Dots::Two => drop(segments.pop()),
        }
        if pieces.peek().is_none() && !matches!(kind, Dots::None) {
            segments.push("");
        }
    }
    format!("/{}", segments.join("/"))
}
