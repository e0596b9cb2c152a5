//! `asyncselect diff`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anstyle::Style;
use asyncselect_abi::BackendError;
use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::adapter::Adapter;
use asyncselect_scenario::diff::{Difference, Explanation, compare, explain};
use asyncselect_scenario::known::{Entry, Known};
use asyncselect_scenario::profile_file;
use asyncselect_scenario::runner::Ending;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::{Run, run_on, simulate};
use asyncselect_scenario::source::SourceError;
use asyncselect_scenario::stack::Stack;
use clap::ValueEnum;

use crate::Modes;
use crate::families::Families;
use crate::junit;
use crate::outcome::{Exit, Output, Scripts, read_in};
use crate::progress::Progress;
use crate::style;

mod oracle;
mod points;
mod questions;
mod report;

pub(crate) use oracle::{CheckQuestion, check};

pub(crate) use report::explanation_text;

use oracle::Kept;

/// How one scenario came out.
enum Compared {
    /// Nothing differs.
    Equal,
    /// It differs, and knobs at which the stacks part explain it.
    Explained(Vec<Difference>, Vec<Explanation>),
    /// The live stack took alternatives that the profile leaves open.
    Open(Vec<(KnobId, u8)>),
    /// It differs, as the ledger says that it may.
    Known(Vec<Difference>, Entry),
    /// It differs, and should not.
    Unexplained(Vec<Difference>, Option<Vec<(KnobId, u8)>>),
    /// Too much could have happened to look at all of it; what was looked at is allowed.
    Undecided(String),
    /// The model does not describe something that the script does.
    NotModelled(String),
    /// It cannot be run there.
    NotRunnable(String),
    /// The stack did not answer.
    StackFailed(String),
}

/// How differences are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// JUnit XML, for machines that show tests: a case a scenario.
    Junit,
    /// A table of the points at which they part, for documents.
    Markdown,
}

/// What to compare, as the user put it.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("other side").args(["right", "adapter"]).required(true)))]
pub(crate) struct Question {
    /// Scenario files, or folders of them.
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// The profile on the left.
    #[arg(long, value_name = "PROFILE")]
    left: String,
    /// With --adapter, instead of comparing: what the live stack does at each point where others
    /// part.
    #[arg(long, requires = "adapter", conflicts_with = "right")]
    questions: bool,
    /// With --questions: writes the answers as a profile file.
    #[arg(long, value_name = "FILE", requires = "questions", conflicts_with = "right")]
    out: Option<PathBuf>,
    /// The profile on the right.
    #[arg(long, value_name = "PROFILE")]
    right: Option<String>,
    /// A live stack on the right instead: the command that starts its adapter.
    #[arg(long, value_name = "COMMAND")]
    adapter: Option<String>,
    /// By messages, by event objects where a file opts into that, or both.
    #[arg(long, value_enum, default_value_t = Modes::Message)]
    mode: Modes,
    /// With --adapter: how many work at the same time, each in a process of its own.
    #[arg(long, value_name = "N", default_value = "1", requires = "adapter")]
    jobs: NonZeroUsize,
    /// With --adapter: the ledger of scenarios on which the live stack may differ; `known.json`
    /// beside the scenarios, if there is one.
    #[arg(long, value_name = "FILE", conflicts_with = "right")]
    known: Option<PathBuf>,
    /// The address family of the runs.
    #[arg(long, value_enum, default_value_t = Families::Ipv4)]
    family: Families,
    /// How to print.
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    format: DiffFormat,
    /// Never shows how far a long run is.
    #[arg(long)]
    no_progress: bool,
}

/// Two stacks on the same scenarios.
struct Comparison {
    left: Profile,
    /// How the right one is called.
    right: String,
    scripts: Vec<Script>,
    /// For each script.
    compared: Vec<Compared>,
    /// Entries of the ledger that did not come true.
    stale: Vec<Entry>,
    /// How many states explained what a live stack showed; none if both are profiles.
    kept: Option<Kept>,
}

pub(crate) fn diff(question: &Question) -> Output {
    let Scripts { scripts, errors } = read_in(&question.paths, question.mode);
    if question.questions {
        return match ask(question, question.family.of(scripts)) {
            Ok(output) | Err(output) => output.with(&errors),
        };
    }
    match compare_all(question, question.family.of(scripts)) {
        Ok(comparison) => comparison.output(question.format, &errors),
        Err(output) => output,
    }
}

