//! Results as JUnit XML, for the machines that show test results to people.

use asyncselect_scenario::source::SourceError;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// How one run is told to JUnit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// As it should be; with something to say, perhaps.
    Passed(Option<String>),
    /// Not as it should be: in short, and all of it.
    Failed(String, String),
    /// It could not be found out.
    Broken(String),
    /// It says nothing here.
    Skipped(String),
}

impl Told {
    /// The result of one scenario in a suite.
    pub(crate) fn case(self, suite: &str, scenario: &str) -> TestCase {
        let of = |kind, message: &str, text: Option<String>| {
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(message);
            if let Some(text) = text {
                status.set_description(text);
            }
            status
        };
        let (status, out) = match self {
            Self::Passed(out) => (TestCaseStatus::success(), out),
            Self::Failed(message, text) => {
                (of(NonSuccessKind::Failure, &message, Some(text)), None)
            }
            Self::Broken(message) => (of(NonSuccessKind::Error, &message, None), None),
            Self::Skipped(message) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(message);
                (status, None)
            }
        };
        let mut case = TestCase::new(scenario, status);
        case.set_classname(suite);
        if let Some(out) = out {
            case.set_system_out(out);
        }
        case
    }
}

/// Suites, and the scripts that could not be read in a suite of their own, as XML.
pub(crate) fn xml(suites: Vec<TestSuite>, errors: &[SourceError]) -> String {
    let mut report = Report::new("asyncselect");
    report.add_test_suites(suites);
    if !errors.is_empty() {
        let mut suite = TestSuite::new("scripts");
        for error in errors {
            let path = error.path().display().to_string();
            let told = Told::Failed("a bad script".to_owned(), error.to_string());
            suite.add_test_case(told.case("scripts", &path));
        }
        report.add_test_suite(suite);
    }
    report.to_string().expect("strings for XML hold nothing that XML lacks")
}
