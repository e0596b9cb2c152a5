//! Every fact and every known difference, and what became of it.

use std::fmt::Write;

use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::clauses::{Clauses, Kind};
use asyncselect_scenario::judge::Agreement;
use asyncselect_scenario::not_modelled::NotModelled;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::verdict;
use asyncselect_scenario::source::SourceError;
use rayon::prelude::*;
use serde::Serialize;

use crate::explain::cites::{citing, pins};
use crate::style::{self, paint};

/// What became of all of them.
#[derive(Serialize)]
pub(super) struct Facts<'c> {
    facts: Counts,
    differences: Counts,
    pub(super) entries: Vec<Covered<'c>>,
}

/// What became of those of one kind.
#[derive(Default, Serialize)]
struct Counts {
    all: usize,
    /// Of facts by a file, of differences by a knob.
    pinned: usize,
    not_modelled: usize,
    missing: Vec<&'static str>,
}

/// What there is of one fact or difference.
#[derive(Serialize)]
pub(super) struct Covered<'c> {
    pub(super) id: &'static str,
    kind: Kind,
    pub(super) about: &'static str,
    /// Files that pin it, and hold on the profiles that they name.
    pub(super) pinned_by: Vec<&'c str>,
    /// Files that are to pin it, and do not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) failing: Vec<&'c str>,
    /// Other scenarios that rest on it.
    pub(super) cited_by: Vec<&'c str>,
    pub(super) knobs: Vec<&'static str>,
    /// Why there is nothing that pins it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'c str>,
}

impl<'c> Facts<'c> {
    /// With the reasons of a list, which must be true.
    pub(super) fn new(
        scripts: &'c [Script],
        list: &'c NotModelled,
        profiles: &[Profile],
    ) -> Result<Self, SourceError> {
        let lists = Clauses::get().lists().into_iter();
        let wanted: Vec<_> = lists
            .filter(|(kind, _)| matches!(kind, Kind::Fact | Kind::Divergence))
            .flat_map(|(kind, entries)| entries.iter().map(move |entry| (kind, entry)))
            .collect();
        let covered: Result<Vec<Covered<'_>>, SourceError> = wanted
            .into_par_iter()
            .map(|(kind, entry)| {
                Covered::new(kind, entry.id, entry.about, scripts, profiles).or_why(list)
            })
            .collect();
        let entries = covered?;
        let [facts, differences] =
            [Kind::Fact, Kind::Divergence].map(|kind| Counts::new(&entries, kind));
        Ok(Self { facts, differences, entries })
    }

    /// Whether all of them are accounted for.
    pub(super) fn is_whole(&self) -> bool {
        self.facts.missing.is_empty() && self.differences.missing.is_empty()
    }

    /// The last lines of a text.
    pub(super) fn summary(&self) -> String {
        self.differences.line("known differences", "have a knob")
            + &self.facts.line("facts", "pinned by files")
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text.push('\n');
        text + &self.summary()
    }

    /// Each of them.
    pub(super) fn write(&self, text: &mut String) {
        for entry in &self.entries {
            entry.write(text);
        }
    }
}

impl<'c> Covered<'c> {
    fn new(
        kind: Kind,
        id: &'static str,
        about: &'static str,
        scripts: &'c [Script],
        profiles: &[Profile],
    ) -> Self {
        let (holding, failing): (Vec<&Script>, Vec<&Script>) = scripts
            .iter()
            .filter(|script| pins(script, id))
            .partition(|script| holds(script, profiles));
        let names = |scripts: Vec<&'c Script>| {
            scripts.into_iter().map(|script| script.id.as_str()).collect::<Vec<_>>()
        };
        let (pinned_by, failing) = (names(holding), names(failing));
        let others = citing(scripts, id).into_iter().map(|citing| citing.scenario);
        let cited_by = others
            .filter(|scenario| !pinned_by.iter().chain(&failing).any(|pins| pins == scenario))
            .collect();
        let knobs = KnobId::naming(id).map(KnobId::name).collect();
        Self { id, kind, about, pinned_by, failing, cited_by, knobs, why: None }
    }

    /// Whether something sees to it that the model does so. A difference has a knob; each of its
    /// sides is a fact, or was measured.
    pub(super) fn is_pinned(&self) -> bool {
        match self.kind {
            Kind::Divergence => !self.knobs.is_empty(),
            _ => !self.pinned_by.is_empty(),
        }
    }

    fn write(&self, text: &mut String) {
        let Self { id, about, pinned_by, failing, cited_by, knobs, why, kind: _ } = self;
        let mut told = |line: String| {
            writeln!(text, "{line}").expect("writing to a String succeeds");
        };
        told(format!("{id:6} {about}"));
        for file in pinned_by {
            told(format!("  {} {file}", paint(style::GOOD, "pinned by")));
        }
        for file in failing {
            told(format!("  {} {file}, which does not hold", paint(style::BAD, "not pinned by")));
        }
        for scenario in cited_by {
            told(format!("  cited by {scenario}"));
        }
        for knob in knobs {
            told(format!("  knob {knob}"));
        }
        if let Some(why) = why {
            told(format!("  {} {why}", paint(style::KNOWN, "not modelled:")));
        } else if !self.is_pinned() {
            told(format!("  {}", paint(style::BAD, "not accounted for")));
        }
    }

    /// With the reason why there is nothing; an error if there is both a reason and something.
    fn or_why(self, not_modelled: &'c NotModelled) -> Result<Self, SourceError> {
        let why = not_modelled.why(self.id);
        if why.is_some() && self.is_pinned() {
            let now = match self.kind {
                Kind::Divergence => format!("the knob `{}` has it", self.knobs[0]),
                _ => format!("`{}` pins it", self.pinned_by[0]),
            };
            return Err(not_modelled.stale(self.id, &now));
        }
        Ok(Self { why, ..self })
    }
}

/// Whether a file holds on all profiles that it names. One that fails, or does what is not
/// modelled, pins nothing.
fn holds(script: &Script, profiles: &[Profile]) -> bool {
    let mut about = profiles.iter().filter(|profile| !script.is_about_others_than(profile.name()));
    about.all(|profile| verdict(script, profile).agreement == Agreement::Agrees)
}

impl Counts {
    fn new(entries: &[Covered<'_>], kind: Kind) -> Self {
        let mut counts = Self::default();
        for entry in entries.iter().filter(|entry| entry.kind == kind) {
            counts.all += 1;
            if entry.is_pinned() {
                counts.pinned += 1;
            } else if entry.why.is_some() {
                counts.not_modelled += 1;
            } else {
                counts.missing.push(entry.id);
            }
        }
        counts
    }

    fn line(&self, what: &str, pinned: &str) -> String {
        let Self { all, pinned: count, not_modelled, missing } = self;
        let accounted = count + not_modelled;
        let missing = match missing[..] {
            [] => String::new(),
            _ => paint(style::BAD, &format!("not accounted for: {}", missing.join(", "))) + "\n",
        };
        format!(
            "{missing}{accounted} of {all} {what} accounted for: {count} {pinned}, \
             {not_modelled} cannot be modelled\n"
        )
    }
}
