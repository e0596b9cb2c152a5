//! Suites, explored for a few letters.

use asyncselect_scenario::explore::bounded::Open;
use asyncselect_scenario::explore::search::{Limits, Work};
use asyncselect_scenario::explore::standing::Standing;
use asyncselect_scenario::explore::suite_report::SuiteReport;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::script::suite::{Suite, is_suite};
use asyncselect_scenario::source::Source;

use crate::script::{CALLS_MAX, calls};
use crate::scripts::PROFILES;
use crate::shown;

/// How far suites are explored.
const LIMITS: Limits = Limits { rounds: 3, states: 128 };

/// A suite.
pub fn suite(data: &[u8]) {
    let source = match shown::read(data) {
        Ok(source) => source,
        Err(error) => return shown::diagnostic(&error, ""),
    };
    let text = source.text.clone();
    let named = is_suite(&source);
    let suite = match Suite::check(source) {
        Ok(suite) => suite,
        Err(error) => return shown::diagnostic(&error, &text),
    };
    assert!(named, "a suite is not known as one");
    if calls(&suite.start) > CALLS_MAX {
        return;
    }
    let profile = &PROFILES[shown::lot(data) % PROFILES.len()];
    let open = match shown::lot(data) % 2 {
        0 => Open::Canonical,
        _ => Open::Every,
    };
    let work = Work { threads: 1, batch: 64, share: 1 };
    let report = match SuiteReport::explore(&suite, profile, open, work, LIMITS) {
        Ok(report) => report,
        Err(ending) => return shown::ending(&ending),
    };
    // What it would leave to show a property is a scenario.
    for (property, standing) in &report.properties {
        let (Standing::Broken(sighting) | Standing::Reached(sighting)) = standing else { continue };
        let text = report.scenario(*property, *sighting);
        let path = suite.start.path().to_owned();
        if let Err(error) = Script::check(Source { path, text: text.clone() }) {
            panic!("what explore writes is no scenario: {error}\n{text}");
        }
        let broken = matches!(standing, Standing::Broken(_));
        assert!(!broken, "{} is broken on {}:\n{text}", property.name(), profile.name());
    }
}
