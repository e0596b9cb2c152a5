//! Two stacks on the same script: where what a program sees differs, and which knob explains it.

use asyncselect_abi::Value;
use asyncselect_model::profile::Setting;
use asyncselect_model::{Evidence, KnobId, Profile};

use crate::check::{STATES_MAX, check};
use crate::judge::{counted, result_text};
use crate::runner::{Ending, Observation, Place, Retrieved};
use crate::script::{Claim, Op, Script};
use crate::script_file::ReturnSpec;
use crate::simulate::{Run, asked, simulate};
use crate::trace::name_of;

/// A place where two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub place: Place,
    /// What the left one showed.
    pub left: String,
    /// What the right one showed.
    pub right: String,
}

/// The knob at which two stacks part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The knob.
    pub knob: KnobId,
    /// The alternative on the left, and how we know.
    pub left: (u8, Setting),
    /// The alternative on the right, and how we know.
    pub right: (u8, Setting),
}

/// Where two runs of a script differ in what a program sees.
///
/// What the script leaves open (`"any"`, `min`, `unordered`, `one_of`) is no difference.
#[must_use]
pub fn compare(script: &Script, left: &Run, right: &Run) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (one, other) in left.seen.iter().zip(&right.seen) {
        let holds = |knob, value| left.decided(knob) == Some(value);
        if !same_where(script, &holds, one, other) {
            differences.push(Difference {
                place: one.place(),
                left: text_of(script, one),
                right: text_of(script, other),
            });
        }
        if one.place() != other.place() {
            return differences;
        }
    }
    if ending_kind(&left.ending) != ending_kind(&right.ending)
        || left.seen.len() != right.seen.len()
    {
        let place = match (&left.ending, &right.ending) {
            (Ending::Blocked(place) | Ending::Failed(place, _), _)
            | (_, Ending::Blocked(place) | Ending::Failed(place, _)) => *place,
            _ => Place::End,
        };
        differences.push(Difference {
            place,
            left: ending_text(&left.ending),
            right: ending_text(&right.ending),
        });
    }
    differences
}

/// The knobs at which two profiles part in this script: those that alone change what the left one
/// shows when they are set as on the right. `None` if the differences remain with all of them set.
#[must_use]
pub fn explain(script: &Script, left: &Profile, right: &Profile) -> Option<Vec<Explanation>> {
    let (left_run, right_run) = (simulate(script, left), simulate(script, right));
    let value = |run: &Run, profile: &Profile, knob: KnobId| {
        run.decided(knob).or_else(|| profile.setting(knob).value).unwrap_or(0)
    };
    let mut explanations = Vec::new();
    let mut moved = left.clone();
    for knob in KnobId::ALL.iter().copied() {
        let (on_left, on_right) = (value(&left_run, left, knob), value(&right_run, right, knob));
        if on_left == on_right {
            continue;
        }
        let before = simulate(script, &moved);
        moved.set(knob, Setting { value: Some(on_right), ..right.setting(knob).clone() });
        if !compare(script, &before, &simulate(script, &moved)).is_empty() {
            explanations.push(Explanation {
                knob,
                left: (on_left, left.setting(knob).clone()),
                right: (on_right, right.setting(knob).clone()),
            });
        }
    }
    compare(script, &simulate(script, &moved), &right_run).is_empty().then_some(explanations)
}

/// The fewest changes of knobs with which the profile would allow what a live stack showed: the
/// knobs and their alternatives. `None` if there are none, or too many to look at.
#[must_use]
pub fn nearest_knobs(script: &Script, profile: &Profile, live: &Run) -> Option<Vec<(KnobId, u8)>> {
    let leave_open = |profile: &mut Profile, knob: KnobId| {
        let (evidence, source) = (Evidence::Inferred, "".into());
        profile.set(knob, Setting { value: None, evidence, source });
    };
    let changes = |open: &Profile| {
        let checked = check(script, open, live, STATES_MAX).ok()?;
        let is_change = |(knob, value): &&(KnobId, u8)| {
            profile.setting(*knob).value.is_some_and(|held| held != *value)
        };
        let ways = checked.ways.iter();
        let changes = ways.map(|way| way.iter().filter(is_change).copied().collect());
        let fewest = changes.min_by_key(Vec::len)?;
        checked.is_allowed().then_some(fewest)
    };
    let asked = asked(script, profile);
    let one = asked.iter().find_map(|knob| {
        let mut open = profile.clone();
        leave_open(&mut open, *knob);
        changes(&open)
    });
    one.or_else(|| {
        let mut open = profile.clone();
        KnobId::ALL.iter().for_each(|knob| leave_open(&mut open, *knob));
        changes(&open)
    })
}

