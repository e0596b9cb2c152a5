//! What a command leaves: text, complaints, and an exit code.

use std::path::PathBuf;

use crate::Modes;
use asyncselect_model::Profile;
use asyncselect_scenario::corpus;
use asyncselect_scenario::profile_file;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::source::SourceError;
use rayon::prelude::*;
use serde::Serialize;

/// The exit codes of the command, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything conforms.
    Conforms,
    /// Something is not modelled.
    NotModelled,
    /// There are findings.
    Findings,
    /// A backend is not available.
    Unavailable,
    /// A bad script, or bad usage.
    BadScript,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Conforms => 0,
            Self::Findings => 1,
            Self::BadScript => 2,
            Self::NotModelled => 3,
            Self::Unavailable => 4,
        }
    }
}

/// What a command leaves.
#[derive(Debug)]
pub(crate) struct Output {
    /// For standard output.
    pub(crate) text: String,
    /// For standard error.
    pub(crate) errors: String,
    /// How it ends.
    pub(crate) exit: Exit,
}

impl Output {
    pub(crate) fn text(text: String) -> Self {
        Self { text, errors: String::new(), exit: Exit::Conforms }
    }

    pub(crate) fn json(value: &impl Serialize, exit: Exit) -> Self {
        let mut text = serde_json::to_string_pretty(value).expect("results are plain data");
        text.push('\n');
        Self { text, errors: String::new(), exit }
    }

    /// A file that is not as it should be.
    pub(crate) fn bad_source(error: &SourceError) -> Self {
        Self::error(error.styled(), Exit::BadScript)
    }

    /// Adds what is wrong with scripts.
    pub(crate) fn with(mut self, errors: &[SourceError]) -> Self {
        for error in errors {
            self.errors.push_str(&format!("{}\n\n", error.styled()));
        }
        self
    }

    pub(crate) fn error(error: impl std::fmt::Display, exit: Exit) -> Self {
        Self { text: String::new(), errors: format!("{error}\n"), exit }
    }
}

/// The profiles of these names; all built-in ones if there is none.
pub(crate) fn profiles(names: &[String]) -> Result<Vec<Profile>, Output> {
    if names.is_empty() {
        return Ok(Profile::built_in());
    }
    let loaded = names.iter().map(|name| profile_file::load(name));
    loaded.collect::<Result<_, _>>().map_err(|error| Output::bad_source(&error))
}

/// The scripts that could be read, and what is wrong with the others.
pub(crate) struct Scripts {
    pub(crate) scripts: Vec<Script>,
    pub(crate) errors: Vec<SourceError>,
}

/// Reads every scenario under the paths.
pub(crate) fn read(paths: &[PathBuf]) -> Scripts {
    let files = match corpus::find(paths) {
        Ok(files) => files,
        Err(error) => return Scripts { scripts: Vec::new(), errors: vec![error] },
    };
    // In the order of the files, whichever is read first.
    let read: Vec<_> = files.par_iter().map(|file| Script::read(file)).collect();
    let (mut scripts, mut errors) = (Vec::new(), Vec::new());
    for read in read {
        match read {
            Ok(script) => scripts.push(script),
            Err(error) => errors.push(error),
        }
    }
    Scripts { scripts, errors }
}

/// The same in the modes that are asked for; in event mode there are those that opt in.
pub(crate) fn read_in(paths: &[PathBuf], modes: Modes) -> Scripts {
    let Scripts { scripts, errors } = read(paths);
    let in_modes = |mut script: Script| {
        let twin = script.twin.take().map(|twin| *twin);
        match modes {
            Modes::Message => [Some(script), None],
            Modes::Event => [None, twin],
            Modes::Both => [Some(script), twin],
        }
    };
    Scripts { scripts: scripts.into_iter().flat_map(in_modes).flatten().collect(), errors }
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `file:line`, for a place in a script.
pub(crate) fn place_text(script: &Script, place: asyncselect_scenario::runner::Place) -> String {
    use asyncselect_scenario::runner::Place;
    let path = script.path().display();
    match place {
        Place::Setup | Place::End => format!("{path}: {place}"),
        Place::Step(index) => {
            let line = script.line_of(index).unwrap_or(1);
            format!("{path}:{line}: {place}")
        }
    }
}
