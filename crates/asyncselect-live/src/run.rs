//! `asyncselect-live run BUNDLE`: carries out a bundle of scenarios and writes what happened.
//!
//! Nothing but this program is needed. The recording goes to standard output or a file, progress to
//! standard error. Exit codes: 0 when every scenario had its turn, whatever came of it, 2 for a bad
//! bundle or a wrong argument, 4 if no adapter starts.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use asyncselect_abi::BackendError;
use asyncselect_abi::bundle::{Bundle, Ending, Line, RECORDING};

use crate::bundle_file::{self, BundleError};
use crate::child::Adapter;
use crate::player::{Ask, play};

/// After so many scenarios in a row for which no adapter could be started, none will be.
const STARTS_MAX: u32 = 3;

const USAGE: &str = "usage: asyncselect-live run BUNDLE [--out RECORDING] [--adapter COMMAND] \
                     [arguments of the adapter]";

/// The command line of `run`.
struct Arguments {
    bundle: PathBuf,
    /// `--out FILE`: for shells whose `>` changes what goes through it, as PowerShell's does.
    out: Option<PathBuf>,
    /// `--adapter COMMAND`, split at spaces: another adapter than this program.
    command: Vec<String>,
}

/// Why a run ends before its last scenario.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{USAGE}")]
    Usage,
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{}:{error}", path.display())]
    Bundle { path: PathBuf, error: BundleError },
    #[error("no adapter: {0}")]
    NoAdapter(BackendError),
    #[error("the recording cannot be written: {0}")]
    Write(io::Error),
}

/// The program, for the arguments after `run`.
pub(crate) fn main(args: impl Iterator<Item = String>) -> ExitCode {
    match parse(args).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "asyncselect-live: {failure}");
            ExitCode::from(match failure {
                Failure::NoAdapter(_) => 4,
                _ => 2,
            })
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Arguments, Failure> {
    let bundle = args.next().filter(|arg| !arg.starts_with('-')).ok_or(Failure::Usage)?.into();
    let this = std::env::current_exe().map_err(|error| {
        let path = "asyncselect-live".into();
        Failure::File { path, error }
    })?;
    let mut command = vec![this.to_string_lossy().into_owned()];
    let mut out = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--out" => out = Some(args.next().ok_or(Failure::Usage)?.into()),
            "--adapter" => {
                let other = args.next().ok_or(Failure::Usage)?;
                command = other.split_whitespace().map(str::to_owned).collect();
                if command.is_empty() {
                    return Err(Failure::Usage);
                }
            }
            _ => command.push(arg),
        }
    }
    Ok(Arguments { bundle, out, command })
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { bundle: path, out, command } = arguments;
    let in_file = |path: &PathBuf| {
        let path = path.clone();
        move |error| Failure::File { path, error }
    };
    let text = std::fs::read_to_string(path).map_err(in_file(path))?;
    let bundle = bundle_file::parse(&text).map_err(|error| {
        let path = path.clone();
        Failure::Bundle { path, error }
    })?;
    // Before the file is made: without an adapter there is nothing to write.
    let mut adapter = Adapter::start(command.clone()).map_err(Failure::NoAdapter)?;
    let mut out: Box<dyn Write> = match out {
        Some(path) => Box::new(BufWriter::new(File::create(path).map_err(in_file(path))?)),
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    record(&bundle, &mut adapter, &mut out)
}

/// Plays all scenarios.
fn record(bundle: &Bundle, adapter: &mut Adapter, out: &mut dyn Write) -> Result<(), Failure> {
    let start = Instant::now();
    let count = bundle.scenarios.len();
    let mut recording = Recording { out, failed: None };
    recording.write(&Line::Header {
        recording: RECORDING,
        asyncselect: env!("CARGO_PKG_VERSION").to_owned(),
        stack: adapter.stack.clone(),
        capabilities: adapter.capabilities.clone(),
        bundle: bundle.asyncselect.clone(),
        scenarios: u32::try_from(count).expect("it fits in memory"),
    });
    let (mut completed, mut not_runnable, mut others, mut starts_failed) = (0, 0, 0, 0);
    for (number, plan) in (1..).zip(&bundle.scenarios) {
        recording.write(&Line::Scenario { id: plan.id.clone(), family: plan.family });
        let ending = play(plan, adapter, &mut |line| recording.write(&line));
        match ending {
            Ending::Completed {} => completed += 1,
            Ending::NotRunnable { .. } => not_runnable += 1,
            Ending::Waiting { .. } | Ending::NotSetUp { .. } | Ending::Failed { .. } => others += 1,
        }
        let _ = writeln!(io::stderr(), "[{number}/{count}] {}: {}", plan.id, in_words(&ending));
        recording.write(&Line::Ended(ending));
        recording.flush();
        if let Some(error) = recording.failed {
            return Err(Failure::Write(error));
        }
        // One that died or hung is gone; the next scenario gets a new one, if there is one.
        if adapter.is_gone() {
            match adapter.restart() {
                Ok(()) => starts_failed = 0,
                Err(error) if starts_failed + 1 == STARTS_MAX => {
                    return Err(Failure::NoAdapter(error));
                }
                Err(_) => starts_failed += 1,
            }
        }
    }
    let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    recording.write(&Line::Footer { completed, not_runnable, others, ms });
    recording.flush();
    let _ = writeln!(
        io::stderr(),
        "{count} scenarios: {completed} completed, {not_runnable} not runnable here, \
         {others} others"
    );
    recording.failed.map_or(Ok(()), |error| Err(Failure::Write(error)))
}

/// Where the lines go. After the first error nothing more does.
struct Recording<'o> {
    out: &'o mut dyn Write,
    failed: Option<io::Error>,
}

impl Recording<'_> {
    fn write(&mut self, line: &Line) {
        let mut text = serde_json::to_vec(line).expect("lines are plain data");
        text.push(b'\n');
        self.attempt(|out| out.write_all(&text));
    }

    fn flush(&mut self) {
        self.attempt(|out| out.flush());
    }

    fn attempt(&mut self, what: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.failed.is_none() {
            self.failed = what(self.out).err();
        }
    }
}

fn in_words(ending: &Ending) -> String {
    match ending {
        Ending::Completed {} => "completed".to_owned(),
        Ending::Waiting { at } => format!("a call waits at {at}"),
        Ending::NotSetUp { why } => format!("not set up: {why}"),
        Ending::NotRunnable { why } => format!("not runnable here: {why}"),
        Ending::Failed { at, why } => format!("failed at {at}: {why}"),
    }
}
