//! What a random program knows of its world, and what it makes up.

use std::net::SocketAddr;

use asyncselect_abi::call::{BackendCall, MsgFlags};
use asyncselect_abi::{
    Call, EventHandle, Family, HostId, Hwnd, Literal, LiteralId, MessageId, NetworkEvents,
    SocketHandle, ThreadId,
};
use asyncselect_model::World;
use asyncselect_model::view::Stage;

use super::random::Random;

/// The machines and threads.
pub(crate) const THREADS: u8 = 4;

/// Handles, and who is where.
pub(crate) struct Known {
    pub(crate) hosts: [HostId; THREADS as usize],
    pub(crate) family: Family,
    /// Whether what looks like machines are processes of one.
    pub(crate) processes: bool,
    /// Handles that were closed.
    pub(crate) gone: Vec<SocketHandle>,
    /// The sockets that the call of each thread waits on.
    pub(crate) waiting: [Vec<SocketHandle>; THREADS as usize],
    /// Sockets that nothing reaches, or only later.
    pub(crate) disturbed: Vec<SocketHandle>,
    /// Windows that there are, by thread.
    pub(crate) windows: Vec<(ThreadId, Hwnd)>,
    /// Event objects that were made; some are closed.
    pub(crate) events: Vec<(HostId, EventHandle)>,
    /// Overlapped operations that have begun, by socket and event object; some have ended.
    pub(crate) operations: Vec<(SocketHandle, EventHandle)>,
    /// Sockets that were made; some are closed.
    pub(crate) sockets: Vec<(HostId, SocketHandle)>,
}

/// What kind of socket a call is for.
#[derive(Clone, Copy)]
pub(crate) enum For {
    Anything,
    Binding,
    Listening,
    Accepting,
    Connecting,
    Transfer,
    Datagrams,
}

impl Known {
    /// Takes a call in that was made, and perhaps has not returned.
    pub(crate) fn called(&mut self, thread: ThreadId, call: &BackendCall, waits: bool) {
        if waits {
            let on = &mut self.waiting[usize::from(thread.0)];
            match call {
                Call::Select { readfds, writefds, exceptfds, .. } => {
                    on.extend(readfds.iter().chain(writefds).chain(exceptfds));
                }
                other => on.extend(other.socket()),
            }
        }
        if let Call::WsaCloseEvent { event } = call {
            self.events.retain(|(_, known)| known != event);
        }
        if let Call::DestroyWindow { hwnd } = call {
            self.windows.retain(|(owner, window)| *owner != thread || window != hwnd);
        }
    }

    /// Takes in whether an overlapped call has begun an operation.
    pub(crate) fn started(&mut self, call: &BackendCall, begun: bool) {
        let (s, event) = match call {
            Call::WsaRecv { s, overlapped: Some(event), .. }
            | Call::WsaRecvFrom { s, overlapped: Some(event), .. }
            | Call::WsaSend { s, overlapped: Some(event), .. }
            | Call::WsaSendTo { s, overlapped: Some(event), .. } => (*s, *event),
            Call::CloseSocket { s } | Call::CloseHandle { s } => {
                return self.operations.retain(|(on, _)| on != s);
            }
            Call::WsaCloseEvent { event } => {
                return self.operations.retain(|(_, other)| other != event);
            }
            _ => return,
        };
        self.operations.retain(|(_, other)| *other != event);
        if begun {
            self.operations.push((s, event));
        }
    }

    pub(crate) fn host(&self, thread: ThreadId) -> HostId {
        self.hosts[usize::from(thread.0)]
    }

