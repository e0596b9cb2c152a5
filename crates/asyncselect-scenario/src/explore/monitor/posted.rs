//! A message against its registration, its condition and the tables.

use asyncselect_abi::{Call, MessageId, NetworkEvent, Value, WsaError};
use asyncselect_model::sink::Message;
use asyncselect_model::stream::Arrived;
use asyncselect_model::view::{ConnectionView, OperationsView, SocketView, Stage, TargetView};
use asyncselect_model::{KnobId, World};

use super::{Happened, Monitor, Watch, bit, connection_in, multipoint};
use crate::explore::properties::{Broken, Property};

impl Monitor {
    /// Whether the message of this number among those posted may come; takes in what it uses up.
    pub(super) fn posted(&mut self, at: usize, happened: &Happened<'_>, broken: &mut Broken<'_>) {
        let (message, _) = &happened.seen.posts[at];
        let Some(view) = happened.after.socket_of(message.socket) else {
            return broken.unless_as(false, Property::NothingAfterClose, |knob, _| {
                let view = happened.before.socket_of(message.socket);
                let datagrams = view.is_some_and(|view| matches!(view.stage, Stage::Datagram(_)));
                datagrams == (knob == KnobId::ClosedDatagramHandle)
                    && tells_of_closed_handle(at, happened)
            });
        };
        let Some(watch) = self.of_mut(view.handle) else {
            return broken.by(Property::OnlyRegistered);
        };
        let connection = connection_in(view.stage);
        let post = Post { happened, at, message, view: &view, connection };
        watch.posted(&post, broken);
    }
}

/// Whether a message is the one FD_CLOSE of CloseHandle on the last handle of its socket, as
/// registered, with no error (W-08E).
fn tells_of_closed_handle(at: usize, happened: &Happened<'_>) -> bool {
    let Happened { before, call, seen, .. } = happened;
    let (message, _) = &seen.posts[at];
    let Some((_, Call::CloseHandle { s })) = call else { return false };
    let socket = |handle| before.first_descriptor(handle);
    let asked = before.registration_of(*s).is_some_and(|(held, _)| {
        let target = TargetView::Window { hwnd: Some(message.hwnd), message: message.message };
        held.target == target && held.mask.contains(message.event)
    });
    let of_it = seen.posts.iter().filter(|(other, _)| socket(other.socket) == socket(*s));
    socket(message.socket) == socket(*s)
        && asked
        && of_it.count() == 1
        && message.event == NetworkEvent::Close
        && message.error == WsaError(0)
}

impl Watch {
    fn posted(&mut self, post: &Post<'_>, broken: &mut Broken<'_>) {
        let Post { message, connection, view, .. } = post;
        let event = bit(message.event);
        let addressed =
            self.hwnd() == message.hwnd && MessageId(u32::from(self.message)) == message.message;
        let code = message.posted().reply.event;
        broken.unless(self.mask & event != 0, Property::InMask);
        broken.unless(addressed, Property::ToItsWindow);
        broken.unless(code.count_ones() == 1, Property::OneEvent);
        // What a script wants a message to carry is not the stack's to answer for.
        let own_word = !post.is_injected();
        broken.unless_as(!own_word || post.is_listed(), Property::ListedErrors, |knob, _| {
            match (knob, view.stage) {
                (KnobId::PortUnreachableClose, Stage::Datagram(_)) => {
                    message.event == NetworkEvent::Close
                }
                (KnobId::PortUnreachableRead, Stage::Datagram(_)) => {
                    message.event == NetworkEvent::Read
                }
                (_, _) => post.tells_of_failed_connect(),
            }
        });
        let again = self.may & event == 0;
        match message.event {
            NetworkEvent::Connect => {
                let joined = post.outcome_of_join();
                broken.unless(!again || joined.is_some(), Property::ConnectOnce);
                let connected = match view.stage {
                    Stage::Datagram(datagrams) => datagrams.connected,
                    Stage::Idle
                    | Stage::Listening { .. }
                    | Stage::Connecting
                    | Stage::Connected(_) => connection.is_some(),
                };
                let succeeded = joined.unwrap_or(connected);
                let says_so = (message.error == WsaError(0)) == succeeded;
                broken.unless_as(!own_word || says_so, Property::ConnectSaysHow, |_, _| {
                    connection.is_none()
                });
                self.connecting = false;
            }
            NetworkEvent::Close if matches!(view.stage, Stage::Datagram(_)) => {
                // The alternative stands for just that.
                broken.unless_as(false, Property::DatagramsAreNotClosed, |_, _| true);
            }
            NetworkEvent::Close => {
                let after_end = connection.is_some_and(|end| end.arrived == Arrived::EndThenReset);
                let once =
                    if after_end { Property::CloseOnceThoughReset } else { Property::CloseOnce };
                broken.unless_as(!again, once, |_, _| post.is_of_reset_after_end());
                post.close(own_word, broken);
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
                post.condition(broken);
            }
        }
        // OQ-11: whether there is an FD_CONNECT at all for a second connect nobody says.
        let first = self.mask & bit(NetworkEvent::Connect) != 0 && self.connecting && !self.again;
        let overtakes = message.event == NetworkEvent::Write && first;
        broken.unless_as(!overtakes, Property::ConnectBeforeWrite, |knob, _| {
            let both = post.is_followed_by(NetworkEvent::Connect);
            if knob == KnobId::ConnectExTells { self.extended && !both } else { both }
        });
        self.may &= !event;
        self.must &= !event;
        // Told, it is not due: what made it so matters no more.
        self.early &= message.event != NetworkEvent::Write;
    }
}

