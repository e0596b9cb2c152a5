//! What stands with sockets, queues and connections, for those who check the model from outside.
//!
//! Facts only: what they lead to, a checker has to work out from the clauses by itself.

use asyncselect_abi::{
    EventHandle, HostId, Hwnd, MessageId, NetworkEvent, NetworkEvents, SocketHandle, ThreadId,
    WsaError,
};

use crate::datagram::Peer;
use crate::event_object::EventIx;
use crate::host::HostSet;
use crate::multipoint::Multipoint;
use crate::registration::{Registration, Target};
use crate::sink::Message;
use crate::socket::{Socket, SocketIx, SocketState};
use crate::stream::{Arrived, Link, Segment, Side, Space};
use crate::window::WindowIx;
use crate::world::World;

/// An open socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketView {
    /// Its handle.
    pub handle: SocketHandle,
    /// The machine that it is on.
    pub host: HostId,
    /// What is registered.
    pub registration: Option<RegistrationView>,
    /// Whether calls on it never wait.
    pub nonblocking: bool,
    /// Whether this side has shut its sending down.
    pub send_shut: bool,
    /// Whether this side has shut its receiving down.
    pub receive_shut: bool,
    /// SO_OOBINLINE.
    pub oob_inline: bool,
    /// Where it is in its life.
    pub stage: Stage,
}

/// A registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationView {
    /// Where notifications go.
    pub target: TargetView,
    /// The events that it asks for.
    pub mask: NetworkEvents,
    /// The machine or process that made it, whose upcalls tell of it.
    pub process: HostId,
}

/// How many overlapped operations on a socket have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationsView {
    /// WSARecv.
    pub receives: usize,
    /// WSASend.
    pub sends: usize,
    /// AcceptEx, on its listener.
    pub accepts: usize,
    /// ConnectEx.
    pub connects: usize,
}

/// Where notifications go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetView {
    /// To a window.
    Window {
        /// The window; `None` if it does not exist, or no longer.
        hwnd: Option<Hwnd>,
        /// The number of its messages.
        message: MessageId,
    },
    /// To an event object.
    Event {
        /// The event object; `None` if it was closed.
        object: Option<EventHandle>,
    },
}

/// Where a socket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has no connection, or none any more.
    Idle,
    /// It listens, and so many connections wait to be accepted.
    Listening {
        /// How many.
        waiting: u8,
        /// Whether the first of them was deferred (AS-EN-22).
        deferred: bool,
    },
    /// The answer to its connect has not come.
    Connecting,
    /// It has or had a connection.
    Connected(ConnectionView),
    /// It is a datagram socket.
    Datagram(DatagramView),
}

/// A datagram socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramView {
    /// Whether it is bound.
    pub bound: bool,
    /// Whether it has a peer.
    pub connected: bool,
    /// Whether a datagram with a byte in it is unread.
    pub unread: bool,
    /// Whether a receive call would return: a datagram is unread, empty or not, or an error waits.
    pub returns: bool,
    /// Whether the stack took an unreachable port for a closure.
    pub closed: bool,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionView {
    /// Which end.
    pub side: Side,
    /// What has arrived of the other side's end.
    pub arrived: Arrived,
    /// Whether data arrived and is unread; an urgent byte is data with SO_OOBINLINE.
    pub unread: bool,
    /// Whether an urgent byte arrived and is unread.
    pub urgent: bool,
    /// Whether a send would find space.
    pub space: bool,
}

