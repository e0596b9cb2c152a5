//! `asyncselect diff`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anstyle::Style;
use asyncselect_abi::BackendError;
use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::adapter::Adapter;
use asyncselect_scenario::diff::{Difference, Explanation, compare, explain, nearest_knob};
use asyncselect_scenario::judge::{Agreement, judge};
use asyncselect_scenario::known::{Entry, Known};
use asyncselect_scenario::profile_file;
use asyncselect_scenario::runner::Ending;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::{Run, run_on, simulate};
use asyncselect_scenario::source::SourceError;
use asyncselect_scenario::stack::Stack;
use clap::ValueEnum;

use crate::junit;
use crate::outcome::{Exit, Output, Scripts, read};
use crate::progress::Progress;
use crate::style;

mod points;
mod report;

pub(crate) use report::explanation_text;

/// How one scenario came out.
enum Compared {
    /// Nothing differs.
    Equal,
    /// It differs, and knobs at which the stacks part explain it.
    Explained(Vec<Difference>, Vec<Explanation>),
    /// The live stack took an alternative that the profile leaves open.
    Open(KnobId, u8),
    /// It differs, as the ledger says that it may.
    Known(Vec<Difference>, Entry),
    /// It differs, and should not.
    Unexplained(Vec<Difference>, Option<(KnobId, u8)>),
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
pub(crate) struct Question {
    /// Scenario files, or folders of them.
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// The profile on the left.
    #[arg(long, value_name = "PROFILE")]
    left: String,
    /// The profile on the right.
    #[arg(long, value_name = "PROFILE", required_unless_present = "adapter")]
    right: Option<String>,
    /// A live stack on the right: the command that starts its adapter.
    #[arg(long, value_name = "COMMAND", conflicts_with = "right")]
    adapter: Option<String>,
    /// How many adapters work at the same time, each in a process of its own.
    #[arg(long, value_name = "N", default_value = "1", requires = "adapter")]
    jobs: NonZeroUsize,
    /// The ledger of scenarios on which the live stack may differ; `known.json` beside the
    /// scenarios, if there is one.
    #[arg(long, value_name = "FILE", conflicts_with = "right")]
    known: Option<PathBuf>,
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
}

pub(crate) fn diff(question: &Question) -> Output {
    let Scripts { scripts, errors } = read(&question.paths);
    let comparison = match compare_all(question, scripts) {
        Ok(comparison) => comparison,
        Err(output) => return output,
    };
    let exit = if errors.is_empty() { comparison.exit() } else { Exit::BadScript };
    let output = match question.format {
        DiffFormat::Text => Output { exit, ..Output::text(report::text(&comparison)) },
        DiffFormat::Json => Output::json(&report::json(&comparison), exit),
        DiffFormat::Junit => {
            let text = junit::xml(vec![report::suite(&comparison)], &errors);
            Output { exit, ..Output::text(text) }
        }
        DiffFormat::Markdown => {
            let points = points::points(comparison.explanations());
            let text = points::markdown(comparison.left.name(), &comparison.right, &points);
            Output { exit, ..Output::text(text) }
        }
    };
    output.with(&errors)
}

fn compare_all(question: &Question, scripts: Vec<Script>) -> Result<Comparison, Output> {
    let load = |name| profile_file::load(name).map_err(|error| Output::bad_source(&error));
    let left = load(&question.left)?;
    let progress = Progress::new(!question.no_progress, scripts.len());
    let (right, compared, stale) = match (&question.adapter, &question.right) {
        (Some(command), _) => {
            let known = ledger(question).map_err(|error| Output::bad_source(&error))?;
            let adapter = Adapter::start(command);
            let adapter = adapter.map_err(|error| Output::error(error, Exit::Unavailable))?;
            let label = adapter.label().to_owned();
            let work =
                |script: &Script, adapter: &mut Adapter| live(script, &left, &known, adapter);
            let more = question.jobs.get().min(scripts.len().max(1)) - 1;
            let compared = each_live(&scripts, &progress, adapter, (command, more), work);
            let stale = stale(&known, &left, &scripts, &compared);
            (label, compared, stale)
        }
        (None, Some(right)) => {
            let right = load(right)?;
            let compare = |script: &Script| profiles(script, &left, &right);
            (right.name().to_owned(), each(&scripts, &progress, compare), Vec::new())
        }
        (None, None) => unreachable!("clap requires one of them"),
    };
    drop(progress);
    Ok(Comparison { left, right, scripts, compared, stale })
}

impl Comparison {
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
            | Compared::NotModelled(_)
            | Compared::NotRunnable(_)
            | Compared::StackFailed(_) => &[],
        })
    }
}

