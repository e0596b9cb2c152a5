//! `asyncselect coverage`: clause by scenario, knob by scenario, fact by scenario.

use std::collections::BTreeMap;
use std::fmt::Write;

use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::clauses::{Clauses, Entry, Kind, Level, Proof};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::sight::{Sight, pairs, sights};
use rayon::prelude::*;
use serde::Serialize;

use super::facts::Facts;
use crate::explain::cites::citing;
use crate::outcome::counted;
use crate::style::{self, paint};

/// Everything that scenarios rest on and see.
#[derive(Serialize)]
pub(super) struct Matrix<'c> {
    pub(super) clauses: Vec<Clause<'c>>,
    pub(super) knobs: Vec<SeenKnob<'c>>,
    pub(super) facts: Facts<'c>,
    /// The same by scenario.
    pub(super) scenarios: Vec<Scenario<'c>>,
}

/// A clause, and the scenarios that cite it.
#[derive(Serialize)]
pub(super) struct Clause<'c> {
    pub(super) id: &'static str,
    pub(super) level: Level,
    pub(super) about: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<&'static str>,
    /// Scenarios that rest on it, as a whole or in a `when`.
    pub(super) cited_by: Vec<&'c str>,
    /// Knobs at which it matters.
    pub(super) knobs: Vec<&'static str>,
    /// What holds it fast besides scenarios, or why nothing can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proof: Option<Proof<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rest: Option<&'static str>,
}

/// A knob, and the scenarios that see it.
#[derive(Serialize)]
pub(super) struct SeenKnob<'c> {
    pub(super) knob: &'static str,
    pub(super) about: &'static str,
    pub(super) alternatives: &'static [&'static str],
    /// The clauses, facts and questions that meet here.
    pub(super) ids: &'static [&'static str],
    /// Scenarios of which a run differs if another alternative is taken.
    pub(super) seen_by: Vec<SeenBy<'c>>,
    /// Pairs of alternatives that no scenario tells apart.
    pub(super) not_told_apart: Vec<[&'static str; 2]>,
}

/// A scenario that sees a knob.
#[derive(Serialize)]
pub(super) struct SeenBy<'c> {
    pub(super) scenario: &'c str,
    /// The profiles on which it does, in whichever of its modes.
    pub(super) on: Vec<&'c str>,
}

/// A scenario, with what it rests on and sees.
#[derive(Serialize)]
pub(super) struct Scenario<'c> {
    pub(super) scenario: &'c str,
    pub(super) title: &'c str,
    /// Clauses, facts, questions and bugs.
    pub(super) cites: &'c [String],
    /// The fact that it pins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pins: Option<&'c str>,
    pub(super) sees: Vec<&'static str>,
}

impl<'c> Matrix<'c> {
    pub(super) fn new(scripts: &'c [Script], facts: Facts<'c>, profiles: &'c [Profile]) -> Self {
        let lists = Clauses::get().lists().into_iter();
        let clauses: Vec<&Entry<'static>> = lists
            .filter(|(kind, _)| *kind == Kind::Clause)
            .flat_map(|(_, entries)| entries)
            .collect();
        let clauses = clauses.into_par_iter().map(|entry| Clause::new(entry, scripts)).collect();
        let seen: Vec<Vec<(&str, Sight)>> =
            scripts.par_iter().map(|script| seen(script, profiles)).collect();
        let knobs = KnobId::ALL.iter().map(|knob| SeenKnob::new(*knob, scripts, &seen)).collect();
        let scenarios = scripts.iter().zip(&seen).map(|(script, seen)| Scenario::new(script, seen));
        Self { clauses, knobs, facts, scenarios: scenarios.collect() }
    }

    /// Whether nothing is missing.
    pub(super) fn is_whole(&self) -> bool {
        let told_apart = self.knobs.iter().all(|knob| knob.not_told_apart.is_empty());
        told_apart && !self.clauses.iter().any(Clause::is_missing) && self.facts.is_whole()
    }

    /// What there is in a few lines, what is missing by name.
    pub(super) fn summary(&self) -> Vec<String> {
        let named = |what: &str, missing: Vec<String>| {
            (!missing.is_empty()).then(|| format!("{what}: {}", missing.join(", ")))
        };
        let missing = self.clauses.iter().filter(|clause| clause.is_missing());
        let blind = self.knobs.iter().flat_map(|knob| {
            let SeenKnob { knob, not_told_apart, .. } = knob;
            not_told_apart.iter().map(move |[one, other]| format!("{knob}: {one} and {other}"))
        });
        let cited = self.clauses.iter().filter(|clause| !clause.cited_by.is_empty()).count();
        let other = self.clauses.iter().filter(|clause| clause.has_other()).count();
        let told = self.knobs.iter().filter(|knob| knob.not_told_apart.is_empty()).count();
        let counts = [
            named("cited by no scenario", missing.map(|clause| clause.id.to_owned()).collect()),
            named("told apart by no scenario", blind.collect()),
            Some(format!(
                "{}: {cited} cited by scenarios, {other} not for a reason",
                counted(self.clauses.len(), "clause"),
            )),
            Some(format!(
                "{}: {told} whose alternatives are all told apart by scenarios",
                counted(self.knobs.len(), "knob"),
            )),
            Some(counted(self.scenarios.len(), "scenario")),
        ];
        counts.into_iter().flatten().collect()
    }

