//! A message against its registration, its condition and the tables.

use asyncselect_abi::{Hwnd, MessageId, NetworkEvent, WsaError};
use asyncselect_model::World;
use asyncselect_model::sink::Message;
use asyncselect_model::stream::Arrived;
use asyncselect_model::view::{ConnectionView, SocketView, Stage};

use super::{Happened, Monitor, Watch, bit, connection_in};
use crate::explore::properties::Property;
use crate::explore::search::Marks;

impl Monitor {
    /// Whether a message may come; takes in what it uses up.
    pub(super) fn posted(&mut self, message: &Message, happened: &Happened<'_>) -> Marks {
        let mut broken = Broken { marks: 0, world: happened.after };
        let view = happened.after.socket_of(message.socket);
        let Some(view) = view else {
            broken.by(Property::NothingAfterClose);
            return broken.marks;
        };
        let Some(watch) = self.of_mut(message.socket) else {
            broken.by(Property::OnlyRegistered);
            return broken.marks;
        };
        watch.posted(message, &view, &mut broken);
        broken.marks
    }
}

impl Watch {
    fn posted(&mut self, message: &Message, view: &SocketView, broken: &mut Broken<'_>) {
        let event = bit(message.event);
        let connection = connection_in(view.stage);
        let addressed = Hwnd(u64::from(self.hwnd)) == message.hwnd
            && MessageId(u32::from(self.message)) == message.message;
        let code = message.posted().reply.event;
        broken.unless(self.mask & event != 0, Property::InMask);
        broken.unless(addressed, Property::ToItsWindow);
        broken.unless(code.count_ones() == 1, Property::OneEvent);
        broken.unless(lists(message.event, message.error), Property::ListedErrors);
        let again = self.may & event == 0;
        match message.event {
            NetworkEvent::Connect => {
                broken.unless(!again, Property::ConnectOnce);
                let says_so = (message.error == WsaError(0)) == connection.is_some();
                broken.unless(says_so, Property::ConnectSaysHow);
                self.connecting = false;
            }
            NetworkEvent::Close => {
                let after_end = connection.is_some_and(|end| end.arrived == Arrived::EndThenReset);
                let once =
                    if after_end { Property::CloseOnceThoughReset } else { Property::CloseOnce };
                broken.unless(!again, once);
                broken.close(message, view, connection);
            }
            NetworkEvent::Read
            | NetworkEvent::Write
            | NetworkEvent::Oob
            | NetworkEvent::Accept
            | NetworkEvent::Qos
            | NetworkEvent::GroupQos
            | NetworkEvent::RoutingInterfaceChange
            | NetworkEvent::AddressListChange => {
                broken.unless(!again, Property::OnceUntilEnabled);
                broken.condition(message.event, view, connection);
            }
        }
        // OQ-11: whether there is an FD_CONNECT at all for a second connect nobody says.
        let first = self.mask & bit(NetworkEvent::Connect) != 0 && self.connecting && !self.again;
        broken.unless(message.event != NetworkEvent::Write || !first, Property::ConnectBeforeWrite);
        self.may &= !event;
        self.must &= !event;
    }
}

/// Collects what is broken in a world.
pub(super) struct Broken<'w> {
    pub(super) marks: Marks,
    pub(super) world: &'w World,
}

impl Broken<'_> {
    pub(super) fn by(&mut self, property: Property) {
        self.marks |= property.broken(self.world);
    }

    pub(super) fn unless(&mut self, holds: bool, property: Property) {
        if !holds {
            self.by(property);
        }
    }

    /// FD_CLOSE against what the peer did.
    fn close(&mut self, message: &Message, view: &SocketView, connection: Option<ConnectionView>) {
        let arrived = connection.map_or(Arrived::Open, |connection| connection.arrived);
        let unread = connection.is_some_and(|connection| connection.unread);
        match arrived {
            Arrived::Open => self.by(Property::CloseForClosure),
            Arrived::End => {
                self.unless(message.error == WsaError(0), Property::GracefulIsZero);
                let waits = if view.send_shut {
                    Property::CloseAfterDataToo
                } else {
                    Property::CloseAfterData
                };
                self.unless(!unread, waits);
            }
            Arrived::Reset | Arrived::EndThenReset => {
                self.unless(message.error == WsaError::WSAECONNRESET, Property::ResetIsTold);
            }
            // AS-CL-08.
            Arrived::OwnReset | Arrived::TimedOut => {}
        }
    }

    /// A message against its condition.
    fn condition(
        &mut self,
        event: NetworkEvent,
        view: &SocketView,
        connection: Option<ConnectionView>,
    ) {
        let end = |holds: fn(ConnectionView) -> bool| connection.is_some_and(holds);
        match event {
            NetworkEvent::Read => {
                self.unless(end(|end| end.unread), Property::ReadForData);
            }
            NetworkEvent::Write => {
                let open =
                    |end: ConnectionView| matches!(end.arrived, Arrived::Open | Arrived::End);
                let possible = connection.is_some_and(open) && !view.send_shut;
                self.unless(!possible || end(|end| end.space), Property::WriteForSpace);
                self.unless(possible, Property::WriteForSenders);
            }
            NetworkEvent::Oob => {
                let urgent = end(|end| end.urgent) && !view.oob_inline;
                self.unless(urgent, Property::OobForUrgent);
            }
            NetworkEvent::Accept => {
                let waits = matches!(view.stage, Stage::Listening { waiting: 1.., .. });
                self.unless(waits, Property::AcceptForRequest);
                let first = matches!(view.stage, Stage::Listening { deferred: false, .. });
                self.unless(first, Property::DeferredIsQuiet);
            }
            NetworkEvent::Connect
            | NetworkEvent::Close
            | NetworkEvent::Qos
            | NetworkEvent::GroupQos
            | NetworkEvent::RoutingInterfaceChange
            | NetworkEvent::AddressListChange => {}
        }
    }
}

/// Whether the tables list the error for the event (AS-RD-07, AS-WR-08, AS-OOB-16, AS-AC-05,
/// AS-CO-07, AS-CL-08).
fn lists(event: NetworkEvent, error: WsaError) -> bool {
    let listed: &[u16] = match event {
        NetworkEvent::Connect => {
            &[10014, 10022, 10024, 10047, 10051, 10055, 10056, 10057, 10060, 10061]
        }
        NetworkEvent::Close => &[10050, 10053, 10054],
        NetworkEvent::RoutingInterfaceChange => &[10050, 10051],
        NetworkEvent::Read
        | NetworkEvent::Write
        | NetworkEvent::Oob
        | NetworkEvent::Accept
        | NetworkEvent::Qos
        | NetworkEvent::GroupQos
        | NetworkEvent::AddressListChange => &[10050],
    };
    error == WsaError(0) || listed.contains(&error.0)
}
