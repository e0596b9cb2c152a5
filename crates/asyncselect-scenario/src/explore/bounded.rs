//! The space of a suite: every sequence of its letters, every order in which segments arrive and
//! calls return in between.
//!
//! A letter is a counted step, what happens by itself is free: so a state stands in the round of
//! the fewest letters that lead to it. A letter whose names are not bound, or whose thread waits,
//! is not there; one that makes a socket binds its name anew.

use std::net::SocketAddr;

use asyncselect_abi::call::BackendCall;
use asyncselect_abi::{Call, Hwnd, PumpFilter, SocketHandle, ThreadId, Value, WsaError};
use asyncselect_model::chooser::Enumerating;
use asyncselect_model::stream::Side;
use asyncselect_model::world::THREADS_MAX;
use asyncselect_model::{Canonical, Chooser, ModelError, Move, Profile, World};

use super::fingerprint::Fingerprint;
use super::monitor::{Happened, Monitor, Seen};
use super::properties::Broken;
use super::search::{Label, Marks, Pace, Sighting, Space, Step};
use super::standing::Judged;
use super::tree::Tree;
use crate::program::{Handles, Pause, Program};
use crate::runner::{Ending, Observation, Observer, Place};
use crate::script::NameId;
use crate::script::suite::{Act, LETTERS_MAX, Letter, SUITE_SOCKETS_MAX, SUITE_WINDOWS_MAX, Suite};
use crate::sim::Sim;

/// What becomes of knobs that the profile leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// The first alternative.
    Canonical,
    /// Every alternative, wherever a knob first matters.
    Every,
}

/// The space of a suite on a profile.
#[derive(Debug)]
pub struct Bounded<'s> {
    pub(super) suite: &'s Suite,
    pub(super) profile: Profile,
    open: Open,
    start: State,
    /// Where sockets are bound at the start; addresses of others are not known.
    addresses: Vec<Option<SocketAddr>>,
}

/// A state: the world, what the names of the suite stand for, and the monitor's memory.
#[derive(Debug)]
pub struct State {
    pub(super) world: World,
    /// Handles by name; 0 for none.
    sockets: [u16; SUITE_SOCKETS_MAX],
    windows: [u32; SUITE_WINDOWS_MAX],
    /// The letter whose call each thread waits for, counted from 1.
    pub(super) waiting: [u8; THREADS_MAX],
    monitor: Monitor,
}

impl Clone for State {
    fn clone(&self) -> Self {
        let Self { world, monitor, .. } = self;
        Self { world: world.clone(), monitor: monitor.clone(), ..*self }
    }

    #[inline]
    fn clone_from(&mut self, source: &Self) {
        let Self { world, sockets, windows, waiting, monitor } = source;
        self.world.clone_from(world);
        self.sockets = *sockets;
        self.windows = *windows;
        self.waiting = *waiting;
        self.monitor.clone_from(monitor);
    }
}

/// What is used again for every step.
#[derive(Debug)]
pub struct Scratch {
    next: State,
    seen: Seen,
    calls: Calls,
}

/// The calls of the letters, if all their names are bound. They are made anew where names stand for
/// something that they have not stood for lately.
#[derive(Debug)]
struct Calls {
    /// What was needed last, first; never empty.
    lately: Vec<Bound>,
}

/// The same where names stand for these handles.
#[derive(Debug)]
struct Bound {
    sockets: [u16; SUITE_SOCKETS_MAX],
    windows: [u32; SUITE_WINDOWS_MAX],
    by_letter: Vec<Option<BackendCall>>,
}

impl Bound {
    #[inline]
    fn is_for(&self, state: &State) -> bool {
        (self.sockets, self.windows) == (state.sockets, state.windows)
    }
}

impl Calls {
    /// How many are kept: states that come one after the other are much alike.
    const KEPT: usize = 16;

    /// The call of a letter.
    fn of(&self, letter: usize) -> Option<&BackendCall> {
        self.lately[0].by_letter[letter].as_ref()
    }

    /// The call that something makes, or that returns by it.
    fn at(&self, state: &State, happening: Happening) -> Option<&BackendCall> {
        match happening {
            Happening::Letter(letter) => self.of(letter),
            Happening::Return(thread) => self.of(state.waits_for(thread)?),
            Happening::Upcall | Happening::Deliver(..) | Happening::Land(_) => None,
        }
    }
}

/// The datagrams under way at once that a suite tells apart.
const SUITE_DATAGRAMS_MAX: usize = 32;

/// What is wrong or remarkable, and what excuses it.
struct Found {
    marks: Marks,
    excuses: u64,
}

