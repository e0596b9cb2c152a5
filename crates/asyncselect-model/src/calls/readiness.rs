//! select: which sockets are ready. It re-enables nothing (AS-EN-23).

use asyncselect_abi::{SocketHandle, ThreadId, WsaError};

use super::{Outcome, Progress, counted, fails, fails_by, unsupported};
use crate::arm::works;
use crate::chooser::Chooser;
use crate::rule::Rule;
use crate::sink::Sink;
use crate::socket::{SocketIx, SocketState};
use crate::stream::{Arrived, Space};
use crate::world::{Context, PendingCall, World};

impl World {
    /// select; AS-EN-23: it asks, and re-enables nothing.
    pub(super) fn select<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        sets: [&Vec<SocketHandle>; 3],
        timeout_ms: u32,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if sets.iter().all(|set| set.is_empty()) {
            return fails(WsaError::WSAEINVAL);
        }
        let host = self.host_of(thread);
        let mut masks = [0_u16; 3];
        for (set, mask) in sets.into_iter().zip(&mut masks) {
            for handle in set {
                let Some(socket) = self.open_socket(host, *handle) else {
                    return fails_by(WsaError::WSAENOTSOCK, Rule::Reg11);
                };
                let socket = self.behind(socket);
                let Some(bit) = 1_u16.checked_shl(u32::from(socket.0)) else {
                    return unsupported("select", "on a socket after the sixteenth");
                };
                if self.is_datagram(socket) && self.has_failed(socket) {
                    return unsupported("select", "on a socket whose port was unreachable");
                }
                // AS-CO-06: it cannot tell of WSAJoinLeaf; what it tells instead nobody says.
                if self.is_leaf(socket) || self.has_leaves(socket) {
                    return unsupported("select", "on a socket of a multipoint session");
                }
                *mask |= bit;
                self.selected(socket, cx);
                if !works(Rule::En23) {
                    self.rearm_by_receive(socket, false, cx);
                }
            }
        }
        let ready = self.count_ready(masks);
        if ready > 0 || timeout_ms == 0 {
            return counted(ready);
        }
        let [read, write, except] = masks;
        let Ok(left_ms) = u16::try_from(timeout_ms) else {
            return unsupported("select", "that waits for longer than 65535 ms");
        };
        self.more.get_mut().select_left_ms[usize::from(thread.0)] = left_ms;
        Ok(Progress::Waits(PendingCall::Select { read, write, except }))
    }

    /// How many of the sockets of three sets are ready.
    pub(super) fn count_ready(&self, [read, write, except]: [u16; 3]) -> u32 {
        let count = |set: u16, ready: fn(&Self, SocketIx) -> bool| {
            let sockets = (0..16).map(SocketIx).filter(|socket| set >> socket.0 & 1 == 1);
            sockets.filter(|socket| ready(self, *socket)).map(|_| 1).sum::<u32>()
        };
        count(read, Self::is_read_ready)
            + count(write, Self::is_write_ready)
            + count(except, Self::is_except_ready)
    }

    fn is_read_ready(&self, socket: SocketIx) -> bool {
        let this = self.socket(socket);
        match this.state {
            SocketState::Listening { .. } => self.streams.waiting(socket) > 0,
            SocketState::Connected(link, side) => {
                self.streams.has_unread(link, side, this.oob_inline)
                    || self.streams.toward(link, side).arrived != Arrived::Open
            }
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Connecting(_) => false,
            // An empty datagram too: a receive call would return.
            SocketState::Datagram => self.has_parcel(socket),
        }
    }

    fn is_write_ready(&self, socket: SocketIx) -> bool {
        let this = self.socket(socket);
        match this.state {
            SocketState::Connected(link, side) => {
                self.streams.toward(link, side.other()).space == Space::Free
                    || self.is_aborted(socket)
                    || this.send_shut
            }
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Listening { .. }
            | SocketState::Connecting(_) => false,
            // Sending never waits.
            SocketState::Datagram => true,
        }
    }

    /// AS-CO-15, W-037: a connect that failed; urgent data.
    fn is_except_ready(&self, socket: SocketIx) -> bool {
        let this = self.socket(socket);
        match this.state {
            SocketState::Connected(link, side) => {
                !this.oob_inline && self.streams.has_urgent(link, side)
                    || !works(Rule::Qos05) && self.has_untold_qos(socket)
            }
            SocketState::Bound => works(Rule::Co15) && (this.failed || this.error != WsaError(0)),
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Listening { .. }
            | SocketState::Connecting(_)
            | SocketState::Datagram => false,
        }
    }

    #[inline]
    /// Whether a connection was aborted, or both sides have ended it.
    pub(crate) fn is_over(&self, socket: SocketIx) -> bool {
        let this = self.socket(socket);
        self.is_aborted(socket)
            || this.send_shut
                && this.link().is_some_and(|(link, side)| {
                    self.streams.toward(link, side).arrived == Arrived::End
                })
    }

    pub(crate) fn is_aborted(&self, socket: SocketIx) -> bool {
        match self.socket(socket).state {
            SocketState::Connected(link, side) => {
                self.streams.toward(link, side).arrived.is_aborted()
            }
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Listening { .. }
            | SocketState::Connecting(_)
            | SocketState::Datagram => false,
        }
    }
}
