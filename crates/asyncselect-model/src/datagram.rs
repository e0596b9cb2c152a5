//! Datagram sockets and the datagrams between them: state, conditions, arrival.
//!
//! Reading list: AS-UDP, AS-RD-11, AS-WR-04, AS-CL-21; OQ-08, OQ-15, OQ-16; W-091 to W-095.
//!
//! Where it lies:
//! * A datagram arrives whole, once, or not at all; datagrams under way arrive in any order. None
//!   is lost but by a fault, a buffer that is full, or a peer that does not want it.
//! * A buffer takes a datagram as long as it holds less than SO_RCVBUF says; each counts as its
//!   bytes and a little for itself. Sending never waits: there is no send buffer.
//! * What comes back from a port on which nobody is travels as datagrams do.
//! * Ports of datagram and of stream sockets are two spaces, as anywhere; a port that the machine
//!   chooses is free in both.

use asyncselect_abi::{Family, HostId, NetworkEvent, WsaError};

use crate::arm::works;
use crate::chooser::Chooser;
use crate::host::HostSet;
use crate::knob::{
    ConnectAtRegistration, DatagramConnect, DatagramConnectWrite, EmptyDatagramRead,
    EventDatagramConnect, EventWriteOnUnbound, PortUnreachable, PortUnreachableClose,
    PortUnreachableRead, ReadAfterReceiveShutdown, ReceiveUnbound, WriteOnUnbound,
};
use crate::latch::{Absence, Condition, Trigger};
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{SocketIx, SocketState};
use crate::stream::Piece;
use crate::world::{Context, ModelError, PendingCall, Refusal, World};

/// The datagrams that may be under way at once: a move names one by a byte.
const FLYING_MAX: usize = 255;

/// What a datagram takes of a buffer besides its bytes. It bounds how many empty ones there are.
const OVERHEAD: u32 = 64;

/// The longest payload of UDP, in bytes: a length of 16 bits counts its own header, and that of
/// IPv4.
pub(crate) const fn payload_max(family: Family) -> u32 {
    match family {
        Family::Ipv4 => 65_507,
        Family::Ipv6 => 65_527,
    }
}

/// Where a datagram socket is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: HostId,
    pub(crate) port: u16,
}

impl Place {
    fn packed(self) -> u64 {
        u64::from(self.host.0) << 16 | u64::from(self.port)
    }
}

/// To whom a datagram socket is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Peer {
    /// To nobody: it never was.
    #[default]
    None,
    /// To nobody any more, by an address of zeros.
    Dissolved,
    /// To what is bound there (AS-UDP-05).
    At(Place),
}

/// A datagram that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    pub(crate) from: Place,
    pub(crate) piece: Piece,
}

/// What few sockets have: the rest of a datagram socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) socket: SocketIx,
    pub(crate) peer: Peer,
    /// Whether the next receive call tells of a port that was unreachable (AS-UDP-07).
    pub(crate) failed: bool,
    /// Whether a stack that took that for a closure has nothing more to post.
    pub(crate) closed: bool,
    /// Whether bind named its port.
    pub(crate) named_port: bool,
    /// What arrived and is unread, the oldest first.
    pub(crate) queue: Vec<Parcel>,
}

/// What travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freight {
    /// A datagram; its bytes stand in the script's table.
    Datagram(Piece),
    /// The answer that nobody is bound where a datagram was sent.
    Unreachable,
}

/// Something under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    pub(crate) from: Place,
    pub(crate) to: Place,
    pub(crate) freight: Freight,
}

/// What became of a datagram that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A socket has it.
    Kept,
    /// It comes from others than the socket's peer (AS-UDP-05).
    FromOthers,
    /// The socket's buffer is full.
    NoRoom,
    /// Nobody is bound there.
    Nobody,
}

/// What a datagram socket has for a receive call.
pub(crate) enum Offer {
    /// A datagram that fits the buffer.
    Datagram(Piece),
    /// An error: of what was sent before, of a datagram that does not fit, of the socket.
    Refused(Refusal),
    /// Nothing yet.
    Nothing,
}

/// Everything about datagrams.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Datagrams {
    /// The datagram sockets, in the order of their numbers.
    parties: Vec<Party>,
    /// What is under way, what was sent first first.
    flying: Vec<Flight>,
}

