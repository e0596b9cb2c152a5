//! What can come of a scenario: the distinct things that its program may see.

use std::collections::BTreeMap;

use asyncselect_model::{KnobId, Profile};

use super::runs::{First, Freedom, Reduction, Runs, TooMany};
use super::search::{Explored, Label, Limits, Space, Work, breadth_first};
use super::tree::Walker;
use crate::runner::{Ending, Observation};
use crate::script::Script;
use crate::simulate::Run;

/// What may come of a script.
#[derive(Debug)]
pub struct Outcomes {
    /// Each one once; what needs the fewest steps comes first.
    pub list: Vec<Outcome>,
    /// The search that found them.
    pub explored: Explored<TooMany>,
}

/// Something that may come of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the program saw, how the run ended, and what was decided on the shortest way there.
    pub run: Run,
    /// That way: what came first wherever something else might have.
    pub schedule: Vec<First>,
}

/// Follows every run of a script on a profile.
///
/// # Errors
///
/// With how every run ends, if setting up fails.
pub fn outcomes(
    script: &Script,
    profile: &Profile,
    freedom: Freedom,
    reduction: Reduction,
    work: Work,
    limits: Limits,
) -> Result<Outcomes, Ending> {
    let runs = Runs::of(script, profile, freedom, reduction)?;
    let explored = breadth_first(&runs, work, limits);
    let mut known: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut list: Vec<Outcome> = Vec::new();
    let mut walker = Walker::new(&runs, &explored.tree);
    for node in &explored.terminals {
        let state = walker.go(*node);
        let alike = known.entry(state.outcome()).or_default();
        let Some(ending) = state.ending() else { continue };
        let same = |seen: &[Observation], run: &Run| run.seen == seen && run.ending == *ending;
        let seen = state.seen();
        if alike.iter().any(|at| same(&seen, &list[*at].run)) {
            continue;
        }
        alike.push(list.len());
        let decided = KnobId::ALL.iter().map(|knob| state.decided(*knob)).collect();
        let run = Run { ending: ending.clone(), seen, decided };
        let schedule = firsts(&runs, &explored.tree.path(*node));
        list.push(Outcome { run, schedule });
    }
    Ok(Outcomes { list, explored })
}

/// What came first, wherever something else might have, on a path of labels.
pub(crate) fn firsts(runs: &Runs<'_>, path: &[Label]) -> Vec<First> {
    let mut state = runs.start();
    let first = |label: &Label| {
        let first = runs.first(&state, *label);
        runs.follow(&mut state, *label);
        first
    };
    // Nothing else can come before the first step: setting up ends at rest.
    path.iter().map(first).skip(1).collect()
}
