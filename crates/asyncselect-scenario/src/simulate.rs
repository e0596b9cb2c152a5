//! Runs of a script on the model, as the commands need them.

use asyncselect_model::{Choice, Chooser, KnobId, Profile};

use crate::judge::{Seen, Verdict, judge};
use crate::runner::{self, Ending, Observation};
use crate::script::Script;
use crate::sim::Sim;
use crate::stack::Stack;
use crate::trace::{TraceLine, Tracer};

/// A run on any stack: how it ended and what a program could see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub ending: Ending,
    /// What a program could see.
    pub seen: Vec<Observation>,
    /// The alternatives that the run took, by knob; `None` where the knob did not matter or the
    /// stack cannot tell.
    pub decided: Vec<Option<u8>>,
}

impl Run {
    /// The alternative that the run took at a knob.
    #[must_use]
    pub fn decided(&self, knob: KnobId) -> Option<u8> {
        self.decided[knob.position()]
    }
}

/// Runs a script on any stack.
pub fn run_on<S: Stack>(script: &Script, stack: &mut S) -> Run {
    let mut seen = Seen::default();
    let ending = runner::run(script, stack, &mut seen);
    let decided = KnobId::ALL.iter().map(|knob| stack.decided(*knob)).collect();
    Run { ending, seen: seen.0, decided }
}

/// Runs a script on the model.
#[must_use]
pub fn simulate(script: &Script, profile: &Profile) -> Run {
    run_on(script, &mut simulator::<false>(script, profile))
}

/// The model as a script wants it: where the profile leaves a knob open, the script may choose.
#[must_use]
pub fn simulator<const RECORD: bool>(
    script: &Script,
    profile: &Profile,
) -> Sim<RECORD, impl Chooser> {
    simulator_choosing(profile, script.choices.clone())
}

/// The model with these alternatives where the profile leaves a knob open; the first ones else.
#[must_use]
pub fn simulator_choosing<const RECORD: bool>(
    profile: &Profile,
    choices: Vec<(KnobId, u8)>,
) -> Sim<RECORD, impl Chooser> {
    Sim::new(profile, Chosen(choices))
}

/// Takes the alternatives of a list, and canonical ones besides.
#[derive(Clone, Debug)]
struct Chosen(Vec<(KnobId, u8)>);

impl Chooser for Chosen {
    fn choose(&mut self, Choice::Knob(knob): Choice, _: u8) -> u8 {
        let chosen = self.0.iter().find(|(chosen, _)| *chosen == knob);
        chosen.map_or(0, |(_, value)| *value)
    }
}

/// The knobs that a run on the profile asks for. What stands at the others makes no difference to
/// it.
#[must_use]
pub fn asked(script: &Script, profile: &Profile) -> Vec<KnobId> {
    // Everything is left open, and decided as the profile has it.
    let open = Profile::open(profile.name().to_owned(), profile.about().to_owned());
    let run = run_on(script, &mut Sim::<false, _>::new(&open, Following(profile)));
    KnobId::ALL.iter().copied().filter(|knob| run.decided(*knob).is_some()).collect()
}

/// Decides as a profile does, canonically where that is open too.
struct Following<'p>(&'p Profile);

impl Chooser for Following<'_> {
    fn choose(&mut self, choice: Choice, _: u8) -> u8 {
        let Choice::Knob(knob) = choice;
        self.0.setting(knob).value.unwrap_or(0)
    }
}

/// Runs a script on the model and judges the run.
///
/// ```
/// use asyncselect_model::Profile;
/// use asyncselect_scenario::judge::Agreement;
/// use asyncselect_scenario::script::Script;
/// use asyncselect_scenario::simulate::verdict;
/// use asyncselect_scenario::source::Source;
///
/// let text = r#"{
///   "format": 1, "title": "a new socket cannot send", "clauses": ["AS-WR-01"],
///   "steps": [
///     { "do": { "socket": { "type": "SOCK_STREAM" } }, "as": "s" },
///     { "do": { "send": { "s": "s", "data": "x" } }, "expect": { "error": "WSAENOTCONN" } }
///   ]
/// }"#;
/// let source = Source { path: "example.json".into(), text: text.to_owned() };
/// let script = Script::check(source)?;
/// assert_eq!(verdict(&script, &Profile::documented()).agreement, Agreement::Agrees);
/// # Ok::<(), asyncselect_scenario::source::SourceError>(())
/// ```
#[must_use]
pub fn verdict(script: &Script, profile: &Profile) -> Verdict {
    if script.is_about_others_than(profile.name()) {
        return Verdict::about_others();
    }
    let run = simulate(script, profile);
    judge(script, &run.ending, &run.seen, |knob, value| run.decided(knob) == Some(value))
}

/// The trace of a script on any stack.
pub fn trace_on<S: Stack>(script: &Script, stack: &mut S) -> (Vec<TraceLine>, Ending) {
    let mut tracer = Tracer::new(script);
    let ending = runner::run(script, stack, &mut tracer);
    (tracer.finish(), ending)
}

/// The trace of a script on the model.
#[must_use]
pub fn trace(script: &Script, profile: &Profile) -> (Vec<TraceLine>, Ending) {
    trace_on(script, &mut simulator::<true>(script, profile))
}