impl Datagrams {
    pub(crate) const NONE: Self = Self { parties: Vec::new(), flying: Vec::new() };

    /// A new datagram socket.
    pub(crate) fn add(&mut self, socket: SocketIx) {
        let at = self.parties.partition_point(|party| party.socket.0 < socket.0);
        let party = Party {
            socket,
            peer: Peer::None,
            failed: false,
            closed: false,
            named_port: false,
            queue: Vec::new(),
        };
        self.parties.insert(at, party);
    }

    /// A datagram socket is no more.
    pub(crate) fn remove(&mut self, socket: SocketIx) {
        self.parties.retain(|party| party.socket != socket);
    }

    pub(crate) fn party(&self, socket: SocketIx) -> &Party {
        let found = self.parties.iter().find(|party| party.socket == socket);
        found.expect("each datagram socket has one")
    }

    pub(crate) fn party_mut(&mut self, socket: SocketIx) -> &mut Party {
        let found = self.parties.iter_mut().find(|party| party.socket == socket);
        found.expect("each datagram socket has one")
    }

    #[inline]
    pub(crate) fn flying(&self) -> &[Flight] {
        &self.flying
    }

    pub(crate) fn is_crowded(&self) -> bool {
        self.flying.len() >= FLYING_MAX
    }

    pub(crate) fn send(&mut self, flight: Flight) {
        self.flying.push(flight);
    }

    /// What is under way to a place is lost.
    pub(crate) fn lose_toward(&mut self, place: Place) {
        self.flying.retain(|flight| flight.to != place);
    }

    /// What is under way between a machine and others is lost.
    pub(crate) fn cut_off(&mut self, host: HostId) {
        self.flying.retain(|Flight { from, to, .. }| {
            from.host == to.host || from.host != host && to.host != host
        });
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self { parties, flying } = self;
        let piece = |piece: &Piece, out: &mut dyn FnMut(u64)| {
            let Piece { literal, offset, len } = piece;
            out(u64::from(literal.0) << 48 | u64::from(*offset) << 24 | u64::from(*len));
        };
        let count = |len: usize| u64::try_from(len).expect("fits");
        out(count(parties.len()) | count(flying.len()) << 32);
        for Party { socket, peer, failed, closed, named_port, queue } in parties {
            let peer = match peer {
                Peer::None => 0,
                Peer::Dissolved => 1,
                Peer::At(place) => 2 | place.packed() << 8,
            };
            let flags = u64::from(*failed) | u64::from(*closed) << 1 | u64::from(*named_port) << 2;
            out(u64::from(socket.0) | flags << 8 | peer << 16 | count(queue.len()) << 48);
            for Parcel { from, piece: it } in queue {
                out(from.packed());
                piece(it, out);
            }
        }
        for Flight { from, to, freight } in flying {
            let ends = from.packed() | to.packed() << 32;
            match freight {
                Freight::Datagram(it) => {
                    out(ends);
                    piece(it, out);
                }
                Freight::Unreachable => out(ends | 1 << 63),
            }
        }
    }
}

impl World {
    #[inline]
    pub(crate) fn is_datagram(&self, socket: SocketIx) -> bool {
        let found = self.sockets.get(socket.at());
        found.is_some_and(|socket| socket.state == SocketState::Datagram)
    }

    /// Where a datagram socket is bound; `None` if it is not.
    pub(crate) fn place_of(&self, socket: SocketIx) -> Option<Place> {
        let this = self.socket(socket);
        let host = self.machine_of(this.host);
        (this.port != 0).then_some(Place { host, port: this.port })
    }

    /// The datagram socket that is bound to a place.
    pub(crate) fn bound_at(&self, place: Place) -> Option<SocketIx> {
        let found = self.sockets.iter().position(|socket| {
            socket.state == SocketState::Datagram
                && (self.machine_of(socket.host), socket.port) == (place.host, place.port)
        })?;
        u8::try_from(found).ok().map(SocketIx)
    }

    /// Whether something under way can arrive now: nothing delays it.
    pub(crate) fn can_land(&self, flight: &Flight) -> bool {
        self.streams.holds.is_empty()
            || self.bound_at(flight.to).is_none_or(|socket| !self.streams.is_disturbed(socket))
    }

    /// Whether a datagram socket has something for a receive call.
    pub(crate) fn has_parcel(&self, socket: SocketIx) -> bool {
        let party = self.more.datagrams.party(socket);
        party.failed || !party.queue.is_empty()
    }

