//! `asyncselect explain KNOB`: what may happen there, who does what, and who can tell.

use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::clauses::Clauses;
use serde::Serialize;

use super::cites::{self, Citing, Corpus};
use crate::Format;
use crate::knobs::{Held, held};
use crate::outcome::{Exit, Output};

#[derive(Debug, Serialize)]
struct Report<'r> {
    #[serde(flatten)]
    held: Held,
    /// Missing where there is no corpus.
    #[serde(skip_serializing_if = "Option::is_none")]
    scenarios: Option<&'r [Citing<'r>]>,
}

pub(crate) fn explain(
    knob: KnobId,
    profiles: &[Profile],
    corpus: &Corpus,
    format: Format,
) -> Output {
    let scenarios = corpus.depending(knob);
    let held = held(knob, profiles);
    if format == Format::Json {
        let report = Report { held, scenarios: scenarios.as_deref().ok() };
        return Output::json(&report, Exit::Conforms);
    }
    let mut text = format!("{knob}: a point at which stacks part\n  {}\n", knob.about());
    text.push_str("\nalternatives, the canonical one first\n");
    held.write_alternatives(&mut text);
    text.push_str("\nprofiles\n");
    held.write_profiles(&mut text);
    text.push_str("\nwhat meets here\n");
    for id in knob.ids() {
        let about = Clauses::get().find(id).map_or("", |(_, entry)| entry.about);
        text.push_str(&format!("  {id:9} {about}\n"));
    }
    cites::write(&mut text, &scenarios);
    Output::text(text)
}
