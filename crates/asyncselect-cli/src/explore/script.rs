//! A scenario: what can come of it, and how.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::diff::text_of;
use asyncselect_scenario::explore::outcomes::{Judging, Outcome, Outcomes, Witness, outcomes};
use asyncselect_scenario::explore::properties::Property;
use asyncselect_scenario::explore::runs::{First, Freedom, Reduction};
use asyncselect_scenario::explore::schedule::scenario;
use asyncselect_scenario::explore::search::{Ended, Limits, Sighting, Work};
use asyncselect_scenario::explore::standing::Standing;
use asyncselect_scenario::judge::{Agreement, Finding, judge, unreached};
use asyncselect_scenario::runner::{Ending, Observation};
use asyncselect_scenario::script::Script;
use serde::Serialize;

use super::{Question, ending_text, file_name, no_start, rate, write};
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
    /// What must hold always, and whether it did.
    properties: Vec<PropertyShown>,
}

#[derive(Serialize)]
struct PropertyShown {
    name: &'static str,
    clauses: &'static [&'static str],
    /// `held`, `deviates`, `violated`.
    standing: &'static str,
    /// The knobs that excuse a deviation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    knobs: Vec<KnobShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<FirstShown>,
}

#[derive(Serialize)]
struct KnobShown {
    knob: &'static str,
    is: &'static str,
}

/// The first time that something is broken.
#[derive(Serialize)]
struct FirstShown {
    /// How often it is.
    times: u64,
    /// Where the program was.
    place: String,
    /// What came first up to there, wherever something else might have.
    schedule: Vec<String>,
    /// The file that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
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
        let found =
            match outcomes(&script, profile, freedom, Reduction::On, Judging::On, work, limits) {
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
    let violated = shown.properties.iter().any(|property| property.standing == VIOLATED);
    // What was not looked at may still reach it.
    let unreached = shown.whole && !shown.unreached.is_empty();
    if shown.outcomes.iter().any(is_wrong) || unreached || violated {
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
    found: &Outcomes<'_>,
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
        properties: properties(question, script, profile, freedom, found)?,
    })
}

/// What became of each property that demands something always.
fn properties(
    question: &Question,
    script: &Script,
    profile: &Profile,
    freedom: Freedom,
    found: &Outcomes<'_>,
) -> Result<Vec<PropertyShown>, Output> {
    let mut shown = Vec::new();
    for (property, standing) in found.properties() {
        let (standing, knobs, sighting) = match standing {
            Standing::Holds | Standing::Reached(_) | Standing::NotReached => {
                (HELD, Vec::new(), None)
            }
            Standing::Deviates { knobs, sighting } => (DEVIATES, knobs, Some(sighting)),
            Standing::Broken(sighting) => (VIOLATED, Vec::new(), Some(sighting)),
        };
        let first = match sighting {
            Some(sighting) => {
                Some(first_shown(question, script, profile, freedom, found, property, sighting)?)
            }
            None => None,
        };
        let knobs = knobs.into_iter().map(|(knob, is)| KnobShown { knob: knob.name(), is });
        shown.push(PropertyShown {
            name: property.name(),
            clauses: property.clauses(),
            standing,
            knobs: knobs.collect(),
            first,
        });
    }
    Ok(shown)
}

fn first_shown(
    question: &Question,
    script: &Script,
    profile: &Profile,
    freedom: Freedom,
    found: &Outcomes<'_>,
    property: Property,
    sighting: Sighting,
) -> Result<FirstShown, Output> {
    let Witness { outcome, until, place } = found.witness(property, sighting);
    let file = match &question.write {
        Some(folder) => {
            let id = script.id.rsplit('/').next().unwrap_or("scenario");
            let name = format!("{id}-on-{}-{}", profile.name(), file_name(property.name()));
            let clauses = property.clauses().join(", ");
            let title = format!("{} ({clauses}): {}", property.name(), script.title);
            let text = scenario(script, profile, freedom, &outcome, &title);
            Some(write(folder, &name, &text)?)
        }
        None => None,
    };
    Ok(FirstShown {
        times: sighting.times,
        place: place.to_string(),
        schedule: until.iter().map(first_text).collect(),
        file,
    })
}

const HELD: &str = "held";
const DEVIATES: &str = "deviates";
const VIOLATED: &str = "violated";

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
        property_lines(&one.properties).into_iter().for_each(&mut told);
        let bytes = one.bytes.checked_div(one.states).unwrap_or(0);
        told(format!(
            "  {} states, {} transitions, {bytes} bytes a visited state, at most {} states wide; \
             two taken for one with a probability of at most {:.0e}",
            one.states, one.transitions, one.widest, one.collision_probability,
        ));
    }
    text
}

/// How many properties held, and what became of the others.
fn property_lines(properties: &[PropertyShown]) -> Vec<String> {
    let held = properties.iter().filter(|property| property.standing == HELD).count();
    let mut lines = vec![format!("\n  {held} of {} properties held", properties.len())];
    for property in properties {
        let Some(first) = &property.first else { continue };
        let PropertyShown { name, standing, .. } = property;
        let (word, style) = match *standing {
            VIOLATED => ("VIOLATED", style::BAD),
            _ => (DEVIATES, style::KNOWN),
        };
        let clauses = property.clauses.join(", ");
        let by = property.knobs.iter().map(|KnobShown { knob, is }| format!("{knob} = {is}"));
        let by: Vec<String> = by.collect();
        let by = if by.is_empty() { String::new() } else { format!("as {}; ", by.join(", ")) };
        let (times, place) = (counted_times(first.times), &first.place);
        let word = paint(style, word);
        lines.push(format!("  {word} {name} ({clauses}): {by}{times}, first at {place}"));
        if !first.schedule.is_empty() {
            lines.push(format!("    when: {}", first.schedule.join("; ")));
        }
        if let Some(file) = &first.file {
            lines.push(format!("    written: {}", file.display()));
        }
    }
    lines
}

fn counted_times(times: u64) -> String {
    counted(usize::try_from(times).unwrap_or(usize::MAX), "time")
}