fn compare_all(question: &Question, scripts: Vec<Script>) -> Result<Comparison, Output> {
    let left = load(&question.left)?;
    let progress = Progress::new(!question.no_progress, scripts.len());
    match (&question.adapter, &question.right) {
        (Some(command), _) => {
            let known = ledger(question.known.as_deref(), &question.paths)?;
            let adapter = Adapter::start(command);
            let adapter = adapter.map_err(|error| Output::error(error, Exit::Unavailable))?;
            let label = adapter.label().to_owned();
            let work = |script: &Script, adapter: &mut Adapter| {
                oracle::judged(script, &left, &known, || run_on(script, adapter))
            };
            let more = question.jobs.get().min(scripts.len().max(1)) - 1;
            let order = longest_first(&scripts, &known, left.name());
            let judged = each_live((&scripts, &order), &progress, adapter, (command, more), work);
            Ok(oracle::comparison(left, label, scripts, judged, &known))
        }
        (None, Some(right)) => {
            let right = load(right)?;
            let compare = |script: &Script| profiles(script, &left, &right);
            let compared = each(&scripts, &progress, compare);
            let right = right.name().to_owned();
            Ok(Comparison { left, right, scripts, compared, stale: Vec::new(), kept: None })
        }
        (None, None) => unreachable!("clap requires one of them"),
    }
}

/// Runs all scenarios on a live stack, and reads its answers off what it shows.
fn ask(question: &Question, scripts: Vec<Script>) -> Result<Output, Output> {
    let left = load(&question.left)?;
    let command = question.adapter.as_deref().expect("clap requires it");
    let adapter = Adapter::start(command);
    let adapter = adapter.map_err(|error| Output::error(error, Exit::Unavailable))?;
    let label = adapter.label().to_owned();
    let progress = Progress::new(!question.no_progress, scripts.len());
    let more = question.jobs.get().min(scripts.len().max(1)) - 1;
    let known = ledger(question.known.as_deref(), &question.paths)?;
    let order = longest_first(&scripts, &known, left.name());
    let runs = each_live((&scripts, &order), &progress, adapter, (command, more), run_on);
    let out = question.out.as_deref();
    Ok(questions::asked(&label, &left, &scripts, runs, out, question.format))
}

fn load(profile: &str) -> Result<Profile, Output> {
    profile_file::load(profile).map_err(|error| Output::bad_source(&error))
}

impl Comparison {
    /// What is printed, with what is wrong with scripts, and how the command ends.
    fn output(&self, format: DiffFormat, errors: &[SourceError]) -> Output {
        let exit = if errors.is_empty() { self.exit() } else { Exit::BadScript };
        let output = match format {
            DiffFormat::Text => Output { exit, ..Output::text(report::text(self)) },
            DiffFormat::Json => Output::json(&report::json(self), exit),
            DiffFormat::Junit => {
                let text = junit::xml(vec![report::suite(self)], errors);
                Output { exit, ..Output::text(text) }
            }
            DiffFormat::Markdown => {
                let points = points::points(self.explanations());
                let text = points::markdown(self.left.name(), &self.right, &points);
                Output { exit, ..Output::text(text) }
            }
        };
        output.with(errors)
    }

    /// What stands on the left of a difference, and on the right.
    fn sides(&self) -> (&'static str, &'static str) {
        match self.kept {
            Some(_) => ("allowed", "came"),
            None => ("left", "right"),
        }
    }

    fn exit(&self) -> Exit {
        let worst = self.compared.iter().map(Compared::exit).max().unwrap_or(Exit::Conforms);
        // A comparison that compared nothing must not look like one that found nothing.
        let nothing = self.compared.iter().all(|one| matches!(one, Compared::NotRunnable(_)));
        let worst = if nothing { worst.max(Exit::Unavailable) } else { worst };
        if self.stale.is_empty() { worst } else { worst.max(Exit::Findings) }
    }

    fn each(&self) -> impl Iterator<Item = (&Script, &Compared)> {
        self.scripts.iter().zip(&self.compared)
    }

    /// What explains the differences of two profiles.
    fn explanations(&self) -> impl Iterator<Item = &Explanation> {
        self.compared.iter().flat_map(|compared| match compared {
            Compared::Explained(_, explanations) => explanations.as_slice(),
            Compared::Equal
            | Compared::Open(..)
            | Compared::Known(..)
            | Compared::Unexplained(..)
            | Compared::Undecided(_)
            | Compared::NotModelled(_)
            | Compared::NotRunnable(_)
            | Compared::StackFailed(_) => &[],
        })
    }
}

/// The ledger that the user named, or that lies beside the scenarios.
fn ledger(named: Option<&Path>, scenarios: &[PathBuf]) -> Result<Known, Output> {
    // A scenario lies two levels below it, a family one.
    let beside = || {
        scenarios.iter().find_map(|path| {
            let folders = path.ancestors().take(3).filter(|folder| !folder.as_os_str().is_empty());
            folders.map(|folder| folder.join("known.json")).find(|file| file.is_file())
        })
    };
    match named.map(Path::to_owned).or_else(beside) {
        Some(path) => Known::read(&path).map_err(|error| Output::bad_source(&error)),
        None => Ok(Known::default()),
    }
}

