//! Every knob matters, and expectations follow knobs and nothing else.

use std::path::Path;

use asyncselect_model::profile::Setting;
use asyncselect_model::{Evidence, KnobId, Profile};
use asyncselect_scenario::corpus;
use asyncselect_scenario::diff::compare;
use asyncselect_scenario::judge::{Agreement, judge};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::{asked, simulate};

/// Every scenario that does not pin a fact of one stack, in each of its modes.
fn corpus() -> Vec<Script> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).unwrap();
    let scripts = files.iter().map(|file| Script::read(file).unwrap());
    let in_modes = scripts.flat_map(|mut script| {
        let twin = script.twin.take().map(|twin| *twin);
        [Some(script), twin]
    });
    in_modes.flatten().filter(|script| script.fact.is_none()).collect()
}

fn with(profile: &Profile, knob: KnobId, value: u8) -> Profile {
    let mut profile = profile.clone();
    let (evidence, source) = (Evidence::Inferred, "a test".into());
    profile.set(knob, Setting { value: Some(value), evidence, source });
    profile
}

fn values(knob: KnobId) -> impl Iterator<Item = u8> {
    (0..).take(knob.values().len())
}

/// Every run of the corpus on a built-in profile, with the knobs that it asks for. What stands at
/// the others makes no difference to it.
fn runs(scripts: &[Script]) -> Vec<(&Script, Profile, Vec<KnobId>)> {
    let on = |script| {
        let profiles = Profile::built_in().into_iter();
        profiles.map(move |profile| {
            let asked = asked(script, &profile);
            (script, profile, asked)
        })
    };
    scripts.iter().flat_map(on).collect()
}

#[test]
fn each_alternative_is_told_apart_by_a_scenario() {
    let scripts = corpus();
    let runs = runs(&scripts);
    let mut unseen = Vec::new();
    for knob in KnobId::ALL {
        for left in values(*knob) {
            for right in values(*knob).skip(usize::from(left) + 1) {
                let mut asking = runs.iter().filter(|(_, _, asked)| asked.contains(knob));
                let seen = asking.any(|(script, profile, _)| {
                    let left = simulate(script, &with(profile, *knob, left));
                    let right = simulate(script, &with(profile, *knob, right));
                    !compare(script, &left, &right).is_empty()
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
    for (script, profile, asked) in runs(&scripts) {
        for knob in asked {
            for value in values(knob) {
                let run = simulate(script, &with(&profile, knob, value));
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
    assert!(wrong.is_empty(), "{} runs fail: {wrong:#?}", wrong.len());
}
