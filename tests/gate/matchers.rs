//! Patterns in matchers mean what they mean in JavaScript, also those that seldom stand in a path.

use super::{decide, gate, request};

#[test]
fn classes_escapes_and_repetitions_are_those_of_javascript() {
    for (pattern, hits, misses) in [
        (r"\D+", &["ab", "a-b"][..], &["a1", "12"][..]),
        (r"\S+", &["ab"], &["a%20b", "%C2%A0"]),
        (r"\W+", &["--", "-.~"], &["a", "-a-", "_"]),
        (r"\w+", &["a_1"], &["a-1", "%C3%A9"]),
        (r"[\D]+", &["ab"], &["a1"]),
        (r"[\S]+", &["ab"], &["a%20b"]),
        (r"[^\W]+", &["a_1"], &["a-1"]),
        (r"[\d-]+", &["1-2"], &["1-a"]),
        // In a class `\b` is a backspace, elsewhere the edge of a word.
        (r"[\bx]+", &["x"], &["b", "xb"]),
        (r"a\Bb", &["ab"], &["a-b"]),
        (r"a\b-b", &["a-b"], &["ab"]),
        (r"a\B-b", &[], &["a-b", "ab"]),
        (r"a[\f\n\r\t\v]b", &[], &["afb", "anb", "arb", "atb", "avb"]),
        (r"\x41\u0042\103", &["ABC"], &["x41u0042103", "abc"]),
        (r"a{2,}", &["aa", "aaa"], &["a", "a{2,}"]),
        (r"a{2}", &["aa"], &["a", "aaa"]),
        (r"a{1,2}b?", &["a", "aab"], &["aaab", "b"]),
    ] {
        let gate = gate(&format!("rules: [{{ matcher: '/x/:name({pattern})', access: public }}]"));
        let is_open =
            |name: &&&str| decide(&gate, &request("GET", &format!("/x/{name}"), &[])).label() == "allow";
        let missed: Vec<_> = hits.iter().filter(|name| !is_open(name)).collect();
        assert!(missed.is_empty(), "{pattern} should hit {missed:?}");
        let hit: Vec<_> = misses.iter().filter(is_open).collect();
        assert!(hit.is_empty(), "{pattern} should not hit {hit:?}");
    }
}