/// The entries of the ledger whose scenarios were run and did not differ.
fn stale(known: &Known, left: &Profile, scripts: &[Script], compared: &[Compared]) -> Vec<Entry> {
    let is_stale = |entry: &&Entry| {
        scripts.iter().zip(compared).any(|(script, compared)| {
            entry.is_about(&script.id, script.family)
                && matches!(compared, Compared::Equal | Compared::Open(..))
        })
    };
    known.on(left.name()).filter(is_stale).cloned().collect()
}

/// Compares each scenario, and shows how far that is.
fn each(
    scripts: &[Script],
    progress: &Progress,
    mut compare: impl FnMut(&Script) -> Compared,
) -> Vec<Compared> {
    let compare = |script: &Script| {
        progress.begin(&script.id);
        let compared = compare(script);
        progress.end();
        compared
    };
    scripts.iter().map(compare).collect()
}

/// Begins with those of the ledger: where a stack leaves a call waiting that should return, it is
/// waited for until patience ends, and the others can run in the meantime.
fn longest_first(scripts: &[Script], known: &Known, stack: &str) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scripts.len()).collect();
    let allows = |script: &Script| known.allows(&script.id, script.family, stack).is_some();
    order.sort_by_key(|index| !allows(&scripts[*index]));
    order
}

/// The same with several adapters, one that runs, and `more` that are started by their command;
/// what they do is done in this order.
fn each_live<T: Send>(
    (scripts, order): (&[Script], &[usize]),
    progress: &Progress,
    first: Adapter,
    (command, more): (&str, usize),
    run: impl Fn(&Script, &mut Adapter) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = |mut adapter: Adapter| {
        let mut done = Vec::new();
        loop {
            let next = next.fetch_add(1, Ordering::Relaxed);
            let Some(index) = order.get(next).copied() else { return done };
            let script = &scripts[index];
            progress.begin(&script.id);
            done.push((index, run(script, &mut adapter)));
            progress.end();
        }
    };
    let mut all = thread::scope(|scope| {
        let start = || scope.spawn(|| Adapter::start(command).map(&work));
        let others: Vec<_> = (0..more).map(|_| start()).collect();
        let mut all = work(first);
        for other in others {
            // If one cannot be started, the others do its part.
            all.extend(other.join().expect("it does not panic").unwrap_or_default());
        }
        all
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, compared)| compared).collect()
}

/// What the model lacks for a run.
fn not_modelled(run: &Run) -> Option<String> {
    match &run.ending {
        Ending::Failed(_, BackendError::NotModelled(what)) => Some(what.clone()),
        Ending::Failed(..)
        | Ending::Completed
        | Ending::Blocked(_)
        | Ending::NotSetUp(_)
        | Ending::NotRunnable(_) => None,
    }
}

fn profiles(script: &Script, left: &Profile, right: &Profile) -> Compared {
    let (on_left, on_right) = (simulate(script, left), simulate(script, right));
    if let Some(what) = not_modelled(&on_left).or_else(|| not_modelled(&on_right)) {
        return Compared::NotModelled(what);
    }
    let differences = compare(script, &on_left, &on_right);
    if differences.is_empty() {
        return Compared::Equal;
    }
    match explain(script, left, right) {
        Some(knobs) => Compared::Explained(differences, knobs),
        None => Compared::Unexplained(differences, None),
    }
}

impl Compared {
    fn exit(&self) -> Exit {
        match self {
            Self::Equal
            | Self::Explained(..)
            | Self::Open(..)
            | Self::Known(..)
            | Self::NotRunnable(_) => Exit::Conforms,
            Self::Undecided(_) | Self::NotModelled(_) => Exit::NotModelled,
            Self::Unexplained(..) => Exit::Findings,
            Self::StackFailed(_) => Exit::Unavailable,
        }
    }

    fn style(&self) -> Style {
        match self {
            Self::Equal => style::GOOD,
            Self::Explained(..)
            | Self::Open(..)
            | Self::Known(..)
            | Self::Undecided(_)
            | Self::NotModelled(_) => style::KNOWN,
            Self::NotRunnable(_) => style::SILENT,
            Self::Unexplained(..) | Self::StackFailed(_) => style::BAD,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Equal => "agrees",
            Self::Explained(..) => "explained",
            Self::Open(..) => "open",
            Self::Known(..) => "known",
            Self::Unexplained(..) => "DIFFERS",
            Self::Undecided(_) => "undecided",
            Self::NotModelled(_) => "not modelled",
            Self::NotRunnable(_) => "not runnable",
            Self::StackFailed(_) => "stack failed",
        }
    }
}
