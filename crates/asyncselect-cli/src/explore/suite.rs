//! A suite: all sequences of its letters, all orders of what happens in between.

use std::path::{Path, PathBuf};
use std::time::Instant;

use asyncselect_model::Profile;
use asyncselect_scenario::explore::bounded::Open;
use asyncselect_scenario::explore::properties::Property;
use asyncselect_scenario::explore::search::{Ended, Limits, Work};
use asyncselect_scenario::explore::standing::Standing;
use asyncselect_scenario::explore::suite_report::SuiteReport;
use asyncselect_scenario::script::suite::Suite;
use asyncselect_scenario::source::Source;

use super::{Question, no_start, rate};
use crate::Format;
use crate::outcome::{Exit, Output, profiles};

mod json;
mod text;

/// The bound on states if nobody says otherwise: some 20 bytes each.
const STATES_MAX: usize = 200_000_000;

/// What a suite has shown on one profile, ready to be printed.
struct Shown<'s> {
    report: SuiteReport<'s>,
    profile: &'s str,
    letters: usize,
    rounds: u32,
    open: Open,
    /// The scenarios that were written, by property.
    written: Vec<(Property, PathBuf)>,
}

pub(super) fn explore(question: &Question, source: Source) -> Output {
    let profiles = match profiles(&question.profiles) {
        Ok(profiles) => profiles,
        Err(output) => return output,
    };
    let suite = match Suite::check(source) {
        Ok(suite) => suite.on(question.family),
        Err(error) => return Output::bad_source(&error),
    };
    let mut output = Output::text(String::new());
    let mut shown = Vec::new();
    for profile in &profiles {
        let begin = Instant::now();
        match explore_on(question, &suite, profile) {
            Ok(one) => {
                output.errors.push_str(&rate(question, one.profile, &one.report.explored, begin));
                output.exit = output.exit.max(exit(&one.report));
                shown.push(one);
            }
            Err(output) => return output,
        }
    }
    output.text = match question.format {
        Format::Text => text::text(&suite, &shown),
        Format::Json => Output::json(&json::SuiteJson::of(&suite, &shown), Exit::Conforms).text,
    };
    output
}

fn explore_on<'s>(
    question: &Question,
    suite: &'s Suite,
    profile: &'s Profile,
) -> Result<Shown<'s>, Output> {
    let open = if question.every_choice { Open::Every } else { Open::Canonical };
    let rounds = question.rounds.unwrap_or(suite.length);
    let states = question.states.unwrap_or(STATES_MAX).min(Limits::NONE.states);
    let limits = Limits { rounds, states };
    let work = Work::with(question.threads());
    let report = SuiteReport::explore(suite, profile, open, work, limits)
        .map_err(|ending| no_start(&question.path, profile.name(), &ending))?;
    let written = match &question.write {
        Some(folder) => write(folder, profile.name(), &report)?,
        None => Vec::new(),
    };
    let letters = suite.alphabet.len();
    Ok(Shown { report, profile: profile.name(), letters, rounds, open, written })
}

fn exit(report: &SuiteReport<'_>) -> Exit {
    if report.is_broken() {
        Exit::Findings
    } else if report.explored.cuts.is_empty() {
        Exit::Conforms
    } else {
        Exit::NotModelled
    }
}

/// Writes the scenarios that show what is violated, and what is known to be.
fn write(
    folder: &Path,
    profile: &str,
    report: &SuiteReport<'_>,
) -> Result<Vec<(Property, PathBuf)>, Output> {
    let mut written = Vec::new();
    for (property, standing) in &report.properties {
        let sighting = match standing {
            Standing::Broken(sighting) | Standing::Deviates { sighting, .. } => *sighting,
            Standing::Holds | Standing::Reached(_) | Standing::NotReached => continue,
        };
        let name = format!("{}-on-{profile}", super::file_name(property.name()));
        let path = super::write(folder, &name, &report.scenario(*property, sighting))?;
        written.push((*property, path));
    }
    Ok(written)
}

/// Why the search ended, in words.
fn why_ended(shown: &Shown<'_>) -> String {
    match shown.report.explored.ended {
        Ended::Everything => "nothing else can happen".to_owned(),
        Ended::Rounds => format!("the bound of {} letters", shown.rounds),
        Ended::States => "the bound on states: this is a part".to_owned(),
    }
}
