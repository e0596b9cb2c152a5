//! Overlapped operations: which have begun, and how those went that have ended.
//!
//! An operation belongs to the OVERLAPPED structure of an event object, one at a time. What arrives
//! ends it; its result stays until the structure is used again, or its socket or event object is
//! closed.
//!
//! Where it lies:
//! * An overlapped send goes into the buffers whole, when there is space, or waits for space.
//! * A datagram is sent at once, so that on datagram sockets only receives wait.
//! * Of an operation whose socket is closed nothing can be asked any more; its event object is set
//!   (W-08D).
//!
//! Reading list: AS-NB-06, AS-INH-07, AS-WR-11, AS-RD-11, AS-UDP-07; OQ-21, OQ-22; W-020, W-067,
//! W-068, W-08A, W-08D.

use asyncselect_abi::{Literal, NetworkEvent, WsaError};

use crate::arm::works;
use crate::chooser::Chooser;
use crate::datagram::Offer;
use crate::event_object::EventIx;
use crate::knob::{PendingOperation, UpdateAcceptContext};
use crate::latch::Trigger;
use crate::more::Parts;
use crate::rule::Rule;
use crate::sink::Sink;
use crate::socket::{Linger, SocketIx, SocketState};
use crate::stream::{End, LinkIx, Piece, Reading, Segment, Side, Space};
use crate::view::OperationsView;
use crate::world::{Context, ModelError, World};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// WSARecv, until data, a datagram or the end arrives.
    Receive { len: u32 },
    /// WSASend, until there is space.
    Send(Literal),
    /// AcceptEx, until a connection waits; this socket becomes its end.
    Accept { accepting: SocketIx },
    /// ConnectEx, until the answer arrives.
    Connect,
}

/// An operation that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Running {
    event: EventIx,
    socket: SocketIx,
    operation: Operation,
}

/// One that has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    event: EventIx,
    pub(crate) socket: SocketIx,
    /// How many bytes went.
    pub(crate) result: Result<u32, WsaError>,
    /// Those of a receive.
    pub(crate) pieces: Vec<Piece>,
    /// Whether it was one.
    pub(crate) receives: bool,
}

/// A socket that AcceptEx or ConnectEx connected, and whose SO_UPDATE_…_CONTEXT was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bare {
    socket: SocketIx,
    /// AcceptEx's listener.
    listener: Option<SocketIx>,
}

/// All operations.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Overlapped {
    /// In the order in which they began.
    running: Vec<Running>,
    /// In the order of their event objects.
    ended: Vec<Ended>,
    /// In the order of the sockets.
    bare: Vec<Bare>,
}

impl Overlapped {
    pub(crate) const NONE: Self = Self { running: Vec::new(), ended: Vec::new(), bare: Vec::new() };

    /// Whether an operation of this structure has not ended.
    pub(crate) fn runs(&self, event: EventIx) -> bool {
        self.running.iter().any(|running| running.event == event)
    }

    /// Whether an operation on this socket has not ended.
    #[inline]
    pub(crate) fn runs_on(&self, socket: SocketIx) -> bool {
        self.running.iter().any(|running| running.socket == socket)
    }

    /// Whether there is any that has not ended.
    pub(crate) fn any_runs(&self) -> bool {
        !self.running.is_empty()
    }

    /// The first operation on a socket, of those that this picks.
    fn first(&self, socket: SocketIx, picks: fn(Operation) -> bool) -> Option<Running> {
        let found = |running: &&Running| running.socket == socket && picks(running.operation);
        self.running.iter().find(found).copied()
    }

    /// Those on a socket that have not ended, for those who check from outside.
    pub(crate) fn view(&self, socket: SocketIx) -> OperationsView {
        let mut view = OperationsView::default();
        for running in self.running.iter().filter(|running| running.socket == socket) {
            match running.operation {
                Operation::Receive { .. } => view.receives += 1,
                Operation::Send(_) => view.sends += 1,
                Operation::Accept { .. } => view.accepts += 1,
                Operation::Connect => view.connects += 1,
            }
        }
        view
    }

    pub(crate) fn receives_on(&self, socket: SocketIx) -> bool {
        self.first(socket, is_receive).is_some()
    }

    pub(crate) fn sends_on(&self, socket: SocketIx) -> bool {
        self.first(socket, is_send).is_some()
    }

    pub(crate) fn accepts_on(&self, socket: SocketIx) -> bool {
        self.first(socket, is_accept).is_some()
    }