    /// How many bytes are unread, of the first datagram or of all.
    pub(crate) fn parcel_bytes(&self, socket: SocketIx, first: bool) -> u32 {
        let party = self.more.datagrams.party(socket);
        let count = if first { 1 } else { usize::MAX };
        party.queue.iter().take(count).map(|parcel| parcel.piece.len).sum()
    }

    /// Puts something on its way, unless the network between the machines failed or a fault loses
    /// it: then it is gone, and nobody hears of it.
    pub(crate) fn launch(&mut self, flight: Flight) {
        let Flight { from, to, .. } = flight;
        let down = |host| self.faults.network_down.has(host);
        let cut = self.faults.network_down != HostSet::default()
            && from.host != to.host
            && (down(from.host) || down(to.host));
        let lost = self.bound_at(to).is_some_and(|socket| self.streams.is_lost(socket));
        if !cut && !lost {
            self.more.get_mut().datagrams.send(flight);
        }
    }

    /// Something under way arrives: the one of this number, counted from what was sent first.
    pub(crate) fn land<C: Chooser, S: Sink>(
        &mut self,
        number: u8,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let flight = self.more.get_mut().datagrams.flying.remove(usize::from(number));
        let Flight { from, to, freight } = flight;
        let at = self.bound_at(to);
        let fate = self.fate(at, &flight);
        let socket = at.map(SocketIx::handle);
        cx.sink.effect(Effect::Land { socket, freight, fate });
        match (fate, freight, at) {
            (Fate::Kept, Freight::Datagram(piece), Some(socket)) => {
                let party = self.more.get_mut().datagrams.party_mut(socket);
                party.queue.push(Parcel { from, piece });
                self.parcel_arrives(socket, cx)
            }
            (Fate::Kept, Freight::Unreachable, Some(socket)) => self.unreachable(socket, from, cx),
            (Fate::Nobody, Freight::Datagram(_), _) => {
                if self.more.datagrams.is_crowded() {
                    return Err(ModelError::new("sendto", "more than 255 datagrams under way"));
                }
                let back = Flight { from: to, to: from, freight: Freight::Unreachable };
                self.launch(back);
                Ok(())
            }
            (
                Fate::Kept | Fate::FromOthers | Fate::NoRoom | Fate::Nobody,
                Freight::Datagram(_) | Freight::Unreachable,
                _,
            ) => Ok(()),
        }
    }

    fn fate(&self, at: Option<SocketIx>, flight: &Flight) -> Fate {
        let Some(socket) = at else { return Fate::Nobody };
        let party = self.more.datagrams.party(socket);
        let capacity = 1024 * u32::from(self.buffers(socket).receive);
        let held: u32 = party.queue.iter().map(|parcel| parcel.piece.len + OVERHEAD).sum();
        match (flight.freight, party.peer) {
            // AS-UDP-05.
            (Freight::Datagram(_), Peer::At(peer)) if peer != flight.from && works(Rule::Udp05) => {
                Fate::FromOthers
            }
            (Freight::Datagram(_), _) if held >= capacity => Fate::NoRoom,
            (Freight::Datagram(_) | Freight::Unreachable, _) => Fate::Kept,
        }
    }

