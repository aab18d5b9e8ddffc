//! Which rule decides: the first one that matches, for every reading of the request's path.

pub mod condition;
pub mod host;
mod index;
pub mod matcher;
pub mod next;

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};

use self::condition::Condition;
use self::host::HostPattern;
use self::index::PrefixIndex;
use self::matcher::{Matcher, ParameterValue, Parameters, Verdict};
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
    /// Where somebody asks for them: what reads the source's parameters.
    pub parameters: Option<Parameters>,
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

/// A rule that a request has to satisfy, and the forms of its path for which it has to.
#[derive(Debug)]
pub struct Governed<'s, 'r, T> {
    pub rule: &'s Rule<T>,
    pub forms: SmallVec<[PathForm<'r>; 1]>,
}

/// The rules that a request has to satisfy: one in all but odd cases.
pub type Governing<'s, 'r, T> = SmallVec<[Governed<'s, 'r, T>; 1]>;

/// A path as a server might see it, and as matchers are asked about it.
#[derive(Clone, Debug)]
pub struct PathForm<'r> {
    pub reading: &'r str,
    pub asked: Cow<'r, str>,
}

/// How one reading of a path found its rule, for an explanation.
#[derive(Debug)]
pub struct Finding<'s, 'r, T> {
    pub form: PathForm<'r>,
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
    pub fn governing<'s, 'r>(&'s self, request: &'r HttpRequest<'_>) -> Governing<'s, 'r, T> {
        let mut governing: Governing<'s, 'r, T> = smallvec![];
        self.each_finding(request, |Finding { form, rule, .. }| {
            match governing.iter_mut().find(|governed| std::ptr::eq(governed.rule, rule)) {
                Some(governed) => governed.forms.push(form),
                None => governing.push(Governed { rule, forms: smallvec![form] }),
            }
        });
        governing
    }

    /// The rule of this name, where there is one, with every form of the path.
    pub fn named<'s, 'r>(&'s self, name: &str, request: &'r HttpRequest<'_>) -> Option<Governed<'s, 'r, T>> {
        let mut rules = self.rules.iter().chain([&self.default]);
        let rule = rules.find(|rule| rule.name == name)?;
        Some(Governed { rule, forms: self.forms(request).collect() })
    }

    /// The rules, in order, and last the one that stands in where none matches.
    pub fn iter(&self) -> impl Iterator<Item = &Rule<T>> {
        self.rules.iter().chain([&self.default])
    }

    /// The names of the rules, in order, but for those that stand in where none matches.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }

    /// The terms of every rule, those where none matches among them.
    pub fn terms(&self) -> impl Iterator<Item = &T> {
        self.rules.iter().chain([&self.default, &self.floor]).map(|rule| &rule.terms)
    }

    /// Tells for each reading of the path, in each form that a matcher is asked about, which rule it finds.
    pub fn each_finding<'s, 'r>(
        &'s self,
        request: &'r HttpRequest<'_>,
        mut found: impl FnMut(Finding<'s, 'r, T>),
    ) {
        for form in self.forms(request) {
            let (rule, undecided) = self.first_match(request, &form.asked);
            found(Finding { form, rule, undecided });
        }
    }

    fn forms<'r>(&self, request: &'r HttpRequest<'_>) -> impl Iterator<Item = PathForm<'r>> {
        request.path.readings().iter().flat_map(|reading| {
            let asked = self.next.asked(reading, request.host).into_iter();
            asked.map(|asked| PathForm { reading, asked })
        })
    }

    /// The rule, and whether it only stands in for one that cannot be told.
    fn first_match(&self, request: &HttpRequest<'_>, asked: &str) -> (&Rule<T>, bool) {
        for at in self.index.candidates(&self.next, asked) {
            let Some(rule) = self.rules.get(at) else { continue };
            match rule.matches(request, asked) {
                Verdict::Hit => return (rule, false),
                Verdict::Undecided => return (self.strictest_rule(), true),
                Verdict::Miss => {}
            }
        }
        (&self.default, false)
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
    /// The parameters of the first matcher that hits the path, as far as anybody asks for them.
    pub fn parameters(&self, request: &HttpRequest<'_>, asked: &str) -> Vec<(&str, ParameterValue)> {
        let reads = |matcher: &&RequestMatcher| {
            matcher.parameters.is_some() && matcher.matches(request, asked) == Verdict::Hit
        };
        let matcher = self.matchers.iter().find(reads);
        matcher.and_then(|matcher| matcher.parameters.as_ref()).map_or_else(Vec::new, |p| p.read(asked))
    }

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
