//! What must hold between any two moves; where it does not, the mistake is our own.

use asyncselect_abi::{HostId, NetworkEvents, ThreadId};

use crate::arm::works;
use crate::host::HOSTS_MAX;
use crate::registration::Target;
use crate::rule::Rule;
use crate::socket::{Socket, SocketIx, SocketState};
use crate::stream::{Arrived, End, HoldKind, LinkIx, Segment, Side, Space};
use crate::window::{Queued, Standing};
use crate::world::{PendingCall, World};

/// How many of the newest messages are looked at: a queue may hold ten thousand.
const NEWEST: usize = 16;

impl World {
    /// Panics if the state is one that no moves lead to. [`World::apply`] asks after each move in
    /// builds with debug assertions.
    pub fn check_invariants(&self) {
        for (at, socket) in (0..).map(SocketIx).zip(self.sockets.iter()) {
            self.check_socket(at, socket);
        }
        for link in (0..).take(self.streams.links.len()).map(LinkIx) {
            for side in Side::ALL {
                self.check_end(link, side);
            }
            self.check_link(link);
        }
        self.streams.check_counts();
        let newest = self.windows.queue.iter().rev().take(NEWEST);
        newest.for_each(|queued| self.check_queued(queued));
        for (thread, pending) in (0..).map(ThreadId).zip(self.pending) {
            self.check_pending(thread, pending);
        }
        self.check_disturbances();
        self.check_sessions();
    }

    fn check_socket(&self, at: SocketIx, socket: &Socket) {
        if socket.is_closed() {
            let mut bare = Socket::closed(socket.host);
            bare.state = socket.state;
            assert_eq!(*socket, bare, "AS-CL-06: a closed socket has nothing and posts nothing");
            return;
        }
        let started = self.startups[usize::from(socket.host.0)] > 0;
        assert!(started || self.has_descriptors(at), "AS-CLS-06: no socket without it");
        if let Some(registration) = socket.registration {
            let works = works(Rule::Nb01) && works(Rule::Nb08);
            assert!(socket.nonblocking || !works, "AS-NB-01: a registered socket is non-blocking");
            let mask = NetworkEvents(u32::from(registration.mask.get()));
            assert!(mask.undefined().is_empty(), "OQ-04: what no event has is not kept");
            assert_eq!(self.behind(registration.descriptor), at, "a descriptor of the socket");
            if let Target::Window { window: Some(window), .. } = registration.target {
                let owner = self.windows.owner(window).expect("OQ-18: a window that exists");
                let host = self.socket(registration.descriptor).host;
                assert_eq!(self.host_of(owner), host, "a window of another machine");
            }
        }
        let undefined = NetworkEvents(u32::from(socket.spent())).undefined();
        assert!(undefined.is_empty(), "what no event has is never spent");
        let (bound, link) = match socket.state {
            SocketState::Closed { .. } => unreachable!("looked at above"),
            SocketState::Unbound => (false, None),
            SocketState::Bound => (true, None),
            SocketState::Listening { backlog } => {
                assert!(backlog > 0, "listen takes one at least");
                (true, None)
            }
            SocketState::Connecting(link) => (true, Some((link, Side::Connector))),
            SocketState::Connected(link, side) => (true, Some((link, side))),
            // Bound or not, as sendto and connect make it.
            SocketState::Datagram => {
                let idle = !self.more.overlapped.receives_on(at) || !self.has_parcel(at);
                assert!(idle, "OQ-21: what is there ends an overlapped receive");
                (socket.port != 0, None)
            }
        };
        assert_eq!(socket.port != 0, bound, "a port is what binding gives");
        if let Some((link, side)) = link {
            assert_eq!(self.streams.end(link, side), End::Socket(at), "a socket holds its end");
        }
    }