/// Whether two observations are the same as far as the script cares; what it cares for is told by
/// the expectation for the alternatives that `holds` names.
pub(crate) fn same_where(
    script: &Script,
    holds: &impl Fn(KnobId, u8) -> bool,
    left: &Observation,
    right: &Observation,
) -> bool {
    match (left, right) {
        (
            Observation::Return { place, result, lp_errno, data, .. },
            Observation::Return {
                place: other_place,
                result: other_result,
                lp_errno: other_errno,
                data: other_data,
                ..
            },
        ) => {
            let open = open_return(script, holds, *place);
            let same_result = match (result, other_result) {
                // Handles and ports are each stack's own.
                (Ok(Value::Socket(_)), Ok(Value::Socket(_)))
                | (Ok(Value::Window(_)), Ok(Value::Window(_)))
                | (Ok(Value::Event(_)), Ok(Value::Event(_)))
                | (Ok(Value::Address(_)), Ok(Value::Address(_)))
                // The message itself is compared where it is claimed.
                | (Ok(Value::Message(_)), Ok(Value::Message(_))) => true,
                (Ok(_), Ok(_)) if open => true,
                (one, other) => one == other,
            };
            place == other_place
                && same_result
                && lp_errno == other_errno
                && (open || data == other_data)
        }
        (
            Observation::Messages { place, messages },
            Observation::Messages { place: other_place, messages: others },
        ) => place == other_place && same_messages(script, holds, *place, messages, others),
        (Observation::NeverFailed { place, .. }, Observation::NeverFailed { place: other, .. }) => {
            place == other
        }
        (
            Observation::Waiting { place, waits },
            Observation::Waiting { place: other, waits: others },
        ) => place == other && waits == others,
        (
            Observation::Return { .. }
            | Observation::Messages { .. }
            | Observation::NeverFailed { .. }
            | Observation::Waiting { .. },
            _,
        ) => false,
    }
}

/// Whether the script leaves open how much a call returns.
fn open_return(script: &Script, holds: &impl Fn(KnobId, u8) -> bool, place: Place) -> bool {
    let Place::Step(index) = place else { return false };
    let expect = match &script.steps[index] {
        Op::Call(op) => &op.expect,
        Op::End { expect, .. } => expect,
        Op::Blocked { .. }
        | Op::Claim(_)
        | Op::Pump { .. }
        | Op::Settle
        | Op::Fault(_)
        | Op::Advance(_)
        | Op::Happen(_)
        | Op::NotModelled(_) => return false,
    };
    let (expected, _) = expect.select(holds);
    match expected.value {
        Some(ReturnSpec::Any | ReturnSpec::AtLeast(_) | ReturnSpec::Below(_)) => true,
        Some(ReturnSpec::Exactly(_) | ReturnSpec::Failure) | None => false,
    }
}

fn same_messages(
    script: &Script,
    holds: &impl Fn(KnobId, u8) -> bool,
    place: Place,
    left: &[Retrieved],
    right: &[Retrieved],
) -> bool {
    let alike = || {
        left.len() == right.len()
            && left.iter().zip(right).all(|(left, right)| left.looks_like(right))
    };
    let Place::Step(index) = place else { return alike() };
    let unordered = match &script.steps[index] {
        Op::Claim(claim) => {
            let (claim, _) = claim.select(holds);
            !matches!(claim, Claim::Ordered(_))
        }
        Op::Call(_)
        | Op::End { .. }
        | Op::Blocked { .. }
        | Op::Pump { .. }
        | Op::Settle
        | Op::Fault(_)
        | Op::Advance(_)
        | Op::Happen(_)
        | Op::NotModelled(_) => false,
    };
    if !unordered {
        return alike();
    }
    let sorted = |messages: &[Retrieved]| {
        let mut texts: Vec<String> =
            messages.iter().map(|message| name_of(script, message).to_string()).collect();
        texts.sort();
        texts
    };
    sorted(left) == sorted(right)
}

/// An observation in words.
#[must_use]
pub fn text_of(script: &Script, observation: &Observation) -> String {
    match observation {
        Observation::Return { call, result, data, lp_errno, .. } => {
            let mut text = format!("{call} -> {}", result_text(*result));
            if let Some(data) = data {
                text.push_str(&format!(" {data}"));
            }
            if let Some(errno) = lp_errno {
                text.push_str(&format!(", *lpErrno = {errno}"));
            }
            text
        }
        Observation::NeverFailed { .. } => "never fails".to_owned(),
        Observation::Waiting { waits: true, .. } => "waits".to_owned(),
        Observation::Waiting { waits: false, .. } => "returned".to_owned(),
        Observation::Messages { messages, .. } => {
            counted(messages.iter().map(|message| name_of(script, message).to_string()))
        }
    }
}

/// How far two observations are apart; only to say which of several is the nearest.
pub(crate) fn difference(one: &Observation, other: &Observation) -> usize {
    match (one, other) {
        (
            Observation::Return { place, result, .. },
            Observation::Return { place: other_place, result: other, .. },
        ) if place == other_place => match (result, other) {
            (Ok(_), Ok(_)) | (Err(_), Err(_)) => 1,
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => 2,
        },
        (
            Observation::Messages { place, messages },
            Observation::Messages { place: other_place, messages: others },
        ) if place == other_place => {
            let missing = |from: &[Retrieved], of: &[Retrieved]| {
                let mut rest: Vec<_> = from.iter().collect();
                for message in of {
                    if let Some(at) = rest.iter().position(|other| other.looks_like(message)) {
                        rest.swap_remove(at);
                    }
                }
                rest.len()
            };
            missing(messages, others) + missing(others, messages)
        }
        _ => usize::from(one.place() != other.place()) * 1_000 + 100,
    }
}

pub(crate) fn ending_kind(ending: &Ending) -> u8 {
    match ending {
        Ending::Completed => 0,
        Ending::Blocked(_) => 1,
        Ending::NotSetUp(_) => 2,
        Ending::NotRunnable(_) => 3,
        Ending::Failed(..) => 4,
    }
}

pub(crate) fn ending_text(ending: &Ending) -> String {
    match ending {
        Ending::Completed => "the run ends".to_owned(),
        Ending::Blocked(_) => "a call waits".to_owned(),
        Ending::NotSetUp(what) => format!("not set up: {what}"),
        Ending::NotRunnable(need) => format!("needs {}", need.as_str()),
        Ending::Failed(_, error) => error.to_string(),
    }
}
