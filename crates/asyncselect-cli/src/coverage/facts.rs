//! `asyncselect coverage --facts`: every fact and every known difference, and what became of it.

use std::fmt::Write;
use std::path::Path;

use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::clauses::{Clauses, Kind};
use asyncselect_scenario::judge::Agreement;
use asyncselect_scenario::not_modelled::NotModelled;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::verdict;
use asyncselect_scenario::source::SourceError;
use rayon::prelude::*;
use serde::Serialize;

use crate::Format;
use crate::explain::cites::{citing, pins};
use crate::outcome::{Exit, Output};
use crate::style::{self, paint};

/// What became of all of them.
#[derive(Serialize)]
struct Report<'c> {
    facts: Counts,
    differences: Counts,
    entries: Vec<Covered<'c>>,
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
struct Covered<'c> {
    id: &'static str,
    kind: Kind,
    about: &'static str,
    /// Files that pin it, and hold on the profiles that they name.
    pinned_by: Vec<&'c str>,
    /// Files that are to pin it, and do not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failing: Vec<&'c str>,
    /// Other scenarios that rest on it.
    cited_by: Vec<String>,
    knobs: Vec<&'static str>,
    /// Why there is nothing that pins it.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'c str>,
}

pub(super) fn coverage(scripts: &[Script], list: &Path, format: Format) -> Output {
    let not_modelled = match NotModelled::read(list) {
        Ok(not_modelled) => not_modelled,
        Err(error) => return Output::bad_source(&error),
    };
    let profiles = Profile::built_in();
    let lists = Clauses::get().lists().into_iter();
    let wanted: Vec<_> = lists
        .filter(|(kind, _)| matches!(kind, Kind::Fact | Kind::Divergence))
        .flat_map(|(kind, entries)| entries.iter().map(move |entry| (kind, entry)))
        .collect();
    let covered: Result<Vec<Covered<'_>>, SourceError> = wanted
        .into_par_iter()
        .map(|(kind, entry)| {
            let covered = Covered::new(kind, entry.id, entry.about, scripts, &profiles);
            covered.or_why(&not_modelled)
        })
        .collect();
    let entries = match covered {
        Ok(entries) => entries,
        Err(error) => return Output::bad_source(&error),
    };
    let [facts, differences] =
        [Kind::Fact, Kind::Divergence].map(|kind| Counts::new(&entries, kind));
    let whole = facts.missing.is_empty() && differences.missing.is_empty();
    let exit = if whole { Exit::Conforms } else { Exit::Findings };
    let report = Report { facts, differences, entries };
    match format {
        Format::Text => Output { exit, ..Output::text(text(&report)) },
        Format::Json => Output::json(&report, exit),
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
        let knobs = KnobId::ALL.iter().filter(|knob| knob.ids().contains(&id));
        let knobs = knobs.map(|knob| knob.name()).collect();
        Self { id, kind, about, pinned_by, failing, cited_by, knobs, why: None }
    }

    /// Whether something sees to it that the model does so. A difference has a knob; each of its
    /// sides is a fact, or was measured.
    fn is_pinned(&self) -> bool {
        match self.kind {
            Kind::Divergence => !self.knobs.is_empty(),
            _ => !self.pinned_by.is_empty(),
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

fn text(report: &Report<'_>) -> String {
    let Report { facts, differences, entries } = report;
    let mut text = String::new();
    for entry in entries {
        let Covered { id, about, pinned_by, failing, cited_by, knobs, why, .. } = entry;
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
        } else if !entry.is_pinned() {
            told(format!("  {}", paint(style::BAD, "not accounted for")));
        }
    }
    text.push('\n');
    text.push_str(&differences.line("known differences", "have a knob"));
    text.push_str(&facts.line("facts", "pinned by files"));
    text
}
