//! `asyncselect diff --questions`: what a live stack does where others part.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use asyncselect_model::profile::Setting;
use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::clauses::{Clauses, Kind, Proof};
use asyncselect_scenario::questions::{Answer, Answers, answers};
use asyncselect_scenario::runner::Ending;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::Run;
use serde::Serialize;

use crate::outcome::{Exit, Output, counted};
use crate::style::{self, paint};

use super::DiffFormat;

/// What is printed.
#[derive(Serialize)]
struct Report<'r> {
    stack: &'r str,
    left: &'r str,
    runs: usize,
    answers: Vec<Row<'r>>,
    /// Scenarios of which no answers explain what was seen.
    unexplained: Vec<&'r str>,
}

#[derive(Serialize)]
struct Row<'r> {
    knob: &'static str,
    ids: &'static [&'static str],
    about: &'static str,
    /// The alternatives that explain everything; the answer, if there is one.
    possible: Vec<&'static str>,
    /// What the profile on the left holds.
    left: Option<&'static str>,
    /// The scenarios that exclude the others.
    told_by: Vec<&'r str>,
}

/// A profile file.
#[derive(Serialize)]
struct ProfileFile<'r> {
    name: &'r str,
    knobs: BTreeMap<&'static str, &'static str>,
}

/// Reads the answers off what a stack showed, and writes them as a profile file.
pub(super) fn asked(
    stack: &str,
    left: &Profile,
    scripts: &[Script],
    runs: Vec<Run>,
    out: Option<&Path>,
    format: DiffFormat,
) -> Output {
    let ran = |run: &Run| match &run.ending {
        Ending::Completed | Ending::Blocked(_) => true,
        Ending::Failed(..) | Ending::NotSetUp(_) | Ending::NotRunnable(_) => false,
    };
    let runs: Vec<(&Script, Run)> = scripts.iter().zip(runs).filter(|(_, run)| ran(run)).collect();
    let Answers { answers, unexplained } = answers(&runs);
    if let Some(path) = out
        && let Err(error) = std::fs::write(path, profile_file(stack, &answers))
    {
        return Output::error(format!("{}: {error}", path.display()), Exit::BadScript);
    }
    let name = |number: &usize| runs[*number].0.id.as_str();
    let row = |answer: &Answer| {
        let value = |value: u8| answer.knob.values()[usize::from(value)];
        Row {
            knob: answer.knob.name(),
            ids: answer.knob.ids(),
            about: answer.knob.about(),
            possible: answer.possible.iter().copied().map(value).collect(),
            left: left.setting(answer.knob).value.map(value),
            told_by: answer.told_by.iter().map(name).collect(),
        }
    };
    let report = Report {
        stack,
        left: left.name(),
        runs: runs.len(),
        answers: answers.iter().map(row).collect(),
        unexplained: unexplained.iter().map(name).collect(),
    };
    match format {
        DiffFormat::Json => Output::json(&report, Exit::Conforms),
        DiffFormat::Markdown => Output::text(markdown(&report)),
        DiffFormat::Text => Output::text(text(&report)),
        DiffFormat::Junit => Output::error(
            "error: answers are no tests; --format text, json, markdown",
            Exit::BadScript,
        ),
    }
}

fn profile_file(stack: &str, answers: &[Answer]) -> String {
    let value = |answer: &Answer| match answer.settled() {
        Some(value) => answer.knob.values()[usize::from(value)],
        None => "any",
    };
    let knobs = answers.iter().map(|answer| (answer.knob.name(), value(answer))).collect();
    let file = ProfileFile { name: stack, knobs };
    let mut text = serde_json::to_string_pretty(&file).expect("it is plain data");
    text.push('\n');
    text
}

impl Row<'_> {
    fn answer(&self) -> Option<&'static str> {
        match self.possible.as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }

    /// Whether it is another answer than the profile's on the left.
    fn differs(&self) -> bool {
        self.left.is_some_and(|left| !self.possible.contains(&left))
    }
}

