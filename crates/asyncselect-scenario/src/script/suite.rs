//! A suite: a situation, an alphabet of steps, and how many of them in a row.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use asyncselect_abi::Family;
use asyncselect_abi::call::Repeat;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::check::{Checked, Checker};
use super::{CallOp, Op, PumpOp, Script, id_of, lists};
use crate::script_file::{FORMAT, ScriptFile, Setup, Step, message_mode};
use crate::source::{JsonPath, Source, SourceError};

/// The names of sockets that a suite may have.
pub const SUITE_SOCKETS_MAX: usize = 12;

/// The names of windows that a suite may have.
pub const SUITE_WINDOWS_MAX: usize = 4;

/// The letters of an alphabet.
pub const LETTERS_MAX: usize = 64;

/// A suite just as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a suite, which is an object")]
pub struct SuiteFile {
    /// Where editors find the schema; not looked at.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// The format of the file, 1.
    #[schemars(extend("const" = 1))]
    pub format: u32,
    /// One line: the situation and what varies.
    pub title: String,
    /// The clauses that it is about.
    #[schemars(length(min = 1))]
    pub clauses: Vec<String>,
    /// Why the suite is as it is, for readers.
    pub note: Option<String>,
    /// What exists at the start.
    #[serde(default)]
    pub setup: Setup,
    /// What happens before, as in a scenario.
    #[serde(default)]
    pub before: Vec<Step>,
    /// What may happen, in any order: calls, and retrievals of one message.
    #[schemars(length(min = 1, max = 64))]
    pub alphabet: Vec<Step>,
    /// How many letters in a row, if nobody says otherwise.
    #[schemars(range(min = 1))]
    pub length: u32,
}

/// The steps and the setup as text, to write scenarios with.
#[derive(Deserialize)]
struct Texts<'a> {
    #[serde(borrow)]
    setup: Option<&'a RawValue>,
    #[serde(borrow, default)]
    before: Vec<&'a RawValue>,
    #[serde(borrow)]
    alphabet: Vec<&'a RawValue>,
}

/// A suite that is ready to be explored.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The situation: its steps are what happens before.
    pub start: Script,
    /// The letters.
    pub alphabet: Vec<Letter>,
    /// How many in a row, if nobody says otherwise.
    pub length: u32,
    /// `setup` as it is written.
    pub(crate) setup_text: String,
    /// The steps before as they are written.
    pub(crate) before_texts: Vec<String>,
}

/// One letter of an alphabet.
#[derive(Clone, Debug)]
pub struct Letter {
    /// What it does.
    pub act: Act,
    /// The step as it is written.
    pub text: String,
}

/// What a letter does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Makes a call.
    Call(CallOp),
    /// Retrieves one message.
    Retrieve(asyncselect_abi::ThreadId, PumpOp),
}

/// Whether a file is a suite: it has an alphabet. What is no JSON is no suite.
#[must_use]
pub fn is_suite(source: &Source) -> bool {
    // No struct: a list would do for one.
    let fields = source.parse::<BTreeMap<Cow<'_, str>, IgnoredAny>>();
    fields.is_ok_and(|fields| fields.contains_key("alphabet"))
}

/// What is wrong with a scenario that is a suite.
pub(super) fn instead(source: &Source, error: SourceError) -> SourceError {
    if !is_suite(source) {
        return error;
    }
    let help = format!("`asyncselect explore {}` takes it", source.path.display());
    let at = JsonPath::default().key("alphabet");
    source.error(&at, "`alphabet` makes this a suite, not a scenario".to_owned(), Some(help))
}

