//! `asyncselect explore`: everything that can happen.

use std::path::PathBuf;

use asyncselect_scenario::script::suite::is_suite;
use asyncselect_scenario::source::Source;

use crate::Format;
use crate::outcome::{Exit, Output};

mod script;
mod suite;

/// What is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Question {
    /// A scenario, or a suite as in `scenarios/bounded`.
    path: PathBuf,
    /// A built-in profile by name, or a profile file. May be given several times.
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Leaves the order open after every call of a scenario, not only where it says so.
    #[arg(long)]
    free: bool,
    /// Takes every alternative of the knobs that a profile leaves open, as scenarios always do; a
    /// suite takes the first one else.
    #[arg(long)]
    every_choice: bool,
    /// So many steps in a row at most; of a suite so many letters, instead of what it says.
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// Ends with a part at about so many states of a profile.
    #[arg(long, value_name = "N")]
    states: Option<usize>,
    /// On so many threads; what is found does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Writes a scenario for everything that was found into this folder; of a suite for every
    /// property that is violated, or known to be.
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
}

impl Question {
    fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(all, usize::from)
    }
}

pub(crate) fn explore(question: &Question) -> Output {
    let source = match Source::read(&question.path) {
        Ok(source) => source,
        Err(error) => return Output::bad_source(&error),
    };
    if !is_suite(&source) {
        return script::explore(question);
    }
    if question.free {
        let path = question.path.display();
        let error = format!("{path}: a suite; its orders are all open, without `--free`");
        return Output::error(error, Exit::BadScript);
    }
    suite::explore(question, source)
}