    /// A socket for a call, mostly one that fits; sometimes none at all, or somebody else's.
    pub(crate) fn socket(
        &self,
        world: &World,
        thread: ThreadId,
        wanted: For,
        random: &mut Random,
    ) -> SocketHandle {
        const NONE: [SocketHandle; 3] = [SocketHandle(u64::MAX), SocketHandle(0), SocketHandle(3)];
        if random.happens(10) {
            return random.of(&NONE);
        }
        if random.happens(10)
            && let Some((_, socket)) = random.maybe(&self.sockets)
        {
            return socket;
        }
        let host = self.host(thread);
        let fits = |stage: Stage| match (wanted, stage) {
            (For::Anything, _)
            | (For::Binding | For::Listening | For::Connecting, Stage::Idle)
            | (For::Accepting, Stage::Listening { .. })
            | (For::Transfer, Stage::Connected(_))
            | (
                For::Binding | For::Connecting | For::Transfer | For::Datagrams,
                Stage::Datagram(_),
            ) => true,
            (_, _) => false,
        };
        let strict = !random.happens(30);
        let mut found = [SocketHandle(0); 16];
        let mut count = 0;
        for view in world.sockets() {
            let own = self.sockets.contains(&(host, view.handle));
            if own && count < found.len() && (fits(view.stage) || !strict) {
                found[count] = view.handle;
                count += 1;
            }
        }
        random.maybe(&found[..count]).unwrap_or(NONE[0])
    }

    pub(crate) fn window(&self, thread: ThreadId, random: &mut Random) -> Hwnd {
        if random.happens(20) {
            return random.of(&[Hwnd(0), Hwnd(0xdead)]);
        }
        let host = self.host(thread);
        let own: Vec<Hwnd> = self
            .windows
            .iter()
            .filter(|(owner, _)| self.host(*owner) == host)
            .map(|(_, window)| *window)
            .collect();
        random.maybe(&own).unwrap_or(Hwnd(0))
    }

    /// A window of the thread itself.
    pub(crate) fn own_window(&self, thread: ThreadId, random: &mut Random) -> Option<Hwnd> {
        let own: Vec<Hwnd> = self
            .windows
            .iter()
            .filter(|(owner, _)| *owner == thread)
            .map(|(_, window)| *window)
            .collect();
        random.maybe(&own)
    }

    fn at(&self, host: HostId, port: u16) -> SocketAddr {
        let host = if self.processes { HostId(0) } else { host };
        SocketAddr::new(self.family.of_host(host), port)
    }

    /// An address to bind: of the own machine.
    pub(crate) fn own_name(&self, thread: ThreadId, random: &mut Random) -> Option<SocketAddr> {
        if random.happens(10) {
            return None;
        }
        Some(self.at(self.host(thread), random.of(&[0, 5000, 5001, 5002])))
    }

    /// An address to connect to.
    pub(crate) fn peer_name(&self, random: &mut Random) -> Option<SocketAddr> {
        if random.happens(10) {
            return None;
        }
        if random.happens(10) {
            return Some(self.family.unreachable());
        }
        let host = random.of(&self.hosts);
        Some(self.at(host, random.of(&[5000, 5001, 5002, 5000, 5001, 5002, 49152, 9])))
    }
}

/// Any mask, one of all events sooner than another.
pub(crate) fn mask(random: &mut Random) -> NetworkEvents {
    match random.below(8) {
        0 => NetworkEvents::NONE,
        1 | 2 => NetworkEvents::FD_ALL_EVENTS,
        3 => NetworkEvents(1 << random.below(10)),
        4 => NetworkEvents(0x3f),
        5 if random.happens(200) => NetworkEvents(u32::try_from(random.next() >> 32).expect("32")),
        _ => NetworkEvents(u32::try_from(random.below(1024)).expect("ten bits")),
    }
}

pub(crate) fn message(random: &mut Random) -> MessageId {
    let offset = u32::try_from(random.below(3)).expect("small");
    if random.happens(20) { MessageId(0) } else { MessageId(0x400 + offset) }
}

pub(crate) fn flags(random: &mut Random) -> MsgFlags {
    MsgFlags { oob: random.happens(60), peek: random.happens(80) }
}

pub(crate) fn literal(random: &mut Random) -> Literal {
    const LENGTHS: [u32; 8] = [0, 1, 1, 2, 5, 100, 16 * 1024, 40_000];
    let id = random.below(LENGTHS.len());
    Literal { id: LiteralId(u16::try_from(id).expect("few")), len: LENGTHS[id] }
}

pub(crate) fn len(random: &mut Random) -> i32 {
    random.of(&[0, 1, 1, 2, 3, 5, 100, 20_000, 100_000, -1])
}
