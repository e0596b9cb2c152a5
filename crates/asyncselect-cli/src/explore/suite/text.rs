//! What a suite has shown, for people.

use std::fmt::Write;

use asyncselect_scenario::explore::bounded::Open;
use asyncselect_scenario::explore::properties::{Kind, Property};
use asyncselect_scenario::explore::standing::Standing;
use asyncselect_scenario::script::suite::Suite;

use super::{Shown, why_ended};
use crate::outcome::counted;
use crate::style::{self, column};

pub(super) fn text(suite: &Suite, shown: &[Shown<'_>]) -> String {
    let mut text = format!("{}: {}\n", suite.start.id, suite.start.title);
    for shown in shown {
        text.push('\n');
        one(&mut text, shown);
    }
    text
}

// Writing into a String cannot fail.
fn one(text: &mut String, shown: &Shown<'_>) {
    let explored = &shown.report.explored;
    let open = match shown.open {
        Open::Canonical => "the first alternative of open knobs",
        Open::Every => "every alternative of open knobs",
    };
    let _ = writeln!(text, "{}: an alphabet of {}, {open}", shown.profile, shown.letters);
    let _ = writeln!(text, "  letters      states    transitions");
    let mut states = 0;
    for (length, round) in explored.rounds.iter().enumerate() {
        states += round.states;
        let _ = writeln!(text, "  {length:7} {states:11} {:14}", round.transitions);
    }
    let _ = writeln!(text, "  ended by {}", why_ended(shown));
    let _ = writeln!(
        text,
        "  {:.1} bytes a visited state, frontier {}, two states taken for one: below {:.0e}",
        explored.bytes as f64 / explored.states() as f64,
        explored.widest,
        explored.collision_probability(),
    );
    for (cut, times) in &explored.cuts {
        let times = counted(usize::try_from(*times).unwrap_or(usize::MAX), "time");
        let _ = writeln!(text, "  not modelled, {times}: {}: {}", cut.who, cut.what);
    }
    for (property, standing) in &shown.report.properties {
        tell(text, shown, *property, standing);
    }
}

fn tell(text: &mut String, shown: &Shown<'_>, property: Property, standing: &Standing) {
    let (word, style) = match standing {
        Standing::Holds => ("held", style::GOOD),
        Standing::Deviates { .. } => ("deviates", style::KNOWN),
        Standing::Broken(_) => ("VIOLATED", style::BAD),
        Standing::Reached(_) => ("reached", style::GOOD),
        Standing::NotReached => ("not reached", style::SILENT),
    };
    let kind = match property.kind() {
        Kind::Always => "always",
        Kind::Sometimes => "sometimes",
    };
    let (word, clauses) = (column(style, word, 11), property.clauses().join(", "));
    let _ = write!(text, "  {kind:9} {word} {} ({clauses})", property.name());
    let length = |sighting| shown.report.length(sighting);
    match standing {
        Standing::Holds | Standing::NotReached => {}
        Standing::Reached(sighting) => {
            let _ = write!(text, ": after {}", length(*sighting).letters);
        }
        Standing::Deviates { knobs, sighting } => {
            let knobs: Vec<String> =
                knobs.iter().map(|(knob, value)| format!("{knob} = {value}")).collect();
            let _ = write!(
                text,
                ": as {}; {} times, first after {}",
                knobs.join(", "),
                sighting.times,
                length(*sighting).letters,
            );
        }
        Standing::Broken(sighting) => {
            let length = length(*sighting);
            let _ = write!(
                text,
                ": {} times, first after {} letters, {} steps",
                sighting.times, length.letters, length.steps,
            );
        }
    }
    text.push('\n');
    if let Some((_, path)) = shown.written.iter().find(|(written, _)| *written == property) {
        let _ = writeln!(text, "            written: {}", path.display());
    }
}
