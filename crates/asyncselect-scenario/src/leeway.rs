//! What clauses leave open, and whether scenarios know its bounds: each alternative is reached, and
//! what lies beside it is refused.
//!
//! An expectation that is too loose holds whatever a stack does. So of each alternative of a knob
//! that a clause names, a scenario that cites the clause must show it and hold then, and must not
//! hold
//! * if what came is taken for any other alternative, and
//! * if what came differs a little, just where the alternatives differ, whichever alternative it is
//!   taken for.
//!
//! Where not a knob but the order of arrivals decides, `must_reach` and `must_reject` say so, which
//! exploring holds true.

use std::collections::BTreeSet;

use asyncselect_abi::{NetworkEvent, Value, WsaError};
use asyncselect_model::{KnobId, Profile, Rule};
use serde::Serialize;

use crate::clauses::{Clauses, Entry, Kind, Level, Proof};
use crate::diff::compare;
use crate::judge::{Agreement, judge};
use crate::runner::{Observation, Place};
use crate::script::Script;
use crate::sight::{alternatives, holding};
use crate::simulate::{Run, asked, simulate};

/// What a clause leaves open, and what knows its bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leeway<'s> {
    /// The clause.
    pub id: &'static str,
    /// How binding it is: not `must`.
    pub level: Level,
    /// The bounds.
    #[serde(flatten)]
    pub bounds: Bounds<'s>,
}

/// What knows the bounds of a clause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "bounds", rename_all = "snake_case")]
pub enum Bounds<'s> {
    /// Alternatives of knobs.
    Knobs {
        /// Every alternative of every knob that names the clause.
        ways: Vec<Way<'s>>,
    },
    /// Orders of arrivals: scenarios that cite the clause and say both what they must reach and
    /// what they must reject.
    Orders {
        /// These.
        scenarios: Vec<&'s str>,
    },
    /// It is for the program to put up with, and a stack goes one way: the arm of this clause,
    /// without which scenarios fail (`coverage --prove`).
    OneWay {
        /// The clause.
        arm: &'static str,
    },
    /// It cannot be held, for this reason.
    Out {
        /// One sentence.
        why: &'static str,
    },
    /// Nothing does.
    Nothing,
}

/// An alternative of a knob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Way<'s> {
    /// The knob.
    pub knob: &'static str,
    /// The alternative.
    pub value: &'static str,
    /// A scenario that shows it and would not hold if it were any other alternative; several where
    /// no single one knows all of them.
    pub reached_by: Vec<&'s str>,
    /// Alternatives that none of those would refuse.
    pub not_told_from: Vec<&'static str>,
    /// A scenario that refuses something just beside it.
    pub refused_by: Option<&'s str>,
}

impl Way<'_> {
    /// Whether a bound of it is missing.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.reached_by.is_empty() || !self.not_told_from.is_empty() || self.refused_by.is_none()
    }
}

impl Leeway<'_> {
    /// Whether a bound is missing.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match &self.bounds {
            Bounds::Knobs { ways } => ways.iter().any(Way::is_open),
            Bounds::Nothing => true,
            Bounds::Orders { .. } | Bounds::OneWay { .. } | Bounds::Out { .. } => false,
        }
    }
}

/// Every clause that leaves something open.
pub fn open_clauses() -> impl Iterator<Item = (&'static Entry<'static>, Level)> {
    let clauses = Clauses::get().lists().into_iter().filter(|(kind, _)| *kind == Kind::Clause);
    clauses.flat_map(|(_, entries)| entries).filter_map(|entry| match entry.level? {
        Level::Must => None,
        level @ (Level::May | Level::Ambiguous) => Some((entry, level)),
    })
}

/// What knows the bounds of a clause that leaves something open, among these scenarios.
#[must_use]
pub fn leeway<'s>(
    entry: &'static Entry<'static>,
    level: Level,
    scripts: &'s [Script],
) -> Leeway<'s> {
    Leeway { id: entry.id, level, bounds: bounds(entry, scripts) }
}