    fn check_end(&self, link: LinkIx, side: Side) {
        let end = self.streams.end(link, side);
        let direction = self.streams.toward(link, side);
        match end {
            End::Socket(socket) => {
                let held = self.socket(socket).link();
                assert_eq!(held, Some((link, side)), "an end is held by its socket");
            }
            End::HalfOpen(listener)
            | End::Waiting { listener, .. }
            | End::Deferred { listener } => {
                assert_eq!(side, Side::Acceptor, "only that one waits to be accepted");
                let state = self.socket(listener).state;
                assert!(matches!(state, SocketState::Listening { .. }), "it waits for a listener");
            }
            End::Nobody(_) => assert_eq!(side, Side::Acceptor, "somebody connects"),
            End::Gone(_) => {
                assert!(!self.streams.has_unread(link, side, true), "nobody will read it");
                assert_eq!(direction.arrived, Arrived::Open, "nobody will hear of it");
            }
        }
        if let End::Waiting { listener, rank } = end {
            assert!(rank < self.streams.waiting(listener), "ranks have no gaps");
        }
        // No lost wake-up: a sender that waits for space waits for somebody to read, or the news is
        // under way.
        let sender = self.streams.end(link, side.other());
        if sender.is_gone() || self.is_cut(link) {
            return;
        }
        let news = self.streams.next_all(link, side.other()).any(|next| next == Segment::Window);
        match direction.space {
            Space::Free => {}
            Space::Full => {
                assert!(!news, "who is to hear of space has none until then");
                let nothing = end.is_gone() || self.streams.outstanding(link, side) == 0;
                // What arrives at nobody is answered.
                let idle = nothing && !self.streams.is_flying(link, side);
                let over = self.streams.toward(link, side.other()).arrived.is_aborted()
                    || direction.arrived.is_aborted()
                    || self.streams.next_all(link, side.other()).any(|next| next == Segment::Rst);
                assert!(!idle || over, "a sender waits for space that is there");
            }
            Space::Returning => {
                let over = self.streams.toward(link, side.other()).arrived.is_aborted()
                    || direction.arrived.is_aborted()
                    || self.streams.next_all(link, side.other()).any(|next| next == Segment::Rst);
                assert!(news || over, "the news of space is under way");
            }
        }
    }

    fn check_link(&self, link: LinkIx) {
        let held = Side::ALL.into_iter().any(|side| {
            let moves = self.streams.is_flying(link, side) && !self.is_cut(link);
            moves || !self.streams.end(link, side).is_gone()
        });
        assert!(held || self.is_cut(link), "a connection that nobody holds is forgotten");
    }

    fn check_queued(&self, queued: &Queued) {
        let owner = self.windows.owner(queued.window);
        assert!(owner.is_some(), "AS-Q-07: messages go with their window");
        match queued.standing {
            Standing::Stale | Standing::Orphaned | Standing::Own => {}
            Standing::Current => {
                let socket = self.socket(self.behind(queued.socket));
                let holds = socket.registration.is_some_and(|registration| {
                    let (window, message) = (Some(queued.window), queued.message);
                    registration.target == Target::Window { window, message }
                        && registration.wants(queued.event)
                });
                assert!(holds, "a current message has a registration behind it");
            }
        }
    }

    fn check_pending(&self, thread: ThreadId, pending: PendingCall) {
        let select = matches!(pending, PendingCall::Select { .. } | PendingCall::Events { .. });
        let left_ms = self.more.select_left_ms[usize::from(thread.0)];
        assert!(
            left_ms == 0 || select,
            "only select and waiting for event objects have their own time"
        );
        for (at, socket) in (0..).map(SocketIx).zip(self.sockets.iter()) {
            if pending.waits_on(at) {
                assert!(!socket.is_closed(), "closing under a call is not modelled");
                let own = socket.host == self.host_of(thread) || self.has_descriptors(at);
                assert!(own, "a socket of another machine");
            }
        }
        match pending {
            PendingCall::Message { window: Some(window), .. } => {
                assert_eq!(self.windows.owner(window), Some(thread), "its own window");
            }
            PendingCall::None
            | PendingCall::Message { window: None, .. }
            | PendingCall::Connect(_)
            | PendingCall::Accept { .. }
            | PendingCall::Receive { .. }
            | PendingCall::Send { .. }
            | PendingCall::Change { .. }
            | PendingCall::Cancelled
            | PendingCall::Events { .. }
            | PendingCall::Overlapped { .. }
            | PendingCall::Select { .. } => {}
        }
    }

    fn check_disturbances(&self) {
        for (index, hold) in self.streams.holds.iter().enumerate() {
            let socket = self.socket(hold.socket);
            assert!(!socket.is_closed(), "what disturbs a socket goes with it");
            let earlier = self.streams.holds[..index].iter();
            let twice = earlier.filter(|other| other.socket == hold.socket).count();
            assert_eq!(twice, 0, "one disturbance a socket");
            let timed = hold.kind != HoldKind::LossUnnoticed;
            assert_eq!(hold.left_ms > 0, timed, "what has ended is gone");
        }
        for socket in self.more.injected.sockets() {
            assert!(!self.socket(socket).is_closed(), "an injected error goes with its socket");
        }
        for host in 0..HOSTS_MAX {
            let host = HostId(u8::try_from(host).expect("machines are few"));
            let started = self.startups[usize::from(host.0)] > 0;
            assert!(started || !self.faults.winsock_1.has(host), "an environment without a start");
        }
        for socket in self.more.notices.sockets() {
            assert!(!self.socket(socket).is_closed(), "what was asked for goes with the socket");
        }
    }
}
