//! The ids that scenarios may cite: `scenarios/clauses.json`.

use std::sync::LazyLock;

use serde::Deserialize;

/// Every id of the clause list, the observed facts and the field bugs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clauses {
    #[expect(dead_code, reason = "read so that it must be there")]
    format: u32,
    /// The clauses of the public documentation.
    pub clauses: Vec<Clause>,
    contradictions: Vec<String>,
    questions: Vec<String>,
    facts: Vec<String>,
    field_bugs: Vec<String>,
    divergences: Vec<String>,
    differences: Vec<String>,
    disputed: Vec<String>,
}

/// One clause.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// `AS-…`.
    pub id: String,
    /// How binding it is.
    pub level: Level,
}

/// How binding a clause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Stated as required or as fact.
    Must,
    /// Optional or left open.
    May,
    /// Two statements disagree.
    Ambiguous,
}

impl Clauses {
    /// The list that this version was built with.
    #[must_use]
    pub fn get() -> &'static Self {
        static CLAUSES: LazyLock<Clauses> = LazyLock::new(|| {
            let text = include_str!("../../../scenarios/clauses.json");
            serde_json::from_str(text).expect("the list of clauses was checked by a test")
        });
        &CLAUSES
    }

    /// Every id, of whatever kind.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let clauses = self.clauses.iter().map(|clause| clause.id.as_str());
        let others = [
            &self.contradictions,
            &self.questions,
            &self.facts,
            &self.field_bugs,
            &self.divergences,
            &self.differences,
            &self.disputed,
        ];
        clauses.chain(others.into_iter().flatten().map(String::as_str))
    }

    /// Whether an id exists.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.ids().any(|other| other == id)
    }

    /// Whether an id is an observed fact's.
    #[must_use]
    pub fn has_fact(&self, id: &str) -> bool {
        self.facts.iter().any(|other| other == id)
    }
}