fn bounds<'s>(entry: &'static Entry<'static>, scripts: &'s [Script]) -> Bounds<'s> {
    let id = match entry.proof {
        Some(Proof::Out(why)) => return Bounds::Out { why },
        // It says in other words what that one says.
        Some(Proof::Arm(id)) => id,
        Some(Proof::Test(_)) | None => entry.id,
    };
    let knobs: Vec<KnobId> = KnobId::naming(id).collect();
    let citing = scripts.iter().filter(|script| script.clauses.iter().any(|cited| *cited == id));
    if !knobs.is_empty() {
        let subjects = Subject::of(citing);
        let ways = knobs.into_iter().flat_map(|knob| ways(knob, &subjects)).collect();
        return Bounds::Knobs { ways };
    }
    let guarded = citing.filter(|script| {
        let mut guarded = script.guarded.iter();
        guarded.any(|guarded| guarded.must_reach.len() > 1 && !guarded.must_reject.is_empty())
    });
    let scenarios: Vec<&str> = guarded.map(|script| script.id.as_str()).collect();
    if !scenarios.is_empty() {
        return Bounds::Orders { scenarios };
    }
    match Rule::ALL.iter().find(|rule| rule.id() == id) {
        Some(rule) => Bounds::OneWay { arm: rule.id() },
        None => Bounds::Nothing,
    }
}

/// A scenario, in one of its modes, on a profile, with the knobs that it asks for there.
struct Subject<'s> {
    id: &'s str,
    script: &'s Script,
    profile: Profile,
    asked: Vec<KnobId>,
}

impl<'s> Subject<'s> {
    /// Of those that pin no fact of one stack: they say nothing of others.
    fn of(scripts: impl Iterator<Item = &'s Script>) -> Vec<Self> {
        let free = scripts.filter(|script| script.fact.is_none());
        let in_modes =
            free.flat_map(|script| [Some(script), script.twin.as_deref()].into_iter().flatten());
        let on_profiles = in_modes.flat_map(|script| {
            Profile::built_in().into_iter().map(move |profile| {
                let asked = asked(script, &profile);
                Self { id: &script.id, script, profile, asked }
            })
        });
        on_profiles.collect()
    }

    fn run(&self, knob: KnobId, value: u8) -> Run {
        simulate(self.script, &holding(&self.profile, knob, value))
    }

    /// Whether the expectations hold of this if it is taken for an alternative of the knob.
    fn holds(&self, run: &Run, seen: &[Observation], knob: KnobId, as_if: u8) -> bool {
        let taken_for = |other: KnobId, value: u8| match other == knob {
            true => value == as_if,
            false => run.decided(other) == Some(value),
        };
        judge(self.script, &run.ending, seen, taken_for).agreement == Agreement::Agrees
    }
}

fn ways<'s>(knob: KnobId, subjects: &[Subject<'s>]) -> Vec<Way<'s>> {
    let others = |value| alternatives(knob).filter(move |other| *other != value);
    alternatives(knob).map(|value| way(knob, value, others(value), subjects)).collect()
}

