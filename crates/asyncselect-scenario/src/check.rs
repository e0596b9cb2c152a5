//! Whether a profile allows what a stack showed: a checker keeps every run of the script that
//! explains what was seen so far, and goes on from all of them.
//!
//! Where nothing explains the next thing, that is a refusal: the checker says what would have been
//! allowed, and goes on as if the nearest of it had come, so that one check finds all deviations.

use std::collections::{BTreeSet, HashSet};

use asyncselect_abi::NetworkEvent;
use asyncselect_model::latch::Guard;
use asyncselect_model::{KnobId, Profile};
use foldhash::fast::FixedState;

use crate::diff::{difference, ending_kind, ending_text, same_where, text_of};
use crate::explore::outcomes::firsts;
use crate::explore::replay::{Traveller, replay};
use crate::explore::runs::{First, Freedom, Parted, Reduction, Runs, Simulator, State};
use crate::explore::search::Space;
use crate::explore::tree::{NodeId, Tree};
use crate::judge::Seen;
use crate::runner::{Ending, Observation, Place, Retrieved};
use crate::script::{Op, Script};
use crate::simulate::{Run, simulator_choosing};
use crate::trace::{SilentEvent, TraceEvent, Tracer};

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What no run of the profile explains, in order.
    pub refusals: Vec<Refusal>,
    /// How far the check came.
    pub extent: Extent,
    /// How many states explained what was seen, after each thing that was seen.
    pub sizes: Vec<usize>,
    /// What the runs that explain it decided where the profile leaves a knob open; each set once.
    pub ways: Vec<Vec<(KnobId, u8)>>,
    /// Whether there were other runs, of which the model does not say how they go on.
    pub cut: bool,
}

impl Checked {
    /// The alternatives that the stack took where the profile leaves a knob open: those without
    /// which nothing explains what was seen.
    #[must_use]
    pub fn taken(&self) -> Vec<(KnobId, u8)> {
        let Some((first, others)) = self.ways.split_first() else { return Vec::new() };
        let agree = |decision: &&(KnobId, u8)| others.iter().all(|way| way.contains(decision));
        first.iter().filter(agree).copied().collect()
    }

    /// Whether the profile allows all of it.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.refusals.is_empty() && self.extent == Extent::Whole
    }
}

/// How far a check came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// To the end.
    Whole,
    /// To here: after a deviation the script does not go on in any run of the profile.
    Astray(Place),
    /// To here: more states would have had to be kept than the limit allows.
    Capped(Place),
}

/// Something that was seen and that nothing explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where.
    pub place: Place,
    /// What came.
    pub came: String,
    /// The events of the messages that came.
    pub events: Vec<NetworkEvent>,
    /// What would have been allowed; the nearest first, which the check went on from.
    pub allowed: Vec<Allowed>,
}

/// Something that a profile allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// What a program would have seen.
    pub text: String,
    /// The shortest way there: what came first wherever something else might have.
    pub schedule: Vec<First>,
    /// What was decided on this way.
    pub decided: Vec<(KnobId, u8)>,
}

impl Allowed {
    /// The clauses and facts that demand it: those behind the messages posted since the last claim
    /// and the silence of events that came, or behind the error of the call.
    #[must_use]
    pub fn clauses(&self, script: &Script, profile: &Profile, refusal: &Refusal) -> Vec<String> {
        let mut tracer = Tracer::full(script);
        let mut sim = simulator_choosing::<true>(profile, self.decided.clone());
        replay(script, Freedom::AsWritten, &mut sim, &self.schedule, &mut tracer);
        let last = match refusal.place {
            Place::Setup => 0,
            Place::Step(index) => index + 1,
            Place::End => script.steps.len() + 1,
        };
        let claims = |step: usize| match step.checked_sub(1).map(|index| script.steps.get(index)) {
            Some(None | Some(Op::Claim(_))) => true,
            Some(Some(_)) | None => false,
        };
        let first = match claims(last) {
            true => (1..last).rev().find(|step| claims(*step)).map_or(0, |step| step + 1),
            false => last,
        };
        let mut clauses: Vec<String> = Vec::new();
        for line in tracer.finish() {
            if !(first..=last).contains(&line.step.unwrap_or(0)) {
                continue;
            }
            match line.event {
                TraceEvent::Post { clause, .. } if claims(last) => clauses.push(clause),
                TraceEvent::Return { clause: Some(clause), .. }
                | TraceEvent::Record { clause, .. }
                    if !claims(last) =>
                {
                    clauses.push(clause);
                }
                TraceEvent::Call { .. }
                | TraceEvent::Return { .. }
                | TraceEvent::Post { .. }
                | TraceEvent::Record { .. }
                | TraceEvent::Retrieve { .. }
                | TraceEvent::Deliver { .. }
                | TraceEvent::Land { .. }
                | TraceEvent::Fault { .. }
                | TraceEvent::Tick { .. } => {}
            }
            // What nobody asked for needs no clause, unless it came.
            let matters = |silent: &&SilentEvent| {
                let unasked = [Guard::NoRegistration.about(), Guard::NotInMask.about()];
                let came = refusal.events.contains(&silent.event);
                claims(last) && (came || !unasked.contains(&silent.guard.as_str()))
            };
            clauses.extend(line.silent.iter().filter(matters).map(|silent| silent.clause.clone()));
        }
        clauses.sort();
        clauses.dedup();
        clauses
    }
}

