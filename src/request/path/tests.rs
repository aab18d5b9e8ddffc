use proptest::prelude::*;

use super::*;

fn readings(path: &str) -> Vec<String> {
    let path = RequestPath::parse(path).unwrap();
    path.readings().iter().map(ToString::to_string).collect()
}

#[test]
fn a_plain_path_is_its_only_reading() {
    for path in [
        "/",
        "/a",
        "/a/",
        "/a.b/c-d_e~f",
        "/.well-known/x",
        "/a/..b/...",
        "/@a/:b/$c&d=e,f+g*h!(i)",
        "/[x]|^'",
    ] {
        let parsed = RequestPath::parse(path).unwrap();
        assert!(matches!(&parsed.readings, Readings::One([Cow::Borrowed(only)]) if *only == path), "{path}");
        assert_eq!(parsed.next_forms(), (path, Some(Cow::Borrowed(path))));
    }
}

#[test]
fn an_odd_spelling_reads_as_the_page_it_may_reach() {
    for (path, page) in [
        ("/%61dmin", "/admin"),
        ("/%2561dmin", "/admin"),
        ("//admin", "/admin"),
        (r"/\admin", "/admin"),
        (r"/public\..\admin", "/admin"),
        ("/public/..;/admin", "/admin"),
        ("/public/..;x=1/admin", "/admin"),
        ("/public/%2e%2e/admin", "/admin"),
        ("/public%2f..%2fadmin", "/admin"),
        ("/public/%252e%252e%252fadmin", "/admin"),
        ("/public/.%2e;a//admin", "/admin"),
        ("/admin;x", "/admin"),
        ("/admin%3bx", "/admin"),
        ("/admin#x", "/admin"),
        ("/./admin", "/admin"),
        ("/admin ", "/admin"),
        ("/admin%5c", "/admin/"),
        ("/über", "/%C3%BCber"),
        ("/%C3%BCber", "/über"),
        ("/a%zzb%41", "/a%zzbA"),
        ("/%ff", "/\u{FFFD}"),
    ] {
        assert!(readings(path).contains(&page.to_owned()), "{path}: {:?}", readings(path));
    }
}

#[test]
fn common_paths_have_few_readings() {
    for (path, count) in [
        ("/files/My%20Doc.pdf", 2),
        ("/search/a%2Fb", 2),
        ("/cars;color=red/1", 2),
        ("/a/./b", 2),
        ("//cdn//x", 2),
    ] {
        assert_eq!(readings(path).len(), count, "{path}: {:?}", readings(path));
    }
}

#[test]
fn next_starts_from_the_whatwg_pathname() {
    for (path, pathname, decoded) in [
        ("/a^b|c[d]e'f", "/a^b|c[d]e'f", Some("/a^b|c[d]e'f")),
        ("/a {}<>\"`b", "/a%20%7B%7D%3C%3E%22%60b", Some("/a {}<>\"`b")),
        ("/😀", "/%F0%9F%98%80", Some("/😀")),
        ("/a%zz", "/a%zz", None),
        ("/a%c0%af", "/a%c0%af", None),
        ("/a/%2E%2e/b", "/b", Some("/b")),
        ("/a//../b", "/a/b", Some("/a/b")),
        ("/a/..", "/", Some("/")),
        ("/a/.", "/a/", Some("/a/")),
        (r"/..\b", "/b", Some("/b")),
        ("/a;b#c/../d", "/a;b", Some("/a;b")),
        ("/a%2fb", "/a%2fb", Some("/a/b")),
    ] {
        let parsed = RequestPath::parse(path).unwrap();
        assert_eq!(parsed.next_forms(), (pathname, decoded.map(Cow::Borrowed)), "{path}");
    }
}

#[test]
fn what_no_server_serves_is_refused() {
    let long = format!("/{}", "a".repeat(MAX_LENGTH));
    let ambiguous = format!("/{}", r"%255c;x//..%252f".repeat(400));
    for (path, error) in [
        ("", PathError::NoLeadingSlash),
        ("admin", PathError::NoLeadingSlash),
        ("*", PathError::NoLeadingSlash),
        (long.as_str(), PathError::TooLong { length: MAX_LENGTH + 1 }),
        ("/a\tb", PathError::ControlCharacter),
        ("/a\u{7f}", PathError::ControlCharacter),
        (ambiguous.as_str(), PathError::TooAmbiguous),
    ] {
        assert_eq!(RequestPath::parse(path).unwrap_err(), error, "{path}");
    }
}

/// Paths that are rich in what the rewritings look for.
fn odd_path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/", "//", "\\", ".", "..", ";", ";x=1", "%2e", "%2F", "%5c", "%3b", "%25", "%252e", "%252f", "%",
        "%zz", "%ff", "%C3%BC", "ü", "a", "admin", "#", " ", "😀", "{", "?",
    ]);
    prop::collection::vec(piece, 0..10).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #[test]
    fn every_composition_of_rewritings_yields_a_reading(
        path in odd_path(),
        steps in prop::collection::vec(0..5usize, 0..8),
    ) {
        let Ok(parsed) = RequestPath::parse(&path) else { return Ok(()) };
        let mut reading = path.clone();
        let mut decodes = 0;
        for step in steps {
            let rewritten = match step {
                0 => spelling::slashed(&reading),
                1 => spelling::resolved(&reading),
                2 => spelling::merged(&reading),
                3 => spelling::without_parameters(&reading),
                _ if decodes == 2 => None,
                _ => { decodes += 1; percent::decode(&reading) }
            };
            reading = rewritten.unwrap_or(reading);
            prop_assert!(parsed.readings().iter().any(|known| *known == reading), "{reading} of {path}");
        }
    }

    #[test]
    fn readings_are_distinct_and_hold_what_next_asks(path in odd_path()) {
        let Ok(parsed) = RequestPath::parse(&path) else { return Ok(()) };
        let distinct: std::collections::HashSet<_> = parsed.readings().iter().collect();
        prop_assert_eq!(distinct.len(), parsed.readings().len());
        prop_assert_eq!(parsed.as_sent(), path.as_str());
        let (pathname, decoded) = parsed.next_forms();
        for form in [Some(Cow::Borrowed(pathname)), decoded].into_iter().flatten() {
            prop_assert!(parsed.readings().contains(&form), "{form} of {path}");
        }
    }

    #[test]
    fn a_path_is_plain_exactly_when_nothing_rewrites_it(path in odd_path()) {
        let rewritten = [
            spelling::slashed(&path), spelling::resolved(&path), spelling::merged(&path),
            spelling::without_parameters(&path), percent::decode(&path),
        ];
        if spelling::is_plain(&path) {
            prop_assert!(rewritten.iter().all(Option::is_none));
            prop_assert_eq!(spelling::whatwg_pathname(&path), path);
        }
    }

    #[test]
    fn no_text_makes_it_panic(path in ".*") {
        let _ = RequestPath::parse(&path).map(|path| path.readings().len());
        let _ = RequestPath::parse(&format!("/{path}"));
    }
}
