//! Whether a session may pass a rule that asks for more than a session.

use crate::expression::{EvaluationError, Expression, Facts};
use crate::request::HttpRequest;
use crate::rule::Governed;
use crate::session::Session;

/// Why a session is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// The condition is false.
    False,
    /// Whether it is true cannot be told.
    Error(EvaluationError),
}

impl Unmet {
    /// The name that logs and metadata use.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::False => "condition_not_met",
            Self::Error(_) => "condition_error",
        }
    }
}

/// The condition has to hold for every form of the path under which the request falls under the rule. `None` where it
/// does.
pub(crate) fn unmet<T>(
    condition: &Expression,
    session: &Session,
    request: &HttpRequest<'_>,
    governed: &Governed<'_, '_, T>,
) -> Option<Unmet> {
    let reads_parameters = condition.reads_parameters();
    governed.forms.iter().find_map(|form| {
        let parameters =
            if reads_parameters { governed.rule.parameters(request, &form.asked) } else { Vec::new() };
        let facts = Facts { session, request, path: form.reading, parameters: &parameters };
        match condition.holds(&facts) {
            Ok(true) => None,
            Ok(false) => Some(Unmet::False),
            Err(error) => Some(Unmet::Error(error)),
        }
    })
}