impl Traveller for Tracer<'_> {}

/// How many states a check keeps at most, unless told otherwise.
pub const STATES_MAX: usize = 100_000;

/// Checks a run of a script on any stack. One that came to no end of its own (it could not be run,
/// or the stack failed) is checked up to there.
///
/// # Errors
///
/// With how every run of the profile ends, if setting up fails.
pub fn check(
    script: &Script,
    profile: &Profile,
    live: &Run,
    states_max: usize,
) -> Result<Checked, Ending> {
    let runs = Runs::of(script, profile, Freedom::AsWritten, Reduction::On)?;
    let start = World { node: 0, state: runs.start(), ahead: Vec::new() };
    let set_up: Vec<KnobId> =
        KnobId::ALL.iter().copied().filter(|knob| start.state.decided(*knob).is_some()).collect();
    let mut checker = Checker {
        script,
        profile,
        runs: &runs,
        simulator: runs.scratch(),
        tree: Tree::new(),
        states_max,
        worlds: vec![start],
        checked: Checked {
            refusals: Vec::new(),
            extent: Extent::Whole,
            sizes: Vec::new(),
            ways: Vec::new(),
            cut: false,
        },
    };
    checker.all(live);
    // What setting up decided, it decided without a look at the stack.
    let ways: BTreeSet<_> = checker
        .worlds
        .iter()
        .map(|world| {
            let mut decisions = checker.open_decisions(&world.state);
            decisions.retain(|(knob, _)| !set_up.contains(knob));
            decisions
        })
        .collect();
    checker.checked.ways = ways.into_iter().collect();
    Ok(checker.checked)
}

/// A state that explains what was seen so far, and its place in the tree of all that were kept.
struct World<'s> {
    node: NodeId,
    state: State<'s>,
    /// What its program saw beyond that, the next last: one step may show thousands of things.
    ahead: Vec<Observation>,
}

impl World<'_> {
    /// The next thing that its program saw, if it did yet.
    fn next(&self) -> Option<&Observation> {
        self.ahead.last()
    }

    fn explains(&self, script: &Script, came: &Observation) -> bool {
        let holds = |knob, value| self.state.decided(knob) == Some(value);
        self.next().is_some_and(|seen| same_where(script, &holds, seen, came))
    }
}

struct Checker<'c, 's> {
    script: &'s Script,
    profile: &'c Profile,
    runs: &'c Runs<'s>,
    simulator: Simulator,
    tree: Tree,
    states_max: usize,
    worlds: Vec<World<'s>>,
    checked: Checked,
}

/// More states than may be kept.
struct TooMany;

