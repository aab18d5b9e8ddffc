//! Paths and their readings: a host, a space, and a path; or a path alone.

use std::collections::HashSet;
use std::sync::LazyLock;

use futures_util::FutureExt as _;
use percent_encoding::percent_decode_str;
use sessiongate::gate::Gate;
use sessiongate::policy::decision::Decision;
use sessiongate::request::path::{MAX_LENGTH, PathError, RequestPath};
use sessiongate::request::{Headers, HttpRequest, RequestParts};

use crate::granted::may_be_open;
use crate::world;

/// What is guarded, what is open, and a locale in front of both.
static GATES: LazyLock<Vec<Gate>> = LazyLock::new(|| {
    let sessions = "sessions: { web: { kind: jwt, secret: a-secret-a-secret-a-secret } }\n";
    [
        "rules: [{ matcher: '/admin/:path*', access: deny }]\ndefault: { access: public }",
        "rules: [{ matcher: '/public/:path*', access: public }, { matcher: '/', access: public },\n\
         { matcher: '/api/auth/:path*', access: public }, { matcher: '/_next/static/:path*', access: public }]",
        "rules: [{ matcher: '/((?!admin|_next/image).*)', access: public }]",
        "rules: [{ matcher: '/:a/admin/:b?', access: deny }, { matcher: '/a-:x(\\d+).:y', access: deny }]\n\
         default: { access: public }\nnext: { base_path: /docs, trailing_slash: true, build_id: b1 }",
        "rules: [{ matcher: '/admin/:path*', access: deny }, { matcher: '/fr/public', access: public, }]\n\
         default: { access: public }\n\
         next: { i18n: { locales: [en, fr], default_locale: en } }",
    ]
    .map(|rules| world::gate(&format!("{sessions}{rules}")))
    .into()
});

/// The ways in which a server makes one path of another. A space at the end is judged as the end of a URL.
const REWRITINGS: [fn(&str) -> String; 5] = [
    |path| path.replace('\\', "/"),
    |path| path.split(['?', '#']).next().unwrap_or_default().to_owned(),
    |path| {
        let segments: Vec<&str> = path.split('/').map(|s| s.split(';').next().unwrap_or_default()).collect();
        segments.join("/")
    },
    |path| {
        let mut merged = path.to_owned();
        while merged.contains("//") {
            merged = merged.replace("//", "/");
        }
        merged
    },
    without_dots,
];

/// # Panics
/// Where a reading is missing, or a path is decided more leniently than one of its readings.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (host, path) = match text.split_once(' ') {
        Some((host, path)) if !host.starts_with('/') => (host, path),
        _ => ("app.example.com", &*text),
    };
    let parsed = match RequestPath::parse(path) {
        Ok(parsed) => parsed,
        Err(error) => return is_refused_for(path, error),
    };
    assert!(path.starts_with('/') && path.len() <= MAX_LENGTH);
    assert!(!path.bytes().any(|byte| byte.is_ascii_control()), "a control character");
    are_all_there(path, &parsed);
    for (nth, gate) in GATES.iter().enumerate() {
        if passes(gate, host, &parsed) {
            // One of them, which one the path itself says: all of all would be slow, and other paths say another.
            let which =
                path.bytes().fold(nth, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
            let readings = parsed.readings();
            is_as_strict(gate, nth, host, path, &readings[which % readings.len()]);
            assert!(nth != 1 || path.contains('?') || may_be_open(path), "{path} is not open");
        }
    }
}

fn is_refused_for(path: &str, error: PathError) {
    let is_right = match error {
        PathError::NoLeadingSlash => !path.starts_with('/'),
        PathError::TooLong { length } => length == path.len() && length > MAX_LENGTH,
        PathError::ControlCharacter => path.bytes().any(|byte| byte.is_ascii_control()),
        // Few paths of honest clients have any of these.
        PathError::TooAmbiguous => path.contains(['%', '\\', ';', '/', '#', '?']),
    };
    assert!(is_right, "{error}: {path:?}");
}

/// The path itself first, each reading once, and what a server makes of a reading is a reading too; what is decoded
/// a third time need not be one.
fn are_all_there(path: &str, parsed: &RequestPath<'_>) {
    let listed = parsed.readings();
    assert_eq!(listed.first().map(AsRef::as_ref), Some(path));
    assert_eq!(parsed.as_sent(), path);
    let readings: HashSet<&str> = listed.iter().map(AsRef::as_ref).collect();
    assert_eq!(readings.len(), listed.len(), "a reading is there twice");
    for reading in listed {
        for rewrite in REWRITINGS {
            let rewritten = rewrite(reading);
            assert!(readings.contains(&*rewritten), "{path}: {reading} is served as {rewritten}");
        }
    }
    let decode = |path: &str| percent_decode_str(path).decode_utf8_lossy().into_owned();
    for decoded in [decode(path), decode(&decode(path))] {
        assert!(readings.contains(&*decoded), "{path} is served as {decoded}");
    }
    let (pathname, decoded) = parsed.next_forms();
    assert!(readings.contains(pathname));
    assert!(decoded.is_none_or(|decoded| readings.contains(&*decoded)), "{path}: Next.js decodes {pathname}");
}

fn without_dots(path: &str) -> String {
    let mut resolved: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').skip(usize::from(path.starts_with('/'))).collect();
    for (at, segment) in segments.iter().enumerate() {
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    resolved.pop();
                }
                if at + 1 == segments.len() {
                    resolved.push("");
                }
            }
            segment => resolved.push(segment),
        }
    }
    format!("/{}", resolved.join("/"))
}

/// A reading by itself may have too many readings of its own, or be none that could be sent; it is no more lenient then.
fn is_as_strict(gate: &Gate, nth: usize, host: &str, path: &str, reading: &str) {
    let mut forms = 0;
    let Ok(parsed) = RequestPath::parse(reading) else { return };
    let only = request(host, &parsed);
    gate.rules.each_finding(&only, |finding| {
        // What the reading itself asks, and not what it could be decoded to a third time.
        if finding.form.reading == reading {
            forms += 1;
            assert!(
                !matches!(
                    finding.rule.terms.access,
                    sessiongate::policy::Access::Deny | sessiongate::policy::Access::Session
                ),
                "gate {nth}: {path} passes, and its reading {reading} does not"
            );
        }
    });
    assert!(forms > 0, "nothing was asked about {reading}");
}

fn passes(gate: &Gate, host: &str, path: &RequestPath<'_>) -> bool {
    let decision = gate.check(&request(host, path)).now_or_never().expect("no store is asked");
    matches!(decision, Decision::Allow(_))
}

fn request<'r>(host: &'r str, path: &RequestPath<'r>) -> HttpRequest<'r> {
    HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host,
        path: path.clone(),
        query: "",
        headers: Headers::default(),
        now: world::now(),
    })
}
