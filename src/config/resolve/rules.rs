//! `rules` and `default`: matchers compiled, hosts read, providers found by their names.

use std::collections::HashSet;
use std::sync::Arc;

use super::defaults::AuthEnvironment;
use super::{login, on_deny};
use crate::config::error::{Noted, Problems};
use crate::config::raw::{OneOrMany, RawDefault, RawLogin, RawRule};
use crate::expression::{Expression, Parameters as ExpressionParameters};
use crate::policy::login::Login;
use crate::policy::on_deny::OnDeny;
use crate::policy::{Access, Terms};
use crate::rule::condition::{Condition, ConditionError};
use crate::rule::host::HostPattern;
use crate::rule::matcher::raw::{RawCondition, RawMatcher, RawMatcherEntry};
use crate::rule::matcher::{Matcher, Parameters};
use crate::rule::next::NextConfig;
use crate::rule::{RequestMatcher, Rule, RuleSet};
use crate::session::Accepted;

/// What the rules are read with.
pub(super) struct Rules<'r> {
    pub(super) next: NextConfig,
    /// The names of the providers, in order.
    pub(super) providers: &'r [String],
    pub(super) auth: &'r AuthEnvironment,
    /// The login of every rule that has none of its own, where it can be read, and as it was written.
    pub(super) login: Option<&'r Arc<Login>>,
    pub(super) raw_login: RawLogin,
    /// Whether assertions are made.
    pub(super) asserts: bool,
    pub(super) problems: &'r mut Problems,
}