    pub(super) fn text(&self) -> String {
        let mut text = "clauses\n".to_owned();
        self.clauses.iter().for_each(|clause| clause.write(&mut text));
        text.push_str("\nknobs\n");
        self.knobs.iter().for_each(|knob| knob.write(&mut text));
        text.push_str("\nfacts and known differences\n");
        self.facts.write(&mut text);
        text.push('\n');
        text.push_str(&self.facts.summary());
        for line in self.summary() {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

/// What a scenario sees, in each of its modes on each profile that it is about.
fn seen<'p>(script: &Script, profiles: &'p [Profile]) -> Vec<(&'p str, Sight)> {
    let about = profiles.iter().filter(|profile| !script.is_about_others_than(profile.name()));
    let in_modes = |profile: &'p Profile| {
        let in_modes = std::iter::once(script).chain(script.twin.as_deref());
        in_modes
            .flat_map(move |script| sights(script, profile))
            .map(move |sight| (profile.name(), sight))
    };
    about.flat_map(in_modes).collect()
}

impl<'c> Clause<'c> {
    fn new(entry: &Entry<'static>, scripts: &'c [Script]) -> Self {
        let Entry { id, level, about, source, proof, rest } = *entry;
        let level = level.expect("clauses have levels");
        let cited_by = citing(scripts, id).into_iter().map(|citing| citing.scenario).collect();
        let knobs = KnobId::naming(id).map(KnobId::name).collect();
        Self { id, level, about, source, cited_by, knobs, proof, rest }
    }

    /// Whether something else than a scenario holds it, or a reason is given why nothing does.
    fn has_other(&self) -> bool {
        let other = match self.proof {
            Some(Proof::Test(_) | Proof::Out(_)) => true,
            Some(Proof::Arm(_)) | None => !self.knobs.is_empty(),
        };
        self.cited_by.is_empty() && other
    }

    /// Whether nothing does.
    pub(super) fn is_missing(&self) -> bool {
        self.cited_by.is_empty() && !self.has_other()
    }

    fn write(&self, text: &mut String) {
        let Self { id, level, about, source: _, cited_by, knobs, proof, rest } = self;
        let mut told = |line: String| {
            writeln!(text, "{line}").expect("writing to a String succeeds");
        };
        told(format!("{id:10} {:9} {about}", level.about()));
        for scenario in cited_by {
            told(format!("  {scenario}"));
        }
        for knob in knobs {
            told(format!("  knob {knob}"));
        }
        match proof {
            Some(Proof::Test(test)) => told(format!("  test {test}")),
            Some(Proof::Out(why)) => told(format!("  {} {why}", paint(style::KNOWN, "not held:"))),
            Some(Proof::Arm(_)) | None => {}
        }
        if let Some(rest) = rest {
            told(format!("  the rest: {rest}"));
        }
        if self.is_missing() {
            told(format!("  {}", paint(style::BAD, "cited by no scenario")));
        }
    }
}

impl<'c> SeenKnob<'c> {
    fn new(knob: KnobId, scripts: &'c [Script], seen: &[Vec<(&'c str, Sight)>]) -> Self {
        let mut not_told_apart: Vec<(u8, u8)> = pairs(knob).collect();
        let mut seen_by = Vec::new();
        for (script, seen) in scripts.iter().zip(seen) {
            let mut on: Vec<&str> = Vec::new();
            for (profile, sight) in seen.iter().filter(|(_, sight)| sight.knob == knob) {
                not_told_apart.retain(|pair| !sight.told_apart.contains(pair));
                if !on.contains(profile) {
                    on.push(profile);
                }
            }
            if !on.is_empty() {
                seen_by.push(SeenBy { scenario: script.id.as_str(), on });
            }
        }
        let alternatives = knob.values();
        let name = |value: u8| alternatives[usize::from(value)];
        let not_told_apart =
            not_told_apart.into_iter().map(|(one, other)| [name(one), name(other)]).collect();
        let (about, ids) = (knob.about(), knob.ids());
        Self { knob: knob.name(), about, alternatives, ids, seen_by, not_told_apart }
    }

    fn write(&self, text: &mut String) {
        let Self { knob, about, alternatives, ids: _, seen_by, not_told_apart } = self;
        let mut told = |line: String| {
            writeln!(text, "{line}").expect("writing to a String succeeds");
        };
        told(format!("{knob} ({}): {about}", alternatives.join(", ")));
        // The profiles are said once for all that see it on the same.
        let mut by_profiles: BTreeMap<&[&str], Vec<&str>> = BTreeMap::new();
        for SeenBy { scenario, on } in seen_by {
            by_profiles.entry(on).or_default().push(scenario);
        }
        for (on, scenarios) in by_profiles {
            told(format!("  seen on {} by", on.join(", ")));
            scenarios.iter().for_each(|scenario| told(format!("    {scenario}")));
        }
        for [one, other] in not_told_apart {
            let told_apart = format!("{one} and {other} are told apart by no scenario");
            told(format!("  {}", paint(style::BAD, &told_apart)));
        }
    }
}

impl<'c> Scenario<'c> {
    fn new(script: &'c Script, seen: &[(&str, Sight)]) -> Self {
        let mut knobs: Vec<KnobId> = seen.iter().map(|(_, sight)| sight.knob).collect();
        knobs.sort_unstable();
        knobs.dedup();
        Self {
            scenario: &script.id,
            title: &script.title,
            cites: &script.clauses,
            pins: script.fact.as_ref().map(|(fact, _)| fact.as_str()),
            sees: knobs.into_iter().map(KnobId::name).collect(),
        }
    }
}
