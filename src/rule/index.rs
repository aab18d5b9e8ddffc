//! Finds the few rules that a path can match among thousands, by the literal text that their sources begin with.

use std::collections::BTreeMap;
use std::iter;

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};
use smallvec::{SmallVec, smallvec};

use super::matcher::Matcher;
use super::next::NextConfig;

/// Rules by literal prefix. A rule is listed under the prefix of each of its matchers.
#[derive(Debug)]
pub(crate) struct PrefixIndex {
    /// Finds the longest prefix that a path begins with; `None` where there are none.
    longest: Option<AhoCorasick>,
    prefixes: Vec<Prefix>,
    /// The rules with a matcher without a literal prefix, ascending.
    always: Vec<usize>,
}

#[derive(Debug)]
struct Prefix {
    /// The place of the longest other prefix that this one begins with.
    shorter: Option<usize>,
    /// The rules listed under it, ascending.
    rules: Vec<usize>,
}

/// Rules in ascending order, each once, merged from lists as they are asked for.
pub(crate) struct Candidates<'i> {
    lists: SmallVec<[&'i [usize]; 8]>,
}

impl PrefixIndex {
    /// `rules`: for each rule, in order, its matchers.
    pub(crate) fn new<'m, M: Iterator<Item = &'m Matcher>>(rules: impl Iterator<Item = M>) -> Self {
        let mut always = Vec::new();
        let mut listed: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, matchers) in rules.enumerate() {
            for matcher in matchers {
                let rules = match matcher.literal_prefix() {
                    "" => &mut always,
                    prefix => listed.entry(prefix).or_default(),
                };
                if rules.last() != Some(&at) {
                    rules.push(at);
                }
            }
        }
        match automaton(&listed) {
            Some(longest) => Self { longest: Some(longest), prefixes: chained(listed), always },
            None => Self { longest: None, prefixes: Vec::new(), always: union(always, listed) },
        }
    }

    /// The rules that can match, ascending.
    pub(crate) fn candidates(&self, next: &NextConfig, asked: &str) -> Candidates<'_> {
        let mut lists: SmallVec<[&[usize]; 8]> = smallvec![&self.always[..]];
        if let Some(longest) = &self.longest {
            for key in next.index_keys(asked) {
                let found = longest.find(Input::new(key).anchored(Anchored::Yes));
                lists.extend(self.chain(found.map(|found| found.pattern().as_usize())));
            }
        }
        Candidates { lists }
    }

    /// The rules of a prefix, and those of all that it begins with.
    fn chain(&self, longest: Option<usize>) -> impl Iterator<Item = &[usize]> {
        let prefix = |at: usize| self.prefixes.get(at);
        let chain = iter::successors(longest.and_then(prefix), move |longer| longer.shorter.and_then(prefix));
        chain.map(|prefix| &prefix.rules[..])
    }
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let next = self.lists.iter().filter_map(|list| list.first()).min().copied()?;
        for list in &mut self.lists {
            if let Some((first, rest)) = list.split_first()
                && *first == next
            {
                *list = rest;
            }
        }
        Some(next)
    }
}

/// `None` where there is no prefix, or more of them than the automaton can hold. For 5,000 it takes some 100 KiB,
/// of which a deterministic one takes 14 times as much to save a third of 50 ns.
fn automaton(listed: &BTreeMap<&str, Vec<usize>>) -> Option<AhoCorasick> {
    if listed.is_empty() {
        return None;
    }
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .start_kind(StartKind::Anchored)
        .build(listed.keys())
        .ok()
}

/// The prefixes in the order of their texts, in which each stands behind all that it begins with.
fn chained(listed: BTreeMap<&str, Vec<usize>>) -> Vec<Prefix> {
    let mut prefixes = Vec::with_capacity(listed.len());
    // The latest text and all that it begins with, the shortest first.
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (at, (text, rules)) in listed.into_iter().enumerate() {
        while open.pop_if(|(_, shorter)| !text.starts_with(*shorter)).is_some() {}
        prefixes.push(Prefix { shorter: open.last().map(|(at, _)| *at), rules });
        open.push((at, text));
    }
    prefixes
}

fn union(mut always: Vec<usize>, listed: BTreeMap<&str, Vec<usize>>) -> Vec<usize> {
    always.extend(listed.into_values().flatten());
    always.sort_unstable();
    always.dedup();
    always
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(sources: &[&[&str]], asked: &str) -> Vec<usize> {
        let next = NextConfig::default();
        let compile = |source: &&str| Matcher::compile(source, true, &next).unwrap();
        let rules: Vec<Vec<Matcher>> =
            sources.iter().map(|rule| rule.iter().map(compile).collect()).collect();
        let index = PrefixIndex::new(rules.iter().map(|rule| rule.iter()));
        index.candidates(&next, asked).collect()
    }

    #[test]
    fn the_candidates_are_those_whose_prefix_the_path_begins_with_in_order() {
        let sources: &[&[&str]] = &[
            &["/a/b/:x*"],
            &["/:path*"],
            &["/b", "/a/:x*"],
            &["/a/c"],
            &["/a", "/a/b/:y*", "/:path*"],
            &["/ab"],
            &["/a/b/c/:x*", "/a/b/c/d"],
        ];
        for (asked, expected) in [
            ("/a/b/c/d", vec![0, 1, 2, 4, 6]),
            ("/a/bc", vec![0, 1, 2, 4]),
            ("/a", vec![1, 2, 4]),
            ("/abc", vec![1, 2, 4, 5]),
            ("/b", vec![1, 2, 4]),
            ("/_next/data/x/a/c", vec![1, 2, 3, 4]),
            ("/", vec![1, 4]),
            ("", vec![1, 4]),
        ] {
            assert_eq!(candidates(sources, asked), expected, "{asked}");
        }
        assert_eq!(candidates(&[], "/a"), [0; 0]);
        assert_eq!(candidates(&[&[], &["/a"]], "/b"), [0; 0]);
    }
}
