//! Calls on event objects: making, closing, resetting, waiting; and WSAEnumNetworkEvents.
//!
//! Setting one is nobody's call: registrations and overlapped operations do it. Reading list:
//! AS-MSG-10, AS-REP-06 to AS-REP-08; W-008, W-009, W-099; X-04.

use asyncselect_abi::{EventHandle, HostId, NetworkEvents, ThreadId, Value, WsaError};

use super::{Outcome, Progress, counted, fails, unsupported};
use crate::event_object::EventIx;
use crate::registration::Target;
use crate::socket::SocketIx;
use crate::world::{PendingCall, World};

/// `WSA_WAIT_TIMEOUT`.
const TIMEOUT: u32 = 258;

/// `WSA_INFINITE`.
const INFINITE: u32 = u32::MAX;

/// `WSA_MAXIMUM_WAIT_EVENTS`.
const AT_A_TIME_MAX: usize = 64;

/// What the functions that answer TRUE answer.
fn is_true() -> Outcome {
    counted(1)
}

impl World {
    /// WSACreateEvent: manual reset, not set.
    pub(super) fn create_event(&mut self, host: HostId) -> Outcome {
        match self.more.get_mut().events.create(host) {
            Some(event) => Ok(Progress::Done(Ok(Value::Event(event.handle())))),
            None => unsupported("WSACreateEvent", "more than 64 event objects"),
        }
    }

    /// WSACloseEvent. Who was to set the event object goes on without one.
    pub(super) fn close_event(&mut self, host: HostId, handle: EventHandle) -> Outcome {
        let Some(event) = self.find_event(host, handle) else {
            return fails(WsaError::WSA_INVALID_HANDLE);
        };
        if self.more.events.is_awaited(event) {
            return unsupported("WSACloseEvent", "of an event object that a thread waits for");
        }
        self.more.get_mut().events.close(event);
        self.event_closed(event);
        is_true()
    }

    pub(super) fn reset_event(&mut self, host: HostId, handle: EventHandle) -> Outcome {
        let Some(event) = self.find_event(host, handle) else {
            return fails(WsaError::WSA_INVALID_HANDLE);
        };
        self.more.get_mut().events.reset(event);
        is_true()
    }

    /// WSAWaitForMultipleEvents; it resets nothing, for what WSACreateEvent makes is reset by hand.
    pub(super) fn wait_for_events(
        &mut self,
        thread: ThreadId,
        handles: &[EventHandle],
        all: bool,
        timeout_ms: u32,
    ) -> Outcome {
        if handles.is_empty() || handles.len() > AT_A_TIME_MAX {
            return fails(WsaError::WSA_INVALID_PARAMETER);
        }
        let host = self.host_of(thread);
        let mut events = Vec::with_capacity(handles.len());
        for handle in handles {
            let Some(event) = self.find_event(host, *handle) else {
                return fails(WsaError::WSA_INVALID_HANDLE);
            };
            if events.contains(&event) {
                return unsupported("WSAWaitForMultipleEvents", "with an event object twice");
            }
            events.push(event);
        }
        if let Some(place) = self.more.events.satisfied(&events, all) {
            return counted(place);
        }
        if timeout_ms == 0 {
            return counted(TIMEOUT);
        }
        let forever = timeout_ms == INFINITE;
        if !forever {
            let Ok(left_ms) = u16::try_from(timeout_ms) else {
                return unsupported("WSAWaitForMultipleEvents", "for longer than 65535 ms");
            };
            self.more.get_mut().select_left_ms[usize::from(thread.0)] = left_ms;
        }
        self.more.get_mut().events.wait(usize::from(thread.0), events);
        Ok(Progress::Waits(PendingCall::Events { all, forever }))
    }

    /// Whether the wait of a thread is over, by an event object or by time.
    pub(super) fn wait_is_over(&self, thread: ThreadId, all: bool, forever: bool) -> bool {
        let slot = usize::from(thread.0);
        self.more.events.awaited(slot, all).is_some()
            || !forever && self.more.select_left_ms[slot] == 0
    }

    /// The wait of a thread returns.
    pub(super) fn end_wait(&mut self, thread: ThreadId, all: bool) -> Outcome {
        let slot = usize::from(thread.0);
        let place = self.more.events.awaited(slot, all);
        self.more.get_mut().select_left_ms[slot] = 0;
        self.more.get_mut().events.end_wait(slot);
        counted(place.unwrap_or(TIMEOUT))
    }

    /// WSAEnumNetworkEvents: AS-MSG-10, and the event object is reset (W-008).
    pub(super) fn enum_network_events(
        &mut self,
        host: HostId,
        socket: SocketIx,
        handle: EventHandle,
    ) -> Outcome {
        let object = match handle {
            EventHandle(0) => None,
            handle => match self.find_event(host, handle) {
                Some(object) => Some(object),
                None => {
                    let what = "with a handle that is no event object";
                    return unsupported("WSAEnumNetworkEvents", what);
                }
            },
        };
        let mask = match self.socket(socket).registration {
            // W-009, W-099: what the mask does not hold stays, unseen.
            Some(registration) => match registration.target {
                Target::Event(_) => NetworkEvents(u32::from(registration.mask.get())),
                // AS-REP-06, X-04: nothing is recorded; OQ-29: perhaps something is left.
                Target::Window { .. } => NetworkEvents::FD_ALL_EVENTS,
            },
            None => NetworkEvents::default(),
        };
        let record = self.take_record(socket, mask);
        if let Some(object) = object {
            self.more.get_mut().events.reset(object);
        }
        Ok(Progress::Done(Ok(Value::NetworkEvents(record))))
    }

    /// The event object behind a handle of this machine.
    pub(crate) fn find_event(&self, host: HostId, handle: EventHandle) -> Option<EventIx> {
        self.more.events.find(host, handle)
    }
}
