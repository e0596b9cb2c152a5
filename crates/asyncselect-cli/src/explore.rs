//! `asyncselect explore`: everything that can happen.

use std::path::PathBuf;

use crate::Format;
use crate::outcome::Output;

mod script;

/// What is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Question {
    /// A scenario.
    path: PathBuf,
    /// A built-in profile by name, or a profile file. May be given several times.
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Leaves the order open after every call of a scenario, not only where it says so.
    #[arg(long)]
    free: bool,
    /// So many steps in a row at most.
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
    /// Writes a scenario for everything that was found into this folder.
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
    script::explore(question)
}
