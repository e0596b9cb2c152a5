//! The facts that no scenario can pin, each with the reason: `scenarios/not-modelled.json`.
//!
//! A reason is as good as what it is about is out of reach: whoever uses the list looks whether an
//! entry has become wrong, and [`NotModelled::stale`] says so with its place.

use std::path::Path;

use serde::Deserialize;

use crate::clauses::{Clauses, Kind};
use crate::source::{JsonPath, Source, SourceError, nearest};

/// What cannot be modelled.
#[derive(Clone, Debug)]
pub struct NotModelled {
    source: Source,
    entries: Vec<Entry>,
}

/// A fact, or a known difference, and why there is nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `W-…` or `C…`.
    pub id: String,
    /// One sentence.
    pub why: String,
}

impl NotModelled {
    /// Reads the list.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is wrong, if it names what is no fact and no difference, or
    /// something twice, or gives no sentence.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        Self::check(Source::read(path)?)
    }

    /// Checks a list that was read.
    ///
    /// # Errors
    ///
    /// As above, but for reading.
    pub fn check(source: Source) -> Result<Self, SourceError> {
        let entries: Vec<Entry> = source.parse()?;
        for (index, Entry { id, why }) in entries.iter().enumerate() {
            let wrong = |key: &'static str, message: String, help| {
                let at = JsonPath::default().index(index).key(key);
                Err(source.error(&at, message, help))
            };
            match Clauses::get().find(id) {
                Some((Kind::Fact | Kind::Divergence, _)) => {}
                Some((kind, _)) => {
                    let message = format!("`{id}` is a {}, not a fact", kind.about());
                    return wrong("id", message, None);
                }
                None => {
                    let help = nearest(id, Clauses::get().ids());
                    return wrong("id", format!("unknown id `{id}`"), help);
                }
            }
            if entries[..index].iter().any(|other| other.id == *id) {
                return wrong("id", format!("`{id}` is listed twice"), None);
            }
            if !why.ends_with('.') || why.contains('\n') {
                return wrong("why", "a reason is a sentence, in one line".to_owned(), None);
            }
        }
        Ok(Self { source, entries })
    }

    /// The reason why there is nothing of a fact.
    #[must_use]
    pub fn why(&self, id: &str) -> Option<&str> {
        self.entries.iter().find(|entry| entry.id == id).map(|entry| entry.why.as_str())
    }

    /// The error of an entry that has become wrong, because of what there is now.
    #[must_use]
    pub fn stale(&self, id: &str, now: &str) -> SourceError {
        let index = self.entries.iter().position(|entry| entry.id == id);
        let at = JsonPath::default().index(index.unwrap_or_default()).key("id");
        let help = Some("the entry goes".to_owned());
        self.source.error(&at, format!("`{id}` can be modelled: {now}"), help)
    }
}
