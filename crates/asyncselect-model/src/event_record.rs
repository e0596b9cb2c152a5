//! The network event records of sockets: what WSAEventSelect collects and WSAEnumNetworkEvents
//! takes (AS-REP-07, AS-MSG-10). Hardly any socket has one.

use asyncselect_abi::{EventRecord, NetworkEvent, NetworkEvents, WsaError};

use crate::socket::SocketIx;
use crate::world::World;

/// The records that are not empty, in the order of their sockets.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct EventRecords(Vec<(SocketIx, EventRecord)>);

impl EventRecords {
    pub(crate) const NONE: Self = Self(Vec::new());

    fn of(&self, socket: SocketIx) -> Option<&EventRecord> {
        self.0.iter().find(|(of, _)| *of == socket).map(|(_, record)| record)
    }

    fn add(&mut self, socket: SocketIx, event: NetworkEvent, error: WsaError) {
        let at = self.0.partition_point(|(of, _)| of.0 < socket.0);
        if self.0.get(at).is_none_or(|(of, _)| *of != socket) {
            self.0.insert(at, (socket, EventRecord::default()));
        }
        self.0[at].1.record(event, error);
    }

    /// Takes the events of a mask out.
    fn take(&mut self, socket: SocketIx, mask: NetworkEvents) -> EventRecord {
        let mut taken = EventRecord::default();
        let mut left = EventRecord::default();
        for (event, error) in self.of(socket).copied().unwrap_or_default().iter() {
            let side = if (mask & event.bit()).is_empty() { &mut left } else { &mut taken };
            side.record(event, error);
        }
        self.0.retain(|(of, _)| *of != socket);
        for (event, error) in left.iter() {
            self.add(socket, event, error);
        }
        taken
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        out(u64::try_from(self.0.len()).expect("fits"));
        for (socket, record) in &self.0 {
            out(u64::from(socket.0) << 32 | u64::from(record.events.0));
            for errors in record.errors.chunks(4) {
                out(errors.iter().fold(0, |word, error| word << 16 | u64::from(error.0)));
            }
        }
    }
}

impl World {
    /// The events that are recorded for a socket.
    pub(crate) fn recorded(&self, socket: SocketIx) -> NetworkEvents {
        self.more.records.of(socket).map(|record| record.events).unwrap_or_default()
    }

    pub(crate) fn add_to_record(&mut self, socket: SocketIx, event: NetworkEvent, error: WsaError) {
        self.more.get_mut().records.add(socket, event, error);
    }

    /// Takes the events of a mask out of the record of a socket.
    pub(crate) fn take_record(&mut self, socket: SocketIx, mask: NetworkEvents) -> EventRecord {
        if self.recorded(socket).is_empty() {
            return EventRecord::default();
        }
        self.more.get_mut().records.take(socket, mask)
    }
}
