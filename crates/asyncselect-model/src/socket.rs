//! A socket: one enum or flag for each axis of its state.

use asyncselect_abi::{NetworkEvent, NetworkEvents, SocketHandle};

use crate::latch::Latch;
use crate::registration::Registration;
use crate::stream::{LinkIx, Side};

/// Number of a socket among those that were made.
///
/// Handle values are not used twice here: a script that means a closed socket gets WSAENOTSOCK
/// . Stacks that use values again are a knob of a later version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct SocketIx(pub(crate) u8);

impl SocketIx {
    /// Socket handles look as on Windows: multiples of four, none of them small.
    const FIRST: u64 = 0x100;

    pub(crate) fn at(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn handle(self) -> SocketHandle {
        SocketHandle(Self::FIRST + 4 * u64::from(self.0))
    }

    pub(crate) fn from_handle(handle: SocketHandle) -> Option<Self> {
        let offset = handle.0.checked_sub(Self::FIRST).filter(|offset| offset % 4 == 0)?;
        u8::try_from(offset / 4).ok().map(Self)
    }
}

/// Where a stream socket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum SocketState {
    /// After closesocket, from any state.
    #[default]
    Closed,
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
}

/// A socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Socket {
    pub(crate) state: SocketState,
    /// Set by FIONBIO and by every registration (AS-NB-01).
    pub(crate) nonblocking: bool,
    /// After shutdown(SD_RECEIVE) or SD_BOTH.
    pub(crate) receive_shut: bool,
    /// After shutdown(SD_SEND) or SD_BOTH.
    pub(crate) send_shut: bool,
    /// SO_LINGER with a time-out of zero: closing resets.
    pub(crate) abortive: bool,
    /// Whether the last connect was refused.
    pub(crate) refused: bool,
    /// The local port; 0 for none.
    pub(crate) port: u16,
    pub(crate) registration: Option<Registration>,
    /// Events that were posted and not re-enabled since.
    spent: u16,
}

impl Socket {
    pub(crate) fn new(state: SocketState) -> Self {
        Self { state, ..Self::default() }
    }

    /// The connection and this socket's end of it.
    pub(crate) fn link(&self) -> Option<(LinkIx, Side)> {
        match self.state {
            SocketState::Connected(link, side) => Some((link, side)),
            SocketState::Connecting(link) => Some((link, Side::Connector)),
            SocketState::Closed
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Listening { .. } => None,
        }
    }

    pub(crate) fn latch(&self, event: NetworkEvent) -> Latch {
        if u32::from(self.spent) & event.bit().0 == 0 { Latch::Armed } else { Latch::Spent }
    }

    pub(crate) fn arm(&mut self, event: NetworkEvent) {
        self.spent &= !bits(event.bit());
    }

    pub(crate) fn spend(&mut self, event: NetworkEvent) {
        self.spent |= bits(event.bit());
    }

    pub(crate) fn arm_all(&mut self) {
        self.spent = 0;
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self {
            state,
            nonblocking,
            receive_shut,
            send_shut,
            abortive,
            refused,
            port,
            registration,
            spent,
        } = self;
        let state = match state {
            SocketState::Closed => 0,
            SocketState::Unbound => 1,
            SocketState::Bound => 2,
            SocketState::Listening { backlog } => 3 | u64::from(*backlog) << 4,
            SocketState::Connecting(link) => 4 | u64::from(link.0) << 4,
            SocketState::Connected(link, Side::Connector) => 5 | u64::from(link.0) << 4,
            SocketState::Connected(link, Side::Acceptor) => 6 | u64::from(link.0) << 4,
        };
        let flags = [nonblocking, receive_shut, send_shut, abortive, refused]
            .into_iter()
            .fold(0, |word, flag| word << 1 | u64::from(*flag));
        out(state | flags << 16 | u64::from(*port) << 32 | u64::from(*spent) << 48);
        out(registration.map_or(0, Registration::packed));
    }
}

fn bits(events: NetworkEvents) -> u16 {
    u16::try_from(events.0).expect("defined events have the ten low bits")
}
