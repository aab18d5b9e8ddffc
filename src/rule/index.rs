//! Finds the few rules that a path can match among thousands, by the literal text that their sources begin with.

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};
use smallvec::SmallVec;

use super::matcher::Matcher;
use super::next::NextConfig;

/// Rules by literal prefix. A rule is listed under the prefix of each of its matchers.
#[derive(Debug)]
pub(crate) struct PrefixIndex {
    /// Recognises every listed prefix at the start of a path in one pass; `None` where there are none.
    prefixes: Option<AhoCorasick>,
    /// For each prefix the rules with it, ascending.
    rules_of: Vec<Vec<usize>>,
    /// The rules with a matcher without a literal prefix, ascending.
    always: Vec<usize>,
}

impl PrefixIndex {
    /// `rules`: for each rule, in order, its matchers.
    pub(crate) fn new<'m, M: Iterator<Item = &'m Matcher>>(rules: impl Iterator<Item = M>) -> Self {
        let mut always = Vec::new();
        let mut listed: std::collections::BTreeMap<String, Vec<usize>> = std::collections::BTreeMap::new();
        for (at, matchers) in rules.enumerate() {
            for matcher in matchers {
                let rules = match matcher.literal_prefix() {
                    "" => &mut always,
                    prefix => listed.entry(prefix.to_owned()).or_default(),
                };
                if rules.last() != Some(&at) {
                    rules.push(at);
                }
            }
        }
        let (texts, rules_of): (Vec<String>, Vec<Vec<usize>>) = listed.into_iter().unzip();
        match automaton(&texts) {
            Some(prefixes) => Self { prefixes: Some(prefixes), rules_of, always },
            None => Self { prefixes: None, rules_of: Vec::new(), always: union(always, rules_of) },
        }
    }

    /// The rules that can match, ascending.
    pub(crate) fn candidates(&self, next: &NextConfig, asked: &str) -> SmallVec<[usize; 16]> {
        let mut found: SmallVec<[usize; 16]> = SmallVec::from_slice(&self.always);
        if let Some(prefixes) = &self.prefixes {
            for key in next.index_keys(asked) {
                let input = Input::new(key).anchored(Anchored::Yes);
                let mut state = aho_corasick::automaton::OverlappingState::start();
                loop {
                    prefixes.find_overlapping(input.clone(), &mut state);
                    let Some(hit) = state.get_match() else { break };
                    found.extend(self.rules_of.get(hit.pattern().as_usize()).into_iter().flatten().copied());
                }
            }
            found.sort_unstable();
            found.dedup();
        }
        found
    }
}

/// `None` where there is no prefix, or more of them than the automaton can hold.
fn automaton(texts: &[String]) -> Option<AhoCorasick> {
    if texts.is_empty() {
        return None;
    }
    AhoCorasick::builder().match_kind(MatchKind::Standard).start_kind(StartKind::Anchored).build(texts).ok()
}

fn union(mut always: Vec<usize>, rules_of: Vec<Vec<usize>>) -> Vec<usize> {
    always.extend(rules_of.into_iter().flatten());
    always.sort_unstable();
    always.dedup();
    always
}
