//! A scenario: what can come of it, and how.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::diff::text_of;
use asyncselect_scenario::explore::outcomes::{Outcome, Outcomes, outcomes};
use asyncselect_scenario::explore::runs::{First, Freedom, Reduction};
use asyncselect_scenario::explore::schedule::scenario;
use asyncselect_scenario::explore::search::{Ended, Limits, Work};
use asyncselect_scenario::judge::{Agreement, Finding, judge, unreached};
use asyncselect_scenario::runner::{Ending, Observation};
use asyncselect_scenario::script::Script;
use serde::Serialize;

use super::{Question, ending_text, no_start, rate, write};
use crate::Format;
use crate::outcome::{Exit, Output, counted, place_text, profiles};
use crate::style::{self, paint};

/// About so many states a profile unless told otherwise: a state of a long scenario takes some
/// kilobytes while it waits to be looked at.
const STATES: usize = 200_000;

/// What can come of a scenario on one profile.
#[derive(Serialize)]
struct Shown {
    profile: String,
    /// Whether everything was looked at.
    whole: bool,
    states: usize,
    transitions: u64,
    /// Of all visited states together.
    bytes: usize,
    /// The most states that were looked at in one round.
    widest: usize,
    /// That two states were taken for one, at most.
    collision_probability: f64,
    outcomes: Vec<OutcomeShown>,
    /// What `must_reach` lists and never comes.
    unreached: Vec<String>,
}

