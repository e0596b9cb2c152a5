//! WSAJoinLeaf on a stream socket, and what the sockets of a session cannot do here.
//!
//! There are no flags of WSASocket: the socket that the call is made on stands for a c_root, and a
//! leaf of the session is a listening socket, the other end of the connection. Of datagram sockets,
//! that is of multicast groups, no clause speaks.

use std::net::SocketAddr;

use asyncselect_abi::call::BackendCall;
use asyncselect_abi::{Call, Value, WsaError};

use super::{Outcome, Progress, fails, unsupported};
use crate::arm::works;
use crate::chooser::Chooser;
use crate::registration::Registration;
use crate::rule::Rule;
use crate::shortage::Shortage;
use crate::sink::Sink;
use crate::socket::{Socket, SocketIx, SocketState};
use crate::world::{Context, World};

const CALL: &str = "WSAJoinLeaf";

impl World {
    /// AS-CO-06, X-15: the new socket is there at once, whatever comes of the call.
    pub(super) fn join_leaf<C: Chooser, S: Sink>(
        &mut self,
        root: SocketIx,
        name: Option<SocketAddr>,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let this = *self.socket(root);
        match this.state {
            SocketState::Unbound | SocketState::Bound => {}
            SocketState::Listening { .. }
            | SocketState::Connecting(_)
            | SocketState::Connected(..) => {
                return unsupported(CALL, "on a socket that listens or has a connection");
            }
            SocketState::Closed { .. } => unreachable!("refuse_early has looked"),
            SocketState::Datagram => return unsupported(CALL, "on a datagram socket"),
        }
        if !this.nonblocking {
            return unsupported(CALL, "on a blocking socket");
        }
        if this.failed {
            return unsupported(CALL, "after a connect that failed");
        }
        if self.has_descriptors(root) || self.more.overlapped.is_accepting(root) {
            return unsupported(CALL, "on a socket with several descriptors, or AcceptEx's");
        }
        if self.more.shortage != Shortage::NONE {
            return unsupported(CALL, "where descriptors or buffers are short");
        }
        let Some(name) = name else {
            return unsupported(CALL, "without an address");
        };
        // AS-INH-08: what is registered, on its own descriptor; and so it never waits.
        let Some(leaf) = self.add_socket(Socket::new(cx.caller, SocketState::Unbound), cx) else {
            return unsupported(CALL, "more than 255 sockets");
        };
        self.bind_to(leaf, 0);
        let new = self.socket_mut(leaf);
        new.nonblocking = true;
        let handed_down = this.registration.filter(|_| works(Rule::Inh08));
        new.registration = handed_down.map(|held| Registration { descriptor: leaf, ..held });
        self.add_leaf(leaf, root);
        match self.host_at(name) {
            // The one network reaches the machines that there are and nobody else.
            None => self.join_ends(root, WsaError::WSAENETUNREACH, cx),
            Some(host) => {
                let Some(link) = self.streams.open(leaf, host, name.port()) else {
                    return unsupported(CALL, "more than 255 connections");
                };
                if self.is_cut(link) {
                    self.lose(leaf)?;
                }
                self.socket_mut(leaf).state = SocketState::Connecting(link);
            }
        }
        // AS-CO-06, X-15: not that it would block.
        if !works(Rule::Co06) {
            return fails(WsaError::WSAEWOULDBLOCK);
        }
        Ok(Progress::Done(Ok(Value::Socket(leaf.handle()))))
    }

    /// Why a call is not modelled on a socket of a session, if so: no clause says what it does.
    pub(super) fn forbidden_in_session(
        &self,
        call: &BackendCall,
        socket: SocketIx,
    ) -> Option<&'static str> {
        let closes = matches!(call, Call::CloseSocket { .. } | Call::CloseHandle { .. });
        let others = matches!(
            call,
            Call::Listen { .. }
                | Call::Connect { .. }
                | Call::ConnectEx { .. }
                | Call::WsaDuplicateSocket { .. }
        );
        if self.has_leaves(socket) {
            if others {
                return Some("on the root of a session that has leaves");
            }
            return closes.then(|| self.cannot_end(socket)).flatten();
        }
        if !self.is_leaf(socket) {
            return None;
        }
        let joins = match self.socket(socket).state {
            SocketState::Connected(..) if others => return Some("on a leaf of a session"),
            SocketState::Connected(..) if self.is_orphan(socket) && sends(call) => {
                // FD_CLOSE is promised, and not how these fail.
                return Some("on a leaf of a session whose root was closed");
            }
            SocketState::Connected(..) => return None,
            SocketState::Connecting(_) => true,
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Listening { .. }
            | SocketState::Datagram => false,
        };
        // AS-CO-06: it is not usable, and nobody says how the calls fail.
        let allowed = closes && !joins
            || matches!(
                call,
                Call::WsaAsyncSelect { .. }
                    | Call::WsaEventSelect { .. }
                    | Call::WsaEnumNetworkEvents { .. }
                    | Call::GetSockName { .. }
            );
        (!allowed).then_some("on a leaf that has not joined its session")
    }
}

/// Whether a call sends, or ends the sending.
fn sends(call: &BackendCall) -> bool {
    matches!(
        call,
        Call::Send { .. }
            | Call::SendTo { .. }
            | Call::WsaSend { .. }
            | Call::WsaSendTo { .. }
            | Call::WriteFile { .. }
            | Call::Shutdown { .. }
    )
}
