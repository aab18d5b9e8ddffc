use super::*;

#[test]
fn patterns_answer_as_javascript_does() {
    let hit = Verdict::Hit;
    let miss = Verdict::Miss;
    // The verdicts are those of `new RegExp(pattern).test(text)` in Node.js 20.
    for (pattern, text, verdict) in [
        (r"^\d$", "٣", miss),
        (r"^\w$", "é", miss),
        (r"^\s$", "\u{FEFF}", hit),
        (r"^\s$", "\u{85}", miss),
        (r"^.$", "\u{2028}", miss),
        (r"^.$", "\u{85}", hit),
        (r"^.$", "😀", miss),
        (r"^..$", "😀", hit),
        (r"^[😀]$", "😀", miss),
        (r"^[😀]{2}$", "😀", hit),
        (r"^\ud83d.$", "😀", hit),
        (r"^[^/]$", "\u{10D83D}", miss),
        (r"a$", "a\n", miss),
        (r"^a[^]b$", "a\nb", hit),
        (r"^[]$", "", miss),
        (r"\ba", "éa", hit),
        (r"(?=.)\ba", "éa", hit),
        (r"(?=.)\Ba", "éa", miss),
        (r"^[[a]+$", "[a", hit),
        (r"^[a&&b]$", "&", hit),
        (r"^[[:alpha:]]$", "x]", miss),
        (r"^[\d-a]$", "-", hit),
        (r"^\p{L}$", "p{L}", hit),
        (r"^\u{3}$", "uuu", hit),
        (r"^\x6$", "x6", hit),
        (r"^\c$", r"\c", hit),
        (r"^[\c1]$", "\u{11}", hit),
        (r"^\cA\0\07\101\8$", "\u{1}\0\u{7}A8", hit),
        (r"^a{,2}$", "a{,2}", hit),
        (r"^x{1$", "x{1", hit),
        (r"foo|bar", "xfoo", hit),
        (r"^foo|bar$", "foolish", hit),
        (r"^(a)?\1b$", "b", hit),
        (r"^(?:(a)|b)\1$", "b", hit),
        (r"^\1(a)$", "a", hit),
        (r"^(a\1)$", "a", hit),
        (r"^(?:(?!(a))b|a)\1$", "b", hit),
        (r"^(?=(a+))\1b$", "aab", hit),
        (r"^(?=(a+?))\1b$", "aab", miss),
        (r"^(?<n>[ab])x\k<n>$", "bxb", hit),
        (r"^(?<n>[ab])x\k<n>$", "bxa", miss),
        (r"^(?:(a)b){2}\1$", "ababa", hit),
        (r"^(?=a)*b$", "b", hit),
        (r"^(?=a)+b$", "b", miss),
        (r"(?<=^|/)a$", "b/a", hit),
        (r"(?<!/|^)a$", "b/a", miss),
    ] {
        assert_eq!(Pattern::compile(pattern).unwrap().is_match(text), verdict, "{pattern} on {text:?}");
    }
}

#[test]
fn only_look_around_and_backreferences_backtrack() {
    for (pattern, linear) in [
        (r"^(?:a|aa)+b$", true),
        (r"^(a)b\2$", true),
        (r"^\1(a)$", true),
        (r"^(?!a).*$", false),
        (r"^(a)\1$", false),
        (r"^(?:b(?<=b))*$", false),
    ] {
        assert_eq!(Pattern::compile(pattern).unwrap().is_linear(), linear, "{pattern}");
    }
}

#[test]
fn a_search_without_end_is_given_up() {
    let pattern = Pattern::compile(r"^(?:(?=a)a+)+b$").unwrap();
    assert_eq!(pattern.is_match(&"a".repeat(40)), Verdict::Undecided);
    assert_eq!(pattern.is_match("aaab"), Verdict::Hit);
}

#[test]
fn what_cannot_be_followed_is_refused() {
    for (pattern, reason) in [
        (r"^(?:(a)|b)*\1$", "backreference to group 1"),
        (r"^(a*)*\1$", "backreference to group 1"),
        (r"(?<=(a))\1", "a lookbehind takes part in a backreference"),
        (r"(a)(?<=\1)", "a lookbehind takes part in a backreference"),
        (r"^.{1,99999}$", "too large"),
        (r"(?i)a", "Invalid group"),
    ] {
        let refusal = Pattern::compile(pattern).unwrap_err().to_string();
        assert!(refusal.contains(reason), "{pattern}: {refusal}");
    }
    assert_eq!(parse(&"a".repeat(MAX_SOURCE + 1)).unwrap_err(), EcmaError::TooLarge);
}
