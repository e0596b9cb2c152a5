//! Which scenarios cite an id or a knob.

use std::path::Path;

use asyncselect_model::KnobId;
use asyncselect_scenario::script::{Cases, Op, Script};
use serde::Serialize;

use super::arms::mentions;
use crate::outcome::read;

/// A scenario, and how it cites what is asked for.
#[derive(Debug, Serialize)]
pub(crate) struct Citing<'c> {
    pub(crate) scenario: &'c str,
    title: &'c str,
    /// What it does with it, if it does more than cite it.
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<String>,
}

/// The corpus, or why there is none.
pub(crate) struct Corpus(Result<Vec<Script>, String>);

impl Corpus {
    pub(crate) fn read(folder: &Path) -> Self {
        if !folder.is_dir() {
            let folder = folder.display();
            let why =
                format!("no folder `{folder}` here; `--scenarios FOLDER` says where they are");
            return Self(Err(why));
        }
        Self(Ok(read(&[folder.to_owned()]).scripts))
    }

    /// The scenarios that rest on an id.
    pub(crate) fn citing<'c>(&'c self, id: &str) -> Result<Vec<Citing<'c>>, &'c str> {
        Ok(citing(self.0.as_ref().map_err(String::as_str)?, id))
    }

    /// The scenarios whose expectations depend on a knob, and the alternatives that they name.
    pub(crate) fn depending(&self, knob: KnobId) -> Result<Vec<Citing<'_>>, &str> {
        let scripts = self.0.as_ref().map_err(String::as_str)?;
        let depends = |script: &Script| {
            let conditions = cases(script).flat_map(|(conditions, _)| conditions);
            let mut values: Vec<u8> =
                conditions.filter(|(other, _)| *other == knob).map(|(_, value)| *value).collect();
            values.sort_unstable();
            values.dedup();
            let names: Vec<&str> =
                values.iter().map(|value| knob.values()[usize::from(*value)]).collect();
            (!names.is_empty()).then(|| Some(format!("when it is {}", names.join(" or "))))
        };
        Ok(filter(scripts, depends))
    }
}

/// The scenarios that rest on an id.
pub(crate) fn citing<'c>(scripts: &'c [Script], id: &str) -> Vec<Citing<'c>> {
    filter(scripts, |script| {
        let in_evidence = cases(script).any(|(_, sources)| mentions(sources, id));
        if pins(script, id) {
            Some(Some("pins it".to_owned()))
        } else if script.clauses.iter().any(|clause| clause == id) {
            Some(None)
        } else if in_evidence {
            Some(Some("as evidence in a `when`".to_owned()))
        } else {
            None
        }
    })
}

/// Whether a scenario is there to pin a fact.
pub(crate) fn pins(script: &Script, fact: &str) -> bool {
    script.fact.as_ref().is_some_and(|(pinned, _)| pinned == fact)
}

fn filter(
    scripts: &[Script],
    cites: impl Fn(&Script) -> Option<Option<String>>,
) -> Vec<Citing<'_>> {
    let citing = scripts.iter().filter_map(|script| {
        let (scenario, title) = (script.id.as_str(), script.title.as_str());
        cites(script).map(|how| Citing { scenario, title, how })
    });
    citing.collect()
}

/// The conditions and sources of every `when` in a script.
fn cases(script: &Script) -> impl Iterator<Item = (&[(KnobId, u8)], &str)> {
    fn of<T>(cases: &Cases<T>) -> Vec<(&[(KnobId, u8)], &str)> {
        cases.when.iter().map(|case| (&case.conditions[..], &case.sources[..])).collect()
    }
    script.steps.iter().flat_map(|op| match op {
        Op::Call(op) => of(&op.expect),
        Op::End { expect, .. } => of(expect),
        Op::Claim(claim) => of(claim),
        Op::Blocked { .. }
        | Op::Pump { .. }
        | Op::Settle
        | Op::Fault(_)
        | Op::Advance(_)
        | Op::Happen(_)
        | Op::NotModelled(_) => Vec::new(),
    })
}

/// Adds the scenarios to a text, or why they are not known.
pub(crate) fn write(text: &mut String, scenarios: &Result<Vec<Citing<'_>>, &str>) {
    match scenarios {
        Err(why) => text.push_str(&format!("\nscenarios: {why}\n")),
        Ok(citing) if citing.is_empty() => text.push_str("\nscenarios: none\n"),
        Ok(citing) => {
            text.push_str("\nscenarios\n");
            for Citing { scenario, title, how } in citing {
                let how = how.as_ref().map(|how| format!(" ({how})")).unwrap_or_default();
                text.push_str(&format!("  {scenario}{how}\n    {title}\n"));
            }
        }
    }
}
