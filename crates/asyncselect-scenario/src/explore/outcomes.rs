//! What can come of a scenario: the distinct things that its program may see, and whether what must
//! hold always does.

use std::collections::BTreeMap;

use asyncselect_model::{KnobId, Profile};

use super::properties::{Kind, Property};
use super::runs::{First, Freedom, Reduction, Runs, State, TooMany};
use super::search::{Explored, Label, Limits, Sighting, Space, Work, breadth_first};
use super::standing::{Standing, standings};
use super::tree::Walker;
use crate::runner::{Ending, Observation, Place};
use crate::script::Script;
use crate::simulate::Run;

/// What may come of a script.
#[derive(Debug)]
pub struct Outcomes<'s> {
    /// Each one once; what needs the fewest steps comes first.
    pub list: Vec<Outcome>,
    /// The search that found them.
    pub explored: Explored<TooMany>,
    judging: Judging,
    runs: Runs<'s>,
}

/// Whether runs are judged by what must hold always, move by move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judging {
    /// They are.
    On,
    /// They are not, which takes less time.
    Off,
}

/// A run that breaks a property.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The whole run: from where the property is broken, it goes on as it may.
    pub outcome: Outcome,
    /// The part of its schedule that leads there: as short as there is one.
    pub until: Vec<First>,
    /// Where the program was.
    pub place: Place,
}

impl Outcomes<'_> {
    /// What became of the properties that demand something always, in every run; none if the runs
    /// were not judged.
    #[must_use]
    pub fn properties(&self) -> Vec<(Property, Standing)> {
        let is_judged =
            |property: &Property| self.judging == Judging::On && property.kind() == Kind::Always;
        let all = standings(&self.runs, &self.explored).into_iter();
        all.filter(|(property, _)| is_judged(property)).collect()
    }

    /// A run in which a property is broken as it was sighted.
    #[must_use]
    pub fn witness(&self, property: Property, sighting: Sighting) -> Witness {
        let mut path = self.explored.path(sighting);
        let until = firsts(&self.runs, &path);
        let mut state = self.runs.start();
        let (last, way) = path.split_last().expect("moves are judged, and a step makes them");
        way.iter().for_each(|label| self.runs.follow(&mut state, *label));
        let wanted = property.mark() | property.excused_mark();
        let place = self.runs.place_of(&mut state, *last, wanted);
        let state = self.runs.to_an_end(&mut path);
        let ending = state.ending().cloned().unwrap_or(Ending::Completed);
        let run = Run { ending, seen: state.seen(), decided: decided(&state) };
        Witness { outcome: Outcome { run, schedule: firsts(&self.runs, &path) }, until, place }
    }
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
pub fn outcomes<'s>(
    script: &'s Script,
    profile: &Profile,
    freedom: Freedom,
    reduction: Reduction,
    judging: Judging,
    work: Work,
    limits: Limits,
) -> Result<Outcomes<'s>, Ending> {
    let runs = Runs::of(script, profile, freedom, reduction)?;
    let runs = match judging {
        Judging::On => runs.judged(),
        Judging::Off => runs,
    };
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
        let run = Run { ending: ending.clone(), seen, decided: decided(state) };
        let schedule = firsts(&runs, &explored.tree.path(*node));
        list.push(Outcome { run, schedule });
    }
    Ok(Outcomes { list, explored, judging, runs })
}

fn decided(state: &State<'_>) -> Vec<Option<u8>> {
    KnobId::ALL.iter().map(|knob| state.decided(*knob)).collect()
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