/// Why nobody knows what a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// The call, or who gave up.
    pub who: &'static str,
    /// What about it.
    pub what: &'static str,
}

impl From<ModelError> for Cut {
    fn from(ModelError { call, what }: ModelError) -> Self {
        Self { who: call, what }
    }
}

/// What a label stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// The letter of this number.
    Letter(usize),
    /// A call that waited returns.
    Return(ThreadId),
    /// An upcall returns.
    Upcall,
    /// A segment arrives.
    Deliver(u8, Side),
    /// A datagram arrives.
    Land(u8),
}

impl Happening {
    const RETURN: usize = LETTERS_MAX;
    const UPCALL: usize = Self::RETURN + THREADS_MAX;
    const LAND: usize = Self::UPCALL + 1;
    const DELIVER: usize = Self::LAND + SUITE_DATAGRAMS_MAX;
    /// The combinations of choices within one step.
    const CHOICES: usize = 256;

    pub(super) fn of(label: Label) -> Self {
        let number = usize::from(label.0) / Self::CHOICES;
        let byte = |number: usize| u8::try_from(number).expect("a label's high byte");
        match number.checked_sub(Self::DELIVER) {
            Some(end) => Self::Deliver(byte(end / 2), Side::ALL[end % 2]),
            None => match (number.checked_sub(Self::LAND), number.checked_sub(Self::RETURN)) {
                (Some(flight), _) => Self::Land(byte(flight)),
                (None, Some(THREADS_MAX)) => Self::Upcall,
                (None, Some(thread)) => Self::Return(ThreadId(byte(thread))),
                (None, None) => Self::Letter(number),
            },
        }
    }

    /// Whether it counts.
    pub(super) fn is_letter(self) -> bool {
        match self {
            Self::Letter(_) => true,
            Self::Return(_) | Self::Upcall | Self::Deliver(..) | Self::Land(_) => false,
        }
    }

    fn label(self, choice: usize) -> Label {
        let number = match self {
            Self::Letter(letter) => letter,
            Self::Return(thread) => Self::RETURN + usize::from(thread.0),
            Self::Upcall => Self::UPCALL,
            Self::Land(flight) => Self::LAND + usize::from(flight),
            Self::Deliver(link, side) => {
                let side = usize::from(side == Side::Acceptor);
                Self::DELIVER + 2 * usize::from(link) + side
            }
        };
        let label = number * Self::CHOICES + choice;
        Label(u16::try_from(label).expect("a suite has few connections"))
    }

    fn choice(label: Label) -> usize {
        usize::from(label.0) % Self::CHOICES
    }
}

/// Keeps what the steps before the suite gave out.
#[derive(Default)]
struct Made {
    sockets: Vec<(NameId, SocketHandle)>,
    windows: Vec<(NameId, Hwnd)>,
    failed: Option<(Place, &'static str, WsaError)>,
}

impl Observer for Made {
    fn observed(&mut self, observation: Observation) {
        if let Observation::Return { place, call, result: Err(error), .. } = observation {
            self.failed.get_or_insert((place, call, error));
        }
    }

    fn named(&mut self, handle: SocketHandle, name: NameId) {
        self.sockets.push((name, handle));
    }

    fn named_window(&mut self, hwnd: Hwnd, name: NameId) {
        self.windows.push((name, hwnd));
    }
}

impl<'s> Bounded<'s> {
    /// Carries out what happens before.
    ///
    /// # Errors
    ///
    /// If the situation does not come about on this profile.
    pub fn new(suite: &'s Suite, profile: &Profile, open: Open) -> Result<Self, Ending> {
        let mut sim = Sim::<false>::new(profile, Canonical);
        let mut made = Made::default();
        let mut program = Program::begin(&suite.start, &mut sim)?;
        while program.place() != Place::End {
            match program.proceed(&mut sim, &mut made)? {
                Pause::Open | Pause::Over => {}
                Pause::Rest => program.rest(&mut sim, &mut made)?,
            }
        }
        if let Some((place, call, error)) = made.failed {
            return Err(Ending::NotSetUp(format!("{place}: {call} failed with {error}")));
        }
        let mut start = State {
            world: sim.now_mut().world().clone(),
            sockets: Default::default(),
            windows: Default::default(),
            waiting: Default::default(),
            monitor: Monitor::default(),
        };
        for (name, handle) in made.sockets {
            start.bind(Some(name), Value::Socket(handle));
        }
        for (name, hwnd) in made.windows {
            start.bind(Some(name), Value::Window(hwnd));
        }
        start.monitor.adopt(&start.world);
        let names = 0..suite.start.sockets.len();
        let addresses = names.map(|name| start.address_of(name)).collect();
        Ok(Self { suite, profile: profile.clone(), open, start, addresses })
    }

