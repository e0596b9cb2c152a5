//! Where a rule stands in the model.

use asyncselect_model::Rule;
use serde::Serialize;

/// The model's sources, by their paths in the repository.
const SOURCES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/model_sources.rs"));

/// A line of the model that rests on an id.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Arm {
    file: &'static str,
    line: usize,
    text: &'static str,
}

impl std::fmt::Display for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, line, text } = self;
        write!(f, "{file}:{line}: {text}")
    }
}

/// How near a mention is to what the model does, nearest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// A comment within a function, or a line that puts the rule into an effect.
    Arm,
    /// The documentation of a type, a function or a knob.
    Described,
    /// The table of rules.
    Listed,
}

/// The lines of the model that rest on an id: the arms, where there are none the next best.
pub(crate) fn arms(id: &str) -> Vec<Arm> {
    let rule = Rule::ALL.iter().find(|rule| rule.id() == id);
    let effect = rule.map(|rule| format!("Rule::{rule:?}"));
    let mut found: Vec<(Nearness, Arm)> = Vec::new();
    for (file, source) in SOURCES {
        // Tests come last in a file and cite what they test.
        let tested = source.find("#[cfg(test)]").unwrap_or(source.len());
        for (index, text) in source[..tested].lines().enumerate() {
            let (text, line) = (text.trim(), index + 1);
            let Some(nearness) = nearness(text, id, effect.as_deref()) else { continue };
            // An effect right below its comment says nothing new.
            let said = found.last().is_some_and(|(near, arm)| {
                *near == Nearness::Arm && arm.file == *file && line - arm.line <= 6
            });
            if !said || text.starts_with("//") {
                found.push((nearness, Arm { file, line, text }));
            }
        }
    }
    let best = found.iter().map(|(nearness, _)| *nearness).min();
    found.into_iter().filter(|(nearness, _)| Some(*nearness) == best).map(|(_, arm)| arm).collect()
}

fn nearness(text: &str, id: &str, effect: Option<&str>) -> Option<Nearness> {
    if text.starts_with("//!") || !mentions(text, id) {
        let has_effect = effect.is_some_and(|effect| mentions(text, effect));
        return (has_effect && !text.starts_with("//")).then_some(Nearness::Arm);
    }
    Some(if text.starts_with("///") {
        Nearness::Described
    } else if text.starts_with("//") {
        Nearness::Arm
    } else {
        Nearness::Listed
    })
}

/// Whether a text has an id or a name, and not merely a longer one.
pub(crate) fn mentions(text: &str, id: &str) -> bool {
    text.match_indices(id).any(|(start, _)| {
        let goes_on = |c: char| c.is_ascii_alphanumeric();
        let before = text[..start].chars().next_back();
        let after = text[start + id.len()..].chars().next();
        !before.is_some_and(|c| goes_on(c) || c == '-') && !after.is_some_and(goes_on)
    })
}
