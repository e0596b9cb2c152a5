//! Multipoint sessions: which socket of WSAJoinLeaf belongs to which root.
//!
//! A root has no connection of its own. Each leaf that it invites is a connection between a socket
//! that WSAJoinLeaf made beside the root and one that the leaf's machine accepted; to the clauses
//! both of them are c_leaf sockets.
//!
//! Where it lies: what a leaf sends on after its root was closed, and what it had sent that was
//! still under way, is not modelled (no clause says whether it is received, dropped or reset); the
//! run is given up where such data arrives. To be thought over when somebody has seen a stack.
//!
//! Reading list: AS-CO-04, AS-CO-06, X-15, AS-INH-08, AS-CL-25.

use asyncselect_abi::{NetworkEvent, WsaError};

use crate::chooser::Chooser;
use crate::latch::Trigger;
use crate::sink::Sink;
use crate::socket::{Linger, SocketIx, SocketState};
use crate::stream::{Arrived, Segment};
use crate::world::{Context, World};

/// The root of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    /// The open socket that WSAJoinLeaf was called on.
    Open(SocketIx),
    /// It was closed, from `Open`: another socket may have its place.
    Closed,
}

/// The sockets that WSAJoinLeaf made, each with its root, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Multipoint(Vec<(SocketIx, Root)>);

impl Multipoint {
    pub(crate) const NONE: Self = Self(Vec::new());

    fn root_of(&self, leaf: SocketIx) -> Option<Root> {
        let at = self.0.binary_search_by_key(&leaf.0, |(leaf, _)| leaf.0).ok()?;
        Some(self.0[at].1)
    }

    fn leaves_of(&self, root: SocketIx) -> impl Iterator<Item = SocketIx> {
        self.0.iter().filter(move |(_, of)| *of == Root::Open(root)).map(|(leaf, _)| *leaf)
    }

    /// Takes note that a root is closed.
    fn lose(&mut self, closed: SocketIx) {
        for (_, root) in self.0.iter_mut().filter(|(_, root)| *root == Root::Open(closed)) {
            *root = Root::Closed;
        }
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self(all) = self;
        out(u64::try_from(all.len()).expect("fits"));
        for (leaf, root) in all {
            let root = match root {
                Root::Open(root) => u64::from(root.0),
                Root::Closed => 1 << 8,
            };
            out(u64::from(leaf.0) << 16 | root);
        }
    }
}

impl World {
    /// The open socket that WSAJoinLeaf was called on to make this one, if it was made so.
    #[inline]
    pub(crate) fn root_of(&self, leaf: SocketIx) -> Option<SocketIx> {
        match self.more.held()?.multipoint.root_of(leaf)? {
            Root::Open(root) => Some(root),
            Root::Closed => None,
        }
    }

    /// Whether WSAJoinLeaf made a socket, and its root was closed.
    #[inline]
    pub(crate) fn is_orphan(&self, socket: SocketIx) -> bool {
        let held = self.more.held();
        held.is_some_and(|parts| parts.multipoint.root_of(socket) == Some(Root::Closed))
    }

    /// Whether WSAJoinLeaf made a socket.
    #[inline]
    pub(crate) fn is_leaf(&self, socket: SocketIx) -> bool {
        self.more.held().is_some_and(|parts| parts.multipoint.root_of(socket).is_some())
    }

    /// Whether WSAJoinLeaf on a socket made one that is still open.
    pub(crate) fn has_leaves(&self, root: SocketIx) -> bool {
        let held = self.more.held();
        held.is_some_and(|parts| parts.multipoint.leaves_of(root).next().is_some())
    }

    pub(crate) fn add_leaf(&mut self, leaf: SocketIx, root: SocketIx) {
        let all = &mut self.more.get_mut().multipoint.0;
        let at = all.partition_point(|(other, _)| other.0 < leaf.0);
        all.insert(at, (leaf, Root::Open(root)));
    }