    /// Tries something that may happen, in every way that is asked for.
    fn each(
        &self,
        state: &State,
        happening: Happening,
        scratch: &mut Scratch,
        found: &mut impl FnMut(Step<'_, Self>),
    ) {
        let Scratch { next, seen, calls } = scratch;
        let mut tell = |choice: usize, next: &State, found_so: Result<Found, Cut>| {
            let label = happening.label(choice);
            match found_so {
                Ok(Found { marks, .. }) => found(Step { label, marks, to: Ok(next) }),
                Err(cut) => found(Step { label, marks: 0, to: Err(cut) }),
            }
        };
        match self.open {
            Open::Canonical => {
                let marks =
                    self.next(state, next, happening, calls, &mut Canonical, seen, Monitor::take);
                tell(0, next, marks);
            }
            Open::Every => {
                let mut chooser = Enumerating::new();
                for choice in 0.. {
                    if choice == Happening::CHOICES {
                        let what = "more than 256 combinations of choices in one step";
                        tell(choice - 1, next, Err(Cut { who: "explore", what }));
                        break;
                    }
                    let marks =
                        self.next(state, next, happening, calls, &mut chooser, seen, Monitor::take);
                    tell(choice, next, marks);
                    if !chooser.advance() {
                        break;
                    }
                }
            }
        }
    }

    /// Puts the state behind a step where the last one was.
    fn next(
        &self,
        state: &State,
        next: &mut State,
        happening: Happening,
        calls: &Calls,
        chooser: &mut impl Chooser,
        seen: &mut Seen,
        watch: impl FnOnce(&mut Monitor, &Happened<'_>, &mut Broken<'_>),
    ) -> Result<Found, Cut> {
        let mut call = calls.at(state, happening);
        next.clone_from(state);
        seen.clear();
        let alphabet = &self.suite.alphabet;
        let (mut thread, mut looked) = (None, None);
        let mv = match happening {
            Happening::Letter(letter) => match (&alphabet[letter].act, call) {
                (Act::Call(op), Some(call)) => {
                    // Until it returns.
                    let number = u8::try_from(letter + 1).expect("letters are few");
                    next.waiting[usize::from(op.thread.0)] = number;
                    thread = Some(op.thread);
                    Move::Call { thread: op.thread, call }
                }
                (Act::Call(_), None) => unreachable!("a letter that is there has its call"),
                (Act::Retrieve(..), _) => {
                    let filter = self.filter(state, letter);
                    looked = Some(filter);
                    Move::Retrieve(filter)
                }
            },
            Happening::Return(thread) => Move::Return { thread },
            Happening::Upcall => Move::Upcall,
            Happening::Deliver(link, toward) => Move::Deliver { link, toward },
            Happening::Land(number) => Move::Land { number },
        };
        next.world.apply(mv, chooser, seen)?;
        // Not only at a return: what arrives may go to a call that waits.
        if let Some((to, reply)) = seen.reply() {
            thread = Some(to);
            let waits = &mut next.waiting[usize::from(to.0)];
            let letter = usize::from(std::mem::take(waits)).checked_sub(1);
            if let Some(letter) = letter
                && let Act::Call(op) = &alphabet[letter].act
            {
                call = call.or_else(|| calls.of(letter));
                if let Ok(value) = reply.result {
                    next.bind(op.binds, value);
                }
            }
        }
        let happened = Happened {
            before: &state.world,
            after: &next.world,
            call: thread.zip(call),
            made: matches!(happening, Happening::Letter(_)),
            looked,
            seen,
        };
        let mut broken = Broken::new(&next.world);
        watch(&mut next.monitor, &happened, &mut broken);
        Ok(Found { marks: broken.marks, excuses: broken.excuses })
    }

    /// Takes a step that was found before.
    fn again(
        &self,
        state: &State,
        label: Label,
        next: &mut State,
        scratch: &mut Scratch,
        watch: impl Fn(&mut Monitor, &Happened<'_>, &mut Broken<'_>),
    ) -> Found {
        let Scratch { seen, calls, .. } = scratch;
        self.update(calls, state);
        let happening = Happening::of(label);
        if self.open == Open::Canonical {
            let found = self.next(state, next, happening, calls, &mut Canonical, seen, watch);
            return found.expect("the step was found before");
        }
        let mut chooser = Enumerating::new();
        for _ in 0..Happening::choice(label) {
            // What comes of it was looked at when it was found.
            let _ = self.next(state, next, happening, calls, &mut chooser, seen, &watch);
            chooser.advance();
        }
        let found = self.next(state, next, happening, calls, &mut chooser, seen, watch);
        found.expect("the step was found before")
    }

    /// What is wrong or remarkable about a state itself.
    fn about(&self, state: &State) -> Found {
        let at_rest = || state.world.moves().next().is_none();
        let waits = state.waiting.iter().any(|letter| *letter != 0) && at_rest();
        let calls: Vec<(ThreadId, BackendCall)> = if waits {
            let names = state.names();
            let threads = (0..).map(ThreadId).take(THREADS_MAX);
            let call = |thread| Some((thread, self.call(&names, state.waits_for(thread)?)?));
            threads.filter_map(call).collect()
        } else {
            Vec::new()
        };
        let waiting = calls.iter().map(|(thread, call)| (*thread, call));
        let mut broken = Broken::new(&state.world);
        state.monitor.stands_at(&state.world, waiting, &mut broken);
        Found { marks: broken.marks, excuses: broken.excuses }
    }

    /// The call of a letter with the handles of a state, if all its names are bound.
    fn call(&self, names: &Names, letter: usize) -> Option<BackendCall> {
        let Act::Call(op) = &self.suite.alphabet[letter].act else { return None };
        let mut handles = Handles {
            sockets: &names.sockets,
            windows: &names.windows,
            events: &[],
            addresses: &self.addresses,
            refusing: self.suite.start.refusing,
            host: self.suite.start.host_of(op.thread),
            family: self.suite.start.family,
        };
        op.call.try_map(&mut handles).ok()
    }

    /// All calls with the handles of a state.
    fn calls(&self, state: &State) -> Bound {
        let names = state.names();
        let letters = 0..self.suite.alphabet.len();
        let by_letter = letters.map(|letter| self.call(&names, letter)).collect();
        Bound { sockets: state.sockets, windows: state.windows, by_letter }
    }

    /// Goes over from the handles of another state to those of this one.
    #[inline]
    fn update(&self, calls: &mut Calls, state: &State) {
        if calls.lately[0].is_for(state) {
            return;
        }
        match calls.lately.iter().position(|bound| bound.is_for(state)) {
            Some(at) => calls.lately[..=at].rotate_right(1),
            None => {
                calls.lately.truncate(Calls::KEPT - 1);
                calls.lately.insert(0, self.calls(state));
            }
        }
    }

    fn filter(&self, state: &State, letter: usize) -> PumpFilter {
        let Act::Retrieve(thread, pump) = &self.suite.alphabet[letter].act else {
            unreachable!("only these have a filter")
        };
        let hwnd = pump.hwnd.map(|name| Hwnd(u64::from(state.windows[usize::from(name.0)])));
        PumpFilter { thread: *thread, hwnd, range: pump.range, remove: pump.remove }
    }

    /// Whether a letter can come next.
    fn is_there(&self, state: &State, letter: usize) -> bool {
        match &self.suite.alphabet[letter].act {
            Act::Call(op) => state.waiting[usize::from(op.thread.0)] == 0,
            // Looking into an empty queue changes nothing.
            Act::Retrieve(..) => state.world.queue().len() > 0,
        }
    }
}

/// What the names stand for, as calls are made with.
struct Names {
    sockets: [Option<SocketHandle>; SUITE_SOCKETS_MAX],
    windows: [Option<Hwnd>; SUITE_WINDOWS_MAX],
}

impl State {
    /// The letter whose call a thread waits for.
    fn waits_for(&self, thread: ThreadId) -> Option<usize> {
        usize::from(self.waiting[usize::from(thread.0)]).checked_sub(1)
    }

