//! Machines: who is on which, and what each remembers by itself.
//!
//! Where it lies:
//! * A handle means one thing on one machine, and is given out on one machine only: two machines
//!   never have the same value. To all others it is the handle of nothing.
//! * All machines have the same stack: one profile, one alternative taken at each knob.
//! * A machine has one address, of the family of the run, that all others reach too: 127.0.0.1 to
//!   127.0.0.4, or ::1 and 2001:db8::2 to 2001:db8::4 (RFC 3849). A real one has several, and a
//!   loopback address that nobody else reaches.
//! * All sockets are of one family, and nothing else depends on which: a socket for both
//!   (IPV6_V6ONLY off) is not there.
//! * A machine whose network failed still carries its own connections from itself to itself.
//! * Datagrams from or to a machine whose network failed are gone, those under way too.
//! * A connection that a failed network cut is over for the end that is told of a time-out, and
//!   for that end only: the other machine's stack stays as it was when its network failed.

use std::net::SocketAddr;

use asyncselect_abi::{Family, HostId, ProcessId, SocketHandle, ThreadId};

use crate::socket::{Socket, SocketIx, SocketState};
use crate::stream::{End, Hold, HoldKind, LinkIx, Side};
use crate::world::{ModelError, THREADS_MAX, World};

/// The machines that there may be: each has a thread of its own.
pub(crate) const HOSTS_MAX: usize = THREADS_MAX;

/// Some of the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct HostSet(u8);

impl HostSet {
    pub(crate) const NONE: Self = Self(0);

    #[inline]
    pub(crate) fn has(self, host: HostId) -> bool {
        self.0 >> host.0 & 1 == 1
    }

    pub(crate) fn set(&mut self, host: HostId, whether: bool) {
        self.0 = self.0 & !(1 << host.0) | u8::from(whether) << host.0;
    }

    pub(crate) fn packed(self) -> u64 {
        u64::from(self.0)
    }
}

impl World {
    /// Puts threads on machines or into processes, before anything has happened; all others are on
    /// the first machine, in its first process. Every machine has an address of the family.
    ///
    /// # Errors
    ///
    /// If there are more threads, machines or processes than [`THREADS_MAX`], or both several
    /// machines and several processes.
    pub fn place(
        &mut self,
        hosts: &[HostId],
        processes: &[ProcessId],
        family: Family,
    ) -> Result<(), ModelError> {
        let processes: Vec<HostId> = processes.iter().map(|process| HostId(process.0)).collect();
        let hosts = match (hosts, &processes[..]) {
            (hosts, []) => hosts,
            ([], processes) => {
                self.more.get_mut().sharing.processes = true;
                processes
            }
            (_, _) => return Err(ModelError::new("reset", "several machines and processes")),
        };
        let many =
            hosts.len() > THREADS_MAX || hosts.iter().any(|host| usize::from(host.0) >= HOSTS_MAX);
        if many {
            return Err(ModelError::new("reset", "more than four threads, machines or processes"));
        }
        self.hosts[..hosts.len()].copy_from_slice(hosts);
        self.family = family;
        Ok(())
    }

    /// The machine that a thread is on; one too many is on the first, and is refused later.
    #[inline]
    #[must_use]
    pub fn host_of(&self, thread: ThreadId) -> HostId {
        self.hosts.get(usize::from(thread.0)).copied().unwrap_or_default()
    }

    /// The machine of an address, if there is one.
    pub(crate) fn host_at(&self, name: SocketAddr) -> Option<HostId> {
        let mut machines = self.hosts.iter().map(|host| self.machine_of(*host));
        machines.find(|machine| name.ip() == self.family.of_host(*machine))
    }

    /// The machine that an end of a connection is on.
    #[inline]
    pub(crate) fn host_of_end(&self, link: LinkIx, side: Side) -> HostId {
        match self.streams.end(link, side) {
            End::Nobody(host) | End::Gone(host) => host,
            End::HalfOpen(socket) | End::Waiting { listener: socket, .. } | End::Socket(socket) => {
                self.machine_of(self.socket(socket).host)
            }
        }
    }

