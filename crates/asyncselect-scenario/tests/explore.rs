//! Exploration of the whole corpus: what it finds holds, and reductions lose nothing.

use std::path::{Path, PathBuf};

use asyncselect_model::Profile;
use asyncselect_scenario::corpus;
use asyncselect_scenario::explore::outcomes::{Outcome, Outcomes, outcomes};
use asyncselect_scenario::explore::runs::{Freedom, Reduction};
use asyncselect_scenario::explore::schedule::scenario;
use asyncselect_scenario::explore::search::{Ended, Limits, Work};
use asyncselect_scenario::runner::{Ending, Observation};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::simulate;
use asyncselect_scenario::source::Source;

const LIMITS: Limits = Limits { states: 20_000, ..Limits::NONE };

fn scripts() -> Vec<Script> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).unwrap();
    files.iter().map(|file| Script::read(file).unwrap()).collect()
}

fn explore(
    script: &Script,
    profile: &Profile,
    freedom: Freedom,
    reduction: Reduction,
) -> Option<Outcomes> {
    outcomes(script, profile, freedom, reduction, Work::with(1), LIMITS).ok()
}

/// What came, whatever the order in which it was found.
fn set(outcomes: &Outcomes) -> Vec<(&Ending, &Vec<Observation>)> {
    let mut set: Vec<_> =
        outcomes.list.iter().map(|one| (&one.run.ending, &one.run.seen)).collect();
    set.sort_by_key(|one| format!("{one:?}"));
    set
}

#[test]
fn probe() {
    let mut worst = Vec::new();
    for script in scripts() {
        for profile in Profile::built_in() {
            for freedom in [Freedom::AsWritten, Freedom::AllCalls] {
                let Some(on) = explore(&script, &profile, freedom, Reduction::On) else { continue };
                let Some(off) = explore(&script, &profile, freedom, Reduction::Off) else {
                    continue;
                };
                if on.explored.ended == Ended::Everything && off.explored.ended == Ended::Everything
                {
                    assert_eq!(
                        set(&on),
                        set(&off),
                        "{} on {} {freedom:?}",
                        script.id,
                        profile.name()
                    );
                }
                worst.push((
                    off.explored.states(),
                    on.explored.states(),
                    on.list.len(),
                    script.id.clone(),
                    profile.name().to_owned(),
                    freedom,
                ));
            }
        }
    }
    worst.sort_by_key(|w| w.0);
    let (off, on) = worst.iter().fold((0, 0), |(a, b), w| (a + w.0, b + w.1));
    println!("total off {off} on {on}");
    for one in worst.iter().rev().take(40) {
        println!("{one:?}");
    }
    let mut by: Vec<_> = worst.iter().filter(|w| w.5 == Freedom::AsWritten).collect();
    by.sort_by_key(|w| w.2);
    for one in by.iter().rev().take(20) {
        println!("{one:?}");
    }
}
