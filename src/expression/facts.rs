//! What an expression is evaluated over, and how its names find their values there.

use std::borrow::Cow;

use cel::common::types::{CelBool, CelString, CelTimestamp};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::cost::{BUDGET, Budget};
use super::reference::{Field, Place, Reference};
use super::value;
use crate::request::HttpRequest;
use crate::request::host::host_name;
use crate::rule::condition::joined;
use crate::rule::matcher::ParameterValue;
use crate::session::Session;

/// A session, and the request that it came with.
#[derive(Clone, Copy)]
pub struct Facts<'f, 'r> {
    pub session: &'f Session,
    pub request: &'f HttpRequest<'r>,
    /// The path in the reading for which the question is asked.
    pub path: &'f str,
    /// The parameters of the matcher.
    pub parameters: &'f [(&'f str, ParameterValue)],
}

/// Answers the names of a program.
pub(super) struct Resolver<'f, 'r> {
    pub(super) references: &'f [Reference],
    pub(super) facts: &'f Facts<'f, 'r>,
    pub(super) budget: Option<&'f Budget>,
}

impl VariableResolver for Resolver<'_, '_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        if name == BUDGET {
            return self.budget.map(|budget| CowVal::owned(budget.clone()));
        }
        self.at(Reference::index(name)?)
    }
}

impl<'f> Resolver<'f, '_> {
    /// The value of one reference; `None` where nothing is there.
    pub(super) fn at(&self, at: usize) -> Option<CowVal<'f, 'f>> {
        match self.references.get(at)? {
            Reference::Constant(value) => Some(CowVal::Borrowed(&**value)),
            Reference::Value(place, _) => self.facts.find(place).map(CowVal::Owned),
            Reference::Presence { place, within } => {
                if let Some((within, _)) = within {
                    self.facts.find(within)?;
                }
                Some(CowVal::owned(CelBool::from(self.facts.has(place))))
            }
        }
    }
}

impl<'f> Facts<'f, '_> {
    fn find(&self, place: &Place) -> Option<Box<dyn Val + 'f>> {
        match place {
            Place::Auth => Some(value::owned(self.session.auth())),
            Place::Token => Some(value::object(
                self.session.claims().iter().map(|(name, claim)| (name.as_str(), value::borrowed(claim))),
            )),
            Place::Claim(path) => self.session.lookup(path).map(value::cow),
            Place::Request(field) => Some(self.field(*field)),
            Place::Headers => Some(self.headers()),
            Place::Header(name) => joined(&self.request.headers, name).map(text),
            Place::Params => {
                Some(value::object(self.parameters.iter().map(|(name, value)| (*name, parameter(value)))))
            }
            Place::Param(name) => {
                self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| parameter(value))
            }
            Place::Context => Some(self.context()),
            Place::Extension(name) => {
                self.request.context().extension(name).map(|value| text(Cow::Borrowed(value)))
            }
            Place::RouteMetadata(steps) => self.metadata(steps).map(|found| value::owned(found.into_owned())),
        }
    }

    fn has(&self, place: &Place) -> bool {
        match place {
            Place::Request(Field::SourcePrincipal) => !self.request.peer().principal.is_empty(),
            Place::Request(Field::SourceAddress) => !self.request.peer().address.is_empty(),
            place => self.find(place).is_some(),
        }
    }

    fn field(&self, field: Field) -> Box<dyn Val + 'f> {
        let peer = self.request.peer();
        text(match field {
            Field::Method => Cow::Borrowed(self.request.method),
            Field::Scheme => Cow::Borrowed(self.request.scheme),
            // In one spelling, so that none gets around a comparison.
            Field::Host => Cow::Owned(host_name(self.request.host).to_ascii_lowercase()),
            Field::Path => Cow::Borrowed(self.path),
            Field::Query => Cow::Borrowed(self.request.query),
            Field::SourceAddress => Cow::Borrowed(&*peer.address),
            Field::SourcePrincipal => Cow::Borrowed(&*peer.principal),
            Field::Time => {
                let now: DateTime<Utc> = self.request.now.into();
                return Box::new(CelTimestamp::from(now.fixed_offset()));
            }
        })
    }

    fn headers(&self) -> Box<dyn Val + 'f> {
        let names: std::collections::BTreeSet<String> =
            self.request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        value::object(names.into_iter().filter_map(|name| {
            let value = joined(&self.request.headers, &name)?;
            Some((name, text(value)))
        }))
    }

    fn context(&self) -> Box<dyn Val + 'f> {
        let extensions = self.request.context().extensions.iter();
        let extensions = extensions.map(|(name, value)| ((*name).to_owned(), text(Cow::Borrowed(*value))));
        let metadata = self.metadata(&[]).map(|found| value::owned(found.into_owned()));
        value::object(extensions.chain(metadata.map(|metadata| ("route_metadata".to_owned(), metadata))))
    }

    fn metadata(&self, steps: &[String]) -> Option<Cow<'f, Value>> {
        let metadata = &self.request.context().metadata;
        let Some((namespace, steps)) = steps.split_first() else {
            return Some(Cow::Owned(Value::Object(metadata.clone())));
        };
        let found = steps.iter().try_fold(metadata.get(namespace)?, |value, step| value.get(step))?;
        Some(Cow::Borrowed(found))
    }
}

fn text<'v>(text: Cow<'v, str>) -> Box<dyn Val + 'v> {
    Box::new(CelString::from(text))
}

fn parameter(value: &ParameterValue) -> Box<dyn Val + '_> {
    match value {
        ParameterValue::Text(value) => text(Cow::Borrowed(value)),
        ParameterValue::List(values) => {
            let items: Vec<Box<dyn Val + '_>> =
                values.iter().map(|value| text(Cow::Borrowed(value))).collect();
            Box::new(cel::common::types::CelList::from(items))
        }
    }
}
