//! `asyncselect coverage --open`: what clauses leave open, and which scenarios know its bounds.

use std::fmt::Write;

use asyncselect_scenario::leeway::{Bounds, Leeway, Way, leeway, open_clauses};
use asyncselect_scenario::script::Script;
use rayon::prelude::*;
use serde::Serialize;

use crate::Format;
use crate::outcome::{Exit, Output, counted};
use crate::style::{self, paint};

/// What knows the bounds of each clause.
#[derive(Serialize)]
struct Report<'s> {
    clauses: Vec<Leeway<'s>>,
    /// Those of which a bound is missing.
    open: Vec<&'static str>,
}

pub(super) fn coverage(scripts: &[Script], format: Format) -> Output {
    let all: Vec<_> = open_clauses().collect();
    let clauses: Vec<Leeway<'_>> =
        all.into_par_iter().map(|(entry, level)| leeway(entry, level, scripts)).collect();
    let open: Vec<_> = clauses.iter().filter(|one| one.is_open()).map(|one| one.id).collect();
    let exit = if open.is_empty() { Exit::Conforms } else { Exit::Findings };
    let report = Report { clauses, open };
    match format {
        Format::Text => Output { exit, ..Output::text(text(&report)) },
        Format::Json => Output::json(&report, exit),
    }
}

fn text(report: &Report<'_>) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    for Leeway { id, level, bounds } in &report.clauses {
        let head = format!("{id:10} {:9}", level.about());
        match bounds {
            Bounds::Knobs { ways } => {
                line(head.trim_end());
                ways.iter().for_each(|way| line(&of_way(way)));
            }
            Bounds::Orders { scenarios } => {
                line(&format!("{head} orders of arrivals: {}", scenarios.join(", ")));
            }
            Bounds::OneWay { arm } if arm == id => line(&format!("{head} one way, by its arm")),
            Bounds::OneWay { arm } => line(&format!("{head} one way, by the arm of {arm}")),
            Bounds::Out { why } => line(&format!("{head} not held: {why}")),
            Bounds::Nothing => {
                line(&format!("{head} {}", paint(style::BAD, "nothing knows its bounds")));
            }
        }
    }
    let (clauses, open) = (counted(report.clauses.len(), "clause"), report.open.len());
    write!(text, "\n{clauses} leave something open; a bound is missing of {open}\n")
        .expect("writing to a String succeeds");
    text
}

fn of_way(way: &Way<'_>) -> String {
    let Way { knob, value, reached_by, not_told_from, refused_by } = way;
    let mut text = format!("  {knob} = {value}: ");
    if reached_by.is_empty() {
        text.push_str(&paint(style::BAD, "not reached"));
    } else {
        text.push_str(&reached_by.join(", "));
    }
    if !not_told_from.is_empty() {
        let others = format!("; taken for {} it holds too", not_told_from.join(", "));
        text.push_str(&paint(style::BAD, &others));
    }
    match refused_by {
        Some(by) if reached_by.contains(by) => {}
        Some(by) => text.push_str(&format!("; what lies beside it is refused by {by}")),
        None => text.push_str(&paint(style::BAD, "; nothing refuses what lies beside it")),
    }
    text
}