    /// A socket that is closed is in no session; the leaves that it has as a root have none now.
    pub(crate) fn leave_session(&mut self, socket: SocketIx) {
        if let Some(parts) = self.more.existing() {
            parts.multipoint.0.retain(|(leaf, _)| *leaf != socket);
            parts.multipoint.lose(socket);
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

    /// Why the session of a root that is to be closed cannot be ended, if so: no clause says what
    /// comes of it.
    pub(crate) fn cannot_end(&self, root: SocketIx) -> Option<&'static str> {
        let this = self.socket(root);
        if self.is_network_down(this.host) {
            return Some("on the root of a session where the network has failed");
        }
        // AS-CL-22 is about the connection of the socket, and a root has none.
        if this.linger != Linger::Background {
            return Some("on the root of a session, with SO_LINGER");
        }
        let why = |leaf: SocketIx| {
            if matches!(self.socket(leaf).state, SocketState::Connecting(_)) {
                // AS-CO-04 has an outcome for the root, which is none any more.
                Some("on the root of a session while a leaf joins")
            } else if self.pending.iter().any(|call| call.waits_on(leaf))
                || self.more.overlapped.runs_on(leaf)
            {
                Some("on the root of a session, under a call on one of its leaves")
            } else {
                None
            }
        };
        self.more.multipoint.leaves_of(root).find_map(why)
    }

    /// AS-CL-25: closing a root gives every associated c_leaf FD_CLOSE. (Where all sockets of a
    /// process go, the leaves go with it, and each tells its own other end.)
    pub(crate) fn end_session<C: Chooser, S: Sink>(
        &mut self,
        root: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        let Some(parts) = self.more.existing() else { return };
        let leaves: Vec<_> = parts.multipoint.leaves_of(root).collect();
        parts.multipoint.lose(root);
        for leaf in leaves {
            self.end_leaf(leaf, cx);
        }
    }

    /// Both ends of a leaf's connection are c_leaf sockets. The far one hears as of any graceful
    /// end, by what arrives there; the near one is in the root's own machine, and hears at once.
    fn end_leaf<C: Chooser, S: Sink>(&mut self, leaf: SocketIx, cx: &mut Context<'_, C, S>) {
        // W-030: one that has not joined has no connection, and so nothing to tell.
        let SocketState::Connected(link, side) = self.socket(leaf).state else { return };
        // Over already, and told.
        if self.is_aborted(leaf) {
            return;
        }
        // Neither direction goes on, so that the near end is one that has ended its sending too.
        let this = self.socket_mut(leaf);
        if !this.send_shut {
            this.send_shut = true;
            self.streams.push(link, side.other(), Segment::Fin);
        }
        let arrived = &mut self.streams.toward_mut(link, side).arrived;
        if *arrived == Arrived::Open {
            *arrived = Arrived::End;
            // AS-CL-03: what arrived before can be read, and comes first.
            self.evaluate_one(leaf, NetworkEvent::Close, Trigger::RootClosed, cx);
        }
    }

    /// What must hold of sessions between any two moves.
    pub(crate) fn check_sessions(&self) {
        for (leaf, root) in &self.more.multipoint.0 {
            match root {
                Root::Open(root) => {
                    let state = self.socket(*root).state;
                    let is_root = matches!(state, SocketState::Unbound | SocketState::Bound);
                    assert!(is_root, "what else a root may do is not modelled");
                }
                Root::Closed => self.check_orphan(*leaf),
            }
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

    fn check_orphan(&self, leaf: SocketIx) {
        match self.socket(leaf).state {
            SocketState::Connected(link, side) => {
                let arrived = self.streams.toward(link, side).arrived;
                assert_ne!(arrived, Arrived::Open, "AS-CL-25: its connection is over");
                let sends = !self.socket(leaf).send_shut && !arrived.is_aborted();
                assert!(!sends, "AS-CL-25: the other end of it is told");
            }
            SocketState::Connecting(_) => unreachable!("closing a root then is not modelled"),
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Listening { .. }
            | SocketState::Datagram => {}
        }
    }
}