impl Suite {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// With the place and a suggestion.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        Self::check(Source::read(path)?)
    }

    /// Checks a file that was read.
    ///
    /// # Errors
    ///
    /// With the place and a suggestion.
    pub fn check(source: Source) -> Result<Self, SourceError> {
        let file: SuiteFile = source.parse().map_err(|error| lists::instead(&source, error))?;
        lists::refuse_stray_lists(&source)?;
        let texts: Texts<'_> = source.parse()?;
        let setup_text = texts.setup.map_or_else(|| "{}".to_owned(), |text| text.get().to_owned());
        let text_of = |text: &&RawValue| text.get().to_owned();
        let before_texts = texts.before.iter().map(text_of).collect();
        let letter_texts: Vec<String> = texts.alphabet.iter().map(text_of).collect();
        let mut checker = Checker::new(&source);
        let acts = checker.suite(&file)?;
        let alphabet =
            acts.into_iter().zip(letter_texts).map(|(act, text)| Letter { act, text }).collect();
        let Checker {
            sockets,
            windows,
            events,
            threads,
            hosts,
            machines,
            apart,
            literals,
            setup,
            ops,
            refusing,
            ..
        } = checker;
        let (hosts, processes) = apart.of_threads(&machines, hosts);
        let start = Script {
            id: id_of(&source.path),
            title: file.title,
            clauses: file.clauses,
            fact: None,
            family: Family::default(),
            needs: Vec::new(),
            sockets: sockets.names,
            windows: windows.names,
            events: events.names,
            threads,
            hosts,
            processes,
            machines,
            literals,
            setup,
            steps: ops,
            choices: Vec::new(),
            guarded: Vec::new(),
            refusing,
            event_mode: None,
            twin: None,
            source,
        };
        Ok(Self { start, alphabet, length: file.length, setup_text, before_texts })
    }

    /// The same suite for runs of an address family.
    #[must_use]
    pub fn on(mut self, family: Family) -> Self {
        self.start = self.start.on(family);
        self
    }
}

impl Checker<'_> {
    fn suite(&mut self, file: &SuiteFile) -> Checked<Vec<Act>> {
        let top = JsonPath::default;
        if file.format != FORMAT {
            let message = format!("format {}; this version reads format {FORMAT}", file.format);
            return Err(self.wrong(&top().key("format"), message));
        }
        let as_scenario = ScriptFile {
            schema: None,
            format: file.format,
            title: file.title.clone(),
            clauses: file.clauses.clone(),
            fact: None,
            holds_on: None,
            source: None,
            note: None,
            needs: Vec::new(),
            choose: Vec::new(),
            modes: message_mode(),
            setup: file.setup.clone(),
            // Which threads do something.
            steps: file.before.iter().chain(&file.alphabet).cloned().collect(),
            handlers: None,
        };
        self.cited(&as_scenario)?;
        self.set_up(&as_scenario)?;
        for (index, step) in file.before.iter().enumerate() {
            let op = self.step(step, &top().key("before").index(index))?;
            self.ops.push(op);
        }
        if file.alphabet.is_empty() || file.alphabet.len() > LETTERS_MAX {
            let message = format!("an alphabet has from 1 to {LETTERS_MAX} letters");
            return Err(self.wrong(&top().key("alphabet"), message));
        }
        if file.length == 0 {
            return Err(self.wrong(&top().key("length"), "at least one letter in a row"));
        }
        let letters = file.alphabet.iter().enumerate();
        let acts = letters
            .map(|(index, step)| self.letter(step, &top().key("alphabet").index(index)))
            .collect::<Checked<Vec<Act>>>()?;
        if self.sockets.names.len() > SUITE_SOCKETS_MAX {
            let message = format!("more than {SUITE_SOCKETS_MAX} sockets, hidden ones included");
            return Err(self.wrong(&top(), message));
        }
        if self.windows.names.len() > SUITE_WINDOWS_MAX {
            return Err(self.wrong(&top(), format!("more than {SUITE_WINDOWS_MAX} windows")));
        }
        if !self.events.names.is_empty() {
            return Err(self.wrong(&top(), "a suite has no event objects"));
        }
        Ok(acts)
    }

    fn letter(&mut self, step: &Step, at: &JsonPath) -> Checked<Act> {
        let fields = [
            ("expect", step.expect.is_some()),
            ("settle", step.settle.is_some()),
            ("begin", step.begin.is_some()),
            ("times", step.times.is_some()),
            ("repeat_until", step.repeat_until.is_some()),
        ];
        if let Some((field, _)) = fields.into_iter().find(|(_, given)| *given) {
            let message = format!("`{field}` means nothing in a letter");
            return Err(self.wrong(&at.clone().key(field), message));
        }
        match self.step(step, at)? {
            Op::Call(op) => {
                assert!(op.repeat == Repeat::ONCE, "refused above");
                Ok(Act::Call(op))
            }
            Op::Pump { thread, pump } if pump.count == 1 => Ok(Act::Retrieve(thread, pump)),
            Op::Pump { .. } => {
                let message = "a letter retrieves one message: `\"count\": 1`";
                Err(self.wrong(&at.clone().key("pump"), message))
            }
            Op::End { .. }
            | Op::Blocked { .. }
            | Op::Claim(_)
            | Op::Settle
            | Op::Fault(_)
            | Op::Advance(_)
            | Op::Happen(_)
            | Op::NotModelled(_) => Err(self.wrong(at, "a letter is a call, or a `pump` of one")),
        }
    }
}
