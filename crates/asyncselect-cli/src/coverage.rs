//! `asyncselect coverage`: what of the references is held fast, and by what.

use std::path::PathBuf;

use crate::Format;
use crate::outcome::{Exit, Output, Scripts, read};

mod facts;

/// What to look at, as the user put it.
#[derive(Debug, clap::Args)]
pub(crate) struct Question {
    /// Every fact that others observed on Windows, and every known difference between Windows and
    /// Wine: the files that pin it, the knobs, or why there are none.
    #[arg(long, required = true)]
    facts: bool,
    /// The folder with the scenarios, and `not-modelled.json` beside them.
    #[arg(long, value_name = "FOLDER", default_value = "scenarios")]
    scenarios: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn coverage(question: &Question) -> Output {
    let Question { facts: _, scenarios, format } = question;
    let Scripts { scripts, errors } = read(std::slice::from_ref(scenarios));
    // What cannot be read may hold fast what would seem to be missing.
    if !errors.is_empty() {
        return Output { exit: Exit::BadScript, ..Output::text(String::new()) }.with(&errors);
    }
    facts::coverage(&scripts, &scenarios.join("not-modelled.json"), *format)
}
