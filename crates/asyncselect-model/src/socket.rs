//! A socket: one enum or flag for each axis of its state.

use asyncselect_abi::{HostId, NetworkEvent, NetworkEvents, SocketHandle, WsaError};

use crate::arm::works;
use crate::latch::Latch;
use crate::registration::{Registration, Target};
use crate::rule::Rule;
use crate::stream::{LinkIx, Side};

/// Number of a socket: its place among those that exist or existed.
///
/// The handle value follows from it. Whether the place of a closed socket is used again, and which,
/// is a knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct SocketIx(pub(crate) u8);

impl SocketIx {
    /// Socket handles look as on Windows: multiples of four, none of them small.
    const FIRST: u64 = 0x100;

    #[inline]
    pub(crate) fn at(self) -> usize {
        usize::from(self.0)
    }

    #[inline]
    pub(crate) fn handle(self) -> SocketHandle {
        SocketHandle(Self::FIRST + 4 * u64::from(self.0))
    }

    #[inline]
    pub(crate) fn from_handle(handle: SocketHandle) -> Option<Self> {
        let offset = handle.0.checked_sub(Self::FIRST).filter(|offset| offset % 4 == 0)?;
        u8::try_from(offset / 4).ok().map(Self)
    }
}

/// Where a socket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketState {
    /// After closesocket, from any state. `rank` counts those that were closed later.
    Closed { rank: u8 },
    /// After socket.
    Unbound,
    /// After bind, or after a connect that failed.
    Bound,
    /// After listen, from `Bound`.
    Listening { backlog: u8 },
    /// After connect, from `Unbound` or `Bound`, until the answer arrives.
    Connecting(LinkIx),
    /// After the answer arrived, or made by accept.
    Connected(LinkIx, Side),
    /// A datagram socket, all its life; see [`crate::datagram`] for the rest of it.
    Datagram,
}

impl Default for SocketState {
    fn default() -> Self {
        Self::Closed { rank: 0 }
    }
}

/// What closesocket does with data that the peer does not have yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Linger {
    /// It is sent in the background.
    #[default]
    Background,
    /// SO_LINGER with a time-out of zero: it is dropped, closing resets (AS-CL-22).
    Abort,
    /// SO_LINGER with another time-out: closing waits for it (AS-CLS-04).
    Wait,
}

/// A socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Socket {
    pub(crate) state: SocketState,
    /// The machine that it is or was on; its place stays there.
    pub(crate) host: HostId,
    /// Set by FIONBIO and by every registration (AS-NB-01).
    pub(crate) nonblocking: bool,
    /// After shutdown(SD_RECEIVE) or SD_BOTH.
    pub(crate) receive_shut: bool,
    /// After shutdown(SD_SEND) or SD_BOTH.
    pub(crate) send_shut: bool,
    /// SO_OOBINLINE.
    pub(crate) oob_inline: bool,
    pub(crate) linger: Linger,
    /// Whether the last connect failed.
    pub(crate) failed: bool,
    /// SO_ERROR: how the last connect failed; 0 for no error.
    pub(crate) error: WsaError,
    /// The local port; 0 for none.
    pub(crate) port: u16,
    pub(crate) registration: Option<Registration>,
    /// Events that were posted and not re-enabled since.
    spent: u16,
}

impl Socket {
    pub(crate) fn new(host: HostId, state: SocketState) -> Self {
        Self {
            state,
            host,
            // AS-NB-05.
            nonblocking: !works(Rule::Nb05),
            // AS-OOB-01: urgent data is kept apart at first.
            oob_inline: !works(Rule::Oob01),
            ..Self::default()
        }
    }

    /// The place that a closed socket leaves.
    pub(crate) fn closed(host: HostId) -> Self {
        Self { host, ..Self::default() }
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state, SocketState::Closed { .. })
    }

    /// The connection and this socket's end of it.
    #[inline]
    pub(crate) fn link(&self) -> Option<(LinkIx, Side)> {
        match self.state {
            SocketState::Connected(link, side) => Some((link, side)),
            SocketState::Connecting(link) => Some((link, Side::Connector)),
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Listening { .. }
            | SocketState::Datagram => None,
        }
    }

    #[inline]
    pub(crate) fn latch(&self, event: NetworkEvent) -> Latch {
        if self.spent & bits(event.bit()) == 0 { Latch::Armed } else { Latch::Spent }
    }

    #[inline]
    pub(crate) fn arm(&mut self, event: NetworkEvent) {
        self.spent &= !bits(event.bit());
    }

    #[inline]
    pub(crate) fn spend(&mut self, event: NetworkEvent) {
        self.spent |= bits(event.bit());
    }

    /// The events that its registration wants and that are armed, as bits.
    #[inline]
    pub(crate) fn candidates(&self) -> u16 {
        self.registration.map_or(0, |registration| registration.mask.get() & !self.spent)
    }

    /// Whether it is registered with an event object.
    pub(crate) fn told_by_event(&self) -> bool {
        match self.registration.map(|registration| registration.target) {
            Some(Target::Event(_)) => true,
            Some(Target::Window { .. }) | None => false,
        }
    }

    /// The events that were posted and not re-enabled since, as bits.
    pub(crate) fn spent(&self) -> u16 {
        self.spent
    }

    /// Arms every event but these, which stay as they are.
    pub(crate) fn keep_spent(&mut self, events: u16) {
        self.spent &= events;
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self {
            state,
            host,
            nonblocking,
            receive_shut,
            send_shut,
            oob_inline,
            linger,
            failed,
            error,
            port,
            registration,
            spent,
        } = self;
        let state = match state {
            SocketState::Closed { rank } => u64::from(*rank) << 4,
            SocketState::Unbound => 1,
            SocketState::Bound => 2,
            SocketState::Listening { backlog } => 3 | u64::from(*backlog) << 4,
            SocketState::Connecting(link) => 4 | u64::from(link.0) << 4,
            SocketState::Connected(link, Side::Connector) => 5 | u64::from(link.0) << 4,
            SocketState::Connected(link, Side::Acceptor) => 6 | u64::from(link.0) << 4,
            SocketState::Datagram => 7,
        };
        let linger = match linger {
            Linger::Background => 0,
            Linger::Abort => 1,
            Linger::Wait => 2,
        };
        let flags = [nonblocking, receive_shut, send_shut, oob_inline, failed]
            .into_iter()
            .fold(linger, |word: u64, flag| word << 1 | u64::from(*flag));
        // What most sockets do not have takes no word.
        let has_error = *error != WsaError(0);
        out(state
            | u64::from(has_error) << 12
            | u64::from(registration.is_some()) << 13
            | flags << 16
            | u64::from(host.0) << 24
            | u64::from(*port) << 32
            | u64::from(*spent) << 48);
        if has_error {
            out(u64::from(error.0));
        }
        if let Some(registration) = registration {
            out(registration.packed());
        }
    }
}

#[inline]
fn bits(events: NetworkEvents) -> u16 {
    u16::try_from(events.0).expect("defined events have the ten low bits")
}