    /// AS-RD-02, and a call that waits takes it before anybody is told (OQ-21).
    fn parcel_arrives<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        if !self.socket(socket).receive_shut
            && let Some(thread) = self.absorbing(|call| call.receives_on(socket), cx)
        {
            return self.resume(thread, cx);
        }
        self.arrives(socket, Trigger::DataArrived, Some(NetworkEvent::Read), cx)
    }

    /// What a receive call with a buffer of this length finds, and takes unless it peeks.
    pub(crate) fn next_datagram<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        len: u32,
        peek: bool,
        cx: &mut Context<'_, C, S>,
    ) -> Result<Offer, ModelError> {
        let this = *self.socket(socket);
        let party = self.more.datagrams.party(socket);
        let (failed, closed) = (party.failed, party.closed);
        let first = party.queue.first().copied();
        let unsupported = |what| Err(ModelError::new("recv", what));
        if this.receive_shut {
            return Ok(Offer::Refused(Refusal::by(WsaError::WSAESHUTDOWN, Rule::Cl21)));
        }
        if closed {
            return unsupported("on a datagram socket that looks closed");
        }
        Ok(match (first, failed) {
            (Some(_), true) => return unsupported("a datagram and an unreachable port"),
            (None, true) if peek => return unsupported("MSG_PEEK when a port was unreachable"),
            (None, true) => {
                self.more.get_mut().datagrams.party_mut(socket).failed = false;
                Offer::Refused(Refusal::by(WsaError::WSAECONNRESET, Rule::Udp07))
            }
            (Some(Parcel { piece, .. }), false) => {
                // AS-RD-10.
                if !(peek && works(Rule::Rd10)) {
                    self.more.get_mut().datagrams.party_mut(socket).queue.remove(0);
                }
                if piece.len > len {
                    Offer::Refused(Refusal::by(WsaError::WSAEMSGSIZE, Rule::Rd11))
                } else {
                    Offer::Datagram(piece)
                }
            }
            // W-094.
            (None, false)
                if self.place_of(socket).is_none()
                    && self.knob::<ReceiveUnbound>(cx) == ReceiveUnbound::Einval =>
            {
                Offer::Refused(Refusal::by(WsaError::WSAEINVAL, Rule::W094))
            }
            (None, false) => Offer::Nothing,
        })
    }

    /// Nobody is bound where this socket has sent a datagram: AS-UDP-07, W-095, OQ-16.
    fn unreachable<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        where_: Place,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let peer = self.more.datagrams.party(socket).peer;
        let is_peer = match peer {
            Peer::At(peer) => peer == where_,
            Peer::None | Peer::Dissolved => false,
        };
        let waits = |call: &PendingCall| call.waits_on(socket) && !call.collects();
        let waits = self.pending.iter().any(waits);
        let undescribed = ModelError::new("recv", "that waits when a port is unreachable");
        // AS-UDP-04 against W-095: a connected one may look closed.
        if is_peer && self.knob::<PortUnreachableClose>(cx) == PortUnreachableClose::Posts {
            if waits {
                return Err(undescribed);
            }
            self.more.get_mut().datagrams.party_mut(socket).closed = true;
            self.operations_fail(socket, WsaError::WSAECONNREFUSED);
            self.evaluate(socket, Trigger::Unreachable, cx);
            return Ok(());
        }
        match self.knob::<PortUnreachable>(cx) {
            PortUnreachable::Ignored => return Ok(()),
            PortUnreachable::ConnReset if waits => return Err(undescribed),
            PortUnreachable::ConnReset => {}
        }
        self.more.get_mut().datagrams.party_mut(socket).failed = true;
        self.arrives(socket, Trigger::Unreachable, None, cx)
    }

    /// Whether the condition of an event holds for a datagram socket.
    pub(crate) fn datagram_condition<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        if self.more.datagrams.party(socket).closed {
            return if (event, trigger) == (NetworkEvent::Close, Trigger::Unreachable) {
                Condition::Unreachable(WsaError::WSAECONNREFUSED)
            } else {
                Condition::No(Absence::LooksClosed)
            };
        }
        match event {
            // AS-CL-01, AS-UDP-04: there is no circuit that could be closed.
            NetworkEvent::Close if !works(Rule::Udp04) => Condition::Ended { sent_end: false },
            NetworkEvent::Close => Condition::No(Absence::Connectionless),
            // AS-RD-09.
            NetworkEvent::Read if !works(Rule::Rd09) => Condition::No(Absence::Connectionless),
            NetworkEvent::Read => self.parcel_readable(socket, cx),
            NetworkEvent::Write => self.parcel_writable(socket, trigger, cx),
            NetworkEvent::Connect => self.has_peer(socket, trigger, cx),
            // AS-OOB-08.
            NetworkEvent::Oob => Condition::No(Absence::NoUrgent),
            NetworkEvent::Accept => Condition::No(Absence::NotListening),
            // Of any socket (AS-EN-12, AS-EN-13).
            NetworkEvent::Qos
            | NetworkEvent::GroupQos
            | NetworkEvent::RoutingInterfaceChange
            | NetworkEvent::AddressListChange => self.noticed(socket, event, trigger, cx),
        }
    }

    fn parcel_readable<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        let party = self.more.datagrams.party(socket);
        let (some, failed) = (!party.queue.is_empty(), party.failed);
        let only_empty = party.queue.iter().all(|parcel| parcel.piece.len == 0);
        if !some {
            // OQ-16: is an error that a receive call would tell something to read?
            return match failed.then(|| self.knob::<PortUnreachableRead>(cx)) {
                None => Condition::No(Absence::NoData),
                Some(PortUnreachableRead::Silent) => Condition::No(Absence::OnlyAnError),
                Some(PortUnreachableRead::Posts) => Condition::Unreachable(WsaError(0)),
                Some(PortUnreachableRead::PostsError) => {
                    Condition::Unreachable(WsaError::WSAECONNRESET)
                }
            };
        }
        // OQ-16.
        if only_empty && self.knob::<EmptyDatagramRead>(cx) == EmptyDatagramRead::Silent {
            return Condition::No(Absence::OnlyEmpty);
        }
        // OQ-15: AS-CL-21 keeps datagrams that nobody can receive any more.
        if self.socket(socket).receive_shut
            && self.knob::<ReadAfterReceiveShutdown>(cx) == ReadAfterReceiveShutdown::Silent
        {
            return Condition::No(Absence::ReceiveShutDown);
        }
        Condition::Readable
    }

    fn parcel_writable<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        if self.socket(socket).send_shut {
            return self.writable_after_own_end(cx);
        }
        // AS-UDP-03, OQ-08, W-091: sendto would bind it.
        if self.place_of(socket).is_none() && !self.unbound_writes(socket, cx) {
            return Condition::No(Absence::Unbound);
        }
        // AS-WR-02 against C11: nothing was opened.
        if trigger == Trigger::PeerSet
            && self.knob::<DatagramConnectWrite>(cx) == DatagramConnectWrite::Silent
        {
            return Condition::No(Absence::PeerSet);
        }
        // AS-UDP-02.
        if trigger == Trigger::Registered && !works(Rule::Udp02) {
            return Condition::No(Absence::Unbound);
        }
        Condition::Writable
    }

    /// Whether a datagram socket that is not bound counts as one that can send.
    fn unbound_writes<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> bool {
        if self.is_in_event_mode(socket) {
            self.knob::<EventWriteOnUnbound>(cx) == EventWriteOnUnbound::Records
        } else {
            self.knob::<WriteOnUnbound>(cx) == WriteOnUnbound::Posts
        }
    }

    /// Whether FD_CONNECT tells of a connect that completed at once.
    fn tells_of_peer<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> bool {
        if self.is_in_event_mode(socket) {
            self.knob::<EventDatagramConnect>(cx) == EventDatagramConnect::Records
        } else {
            self.knob::<DatagramConnect>(cx) == DatagramConnect::Posts
        }
    }

    fn has_peer<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        match self.more.datagrams.party(socket).peer {
            Peer::None | Peer::Dissolved => {
                return Condition::No(Absence::NotConnected);
            }
            Peer::At(_) => {}
        }
        let told = match trigger {
            // AS-UDP-01, AS-CO-02 against W-093.
            Trigger::PeerSet => self.tells_of_peer(socket, cx),
            // AS-CO-01, AS-REP-09: what connect would have recorded, the registration finds, as on
            // stream sockets (W-032).
            Trigger::Registered if self.is_in_event_mode(socket) => self.tells_of_peer(socket, cx),
            // AS-CO-01 against W-031.
            Trigger::Registered => {
                self.knob::<ConnectAtRegistration>(cx) == ConnectAtRegistration::Posts
            }
            Trigger::Inherited
            | Trigger::Connected
            | Trigger::Extended
            | Trigger::Joined(_)
            | Trigger::ConnectFailed
            | Trigger::ConnectRefused(_)
            | Trigger::ReceiveCalled
            | Trigger::SendCalled
            | Trigger::AcceptCalled
            | Trigger::ConnectionArrived
            | Trigger::DataArrived
            | Trigger::EndArrived
            | Trigger::ResetArrived
            | Trigger::OwnReset
            | Trigger::TimedOut
            | Trigger::SpaceArrived
            | Trigger::OptionSet
            | Trigger::IoctlCalled
            | Trigger::Changed
            | Trigger::HandleClosed
            | Trigger::Bound
            | Trigger::RootClosed
            | Trigger::Unreachable => false,
        };
        if told { Condition::Connected } else { Condition::No(Absence::ConnectedBefore) }
    }
}
