//! Scenarios that notice the same, or nothing, and the reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use asyncselect_scenario::alike::Alike;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::source::SourceError;
use serde::Serialize;

use super::killed::Signature;
use crate::outcome::counted;
use crate::style::{self, paint};

/// How many scenarios fail in a way of their own, and what the others have.
#[derive(Serialize)]
pub(super) struct Signatures<'s> {
    /// Those that fail as no other does.
    own: usize,
    /// Those that fail alike, several at a time.
    alike: Vec<Group<'s>>,
    /// Those that never fail, by themselves.
    never: Vec<Group<'s>>,
}

/// Scenarios with one signature.
#[derive(Serialize)]
struct Group<'s> {
    scenarios: Vec<&'s str>,
    /// What must be broken for them to fail: rules by their ids, knobs with their alternatives.
    fail_with: BTreeSet<String>,
    /// Why that is right; missing if nobody says so.
    why: Option<String>,
}

impl<'s> Signatures<'s> {
    /// With the reasons of a list, which must be true.
    pub(super) fn new(
        scripts: &'s [Script],
        signatures: &[Signature],
        list: &Alike,
    ) -> Result<Self, SourceError> {
        let mut by_signature: BTreeMap<&Signature, Vec<&str>> = BTreeMap::new();
        for (script, signature) in scripts.iter().zip(signatures) {
            by_signature.entry(signature).or_default().push(&script.id);
        }
        let never = by_signature.remove(&Signature::new()).unwrap_or_default();
        let own = by_signature.values().filter(|scenarios| scenarios.len() == 1).count();
        let several = by_signature.into_iter().filter(|(_, scenarios)| scenarios.len() > 1);
        let mut alike: Vec<Group<'_>> = several
            .map(|(signature, scenarios)| Group {
                fail_with: signature.iter().map(|symptom| symptom.broken.clone()).collect(),
                why: list.why_alike(&scenarios).map(str::to_owned),
                scenarios,
            })
            .collect();
        alike.sort_by(|one, other| one.scenarios.cmp(&other.scenarios));
        let groups: Vec<&[&str]> = alike.iter().map(|group| &group.scenarios[..]).collect();
        if let Some(error) = list.stale(&groups, &never) {
            return Err(error);
        }
        let never = never.into_iter().map(|scenario| Group {
            scenarios: vec![scenario],
            fail_with: BTreeSet::new(),
            why: list.why_never(scenario).map(str::to_owned),
        });
        Ok(Self { own, alike, never: never.collect() })
    }

    /// How many scenarios are alike or never fail, and nobody says why.
    pub(super) fn unexplained(&self) -> usize {
        let groups = self.alike.iter().chain(&self.never);
        groups.filter(|group| group.why.is_none()).map(|group| group.scenarios.len()).sum()
    }

    pub(super) fn write(&self, text: &mut String) {
        let mut told = |line: String| {
            writeln!(text, "{line}").expect("writing to a String succeeds");
        };
        for Group { scenarios, .. } in self.alike.iter().filter(|group| group.why.is_none()) {
            told(format!("{} {}", paint(style::BAD, "fail alike:"), scenarios.join(", ")));
        }
        for Group { scenarios, .. } in self.never.iter().filter(|group| group.why.is_none()) {
            told(format!("{} {}", paint(style::BAD, "never fails:"), scenarios.concat()));
        }
        let alike: usize = self.alike.iter().map(|group| group.scenarios.len()).sum();
        told(format!(
            "{}: {} fail in a way of their own, {alike} as others do ({}), {} never",
            counted(self.own + alike + self.never.len(), "scenario"),
            self.own,
            counted(self.alike.len(), "group"),
            self.never.len(),
        ));
        told(format!("{} alike or never failing without a reason", self.unexplained()));
    }
}
