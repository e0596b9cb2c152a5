//! `asyncselect diff`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anstyle::Style;
use asyncselect_abi::BackendError;
use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::adapter::Adapter;
use asyncselect_scenario::diff::{Difference, Explanation, compare, explain, nearest_knob};
use asyncselect_scenario::judge::{Agreement, judge};
use asyncselect_scenario::profile_file;
use asyncselect_scenario::runner::Ending;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::{Run, run_on, simulate};
use asyncselect_scenario::stack::Stack;
use clap::ValueEnum;
use quick_junit::TestSuite;
use serde::Serialize;

use crate::junit::{self, Told};
use crate::outcome::{Exit, Output, Scripts, place_text, read};
use crate::progress::Progress;
use crate::style::{self, paint};

/// What stands on the right.
#[derive(Debug)]
pub(crate) enum Right {
    /// A profile.
    Profile(String),
    /// The command of an adapter.
    Adapter(String),
}

impl Right {
    pub(crate) fn new(profile: Option<String>, adapter: Option<String>) -> Self {
        match (profile, adapter) {
            (_, Some(command)) => Self::Adapter(command),
            (Some(profile), None) => Self::Profile(profile),
            (None, None) => unreachable!("clap requires one of them"),
        }
    }
}

/// How one scenario came out.
enum Compared {
    /// Nothing differs.
    Equal,
    /// It differs, and knobs at which the stacks part explain it.
    Explained(Vec<Difference>, Vec<Explanation>),
    /// The live stack took an alternative that the profile leaves open.
    Open(KnobId, u8),
    /// It differs, and should not.
    Unexplained(Vec<Difference>, Option<(KnobId, u8)>),
    /// The model does not describe something that the script does.
    NotModelled(String),
    /// It cannot be run there.
    NotRunnable(String),
    /// The stack did not answer.
    StackFailed(String),
}

/// How differences are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// JUnit XML, for machines that show tests: a case a scenario.
    Junit,
}

pub(crate) fn diff(
    paths: &[PathBuf],
    left: &str,
    right: &Right,
    format: DiffFormat,
    progress: bool,
) -> Output {
    let left = match profile_file::load(left) {
        Ok(profile) => profile,
        Err(error) => return Output::bad_source(&error),
    };
    let Scripts { scripts, errors } = read(paths);
    let mut progress = Progress::new(progress, scripts.len());
    let (label, compared) = match right {
        Right::Profile(name) => match profile_file::load(name) {
            Ok(right) => {
                let compare = |script: &Script| profiles(script, &left, &right);
                (right.name().to_owned(), each(&scripts, &mut progress, compare))
            }
            Err(error) => return Output::bad_source(&error),
        },
        Right::Adapter(command) => match Adapter::start(command) {
            Ok(mut adapter) => {
                let compare = |script: &Script| live(script, &left, &mut adapter);
                let compared = each(&scripts, &mut progress, compare);
                (adapter.label().to_owned(), compared)
            }
            Err(error) => return Output::error(error, Exit::Unavailable),
        },
    };
    drop(progress);
    let worst = compared.iter().map(Compared::exit).max().unwrap_or(Exit::Conforms);
    // A comparison that compared nothing must not look like one that found nothing.
    let nothing = compared.iter().all(|one| matches!(one, Compared::NotRunnable(_)));
    let worst = if nothing { worst.max(Exit::Unavailable) } else { worst };
    let exit = if errors.is_empty() { worst } else { Exit::BadScript };
    let output = match format {
        DiffFormat::Text => {
            let text = text(&left, &label, &scripts, &compared);
            Output { text, errors: String::new(), exit }
        }
        DiffFormat::Json => Output::json(&json(&left, &label, &scripts, &compared), exit),
        DiffFormat::Junit => {
            let suite = suite(&left, &label, &scripts, &compared);
            let text = junit::xml(vec![suite], &errors);
            Output { text, errors: String::new(), exit }
        }
    };
    output.with(&errors)
}

/// Compares each scenario, and shows how far that is.
fn each(
    scripts: &[Script],
    progress: &mut Progress,
    mut compare: impl FnMut(&Script) -> Compared,
) -> Vec<Compared> {
    let compare = |script: &Script| {
        progress.begin(&script.id);
        let compared = compare(script);
        progress.end();
        compared
    };
    scripts.iter().map(compare).collect()
}

