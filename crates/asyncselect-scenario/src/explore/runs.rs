//! The runs of a scenario as a state space: everything that can happen between its steps.
//!
//! A state is a moment of a run: where the program is, the simulated machines, and what the program
//! has seen. From pause to pause the program goes on by itself; at a pause whatever happens by
//! itself may happen first, in any order. An open knob is decided every way, when it first matters.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use asyncselect_model::chooser::Enumerating;
use asyncselect_model::profile::Setting;
use asyncselect_model::{KnobId, Move, Profile};

use super::fingerprint::hash_of;
use super::search::{Label, Marks, Pace, Sighting, Space, Step};
use super::standing::Judged;
use super::tree::Tree;
use super::watch::{Found, Memory, Watch};
use crate::program::{Pause, Program};
use crate::runner::{Deaf, Ending, Observation, Observer, Place};
use crate::script::Script;
use crate::sim::{Moment, Sim};
use crate::stack::{Happening, Stack};

/// The runs of a script on a profile.
pub struct Runs<'s> {
    start: State<'s>,
    reduction: Reduction,
    template: Watched,
}

/// Carries steps out, for one worker. What it holds of a run is put there first.
#[derive(Clone, Debug)]
pub struct Simulator(Watched);

/// A simulator whose moves are looked at.
type Watched = Sim<false, Enumerating, Watch>;

/// Whether orders that cannot be told apart are followed once only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// They are.
    On,
    /// Every order is followed; for checking that nothing is lost.
    Off,
}

/// Which of a script's steps leave the order open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freedom {
    /// Those that say `"settle": false`. While the network comes to rest, all orders are possible.
    AsWritten,
    /// All calls.
    AllCalls,
}

/// A moment of a run.
#[derive(Clone, Debug)]
pub struct State<'s> {
    program: Program<'s>,
    now: Box<Moment<false>>,
    /// What the monitor remembers, if the runs are judged.
    memory: Option<Box<Memory>>,
    pause: Pause,
    seen: Seen,
    /// How the run ended, if it did.
    ending: Option<Ending>,
}

impl<'s> State<'s> {
    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program<'s> {
        &self.program
    }

    /// How the run ended, if it did.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// What the program saw.
    #[must_use]
    pub fn seen(&self) -> Vec<Observation> {
        let mut all: Vec<_> = self.seen.iter().cloned().collect();
        all.reverse();
        all
    }

    /// Forgets what the program saw, and puts it here, the latest first.
    pub(crate) fn forget(&mut self, seen: &mut Vec<Observation>) {
        let mut next = self.seen.0.take();
        while let Some(sight) = next {
            match Arc::try_unwrap(sight) {
                Ok(mut sight) => {
                    next = sight.before.0.take();
                    seen.push(sight.observation);
                }
                Err(shared) => {
                    next = shared.before.0.clone();
                    seen.push(shared.observation.clone());
                }
            }
        }
    }

    /// A number for what the program saw and how the run ended, the same for what is the same.
    #[must_use]
    pub fn outcome(&self) -> u64 {
        hash_of((self.seen.hash(), &self.ending))
    }

    /// The alternative that the run took at a knob, or its profile holds.
    #[must_use]
    pub fn decided(&self, knob: KnobId) -> Option<u8> {
        self.now.world().decided(knob)
    }
}

/// More things may happen first, or be decided in one step, than are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TooMany;

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more than 64 things may happen first, or more than 1024 choices come of one")
    }
}

/// Several things may come of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parted;

/// What happens first from a state, by label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The program goes on.
    Program,
    /// Something else.
    Happening(Happening),
}

