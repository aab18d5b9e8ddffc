//! CEL expressions over a session and its request: compiled and type-checked once, evaluated within a limit.
//!
//! The `cel` crate parses and evaluates. What it leaves open is done here: [`lower`] checks names and types and turns
//! each path such as `auth.user.role` into one look-up, [`facts`] answers it, and [`cost`] bounds the work.

mod cost;
mod error;
mod facts;
mod lower;
mod network;
mod operator;
mod parts;
mod pattern;
mod reference;
mod signature;
mod tree;
mod value;

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::common::types::CelBool;
use cel::common::value::CowVal;
use cel::{Context, Env};
use serde_json::Value;

use self::cost::Budget;
pub use self::error::{EvaluationError, ExpressionError};
pub use self::facts::Facts;
use self::facts::Resolver;
use self::lower::Lowered;
use self::parts::Part;
use self::reference::Reference;
use self::signature::Type;

/// The longest expression, in bytes.
const MAX_BYTES: usize = 4096;

/// The functions that an expression may call, beside those of ours.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib().with_optional_support(false);
    // Each of these names is declared here alone.
    let declared = environment
        .add_extension(cel::extensions::strings)
        .and_then(|()| network::declare(&mut environment))
        .and_then(|()| cost::declare(&mut environment))
        .and_then(|()| pattern::declare(&mut environment));
    debug_assert!(declared.is_ok(), "{declared:?}");
    Arc::new(environment)
});

/// The parameters that an expression may name: each with whether it is a list.
#[derive(Clone, Debug, Default)]
pub struct Parameters(pub Vec<(String, bool)>);

/// A compiled expression.
pub struct Expression {
    source: String,
    program: IdedExpr,
    references: Vec<Reference>,
    /// The conditions that `&&`, `||` and `!` join, where there are several.
    parts: Vec<Part>,
    /// Whether anything in it is done more than once.
    is_metered: bool,
}

/// A part of an expression and what became of it, for an explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    pub source: String,
    pub value: Result<Value, EvaluationError>,
}

impl Expression {
    /// Compiles an expression that is true or false.
    ///
    /// # Errors
    /// [`ExpressionError`] says what is wrong and where.
    pub fn condition(source: &str, parameters: &Parameters) -> Result<Self, ExpressionError> {
        let mut condition = Self::compile(source, parameters, Some(Type::Bool))?;
        condition.parts = Part::split(source)
            .into_iter()
            .filter_map(|part| Some(Part::new(part, Self::compile(part, parameters, None).ok()?)))
            .collect();
        Ok(condition)
    }

    /// Compiles an expression with a value of any kind that JSON has.
    ///
    /// # Errors
    /// [`ExpressionError`] says what is wrong and where.
    pub fn value(source: &str) -> Result<Self, ExpressionError> {
        Self::compile(source, &Parameters::default(), None)
    }

    fn compile(
        source: &str,
        parameters: &Parameters,
        expected: Option<Type>,
    ) -> Result<Self, ExpressionError> {
        if source.len() > MAX_BYTES {
            return Err(ExpressionError::TooLong { length: source.len(), max: MAX_BYTES });
        }
        let parsed = ENVIRONMENT.compile(source).map_err(|errors| ExpressionError::syntax(&errors))?;
        let Lowered { program, references, result, is_metered } = lower::lower(&parsed, parameters)?;
        match expected {
            Some(expected) if !result.agrees_with(expected) => {
                Err(ExpressionError::Result { expected: expected.name(), found: result.name() })
            }
            _ => Ok(Self { source: source.to_owned(), program, references, parts: Vec::new(), is_metered }),
        }
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it names parameters of the matcher.
    #[must_use]
    pub fn reads_parameters(&self) -> bool {
        self.references.iter().any(Reference::is_parameter)
    }

    /// Whether it is true of these facts.
    ///
    /// # Errors
    /// [`EvaluationError`] where it is neither true nor false.
    pub fn holds(&self, facts: &Facts<'_, '_>) -> Result<bool, EvaluationError> {
        self.evaluate(facts, |value| match value.downcast_ref::<CelBool>() {
            Some(holds) => Ok(*holds.inner()),
            None => Err(EvaluationError::NotBoolean(value.get_type().name().to_owned())),
        })
    }

    /// What it says of these facts, as JSON: a timestamp or duration as text.
    ///
    /// # Errors
    /// [`EvaluationError`] where that cannot be told, or is no JSON.
    pub fn json(&self, facts: &Facts<'_, '_>) -> Result<Value, EvaluationError> {
        self.evaluate(facts, |value| value::to_json(value.as_ref()).ok_or(EvaluationError::NoValue))
    }

    /// Its parts, and the paths that it names, each with its value.
    pub fn explain(&self, facts: &Facts<'_, '_>) -> Vec<Explained> {
        let parts = self
            .parts
            .iter()
            .map(|part| Explained { source: part.source().to_owned(), value: part.expression().json(facts) });
        let references = self.references.iter().enumerate().filter_map(|(at, reference)| {
            let source = reference.text()?.to_owned();
            let resolver = Resolver { references: &self.references, facts, budget: None };
            let found = resolver.at(at).and_then(|value| value::to_json(value.as_ref()));
            let value = found.ok_or_else(|| EvaluationError::Missing(source.clone()));
            Some(Explained { source, value })
        });
        parts.chain(references).collect()
    }

    fn evaluate<T>(
        &self,
        facts: &Facts<'_, '_>,
        read: impl FnOnce(CowVal<'_, '_>) -> Result<T, EvaluationError>,
    ) -> Result<T, EvaluationError> {
        let budget = self.is_metered.then(Budget::full);
        let resolver = Resolver { references: &self.references, facts, budget: budget.as_ref() };
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&resolver);
        let evaluated = cel::Value::resolve_val(&self.program, &context);
        // Whatever was made of the error on the way, work that was not done says nothing.
        if budget.as_ref().is_some_and(Budget::is_spent) {
            return Err(EvaluationError::TooCostly);
        }
        read(evaluated.map_err(|error| EvaluationError::of(&error, &self.references))?)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}
