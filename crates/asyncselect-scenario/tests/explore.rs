//! Exploration of the whole corpus: what it finds holds, and reductions lose nothing.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::corpus;
use asyncselect_scenario::explore::outcomes::{Judging, Outcomes, outcomes};
use asyncselect_scenario::explore::properties::Property;
use asyncselect_scenario::explore::runs::{Freedom, Reduction};
use asyncselect_scenario::explore::schedule::scenario;
use asyncselect_scenario::explore::search::{Ended, Limits, Sighting, Work};
use asyncselect_scenario::explore::standing::Standing;
use asyncselect_scenario::judge::{Agreement, judge, unreached};
use asyncselect_scenario::runner::{Ending, Observation};
use asyncselect_scenario::script::{Op, Script};
use asyncselect_scenario::simulate::{Run, simulate};
use asyncselect_scenario::source::Source;

/// Enough for all but a few.
const LIMITS: Limits = Limits { states: 1_500, rounds: 300 };

/// So many explorations do not get to their end within the limits.
const CUT_SHORT_MAX: usize = 3;

/// Scripts that make more calls in a row fill queues of 10,000 messages, with the same few orders
/// each time.
const CALLS_IN_A_ROW_MAX: u32 = 1_000;

fn scripts() -> Vec<Script> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).unwrap();
    let scripts = files.iter().map(|file| Script::read(file).unwrap());
    scripts.filter(|script| calls_in_a_row(script) <= CALLS_IN_A_ROW_MAX).collect()
}

fn calls_in_a_row(script: &Script) -> u32 {
    let repeats = script.steps.iter().map(|op| match op {
        Op::Call(op) => op.repeat.max(),
        _ => 1,
    });
    repeats.max().unwrap_or(0)
}

fn explore<'s>(
    script: &'s Script,
    profile: &Profile,
    freedom: Freedom,
    reduction: Reduction,
    judging: Judging,
    threads: usize,
) -> Option<Outcomes<'s>> {
    let work = Work { threads, batch: 1024, share: 1 };
    outcomes(script, profile, freedom, reduction, judging, work, LIMITS).ok()
}

/// Everything explored to its end, with the number of those that were not.
fn each(
    freedom: Freedom,
    judging: Judging,
    mut look: impl FnMut(&Script, &Profile, &Outcomes<'_>),
) -> usize {
    let mut cut_short = 0;
    for script in scripts() {
        for profile in Profile::built_in() {
            if script.is_about_others_than(profile.name()) {
                continue;
            }
            let Some(found) = explore(&script, &profile, freedom, Reduction::On, judging, 1) else {
                continue;
            };
            match found.explored.ended {
                Ended::Everything => look(&script, &profile, &found),
                Ended::Rounds | Ended::States => cut_short += 1,
            }
        }
    }
    cut_short
}

/// What came, whatever the order in which it was found.
fn set<'o>(outcomes: &'o Outcomes<'_>) -> HashSet<(&'o Ending, &'o [Observation])> {
    outcomes.list.iter().map(|one| (&one.run.ending, one.run.seen.as_slice())).collect()
}

fn agreement(script: &Script, run: &Run) -> Agreement {
    let holds = |knob, value| run.decided(knob) == Some(value);
    judge(script, &run.ending, &run.seen, holds).agreement
}

/// What was decided that the profile leaves open.
fn decided(profile: &Profile, run: &Run) -> Vec<String> {
    let open = KnobId::ALL.iter().filter(|knob| profile.setting(**knob).value.is_none());
    let text = |knob: &KnobId| {
        let value = run.decided(*knob)?;
        Some(format!("{knob} = {}", knob.values()[usize::from(value)]))
    };
    open.filter_map(text).collect()
}

#[test]
fn reductions_lose_no_outcome_and_invent_none() {
    let mut reduced = 0;
    for freedom in [Freedom::AsWritten, Freedom::AllCalls] {
        let cut_short = each(freedom, Judging::On, |script, profile, on| {
            let off = explore(script, profile, freedom, Reduction::Off, Judging::On, 1).unwrap();
            let of = format!("{} on {}, {freedom:?}", script.id, profile.name());
            assert_eq!(set(on), set(&off), "{of}");
            assert_eq!(standings(on), standings(&off), "{of}");
            assert!(on.explored.states() <= off.explored.states(), "{of}");
            reduced += off.explored.states() - on.explored.states();
        });
        assert!(cut_short <= CUT_SHORT_MAX, "{cut_short} are cut short, {freedom:?}");
    }
    assert!(reduced > 0, "nothing is reduced");
}

/// What became of each property, without where.
fn standings(found: &Outcomes<'_>) -> Vec<(Property, Option<Vec<KnobId>>)> {
    let broken = |standing| match standing {
        Standing::Deviates { knobs, .. } => Some(knobs.iter().map(|(knob, _)| *knob).collect()),
        Standing::Broken(_) => Some(Vec::new()),
        Standing::Holds | Standing::Reached(_) | Standing::NotReached => None,
    };
    let all = found.properties().into_iter();
    all.map(|(property, standing)| (property, broken(standing))).collect()
}

