//! Every knob matters, and expectations follow knobs and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::corpus;
use asyncselect_scenario::judge::{Agreement, judge};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::sight::{Sight, alternatives, holding, pairs, sights};
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
    let mut unseen: BTreeSet<(KnobId, u8, u8)> = KnobId::ALL
        .iter()
        .flat_map(|knob| pairs(*knob).map(|(left, right)| (*knob, left, right)))
        .collect();
    for profile in Profile::built_in() {
        for script in &scripts {
            for Sight { knob, told_apart } in sights(script, &profile) {
                for (left, right) in told_apart {
                    unseen.remove(&(knob, left, right));
                }
            }
        }
    }
    let unseen: Vec<_> = unseen
        .into_iter()
        .map(|(knob, left, right)| {
            let [left, right] = [left, right].map(|value| knob.values()[usize::from(value)]);
            format!("{knob}: {left} and {right}")
        })
        .collect();
    assert!(unseen.is_empty(), "no scenario tells apart {unseen:#?}");
}

#[test]
fn expectations_hold_whatever_one_knob_is() {
    let scripts = corpus();
    let mut wrong = Vec::new();
    for (script, profile, asked) in runs(&scripts) {
        for knob in asked {
            for value in alternatives(knob) {
                let run = simulate(script, &holding(&profile, knob, value));
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
