//! A live stack, or a recording of one, before a profile: whether the profile allows what it
//! showed, under some order and some alternative of each knob that it leaves open.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use asyncselect_abi::bundle::Ending as Ended;
use asyncselect_model::Profile;
use asyncselect_scenario::check::{self, Checked, Extent, STATES_MAX};
use asyncselect_scenario::diff::{Difference, nearest_knobs};
use asyncselect_scenario::judge::{Agreement, judge};
use asyncselect_scenario::known::Known;
use asyncselect_scenario::recording::{Recorded, Recording};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::{Run, run_on, simulate};
use clap::ValueEnum;
use serde::Serialize;

use super::{Compared, Comparison, DiffFormat, ledger, load, not_modelled, stale};
use crate::outcome::{Exit, Output, Scripts, read};

/// What the oracle says.
pub(super) struct Judged {
    pub(super) compared: Compared,
    /// How many states explained what was seen, after each thing that was seen.
    pub(super) sizes: Vec<usize>,
}

impl From<Compared> for Judged {
    fn from(compared: Compared) -> Self {
        Self { compared, sizes: Vec::new() }
    }
}

/// How many states explained what was seen, over a whole run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Kept {
    /// The arithmetic mean.
    mean: f64,
    /// The most.
    peak: usize,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean, peak } = self;
        write!(f, "states that explain what was seen: {mean:.2} in the mean, {peak} at most")
    }
}

impl Kept {
    fn of(judged: &[Judged]) -> Self {
        let sizes = || judged.iter().flat_map(|judged| &judged.sizes);
        let (sum, count): (usize, usize) = (sizes().sum(), sizes().count());
        let mean = if count == 0 { 0.0 } else { sum as f64 / count as f64 };
        Self { mean, peak: sizes().max().copied().unwrap_or(0) }
    }
}

/// A comparison of what a stack showed with what a profile allows.
pub(super) fn comparison(
    left: Profile,
    right: String,
    scripts: Vec<Script>,
    judged: Vec<Judged>,
    known: &Known,
) -> Comparison {
    let kept = Some(Kept::of(&judged));
    let compared: Vec<_> = judged.into_iter().map(|judged| judged.compared).collect();
    let stale = stale(known, &left, &scripts, &compared);
    Comparison { left, right, scripts, compared, stale, kept }
}

/// A recording that is to be checked, as the user put it.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckQuestion {
    /// The recording, as `asyncselect-live` writes it; it says itself which address family each
    /// scenario was run on.
    recording: PathBuf,
    /// The scenario files that were recorded, or folders of them.
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// A built-in profile by name, or a profile file.
    #[arg(long, value_name = "PROFILE")]
    profile: String,
    /// The ledger of scenarios on which the stack may differ; `known.json` beside the scenarios,
    /// if there is one.
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    format: CheckFormat,
}

/// How a check is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// JUnit XML, for machines that show tests: a case a scenario.
    Junit,
}

/// Whether a profile allows what a recording shows.
pub(crate) fn check(question: &CheckQuestion) -> Output {
    let Scripts { scripts, errors } = read(&question.paths);
    match checked(question, scripts) {
        Ok(comparison) => {
            let format = match question.format {
                CheckFormat::Text => DiffFormat::Text,
                CheckFormat::Json => DiffFormat::Json,
                CheckFormat::Junit => DiffFormat::Junit,
            };
            comparison.output(format, &errors)
        }
        Err(output) => output,
    }
}

