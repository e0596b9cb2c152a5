//! `asyncselect explore`: everything that can happen.

use std::path::{Path, PathBuf};
use std::time::Instant;

use asyncselect_abi::Family;
use asyncselect_scenario::explore::search::Explored;
use asyncselect_scenario::runner::Ending;
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
    /// A built-in profile by name, or a profile file, as often as wanted; without, all built-in
    /// ones.
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    /// The address family of the runs, `ipv4` or `ipv6`.
    #[arg(long, default_value_t)]
    family: Family,
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
    /// Ends with a part at about so many states of a profile; unless told, of a suite at 200
    /// million.
    #[arg(long, value_name = "N")]
    states: Option<usize>,
    /// On so many threads, by default as many as there are processors; what is found does not
    /// depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Writes a scenario for every outcome, and for every property that is violated or known to be,
    /// into this folder.
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

/// How fast it went: nothing that should stand between results, which are always the same.
fn rate<C>(question: &Question, profile: &str, explored: &Explored<C>, begin: Instant) -> String {
    let seconds = begin.elapsed().as_secs_f64().max(1e-9);
    format!(
        "{profile}: {seconds:.1} s on {} threads, {:.0} states/s, {:.0} transitions/s\n",
        question.threads(),
        explored.states() as f64 / seconds,
        explored.transitions as f64 / seconds,
    )
}

/// Writes a scenario that was found.
fn write(folder: &Path, name: &str, scenario: &str) -> Result<PathBuf, Output> {
    let path = folder.join(format!("{name}.json"));
    match std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, scenario)) {
        Ok(()) => Ok(path),
        Err(error) => Err(Output::error(format!("{}: {error}", path.display()), Exit::BadScript)),
    }
}

/// A sentence as the name of a file.
fn file_name(sentence: &str) -> String {
    let words =
        sentence.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

fn ending_text(ending: &Ending) -> String {
    match ending {
        Ending::Completed => "it ended".to_owned(),
        Ending::Blocked(place) => format!("{place}: the call never returns"),
        Ending::NotSetUp(why) => format!("not set up: {why}"),
        Ending::NotRunnable(need) => format!("it needs `{}`", need.as_str()),
        Ending::Failed(place, error) => format!("{place}: {error}"),
    }
}

fn no_start(path: &Path, profile: &str, ending: &Ending) -> Output {
    let (path, why) = (path.display(), ending_text(ending));
    Output::error(format!("{path}: no start on {profile}: {why}"), Exit::BadScript)
}