impl Rules<'_> {
    /// The rules in order, or `None` where one of them cannot be read.
    pub(super) fn resolve(
        mut self,
        written: Option<Vec<RawRule>>,
        default: RawDefault,
    ) -> Option<RuleSet<Terms>> {
        let on_deny = match default.on_deny {
            Some(written) => on_deny::resolve(written, "default.on_deny", self.problems).unwrap_or_default(),
            None => OnDeny::Auto,
        };
        let accepted = self.accepted(default.session, "default.session");
        let written = written.unwrap_or_else(|| default_rules(self.auth.routes(&self.next)));
        self.check_names(&written);
        let rules: Vec<Option<Rule<Terms>>> =
            written.into_iter().enumerate().map(|(at, raw)| self.rule(at, raw, &on_deny)).collect();
        let rules: Vec<Rule<Terms>> = rules.into_iter().collect::<Option<_>>()?;
        let (accepted, login) = (accepted?, Arc::clone(self.login?));
        let terms = |access| Terms {
            access,
            accepted: accepted.clone(),
            condition: None,
            on_deny: on_deny.clone(),
            login: Arc::clone(&login),
            audience: None,
        };
        let (default, floor) = (terms(default.access.unwrap_or(Access::Session)), terms(Access::Session));
        Some(RuleSet::new(rules, default, floor, self.next, |terms| terms.access))
    }

    fn check_names(&mut self, written: &[RawRule]) {
        let mut seen = HashSet::from(["default"]);
        for (at, rule) in written.iter().enumerate() {
            let Some(name) = &rule.name else { continue };
            let path = format!("rules[{at}].name");
            let is_label = !name.is_empty() && name.len() <= 64 && !name.contains(char::is_control);
            if !is_label {
                self.problems.error(path, "must have 1 to 64 bytes and no control characters");
            } else if !seen.insert(name) {
                self.problems
                    .error(path, format!("`{name}` is taken: names tell rules apart in logs and metrics"));
            }
        }
    }

    fn rule(&mut self, at: usize, raw: RawRule, default_on_deny: &OnDeny) -> Option<Rule<Terms>> {
        let path = format!("rules[{at}]");
        let hosts = self.hosts(raw.hosts, &format!("{path}.hosts"));
        let matchers = self.matchers(raw.matcher, &format!("{path}.matcher"), raw.condition.is_some());
        let access = raw.access.unwrap_or(Access::Session);
        let condition = match &raw.condition {
            Some(source) => {
                self.condition(source, access, matchers.as_deref(), &format!("{path}.condition")).map(Some)
            }
            None => Some(None),
        };
        let login = match raw.login {
            Some(own) => {
                let login = own.or(self.raw_login.clone());
                login::resolve(login, &format!("{path}.login"), self.auth, &self.next, self.problems)
            }
            None => self.login.cloned(),
        };
        let audience = self.audience(raw.audience, &format!("{path}.audience"));
        let accepted = self.accepted(raw.session, &format!("{path}.session"));
        let on_deny = match raw.on_deny {
            Some(written) => on_deny::resolve(written, &format!("{path}.on_deny"), self.problems),
            None => Some(default_on_deny.clone()),
        };
        let terms = Terms {
            access,
            accepted: accepted?,
            condition: condition?,
            on_deny: on_deny?,
            login: login?,
            audience: audience.ok()?,
        };
        Some(Rule { name: raw.name.unwrap_or(path), hosts: hosts?, matchers: matchers?, terms })
    }

    fn condition(
        &mut self,
        source: &str,
        access: Access,
        matchers: Option<&[RequestMatcher]>,
        path: &str,
    ) -> Option<Arc<Expression>> {
        if access != Access::Session {
            let message = format!("is looked at only where `access` is `session`, and it is `{access}`");
            self.problems.error(path, message);
            return None;
        }
        let names =
            matchers?.iter().filter_map(|matcher| matcher.parameters.as_ref()).flat_map(Parameters::names);
        let mut parameters = ExpressionParameters::default();
        for (name, is_list) in names {
            if !parameters.0.iter().any(|(known, _)| known == name) {
                parameters.0.push((name.to_owned(), is_list));
            }
        }
        self.problems.ok(path, Expression::condition(source, &parameters)).map(Arc::new)
    }

    fn audience(&mut self, raw: Option<String>, path: &str) -> Result<Option<Arc<str>>, Noted> {
        match raw {
            Some(_) if !self.asserts => {
                self.problems.error(path, "there is no `identity.assertion` to have an audience");
                Err(Noted)
            }
            Some(audience) if audience.is_empty() => {
                self.problems.error(path, "is empty");
                Err(Noted)
            }
            audience => Ok(audience.map(Arc::from)),
        }
    }

    fn hosts(&mut self, raw: Option<OneOrMany>, path: &str) -> Option<Vec<HostPattern>> {
        let Some(raw) = raw else { return Some(Vec::new()) };
        let written = raw.with_paths(path);
        if written.is_empty() {
            self.problems.error(path, "is empty: leave it out for every host");
        }
        let hosts: Vec<_> =
            written.iter().map(|(path, text)| self.problems.ok(path, HostPattern::parse(text))).collect();
        hosts.into_iter().collect()
    }

    fn accepted(&mut self, raw: Option<OneOrMany>, path: &str) -> Option<Accepted> {
        let Some(raw) = raw else { return Some(Accepted::All) };
        let written = raw.with_paths(path);
        if written.is_empty() {
            self.problems.error(path, "is empty: leave it out for every provider");
            return None;
        }
        let place = |(path, name): &(String, String)| {
            let place = self.providers.iter().position(|known| known == name);
            let known = self.providers.join(", ");
            let unknown = || format!("there is no session provider `{name}`; there is {known}");
            self.problems.ok(path, place.ok_or_else(unknown))
        };
        let places: Vec<Option<usize>> = written.iter().map(place).collect();
        places.into_iter().collect::<Option<_>>().map(Accepted::Listed)
    }

    fn matchers(&mut self, raw: Option<RawMatcher>, path: &str, reads: bool) -> Option<Vec<RequestMatcher>> {
        let Some(RawMatcher(entries)) = raw else {
            return Some(vec![RequestMatcher {
                source: String::new(),
                path: Matcher::everything(),
                methods: Vec::new(),
                conditions: Vec::new(),
                parameters: None,
            }]);
        };
        let matchers: Vec<_> = entries
            .into_iter()
            .enumerate()
            .map(|(at, entry)| self.matcher(entry, &format!("{path}[{at}]"), reads))
            .collect();
        matchers.into_iter().collect()
    }

    /// `reads`: whether anybody asks for its parameters.
    fn matcher(&mut self, raw: RawMatcherEntry, path: &str, reads: bool) -> Option<RequestMatcher> {
        let RawMatcherEntry { source, locale, has, missing, methods } = raw;
        let compiled = self.problems.ok(path, Matcher::compile(&source, locale, &self.next));
        let parameters = if reads {
            Some(self.problems.ok(path, Parameters::compile(&source, locale, &self.next))?)
        } else {
            None
        };
        let has = self.conditions(&has, &format!("{path}.has"), Condition::has);
        let missing = self.conditions(&missing, &format!("{path}.missing"), Condition::missing);
        let conditions = has?.into_iter().chain(missing?).collect();
        Some(RequestMatcher { source, path: compiled?, methods, conditions, parameters })
    }

    fn conditions(
        &mut self,
        raw: &[RawCondition],
        path: &str,
        compile: impl Fn(&RawCondition) -> Result<Condition, ConditionError>,
    ) -> Option<Vec<Condition>> {
        let conditions: Vec<_> = raw
            .iter()
            .enumerate()
            .map(|(at, item)| self.problems.ok(&format!("{path}[{at}]"), compile(item)))
            .collect();
        conditions.into_iter().collect()
    }
}

/// Without rules: Auth.js's own routes, or nobody could sign in, and what Next.js serves to everybody.
fn default_rules(auth_routes: &str) -> Vec<RawRule> {
    let public = |name: &str, sources: &[String]| RawRule {
        name: Some(name.to_owned()),
        matcher: Some(RawMatcher(sources.iter().cloned().map(RawMatcherEntry::of_source).collect())),
        access: Some(Access::Public),
        ..RawRule::default()
    };
    let static_files = ["/_next/static/:path*", "/_next/image", "/favicon.ico"].map(str::to_owned);
    vec![public("auth", &[format!("{auth_routes}/:path*")]), public("static", &static_files)]
}