/// A message that was posted, and how its socket stands.
struct Post<'p> {
    happened: &'p Happened<'p>,
    /// Its number among those of the step.
    at: usize,
    message: &'p Message,
    view: &'p SocketView,
    connection: Option<ConnectionView>,
}

impl Post<'_> {
    /// Whether its error word is what a script wants it to carry.
    fn is_injected(&self) -> bool {
        let Message { socket, event, error, .. } = *self.message;
        self.happened.before.injected_error(socket, event) == Some(error)
    }

    /// Whether the tables list the error for the event. That 0 is for a graceful close only
    /// (AS-CL-08) is said of resets by a property of their own.
    fn is_listed(&self) -> bool {
        let Message { event, error, .. } = *self.message;
        let failed = self
            .connection
            .is_some_and(|end| matches!(end.arrived, Arrived::OwnReset | Arrived::TimedOut));
        let graceful = event == NetworkEvent::Close && error == WsaError(0);
        lists(event, error) && !(failed && graceful)
    }

    /// Whether the join that it tells of succeeded, if it is of that kind: one message for each of
    /// those that end in this step.
    fn outcome_of_join(&self) -> Option<bool> {
        let told = self.others_before().filter(|other| other.event == NetworkEvent::Connect);
        multipoint::ended(self.happened, self.message.socket).nth(told.count())
    }

    /// Whether it comes of a connect that failed in this step, and has such an error (OQ-25).
    fn tells_of_failed_connect(&self) -> bool {
        let Message { socket, event, error, .. } = *self.message;
        let before = self.happened.before.socket_of(socket).map(|view| view.stage);
        let failed = before == Some(Stage::Connecting) && self.view.stage == Stage::Idle;
        let same = |told: WsaError| told == WsaError(0) || told == error;
        let told = self.others().filter(|other| other.event == NetworkEvent::Connect);
        event == NetworkEvent::Close
            && failed
            && error != WsaError(0)
            && (lists(NetworkEvent::Connect, error) || lists(event, error))
            && told.map(|other| other.error).all(same)
    }

    /// Whether it comes of a reset that arrives, in this step, after an end; and once.
    fn is_of_reset_after_end(&self) -> bool {
        let socket = self.message.socket;
        let before = self.happened.before.socket_of(socket).map(|view| view.stage);
        let ended = before.and_then(connection_in).is_some_and(|end| end.arrived == Arrived::End);
        let first = self.others_before().all(|other| other.event != NetworkEvent::Close);
        self.happened.seen.reset == Some(socket) && ended && first
    }

    /// Whether the same step tells the socket of an event later.
    fn is_followed_by(&self, event: NetworkEvent) -> bool {
        let later = self.happened.seen.posts.iter().skip(self.at + 1);
        later
            .map(|(other, _)| other)
            .any(|other| (other.socket, other.event) == (self.message.socket, event))
    }

    /// What else was posted for the socket in the step.
    fn others(&self) -> impl Iterator<Item = &Message> {
        let all = self.happened.seen.posts.iter().enumerate();
        all.filter(|(at, (other, _))| *at != self.at && other.socket == self.message.socket)
            .map(|(_, (other, _))| other)
    }

    /// The same, before it.
    fn others_before(&self) -> impl Iterator<Item = &Message> {
        let before = self.happened.seen.posts[..self.at].iter().map(|(other, _)| other);
        before.filter(|other| other.socket == self.message.socket)
    }

    /// FD_CLOSE against what the peer did.
    fn close(&self, own_word: bool, broken: &mut Broken<'_>) {
        let error = self.message.error;
        let arrived = self.connection.map_or(Arrived::Open, |connection| connection.arrived);
        let unread = self.connection.is_some_and(|connection| connection.unread);
        match arrived {
            Arrived::Open => broken
                .unless_as(false, Property::CloseForClosure, |_, _| self.tells_of_failed_connect()),
            Arrived::End => {
                let graceful = !own_word || error == WsaError(0);
                broken.unless(graceful, Property::GracefulIsZero);
                let waits = if self.view.send_shut {
                    Property::CloseAfterDataToo
                } else {
                    Property::CloseAfterData
                };
                // These alternatives stand for just that.
                broken.unless_as(!unread, waits, |_, _| true);
            }
            Arrived::Reset | Arrived::EndThenReset => {
                let told = !own_word || error == WsaError::WSAECONNRESET;
                broken.unless_as(told, Property::ResetIsTold, |_, word| match word {
                    "zero" => error == WsaError(0),
                    _ => error == WsaError::WSAECONNABORTED,
                });
            }
            // AS-CL-08.
            Arrived::OwnReset | Arrived::TimedOut => {}
        }
    }

    /// A message against its condition.
    fn condition(&self, broken: &mut Broken<'_>) {
        let Self { view, connection, .. } = self;
        let end = |holds: fn(ConnectionView) -> bool| connection.is_some_and(holds);
        if let Stage::Datagram(datagrams) = view.stage {
            match self.message.event {
                NetworkEvent::Read => {
                    broken.unless_as(datagrams.returns, Property::ReadForData, |_, _| {
                        self.was_taken(|operations| operations.receives)
                    });
                }
                NetworkEvent::Write => {
                    broken.unless_as(!view.send_shut, Property::WriteForSenders, |knob, _| {
                        knob == KnobId::WriteAfterOwnEnd
                    });
                }
                NetworkEvent::Oob => broken.by(Property::OobForUrgent),
                NetworkEvent::Accept => broken.by(Property::AcceptForRequest),
                NetworkEvent::Connect
                | NetworkEvent::Close
                | NetworkEvent::Qos
                | NetworkEvent::GroupQos
                | NetworkEvent::RoutingInterfaceChange
                | NetworkEvent::AddressListChange => {}
            }
            return;
        }
        match self.message.event {
            NetworkEvent::Read => {
                broken.unless_as(end(|end| end.unread), Property::ReadForData, |_, _| {
                    self.was_taken(|operations| operations.receives)
                });
            }
            NetworkEvent::Write => {
                let open =
                    |end: ConnectionView| matches!(end.arrived, Arrived::Open | Arrived::End);
                let possible = connection.is_some_and(open) && !view.send_shut;
                let space = !possible || end(|end| end.space);
                broken.unless_as(space, Property::WriteForSpace, |_, _| {
                    self.was_taken(|operations| operations.sends)
                });
                let aborted = connection.is_some() && !view.send_shut;
                broken.unless_as(possible, Property::WriteForSenders, |knob, when| {
                    match (knob, when) {
                        (KnobId::WriteAfterOwnEnd, _) => connection.is_some() && view.send_shut,
                        (_, "when_noticed") => aborted && self.is_noticed(),
                        (_, _) => aborted,
                    }
                });
            }
            NetworkEvent::Oob => {
                let urgent = end(|end| end.urgent);
                let told = urgent && !view.oob_inline;
                broken.unless_as(told, Property::OobForUrgent, |_, _| urgent);
            }
            NetworkEvent::Accept => {
                let waits = matches!(view.stage, Stage::Listening { waiting: 1.., .. });
                broken.unless_as(waits, Property::AcceptForRequest, |_, _| {
                    self.was_taken(|operations| operations.accepts)
                });
                let first = matches!(view.stage, Stage::Listening { deferred: false, .. });
                broken.unless_as(first, Property::DeferredIsQuiet, |_, _| waits);
            }
            NetworkEvent::Connect
            | NetworkEvent::Close
            | NetworkEvent::Qos
            | NetworkEvent::GroupQos
            | NetworkEvent::RoutingInterfaceChange
            | NetworkEvent::AddressListChange => {}
        }
    }

    /// Whether what it tells of arrived in this step, and an overlapped operation of that kind,
    /// which had waited for it, took it (OQ-21).
    fn was_taken(&self, of_kind: fn(OperationsView) -> usize) -> bool {
        let Happened { before, after, call, .. } = self.happened;
        let waiting = |world: &World| of_kind(world.operations_on(self.message.socket));
        call.is_none() && waiting(before) > waiting(after)
    }

    /// Whether a reset arrives in this step, or accept makes the socket.
    fn is_noticed(&self) -> bool {
        let socket = self.message.socket;
        let accepted = matches!(self.happened.call, Some((_, Call::Accept { .. })))
            && self.happened.seen.result() == Some(Ok(Value::Socket(socket)));
        accepted || self.happened.seen.reset == Some(socket)
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