    fn names(&self) -> Names {
        let socket = |handle: u16| (handle != 0).then(|| SocketHandle(u64::from(handle)));
        let window = |hwnd: u32| (hwnd != 0).then(|| Hwnd(u64::from(hwnd)));
        Names { sockets: self.sockets.map(socket), windows: self.windows.map(window) }
    }

    fn bind(&mut self, name: Option<NameId>, value: Value) {
        match (name, value) {
            (Some(name), Value::Socket(handle)) => {
                let handle = u16::try_from(handle.0).expect("the model's handles are small");
                self.sockets[usize::from(name.0)] = handle;
            }
            (Some(name), Value::Window(hwnd)) => {
                let hwnd = u32::try_from(hwnd.0).expect("the model's handles are small");
                self.windows[usize::from(name.0)] = hwnd;
            }
            (Some(_), Value::Event(_)) => unreachable!("suites have no event objects"),
            (None, _)
            | (
                Some(_),
                Value::Int(_) | Value::Address(_) | Value::Message(_) | Value::NetworkEvents(_),
            ) => {}
        }
    }

    /// What getsockname answers.
    fn address_of(&self, name: usize) -> Option<SocketAddr> {
        let s = (*self.names().sockets.get(name)?)?;
        let mut world = self.world.clone();
        let mut seen = Seen::default();
        let call = Call::GetSockName { s };
        let asked = Move::Call { thread: ThreadId(0), call: &call };
        world.apply(asked, &mut Canonical, &mut seen).ok()?;
        match seen.reply()?.1.result {
            Ok(Value::Address(address)) => Some(address),
            Ok(_) | Err(_) => None,
        }
    }
}

impl Space for Bounded<'_> {
    type State = State;
    type Cut = Cut;
    type Scratch = Scratch;

