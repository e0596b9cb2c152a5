//! `asyncselect coverage`: what of the references is held fast, and by what.

use std::path::{Path, PathBuf};

use asyncselect_model::Profile;
use asyncselect_scenario::not_modelled::NotModelled;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::source::SourceError;
use clap::ValueEnum;

use crate::Format;
use crate::outcome::{Exit, Output, Scripts, read};

mod facts;
mod matrix;
mod open;
mod page;
#[cfg(feature = "arms")]
mod prove;

use facts::Facts;
use matrix::Matrix;

/// What to look at, as the user put it. Without --facts, --open and --prove, it is all clauses,
/// knobs and facts: which scenarios cite them, and which see the knobs.
#[derive(Debug, clap::Args)]
pub(crate) struct Question {
    /// The facts that others observed on Windows and the known differences between Windows and
    /// Wine alone: the files that pin them, the knobs, or why there are none.
    #[arg(long)]
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
    /// The folder with the scenarios, and `not-modelled.json` and `alike.json` beside them.
    #[arg(long, value_name = "FOLDER", default_value = "scenarios")]
    scenarios: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t = CoverageFormat::Text)]
    format: CoverageFormat,
}

/// How coverage is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CoverageFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// A page that stands by itself; of all together only.
    Html,
}

impl CoverageFormat {
    /// How to print what there is no page of.
    ///
    /// # Errors
    ///
    /// If it was to be a page.
    fn without_page(self) -> Result<Format, Output> {
        match self {
            Self::Text => Ok(Format::Text),
            Self::Json => Ok(Format::Json),
            Self::Html => {
                let why = "error: there is a page of everything together alone: \
                    `coverage --format html`, without `--facts`, `--open` or `--prove`";
                Err(Output::error(why, Exit::BadScript))
            }
        }
    }
}

pub(crate) fn coverage(question: &Question) -> Output {
    answer(question).unwrap_or_else(|error| error)
}

fn answer(question: &Question) -> Result<Output, Output> {
    let Question { facts: only_facts, open, prove, clauses, scenarios, format } = question;
    let plain = if *prove || *open || *only_facts { Some(format.without_page()?) } else { None };
    let Scripts { scripts, errors } = read(std::slice::from_ref(scenarios));
    // What cannot be read may hold fast what would seem to be missing.
    if !errors.is_empty() {
        let output = Output { exit: Exit::BadScript, ..Output::text(String::new()) };
        return Err(output.with(&errors));
    }
    if let (Some(format), true) = (plain, *open) {
        return Ok(open::coverage(&scripts, format));
    }
    if let (Some(format), true) = (plain, *prove) {
        return Ok(proven(&scripts, clauses, &scenarios.join("alike.json"), format));
    }
    let bad_source = |error: SourceError| Output::bad_source(&error);
    let list = NotModelled::read(&scenarios.join("not-modelled.json")).map_err(bad_source)?;
    let profiles = Profile::built_in();
    let facts = Facts::new(&scripts, &list, &profiles).map_err(bad_source)?;
    let exit = |whole| if whole { Exit::Conforms } else { Exit::Findings };
    if let Some(format) = plain {
        let exit = exit(facts.is_whole());
        return Ok(match format {
            Format::Text => Output { exit, ..Output::text(facts.text()) },
            Format::Json => Output::json(&facts, exit),
        });
    }
    let matrix = Matrix::new(&scripts, facts, &profiles);
    let exit = exit(matrix.is_whole());
    Ok(match format {
        CoverageFormat::Text => Output { exit, ..Output::text(matrix.text()) },
        CoverageFormat::Json => Output::json(&matrix, exit),
        CoverageFormat::Html => Output { exit, ..Output::text(page::of(&matrix)) },
    })
}

#[cfg(feature = "arms")]
fn proven(scripts: &[Script], clauses: &[String], list: &Path, format: Format) -> Output {
    prove::coverage(scripts, clauses, list, format)
}

#[cfg(not(feature = "arms"))]
fn proven(_: &[Script], _: &[String], _: &Path, _: Format) -> Output {
    let why = "error: nothing can be broken in this build\n  \
        cargo run --release --features arms -- coverage --prove";
    Output::error(why, Exit::BadScript)
}
