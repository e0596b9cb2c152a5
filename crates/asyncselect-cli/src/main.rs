//! The `asyncselect` command.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | everything conforms |
//! | 1 | findings |
//! | 2 | a bad script, or bad usage |
//! | 3 | something is not modelled |
//! | 4 | a backend is not available |

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

mod bundle;
mod coverage;
mod diff;
mod explain;
mod explore;
mod families;
mod junit;
mod knobs;
mod new;
mod outcome;
mod progress;
mod run;
mod style;
mod trace;

use asyncselect_abi::Family;
use families::Families;
use outcome::{Exit, Output};

/// A deterministic simulator and conformance test harness for WSAAsyncSelect.
#[derive(Debug, Parser)]
#[command(
    name = "asyncselect",
    version,
    after_help = "Exit codes: 0 conforms, 1 findings, \
    2 bad script or usage, 3 not modelled, 4 backend unavailable."
)]
struct Arguments {
    #[command(flatten)]
    color: colorchoice_clap::Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs scenarios on the model and judges them, on every built-in profile unless told.
    Run {
        /// Scenario files, or folders of them.
        #[arg(default_value = "scenarios")]
        paths: Vec<PathBuf>,
        /// A built-in profile by name, or a profile file, as often as wanted; without, all built-in
        /// ones.
        #[arg(long = "profile", value_name = "PROFILE")]
        profiles: Vec<String>,
        /// The address family of the runs.
        #[arg(long, value_enum, default_value_t = Families::Ipv4)]
        family: Families,
        /// By messages, by event objects where a file opts into that, or both.
        #[arg(long, value_enum, default_value_t = Modes::Message)]
        mode: Modes,
        /// How to print.
        #[arg(long, value_enum, default_value_t = run::RunFormat::Text)]
        format: run::RunFormat,
        /// Never shows how far a long run is.
        #[arg(long)]
        no_progress: bool,
    },
    /// Prints everything that happens in one scenario.
    Trace {
        /// The scenario file.
        path: PathBuf,
        /// A built-in profile by name, or a profile file.
        #[arg(long, default_value = "documented")]
        profile: String,
        /// The address family of the run, `ipv4` or `ipv6`.
        #[arg(long, default_value_t)]
        family: Family,
        /// By messages, or by event objects if the file opts into that.
        #[arg(long, value_enum, default_value_t = Mode::Message)]
        mode: Mode,
        /// How to print; `json` is one event a line.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Compares two stacks on the same scenarios.
    Diff(diff::Question),
    /// Says whether a profile allows what a recording of a live stack shows.
    Check(diff::CheckQuestion),
    /// Goes every way through a scenario or a suite: what can come of it, and what always holds.
    Explore(explore::Question),
    /// Writes scenarios as one file for a machine that has nothing but `asyncselect-live.exe`.
    Bundle {
        /// Scenario files and folders of them.
        #[arg(default_value = "scenarios")]
        paths: Vec<PathBuf>,
        /// The file.
        #[arg(long, default_value = "bundle.json")]
        out: PathBuf,
        /// The address family of the runs.
        #[arg(long, value_enum, default_value_t = Families::Ipv4)]
        family: Families,
    },
    /// Says what a clause, fact, question, bug or knob is about, and where; or, with --step, why
    /// each message of a step came, and what stopped the others.
    Explain(explain::Question),
    /// Says what of the references is held fast by scenarios and knobs, and what is not.
    Coverage(coverage::Question),
    /// Prints where stacks part, and what each profile holds there.
    Knobs {
        /// One of them.
        name: Option<String>,
        /// A built-in profile by name, or a profile file, as often as wanted; without, all built-in
        /// ones.
        #[arg(long = "profile", value_name = "PROFILE")]
        profiles: Vec<String>,
        /// How to print.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Prints a JSON Schema.
    Schema {
        /// Of what.
        #[arg(value_enum, default_value_t = Of::Scenario)]
        of: Of,
    },
    /// Writes a new scenario from a template.
    New {
        /// Its name, `family/what-happens`.
        name: String,
        /// The folder that holds the families.
        #[arg(long, default_value = "scenarios")]
        dir: PathBuf,
    },
}

/// How scenarios are told of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Modes {
    /// By messages: WSAAsyncSelect.
    Message,
    /// By event objects: WSAEventSelect, for files that opt in.
    Event,
    /// One after the other.
    Both,
}

/// How one scenario is told of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// By messages: WSAAsyncSelect.
    Message,
    /// By event objects: WSAEventSelect.
    Event,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Of {
    /// Scenario files, format 1.
    Scenario,
    /// Suites, format 1.
    Suite,
    /// One line of a trace.
    Trace,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.color.write_global();
    let output = match arguments.command {
        Command::Run { paths, profiles, family, mode, format, no_progress } => {
            run::run(&paths, &profiles, family, mode, format, !no_progress)
        }
        Command::Trace { path, profile, family, mode, format } => {
            trace::trace(&path, &profile, family, mode, format)
        }
        Command::Diff(question) => diff::diff(&question),
        Command::Check(question) => diff::check(&question),
        Command::Bundle { paths, out, family } => bundle::write(&paths, &out, family),
        Command::Explain(question) => explain::explain(&question),
        Command::Explore(question) => explore::explore(&question),
        Command::Coverage(question) => coverage::coverage(&question),
        Command::Knobs { name, profiles, format } => {
            knobs::knobs(name.as_deref(), &profiles, format)
        }
        Command::Schema { of } => {
            let schema = match of {
                Of::Scenario => asyncselect_scenario::schema::scenario(),
                Of::Suite => asyncselect_scenario::schema::suite(),
                Of::Trace => asyncselect_scenario::schema::trace_line(),
            };
            Output::json(&schema, Exit::Conforms)
        }
        Command::New { name, dir } => new::new(&name, &dir),
    };
    // A reader that went away (`| head`) has seen what it wanted.
    drop(anstream::stdout().lock().write_all(output.text.as_bytes()));
    drop(anstream::stderr().lock().write_all(output.errors.as_bytes()));
    ExitCode::from(output.exit.code())
}
