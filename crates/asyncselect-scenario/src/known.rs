//! The ledger of what a live stack may do otherwise than its profile says: `scenarios/known.json`.
//!
//! A difference that is not understood yet, or that no knob can describe, must not hide the next
//! one. It is listed with a reason and the fact behind it, for as long as it is seen: an entry that
//! does not come true any more fails the run that shows it.

use std::path::Path;

use asyncselect_abi::Family;
use serde::Deserialize;

use crate::clauses::Clauses;
use crate::source::{JsonPath, Source, SourceError, nearest};

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(Vec<Entry>);

/// A scenario on which a stack may differ.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `family/what-happens`.
    pub scenario: String,
    /// The profile with which the live stack is compared.
    pub stack: String,
    /// The address family on which it differs; on either if that is not said.
    #[serde(default)]
    pub family: Option<Family>,
    /// What it rests on: the id of a fact, a question, a disputed point.
    pub fact: String,
    /// Why it may differ.
    pub reason: String,
}

impl Entry {
    /// Whether it is about a run of this scenario on this family.
    #[must_use]
    pub fn is_about(&self, scenario: &str, family: Family) -> bool {
        self.scenario == scenario && self.family.is_none_or(|of| of == family)
    }
}

impl Known {
    /// Reads a ledger.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is wrong, or cites what does not exist.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        Self::check(&Source::read(path)?)
    }

    /// Checks a ledger that was read.
    ///
    /// # Errors
    ///
    /// If it is wrong, or cites what does not exist.
    pub fn check(source: &Source) -> Result<Self, SourceError> {
        let entries: Vec<Entry> = source.parse()?;
        for (index, entry) in entries.iter().enumerate() {
            let at = |key: &'static str| JsonPath::default().index(index).key(key);
            let Entry { scenario, stack, family, fact, reason } = entry;
            if !Clauses::get().has(fact) {
                let help = nearest(fact, Clauses::get().ids());
                return Err(source.error(&at("fact"), format!("unknown id `{fact}`"), help));
            }
            if reason.trim().is_empty() {
                return Err(source.error(&at("reason"), "no reason is given".to_owned(), None));
            }
            let same = |other: &Entry| {
                let families = [other.family, *family];
                let overlap = families.contains(&None) || families[0] == families[1];
                other.scenario == *scenario && other.stack == *stack && overlap
            };
            if entries[..index].iter().any(same) {
                let message = format!("`{scenario}` on `{stack}` is listed twice");
                return Err(source.error(&at("scenario"), message, None));
            }
        }
        Ok(Self(entries))
    }

    /// The entries for a stack.
    pub fn on<'k>(&'k self, stack: &'k str) -> impl Iterator<Item = &'k Entry> {
        self.0.iter().filter(move |entry| entry.stack == stack)
    }

    /// Whether a scenario may differ on a stack, and why.
    #[must_use]
    pub fn allows(&self, scenario: &str, family: Family, stack: &str) -> Option<&Entry> {
        self.0
            .iter()
            .filter(|entry| entry.stack == stack)
            .find(|entry| entry.is_about(scenario, family))
    }

    /// Every entry.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }
}
