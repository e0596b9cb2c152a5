//! Every scenario by its expectations alone: the one test that mutants of the model are put to
//! (`just mutants`).
//!
//! Each is judged on every built-in profile, and on `documented` with every other alternative of
//! each knob that it asks for or that its file names, in every mode that it has. No snapshot, no
//! invariant and no unit test is asked, so what passes here is what the corpus does not see. The
//! first scenario that fails ends it, and it says how that one did.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::corpus;
use asyncselect_scenario::judge::Agreement;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::sight::{alternatives, holding};
use asyncselect_scenario::simulate::{asked, verdict};

/// The files of a family tend to see the same, so files this far apart are taken first.
const STRIDE: usize = 40;

#[test]
fn every_scenario_agrees() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).expect("the corpus is there");
    let files = (0..STRIDE).flat_map(|first| files.iter().skip(first).step_by(STRIDE));
    let scripts: Vec<Script> =
        files.map(|file| Script::read(file).expect("the corpus can be read")).collect();
    let in_modes = || scripts.iter().flat_map(|script| [Some(script), script.twin.as_deref()]);
    // Mutants can lose the profiles too.
    let [documented, windows, wine] = Profile::built_in().try_into().expect("three profiles");
    for script in in_modes().flatten() {
        for profile in [&documented, &windows, &wine] {
            agrees(script, profile);
        }
    }
    // A file that pins a fact is about the stacks that it names.
    for script in in_modes().flatten().filter(|script| script.fact.is_none()) {
        for profile in variants(script, &documented) {
            agrees(script, &profile);
        }
    }
}

/// The profile with another value at one knob, for all that can make a difference to a script. A
/// mutant may not ask for what the file has an expectation about.
fn variants(script: &Script, profile: &Profile) -> impl Iterator<Item = Profile> {
    let others = move |knob: KnobId| {
        let held = profile.setting(knob).value.unwrap_or(0);
        let values = alternatives(knob).filter(move |value| *value != held);
        values.map(move |value| holding(profile, knob, value))
    };
    let text = std::fs::read_to_string(script.path()).expect("it was read before");
    let names = |knob: &KnobId| text.contains(&format!("\"{}\"", knob.name()));
    let asked = asked(script, profile);
    let wanted = KnobId::ALL.iter().copied().filter(|knob| asked.contains(knob) || names(knob));
    wanted.collect::<Vec<_>>().into_iter().flat_map(others)
}

fn agrees(script: &Script, profile: &Profile) {
    let judged = catch_unwind(AssertUnwindSafe(|| verdict(script, profile)));
    let how = match judged.map(|verdict| verdict.agreement) {
        Ok(Agreement::Agrees | Agreement::NotRunnable(_)) => return,
        Ok(Agreement::Disagrees(findings)) => format!("disagrees: {findings:?}"),
        Ok(Agreement::NotModelled(what)) => format!("gives up: {what}"),
        Ok(Agreement::NotSetUp(what)) => format!("is not set up: {what}"),
        Ok(Agreement::StackFailed(what)) => format!("fails: {what}"),
        Err(_) => "breaks down".to_owned(),
    };
    panic!("{} on {}: {how}", script.label(), profile.name());
}