    /// Whether AcceptEx is to make it the end of a connection.
    pub(crate) fn is_accepting(&self, socket: SocketIx) -> bool {
        let accepting = Operation::Accept { accepting: socket };
        self.running.iter().any(|running| running.operation == accepting)
    }

    /// An operation begins.
    pub(crate) fn begin(&mut self, event: EventIx, socket: SocketIx, operation: Operation) {
        self.running.push(Running { event, socket, operation });
    }

    /// How the last operation of a structure went, if it has ended.
    pub(crate) fn result(&self, event: EventIx) -> Option<&Ended> {
        self.ended.iter().find(|ended| ended.event == event)
    }

    /// An operation has ended, which may not have begun before.
    pub(crate) fn end(&mut self, event: EventIx, ended: Ended) {
        self.running.retain(|running| running.event != event);
        let at = self.ended.partition_point(|other| other.event < event);
        self.ended.insert(at, ended);
    }

    /// The result of a structure is wanted no more.
    pub(crate) fn forget(&mut self, event: EventIx) {
        self.ended.retain(|ended| ended.event != event);
    }

    /// Whether a socket has to be told of its own connection before it can do everything.
    pub(crate) fn is_bare(&self, socket: SocketIx) -> bool {
        self.bare.iter().any(|bare| bare.socket == socket)
    }

    /// AcceptEx's listener of such a socket.
    pub(crate) fn listener_of(&self, socket: SocketIx) -> Option<SocketIx> {
        self.bare.iter().find(|bare| bare.socket == socket)?.listener
    }

    fn make_bare(&mut self, bare: Bare) {
        let at = self.bare.partition_point(|other| other.socket.0 < bare.socket.0);
        self.bare.insert(at, bare);
    }

    /// It was told.
    pub(crate) fn make_whole(&mut self, socket: SocketIx) {
        self.bare.retain(|bare| bare.socket != socket);
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self { running, ended, bare } = self;
        let count = |len: usize| u64::try_from(len).expect("fits");
        out(count(running.len()) | count(ended.len()) << 16 | count(bare.len()) << 32);
        for Running { event, socket, operation } in running {
            let (kind, rest) = match operation {
                Operation::Receive { len } => (0, u64::from(*len)),
                Operation::Send(Literal { id, len }) => {
                    (1, u64::from(id.0) << 32 | u64::from(*len))
                }
                Operation::Accept { accepting } => (2, u64::from(accepting.0)),
                Operation::Connect => (3, 0),
            };
            out(kind | u64::from(event.number()) << 8 | u64::from(socket.0) << 16);
            out(rest);
        }
        for Ended { event, socket, result, pieces, receives } in ended {
            let (failed, value) = match result {
                Ok(bytes) => (0, u64::from(*bytes)),
                Err(error) => (1, u64::from(error.0)),
            };
            let flags = failed | u64::from(*receives) << 1;
            let owner = u64::from(event.number()) << 8 | u64::from(socket.0) << 16;
            out(flags | owner | count(pieces.len()) << 32);
            out(value);
            for Piece { literal, offset, len } in pieces {
                out(u64::from(literal.0) << 32 | u64::from(*offset));
                out(u64::from(*len));
            }
        }
        for Bare { socket, listener } in bare {
            let listener = listener.map_or(0, |listener| 1 | u64::from(listener.0) << 8);
            out(u64::from(socket.0) | listener << 16);
        }
    }
}

fn is_receive(operation: Operation) -> bool {
    match operation {
        Operation::Receive { .. } => true,
        Operation::Send(_) | Operation::Accept { .. } | Operation::Connect => false,
    }
}

fn is_send(operation: Operation) -> bool {
    match operation {
        Operation::Send(_) => true,
        Operation::Receive { .. } | Operation::Accept { .. } | Operation::Connect => false,
    }
}

fn is_accept(operation: Operation) -> bool {
    match operation {
        Operation::Accept { .. } => true,
        Operation::Receive { .. } | Operation::Send(_) | Operation::Connect => false,
    }
}

fn is_connect(operation: Operation) -> bool {
    match operation {
        Operation::Connect => true,
        Operation::Receive { .. } | Operation::Send(_) | Operation::Accept { .. } => false,
    }
}

impl World {
    /// An operation has ended: its event object is set.
    pub(crate) fn operation_ends(
        &mut self,
        event: EventIx,
        socket: SocketIx,
        result: Result<u32, WsaError>,
    ) {
        self.ends(Ended { event, socket, result, pieces: Vec::new(), receives: false });
    }

