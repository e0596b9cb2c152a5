//! Machines that have run out of something: descriptors, buffer space.
//!
//! The pages of `socket` and `accept` list WSAEMFILE, those of `socket`, `connect`, `accept`,
//! `send` and `sendto` WSAENOBUFS. A call fails so only where it would have gone on otherwise:
//! which of two reasons is told nobody says.

use asyncselect_abi::WsaError;

use crate::world::World;

/// How many calls still find nothing, on whatever machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Shortage {
    /// No descriptor.
    pub(crate) sockets: u8,
    /// No buffer space.
    pub(crate) buffers: u8,
}

impl Shortage {
    pub(crate) const NONE: Self = Self { sockets: 0, buffers: 0 };

    pub(crate) fn pack(self, out: &mut impl FnMut(u64)) {
        let Self { sockets, buffers } = self;
        out(u64::from(sockets) | u64::from(buffers) << 8);
    }
}

impl World {
    /// Why there can be no new socket just now, if so.
    pub(crate) fn lacks_socket(&mut self) -> Option<WsaError> {
        if self.more.shortage.sockets > 0 {
            self.more.get_mut().shortage.sockets -= 1;
            return Some(WsaError::WSAEMFILE);
        }
        self.lacks_buffers()
    }

    /// The same of buffer space.
    pub(crate) fn lacks_buffers(&mut self) -> Option<WsaError> {
        if self.more.shortage.buffers == 0 {
            return None;
        }
        self.more.get_mut().shortage.buffers -= 1;
        Some(WsaError::WSAENOBUFS)
    }
}
