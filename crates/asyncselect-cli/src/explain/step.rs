//! `asyncselect explain PATH --step N`: why each message came, and what stopped the others.

use std::fmt::Write;
use std::path::Path;

use asyncselect_abi::{Family, NetworkEvent};
use asyncselect_model::Profile;
use asyncselect_scenario::diff;
use asyncselect_scenario::explain::{self, Cited, Explained, Item, Silence, step_text};
use asyncselect_scenario::runner::Place;
use asyncselect_scenario::script::Script;
use serde::Serialize;

use crate::Format;
use crate::diff::explanation_text;
use crate::outcome::{Exit, Output, place_text};

#[derive(Debug, Serialize)]
struct Report<'r> {
    place: &'r str,
    title: &'r str,
    profiles: Vec<OnProfile<'r>>,
}

#[derive(Debug, Serialize)]
struct OnProfile<'r> {
    profile: &'r str,
    #[serde(flatten)]
    explained: &'r Explained,
}

pub(crate) fn explain(
    path: &Path,
    step: usize,
    family: Family,
    profiles: &[Profile],
    format: Format,
) -> Output {
    let script = match Script::read(path) {
        Ok(script) => script.on(family),
        Err(error) => return Output::bad_source(&error),
    };
    let steps = script.steps.len();
    let Some(index) = step.checked_sub(1).filter(|index| *index < steps) else {
        let error = format!("{}: no step {step}; its steps are 1 to {steps}", path.display());
        return Output::error(error, Exit::BadScript);
    };
    let place = place_text(&script, Place::Step(index));
    let explained: Vec<Explained> =
        profiles.iter().map(|profile| explain::step(&script, profile, step)).collect();
    match format {
        Format::Text => {
            let head = format!("{place} of: {}\n", script.title);
            Output::text(head + &text(&script, profiles, &explained))
        }
        Format::Json => {
            let each = profiles.iter().zip(&explained);
            let profiles = each
                .map(|(profile, explained)| OnProfile { profile: profile.name(), explained })
                .collect();
            let report = Report { place: &place, title: &script.title, profiles };
            Output::json(&report, Exit::Conforms)
        }
    }
}

/// The first profile in full, then what is different on the others.
fn text(script: &Script, profiles: &[Profile], explained: &[Explained]) -> String {
    let (Some(first), Some(of_first)) = (profiles.first(), explained.first()) else {
        return String::new();
    };
    let paragraphs = paragraphs(of_first);
    let mut text = format!("\non {}\n{}", first.name(), paragraphs.concat());
    for (profile, explained) in profiles.iter().zip(explained).skip(1) {
        let name = profile.name();
        let others = self::paragraphs(explained);
        if others == paragraphs {
            write!(text, "\non {name}: the same\n").expect("a String can be written");
            continue;
        }
        write!(text, "\non {name}, different from {}\n", first.name())
            .expect("a String can be written");
        for gone in paragraphs.iter().filter(|paragraph| !others.contains(paragraph)) {
            let head = gone.lines().next().unwrap_or_default().trim_start();
            writeln!(text, "  not here: {head}").expect("a String can be written");
        }
        for new in others.iter().filter(|paragraph| !paragraphs.contains(paragraph)) {
            text.push_str(new);
        }
        for explanation in diff::explain(script, first, profile).unwrap_or_default() {
            writeln!(text, "  because of {}", explanation_text(&explanation))
                .expect("a String can be written");
        }
    }
    text
}

/// What happened in a step, a paragraph each.
fn paragraphs(explained: &Explained) -> Vec<String> {
    let Explained { happened, before, broken_off } = explained;
    let mut paragraphs: Vec<String> = happened.iter().map(item).collect();
    if !before.is_empty() {
        paragraphs.push(
            "  The stack looked at no socket in this step. What it found when it looked last:\n"
                .to_owned(),
        );
        paragraphs.extend(before.iter().map(|silence| self::silence(silence, true)));
    } else if happened.is_empty() && broken_off.is_none() {
        paragraphs.push("  Nothing happened.\n".to_owned());
    }
    if let Some(why) = broken_off {
        paragraphs.push(format!("  The run ended early: {why}.\n"));
    }
    once(&paragraphs)
}

