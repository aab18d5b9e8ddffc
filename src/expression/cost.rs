//! The limit on the work of one evaluation.
//!
//! Without a comprehension the work is linear in the expression and in what it reads, which have limits of their own.
//! What a comprehension repeats is charged: each turn by the size of its body, and in the body everything that is read
//! by its own size.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cel::common::types::{CelInt, CelList, CelMap, CelString, DYN_TYPE, INT_TYPE, Kind, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

/// The steps of one evaluation.
const STEPS: i64 = 100_000;
/// The bytes of text that count as a step.
const STEP_BYTES: usize = 64;

/// What a program calls the budget of its evaluation.
pub(super) const BUDGET: &str = "@budget";
pub(super) const SPEND: &str = "@spend";
pub(super) const ITERATE: &str = "@iterate";

const BUDGET_TYPE: Type = Type::simple_type(Kind::Opaque, "budget");
static STATIC_TYPE: Type = BUDGET_TYPE;

/// The steps that are left.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<AtomicI64>);

impl Budget {
    pub(super) fn full() -> Self {
        Self(Arc::new(AtomicI64::new(STEPS)))
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) < 0
    }

    fn spend(&self, steps: i64) -> Result<(), ExecutionError> {
        let before = self.0.fetch_sub(steps.clamp(0, STEPS + 1), Ordering::Relaxed);
        // Once spent it stays so: there are not enough charges to go round.
        if before < steps { Err(ExecutionError::function_error("budget", "spent")) } else { Ok(()) }
    }
}

impl Val for Budget {
    fn get_type(&self) -> &Type {
        &STATIC_TYPE
    }

    fn cel_type() -> &'static Type {
        &STATIC_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Budget {}

pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_overload(SPEND, SPEND, vec![BUDGET_TYPE, DYN_TYPE], spend)?;
    environment.add_overload(ITERATE, ITERATE, vec![BUDGET_TYPE, DYN_TYPE, INT_TYPE], iterate)
}

/// `@spend(budget, value)`: the value, charged by its size.
fn spend<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let (budget, value, _) = charged(arguments)?;
    budget.spend(1 + size(value.as_ref()))?;
    Ok(value)
}

/// `@iterate(budget, value, steps)`: the value, charged for going through it at so many steps a turn.
fn iterate<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let (budget, value, steps) = charged(arguments)?;
    budget.spend(size(value.as_ref()).saturating_mul(steps))?;
    Ok(value)
}

fn charged<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<(Budget, CowVal<'b, 'v>, i64), ExecutionError> {
    let mut arguments = arguments.into_iter();
    let budget = arguments.next().and_then(|budget| budget.downcast_ref::<Budget>().cloned());
    let (Some(budget), Some(value)) = (budget, arguments.next()) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let steps = arguments.next().and_then(|steps| steps.downcast_ref::<CelInt>().map(|steps| *steps.inner()));
    Ok((budget, value, steps.unwrap_or(1)))
}

fn size(value: &dyn Val) -> i64 {
    let size = if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        text.inner().len() / STEP_BYTES
    } else if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        list.inner().len()
    } else if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        map.inner().len()
    } else {
        0
    };
    i64::try_from(size).unwrap_or(i64::MAX)
}
