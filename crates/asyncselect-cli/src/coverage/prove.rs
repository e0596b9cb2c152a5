//! `asyncselect coverage --prove`: which scenarios notice when the arm of a clause is broken.

use std::fmt::Write;
use std::path::Path;

use asyncselect_model::{KnobId, Profile, Rule};
use asyncselect_scenario::alike::Alike;
use asyncselect_scenario::clauses::{Clauses, Entry, Kind, Level, Proof};
use asyncselect_scenario::script::Script;
use serde::Serialize;

use crate::Format;
use crate::outcome::{Exit, Output, counted};
use crate::style::{self, paint};

mod killed;
mod signatures;

use killed::Killed;
use signatures::Signatures;

/// What came of breaking every arm.
#[derive(Serialize)]
struct Report<'s> {
    counts: Counts,
    clauses: Vec<Proven<'s>>,
    /// Of the scenarios; missing where only some clauses were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    signatures: Option<Signatures<'s>>,
}

/// Clauses by what holds them fast.
#[derive(Default, Serialize)]
struct Counts {
    all: usize,
    scenarios: usize,
    tests: usize,
    knobs: usize,
    out: usize,
    /// Nothing does.
    open: usize,
}

/// What holds one clause fast.
#[derive(Serialize)]
struct Proven<'s> {
    id: &'static str,
    level: Level,
    about: &'static str,
    #[serde(flatten)]
    held: Held<'s>,
}