/// What the model lacks for a run.
fn not_modelled(run: &Run) -> Option<String> {
    match &run.ending {
        Ending::Failed(_, BackendError::NotModelled(what)) => Some(what.clone()),
        Ending::Failed(..)
        | Ending::Completed
        | Ending::Blocked(_)
        | Ending::NotSetUp(_)
        | Ending::NotRunnable(_) => None,
    }
}

fn profiles(script: &Script, left: &Profile, right: &Profile) -> Compared {
    let (on_left, on_right) = (simulate(script, left), simulate(script, right));
    if let Some(what) = not_modelled(&on_left).or_else(|| not_modelled(&on_right)) {
        return Compared::NotModelled(what);
    }
    let differences = compare(script, &on_left, &on_right);
    if differences.is_empty() {
        return Compared::Equal;
    }
    match explain(script, left, right) {
        Some(knobs) => Compared::Explained(differences, knobs),
        None => Compared::Unexplained(differences, None),
    }
}

fn live(script: &Script, profile: &Profile, adapter: &mut Adapter) -> Compared {
    if script.is_about_others_than(profile.name()) {
        return Compared::NotRunnable(format!("a fact of other stacks than {}", profile.name()));
    }
    let expected = simulate(script, profile);
    if let Some(what) = not_modelled(&expected) {
        return Compared::NotModelled(what);
    }
    let live = run_on(script, adapter);
    let holds = |knob: KnobId, value| expected.decided(knob) == Some(value);
    match judge(script, &live.ending, &live.seen, holds).agreement {
        Agreement::NotRunnable(what) | Agreement::NotModelled(what) => {
            return Compared::NotRunnable(what);
        }
        Agreement::StackFailed(what) => return Compared::StackFailed(what),
        Agreement::Agrees | Agreement::Disagrees(_) | Agreement::NotSetUp(_) => {}
    }
    let differences = compare(script, &expected, &live);
    if differences.is_empty() {
        return Compared::Equal;
    }
    match nearest_knob(script, profile, &live) {
        Some((knob, value, true)) => Compared::Open(knob, value),
        Some((knob, value, false)) => Compared::Unexplained(differences, Some((knob, value))),
        None => Compared::Unexplained(differences, None),
    }
}

impl Compared {
    fn exit(&self) -> Exit {
        match self {
            Self::Equal | Self::Explained(..) | Self::Open(..) | Self::NotRunnable(_) => {
                Exit::Conforms
            }
            Self::NotModelled(_) => Exit::NotModelled,
            Self::Unexplained(..) => Exit::Findings,
            Self::StackFailed(_) => Exit::Unavailable,
        }
    }

    fn style(&self) -> Style {
        match self {
            Self::Equal => style::GOOD,
            Self::Explained(..) | Self::Open(..) | Self::NotModelled(_) => style::KNOWN,
            Self::NotRunnable(_) => style::SILENT,
            Self::Unexplained(..) | Self::StackFailed(_) => style::BAD,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Equal => "agrees",
            Self::Explained(..) => "explained",
            Self::Open(..) => "open",
            Self::Unexplained(..) => "DIFFERS",
            Self::NotModelled(_) => "not modelled",
            Self::NotRunnable(_) => "not runnable",
            Self::StackFailed(_) => "stack failed",
        }
    }
}

fn knob_text(knob: KnobId, value: u8) -> String {
    format!("{knob} = {}", knob.values()[usize::from(value)])
}

pub(crate) fn explanation_text(explanation: &Explanation) -> String {
    let side = |(value, setting): &(u8, asyncselect_model::profile::Setting)| {
        let name = explanation.knob.values()[usize::from(*value)];
        match setting.value {
            Some(_) => format!("{name} ({}: {})", setting.evidence, setting.source),
            None => format!("{name} (open, this run's choice)"),
        }
    };
    let Explanation { knob, left, right } = explanation;
    format!("{knob}: {} | {}", side(left), side(right))
}