/// The ledger that the user named, or that lies beside the scenarios.
fn ledger(question: &Question) -> Result<Known, SourceError> {
    if let Some(path) = &question.known {
        return Known::read(path);
    }
    // A scenario lies two levels below it, a family one.
    let beside = question.paths.iter().find_map(|path| {
        let folders = path.ancestors().take(3).filter(|folder| !folder.as_os_str().is_empty());
        folders.map(|folder| folder.join("known.json")).find(|file| file.is_file())
    });
    beside.map_or_else(|| Ok(Known::default()), |path| Known::read(&path))
}

/// The entries of the ledger whose scenarios were run and did not differ.
fn stale(known: &Known, left: &Profile, scripts: &[Script], compared: &[Compared]) -> Vec<Entry> {
    let came_out = |entry: &Entry, wanted: fn(&Compared) -> bool| {
        let mut each = scripts.iter().zip(compared);
        each.any(|(script, compared)| script.id == entry.scenario && wanted(compared))
    };
    let is_stale = |entry: &&Entry| {
        came_out(entry, |compared| matches!(compared, Compared::Equal | Compared::Open(..)))
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

/// The same with several adapters: one that runs, and `more` that are started by their command.
fn each_live(
    scripts: &[Script],
    progress: &Progress,
    first: Adapter,
    (command, more): (&str, usize),
    compare: impl Fn(&Script, &mut Adapter) -> Compared + Sync,
) -> Vec<Compared> {
    let next = AtomicUsize::new(0);
    let work = |mut adapter: Adapter| {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(script) = scripts.get(index) else { return done };
            progress.begin(&script.id);
            done.push((index, compare(script, &mut adapter)));
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

fn live(script: &Script, profile: &Profile, known: &Known, adapter: &mut Adapter) -> Compared {
    if script.is_about_others_than(profile.name()) {
        return Compared::NotRunnable(format!("a fact of other stacks than {}", profile.name()));
    }
    let expected = simulate(script, profile);
    if let Some(what) = not_modelled(&expected) {
        return Compared::NotModelled(what);
    }
    let live = run_on(script, adapter);
    let holds = |knob: KnobId, value| expected.decided(knob) == Some(value);
    match judge(script, &live.ending, &live.seen, holds).agreement {
        Agreement::NotRunnable(what) | Agreement::NotModelled(what) => {
            return Compared::NotRunnable(what);
        }
        Agreement::StackFailed(what) => return Compared::StackFailed(what),
        Agreement::Agrees | Agreement::Disagrees(_) | Agreement::NotSetUp(_) => {}
    }
    let differences = compare(script, &expected, &live);
    if differences.is_empty() {
        return Compared::Equal;
    }
    let hint = match nearest_knob(script, profile, &live) {
        Some((knob, value, true)) => return Compared::Open(knob, value),
        Some((knob, value, false)) => Some((knob, value)),
        None => None,
    };
    match known.allows(&script.id, profile.name()) {
        Some(entry) => Compared::Known(differences, entry.clone()),
        None => Compared::Unexplained(differences, hint),
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
            Self::NotModelled(_) => Exit::NotModelled,
            Self::Unexplained(..) => Exit::Findings,
            Self::StackFailed(_) => Exit::Unavailable,
        }
    }

    fn style(&self) -> Style {
        match self {
            Self::Equal => style::GOOD,
            Self::Explained(..) | Self::Open(..) | Self::Known(..) | Self::NotModelled(_) => {
                style::KNOWN
            }
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
            Self::NotModelled(_) => "not modelled",
            Self::NotRunnable(_) => "not runnable",
            Self::StackFailed(_) => "stack failed",
        }
    }
}
