//! Descriptors that share a socket, and processes that share a machine.
//!
//! Reading list: AS-DUP-01 to AS-DUP-04, AS-CLS-02, AS-CLS-06; OQ-19, OQ-33.
//!
//! A further descriptor is a place of the socket list that holds no socket of its own: it looks
//! free, and [`Sharing`] knows whose it is. All that a socket has stands at the place of its first
//! descriptor, which stays there until the last one is closed (AS-DUP-04).
//!
//! Where it lies:
//! * WSADuplicateSocket makes the descriptor at once, in the process of its caller: made by process
//!   B on a handle of process A it stands for A that duplicates the socket for B and tells B of it,
//!   and B that opens what it was told of (WSASocket). Nothing can come in between.
//! * Processes take the place of machines: what [`crate::host`] says of a machine's own handles,
//!   windows, upcalls and count of WSAStartup holds of a process. Ports, address and network are
//!   common. There are several machines or several processes, not both.
//! * The value of a closed descriptor is not given out again while its place is needed: the first
//!   one's until the last of the socket is closed, another's while what it registered holds.

use asyncselect_abi::{HostId, NetworkEvent, SocketHandle};

use crate::chooser::Chooser;
use crate::knob::{ClosedDescriptor, OtherProcessRearms, SharedWparam};
use crate::latch::Latch;
use crate::registration::Registration;
use crate::sink::Sink;
use crate::socket::SocketIx;
use crate::window::Standing;
use crate::world::{Context, World};

/// A descriptor that is not simply the one and open one of its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Descriptor {
    place: SocketIx,
    /// Where its socket stands.
    of: SocketIx,
    open: bool,
}

/// What there is of descriptors and processes beyond one of each.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Sharing {
    /// By place: all further descriptors, and first ones that were closed before the last.
    descriptors: Vec<Descriptor>,
    /// Whether the machines of the threads are processes of one machine.
    pub(crate) processes: bool,
}

impl Sharing {
    pub(crate) const NONE: Self = Self { descriptors: Vec::new(), processes: false };

    #[inline]
    fn at(&self, place: SocketIx) -> Option<&Descriptor> {
        self.descriptors.iter().find(|descriptor| descriptor.place == place)
    }

    /// Where the socket of a descriptor stands.
    #[inline]
    pub(crate) fn socket_of(&self, place: SocketIx) -> SocketIx {
        self.at(place).map_or(place, |descriptor| descriptor.of)
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self { descriptors, processes } = self;
        let count = u64::try_from(descriptors.len()).expect("fits");
        out(count | u64::from(*processes) << 32);
        for Descriptor { place, of, open } in descriptors {
            out(u64::from(place.0) | u64::from(of.0) << 8 | u64::from(*open) << 16);
        }
    }
}

impl World {
    /// Where the socket of a descriptor stands.
    #[inline]
    pub(crate) fn behind(&self, place: SocketIx) -> SocketIx {
        self.more.held().map_or(place, |parts| parts.sharing.socket_of(place))
    }

    #[inline]
    fn descriptor(&self, place: SocketIx) -> Option<&Descriptor> {
        self.more.held()?.sharing.at(place)
    }

    /// Whether a place is that of an open descriptor.
    #[inline]
    pub(crate) fn is_open(&self, place: SocketIx) -> bool {
        match self.descriptor(place) {
            Some(descriptor) => descriptor.open,
            None => !self.socket(place).is_closed(),
        }
    }

    /// Whether a place holds no socket, and no descriptor that counts.
    #[inline]
    pub(crate) fn is_free(&self, place: SocketIx) -> bool {
        self.socket(place).is_closed() && self.descriptor(place).is_none()
    }

    /// Whether the socket of a descriptor has another one that is open.
    pub(crate) fn is_shared(&self, descriptor: SocketIx) -> bool {
        let socket = self.behind(descriptor);
        let others = self.more.sharing.descriptors.iter();
        let further = others.filter(|other| other.of == socket && other.place != descriptor);
        let first = socket != descriptor && self.is_open(socket);
        first || further.into_iter().any(|other| other.open)
    }

    /// Makes a place another descriptor of a socket.
    pub(crate) fn share(&mut self, place: SocketIx, of: SocketIx) {
        self.set_descriptor(Descriptor { place, of, open: true });
    }