    fn start(&self) -> State {
        self.start.clone()
    }

    fn scratch(&self) -> Scratch {
        let calls = Calls { lately: vec![self.calls(&self.start)] };
        Scratch { next: self.start.clone(), seen: Seen::default(), calls }
    }

    fn steps(
        &self,
        state: &State,
        pace: Pace,
        scratch: &mut Scratch,
        found: &mut impl FnMut(Step<'_, Self>),
    ) {
        self.update(&mut scratch.calls, state);
        match pace {
            Pace::Free => {
                for mv in state.world.moves() {
                    let happening = match mv {
                        Move::Return { thread } => Happening::Return(thread),
                        Move::Upcall => Happening::Upcall,
                        Move::Deliver { link, toward } => Happening::Deliver(link, toward),
                        Move::Land { number } if usize::from(number) >= SUITE_DATAGRAMS_MAX => {
                            let what = "more datagrams under way than are told apart";
                            let cut = Err(Cut { who: "explore", what });
                            found(Step { label: Label(u16::MAX), marks: 0, to: cut });
                            return;
                        }
                        Move::Land { number } => Happening::Land(number),
                        Move::Call { .. }
                        | Move::Retrieve(_)
                        | Move::Tick { .. }
                        | Move::Fault(_) => unreachable!("nothing that happens by itself"),
                    };
                    self.each(state, happening, scratch, found);
                }
            }
            Pace::Counted => {
                for (letter, Letter { act, .. }) in self.suite.alphabet.iter().enumerate() {
                    if !self.is_there(state, letter) {
                        continue;
                    }
                    // Names that are not bound.
                    if matches!(act, Act::Call(_)) && scratch.calls.of(letter).is_none() {
                        continue;
                    }
                    self.each(state, Happening::Letter(letter), scratch, found);
                }
            }
        }
    }

    fn follow(&self, state: &mut State, label: Label) {
        let before = state.clone();
        self.behind(&before, label, state, &mut self.scratch());
    }

    fn behind(&self, state: &State, label: Label, next: &mut State, scratch: &mut Scratch) {
        // What is remarkable about the step was said when it was found.
        self.again(state, label, next, scratch, Monitor::follow);
    }

    fn fingerprint(&self, state: &State) -> u64 {
        let State { world, sockets, windows, waiting, monitor } = state;
        let mut fingerprint = Fingerprint::new();
        world.pack(&mut |word| fingerprint.add(word));
        for handles in sockets.chunks_exact(4) {
            fingerprint.add(handles.iter().fold(0, |word, handle| word << 16 | u64::from(*handle)));
        }
        for hwnds in windows.chunks_exact(2) {
            fingerprint.add(hwnds.iter().fold(0, |word, hwnd| word << 32 | u64::from(*hwnd)));
        }
        fingerprint.add(waiting.iter().fold(0, |word, letter| word << 8 | u64::from(*letter)));
        monitor.pack(&mut fingerprint);
        fingerprint.finish()
    }

    fn marks(&self, state: &State) -> Marks {
        self.about(state).marks
    }
}

impl Judged for Bounded<'_> {
    fn excuses(&self, tree: &Tree, Sighting { node, step, .. }: Sighting) -> u64 {
        let mut state = self.start();
        tree.path(node).into_iter().for_each(|label| self.follow(&mut state, label));
        match step {
            None => self.about(&state).excuses,
            Some(label) => {
                let mut scratch = self.scratch();
                let mut next = state.clone();
                self.again(&state, label, &mut next, &mut scratch, Monitor::take).excuses
            }
        }
    }
}