impl<'s> Checker<'_, 's> {
    fn all(&mut self, live: &Run) {
        let mut count = 0;
        loop {
            count += self.alone(&live.seen[count..]);
            let Some(came) = live.seen.get(count) else { break };
            let Ok(next) = self.until() else {
                self.checked.extent = Extent::Capped(came.place());
                return;
            };
            let (mut explain, mut others): (Vec<_>, Vec<_>) =
                next.into_iter().partition(|world| world.explains(self.script, came));
            if explain.is_empty() {
                explain = self.refuse(&mut others, came.place(), Some(came), &live.ending);
            }
            if explain.is_empty() {
                self.checked.extent = Extent::Astray(came.place());
                return;
            }
            self.checked.sizes.push(explain.len());
            for world in &mut explain {
                world.ahead.pop();
            }
            self.worlds = explain;
            count += 1;
        }
        self.end(live);
    }

    /// Goes on in place, without copies, where there is one world with one way on; says how much of
    /// what came that explained.
    fn alone(&mut self, live: &[Observation]) -> usize {
        let mut count = 0;
        // Since something was seen last: bounded as in `until`, which looks for circles too.
        let mut steps = 0;
        while steps <= self.states_max
            && let [world] = &mut self.worlds[..]
            && let Some(came) = live.get(count)
        {
            if world.ahead.is_empty() {
                let mut seen = Seen(std::mem::take(&mut world.ahead));
                match self.runs.go_on(&mut world.state, &mut self.simulator, &mut seen) {
                    Ok(Some(label)) => {
                        world.node = self.tree.add(world.node, label);
                        seen.0.reverse();
                        world.ahead = seen.0;
                        steps += 1;
                        continue;
                    }
                    Ok(None) => break,
                    Err(Parted) => {
                        world.state = self.runs.at(&self.tree.path(world.node));
                        world.state.forget(&mut Vec::new());
                        break;
                    }
                }
            }
            if !world.explains(self.script, came) {
                break;
            }
            world.ahead.pop();
            self.checked.sizes.push(1);
            count += 1;
            steps = 0;
        }
        count
    }

    /// Looks whether a run that explains everything also ends so.
    fn end(&mut self, live: &Run) {
        let place = match &live.ending {
            Ending::Completed => Place::End,
            Ending::Blocked(place) => *place,
            // Where something was missing that a call before should have made.
            Ending::NotSetUp(_) => live.seen.last().map_or(Place::Setup, Observation::place),
            Ending::NotRunnable(_) | Ending::Failed(..) => return,
        };
        let Ok(next) = self.until() else {
            self.checked.extent = Extent::Capped(place);
            return;
        };
        let ends_so = |world: &World<'_>| {
            let kind = world.state.ending().map(ending_kind);
            kind == Some(ending_kind(&live.ending)) && world.next().is_none()
        };
        let (explain, mut others): (Vec<_>, Vec<_>) = next.into_iter().partition(ends_so);
        if explain.is_empty() {
            self.worlds = self.refuse(&mut others, place, None, &live.ending);
        } else {
            self.worlds = explain;
        }
    }

    /// Follows all runs up to the first states that have seen something more, or are over.
    fn until(&mut self) -> Result<Vec<World<'s>>, TooMany> {
        let mut known = HashSet::with_hasher(FixedState::with_seed(0));
        let mut found = Vec::new();
        let mut cut = false;
        let mut rest = std::mem::take(&mut self.worlds);
        let mut next = Vec::new();
        while !rest.is_empty() {
            for world in rest.drain(..) {
                if world.next().is_some() || world.state.ending().is_some() {
                    found.push(world);
                    continue;
                }
                self.runs.each(&world.state, &mut self.simulator, &mut |label, _, to| {
                    let Ok(mut state) = to else {
                        cut = true;
                        return;
                    };
                    if known.insert(self.runs.fingerprint(&state)) {
                        let node = self.tree.add(world.node, label);
                        let mut ahead = Vec::new();
                        state.forget(&mut ahead);
                        next.push(World { node, state, ahead });
                    }
                });
                if known.len() > self.states_max {
                    return Err(TooMany);
                }
            }
            std::mem::swap(&mut rest, &mut next);
        }
        self.checked.cut |= cut;
        Ok(found)
    }

    /// Notes what came and what would have been allowed, and gives the worlds in which the nearest
    /// of that came; none if no run goes on.
    fn refuse(
        &mut self,
        others: &mut Vec<World<'s>>,
        place: Place,
        came: Option<&Observation>,
        ending: &Ending,
    ) -> Vec<World<'s>> {
        let text = |world: &World<'_>| match (world.next(), world.state.ending()) {
            (Some(seen), _) => text_of(self.script, seen),
            (None, Some(ending)) => ending_text(ending),
            (None, None) => unreachable!("it is over, or more was seen"),
        };
        let far = |world: &World<'_>| match (world.next(), came) {
            (Some(seen), Some(came)) => difference(seen, came),
            (Some(_), None) | (None, _) => usize::MAX,
        };
        // Stable: among the equally near, the first that was found.
        others.sort_by_key(far);
        let mut allowed: Vec<Allowed> = Vec::new();
        for world in &*others {
            let text = text(world);
            if allowed.iter().all(|known| known.text != text) {
                let schedule = firsts(self.runs, &self.tree.path(world.node));
                let decided = self.open_decisions(&world.state);
                allowed.push(Allowed { text, schedule, decided });
            }
        }
        let nearest = allowed.first().map(|allowed| allowed.text.clone());
        let events = came.map(events_of).unwrap_or_default();
        let came = came.map_or_else(|| ending_text(ending), |came| text_of(self.script, came));
        let near: Vec<_> = others
            .drain(..)
            .filter(|world| world.next().is_some() && Some(text(world)) == nearest)
            .collect();
        self.checked.refusals.push(Refusal { place, came, events, allowed });
        near
    }

    /// What a run decided that its profile leaves open.
    fn open_decisions(&self, state: &State<'_>) -> Vec<(KnobId, u8)> {
        let open = |knob: &&KnobId| self.profile.setting(**knob).value.is_none();
        let decided = |knob: &KnobId| Some((*knob, state.decided(*knob)?));
        KnobId::ALL.iter().filter(open).filter_map(decided).collect()
    }
}

fn events_of(observation: &Observation) -> Vec<NetworkEvent> {
    match observation {
        Observation::Messages { messages, .. } => {
            messages.iter().filter_map(Retrieved::event).collect()
        }
        Observation::Return { .. }
        | Observation::NeverFailed { .. }
        | Observation::Waiting { .. } => Vec::new(),
    }
}