    /// Whether a socket has, or had, several descriptors.
    pub(crate) fn has_descriptors(&self, socket: SocketIx) -> bool {
        self.more.sharing.descriptors.iter().any(|descriptor| descriptor.of == socket)
    }

    fn set_descriptor(&mut self, descriptor: Descriptor) {
        let descriptors = &mut self.more.get_mut().sharing.descriptors;
        match descriptors.binary_search_by_key(&descriptor.place.0, |other| other.place.0) {
            Ok(at) => descriptors[at] = descriptor,
            Err(at) => descriptors.insert(at, descriptor),
        }
    }

    /// Closes a descriptor whose socket has others (AS-DUP-04).
    pub(crate) fn leave_shared<C: Chooser, S: Sink>(
        &mut self,
        descriptor: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        let socket = self.behind(descriptor);
        let registered = self.socket(socket).registration;
        // OQ-19: does what it registered go with it?
        if registered.is_some_and(|registration| registration.descriptor == descriptor) {
            match self.knob::<ClosedDescriptor>(cx) {
                ClosedDescriptor::KeepsRegistration => {}
                ClosedDescriptor::CancelsRegistration => self.cancel(socket, cx),
            }
        }
        self.set_descriptor(Descriptor { place: descriptor, of: socket, open: false });
        self.drop_descriptors(socket);
    }

    /// Frees the places of closed descriptors that nothing needs any more.
    pub(crate) fn drop_descriptors(&mut self, socket: SocketIx) {
        let mut at = 0;
        while let Some(Descriptor { place, of, open }) = self.more.sharing.descriptors.get(at) {
            let (place, of, open) = (*place, *of, *open);
            at += 1;
            if of != socket || open {
                continue;
            }
            for queued in self.posted_mut().filter(|queued| queued.socket == place) {
                if queued.standing != Standing::Current {
                    queued.standing = Standing::Orphaned;
                }
            }
            let registered = self.socket(socket).registration;
            let is_needed = registered.is_some_and(|held| held.descriptor == place);
            if place != socket && !is_needed {
                at -= 1;
                self.more.get_mut().sharing.descriptors.remove(at);
                self.free_place(place);
            }
        }
    }

    /// Frees the places of all descriptors of a socket that is closed for good.
    pub(crate) fn drop_all_descriptors(&mut self, socket: SocketIx) {
        while let Some(at) = self.more.sharing.descriptors.iter().position(|one| one.of == socket) {
            let Descriptor { place, .. } = self.more.get_mut().sharing.descriptors.remove(at);
            for queued in self.posted_mut().filter(|queued| queued.socket == place) {
                queued.standing = Standing::Orphaned;
            }
            if place != socket {
                self.free_place(place);
            }
        }
    }

    /// The descriptor that `wParam` names.
    pub(crate) fn wparam<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        registration: Registration,
        cx: &mut Context<'_, C, S>,
    ) -> SocketIx {
        if registration.descriptor == socket {
            return socket;
        }
        // OQ-19.
        match self.knob::<SharedWparam>(cx) {
            SharedWparam::Registering => registration.descriptor,
            SharedWparam::First => socket,
        }
    }

    /// How traces call a socket: by the descriptor that registered, if one did.
    pub(crate) fn called(&self, socket: SocketIx) -> SocketHandle {
        let registration = self.socket(socket).registration;
        registration.map_or(socket, |registration| registration.descriptor).handle()
    }

    /// A re-enabling call arms an event again (AS-EN-01).
    #[inline]
    pub(crate) fn rearm<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        cx: &mut Context<'_, C, S>,
    ) {
        let this = self.socket(socket);
        let elsewhere =
            this.registration.is_some_and(|held| self.socket(held.descriptor).host != cx.caller)
                && this.latch(event) == Latch::Spent;
        // OQ-33.
        if elsewhere && self.knob::<OtherProcessRearms>(cx) == OtherProcessRearms::Ignored {
            return;
        }
        self.arm_by_call(socket, event, cx);
    }

    /// The machine of a process; a machine's own is itself.
    #[inline]
    pub(crate) fn machine_of(&self, host: HostId) -> HostId {
        if self.more.held().is_some_and(|parts| parts.sharing.processes) { HostId(0) } else { host }
    }

    /// Whether the network subsystem that a process uses failed.
    #[inline]
    pub(crate) fn is_network_down(&self, host: HostId) -> bool {
        self.faults.network_down.has(self.machine_of(host))
    }
}
