//! What scenarios may cite, and what it says: `scenarios/clauses.json`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// Every clause, fact, question and bug with an id.
///
/// ```
/// use asyncselect_scenario::clauses::{Clauses, Kind};
///
/// let (kind, entry) = Clauses::get().find("AS-CL-03").expect("it is a clause");
/// assert_eq!(kind, Kind::Clause);
/// assert!(entry.about.contains("FD_CLOSE"));
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clauses<'t> {
    #[expect(dead_code, reason = "read so that it must be there")]
    format: u32,
    #[serde(borrow)]
    clauses: Vec<Entry<'t>>,
    contradictions: Vec<Entry<'t>>,
    questions: Vec<Entry<'t>>,
    facts: Vec<Entry<'t>>,
    field_bugs: Vec<Entry<'t>>,
    divergences: Vec<Entry<'t>>,
    differences: Vec<Entry<'t>>,
    disputed: Vec<Entry<'t>>,
}

/// Something that has an id.
///
/// Its texts are parts of the file's: nothing of it is copied when a command starts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry<'t> {
    /// `AS-…`, `W-…` and so on.
    pub id: &'t str,
    /// How binding it is; clauses have a level, nothing else has.
    pub level: Option<Level>,
    /// What it says, in our own words.
    pub about: &'t str,
    /// Where that comes from.
    pub source: Option<&'t str>,
    /// What holds a clause fast, if it is not an arm of its own, or a knob of what is left open.
    #[serde(borrow)]
    pub proof: Option<Proof<'t>>,
    /// What of a clause its arm does not break, and what holds that; a sentence.
    pub rest: Option<&'t str>,
}

/// What holds a clause fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof<'t> {
    /// The arm of another clause, which says the same in other words.
    Arm(&'t str),
    /// A unit test by its file in `crates` and its name: `asyncselect-abi/src/event.rs: masks`.
    Test(&'t str),
    /// Nothing, for this reason: one sentence.
    Out(&'t str),
}

/// What an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `AS-…`: a clause of the public documentation.
    Clause,
    /// `X-…`: two of its statements disagree.
    Contradiction,
    /// `OQ-…`: it leaves something open.
    Question,
    /// `W-…`: what suites of others observed on Windows.
    Fact,
    /// `FB-…`: what users of AsyncSelect ran into.
    FieldBug,
    /// `C…`: Wine is known to differ from Windows.
    Divergence,
    /// `D-…`: the pages of the API and the SPI differ.
    Difference,
    /// `D1` and so on: sources disagree on what Windows does.
    Disputed,
}

impl Kind {
    /// The kind in words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Clause => "clause of the public documentation",
            Self::Contradiction => "contradiction in the documentation",
            Self::Question => "question that the documentation leaves open",
            Self::Fact => "fact that others observed on Windows",
            Self::FieldBug => "bug that users met",
            Self::Divergence => "known difference between Windows and Wine",
            Self::Difference => "difference between the pages of API and SPI",
            Self::Disputed => "disputed point",
        }
    }
}

/// How binding a clause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Stated as required or as fact.
    Must,
    /// Optional or left open.
    May,
    /// Two statements disagree.
    Ambiguous,
}

impl Level {
    /// The level in words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::May => "may",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl Clauses<'static> {
    /// The list that this version was built with.
    #[must_use]
    pub fn get() -> &'static Self {
        static CLAUSES: LazyLock<Clauses<'static>> = LazyLock::new(|| {
            let text = include_str!("../../../scenarios/clauses.json");
            serde_json::from_str(text).expect("the list of clauses was checked by a test")
        });
        &CLAUSES
    }

    /// The lists by kind, each sorted by the ids.
    #[must_use]
    pub fn lists(&self) -> [(Kind, &[Entry<'static>]); 8] {
        [
            (Kind::Clause, &self.clauses),
            (Kind::Contradiction, &self.contradictions),
            (Kind::Question, &self.questions),
            (Kind::Fact, &self.facts),
            (Kind::FieldBug, &self.field_bugs),
            (Kind::Divergence, &self.divergences),
            (Kind::Difference, &self.differences),
            (Kind::Disputed, &self.disputed),
        ]
    }

    /// Every id, of whatever kind.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> {
        self.lists().into_iter().flat_map(|(_, entries)| entries.iter().map(|entry| entry.id))
    }

    /// What an id stands for.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<(Kind, &Entry<'static>)> {
        self.lists().into_iter().find_map(|(kind, entries)| {
            entries.iter().find(|entry| entry.id == id).map(|entry| (kind, entry))
        })
    }

    /// Whether an id exists.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    /// Whether an id is an observed fact's.
    #[must_use]
    pub fn has_fact(&self, id: &str) -> bool {
        self.facts.iter().any(|other| other.id == id)
    }
}
