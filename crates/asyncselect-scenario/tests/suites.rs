//! Suites: what they find can be seen again, and holds whatever stacks decide.

use std::collections::HashSet;
use std::path::Path;

use asyncselect_model::Profile;
use asyncselect_scenario::corpus::{self, SUITES};
use asyncselect_scenario::explore::bounded::{Bounded, Open};
use asyncselect_scenario::explore::search::{Limits, Pace, Space, Work};
use asyncselect_scenario::explore::standing::Standing;
use asyncselect_scenario::explore::suite_report::SuiteReport;
use asyncselect_scenario::explore::tree::Walker;
use asyncselect_scenario::judge::Agreement;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::script::suite::Suite;
use asyncselect_scenario::simulate::verdict;
use asyncselect_scenario::source::Source;

fn suites() -> Vec<Suite> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root.join(SUITES)]).unwrap();
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

/// Follows everything that may happen by itself from a state.
fn follow(
    space: &Bounded<'_>,
    state: &<Bounded<'_> as Space>::State,
    known: &mut HashSet<u64>,
    way: &mut Vec<u64>,
) {
    let here = space.fingerprint(state);
    assert!(!way.contains(&here), "what happens by itself comes round to where it was");
    if !known.insert(here) {
        return;
    }
    way.push(here);
    let mut next = Vec::new();
    space.steps(state, Pace::Free, &mut space.scratch(), &mut |step| {
        next.extend(step.to.ok().cloned());
    });
    next.iter().for_each(|state| follow(space, state, known, way));
    way.pop();
}

/// So judging starvation at rest is judging that every call that can return does some time.
#[test]
fn what_happens_by_itself_comes_to_an_end() {
    let mut states = 0;
    for suite in suites() {
        for profile in Profile::built_in() {
            let limits = Limits { rounds: 2, ..Limits::NONE };
            let report =
                SuiteReport::explore(&suite, &profile, Open::Every, Work::with(1), limits).unwrap();
            let (space, tree) = (&report.space, &report.explored.tree);
            let (mut walker, mut known) = (Walker::new(space, tree), HashSet::new());
            for node in (0..).take(tree.len()) {
                follow(space, walker.go(node), &mut known, &mut Vec::new());
            }
            assert_eq!(known.len(), tree.len(), "the search has followed it too");
            states += known.len();
        }
    }
    assert!(states > 1_000, "{states}");
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