fn way<'s>(
    knob: KnobId,
    value: u8,
    others: impl Iterator<Item = u8>,
    subjects: &[Subject<'s>],
) -> Way<'s> {
    let name = |value: &u8| knob.values()[usize::from(*value)];
    let others: Vec<u8> = others.collect();
    let mut left: BTreeSet<u8> = others.iter().copied().collect();
    let (mut reached_by, mut refused_by) = (Vec::new(), None);
    for subject in subjects.iter().filter(|subject| subject.asked.contains(&knob)) {
        if left.is_empty() && refused_by.is_some() {
            break;
        }
        let run = subject.run(knob, value);
        if !subject.holds(&run, &run.seen, knob, value) {
            continue;
        }
        let known = left.len();
        left.retain(|other| subject.holds(&run, &run.seen, knob, *other));
        if left.len() < known {
            reached_by.push(subject.id);
        }
        if refused_by.is_none() {
            let mut beside = others.iter().flat_map(|other| {
                let other = subject.run(knob, *other);
                // Either may leave open what the other does.
                let ways = [(&run, &other), (&other, &run)];
                let differ = |(one, other)| compare(subject.script, one, other);
                let places = ways.into_iter().flat_map(differ).map(|one| one.place);
                beside(&run, &other, &places.collect::<Vec<_>>())
            });
            let refused = beside.any(|seen| {
                let mut all = others.iter().chain([&value]);
                all.all(|as_if| !subject.holds(&run, &seen, knob, *as_if))
            });
            refused_by = refused.then_some(subject.id);
        }
    }
    let not_told_from = left.iter().map(name).collect();
    Way { knob: knob.name(), value: name(&value), reached_by, not_told_from, refused_by }
}

/// What differs a little from a run, at one of these places.
fn beside(run: &Run, other: &Run, places: &[Place]) -> Vec<Vec<Observation>> {
    let mut all = Vec::new();
    for (at, observation) in run.seen.iter().enumerate() {
        if !places.contains(&observation.place()) {
            continue;
        }
        let there = other.seen.iter().find(|there| there.place() == observation.place());
        for changed in changed(observation, there) {
            let mut seen = run.seen.clone();
            seen[at] = changed;
            all.push(seen);
        }
    }
    all
}

/// An observation with one thing changed: a message that is missing, or comes twice; an event more
/// or less in a record; another number, another error, an error instead of success. Where no
/// message came, those of the other alternative come twice.
fn changed(observation: &Observation, other: Option<&Observation>) -> Vec<Observation> {
    match observation {
        Observation::Messages { place, messages } => {
            let place = *place;
            let more = match (messages.as_slice(), other) {
                ([.., last], _) => [messages.as_slice(), std::slice::from_ref(last)].concat(),
                ([], Some(Observation::Messages { messages, .. })) => {
                    [messages.as_slice(), messages].concat()
                }
                ([], _) => return Vec::new(),
            };
            let fewer = messages.split_last().map(|(_, fewer)| fewer.to_vec());
            let lists = [Some(more), fewer].into_iter().flatten();
            lists.map(|messages| Observation::Messages { place, messages }).collect()
        }
        Observation::Return { place, call, result, lp_errno, data } => {
            const OTHER: WsaError = WsaError::WSAEFAULT;
            let results = match *result {
                Ok(Value::Int(number)) => vec![Ok(Value::Int(number + 1)), Err(OTHER)],
                Ok(Value::NetworkEvents(record)) => {
                    let last = record.iter().last().map(|(last, _)| last.bit());
                    let mut fewer = record;
                    fewer.events = record.events & !last.unwrap_or_default();
                    let mut more = record;
                    let new =
                        NetworkEvent::ALL.into_iter().find(|one| !record.events.contains(*one));
                    new.into_iter().for_each(|new| more.record(new, WsaError(0)));
                    [fewer, more].map(|record| Ok(Value::NetworkEvents(record))).to_vec()
                }
                Ok(
                    Value::Socket(_)
                    | Value::Window(_)
                    | Value::Event(_)
                    | Value::Address(_)
                    | Value::Message(_),
                ) => vec![Err(OTHER)],
                Err(WsaError(code)) => vec![Err(WsaError(code + 1))],
            };
            let (place, lp_errno) = (*place, *lp_errno);
            let one = |result| {
                let data = data.clone();
                Observation::Return { place, call, result, lp_errno, data }
            };
            results.into_iter().map(one).collect()
        }
        Observation::Waiting { place, waits } => {
            vec![Observation::Waiting { place: *place, waits: !waits }]
        }
        Observation::NeverFailed { .. } => Vec::new(),
    }
}