#[derive(Serialize)]
#[serde(tag = "held", rename_all = "snake_case")]
enum Held<'s> {
    /// Scenarios that cite the clause fail when this arm is broken.
    Scenarios { arm: &'static str, citing: Vec<&'s str>, others: usize },
    /// Scenarios fail, but none of them cites the clause.
    Uncited { arm: &'static str, others: Vec<&'s str> },
    /// Nobody notices.
    Unnoticed { arm: &'static str },
    /// A unit test.
    Test { test: &'static str },
    /// It leaves something open, and each way is a knob's alternative, told apart by a test.
    Knobs { knobs: Vec<&'static str> },
    /// It cannot be held, for this reason.
    Out { why: &'static str },
    /// Nothing, and nobody says why.
    Nothing,
}

/// `list` has the reasons why scenarios are alike.
pub(super) fn coverage(scripts: &[Script], only: &[String], list: &Path, format: Format) -> Output {
    let clauses = Clauses::get();
    if let Some(unknown) = only.iter().find(|id| !clauses.has(id)) {
        let why = format!("error: nothing has the id `{unknown}`");
        return Output::error(why, Exit::BadScript);
    }
    let wanted = |id: &str| only.is_empty() || only.iter().any(|only| only == id);
    let profiles = Profile::built_in();
    let entries: Vec<&Entry<'static>> = clauses
        .lists()
        .into_iter()
        .filter(|(kind, _)| *kind == Kind::Clause)
        .flat_map(|(_, entries)| entries)
        .filter(|entry| wanted(entry.id))
        .collect();
    let rules: Vec<Rule> = Rule::ALL
        .iter()
        .copied()
        .filter(|rule| {
            wanted(rule.id()) || entries.iter().any(|entry| arm_of(entry) == Some(*rule))
        })
        .collect();
    let killed = Killed::new(scripts, &profiles, rules);
    let proven = entries.into_iter().map(|entry| Proven::new(entry, &killed, scripts)).collect();
    // With some arms whole, scenarios are more alike than they are.
    let signatures = only.is_empty().then(|| {
        let alike = Alike::read(list)?;
        Signatures::new(scripts, &killed.signatures, &alike)
    });
    let signatures = match signatures.transpose() {
        Ok(signatures) => signatures,
        Err(error) => return Output::bad_source(&error),
    };
    let report = Report::new(proven, signatures);
    let unexplained = report.signatures.as_ref().map_or(0, Signatures::unexplained);
    let whole = report.counts.open == 0 && unexplained == 0;
    let exit = if whole { Exit::Conforms } else { Exit::Findings };
    match format {
        Format::Text => Output { exit, ..Output::text(text(&report)) },
        Format::Json => Output::json(&report, exit),
    }
}

/// The rule whose arm a clause rests on, if it has one.
fn arm_of(entry: &Entry<'static>) -> Option<Rule> {
    let id = match entry.proof {
        None => entry.id,
        Some(Proof::Arm(id)) => id,
        Some(Proof::Test(_) | Proof::Out(_)) => return None,
    };
    Rule::ALL.iter().copied().find(|rule| rule.id() == id)
}

impl<'s> Proven<'s> {
    fn new(entry: &'static Entry<'static>, killed: &Killed, scripts: &'s [Script]) -> Self {
        let level = entry.level.expect("clauses have levels");
        let held = Held::new(entry, level, killed, scripts);
        Self { id: entry.id, level, about: entry.about, held }
    }
}

impl<'s> Held<'s> {
    fn new(
        entry: &'static Entry<'static>,
        level: Level,
        killed: &Killed,
        scripts: &'s [Script],
    ) -> Self {
        match entry.proof {
            Some(Proof::Test(test)) => return Self::Test { test },
            Some(Proof::Out(why)) => return Self::Out { why },
            Some(Proof::Arm(_)) | None => {}
        }
        let arm = arm_of(entry);
        let dead = killed.arms.iter().find(|(rule, _)| Some(*rule) == arm);
        let by_arm = dead.map_or(Self::Nothing, |(rule, dead)| {
            let dead = dead.iter().map(|at| &scripts[*at]);
            Self::by_arm(entry.id, rule.id(), dead)
        });
        let knobs: Vec<_> = KnobId::naming(entry.id).map(KnobId::name).collect();
        match by_arm {
            // What a clause leaves open, a run need not do: tests tell the alternatives apart.
            Self::Uncited { .. } | Self::Unnoticed { .. } | Self::Nothing
                if level != Level::Must && !knobs.is_empty() =>
            {
                Self::Knobs { knobs }
            }
            held => held,
        }
    }

    /// By the scenarios that fail without an arm.
    fn by_arm(id: &str, arm: &'static str, dead: impl Iterator<Item = &'s Script>) -> Self {
        let (citing, others): (Vec<&Script>, Vec<&Script>) =
            dead.partition(|script| script.clauses.iter().any(|cited| cited == id));
        let names = |scripts: Vec<&'s Script>| {
            scripts.into_iter().map(|script| script.id.as_str()).collect::<Vec<_>>()
        };
        match (citing.is_empty(), others.is_empty()) {
            (false, _) => Self::Scenarios { arm, others: others.len(), citing: names(citing) },
            (true, false) => Self::Uncited { arm, others: names(others) },
            (true, true) => Self::Unnoticed { arm },
        }
    }
}

impl<'s> Report<'s> {
    fn new(clauses: Vec<Proven<'s>>, signatures: Option<Signatures<'s>>) -> Self {
        let mut counts = Counts { all: clauses.len(), ..Counts::default() };
        for clause in &clauses {
            *match clause.held {
                Held::Scenarios { .. } => &mut counts.scenarios,
                Held::Test { .. } => &mut counts.tests,
                Held::Knobs { .. } => &mut counts.knobs,
                Held::Out { .. } => &mut counts.out,
                Held::Uncited { .. } | Held::Unnoticed { .. } | Held::Nothing => &mut counts.open,
            } += 1;
        }
        Self { counts, clauses, signatures }
    }
}

fn text(report: &Report<'_>) -> String {
    let mut text = String::new();
    for Proven { id, level, about, held } in &report.clauses {
        let level = level.about();
        let named = |scenarios: &[&str]| match scenarios {
            [first, rest @ ..] if !rest.is_empty() => format!("{first} and {} more", rest.len()),
            scenarios => scenarios.concat(),
        };
        let broken = |arm: &str| if arm == *id { String::new() } else { format!(" without {arm}") };
        let held = match held {
            Held::Scenarios { arm, citing, others: _ } => {
                format!("fails{}: {}", broken(arm), named(citing))
            }
            Held::Test { test } => format!("test: {test}"),
            Held::Knobs { knobs } => format!("left open: {}", knobs.join(", ")),
            Held::Out { why } => format!("not held: {why}"),
            Held::Uncited { arm, others } => {
                let fails = format!("not cited by what fails{}: {}", broken(arm), named(others));
                paint(style::BAD, &fails)
            }
            Held::Unnoticed { arm } => {
                paint(style::BAD, &format!("nobody notices{}: {about}", broken(arm)))
            }
            Held::Nothing => paint(style::BAD, &format!("nothing holds it: {about}")),
        };
        writeln!(text, "{id:10} {level:9} {held}").expect("writing to a String succeeds");
    }
    let Counts { all, scenarios, tests, knobs, out, open } = report.counts;
    let clauses = counted(all, "clause");
    write!(
        text,
        "\n{clauses}: {scenarios} held by scenarios, {tests} by tests, {knobs} left open by knobs, \
         {out} not held for a reason, {open} open\n"
    )
    .expect("writing to a String succeeds");
    if let Some(signatures) = &report.signatures {
        signatures.write(&mut text);
    }
    text
}
