//! The points at which two profiles part, a knob each: the differences of a whole corpus in short.

use std::collections::BTreeMap;
use std::fmt::Write;

use asyncselect_model::KnobId;
use asyncselect_model::profile::Setting;
use asyncselect_scenario::diff::Explanation;
use serde::Serialize;

use super::explanation_text;

/// A knob that explains differences.
pub(super) struct Point<'d> {
    explanation: &'d Explanation,
    /// How many scenarios differ there.
    scenarios: usize,
}

/// A point for machines.
#[derive(Debug, Serialize)]
pub(super) struct Row<'d> {
    knob: &'static str,
    about: &'static str,
    left: Side<'d>,
    right: Side<'d>,
    ids: &'static [&'static str],
    scenarios: usize,
}

#[derive(Debug, Serialize)]
struct Side<'d> {
    /// The alternative; none if the profile leaves it open.
    value: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'d str>,
}

/// The points that explain the differences, in the order of the knobs.
pub(super) fn points<'d>(explanations: impl Iterator<Item = &'d Explanation>) -> Vec<Point<'d>> {
    let mut points: BTreeMap<KnobId, Point<'_>> = BTreeMap::new();
    for explanation in explanations {
        let point = points.entry(explanation.knob).or_insert(Point { explanation, scenarios: 0 });
        point.scenarios += 1;
    }
    points.into_values().collect()
}

/// The points as people read them, each with the ids that meet there.
pub(super) fn text(points: &[Point<'_>]) -> String {
    let mut text = String::new();
    if !points.is_empty() {
        text.push_str("\npoints at which they part\n");
    }
    for Point { explanation, scenarios } in points {
        let count = if *scenarios == 1 { "scenario" } else { "scenarios" };
        let ids = explanation.knob.ids().join(", ");
        writeln!(text, "  {}: {scenarios} {count}", explanation_text(explanation))
            .expect("a String can be written");
        writeln!(text, "    {ids}").expect("a String can be written");
    }
    text
}

/// The points as a table for a document.
pub(super) fn markdown(left: &str, right: &str, points: &[Point<'_>]) -> String {
    let mut text = format!("| point | {left} | {right} | how we know | source | scenarios |\n");
    text.push_str("|---|---|---|---|---|---|\n");
    for Point { explanation, scenarios } in points {
        let Explanation { knob, left: (_, left), right: (_, right) } = explanation;
        let about = knob.about().trim_end_matches('.');
        let cell = |of: fn(&Setting) -> String| {
            let (left, right) = (of(left), of(right));
            if left == right { left } else { format!("{left} / {right}") }
        };
        let evidence = cell(|setting| match setting.value {
            Some(_) => setting.evidence.to_string(),
            None => "open".to_owned(),
        });
        let source = cell(|setting| match setting.value {
            Some(_) => setting.source.to_string(),
            None => "-".to_owned(),
        });
        let value = |setting: &Setting| match setting.value {
            Some(value) => format!("`{}`", knob.values()[usize::from(value)]),
            None => "any".to_owned(),
        };
        let (left, right) = (value(left), value(right));
        let row = [format!("{about} (`{knob}`)"), left, right, evidence, source];
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        writeln!(text, "| {} | {scenarios} |", cells.join(" | ")).expect("a String can be written");
    }
    text
}

/// The points for machines.
pub(super) fn rows<'d>(points: &[Point<'d>]) -> Vec<Row<'d>> {
    let side = |knob: KnobId, setting: &'d Setting| {
        let value = setting.value.map(|value| knob.values()[usize::from(value)]);
        Side {
            value,
            evidence: value.map(|_| setting.evidence.as_str()),
            source: value.map(|_| &*setting.source),
        }
    };
    let row = |Point { explanation, scenarios }: &Point<'d>| {
        let explanation: &'d Explanation = explanation;
        let knob = explanation.knob;
        Row {
            knob: knob.name(),
            about: knob.about(),
            left: side(knob, &explanation.left.1),
            right: side(knob, &explanation.right.1),
            ids: knob.ids(),
            scenarios: *scenarios,
        }
    };
    points.iter().map(row).collect()
}