impl<'s> Runs<'s> {
    /// All runs with the alternatives that the script chooses, or any. What `setup` makes is there
    /// when they begin.
    ///
    /// # Errors
    ///
    /// With how every run ends, if setting up fails.
    pub fn of(
        script: &'s Script,
        profile: &Profile,
        freedom: Freedom,
        reduction: Reduction,
    ) -> Result<Self, Ending> {
        let mut profile = Cow::Borrowed(profile);
        for (knob, value) in &script.choices {
            let setting = profile.setting(*knob).clone();
            if setting.value.is_none() {
                profile.to_mut().set(*knob, Setting { value: Some(*value), ..setting });
            }
        }
        let mut template = Sim::watched(&profile, Enumerating::new(), Watch::default());
        let mut program = Program::begin(script, &mut template)?;
        if freedom == Freedom::AllCalls {
            program.leave_all_open();
        }
        // Setting up is no part of what is looked at: it goes the first way.
        program.set_up(&mut template, &mut Deaf)?;
        let now = template.now_mut().clone();
        *template.chooser_mut() = Enumerating::new();
        let (pause, seen) = (Pause::Open, Seen::default());
        let start = State { program, now, memory: None, pause, seen, ending: None };
        Ok(Self { start, reduction, template })
    }

    /// The same, with every move judged by what must hold always.
    #[must_use]
    pub fn judged(mut self) -> Self {
        self.start.memory = Some(Box::new(Memory::new(self.start.now.world())));
        self
    }

