//! Scenarios that fail alike whatever is broken, or never, each with the reason:
//! `scenarios/alike.json`.
//!
//! Two scenarios that notice the same may be one too many. Where they are not, the list says why;
//! whoever breaks things looks whether that has become wrong, and [`Alike::stale`] says so with its
//! place.

use std::path::Path;

use serde::Deserialize;

use crate::source::{JsonPath, Source, SourceError};

/// What is alike for a reason.
#[derive(Clone, Debug)]
pub struct Alike {
    source: Source,
    lists: Lists,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    /// Scenarios that fail alike.
    alike: Vec<Entry>,
    /// Scenarios that never fail.
    never: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    scenarios: Vec<String>,
    /// One sentence.
    why: String,
}

impl Alike {
    /// Reads the list.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is wrong, names a scenario twice, or gives no sentence.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let source = Source::read(path)?;
        let lists: Lists = source.parse()?;
        let mut named: Vec<&str> = Vec::new();
        for (list, entries, least, few) in [
            ("alike", &lists.alike, 2, "two scenarios or more belong here"),
            ("never", &lists.never, 1, "a scenario belongs here"),
        ] {
            for (index, Entry { scenarios, why }) in entries.iter().enumerate() {
                let at = JsonPath::default().key(list).index(index);
                if !why.ends_with('.') || why.contains('\n') {
                    let message = "a reason is a sentence, in one line".to_owned();
                    return Err(source.error(&at.key("why"), message, None));
                }
                let at = at.key("scenarios");
                if scenarios.len() < least {
                    return Err(source.error(&at, few.to_owned(), None));
                }
                for (index, scenario) in scenarios.iter().enumerate() {
                    if named.contains(&scenario.as_str()) {
                        let message = format!("`{scenario}` is listed twice");
                        return Err(source.error(&at.index(index), message, None));
                    }
                    named.push(scenario);
                }
            }
        }
        Ok(Self { source, lists })
    }

    /// The reason why all of these fail alike.
    #[must_use]
    pub fn why_alike(&self, scenarios: &[&str]) -> Option<&str> {
        let names = |entry: &&Entry| {
            let named = |scenario: &&str| entry.scenarios.iter().any(|name| name == scenario);
            scenarios.iter().all(named)
        };
        self.lists.alike.iter().find(names).map(|entry| entry.why.as_str())
    }

    /// The reason why a scenario never fails.
    #[must_use]
    pub fn why_never(&self, scenario: &str) -> Option<&str> {
        let names = |entry: &&Entry| entry.scenarios.iter().any(|name| name == scenario);
        self.lists.never.iter().find(names).map(|entry| entry.why.as_str())
    }

    /// The error of the first entry that has become wrong, given the scenarios that do fail alike,
    /// group by group, and those that never do.
    #[must_use]
    pub fn stale(&self, alike: &[&[&str]], never: &[&str]) -> Option<SourceError> {
        let alike = self.lists.alike.iter().enumerate().find_map(|(index, entry)| {
            let group = alike.iter().find(|group| group.contains(&entry.scenarios[0].as_str()));
            let with = |scenario: &str| group.is_some_and(|group| group.contains(&scenario));
            let other = entry.scenarios.iter().position(|scenario| !with(scenario))?;
            let message = format!("`{}` fails as no other of these does", entry.scenarios[other]);
            Some((("alike", index, other), message))
        });
        let never = || {
            self.lists.never.iter().enumerate().find_map(|(index, entry)| {
                let fails = |scenario: &String| !never.contains(&scenario.as_str());
                let other = entry.scenarios.iter().position(fails)?;
                let message =
                    format!("`{}` is no scenario that never fails", entry.scenarios[other]);
                Some((("never", index, other), message))
            })
        };
        let ((list, index, other), message) = alike.or_else(never)?;
        let at = JsonPath::default().key(list).index(index).key("scenarios").index(other);
        Some(self.source.error(&at, message, Some("it goes from the entry".to_owned())))
    }
}
