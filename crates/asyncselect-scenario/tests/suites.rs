//! Suites: what they find can be seen again, and holds whatever stacks decide.

use std::path::{Path, PathBuf};

use asyncselect_model::Profile;
use asyncselect_scenario::corpus::SUITES;
use asyncselect_scenario::explore::bounded::Open;
use asyncselect_scenario::explore::search::{Limits, Work};
use asyncselect_scenario::explore::standing::Standing;
use asyncselect_scenario::explore::suite_report::SuiteReport;
use asyncselect_scenario::judge::Agreement;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::script::suite::Suite;
use asyncselect_scenario::simulate::verdict;
use asyncselect_scenario::source::Source;

fn suites() -> Vec<Suite> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(SUITES);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| Suite::read(file).unwrap()).collect()
}

/// Explores so far that it takes a moment.
fn explore<'s>(suite: &'s Suite, profile: &Profile, open: Open) -> SuiteReport<'s> {
    let limits = Limits { rounds: suite.length.saturating_sub(1), ..Limits::NONE };
    SuiteReport::explore(suite, profile, open, Work::with(1), limits).unwrap()
}

#[test]
fn whatever_a_suite_shows_is_a_scenario_that_shows_it_again() {
    let mut shown = 0;
    for suite in suites() {
        for profile in Profile::built_in() {
            let report = explore(&suite, &profile, Open::Canonical);
            for (property, standing) in &report.properties {
                let sighting = match standing {
                    Standing::Holds | Standing::NotReached => continue,
                    Standing::Deviates { sighting, .. }
                    | Standing::Broken(sighting)
                    | Standing::Reached(sighting) => *sighting,
                };
                let text = report.scenario(*property, sighting);
                let path = suite.start.path().to_owned();
                let script = Script::check(Source { path, text: text.clone() });
                let script = script.unwrap_or_else(|error| panic!("{error}\n{text}"));
                let agreement = verdict(&script, &profile).agreement;
                let what = format!("{} on {}:\n{text}", property.name(), profile.name());
                assert_eq!(agreement, Agreement::Agrees, "{what}");
                shown += 1;
            }
        }
    }
    assert!(shown > 100, "{shown}");
}

#[test]
fn no_alternative_of_an_open_knob_breaks_a_property() {
    for suite in suites() {
        for profile in Profile::built_in() {
            let report = explore(&suite, &profile, Open::Every);
            for (property, standing) in &report.properties {
                if let Standing::Broken(sighting) = standing {
                    let text = report.scenario(*property, *sighting);
                    panic!("{} on {}:\n{text}", property.name(), profile.name());
                }
            }
        }
    }
}
