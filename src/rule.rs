//! Which rule decides: the first one that matches, for every reading of the request's path.

pub mod condition;
pub mod host;
mod index;
pub mod matcher;
pub mod next;

use smallvec::{SmallVec, smallvec};

use self::condition::Condition;
use self::host::HostPattern;
use self::index::PrefixIndex;
use self::matcher::{Matcher, Verdict};
use self::next::NextConfig;
use crate::request::HttpRequest;

/// A rule: the requests that it is for, and its terms, which this module only hands on.
#[derive(Debug)]
pub struct Rule<T> {
    pub name: String,
    /// The hosts it is for; every host where there are none.
    pub hosts: Vec<HostPattern>,
    /// It matches where one of these does.
    pub matchers: Vec<RequestMatcher>,
    pub terms: T,
}

/// One entry of Next.js's `config.matcher`, with our `methods`.
#[derive(Debug)]
pub struct RequestMatcher {
    /// The source as written, for an explanation; empty where no matcher was written.
    pub source: String,
    pub path: Matcher,
    /// The methods it is for, compared exactly; every method where there are none.
    pub methods: Vec<String>,
    /// The `has` and `missing` items, of which all must hold.
    pub conditions: Vec<Condition>,
}

/// The rules in order, and the terms where none matches.
#[derive(Debug)]
pub struct RuleSet<T> {
    rules: Vec<Rule<T>>,
    default: Rule<T>,
    floor: Rule<T>,
    strictest: Strictest,
    index: PrefixIndex,
    next: NextConfig,
}

/// Where the strictest rule is.
#[derive(Clone, Copy, Debug)]
enum Strictest {
    Rule(usize),
    Default,
    Floor,
}

/// The rules that a request has to satisfy: one in all but odd cases.
pub type Governing<'s, T> = SmallVec<[&'s Rule<T>; 2]>;

/// How one reading of a path found its rule, for an explanation.
#[derive(Debug)]
pub struct Finding<'s, 'r, T> {
    /// What the matchers were asked.
    pub asked: &'r str,
    pub rule: &'s Rule<T>,
    /// True where a pattern's limit was hit, and the strictest rule stands in.
    pub undecided: bool,
}

impl<T> RuleSet<T> {
    /// `default` are the terms where no rule matches. Where a pattern cannot be decided the strictest rule stands
    /// in, in the order of `strictness`, and at least one with the terms `floor`.
    pub fn new<S: Ord>(
        rules: Vec<Rule<T>>,
        default: T,
        floor: T,
        next: NextConfig,
        strictness: impl Fn(&T) -> S,
    ) -> Self {
        let named = |name: &str, terms| Rule {
            name: name.to_owned(),
            hosts: Vec::new(),
            matchers: Vec::new(),
            terms,
        };
        let (default, floor) = (named("default", default), named("undecided", floor));
        let mut strictest = (Strictest::Floor, strictness(&floor.terms));
        let rules_backwards = rules.iter().enumerate().rev().map(|(at, rule)| (Strictest::Rule(at), rule));
        for (place, rule) in [(Strictest::Default, &default)].into_iter().chain(rules_backwards) {
            let strictness = strictness(&rule.terms);
            if strictness >= strictest.1 {
                strictest = (place, strictness);
            }
        }
        let index = PrefixIndex::new(rules.iter().map(|rule| rule.matchers.iter().map(|m| &m.path)));
        Self { rules, default, floor, strictest: strictest.0, index, next }
    }

    /// The rules that every reading of the path falls under, each once.
    pub fn governing<'s>(&'s self, request: &HttpRequest<'_>) -> Governing<'s, T> {
        let mut governing: Governing<'s, T> = smallvec![];
        self.each_finding(request, |finding| {
            if !governing.iter().any(|rule| std::ptr::eq(*rule, finding.rule)) {
                governing.push(finding.rule);
            }
        });
        governing
    }

    /// Tells for each reading of the path, in each form that a matcher is asked about, which rule it finds.
    pub fn each_finding<'s>(&'s self, request: &HttpRequest<'_>, mut found: impl FnMut(Finding<'s, '_, T>)) {
        for reading in request.path.readings() {
            for asked in self.next.asked(reading, request.host) {
                found(self.first_match(request, &asked));
            }
        }
    }

    fn first_match<'s, 'r>(&'s self, request: &HttpRequest<'_>, asked: &'r str) -> Finding<'s, 'r, T> {
        for at in self.index.candidates(&self.next, asked) {
            let Some(rule) = self.rules.get(at) else { continue };
            match rule.matches(request, asked) {
                Verdict::Hit => return Finding { asked, rule, undecided: false },
                Verdict::Undecided => return Finding { asked, rule: self.strictest_rule(), undecided: true },
                Verdict::Miss => {}
            }
        }
        Finding { asked, rule: &self.default, undecided: false }
    }

    fn strictest_rule(&self) -> &Rule<T> {
        match self.strictest {
            Strictest::Rule(at) => self.rules.get(at).unwrap_or(&self.floor),
            Strictest::Default => &self.default,
            Strictest::Floor => &self.floor,
        }
    }
}

impl<T> Rule<T> {
    fn matches(&self, request: &HttpRequest<'_>, asked: &str) -> Verdict {
        if !self.hosts.is_empty() && !self.hosts.iter().any(|host| host.covers(request.host)) {
            return Verdict::Miss;
        }
        let mut verdict = Verdict::Miss;
        for matcher in &self.matchers {
            match matcher.matches(request, asked) {
                Verdict::Hit => return Verdict::Hit,
                Verdict::Undecided => verdict = Verdict::Undecided,
                Verdict::Miss => {}
            }
        }
        verdict
    }
}

impl RequestMatcher {
    /// Whether the request, asked for under this path, is one that the matcher is for.
    pub fn matches(&self, request: &HttpRequest<'_>, asked: &str) -> Verdict {
        if !self.methods.is_empty() && !self.methods.iter().any(|method| method == request.method) {
            return Verdict::Miss;
        }
        let mut verdict = self.path.is_match(asked);
        for condition in &self.conditions {
            if verdict == Verdict::Miss {
                break;
            }
            verdict = verdict.and(condition.holds(request));
        }
        verdict
    }
}
