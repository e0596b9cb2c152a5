//! Scenarios: checked, run on every profile, judged, traced, explained, and written anew.

use asyncselect_abi::BackendError;
use asyncselect_abi::bundle::Plan;
use asyncselect_model::Profile;
use asyncselect_scenario::check::{Extent, check};
use asyncselect_scenario::diff::compare;
use asyncselect_scenario::explore::outcomes::{Judging, outcomes as explored};
use asyncselect_scenario::explore::runs::{Freedom, Reduction};
use asyncselect_scenario::explore::schedule;
use asyncselect_scenario::explore::search::{Limits, Work};
use asyncselect_scenario::judge::{Agreement, judge};
use asyncselect_scenario::runner::Ending;
use asyncselect_scenario::script::{Op, Script};
use asyncselect_scenario::simulate::{simulate, trace};
use asyncselect_scenario::source::Source;
use asyncselect_scenario::trace::{Detail, TraceLine, to_text};
use asyncselect_scenario::{bundle, explain};

use crate::scripts::PROFILES;
use crate::shown::{self, lot};

/// A script that makes more calls is only checked: one file may ask for more of them than a fuzzer
/// has time for, and they are all alike.
pub(crate) const CALLS_MAX: u32 = 1 << 10;

/// A script with more steps is not explored.
const STEPS_MAX: usize = 24;

/// So many states are kept, of what explains a run or can come of a script.
const STATES_MAX: usize = 64;

/// A scenario.
pub fn script(data: &[u8]) {
    let Some(script) = checked(data) else { return };
    if let Some(plan) = bundle::plan(&script) {
        let text = serde_json::to_string(&plan).expect("plans are plain data");
        let again: Plan = serde_json::from_str(&text).expect("a plan can be read");
        assert_eq!(again, plan, "what a bundle says is read otherwise");
    }
    // Not all of it each time: which part of it, the text decides.
    let lot = lot(data);
    let profile = &PROFILES[lot % PROFILES.len()];
    let script = match &script.twin {
        Some(twin) if lot.is_multiple_of(4) => twin,
        Some(_) | None => &script,
    };
    if calls(script) > CALLS_MAX {
        return;
    }
    runs(script, profile);
    match lot % 16 {
        1 => drop(explain::step(script, profile, lot % (script.steps.len() + 2))),
        2 => allowed(script, profile),
        _ => {}
    }
}

/// A scenario of which everything is found that can come of it.
pub fn outcomes(data: &[u8]) {
    let Some(script) = checked(data) else { return };
    if calls(&script) > CALLS_MAX || script.steps.len() > STEPS_MAX {
        return;
    }
    let lot = lot(data);
    let profile = &PROFILES[lot % PROFILES.len()];
    let freedom = match lot % 2 {
        0 => Freedom::AsWritten,
        _ => Freedom::AllCalls,
    };
    let work = Work { threads: 1, batch: 64, share: 1 };
    let limits = Limits { rounds: 64, states: STATES_MAX };
    let found = explored(&script, profile, freedom, Reduction::On, Judging::On, work, limits);
    let Ok(found) = found else { return };
    drop(found.properties());
    for outcome in found.list.iter().take(2) {
        let text = schedule::scenario(&script, profile, freedom, outcome, "written by a fuzzer");
        let path = script.path().to_owned();
        let again = match Script::check(Source { path, text: text.clone() }) {
            Ok(again) => again,
            Err(error) => panic!("what explore writes is no scenario: {error}\n{text}"),
        };
        let run = simulate(&again, profile);
        let holds = |knob, value| run.decided(knob) == Some(value);
        match judge(&again, &run.ending, &run.seen, holds).agreement {
            Agreement::Agrees | Agreement::NotModelled(_) | Agreement::NotSetUp(_) => {}
            other @ (Agreement::Disagrees(_)
            | Agreement::NotRunnable(_)
            | Agreement::StackFailed(_)) => {
                panic!("what explore writes does not happen again: {other:?}\n{text}")
            }
        }
    }
}

/// The script, if it is one; if not, what is said of it can be shown.
fn checked(data: &[u8]) -> Option<Script> {
    let source = match shown::read(data) {
        Ok(source) => source,
        Err(error) => {
            shown::diagnostic(&error, "");
            return None;
        }
    };
    let text = source.text.clone();
    match Script::check(source) {
        Ok(script) => Some(script),
        Err(error) => {
            shown::diagnostic(&error, &text);
            None
        }
    }
}

/// How many calls its steps make at most.
pub(crate) fn calls(script: &Script) -> u32 {
    let calls = script.steps.iter().map(|op| match op {
        Op::Call(op) => op.repeat.max(),
        _ => 1,
    });
    calls.fold(0, u32::saturating_add)
}

/// Runs it twice, which must show the same: by a trace, and as if nobody listened.
fn runs(script: &Script, profile: &Profile) {
    let (lines, ending) = trace(script, profile);
    let (again, _) = trace(script, profile);
    let text = to_text(&lines, Detail::Everything);
    assert_eq!(text, to_text(&again, Detail::Everything), "a second run shows something else");
    shown::printable(&text, "\n");
    shown::ending(&ending);
    let json = serde_json::to_string(&lines).expect("lines are plain data");
    let read: Vec<TraceLine> = serde_json::from_str(&json).expect("a trace can be read");
    assert_eq!(read, lines, "a trace is read otherwise");
    let run = simulate(script, profile);
    assert_eq!(run.ending, ending, "being listened to makes a difference");
    if let Ending::Failed(_, error) = &run.ending {
        match error {
            BackendError::NotModelled(_) | BackendError::Unsupported(_) => {}
            BackendError::Died(_) | BackendError::Hung(_) | BackendError::Garbage(_) => {
                panic!("the model {error}")
            }
        }
    }
    drop(judge(script, &run.ending, &run.seen, |knob, value| run.decided(knob) == Some(value)));
    assert_eq!(compare(script, &run, &run), [], "a run differs from itself");
}

/// What a profile does, it allows.
fn allowed(script: &Script, profile: &Profile) {
    let run = simulate(script, profile);
    let Ok(checked) = check(script, profile, &run, STATES_MAX) else { return };
    let known = matches!(run.ending, Ending::Completed | Ending::Blocked(_));
    if known && !matches!(checked.extent, Extent::Capped(_)) {
        assert!(checked.is_allowed(), "{}: {checked:?}", profile.name());
    }
}