    /// The way on to an end that is tried first.
    pub(super) fn to_an_end(&self, path: &mut Vec<Label>) -> State<'s> {
        let mut state = self.at(path);
        let simulator = &mut self.scratch();
        while state.ending.is_none() {
            let mut first = None;
            self.each(&state, simulator, &mut |label, _, to| {
                first = first.take().or_else(|| Some((label, to.ok()?)));
            });
            let Some((label, to)) = first else { break };
            path.push(label);
            state = to;
        }
        state
    }

    /// What happens first on the way of this label from a state.
    #[must_use]
    pub fn first(&self, state: &State<'s>, label: Label) -> First {
        let (at, _) = split(label);
        self.options(state).nth(at).expect("the label is one of the state's")
    }

    /// What may happen first from a state: the program's next step if it may come now, and what
    /// happens by itself.
    fn options<'o>(&self, state: &'o State<'s>) -> impl Iterator<Item = First> + use<'o, 's> {
        let goes_on = state.ending.is_none() && state.pause == Pause::Open;
        let happens = state.ending.is_none() && !state.program.insists();
        let moves = state.now.world().moves().filter(move |_| happens);
        let happenings = moves.map(|mv| First::Happening(happening(&mv)));
        goes_on.then_some(First::Program).into_iter().chain(happenings)
    }

    /// The option that can be followed alone, since it makes no difference to the others, nor they
    /// to it, and nobody sees it.
    fn alone(&self, state: &State<'s>) -> Option<usize> {
        let free = |first: First| match (self.reduction, first) {
            (Reduction::Off, _) | (Reduction::On, First::Program) => false,
            (
                Reduction::On,
                First::Happening(
                    Happening::Return { .. } | Happening::Upcall | Happening::Land { .. },
                ),
            ) => false,
            (Reduction::On, First::Happening(Happening::Deliver { connection, toward })) => {
                let private = state.now.world().is_private(connection, toward);
                private.is_some_and(|socket| {
                    state.pause == Pause::Rest || !state.program.may_use_before_rest(socket)
                })
            }
        };
        self.options(state).position(free)
    }

    /// Lets the option of this number come first; choices inside it are the simulator's to make.
    fn take(&self, sim: &mut Watched, state: &State<'s>, at: usize) -> State<'s> {
        let mut next = state.clone();
        let mut seen = std::mem::take(&mut next.seen);
        self.take_here(sim, &mut next, at, &mut seen);
        next.seen = seen;
        next
    }

    /// The same without a copy of the state. What the program sees is told to who observes.
    fn take_here(
        &self,
        sim: &mut Watched,
        state: &mut State<'s>,
        at: usize,
        observer: &mut impl Observer,
    ) {
        let first = self.options(state).nth(at).expect("the option is one of the state's");
        match first {
            First::Program => proceed(sim, state, observer),
            First::Happening(happening) => {
                exchange(sim, state);
                let happened = sim.happen(happening);
                exchange(sim, state);
                sim.watcher_mut().note(state.program.place());
                if let Err(error) = happened {
                    state.ending = Some(Ending::Failed(state.program.place(), error));
                }
            }
        }
        // It goes on as long as nothing else can happen first.
        let only_goes_on = |state: &State<'s>| {
            state.program.insists() || state.now.world().moves().next().is_none()
        };
        while state.ending.is_none() && only_goes_on(state) {
            proceed(sim, state, observer);
        }
    }

    /// Takes every way on.
    pub(crate) fn each(
        &self,
        state: &State<'s>,
        Simulator(sim): &mut Simulator,
        found: &mut impl FnMut(Label, Marks, Result<State<'s>, TooMany>),
    ) {
        let all = 0..self.options(state).count();
        let options = self.alone(state).map_or(all, |at| at..at + 1);
        for at in options {
            for choice in 0.. {
                let Some(label) = join(at, choice) else {
                    *sim.chooser_mut() = Enumerating::new();
                    found(Label(u16::MAX), 0, Err(TooMany));
                    return;
                };
                let next = self.take(sim, state, at);
                let marks = sim.watcher_mut().take_found().marks;
                found(label, marks, Ok(next));
                if !sim.chooser_mut().advance() {
                    break;
                }
            }
        }
    }

    /// Takes the only way on, without a copy of the state; none if there are several, or it is
    /// over. What the program sees is told to who observes, and kept nowhere else.
    ///
    /// # Errors
    ///
    /// If several things may come of it. The state is then one of them.
    pub(crate) fn go_on(
        &self,
        state: &mut State<'s>,
        Simulator(sim): &mut Simulator,
        observer: &mut impl Observer,
    ) -> Result<Option<Label>, Parted> {
        let only = || {
            let mut options = self.options(state);
            options.next().filter(|_| options.next().is_none()).map(|_| 0)
        };
        let Some(at) = only().or_else(|| self.alone(state)) else { return Ok(None) };
        self.take_here(sim, state, at, observer);
        sim.watcher_mut().take_found();
        match sim.chooser_mut().advance() {
            false => Ok(join(at, 0)),
            true => {
                *sim.chooser_mut() = Enumerating::new();
                Err(Parted)
            }
        }
    }

    /// The state at the end of a path.
    pub(crate) fn at(&self, path: &[Label]) -> State<'s> {
        let mut state = self.start();
        let Simulator(sim) = &mut self.scratch();
        for label in path {
            self.again(sim, &mut state, *label);
        }
        state
    }

    /// Where the program is when a step first shows any of these marks.
    pub(super) fn place_of(&self, state: &mut State<'s>, label: Label, wanted: Marks) -> Place {
        let before = state.program.place();
        let Simulator(sim) = &mut self.scratch();
        sim.watcher_mut().wanted = wanted;
        self.again(sim, state, label);
        sim.watcher_mut().place.take().unwrap_or(before)
    }

    /// Takes a step that was found before.
    fn again(&self, sim: &mut Watched, state: &mut State<'s>, label: Label) -> Found {
        let (at, choice) = split(label);
        let mut next = self.take(sim, state, at);
        for _ in 0..choice {
            assert!(sim.chooser_mut().advance(), "the label is one of the state's");
            sim.watcher_mut().take_found();
            sim.watcher_mut().place = None;
            next = self.take(sim, state, at);
        }
        *sim.chooser_mut() = Enumerating::new();
        *state = next;
        sim.watcher_mut().take_found()
    }
}

impl<'s> Space for Runs<'s> {
    type State = State<'s>;
    type Cut = TooMany;
    type Scratch = Simulator;

    fn start(&self) -> State<'s> {
        self.start.clone()
    }

    fn scratch(&self) -> Simulator {
        Simulator(self.template.clone())
    }

    fn steps(
        &self,
        state: &State<'s>,
        pace: Pace,
        simulator: &mut Simulator,
        found: &mut impl FnMut(Step<'_, Self>),
    ) {
        if pace == Pace::Counted {
            self.each(state, simulator, &mut |label, marks, to| {
                found(Step { label, marks, to: to.as_ref().map_err(|cut| *cut) });
            });
        }
    }

    fn follow(&self, state: &mut State<'s>, label: Label) {
        self.again(&mut self.scratch().0, state, label);
    }

    fn behind(
        &self,
        state: &State<'s>,
        label: Label,
        next: &mut State<'s>,
        Simulator(sim): &mut Simulator,
    ) {
        next.clone_from(state);
        self.again(sim, next, label);
    }

    fn fingerprint(&self, state: &State<'s>) -> u64 {
        let State { program, now, memory, pause, seen, ending } = state;
        let monitor = memory.as_ref().map(|memory| &memory.monitor);
        hash_of((program, now, monitor, pause, seen.hash(), ending))
    }
}

