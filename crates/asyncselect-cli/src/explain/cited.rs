//! `asyncselect explain CLAUSE`: what an id says, and where it matters.

use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::clauses::{Entry, Kind, Level};
use serde::Serialize;

use super::arms::{Arm, arms};
use super::cites::{self, Citing, Corpus};
use crate::Format;
use crate::knobs::{Held, held};
use crate::outcome::{Exit, Output};

/// Everything about an id.
#[derive(Debug, Serialize)]
struct Report<'r> {
    id: &'r str,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    about: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'r str>,
    arms: Vec<Arm>,
    /// What of a clause its arm does not break, and what holds that.
    #[serde(skip_serializing_if = "Option::is_none")]
    rest: Option<&'r str>,
    knobs: Vec<Held>,
    /// Missing where there is no corpus.
    #[serde(skip_serializing_if = "Option::is_none")]
    scenarios: Option<&'r [Citing<'r>]>,
}

pub(crate) fn explain(
    kind: Kind,
    entry: &Entry<'_>,
    profiles: &[Profile],
    corpus: &Corpus,
    format: Format,
) -> Output {
    let Entry { id, level, about, source, proof: _, rest } = *entry;
    let scenarios = corpus.citing(id);
    let report = Report {
        id,
        kind,
        level,
        about,
        source,
        arms: arms(id),
        rest,
        knobs: KnobId::naming(id).map(|knob| held(knob, profiles)).collect(),
        scenarios: scenarios.as_deref().ok(),
    };
    match format {
        Format::Json => Output::json(&report, Exit::Conforms),
        Format::Text => Output::text(text(&report, &scenarios)),
    }
}

fn text(report: &Report<'_>, scenarios: &Result<Vec<Citing<'_>>, &str>) -> String {
    let Report { id, kind, level, about, source, arms, rest, knobs, .. } = report;
    let level = level.map(|level| format!(", {}", level.about())).unwrap_or_default();
    let mut text = format!("{id}: {}{level}\n  {about}\n", kind.about());
    if let Some(source) = source {
        text.push_str(&format!("  source: {source}\n"));
    }
    if arms.is_empty() {
        text.push_str("\nin the model: nowhere\n");
    } else {
        text.push_str("\nin the model\n");
        for arm in arms {
            text.push_str(&format!("  {arm}\n"));
        }
    }
    if let Some(rest) = rest {
        text.push_str(&format!("  the rest: {rest}\n"));
    }
    if !knobs.is_empty() {
        text.push_str("\nknobs\n");
    }
    for knob in knobs {
        knob.write(&mut text);
    }
    cites::write(&mut text, scenarios);
    text
}
