//! Every knob matters, and expectations follow knobs and nothing else.

use std::path::Path;

use asyncselect_model::profile::Setting;
use asyncselect_model::{Evidence, KnobId, Profile};
use asyncselect_scenario::corpus;
use asyncselect_scenario::diff::compare;
use asyncselect_scenario::judge::{Agreement, judge};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::simulate;

/// Every scenario that does not pin a fact of one stack.
fn corpus() -> Vec<Script> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).unwrap();
    let scripts = files.iter().map(|file| Script::read(file).unwrap());
    scripts.filter(|script| script.fact.is_none()).collect()
}

fn with(profile: &Profile, knob: KnobId, value: u8) -> Profile {
    let mut profile = profile.clone();
    let (evidence, source) = (Evidence::Inferred, "a test".to_owned());
    profile.set(knob, Setting { value: Some(value), evidence, source });
    profile
}

fn values(knob: KnobId) -> impl Iterator<Item = u8> {
    (0..).take(knob.values().len())
}

#[test]
fn each_alternative_is_told_apart_by_a_scenario() {
    let scripts = corpus();
    let mut unseen = Vec::new();
    for knob in KnobId::ALL {
        for left in values(*knob) {
            for right in values(*knob).skip(usize::from(left) + 1) {
                let seen = Profile::built_in().iter().any(|profile| {
                    let (left, right) = (with(profile, *knob, left), with(profile, *knob, right));
                    scripts.iter().any(|script| {
                        let (left, right) = (simulate(script, &left), simulate(script, &right));
                        !compare(script, &left, &right).is_empty()
                    })
                });
                if !seen {
                    let names = knob.values();
                    let (left, right) = (names[usize::from(left)], names[usize::from(right)]);
                    unseen.push(format!("{knob}: {left} and {right}"));
                }
            }
        }
    }
    assert!(unseen.is_empty(), "no scenario tells apart {unseen:#?}");
}

#[test]
fn expectations_hold_whatever_one_knob_is() {
    let scripts = corpus();
    let mut wrong = Vec::new();
    for profile in Profile::built_in() {
        for knob in KnobId::ALL {
            for value in values(*knob) {
                let changed = with(&profile, *knob, value);
                for script in &scripts {
                    let run = simulate(script, &changed);
                    let holds = |knob, value| run.decided(knob) == Some(value);
                    let verdict = judge(script, &run.ending, &run.seen, holds);
                    if verdict.agreement != Agreement::Agrees {
                        let name = knob.values()[usize::from(value)];
                        let profile = profile.name();
                        wrong.push(format!("{} on {profile} with {knob} = {name}", script.id));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} runs fail: {wrong:#?}", wrong.len());
}
