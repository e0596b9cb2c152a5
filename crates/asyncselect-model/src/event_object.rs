//! Event objects: who has which, and whether it is set.
//!
//! Their calls are in `calls/event_objects.rs`.
//!
//! Where it lies:
//! * There are 64 of them at most, over all machines.
//! * A new one gets the lowest value that is free. Whether a value is used again is the system's
//!   affair, and no clause of Winsock's speaks of it.

use std::num::NonZeroU8;

use asyncselect_abi::{EventHandle, HostId};

use crate::host::HOSTS_MAX;
use crate::world::{THREADS_MAX, World};

/// Number of an event object among those that there may be, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EventIx(NonZeroU8);

impl EventIx {
    /// Event handles look as on Windows: multiples of four, and none is a socket's.
    const FIRST: u64 = 0x8000;

    /// As many as one word has bits.
    const MAX: u8 = 64;

    pub(crate) fn handle(self) -> EventHandle {
        EventHandle(Self::FIRST + 4 * u64::from(self.number()))
    }

    fn from_handle(handle: EventHandle) -> Option<Self> {
        let offset = handle.0.checked_sub(Self::FIRST).filter(|offset| offset % 4 == 0)?;
        let number = u8::try_from(offset / 4).ok().filter(|number| *number <= Self::MAX)?;
        NonZeroU8::new(number).map(Self)
    }

    /// The number itself, for packed forms.
    pub(crate) fn number(self) -> u8 {
        self.0.get()
    }

    fn bit(self) -> u64 {
        1 << (self.number() - 1)
    }
}

/// All event objects, one bit each, and what threads wait for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct EventObjects {
    /// Those that each machine has.
    open: [u64; HOSTS_MAX],
    /// Those that are set; a subset of the open ones.
    set: u64,
    /// What each thread waits for, in the order of the call; empty where it does not.
    awaited: [Vec<EventIx>; THREADS_MAX],
}

impl EventObjects {
    pub(crate) const NONE: Self =
        Self { open: [0; HOSTS_MAX], set: 0, awaited: [const { Vec::new() }; THREADS_MAX] };

    /// Makes one, not set; `None` if there are as many as there can be.
    pub(crate) fn create(&mut self, host: HostId) -> Option<EventIx> {
        let taken = self.open.iter().fold(0, |all, open| all | open);
        let number = u8::try_from(taken.trailing_ones() + 1).ok()?;
        let number = NonZeroU8::new(number).filter(|number| number.get() <= EventIx::MAX);
        let event = EventIx(number?);
        self.open[usize::from(host.0)] |= event.bit();
        Some(event)
    }

    /// Ends one.
    pub(crate) fn close(&mut self, event: EventIx) {
        for open in &mut self.open {
            *open &= !event.bit();
        }
        self.set &= !event.bit();
    }

    /// The event object behind a handle of a machine, unless it was closed or never was.
    pub(crate) fn find(&self, host: HostId, handle: EventHandle) -> Option<EventIx> {
        let event = EventIx::from_handle(handle)?;
        (self.open[usize::from(host.0)] & event.bit() != 0).then_some(event)
    }

    pub(crate) fn is_set(&self, event: EventIx) -> bool {
        self.set & event.bit() != 0
    }

    pub(crate) fn reset(&mut self, event: EventIx) {
        self.set &= !event.bit();
    }

    /// Whether some thread waits for it.
    pub(crate) fn is_awaited(&self, event: EventIx) -> bool {
        self.awaited.iter().any(|events| events.contains(&event))
    }

    /// A thread begins to wait.
    pub(crate) fn wait(&mut self, thread: usize, events: Vec<EventIx>) {
        self.awaited[thread] = events;
    }

    /// A thread waits no longer.
    pub(crate) fn end_wait(&mut self, thread: usize) {
        self.awaited[thread] = Vec::new();
    }

    /// What the wait of a thread returns, if it can.
    pub(crate) fn awaited(&self, thread: usize, all: bool) -> Option<u32> {
        self.satisfied(&self.awaited[thread], all)
    }

    /// The place of the first that is set; 0 where all must be and are.
    pub(crate) fn satisfied(&self, events: &[EventIx], all: bool) -> Option<u32> {
        if all {
            return events.iter().all(|event| self.is_set(*event)).then_some(0);
        }
        let first = events.iter().position(|event| self.is_set(*event))?;
        u32::try_from(first).ok()
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self { open, set, awaited } = self;
        for open in open {
            out(*open);
        }
        out(*set);
        for events in awaited {
            out(u64::try_from(events.len()).expect("fits"));
            for events in events.chunks(8) {
                out(events.iter().fold(0, |word, event| word << 8 | u64::from(event.number())));
            }
        }
    }
}

impl World {
    /// Sets an event object; one that is set stays so.
    pub(crate) fn set_event(&mut self, event: EventIx) {
        self.more.get_mut().events.set |= event.bit();
    }
}
