//! How fast recorded runs are checked on one core, in lines of a recording a second: a call and its
//! return are two, those of `setup` too; a message is one, and a look at a queue that has none.
//!
//! `cargo bench --package asyncselect-scenario --bench check`

use std::path::Path;

use asyncselect_model::Profile;
use asyncselect_scenario::check::{STATES_MAX, check};
use asyncselect_scenario::corpus;
use asyncselect_scenario::runner::Observation;
use asyncselect_scenario::script::{Op, Script};
use asyncselect_scenario::simulate::{Run, simulate};
use divan::Bencher;
use divan::counter::ItemsCount;

mod scripts;

fn main() {
    divan::main();
}

/// Scripts and what each showed on the profile, of those that run to an end there.
fn recorded(profile: &Profile, wanted: impl Fn(&Script) -> bool) -> Vec<(Script, Run)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).expect("the corpus is there");
    let scripts = files.iter().map(|file| Script::read(file).expect("it is a scenario"));
    let runs = scripts.filter(wanted).map(|script| {
        let run = simulate(&script, profile);
        (script, run)
    });
    runs.filter(|(script, run)| {
        check(script, profile, run, STATES_MAX).is_ok_and(|checked| checked.is_allowed())
    })
    .collect()
}

fn lines((script, run): &(Script, Run)) -> usize {
    let seen = run.seen.iter().map(|seen| match seen {
        Observation::Return { .. } => 2,
        Observation::Messages { messages, .. } => messages.len() + 1,
        Observation::NeverFailed { .. } | Observation::Waiting { .. } => 1,
    });
    2 * script.setup.len() + seen.sum::<usize>()
}

fn checks(bencher: Bencher<'_, '_>, profile: &Profile, runs: &[(Script, Run)]) {
    let lines: usize = runs.iter().map(lines).sum();
    bencher.counter(ItemsCount::new(lines)).bench_local(|| {
        let check = |(script, run): &(Script, Run)| {
            check(script, profile, run, STATES_MAX).is_ok_and(|checked| checked.is_allowed())
        };
        assert!(runs.iter().all(check));
    });
}

fn leaves_a_race_open(script: &Script) -> bool {
    script.steps.iter().any(|op| matches!(op, Op::Call(op) if !op.settle))
}

/// The script that replay is measured with.
#[divan::bench]
fn thirty_steps(bencher: Bencher<'_, '_>) {
    let (script, profile) = (scripts::thirty_steps(), Profile::windows());
    let run = simulate(&script, &profile);
    checks(bencher, &profile, &[(script, run)]);
}

/// Files without a race; nearly all lines are those of five that fill a queue.
#[divan::bench]
fn settled(bencher: Bencher<'_, '_>) {
    let profile = Profile::windows();
    checks(bencher, &profile, &recorded(&profile, |script| !leaves_a_race_open(script)));
}

/// Files with races.
#[divan::bench]
fn unsettled(bencher: Bencher<'_, '_>) {
    let profile = Profile::windows();
    checks(bencher, &profile, &recorded(&profile, leaves_a_race_open));
}