fn text(left: &Profile, right: &str, scripts: &[Script], compared: &[Compared]) -> String {
    let mut text = format!("left {}, right {right}\n", left.name());
    let mut told = |line: String| {
        writeln!(text, "{line}").expect("writing to a String succeeds");
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (script, compared) in scripts.iter().zip(compared) {
        *counts.entry(compared.word()).or_default() += 1;
        let head = format!("\n{}: {}", paint(compared.style(), compared.word()), script.id);
        match compared {
            Compared::Equal => {}
            Compared::Explained(differences, knobs) => {
                told(head);
                told_differences(script, differences, &mut told);
                for explanation in knobs {
                    told(format!("  because {}", explanation_text(explanation)));
                }
            }
            Compared::Open(knob, value) => {
                told(format!("{head}: it took {}", knob_text(*knob, *value)));
            }
            Compared::Unexplained(differences, hint) => {
                told(head);
                told_differences(script, differences, &mut told);
                match hint {
                    Some((knob, value)) => {
                        told(format!("  as if {}", knob_text(*knob, *value)));
                    }
                    None => told("  no knob explains it".to_owned()),
                }
            }
            Compared::NotModelled(what) | Compared::NotRunnable(what) => {
                told(format!("{}: {what}", head.trim_start()))
            }
            Compared::StackFailed(what) => told(format!("{head}: {what}")),
        }
    }
    let count = |word: &str| counts.get(word).copied().unwrap_or(0);
    told(format!(
        "\n{} scenarios: {} agree, {} explained, {} took an open alternative, {} differ, \
         {} not modelled, {} not runnable here, {} stack failures",
        scripts.len(),
        count("agrees"),
        count("explained"),
        count("open"),
        count("DIFFERS"),
        count("not modelled"),
        count("not runnable"),
        count("stack failed"),
    ));
    text
}

fn told_differences(script: &Script, differences: &[Difference], told: &mut impl FnMut(String)) {
    for Difference { place, left, right } in differences {
        told(format!("  {}", place_text(script, *place)));
        told(format!("    left:  {left}"));
        told(format!("    right: {right}"));
    }
}

fn suite(left: &Profile, right: &str, scripts: &[Script], compared: &[Compared]) -> TestSuite {
    let name = format!("{} | {right}", left.name());
    let mut suite = TestSuite::new(name.as_str());
    for (script, compared) in scripts.iter().zip(compared) {
        suite.add_test_case(told(script, compared).case(&name, &script.id));
    }
    suite
}

fn told(script: &Script, compared: &Compared) -> Told {
    let all = |differences: &[Difference]| {
        let mut text = String::new();
        told_differences(script, differences, &mut |line| text.push_str(&format!("{line}\n")));
        text
    };
    match compared {
        Compared::Equal => Told::Passed(None),
        Compared::Explained(differences, knobs) => {
            let because = |knob| format!("  because {}\n", explanation_text(knob));
            let because: String = knobs.iter().map(because).collect();
            Told::Passed(Some(all(differences) + &because))
        }
        Compared::Open(knob, value) => {
            Told::Passed(Some(format!("it took {}\n", knob_text(*knob, *value))))
        }
        Compared::Unexplained(differences, hint) => {
            let hint = match hint {
                Some((knob, value)) => format!("as if {}", knob_text(*knob, *value)),
                None => "no knob explains it".to_owned(),
            };
            let text = format!("{}  {hint}\n", all(differences));
            Told::Failed(hint, text)
        }
        Compared::NotModelled(what) => Told::Skipped(format!("not modelled: {what}")),
        Compared::NotRunnable(what) => Told::Skipped(format!("not runnable here: {what}")),
        Compared::StackFailed(what) => Told::Broken(format!("stack failed: {what}")),
    }
}

#[derive(Serialize)]
struct Report<'r> {
    left: &'r str,
    right: &'r str,
    results: Vec<Row<'r>>,
}

#[derive(Serialize)]
struct Row<'r> {
    scenario: &'r str,
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

fn json<'r>(
    left: &'r Profile,
    right: &'r str,
    scripts: &'r [Script],
    compared: &'r [Compared],
) -> Report<'r> {
    let row = |(script, compared): (&'r Script, &'r Compared)| {
        let (differences, because): (&[Difference], Vec<String>) = match compared {
            Compared::Equal => (&[], Vec::new()),
            Compared::Explained(differences, knobs) => {
                (differences, knobs.iter().map(explanation_text).collect())
            }
            Compared::Open(knob, value) => (&[], vec![knob_text(*knob, *value)]),
            Compared::Unexplained(differences, hint) => {
                let hint = hint.map(|(knob, value)| format!("as if {}", knob_text(knob, value)));
                (differences, hint.into_iter().collect())
            }
            Compared::NotModelled(what)
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
        Row { scenario: &script.id, outcome: compared.word(), differences, because }
    };
    let results = scripts.iter().zip(compared).map(row).collect();
    Report { left: left.name(), right, results }
}
