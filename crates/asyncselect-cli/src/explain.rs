//! `asyncselect explain`: what an id or a knob is about, and why messages came in a step or not.

use std::path::{Path, PathBuf};

use asyncselect_abi::Family;
use asyncselect_model::KnobId;
use asyncselect_scenario::clauses::Clauses;
use asyncselect_scenario::source::nearest;

use crate::Format;
use crate::outcome::{Exit, Output, profiles};

mod arms;
mod cited;
pub(crate) mod cites;
mod knob;
mod step;

use cites::Corpus;

/// What to explain, as the user put it.
#[derive(Debug, clap::Args)]
pub(crate) struct Question {
    /// An id such as AS-CL-03, the name of a knob, or, with --step, a scenario file.
    what: String,
    /// The step of the scenario file, counted from 1.
    #[arg(long, value_name = "N")]
    step: Option<usize>,
    /// A built-in profile by name, or a profile file, as often as wanted; without, all built-in
    /// ones.
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    /// With --step: the address family of the run, `ipv4` or `ipv6`.
    #[arg(long, default_value_t, requires = "step")]
    family: Family,
    /// The folder with the scenarios that may cite the id.
    #[arg(long, value_name = "FOLDER", default_value = "scenarios")]
    scenarios: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn explain(question: &Question) -> Output {
    let Question { what, step, profiles: names, family, scenarios, format } = question;
    let profiles = match profiles(names) {
        Ok(profiles) => profiles,
        Err(output) => return output,
    };
    if let Some(step) = step {
        return step::explain(Path::new(what), *step, *family, &profiles, *format);
    }
    if let Some((kind, entry)) = Clauses::get().find(what) {
        return cited::explain(kind, entry, &profiles, &Corpus::read(scenarios), *format);
    }
    if let Some(knob) = KnobId::from_name(what) {
        return knob::explain(knob, &profiles, &Corpus::read(scenarios), *format);
    }
    let error = if Path::new(what).exists() {
        format!("`{what}` is a file: which step of it? `--step N`")
    } else {
        let knobs = KnobId::ALL.iter().map(|knob| knob.name());
        let help = nearest(what, Clauses::get().ids().chain(knobs));
        let help = help.map(|help| format!("; {help}")).unwrap_or_default();
        format!("no clause, fact, question, bug or knob is called `{what}`{help}")
    };
    Output::error(error, Exit::BadScript)
}
