//! Watches the runs of a scenario with the monitor that watches suites.
//!
//! Every move is judged, and the state behind it, though a run goes several moves at a time where
//! nothing else can come first.

use asyncselect_abi::ThreadId;
use asyncselect_abi::call::BackendCall;
use asyncselect_model::world::THREADS_MAX;
use asyncselect_model::{Effect, Move, Sink, World};

use super::monitor::{Happened, Monitor, Seen};
use super::properties::Broken;
use super::search::Marks;
use crate::runner::Place;
use crate::sim::Watcher;

/// Looks at the moves of one run at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// Of the run; `None` if it is not judged.
    pub(super) memory: Option<Box<Memory>>,
    /// The world before the move.
    before: Option<World>,
    seen: Seen,
    found: Found,
    /// What is looked for, and where the program was when it was found first.
    pub(super) wanted: Marks,
    pub(super) place: Option<Place>,
}

/// What was wrong or remarkable, and what excuses it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) marks: Marks,
    pub(super) excuses: u64,
}

/// What is remembered of a run.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) monitor: Monitor,
    /// The call that each thread waits for. What of it matters is in the world too.
    calls: [Option<BackendCall>; THREADS_MAX],
}

impl Memory {
    /// Of a run that is judged from here on.
    pub(super) fn new(world: &World) -> Self {
        let mut monitor = Monitor::default();
        monitor.adopt(world);
        Self { monitor, calls: Default::default() }
    }
}

impl Watch {
    /// The program has come to this place.
    pub(super) fn note(&mut self, place: Place) {
        if self.found.marks & self.wanted != 0 {
            self.place.get_or_insert(place);
        }
    }

    /// What was found since somebody asked last.
    pub(super) fn take_found(&mut self) -> Found {
        std::mem::take(&mut self.found)
    }
}

impl Watcher for Watch {
    fn begins(&mut self, world: &World) {
        if self.memory.is_none() {
            return;
        }
        self.seen.clear();
        match &mut self.before {
            Some(before) => before.clone_from(world),
            before @ None => *before = Some(world.clone()),
        }
    }

    fn effect(&mut self, effect: Effect) {
        if self.memory.is_some() {
            self.seen.effect(effect);
        }
    }

    fn ends(&mut self, mv: &Move<'_>, after: &World) {
        let Self { memory: Some(memory), before: Some(before), seen, found, .. } = self else {
            return;
        };
        let Memory { monitor, calls } = &mut **memory;
        let returned = seen.reply().map(|(thread, _)| thread);
        let (mut waited, mut looked) = (None, None);
        let (call, made) = match mv {
            Move::Call { thread, call } => {
                if returned.is_none() {
                    calls[at(*thread)] = Some((*call).clone());
                }
                (Some((*thread, *call)), true)
            }
            Move::Retrieve(filter) => {
                looked = Some(*filter);
                (None, false)
            }
            Move::Return { .. }
            | Move::Deliver { .. }
            | Move::Upcall
            | Move::Land { .. }
            | Move::Tick { .. }
            | Move::Fault(_) => {
                // Not only at a return: what arrives may go to a call that waits.
                if let Some(thread) = returned {
                    waited = calls[at(thread)].take();
                }
                (returned.zip(waited.as_ref()), false)
            }
        };
        let mut broken = Broken::new(after);
        monitor.take(&Happened { before, after, call, made, looked, seen }, &mut broken);
        let at_rest = calls.iter().any(Option::is_some) && after.moves().next().is_none();
        let threads = (0..).map(ThreadId).zip(&*calls).filter(|_| at_rest);
        let waiting = threads.filter_map(|(thread, call)| Some((thread, call.as_ref()?)));
        monitor.stands_at(after, waiting, &mut broken);
        found.marks |= broken.marks;
        found.excuses |= broken.excuses;
    }
}

fn at(thread: ThreadId) -> usize {
    usize::from(thread.0)
}
