//! SO_RCVBUF and SO_SNDBUF, of the few sockets whose buffers somebody has set.

use crate::socket::SocketIx;
use crate::stream::CAPACITY;
use crate::world::World;

/// The buffers of a socket, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kib {
    pub(crate) receive: u16,
    pub(crate) send: u16,
}

impl Kib {
    #[expect(clippy::as_conversions, reason = "the capacity is small, and this is a constant")]
    const HALF: u16 = (CAPACITY / 2 / 1024) as u16;

    /// Where nobody has set them: together they are what a direction holds.
    pub(crate) const USUAL: Self = Self { receive: Self::HALF, send: Self::HALF };
}

/// By socket: what is not usual.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Buffers(Vec<(SocketIx, Kib)>);

impl Buffers {
    pub(crate) const NONE: Self = Self(Vec::new());

    #[inline]
    fn of(&self, socket: SocketIx) -> Kib {
        let found = self.0.iter().find(|(other, _)| *other == socket);
        found.map_or(Kib::USUAL, |(_, kib)| *kib)
    }

    fn set(&mut self, socket: SocketIx, kib: Kib) {
        self.0.retain(|(other, _)| *other != socket);
        if kib != Kib::USUAL {
            let at = self.0.partition_point(|(other, _)| other.0 < socket.0);
            self.0.insert(at, (socket, kib));
        }
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        out(u64::try_from(self.0.len()).expect("fits"));
        for (socket, Kib { receive, send }) in &self.0 {
            out(u64::from(socket.0) | u64::from(*receive) << 16 | u64::from(*send) << 32);
        }
    }
}

impl World {
    /// The buffers of a socket.
    #[inline]
    pub(crate) fn buffers(&self, socket: SocketIx) -> Kib {
        self.more.buffers.of(socket)
    }

    /// Sets the buffers of a socket; a closed one has the usual ones again.
    #[inline]
    pub(crate) fn set_buffers(&mut self, socket: SocketIx, kib: Kib) {
        if self.buffers(socket) != kib {
            self.more.get_mut().buffers.set(socket, kib);
        }
    }
}
