//! `asyncselect coverage`: what of the references is held fast, and by what.

use std::path::PathBuf;

use asyncselect_scenario::script::Script;

use crate::Format;
use crate::outcome::{Exit, Output, Scripts, read};

mod facts;
mod open;
#[cfg(feature = "arms")]
mod prove;

/// What to look at, as the user put it.
#[derive(Debug, clap::Args)]
pub(crate) struct Question {
    /// Every fact that others observed on Windows, and every known difference between Windows and
    /// Wine: the files that pin it, the knobs, or why there are none.
    #[arg(long, required_unless_present_any = ["prove", "open"])]
    facts: bool,
    /// Every clause that leaves something open: by which scenarios each alternative is reached,
    /// and what lies beside it refused.
    #[arg(long, conflicts_with_all = ["facts", "prove"])]
    open: bool,
    /// Breaks the arm of each clause in the model and says which scenarios notice; needs a build
    /// with the feature `arms`.
    #[arg(long, conflicts_with = "facts")]
    prove: bool,
    /// With --prove: this clause or fact alone. May be given several times.
    #[arg(long = "clause", value_name = "ID", requires = "prove")]
    clauses: Vec<String>,
    /// The folder with the scenarios, and `not-modelled.json` beside them.
    #[arg(long, value_name = "FOLDER", default_value = "scenarios")]
    scenarios: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn coverage(question: &Question) -> Output {
    let Question { facts: _, open, prove, clauses, scenarios, format } = question;
    let Scripts { scripts, errors } = read(std::slice::from_ref(scenarios));
    // What cannot be read may hold fast what would seem to be missing.
    if !errors.is_empty() {
        return Output { exit: Exit::BadScript, ..Output::text(String::new()) }.with(&errors);
    }
    if *open {
        return open::coverage(&scripts, *format);
    }
    if *prove {
        return proven(&scripts, clauses, *format);
    }
    facts::coverage(&scripts, &scenarios.join("not-modelled.json"), *format)
}

#[cfg(feature = "arms")]
fn proven(scripts: &[Script], clauses: &[String], format: Format) -> Output {
    prove::coverage(scripts, clauses, format)
}

#[cfg(not(feature = "arms"))]
fn proven(_: &[Script], _: &[String], _: Format) -> Output {
    let why = "error: nothing can be broken in this build\n  \
        cargo run --release --features arms -- coverage --prove";
    Output::error(why, Exit::BadScript)
}
