//! Errors that a script wants messages to carry (AS-MSG-02, AS-MSG-08).

use asyncselect_abi::{NetworkEvent, WsaError};

use crate::arm::works;
use crate::rule::Rule;
use crate::socket::SocketIx;
use crate::world::World;

/// The error of the next message of an event of a socket, in the order of sockets and events.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Injected(Vec<(SocketIx, NetworkEvent, WsaError)>);

impl Injected {
    pub(crate) const NONE: Self = Self(Vec::new());

    fn place(&self, socket: SocketIx, event: NetworkEvent) -> Result<usize, usize> {
        self.0.binary_search_by_key(&(socket.0, event), |(of, which, _)| (of.0, *which))
    }

    /// An error of the same event that was not carried yet is forgotten.
    pub(crate) fn set(&mut self, socket: SocketIx, event: NetworkEvent, error: WsaError) {
        match self.place(socket, event) {
            Ok(at) => self.0[at].2 = error,
            Err(at) => self.0.insert(at, (socket, event, error)),
        }
    }

    pub(crate) fn of(&self, socket: SocketIx, event: NetworkEvent) -> Option<WsaError> {
        Some(self.0[self.place(socket, event).ok()?].2)
    }

    fn take(&mut self, socket: SocketIx, event: NetworkEvent) -> Option<WsaError> {
        let at = self.place(socket, event).ok()?;
        Some(self.0.remove(at).2)
    }

    /// The sockets for whose events there are some.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = SocketIx> + '_ {
        self.0.iter().map(|(socket, ..)| *socket)
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self(all) = self;
        out(u64::try_from(all.len()).expect("fits"));
        for (socket, event, error) in all {
            let event = u64::from(event.bit().0);
            out(u64::from(socket.0) << 32 | event << 16 | u64::from(error.0));
        }
    }
}

/// The clause that is about which errors the message of an event may carry.
fn listed_by(event: NetworkEvent) -> Option<Rule> {
    match event {
        NetworkEvent::Read => Some(Rule::Rd07),
        NetworkEvent::Write => Some(Rule::Wr08),
        NetworkEvent::Oob => Some(Rule::Oob16),
        NetworkEvent::Accept => Some(Rule::Ac05),
        NetworkEvent::Connect => Some(Rule::Co08),
        NetworkEvent::Qos => Some(Rule::Qos03),
        NetworkEvent::GroupQos => Some(Rule::Gq02),
        NetworkEvent::AddressListChange => Some(Rule::Al03),
        NetworkEvent::Close | NetworkEvent::RoutingInterfaceChange => None,
    }
}

impl World {
    /// The error that the message of an event is to carry instead of its own.
    #[inline]
    pub(crate) fn take_injected(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
    ) -> Option<WsaError> {
        let error = self.more.existing()?.injected.take(socket, event)?;
        listed_by(event).is_none_or(works).then_some(error)
    }

    /// Those of a socket that is closed are never carried.
    pub(crate) fn forget_injected(&mut self, socket: SocketIx) {
        if let Some(parts) = self.more.existing() {
            parts.injected.0.retain(|(of, ..)| *of != socket);
        }
    }
}