    /// Whether the network between the two ends of a connection failed.
    #[inline]
    pub(crate) fn is_cut(&self, link: LinkIx) -> bool {
        // Asked at every move, and hardly ever so.
        self.faults.network_down != HostSet::default() && self.ends_are_cut(link)
    }

    #[cold]
    fn ends_are_cut(&self, link: LinkIx) -> bool {
        let down = self.faults.network_down;
        let [one, other] = Side::ALL.map(|side| self.host_of_end(link, side));
        one != other && (down.has(one) || down.has(other))
    }

    /// Whether a thread of a machine, or of a process, waits in one of Winsock's calls.
    pub(crate) fn is_waiting(&self, host: HostId) -> bool {
        let mut threads = self.hosts.iter().zip(&self.pending);
        threads.any(|(on, pending)| *on == host && pending.is_winsock())
    }

    /// The network of a machine fails (AS-REG-08): nothing leaves it or arrives there. To the other
    /// end of a connection that is as if what is sent to it were lost.
    pub(crate) fn fail_network(&mut self, host: HostId) -> Result<(), ModelError> {
        // Nobody says what becomes of what the machine is busy with.
        let mut hosts = self.hosts.iter().filter(|on| self.machine_of(**on) == host);
        if hosts.any(|on| self.is_waiting(*on)) {
            return Err(ModelError::new("network_down", "under a call that waits"));
        }
        let connects = |socket: &Socket| {
            self.machine_of(socket.host) == host
                && matches!(socket.state, SocketState::Connecting(_))
        };
        let times_out = |hold: &Hold| {
            self.machine_of(self.socket(hold.socket).host) == host
                && hold.kind != HoldKind::LossUnnoticed
        };
        if self.sockets.iter().any(connects) || self.streams.holds.iter().any(times_out) {
            return Err(ModelError::new("network_down", "while something is under way"));
        }
        for link in (0..).take(self.streams.links.len()).map(LinkIx) {
            let hosts = Side::ALL.map(|side| self.host_of_end(link, side));
            let Some(here) = Side::ALL.into_iter().find(|side| hosts[side.at()] == host) else {
                continue;
            };
            let there = here.other();
            if hosts[there.at()] == host || self.is_cut(link) {
                continue;
            }
            if self.streams.is_flying(link, there) {
                return Err(ModelError::new("network_down", "while something is under way"));
            }
            if let End::Socket(peer) = self.streams.end(link, there) {
                self.lose(peer)?;
            }
        }
        if !self.more.datagrams.flying().is_empty() {
            self.more.get_mut().datagrams.cut_off(host);
        }
        self.faults.network_down.set(host, true);
        Ok(())
    }

    /// What is sent to a socket from now on is lost.
    pub(crate) fn lose(&mut self, socket: SocketIx) -> Result<(), ModelError> {
        self.undisturbed(socket)?;
        self.streams.hold(Hold { socket, kind: HoldKind::LossUnnoticed, left_ms: 0 });
        Ok(())
    }

    /// The descriptor behind a handle of this machine or process, unless it was closed or never
    /// was. What it is a descriptor of is [`World::behind`] it.
    #[inline]
    pub(crate) fn open_socket(&self, host: HostId, handle: SocketHandle) -> Option<SocketIx> {
        let descriptor = SocketIx::from_handle(handle)?;
        let found = self.sockets.get(descriptor.at())?;
        (found.host == host && self.is_open(descriptor)).then_some(descriptor)
    }

    /// The socket behind a handle of whatever machine, for those who stand outside.
    #[inline]
    pub(crate) fn any_socket(&self, handle: SocketHandle) -> Option<SocketIx> {
        let descriptor = SocketIx::from_handle(handle)?;
        let exists = descriptor.at() < self.sockets.len() && self.is_open(descriptor);
        exists.then(|| self.behind(descriptor))
    }
}
