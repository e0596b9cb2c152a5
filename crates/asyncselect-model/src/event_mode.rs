//! What WSAEventSelect has beyond [`crate::registration`]: the same registrations and latches, told
//! through an event object and a record instead of messages.
//!
//! Reading list: AS-REP-01, AS-REP-05 to AS-REP-09, AS-CAN-06, AS-CAN-07, AS-MSG-10;
//! OQ-29; the facts marked E and the inferred model after them.

use asyncselect_abi::{NetworkEvent, NetworkEvents, WsaError};

use crate::arm::works;
use crate::chooser::Chooser;
use crate::event_object::EventIx;
use crate::knob::{
    EventAfterMessages, EventArrival, EventRecordKept, EventReregister, Knob, KnobId,
    RecordAfterAsyncSelect, RecordAfterCall, SelectSetsEvent,
};
use crate::latch::{Latch, Trigger};
use crate::registration::{Registration, Target};
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::SocketIx;
use crate::world::{Context, World};

/// An event that is to be recorded, and why.
#[derive(Clone, Copy)]
pub(crate) struct Recorded {
    pub(crate) event: NetworkEvent,
    pub(crate) error: WsaError,
    pub(crate) rule: Rule,
    pub(crate) trigger: Trigger,
}

impl World {
    /// AS-REP-09: an event is recorded and the event object set, where a message would be posted.
    pub(crate) fn record<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        object: Option<EventIx>,
        what: Recorded,
        cx: &mut Context<'_, C, S>,
    ) {
        let Recorded { event, error, rule, trigger } = what;
        // AS-EN-01: spent until the re-enabling call.
        self.socket_mut(socket).spend(event);
        // What is not remembered cannot be enumerated.
        if works(Rule::Rep09) {
            // AS-MSG-10.
            let error = if works(Rule::Msg10) { error } else { WsaError(0) };
            self.add_to_record(socket, event, error);
        }
        if let Some(object) = object {
            self.set_event(object);
        }
        let (socket, object) = (socket.handle(), object.map(EventIx::handle));
        cx.sink.effect(Effect::Record { socket, event, error, object, rule, trigger });
    }

    /// Which latches a registration with an event object begins with, and what becomes of the
    /// record: before the new one counts.
    pub(crate) fn begin_event_mode<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> u16 {
        self.renew_record(socket, cx);
        let this = self.socket(socket);
        match this.registration.map(|before| before.target) {
            Some(Target::Window { .. } | Target::Event(_)) | None if this.spent() == 0 => 0,
            // AS-REP-01: what was posted to a window was not recorded.
            Some(Target::Window { .. }) => match self.knob::<EventAfterMessages>(cx) {
                EventAfterMessages::TellsAgain => 0,
                EventAfterMessages::KeepsLatch => u16::MAX,
            },
            // W-007: is an event that was told and not re-enabled told again?
            Some(Target::Event(_)) | None => match self.knob::<EventReregister>(cx) {
                EventReregister::TellsAgain => 0,
                EventReregister::KeepsLatch => u16::MAX,
            },
        }
    }

    /// W-016: what is recorded already sets the event object of a new registration.
    pub(crate) fn tell_record(&mut self, socket: SocketIx, object: Option<EventIx>, mask: u16) {
        let told = self.recorded(socket) & NetworkEvents(u32::from(mask));
        if let Some(object) = object.filter(|_| !told.is_empty()) {
            self.set_event(object);
        }
    }

    /// AS-EN-23, W-010: does select set the event object of a socket with a record?
    pub(crate) fn selected<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        let Some(Registration { target: Target::Event(Some(object)), mask, .. }) =
            self.socket(socket).registration
        else {
            return;
        };
        let told = self.recorded(socket) & NetworkEvents(u32::from(mask.get()));
        if !told.is_empty() && self.knob::<SelectSetsEvent>(cx) == SelectSetsEvent::Sets {
            self.set_event(object);
        }
    }

    /// AS-REP-05: WSAEventSelect, whatever its mask, clears the record; W-009, W-016: or not.
    pub(crate) fn renew_record<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        if !self.recorded(socket).is_empty()
            && self.knob::<EventRecordKept>(cx) == EventRecordKept::Cleared
            && works(Rule::Rep05)
        {
            self.drop_record(socket);
        }
    }

    /// AS-CAN-07: lEvent 0 clears the record. OQ-29: does another WSAAsyncSelect?
    pub(crate) fn end_record<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cancels: bool,
        cx: &mut Context<'_, C, S>,
    ) {
        if self.recorded(socket).is_empty() {
            return;
        }
        let cleared = if cancels {
            works(Rule::Can07)
        } else {
            self.knob::<RecordAfterAsyncSelect>(cx) == RecordAfterAsyncSelect::Cleared
        };
        if cleared {
            self.drop_record(socket);
        }
    }

    /// What nobody will ever see does not count as told (AS-EN-01).
    pub(crate) fn drop_record(&mut self, socket: SocketIx) {
        for (event, _) in self.take_record(socket, NetworkEvents::FD_ALL_EVENTS).iter() {
            self.socket_mut(socket).arm(event);
        }
    }

    /// Where no registration follows, latches are remembered only for stacks that will ask.
    pub(crate) fn forget_latches(&mut self, socket: SocketIx) {
        let decided = self.decided(KnobId::EventReregister).map(EventReregister::from_index);
        match decided {
            Some(EventReregister::TellsAgain) => self.socket_mut(socket).keep_spent(0),
            None | Some(EventReregister::KeepsLatch) => {}
        }
    }

    /// AS-EN-01: the re-enabling call of an event was made, and counts.
    pub(crate) fn arm_by_call<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        cx: &mut Context<'_, C, S>,
    ) {
        self.socket_mut(socket).arm(event);
        // W-018, W-066: the record is of what still is so. AS-EN-19: of what once was.
        if !(self.recorded(socket) & event.bit()).is_empty()
            && self.knob::<RecordAfterCall>(cx) == RecordAfterCall::Withdrawn
        {
            self.take_record(socket, event.bit());
        }
    }

    /// W-012, W-062, W-072: an arrival is recorded though the event was told and not re-enabled,
    /// for a registration now or to come.
    pub(crate) fn arm_by_arrival<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        cx: &mut Context<'_, C, S>,
    ) {
        let this = self.socket(socket);
        let by_message = match this.registration.map(|registration| registration.target) {
            Some(Target::Window { .. }) => true,
            Some(Target::Event(_)) | None => false,
        };
        if !by_message
            && this.latch(event) == Latch::Spent
            && self.knob::<EventArrival>(cx) == EventArrival::Each
        {
            self.socket_mut(socket).arm(event);
        }
    }

    /// Whether what happens on a socket is recorded.
    pub(crate) fn is_in_event_mode(&self, socket: SocketIx) -> bool {
        match self.socket(socket).registration.map(|registration| registration.target) {
            Some(Target::Event(_)) => true,
            Some(Target::Window { .. }) | None => false,
        }
    }

    /// WSACloseEvent: registrations go on recording, and set nothing any more.
    pub(crate) fn event_closed(&mut self, object: EventIx) {
        for socket in self.sockets.iter_mut() {
            if let Some(registration) = &mut socket.registration
                && registration.target == Target::Event(Some(object))
            {
                registration.target = Target::Event(None);
            }
        }
    }
}