impl World {
    /// Every open socket.
    #[inline]
    pub fn sockets(&self) -> impl Iterator<Item = SocketView> + '_ {
        let open = (0..).map(SocketIx).zip(self.sockets.iter());
        open.filter(|(_, socket)| !socket.is_closed()).map(|(at, socket)| self.view(at, socket))
    }

    /// The open socket of this handle, which may be that of a descriptor that was closed before
    /// the last.
    #[inline]
    #[must_use]
    pub fn socket_of(&self, handle: SocketHandle) -> Option<SocketView> {
        let at = self.standing(handle)?;
        Some(self.view(at, self.socket(at)))
    }

    /// What is registered on the open socket of this handle, and whether calls on it never wait:
    /// what is asked for after every move, without the rest of the view.
    #[inline(always)]
    #[must_use]
    pub fn registration_of(&self, handle: SocketHandle) -> Option<(RegistrationView, bool)> {
        let socket = self.socket(self.standing(handle)?);
        Some((self.registration_view(socket.registration?), socket.nonblocking))
    }

    /// The machine that a value of a handle belongs to, whether or not the socket is open.
    #[must_use]
    pub fn host_of_handle(&self, handle: SocketHandle) -> Option<HostId> {
        let at = SocketIx::from_handle(handle)?;
        self.sockets.get(at.at()).map(|socket| socket.host)
    }

    /// The thread that made a window; `None` if it does not exist, or no longer.
    #[must_use]
    pub fn thread_of(&self, hwnd: Hwnd) -> Option<ThreadId> {
        self.windows.owner(self.windows.find(hwnd)?)
    }

    /// How many posts a script still wants to fail.
    #[inline]
    #[must_use]
    pub fn failing_posts(&self) -> u8 {
        self.faults.posts
    }

    /// Whether the upcalls of a machine's provider post nothing.
    #[inline]
    #[must_use]
    pub fn has_failing_upcall(&self, host: HostId) -> bool {
        self.faults.upcall.has(host)
    }

    /// The same of any machine.
    #[inline]
    #[must_use]
    pub fn has_failing_upcalls(&self) -> bool {
        self.faults.upcall != HostSet::default()
    }

    /// The error that a script wants the next message of an event to carry.
    #[inline]
    #[must_use]
    pub fn injected_error(&self, socket: SocketHandle, event: NetworkEvent) -> Option<WsaError> {
        let place = SocketIx::from_handle(socket)?;
        self.more.injected.of(self.behind(place), event)
    }

    /// The handle under which a socket is known here: that of its first descriptor.
    #[inline]
    #[must_use]
    pub fn first_descriptor(&self, handle: SocketHandle) -> SocketHandle {
        SocketIx::from_handle(handle).map_or(handle, |place| self.behind(place).handle())
    }

    /// Whether the graceful end of some connection's peer has arrived; no socket is viewed.
    #[inline]
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let links = &*self.streams.links;
        links.iter().flat_map(Link::toward).any(|toward| toward.arrived == Arrived::End)
    }

    /// Whether there is a multipoint session, with a root and leaves.
    #[inline]
    #[must_use]
    pub fn has_sessions(&self) -> bool {
        self.more.held().is_some_and(|parts| parts.multipoint != Multipoint::NONE)
    }

    /// The open socket that WSAJoinLeaf was called on to make the open socket of this handle.
    #[inline]
    #[must_use]
    pub fn root_of_leaf(&self, handle: SocketHandle) -> Option<SocketHandle> {
        self.root_of(SocketIx::from_handle(handle)?).map(SocketIx::handle)
    }

    /// Whether the graceful end of the sending of this socket is on its way to the other end.
    #[must_use]
    pub fn end_is_under_way(&self, handle: SocketHandle) -> bool {
        let link = self.standing(handle).and_then(|at| self.socket(at).link());
        link.is_some_and(|(link, side)| {
            self.streams.next_all(link, side.other()).any(|next| next == Segment::Fin)
        })
    }

    /// Every queued message, of all threads, the oldest first.
    #[inline]
    pub fn queue(&self) -> impl ExactSizeIterator<Item = Message> + '_ {
        self.windows.queue.iter().map(crate::window::Queued::message)
    }

    /// Whether all queues, and the upcalls that have not returned, are those of another world.
    #[inline]
    #[must_use]
    pub fn has_queues_of(&self, other: &Self) -> bool {
        self.windows.queue == other.windows.queue
            && self.more.provider.posting == other.more.provider.posting
    }

    /// Of every queued message, in the same order, whether the program posted it itself.
    #[inline]
    pub fn queued_by_program(&self) -> impl ExactSizeIterator<Item = bool> + '_ {
        self.windows.queue.iter().map(|queued| !queued.is_of_stack())
    }

    /// Every message whose upcall has not returned, of all processes, the oldest first.
    pub fn upcalls(&self) -> impl ExactSizeIterator<Item = Message> + '_ {
        self.more.provider.posting.iter().map(crate::window::Queued::message)
    }

    /// How many overlapped operations on the socket of this handle have not ended.
    #[must_use]
    pub fn operations_on(&self, handle: SocketHandle) -> OperationsView {
        let place = SocketIx::from_handle(handle);
        place.map_or_else(OperationsView::default, |at| self.more.overlapped.view(self.behind(at)))
    }

    /// The socket of a descriptor that is open or was closed before the last.
    #[inline(always)]
    fn standing(&self, handle: SocketHandle) -> Option<SocketIx> {
        let place = SocketIx::from_handle(handle).filter(|at| at.at() < self.sockets.len())?;
        let socket = self.behind(place);
        (!self.socket(socket).is_closed()).then_some(socket)
    }

    #[inline]
    fn view(&self, at: SocketIx, socket: &Socket) -> SocketView {
        SocketView {
            handle: at.handle(),
            host: socket.host,
            registration: socket.registration.map(|held| self.registration_view(held)),
            nonblocking: socket.nonblocking,
            send_shut: socket.send_shut,
            receive_shut: socket.receive_shut,
            oob_inline: socket.oob_inline,
            stage: self.stage(at, socket),
        }
    }

    #[inline]
    fn stage(&self, at: SocketIx, socket: &Socket) -> Stage {
        match socket.state {
            SocketState::Closed { .. } | SocketState::Unbound | SocketState::Bound => Stage::Idle,
            SocketState::Listening { .. } => Stage::Listening {
                waiting: self.streams.waiting(at),
                deferred: self.streams.is_deferred(at),
            },
            SocketState::Connecting(_) => Stage::Connecting,
            SocketState::Connected(link, side) => Stage::Connected(ConnectionView {
                side,
                arrived: self.streams.toward(link, side).arrived,
                unread: self.streams.has_unread(link, side, socket.oob_inline),
                urgent: self.streams.has_urgent(link, side),
                space: self.streams.toward(link, side.other()).space == Space::Free,
            }),
            SocketState::Datagram => {
                let party = self.more.datagrams.party(at);
                Stage::Datagram(DatagramView {
                    bound: socket.port != 0,
                    connected: matches!(party.peer, Peer::At(_)),
                    unread: party.queue.iter().any(|parcel| parcel.piece.len > 0),
                    returns: self.has_parcel(at),
                    closed: party.closed,
                })
            }
        }
    }

    #[inline(always)]
    fn registration_view(&self, held: Registration) -> RegistrationView {
        RegistrationView {
            target: match held.target {
                Target::Window { window, message } => TargetView::Window {
                    hwnd: window.map(WindowIx::handle),
                    message: MessageId(u32::from(message)),
                },
                Target::Event(object) => TargetView::Event { object: object.map(EventIx::handle) },
            },
            mask: NetworkEvents(u32::from(held.mask.get())),
            process: self.socket(held.descriptor).host,
        }
    }
}