    fn ends(&mut self, ended: Ended) {
        let event = ended.event;
        self.more.get_mut().overlapped.end(event, ended);
        self.set_event(event);
    }

    /// A receive ends with what is there.
    pub(crate) fn receive_ends<C: Chooser, S: Sink>(
        &mut self,
        event: EventIx,
        socket: SocketIx,
        len: u32,
        cx: &mut Context<'_, C, S>,
    ) -> u32 {
        let SocketState::Connected(link, side) = self.socket(socket).state else {
            unreachable!("who receives is connected")
        };
        let at_urgent = self.at_urgent(link, side, self.socket(socket).oob_inline, cx);
        let mut pieces = Vec::new();
        let reading = Reading { len, peek: false, at_urgent };
        let taken = self.streams.read(link, side, reading, |piece| pieces.push(piece));
        self.return_space(link, side);
        self.ends(Ended { event, socket, result: Ok(taken), pieces, receives: true });
        taken
    }

    /// Data, space or a connection arrived, which `event` tells of. Operations that wait for it
    /// come first, where the stack lets them (OQ-21, W-067, W-020).
    pub(crate) fn arrives<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        trigger: Trigger,
        event: Option<NetworkEvent>,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let runs = self.more.held().is_some_and(|parts| parts.overlapped.runs_on(socket));
        let absorbs = runs && self.knob::<PendingOperation>(cx) == PendingOperation::Absorbs;
        if absorbs {
            self.serve(socket, cx)?;
        }
        if let Some(event) = event {
            self.arm_by_arrival(socket, event, cx);
        }
        self.evaluate(socket, trigger, cx);
        if runs && !absorbs {
            self.serve(socket, cx)?;
        }
        Ok(())
    }

    /// Ends the operations on a socket that can end, in the order in which they began.
    fn serve<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        match self.socket(socket).state {
            SocketState::Datagram => self.serve_datagrams(socket, cx)?,
            SocketState::Listening { .. } => {
                while self.streams.waiting(socket) > 0
                    && let Some(Running { event, operation, .. }) =
                        self.more.overlapped.first(socket, is_accept)
                    && let Operation::Accept { accepting } = operation
                {
                    self.operation_ends(event, socket, Ok(0));
                    self.connect_accepting(socket, accepting, cx)?;
                }
            }
            SocketState::Connected(link, side) => {
                let inline = self.socket(socket).oob_inline;
                while self.streams.has_unread(link, side, inline)
                    && let Some(Running { event, operation, .. }) =
                        self.more.overlapped.first(socket, is_receive)
                    && let Operation::Receive { len } = operation
                {
                    self.receive_ends(event, socket, len, cx);
                }
                while self.streams.toward(link, side.other()).space == Space::Free
                    && let Some(Running { event, operation, .. }) =
                        self.more.overlapped.first(socket, is_send)
                    && let Operation::Send(data) = operation
                {
                    self.put(link, side, data);
                    self.operation_ends(event, socket, Ok(data.len));
                }
            }
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Connecting(_) => {}
        }
        Ok(())
    }

    /// Each receive takes one datagram, or the error that a receive call would tell (AS-RD-11,
    /// AS-UDP-07).
    fn serve_datagrams<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        while let Some(Running { event, operation, .. }) =
            self.more.overlapped.first(socket, is_receive)
            && let Operation::Receive { len } = operation
        {
            let result = match self.next_datagram(socket, len, false, cx)? {
                Offer::Nothing => return Ok(()),
                Offer::Datagram(piece) => Ok(piece),
                Offer::Refused(refusal) => Err(refusal.error),
            };
            self.datagram_operation_ends(event, socket, result);
        }
        Ok(())
    }

    /// A receive ends with a datagram, which may be empty, or fails.
    pub(crate) fn datagram_operation_ends(
        &mut self,
        event: EventIx,
        socket: SocketIx,
        result: Result<Piece, WsaError>,
    ) {
        let pieces = result.into_iter().filter(|piece| piece.len > 0).collect();
        let result = result.map(|piece| piece.len);
        self.ends(Ended { event, socket, result, pieces, receives: true });
    }

    /// Puts all of a payload on its way to the peer of `side`.
    pub(crate) fn put(&mut self, link: LinkIx, side: Side, data: Literal) {
        let peer = side.other();
        let space = self.capacity(link, peer).saturating_sub(self.streams.outstanding(link, peer));
        let piece = Piece { literal: data.id, offset: 0, len: data.len };
        self.streams.push(link, peer, Segment::Data(piece));
        if data.len >= space {
            self.streams.toward_mut(link, peer).space = Space::Full;
        }
    }

    /// AcceptEx: a socket becomes the end of the connection that has waited longest, with its own
    /// properties and its own registration (AS-INH-07).
    pub(crate) fn connect_accepting<C: Chooser, S: Sink>(
        &mut self,
        listener: SocketIx,
        accepting: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let link = self.streams.first_waiting(listener).expect("the caller has looked");
        if self.streams.toward(link, Side::Acceptor).arrived.is_aborted() {
            return Err(ModelError::new("AcceptEx", "of a connection that was reset"));
        }
        self.streams.leave_queue(link, End::Socket(accepting));
        let from = *self.socket(listener);
        if self.inherits_options_at_once(from.oob_inline || from.linger != Linger::default(), cx) {
            self.copy_options(listener, accepting);
        }
        let port = from.port;
        let this = self.socket_mut(accepting);
        this.state = SocketState::Connected(link, Side::Acceptor);
        this.port = port;
        let bare = Bare { socket: accepting, listener: Some(listener) };
        self.more.get_mut().overlapped.make_bare(bare);
        if self.is_cut(link) {
            self.lose(accepting)?;
        }
        if !works(Rule::Inh07) {
            self.inherit(listener, accepting, cx);
        }
        self.evaluate(accepting, Trigger::Extended, cx);
        Ok(())
    }

    /// AS-INH-07: whether options come with the connection, and not with SO_UPDATE_ACCEPT_CONTEXT.
    fn inherits_options_at_once<C: Chooser, S: Sink>(
        &mut self,
        has_some: bool,
        cx: &mut Context<'_, C, S>,
    ) -> bool {
        has_some && self.knob::<UpdateAcceptContext>(cx) == UpdateAcceptContext::Nothing
    }

    /// Gives an accepted socket the options of its listener.
    pub(crate) fn copy_options(&mut self, listener: SocketIx, accepted: SocketIx) {
        let from = *self.socket(listener);
        let this = self.socket_mut(accepted);
        this.oob_inline = from.oob_inline;
        this.linger = from.linger;
        self.set_buffers(accepted, self.buffers(listener));
    }

    /// ConnectEx has its outcome; answers whether there was one.
    pub(crate) fn connect_operation_ends(
        &mut self,
        socket: SocketIx,
        result: Result<u32, WsaError>,
    ) -> bool {
        let Some(Running { event, .. }) = self.more.overlapped.first(socket, is_connect) else {
            return false;
        };
        self.operation_ends(event, socket, result);
        if result.is_ok() {
            self.more.get_mut().overlapped.make_bare(Bare { socket, listener: None });
        }
        true
    }

    /// The peer ended: receives that wait get nothing (AS-CL-15).
    pub(crate) fn receives_end(&mut self, socket: SocketIx) {
        while let Some(Running { event, .. }) = self.more.overlapped.first(socket, is_receive) {
            self.receive_gets_nothing(event, socket);
        }
    }

    /// A receive ends because nothing will come any more.
    pub(crate) fn receive_gets_nothing(&mut self, event: EventIx, socket: SocketIx) {
        let (result, pieces) = (Ok(0), Vec::new());
        self.ends(Ended { event, socket, result, pieces, receives: true });
    }

    /// The connection is gone: all that waits fails (W-08A).
    pub(crate) fn operations_fail(&mut self, socket: SocketIx, error: WsaError) {
        let all = |_| true;
        while let Some(Running { event, .. }) = self.more.overlapped.first(socket, all) {
            self.operation_ends(event, socket, Err(error));
        }
    }

    /// The socket is closed: what waits on it ends (W-08D), and nobody can ask how.
    pub(crate) fn operations_of_closed(&mut self, socket: SocketIx) {
        self.operations_fail(socket, WsaError::WSA_OPERATION_ABORTED);
        let Some(Parts { overlapped, .. }) = self.more.existing() else { return };
        overlapped.ended.retain(|ended| ended.socket != socket);
        overlapped.bare.retain(|bare| bare.socket != socket);
        for bare in &mut overlapped.bare {
            bare.listener = bare.listener.filter(|listener| *listener != socket);
        }
    }
}
