//! No spelling of a path is decided more leniently than what a server would make of it.

use proptest::prelude::*;
use proptest::sample::select;
use sessiongate::policy::decision::Decision;
use sessiongate::request::path::RequestPath;

use super::{Gate, decide, gate, request};

/// What servers do to a path before they look for a page, each as plainly as it can be said.
#[derive(Clone, Copy, Debug)]
enum Rewriting {
    Decode,
    BackslashesAreSlashes,
    DropParameters,
    MergeSlashes,
    ResolveDots,
    EndAtQuery,
}

use Rewriting::{BackslashesAreSlashes, Decode, DropParameters, EndAtQuery, MergeSlashes, ResolveDots};

impl Rewriting {
    fn apply(self, path: &str) -> String {
        match self {
            Decode => percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned(),
            BackslashesAreSlashes => path.replace('\\', "/"),
            DropParameters => {
                let segments: Vec<&str> =
                    path.split('/').map(|segment| segment.split(';').next().unwrap()).collect();
                segments.join("/")
            }
            EndAtQuery => path.split(['?', '#']).next().unwrap().to_owned(),
            MergeSlashes => {
                let mut merged = path.to_owned();
                while merged.contains("//") {
                    merged = merged.replace("//", "/");
                }
                merged
            }
            ResolveDots => {
                let mut resolved: Vec<&str> = Vec::new();
                let segments: Vec<&str> = path.split('/').skip(1).collect();
                for (at, segment) in segments.iter().enumerate() {
                    let is_last = at + 1 == segments.len();
                    match *segment {
                        "." | ".." => {
                            if *segment == ".." {
                                resolved.pop();
                            }
                            if is_last {
                                resolved.push("");
                            }
                        }
                        segment => resolved.push(segment),
                    }
                }
                format!("/{}", resolved.join("/"))
            }
        }
    }
}

/// Pieces from which confusing paths are made.
fn path() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "/",
        "//",
        "\\",
        "admin",
        "public",
        "a",
        "x",
        ".",
        "..",
        ";",
        ";v=1",
        "%2f",
        "%2F",
        "%5c",
        "%2e",
        "%2e%2e",
        "%252e%252e",
        "%252f",
        "%3f",
        "%253f",
        "%23",
        "%61dmin",
        "%2561dmin",
        "%3b",
        "%25",
        "%zz",
        "%",
        "é",
        "%c3%a9",
        "%ff",
        " ",
        ".json",
        ".rsc",
        "_next/data/b",
    ]);
    proptest::collection::vec(pieces, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

/// Any order and number of rewritings with at most two decodings among them.
fn rewritings() -> impl Strategy<Value = Vec<Rewriting>> {
    let any =
        select(vec![Decode, BackslashesAreSlashes, DropParameters, MergeSlashes, ResolveDots, EndAtQuery]);
    proptest::collection::vec(any, 0..7).prop_filter("at most two decodings", |rewritings| {
        rewritings.iter().filter(|rewriting| matches!(rewriting, Decode)).count() <= 2
    })
}

fn gates() -> Vec<Gate> {
    [
        "rules: [{ matcher: '/admin/:path*', access: deny }]\ndefault: { access: public }",
        "rules: [{ matcher: '/public/:path*', access: public }]",
        "rules: [{ matcher: '/((?!admin).*)', access: public }]",
        "rules: [{ matcher: '/public/:path*', access: public }, { matcher: '/:a/admin', access: deny }]\n\
         default: { access: optional }",
    ]
    .map(gate)
    .into()
}

fn passes(gate: &Gate, path: &str) -> bool {
    // A path that cannot be judged does not pass.
    RequestPath::parse(path).is_ok() && matches!(decide(gate, &request("GET", path, &[])), Decision::Allow(_))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, max_global_rejects: 10_000_000, ..ProptestConfig::default() })]

    #[test]
    fn what_passes_also_passes_as_the_path_that_a_server_makes_of_it(
        path in path(),
        rewritings in rewritings(),
    ) {
        prop_assume!(!path.contains('?') && RequestPath::parse(&path).is_ok());
        let served = rewritings.iter().fold(path.clone(), |path, rewriting| rewriting.apply(&path));
        // A server that ends up with a control character in a path was not asked for a page, and a space at the
        // end of what is sent is judged as the end of a URL, which a URL parser takes off.
        prop_assume!(RequestPath::parse(&served).is_ok() && !served.contains('?') && !served.ends_with(' '));
        thread_local! {
            static GATES: Vec<Gate> = gates();
        }
        GATES.with(|gates| {
            for (nth, gate) in gates.iter().enumerate() {
                prop_assert!(
                    !passes(gate, &path) || passes(gate, &served),
                    "gate {nth}: {path} passes, and is served as {served}, which does not"
                );
            }
            Ok(())
        })?;
    }
}

#[test]
fn every_way_to_spell_a_guarded_path_is_guarded() {
    let gate = gate("rules: [{ matcher: '/admin/:path*', access: deny }]\ndefault: { access: public }");
    for path in [
        "/admin",
        "/admin/",
        "/admin/users",
        "//admin",
        "/./admin",
        "/x/../admin",
        "/x/..;/admin",
        "/admin;x=1",
        "/admin;x/users",
        "/%61dmin",
        "/%2561dmin",
        "/admin%2fusers",
        "/x%2f..%2fadmin",
        "/x%252f..%252fadmin",
        "/\\admin",
        "/x\\..\\admin",
        "/x/%2e%2e/admin",
        "/x/.%2e/admin",
        "/%2fadmin",
        "/%5cadmin",
        "/admin%3bx",
        "/admin//",
        "/admin/.",
        "/public/../../admin",
        "/_next/data/build/admin.json",
        "/_next/data/build/admin/users.json",
        "/admin.rsc",
        "/admin.json",
        "/admin.segments/_tree.segment.rsc",
        "/admin#",
        "/admin/users#x",
        "//x/../admin",
        "/%2e/admin",
        "/a/b/../../admin",
        "/;/admin",
        "/;x/admin",
        "/admin%3fx",
        "/admin%23x",
        "/admin%253fx",
        "/x/..%2fadmin%3f",
    ] {
        assert!(!passes(&gate, path), "{path}");
    }
    for path in ["/", "/adminx", "/public/admin", "/Admin", "/x;admin"] {
        assert!(passes(&gate, path), "{path}");
    }
}

#[test]
fn a_pattern_that_is_too_costly_to_decide_is_never_public() {
    let yaml = "rules: [{ matcher: '/((?:(?=a)(?:a|aa))+)b', access: public }]\ndefault: { access: ACCESS }";
    let path = format!("/{}", "a".repeat(200));
    for (access, expected) in [("session", "deny"), ("deny", "deny")] {
        let gate = gate(&yaml.replace("ACCESS", access));
        let mut undecided = false;
        gate.rules.each_finding(&request("GET", &path, &[]), |finding| undecided |= finding.undecided);
        assert!(undecided, "the limit was not reached");
        assert_eq!(decide(&gate, &request("GET", &path, &[])).label(), expected);
    }
    let gate = gate(&yaml.replace("ACCESS", "public"));
    assert_eq!(
        decide(&gate, &request("GET", &path, &[])).label(),
        "deny",
        "no rule is strict, and nothing passes"
    );
}
