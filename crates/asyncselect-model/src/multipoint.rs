//! Multipoint sessions: which socket of WSAJoinLeaf belongs to which root.
//!
//! Reading list: AS-CO-04, AS-CO-06, X-15, AS-INH-08, AS-CL-25.

use asyncselect_abi::{NetworkEvent, WsaError};

use crate::chooser::Chooser;
use crate::latch::Trigger;
use crate::sink::Sink;
use crate::socket::{SocketIx, SocketState};
use crate::world::{Context, World};

/// The sockets that WSAJoinLeaf made, each with its root, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Multipoint(Vec<(SocketIx, SocketIx)>);

impl Multipoint {
    pub(crate) const NONE: Self = Self(Vec::new());

    fn root_of(&self, leaf: SocketIx) -> Option<SocketIx> {
        let at = self.0.binary_search_by_key(&leaf.0, |(leaf, _)| leaf.0).ok()?;
        Some(self.0[at].1)
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self(all) = self;
        out(u64::try_from(all.len()).expect("fits"));
        for (leaf, root) in all {
            out(u64::from(leaf.0) << 8 | u64::from(root.0));
        }
    }
}

impl World {
    /// The socket that WSAJoinLeaf was called on to make this one, if it was made so.
    #[inline]
    pub(crate) fn root_of(&self, leaf: SocketIx) -> Option<SocketIx> {
        self.more.held()?.multipoint.root_of(leaf)
    }

    /// Whether WSAJoinLeaf on a socket made one that is still open.
    pub(crate) fn has_leaves(&self, root: SocketIx) -> bool {
        self.more.held().is_some_and(|parts| parts.multipoint.0.iter().any(|(_, of)| *of == root))
    }

    pub(crate) fn add_leaf(&mut self, leaf: SocketIx, root: SocketIx) {
        let all = &mut self.more.get_mut().multipoint.0;
        let at = all.partition_point(|(other, _)| other.0 < leaf.0);
        all.insert(at, (leaf, root));
    }

    /// A socket that is closed is in no session. A root goes before its leaves only where all
    /// sockets of its machine or process go.
    pub(crate) fn leave_session(&mut self, socket: SocketIx) {
        if let Some(parts) = self.more.existing() {
            parts.multipoint.0.retain(|(leaf, root)| *leaf != socket && *root != socket);
        }
    }

    /// AS-CO-04: the end of WSAJoinLeaf, good (0) or bad, is told on the socket that it was called
    /// on. Each call is an operation of its own, which has its own FD_CONNECT.
    pub(crate) fn join_ends<C: Chooser, S: Sink>(
        &mut self,
        root: SocketIx,
        error: WsaError,
        cx: &mut Context<'_, C, S>,
    ) {
        self.socket_mut(root).arm(NetworkEvent::Connect);
        self.evaluate_one(root, NetworkEvent::Connect, Trigger::Joined(error), cx);
    }

    /// What must hold of sessions between any two moves.
    pub(crate) fn check_sessions(&self) {
        for (leaf, root) in &self.more.multipoint.0 {
            let is_root =
                matches!(self.socket(*root).state, SocketState::Unbound | SocketState::Bound);
            assert!(is_root, "what else a root may do is not modelled");
            let is_leaf = match self.socket(*leaf).state {
                SocketState::Bound | SocketState::Connecting(_) | SocketState::Connected(..) => {
                    true
                }
                SocketState::Closed { .. }
                | SocketState::Unbound
                | SocketState::Listening { .. }
                | SocketState::Datagram => false,
            };
            assert!(is_leaf, "AS-CL-25: a leaf that is closed is in no session");
        }
    }
}
