//! What a comparison prints.

use std::collections::BTreeMap;
use std::fmt::Write;

use asyncselect_abi::Family;
use asyncselect_model::KnobId;
use asyncselect_model::profile::Setting;
use asyncselect_scenario::diff::{Difference, Explanation};
use asyncselect_scenario::known::Entry;
use asyncselect_scenario::script::Script;
use quick_junit::TestSuite;
use serde::Serialize;

use super::oracle::Kept;
use super::{Compared, Comparison, points};
use crate::families;
use crate::junit::Told;
use crate::outcome::place_text;
use crate::style::{self, paint};

fn knob_text(knob: KnobId, value: u8) -> String {
    format!("{knob} = {}", knob.values()[usize::from(value)])
}

fn taken_text(taken: &[(KnobId, u8)]) -> String {
    let texts: Vec<String> = taken.iter().map(|(knob, value)| knob_text(*knob, *value)).collect();
    texts.join(", ")
}

fn hint_text(hint: Option<&[(KnobId, u8)]>) -> String {
    match hint {
        Some(knobs) => format!("as if {}", taken_text(knobs)),
        None => "no knob explains it".to_owned(),
    }
}

fn entry_text(Entry { fact, reason, .. }: &Entry) -> String {
    format!("{reason} ({fact})")
}

fn stale_text(Entry { scenario, stack, family, fact, reason }: &Entry) -> String {
    let on = family.map_or(String::new(), |family| format!(" over {family}"));
    format!("{scenario} may differ on {stack}{on} ({fact}: {reason}), and does not")
}

/// A knob with what both sides do there, and how we know.
pub(crate) fn explanation_text(explanation: &Explanation) -> String {
    let side = |(value, setting): &(u8, Setting)| {
        let name = explanation.knob.values()[usize::from(*value)];
        match setting.value {
            Some(_) => format!("{name} ({}: {})", setting.evidence, setting.source),
            None => format!("{name} (open, this run's choice)"),
        }
    };
    let Explanation { knob, left, right } = explanation;
    format!("{knob}: {} | {}", side(left), side(right))
}

/// A comparison for people.
pub(super) fn text(comparison: &Comparison) -> String {
    let Comparison { left, right, scripts, stale, .. } = comparison;
    let sides = comparison.sides();
    let points = points::text(&points::points(comparison.explanations()));
    let mut text = format!("left {}, right {right}\n", left.name());
    let mut told = |line: String| {
        writeln!(text, "{line}").expect("writing to a String succeeds");
    };
    let mut counts: BTreeMap<(Family, &str), usize> = BTreeMap::new();
    for (script, compared) in comparison.each() {
        *counts.entry((script.family, compared.word())).or_default() += 1;
        let head = format!("\n{}: {}", paint(compared.style(), compared.word()), script.label());
        match compared {
            Compared::Equal => {}
            Compared::Explained(differences, knobs) => {
                told(head);
                told_differences(script, differences, sides, &mut told);
                for explanation in knobs {
                    told(format!("  because {}", explanation_text(explanation)));
                }
            }
            Compared::Open(taken) => told(format!("{head}: it took {}", taken_text(taken))),
            Compared::Known(differences, entry) => {
                told(head);
                told_differences(script, differences, sides, &mut told);
                told(format!("  known: {}", entry_text(entry)));
            }
            Compared::Unexplained(differences, hint) => {
                told(head);
                told_differences(script, differences, sides, &mut told);
                told(format!("  {}", hint_text(hint.as_deref())));
            }
            Compared::Undecided(what)
            | Compared::NotModelled(what)
            | Compared::NotRunnable(what) => told(format!("{}: {what}", head.trim_start())),
            Compared::StackFailed(what) => told(format!("{head}: {what}")),
        }
    }
    for entry in stale {
        let head = paint(style::BAD, "stale");
        told(format!("\n{head}: {}", stale_text(entry)));
    }
    if !points.is_empty() {
        told(points.trim_end().to_owned());
    }
    told(match &comparison.kept {
        None => String::new(),
        Some(kept) => format!("\n{kept}"),
    });
    for (family, head) in families::told(scripts.iter()) {
        let count = |word| counts.get(&(family, word)).copied().unwrap_or(0);
        let some = |word| match count(word) {
            0 => String::new(),
            some => format!("{some} {word}, "),
        };
        let (known, undecided) = (some("known"), some("undecided"));
        told(format!(
            "{head}{} scenarios: {} agree, {} explained, {} took an open alternative, {known}{} \
             differ, {undecided}{} not modelled, {} not runnable here, {} stack failures",
            scripts.iter().filter(|script| script.family == family).count(),
            count("agrees"),
            count("explained"),
            count("open"),
            count("DIFFERS"),
            count("not modelled"),
            count("not runnable"),
            count("stack failed"),
        ));
    }
    text
}

