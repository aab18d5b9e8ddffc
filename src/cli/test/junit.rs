//! Results as the XML of `JUnit`, which CI systems show.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::Outcome;

/// One suite a file.
pub(super) fn xml(suites: &[(String, Vec<Outcome>)]) -> Result<String, SerializeError> {
    let mut report = Report::new("sessiongate");
    for (file, outcomes) in suites {
        let mut suite = TestSuite::new(file.as_str());
        for Outcome { name, differences } in outcomes {
            let mut status = TestCaseStatus::success();
            if !differences.is_empty() {
                status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(differences.join("; "));
            }
            suite.add_test_case(TestCase::new(name.as_str(), status));
        }
        report.add_test_suite(suite);
    }
    report.to_string()
}