/// The run of the first sighting of something that is broken, as a file.
fn shown(
    script: &Script,
    profile: &Profile,
    freedom: Freedom,
    found: &Outcomes<'_>,
    (property, sighting): (Property, Sighting),
) -> String {
    let witness = found.witness(property, sighting);
    scenario(script, profile, freedom, &witness.outcome, "what is broken")
}

#[test]
fn no_property_is_violated_and_what_deviates_is_a_file_that_shows_it_again() {
    let mut deviating = BTreeSet::new();
    let mut violated = Vec::new();
    for freedom in [Freedom::AsWritten, Freedom::AllCalls] {
        each(freedom, Judging::On, |script, profile, found| {
            for (property, standing) in found.properties() {
                let of = || {
                    let (name, profile) = (property.name(), profile.name());
                    format!("{name}: {} on {profile}, {freedom:?}", script.id)
                };
                match standing {
                    Standing::Holds | Standing::Reached(_) | Standing::NotReached => {}
                    Standing::Broken(sighting) => {
                        let text = shown(script, profile, freedom, found, (property, sighting));
                        violated.push(format!("{}:\n{text}", of()));
                    }
                    Standing::Deviates { knobs, sighting } => {
                        assert!(!knobs.is_empty(), "{}", of());
                        deviating.extend(knobs.iter().map(|(knob, _)| (property, *knob)));
                        let text = shown(script, profile, freedom, found, (property, sighting));
                        let source = Source { path: "deviation.json".into(), text: text.clone() };
                        let again = Script::check(source).unwrap();
                        let run = simulate(&again, profile);
                        let agreement = agreement(&again, &run);
                        let agrees =
                            matches!(agreement, Agreement::Agrees | Agreement::NotModelled(_));
                        assert!(agrees, "{agreement:?}\n{}:\n{text}", of());
                    }
                }
            }
        });
    }
    assert!(violated.is_empty(), "{}", violated.join("\n"));
    // They are judged at all.
    assert!(deviating.len() > 10, "{deviating:?}");
}

#[test]
fn whatever_the_order_what_a_script_expects_is_so() {
    let mut wrong = Vec::new();
    each(Freedom::AsWritten, Judging::Off, |script, profile, found| {
        for outcome in &found.list {
            let agreement = agreement(script, &outcome.run);
            let agrees = matches!(agreement, Agreement::Agrees | Agreement::NotModelled(_));
            if !agrees {
                let decided = decided(profile, &outcome.run);
                let of = format!("{} on {} with {decided:?}", script.id, profile.name());
                wrong.push(format!("{of}: {agreement:?}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_must_be_reached_is_and_the_rest_never_comes() {
    let mut guarded = 0;
    each(Freedom::AsWritten, Judging::Off, |script, profile, found| {
        guarded += script.guarded.len();
        let runs = found.list.iter().map(|outcome| outcome.run.seen.as_slice());
        let unreached = unreached(script, runs);
        assert!(unreached.is_empty(), "{} on {}: {unreached:?}", script.id, profile.name());
    });
    assert!(guarded > 0);
}

#[test]
fn a_list_that_never_comes_is_told() {
    let script = scripts().into_iter().find(|script| !script.guarded.is_empty()).unwrap();
    let runs = std::iter::empty::<&[Observation]>();
    let lists: usize = script.guarded.iter().map(|guarded| guarded.must_reach.len()).sum();
    assert_eq!(unreached(&script, runs).len(), lists);
}

#[test]
fn a_simulated_run_is_among_those_explored() {
    for freedom in [Freedom::AsWritten, Freedom::AllCalls] {
        each(freedom, Judging::Off, |script, profile, found| {
            let run = simulate(script, profile);
            let is_it = |one: &Run| (&one.ending, &one.seen) == (&run.ending, &run.seen);
            let is_there = found.list.iter().any(|outcome| is_it(&outcome.run));
            assert!(is_there, "{} on {}, {freedom:?}", script.id, profile.name());
        });
    }
}

#[test]
fn an_outcome_as_a_file_comes_again() {
    for freedom in [Freedom::AsWritten, Freedom::AllCalls] {
        each(freedom, Judging::Off, |script, profile, found| {
            for outcome in &found.list {
                let text = scenario(script, profile, freedom, outcome, "an outcome");
                let of = || format!("{} on {}, {freedom:?}:\n{text}", script.id, profile.name());
                let source = Source { path: "outcome.json".into(), text: text.clone() };
                let again = Script::check(source).unwrap_or_else(|error| {
                    panic!("{error}\n{:?} {}", outcome.run.ending, of());
                });
                let run = simulate(&again, profile);
                // A call that has to wait ends the run for which it was written, and is one that
                // began in the file.
                let agreement = agreement(&again, &run);
                let agrees = matches!(agreement, Agreement::Agrees | Agreement::NotModelled(_));
                assert!(agrees, "{agreement:?}\n{:?} {}", outcome.run.ending, of());
            }
        });
    }
}

#[test]
fn threads_make_no_difference() {
    each(Freedom::AllCalls, Judging::Off, |script, profile, one| {
        let two =
            explore(script, profile, Freedom::AllCalls, Reduction::On, Judging::Off, 2).unwrap();
        assert_eq!(one.list, two.list, "{} on {}", script.id, profile.name());
        assert_eq!(one.explored.rounds, two.explored.rounds);
    });
}
