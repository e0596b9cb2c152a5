//! What a suite has shown, for machines.

use std::path::Path;

use asyncselect_scenario::explore::bounded::Open;
use asyncselect_scenario::explore::properties::{Kind, Property};
use asyncselect_scenario::explore::search::Ended;
use asyncselect_scenario::explore::standing::Standing;
use asyncselect_scenario::script::suite::Suite;
use serde::Serialize;

use super::Shown;

#[derive(Serialize)]
pub(super) struct SuiteJson<'r> {
    suite: &'r str,
    title: &'r str,
    profiles: Vec<ProfileJson<'r>>,
}

#[derive(Serialize)]
struct ProfileJson<'r> {
    profile: &'r str,
    alphabet: usize,
    /// `first`, or `every` alternative of knobs that the profile leaves open.
    open_knobs: &'static str,
    /// The bound: so many letters.
    rounds_max: u32,
    /// `everything`, `rounds`, `states`.
    ended: &'static str,
    states: usize,
    transitions: u64,
    bytes_per_state: f64,
    frontier: usize,
    collision_probability: f64,
    /// By number of letters, each with all before it.
    rounds: Vec<RoundJson>,
    not_modelled: Vec<CutJson>,
    properties: Vec<PropertyJson<'r>>,
}

#[derive(Serialize)]
struct RoundJson {
    states: usize,
    transitions: u64,
}

#[derive(Serialize)]
struct CutJson {
    call: &'static str,
    what: &'static str,
    times: u64,
}

#[derive(Serialize)]
struct PropertyJson<'r> {
    name: &'static str,
    /// `always`, `sometimes`.
    kind: &'static str,
    clauses: &'static [&'static str],
    /// `held`, `deviates`, `violated`, `reached`, `not reached`.
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    /// Of the shortest way there.
    #[serde(skip_serializing_if = "Option::is_none")]
    letters: Option<usize>,
    /// The same, arrivals and returns counted too.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<usize>,
    /// The knobs that excuse a deviation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    knobs: Vec<KnobJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scenario: Option<&'r Path>,
}

#[derive(Serialize)]
struct KnobJson {
    knob: &'static str,
    is: &'static str,
}

impl<'r> SuiteJson<'r> {
    pub(super) fn of(suite: &'r Suite, shown: &'r [Shown<'_>]) -> Self {
        let profiles = shown.iter().map(profile).collect();
        Self { suite: &suite.start.id, title: &suite.start.title, profiles }
    }
}

fn profile<'r>(shown: &'r Shown<'_>) -> ProfileJson<'r> {
    let explored = &shown.report.explored;
    let mut states = 0;
    let rounds = explored.rounds.iter().map(|round| {
        states += round.states;
        RoundJson { states, transitions: round.transitions }
    });
    let rounds = rounds.collect();
    let cuts = explored.cuts.iter();
    let properties = shown.report.properties.iter();
    ProfileJson {
        profile: shown.profile,
        alphabet: shown.letters,
        open_knobs: match shown.open {
            Open::Canonical => "first",
            Open::Every => "every",
        },
        rounds_max: shown.rounds,
        ended: match explored.ended {
            Ended::Everything => "everything",
            Ended::Rounds => "rounds",
            Ended::States => "states",
        },
        states: explored.states(),
        transitions: explored.transitions,
        bytes_per_state: explored.bytes as f64 / explored.states() as f64,
        frontier: explored.widest,
        collision_probability: explored.collision_probability(),
        rounds,
        not_modelled: cuts
            .map(|(cut, times)| CutJson { call: cut.who, what: cut.what, times: *times })
            .collect(),
        properties: properties
            .map(|(property, standing)| one(shown, *property, standing))
            .collect(),
    }
}

fn one<'r>(shown: &'r Shown<'_>, property: Property, standing: &Standing) -> PropertyJson<'r> {
    let (standing, sighting, knobs) = match standing {
        Standing::Holds => ("held", None, [].as_slice()),
        Standing::NotReached => ("not reached", None, [].as_slice()),
        Standing::Reached(sighting) => ("reached", Some(*sighting), [].as_slice()),
        Standing::Broken(sighting) => ("violated", Some(*sighting), [].as_slice()),
        Standing::Deviates { knobs, sighting } => ("deviates", Some(*sighting), &knobs[..]),
    };
    let length = sighting.map(|sighting| shown.report.length(sighting));
    let written = shown.written.iter().find(|(written, _)| *written == property);
    PropertyJson {
        name: property.name(),
        kind: match property.kind() {
            Kind::Always => "always",
            Kind::Sometimes => "sometimes",
        },
        clauses: property.clauses(),
        standing,
        times: sighting.map(|sighting| sighting.times),
        letters: length.map(|length| length.letters),
        steps: length.map(|length| length.steps),
        knobs: knobs.iter().map(|(knob, is)| KnobJson { knob: knob.name(), is }).collect(),
        scenario: written.map(|(_, path)| path.as_path()),
    }
}