fn text(report: &Report<'_>) -> String {
    let Report { stack, left, runs, answers, unexplained } = report;
    let mut text = format!("answers of {stack}, read off {}\n\n", counted(*runs, "run"));
    let width = KnobId::ALL.iter().map(|knob| knob.name().len()).max().unwrap_or(0);
    let mut told = |line: String| {
        writeln!(text, "{}", line.trim_end()).expect("writing to a String succeeds");
    };
    for row in answers.iter().filter(|row| row.answer().is_some()) {
        let answer = row.answer().unwrap_or_default();
        let other = match row.left {
            Some(value) if row.differs() => paint(style::KNOWN, &format!(" ({left} has {value})")),
            Some(_) | None => String::new(),
        };
        let by = row.told_by.last().map(|by| format!("  {by}")).unwrap_or_default();
        told(format!("{:width$}  {answer}{other}{by}", row.knob));
    }
    let open: Vec<&Row<'_>> = answers.iter().filter(|row| row.answer().is_none()).collect();
    if !open.is_empty() {
        told("\nnot told by these runs".to_owned());
    }
    for row in &open {
        told(format!("{:width$}  {}", row.knob, row.possible.join(" or ")));
    }
    if !unexplained.is_empty() {
        told("\nexplained by no answers".to_owned());
        unexplained.iter().for_each(|scenario| told(format!("  {scenario}")));
    }
    let differ = answers.iter().filter(|row| row.differs()).count();
    told(format!(
        "\n{}: {} answered, {} not told; {differ} other than {left}, {} unexplained",
        counted(answers.len(), "knob"),
        answers.len() - open.len(),
        open.len(),
        counted(unexplained.len(), "scenario"),
    ));
    text
}

/// A table of all knobs, then one of all questions, for a document.
fn markdown(report: &Report<'_>) -> String {
    let Report { stack, answers, .. } = report;
    let profiles = Profile::built_in();
    let names: Vec<&str> = profiles.iter().map(Profile::name).collect();
    let mut text = format!("| knob | {} | live {stack} | told by |\n", names.join(" | "));
    text.push_str(&"|---".repeat(names.len() + 3));
    text.push_str("|\n");
    for (row, knob) in answers.iter().zip(KnobId::ALL) {
        let held: Vec<String> = profiles.iter().map(|profile| held(profile, *knob)).collect();
        let answer = match row.answer() {
            Some(value) => format!("`{value}` (measured)"),
            None => "not told".to_owned(),
        };
        let by = row.told_by.last().copied().unwrap_or("-");
        writeln!(text, "| `{}` | {} | {answer} | {by} |", row.knob, held.join(" | "))
            .expect("writing to a String succeeds");
    }
    text.push_str("\n| question | what is asked | answered at |\n|---|---|---|\n");
    let lists = Clauses::get().lists().into_iter();
    let open = lists.filter(|(kind, _)| matches!(kind, Kind::Question | Kind::Disputed));
    for entry in open.flat_map(|(_, entries)| entries) {
        let at = match entry.proof {
            Some(Proof::Out(why)) => why.to_owned(),
            Some(Proof::Arm(_) | Proof::Test(_)) | None => {
                let knobs = KnobId::naming(entry.id);
                knobs.map(|knob| format!("`{knob}`")).collect::<Vec<_>>().join(", ")
            }
        };
        writeln!(text, "| {} | {} | {at} |", entry.id, entry.about)
            .expect("writing to a String succeeds");
    }
    text
}

/// What a profile holds, and how we know.
fn held(profile: &Profile, knob: KnobId) -> String {
    let Setting { value, evidence, .. } = profile.setting(knob);
    match value {
        Some(value) => format!("`{}` ({evidence})", knob.values()[usize::from(*value)]),
        None => "any".to_owned(),
    }
}