fn checked(question: &CheckQuestion, scripts: Vec<Script>) -> Result<Comparison, Output> {
    let profile = load(&question.profile)?;
    let known = ledger(question.known.as_deref(), &question.paths)?;
    let recording = Recording::read(&question.recording);
    let Recording { stack, scenarios, is_whole, .. } =
        recording.map_err(|error| Output::bad_source(&error))?;
    let by_id: BTreeMap<&str, &Script> =
        scripts.iter().map(|script| (&script.id[..], script)).collect();
    let (mut recorded, mut judged, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for scenario in &scenarios {
        let Some(script) = by_id.get(&scenario.id[..]) else {
            missing.push(scenario.id.as_str());
            continue;
        };
        let script = Script::clone(script).on(scenario.family);
        judged.push(match &scenario.ended {
            Some(Ended::NotRunnable { why }) => Compared::NotRunnable(why.clone()).into(),
            Some(Ended::Failed { at, why }) => Compared::StackFailed(format!("{at}: {why}")).into(),
            Some(Ended::Completed {} | Ended::Waiting { .. } | Ended::NotSetUp { .. }) | None => {
                oracle_of(&script, &profile, &known, scenario)
            }
        });
        recorded.push(script);
    }
    if recorded.is_empty() {
        let what = match missing.first() {
            Some(id) => format!("no scenario `{id}`, nor any other that was recorded"),
            None => format!("{} holds no scenario", question.recording.display()),
        };
        return Err(Output::error(what, Exit::BadScript));
    }
    let right = match is_whole {
        true => stack,
        false => format!("{stack} (the recording breaks off)"),
    };
    Ok(comparison(profile, right, recorded, judged, &known))
}

fn oracle_of(script: &Script, profile: &Profile, known: &Known, recorded: &Recorded) -> Judged {
    judged(script, profile, known, || run_on(script, &mut recorded.stack()))
}

/// Judges what a stack shows; it is asked only if there is something to judge.
pub(super) fn judged(
    script: &Script,
    profile: &Profile,
    known: &Known,
    run: impl FnOnce() -> Run,
) -> Judged {
    if script.is_about_others_than(profile.name()) {
        let why = format!("a fact of other stacks than {}", profile.name());
        return Compared::NotRunnable(why).into();
    }
    let expected = simulate(script, profile);
    if let Some(what) = not_modelled(&expected) {
        return Compared::NotModelled(what).into();
    }
    let live = run();
    match judge(script, &live.ending, &live.seen, |_, _| false).agreement {
        Agreement::NotRunnable(what) | Agreement::NotModelled(what) => {
            return Compared::NotRunnable(what).into();
        }
        Agreement::StackFailed(what) => return Compared::StackFailed(what).into(),
        Agreement::Agrees | Agreement::Disagrees(_) | Agreement::NotSetUp(_) => {}
    }
    let checked = match check::check(script, profile, &live, STATES_MAX) {
        Ok(checked) => checked,
        Err(ending) => return Compared::NotRunnable(format!("{ending:?}")).into(),
    };
    let compared = compared(script, profile, known, &live, &checked);
    Judged { compared, sizes: checked.sizes }
}

fn compared(
    script: &Script,
    profile: &Profile,
    known: &Known,
    live: &Run,
    checked: &Checked,
) -> Compared {
    if checked.is_allowed() {
        return match checked.taken().as_slice() {
            [] => Compared::Equal,
            taken => Compared::Open(taken.to_vec()),
        };
    }
    let mut differences: Vec<Difference> = Vec::new();
    for refusal in &checked.refusals {
        let allowed = refusal.allowed.iter().map(|allowed| {
            let clauses = allowed.clauses(script, profile, refusal);
            match clauses.as_slice() {
                [] => allowed.text.clone(),
                clauses => format!("{} [{}]", allowed.text, clauses.join(" ")),
            }
        });
        let left: Vec<String> = allowed.collect();
        let (left, right) = (left.join(", or "), refusal.came.clone());
        differences.push(Difference { place: refusal.place, left, right });
    }
    match checked.extent {
        Extent::Capped(_) if differences.is_empty() => {
            let what = format!(
                "more than {STATES_MAX} states explain the first {} sightings",
                checked.sizes.len()
            );
            return Compared::Undecided(what);
        }
        Extent::Whole => {}
        Extent::Astray(place) => differences.push(Difference {
            place,
            left: "the script goes no further here".to_owned(),
            right: "it went on; what came after was not checked".to_owned(),
        }),
        Extent::Capped(place) => differences.push(Difference {
            place,
            left: format!("more than {STATES_MAX} states explain what came before"),
            right: "what came from here on was not checked".to_owned(),
        }),
    }
    match known.allows(&script.id, script.family, profile.name()) {
        Some(entry) => Compared::Known(differences, entry.clone()),
        None => Compared::Unexplained(differences, nearest_knobs(script, profile, live)),
    }
}