impl Judged for Runs<'_> {
    fn excuses(&self, tree: &Tree, Sighting { node, step, .. }: Sighting) -> u64 {
        let mut state = self.at(&tree.path(node));
        let Simulator(sim) = &mut self.scratch();
        step.map_or(0, |label| self.again(sim, &mut state, label).excuses)
    }
}

/// The program goes on to its next pause.
fn proceed(sim: &mut Watched, state: &mut State<'_>, observer: &mut impl Observer) {
    exchange(sim, state);
    let result = state.program.proceed(sim, observer);
    exchange(sim, state);
    sim.watcher_mut().note(state.program.place());
    match result {
        Ok(Pause::Over) => state.ending = Some(Ending::Completed),
        Ok(pause) => state.pause = pause,
        Err(ending) => state.ending = Some(ending),
    }
}

/// Puts a run into a simulator, or takes it out again.
fn exchange(sim: &mut Watched, state: &mut State<'_>) {
    std::mem::swap(sim.now_mut(), &mut state.now);
    std::mem::swap(&mut sim.watcher_mut().memory, &mut state.memory);
}

impl fmt::Debug for Runs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runs").field("start", &self.start).finish_non_exhaustive()
    }
}

pub(super) fn happening(mv: &Move<'_>) -> Happening {
    match mv {
        Move::Return { thread } => Happening::Return { thread: *thread },
        Move::Deliver { link, toward } => Happening::Deliver { connection: *link, toward: *toward },
        Move::Upcall => Happening::Upcall,
        Move::Land { number } => Happening::Land { number: *number },
        Move::Call { .. } | Move::Retrieve(_) | Move::Tick { .. } | Move::Fault(_) => {
            unreachable!("these do not happen by themselves")
        }
    }
}

/// What a program saw, the latest first; runs that part share what was before.
#[derive(Clone, Debug, Default)]
struct Seen(Option<Arc<Sight>>);

#[derive(Debug)]
struct Sight {
    before: Seen,
    observation: Observation,
    /// Of everything up to here.
    hash: u64,
}

impl Seen {
    fn hash(&self) -> u64 {
        self.0.as_ref().map_or(0, |sight| sight.hash)
    }

    /// The latest first.
    fn iter(&self) -> impl Iterator<Item = &Observation> {
        let mut next = &self.0;
        std::iter::from_fn(move || {
            let sight = next.as_ref()?;
            next = &sight.before.0;
            Some(&sight.observation)
        })
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        // One after the other: what was seen may be long, and stacks are not.
        let mut next = self.0.take();
        while let Some(mut sight) = next.and_then(Arc::into_inner) {
            next = sight.before.0.take();
        }
    }
}

impl Observer for Seen {
    fn observed(&mut self, observation: Observation) {
        let hash = hash_of((self.hash(), &observation));
        let before = std::mem::take(self);
        *self = Self(Some(Arc::new(Sight { before, observation, hash })));
    }
}

/// Option and choice in one label, if they fit; in the order in which they are tried.
fn join(at: usize, choice: u16) -> Option<Label> {
    let at = u16::try_from(at).ok().filter(|at| *at < 1 << (u16::BITS - CHOICE_BITS))?;
    (choice < 1 << CHOICE_BITS).then_some(Label(at << CHOICE_BITS | choice))
}

fn split(Label(label): Label) -> (usize, u16) {
    (usize::from(label >> CHOICE_BITS), label & ((1 << CHOICE_BITS) - 1))
}

/// 64 things may happen first: one a thread, two a connection, one a datagram. Each with 1024
/// combinations of alternatives.
const CHOICE_BITS: u32 = 10;