/// The most paragraphs that repeat as one.
const REPEATED_MAX: usize = 12;

/// Tells what repeats once, and how often: a call that is made a thousand times is one step.
fn once(paragraphs: &[String]) -> Vec<String> {
    let mut told = Vec::new();
    let mut rest = paragraphs;
    while !rest.is_empty() {
        let repeats = |len: usize| {
            let block = &rest[..len];
            rest.chunks(len).take_while(|other| *other == block).count()
        };
        let lens = 1..=REPEATED_MAX.min(rest.len());
        let len = lens.clone().find(|len| repeats(*len) > 1).unwrap_or(1);
        let count = repeats(len);
        told.extend_from_slice(&rest[..len]);
        if count > 1 {
            told.push(format!("  … and the same {} times more.\n", count - 1));
        }
        rest = &rest[count * len..];
    }
    told
}

fn item(item: &Item) -> String {
    match item {
        Item::Called { thread, call, clause } => {
            let thread = if thread == "main" { String::new() } else { format!("{thread}: ") };
            let because = clause.as_ref().map(|clause| format!("    {}\n", cited(clause)));
            format!("  {thread}{call}\n{}", because.unwrap_or_default())
        }
        Item::Arrived(what) | Item::Disturbed(what) => format!("  {what}\n"),
        Item::Posted { message, clause, looked, enabled } => format!(
            "  posted: {message}\n    {}\n    The stack looked after: {} ({}).\n    \
             {} was enabled {enabled}.\n",
            cited(clause),
            looked.after,
            looked.cause,
            message.event,
        ),
        Item::Recorded { what, clause, looked, enabled } => format!(
            "  recorded: {what}\n    {}\n    The stack looked after: {} ({}).\n    \
             The event was enabled {enabled}.\n",
            cited(clause),
            looked.after,
            looked.cause,
        ),
        Item::Silent(silence) => self::silence(silence, false),
        Item::Retrieved { message, posted_in, stale } => {
            let posted = posted_in.map(|step| format!(", posted in {}", step_text(step)));
            let stale = if *stale { "; its registration has ended since" } else { "" };
            format!("  retrieved: {message}{}{stale}\n", posted.unwrap_or_default())
        }
    }
}

/// The most events that are listed as not asked for.
const LISTED_MAX: usize = 5;

fn silence(silence: &Silence, past: bool) -> String {
    let Silence { socket, events, guard, clause, looked, posted_in } = silence;
    let list = |events: &mut dyn Iterator<Item = &NetworkEvent>| {
        events.map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let events = if silence.is_unregistered() {
        "event".to_owned()
    } else if events.len() > LISTED_MAX && silence.is_unasked() {
        // The mask is shorter than what it leaves out.
        let others = &mut NetworkEvent::ALL.iter().filter(|event| !events.contains(event));
        format!("event but {}", list(others))
    } else {
        list(&mut events.iter())
    };
    let posted = posted_in.map(|step| format!(" (in {})", step_text(step))).unwrap_or_default();
    let looked = if past {
        format!(
            "    It looked in {}, after: {} ({}).\n",
            step_text(looked.step),
            looked.after,
            looked.cause
        )
    } else {
        String::new()
    };
    // What nobody asked for needs no clause to stop it.
    let because = if silence.is_unasked() {
        format!(" ({})\n", clause.id)
    } else {
        format!("\n    {}\n", cited(clause))
    };
    format!("  no {events} for {socket}: {guard}{posted}{because}{looked}")
}

fn cited(clause: &Cited) -> String {
    format!("{}: {}", clause.id, clause.about)
}