#[derive(Serialize)]
struct OutcomeShown {
    /// Where it is not what another outcome shows there, or messages.
    seen: Vec<String>,
    /// What came first, wherever something else might have.
    schedule: Vec<String>,
    /// What was decided where the profile leaves something open.
    decided: Vec<String>,
    /// What the scenario expects otherwise.
    findings: Vec<String>,
    /// The file that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

pub(super) fn explore(question: &Question) -> Output {
    let script = match Script::read(&question.path) {
        Ok(script) => script.on(question.family),
        Err(error) => return Output::bad_source(&error),
    };
    let profiles = match profiles(&question.profiles) {
        Ok(profiles) => profiles,
        Err(output) => return output,
    };
    let freedom = if question.free { Freedom::AllCalls } else { Freedom::AsWritten };
    let mut output = Output::text(String::new());
    let mut shown = Vec::new();
    for profile in &profiles {
        if script.is_about_others_than(profile.name()) {
            continue;
        }
        let work = Work { batch: 1 << 12, ..Work::with(question.threads()) };
        let states = question.states.unwrap_or(STATES).min(Limits::NONE.states);
        let limits = Limits { states, rounds: question.rounds.unwrap_or(u32::MAX) };
        let begin = Instant::now();
        let found = match outcomes(&script, profile, freedom, Reduction::On, work, limits) {
            Ok(found) => found,
            Err(ending) => return no_start(&question.path, profile.name(), &ending),
        };
        output.errors.push_str(&rate(question, profile.name(), &found.explored, begin));
        match show(question, &script, profile, freedom, &found) {
            Ok(one) => {
                output.exit = output.exit.max(exit(&one));
                shown.push(one);
            }
            Err(output) => return output,
        }
    }
    output.text = match question.format {
        Format::Text => text(&script, &shown),
        Format::Json => Output::json(&shown, Exit::Conforms).text,
    };
    output
}

fn exit(shown: &Shown) -> Exit {
    let is_wrong = |outcome: &OutcomeShown| !outcome.findings.is_empty();
    // What was not looked at may still reach it.
    let unreached = shown.whole && !shown.unreached.is_empty();
    if shown.outcomes.iter().any(is_wrong) || unreached {
        Exit::Findings
    } else if shown.whole {
        Exit::Conforms
    } else {
        Exit::NotModelled
    }
}

fn show(
    question: &Question,
    script: &Script,
    profile: &Profile,
    freedom: Freedom,
    found: &Outcomes,
) -> Result<Shown, Output> {
    let mut shown = Vec::new();
    for (outcome, number) in found.list.iter().zip(1..) {
        let file = match &question.write {
            Some(folder) => {
                let name = script.id.rsplit('/').next().unwrap_or("scenario");
                let name = format!("{name}-on-{}-{number}", profile.name());
                let title = format!("{} (outcome {number} on {})", script.title, profile.name());
                let text = scenario(script, profile, freedom, outcome, &title);
                Some(write(folder, &name, &text)?)
            }
            None => None,
        };
        shown.push(OutcomeShown {
            seen: seen(script, outcome, &found.list),
            schedule: outcome.schedule.iter().map(first_text).collect(),
            decided: decided(profile, outcome),
            findings: findings(script, freedom, outcome),
            file,
        });
    }
    let explored = &found.explored;
    let runs = found.list.iter().map(|outcome| outcome.run.seen.as_slice());
    let finding = |Finding { place, expected, .. }: Finding| {
        format!("{}: never comes: {expected}", place_text(script, place))
    };
    Ok(Shown {
        profile: profile.name().to_owned(),
        whole: explored.ended == Ended::Everything && explored.cuts.is_empty(),
        states: explored.states(),
        transitions: explored.transitions,
        bytes: explored.bytes,
        widest: explored.widest,
        collision_probability: explored.collision_probability(),
        outcomes: shown,
        unreached: unreached(script, runs).into_iter().map(finding).collect(),
    })
}

/// What the program sees: its messages, and whatever else is not the same in all outcomes.
fn seen(script: &Script, outcome: &Outcome, all: &[Outcome]) -> Vec<String> {
    let mut seen = Vec::new();
    for (index, observation) in outcome.run.seen.iter().enumerate() {
        let messages = match observation {
            Observation::Messages { messages, .. } => !messages.is_empty(),
            Observation::Return { .. }
            | Observation::NeverFailed { .. }
            | Observation::Waiting { .. } => false,
        };
        let differs = all.iter().any(|other| other.run.seen.get(index) != Some(observation));
        if messages || differs {
            let place = observation.place();
            seen.push(format!("{place}: {}", text_of(script, observation)));
        }
    }
    match &outcome.run.ending {
        Ending::Completed => {}
        ending => seen.push(ending_text(ending)),
    }
    seen
}

fn first_text(first: &First) -> String {
    match first {
        First::Program => "the program goes on".to_owned(),
        First::Happening(happening) => happening.to_string(),
    }
}

fn decided(profile: &Profile, outcome: &Outcome) -> Vec<String> {
    let open = KnobId::ALL.iter().filter(|knob| profile.setting(**knob).value.is_none());
    let text = |knob: &KnobId| {
        let value = outcome.run.decided(*knob)?;
        Some(format!("{knob} = {}", knob.values()[usize::from(value)]))
    };
    open.filter_map(text).collect()
}

/// What the scenario expects otherwise; nothing where it did not leave the order open itself.
fn findings(script: &Script, freedom: Freedom, outcome: &Outcome) -> Vec<String> {
    if freedom == Freedom::AllCalls {
        return Vec::new();
    }
    let run = &outcome.run;
    let holds = |knob, value| run.decided(knob) == Some(value);
    match judge(script, &run.ending, &run.seen, holds).agreement {
        Agreement::Disagrees(findings) => {
            let text = |Finding { place, expected, found }: Finding| {
                format!("{}: expected {expected}, found {found}", place_text(script, place))
            };
            findings.into_iter().map(text).collect()
        }
        Agreement::Agrees
        | Agreement::NotModelled(_)
        | Agreement::NotRunnable(_)
        | Agreement::NotSetUp(_)
        | Agreement::StackFailed(_) => Vec::new(),
    }
}

fn text(script: &Script, shown: &[Shown]) -> String {
    let mut text = String::new();
    let mut told = |line: String| {
        writeln!(text, "{line}").expect("writing to a String succeeds");
    };
    told(format!("{}: {}", script.id, script.title));
    for one in shown {
        let extent = if one.whole { "" } else { ", of a part only" };
        let outcomes = counted(one.outcomes.len(), "outcome");
        told(format!("\n{}: {outcomes}{extent}", one.profile));
        for (outcome, number) in one.outcomes.iter().zip(1..) {
            told(format!("\n  {number}."));
            outcome.seen.iter().for_each(|line| told(format!("    {line}")));
            if !outcome.schedule.is_empty() {
                told(format!("    when: {}", outcome.schedule.join("; ")));
            }
            if !outcome.decided.is_empty() {
                told(format!("    with: {}", outcome.decided.join(", ")));
            }
            for finding in &outcome.findings {
                told(format!("    {}: {finding}", paint(style::BAD, "NOT AS EXPECTED")));
            }
            if let Some(file) = &outcome.file {
                told(format!("    written: {}", file.display()));
            }
        }
        for unreached in &one.unreached {
            told(format!("  {}: {unreached}", paint(style::BAD, "UNREACHED")));
        }
        let bytes = one.bytes.checked_div(one.states).unwrap_or(0);
        told(format!(
            "\n  {} states, {} transitions, {bytes} bytes a visited state, at most {} states wide; \
             two taken for one with a probability of at most {:.0e}",
            one.states, one.transitions, one.widest, one.collision_probability,
        ));
    }
    text
}