fn told_differences(
    script: &Script,
    differences: &[Difference],
    (on_left, on_right): (&str, &str),
    told: &mut impl FnMut(String),
) {
    let width = on_left.len().max(on_right.len()) + 1;
    for Difference { place, left, right } in differences {
        told(format!("  {}", place_text(script, *place)));
        told(format!("    {:width$} {left}", format!("{on_left}:")));
        told(format!("    {:width$} {right}", format!("{on_right}:")));
    }
}

/// A comparison as a suite of JUnit.
pub(super) fn suite(comparison: &Comparison) -> TestSuite {
    let name = format!("{} | {}", comparison.left.name(), comparison.right);
    let mut suite = TestSuite::new(name.as_str());
    for (script, compared) in comparison.each() {
        let told = told(script, compared, comparison.sides());
        suite.add_test_case(told.case(&name, &script.label()));
    }
    for entry in &comparison.stale {
        let told = Told::Failed("a stale entry".to_owned(), stale_text(entry));
        suite.add_test_case(told.case(&name, &format!("known.json: {}", entry.scenario)));
    }
    suite
}

fn told(script: &Script, compared: &Compared, sides: (&str, &str)) -> Told {
    let all = |differences: &[Difference]| {
        let mut text = String::new();
        told_differences(script, differences, sides, &mut |line| {
            text.push_str(&format!("{line}\n"))
        });
        text
    };
    match compared {
        Compared::Equal => Told::Passed(None),
        Compared::Explained(differences, knobs) => {
            let because = |knob| format!("  because {}\n", explanation_text(knob));
            let because: String = knobs.iter().map(because).collect();
            Told::Passed(Some(all(differences) + &because))
        }
        Compared::Open(taken) => Told::Passed(Some(format!("it took {}\n", taken_text(taken)))),
        Compared::Known(differences, entry) => {
            Told::Passed(Some(format!("{}  known: {}\n", all(differences), entry_text(entry))))
        }
        Compared::Unexplained(differences, hint) => {
            let hint = hint_text(hint.as_deref());
            let text = format!("{}  {hint}\n", all(differences));
            Told::Failed(hint, text)
        }
        Compared::Undecided(what) => Told::Skipped(format!("undecided: {what}")),
        Compared::NotModelled(what) => Told::Skipped(format!("not modelled: {what}")),
        Compared::NotRunnable(what) => Told::Skipped(format!("not runnable here: {what}")),
        Compared::StackFailed(what) => Told::Broken(format!("stack failed: {what}")),
    }
}

/// A comparison for machines.
#[derive(Serialize)]
pub(super) struct Report<'r> {
    left: &'r str,
    right: &'r str,
    results: Vec<Row<'r>>,
    /// How many states explained what was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<&'r Kept>,
    /// The knobs that explain the differences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    points: Vec<points::Row<'r>>,
    /// Scenarios of the ledger on which the stack does not differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stale: Vec<&'r str>,
}

#[derive(Serialize)]
struct Row<'r> {
    scenario: &'r str,
    #[serde(skip_serializing_if = "Family::is_usual")]
    family: Family,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Side<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    because: Vec<String>,
}

#[derive(Serialize)]
struct Side<'r> {
    place: String,
    left: &'r str,
    right: &'r str,
}

pub(super) fn json<'r>(comparison: &'r Comparison) -> Report<'r> {
    let row = |(script, compared): (&'r Script, &'r Compared)| {
        let (differences, because): (&[Difference], Vec<String>) = match compared {
            Compared::Equal => (&[], Vec::new()),
            Compared::Explained(differences, knobs) => {
                (differences, knobs.iter().map(explanation_text).collect())
            }
            Compared::Open(taken) => {
                (&[], taken.iter().map(|(knob, value)| knob_text(*knob, *value)).collect())
            }
            Compared::Known(differences, entry) => (differences, vec![entry_text(entry)]),
            Compared::Unexplained(differences, hint) => {
                (differences, vec![hint_text(hint.as_deref())])
            }
            Compared::Undecided(what)
            | Compared::NotModelled(what)
            | Compared::NotRunnable(what)
            | Compared::StackFailed(what) => (&[], vec![what.clone()]),
        };
        let differences = differences
            .iter()
            .map(|Difference { place, left, right }| Side {
                place: place_text(script, *place),
                left,
                right,
            })
            .collect();
        let (scenario, family) = (&script.id, script.family);
        Row { scenario, family, outcome: compared.word(), differences, because }
    };
    Report {
        left: comparison.left.name(),
        right: &comparison.right,
        results: comparison.each().map(row).collect(),
        kept: comparison.kept.as_ref(),
        points: points::rows(&points::points(comparison.explanations())),
        stale: comparison.stale.iter().map(|entry| entry.scenario.as_str()).collect(),
    }
}
