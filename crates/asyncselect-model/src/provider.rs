//! What a provider keeps for each process, and upcalls that take their time.
//!
//! Reading list: AS-SPI-01 to AS-SPI-06, AS-SPI-12 to AS-SPI-16, AS-HK-06, AS-REG-10.
//!
//! Where it lies:
//! * Ws2_32.dll is taken to start the provider with the first WSAStartup of a process, and to end
//!   it with the last WSACleanup, whoever else has started it by then.
//! * A layered provider and the one below are one: the table of upcalls is the same for both
//!   (AS-SPI-06), and so are their handles.
//! * Whether handles are IFS handles changes nothing but who hears of ReadFile and WriteFile:
//!   either way the handle that the client knows is the socket's, and `wParam` (AS-SPI-12).
//! * A slow WPUPostMessage succeeds when it is called. Those under way end in the order in which
//!   they were made.

use asyncselect_abi::HostId;

use crate::host::{HOSTS_MAX, HostSet};
use crate::socket::SocketIx;
use crate::window::Queued;
use crate::world::World;

/// What few providers need to keep.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Provider {
    /// How often WSPStartup succeeded, that of Ws2_32.dll aside.
    pub(crate) startups: [u8; HOSTS_MAX],
    /// Where the last WSPCleanup was called though WSACleanup was not.
    pub(crate) ended: HostSet,
    /// Where the table's WPUPostMessage is slow.
    pub(crate) slow: HostSet,
    /// Where the table's WPUQueryBlockingCallback gives no hook.
    pub(crate) no_hook: HostSet,
    /// Where sockets are handles from WPUCreateSocketHandle.
    pub(crate) own_handles: HostSet,
    /// The messages of upcalls that have not returned, in their order.
    pub(crate) posting: Vec<Queued>,
    /// Sockets that can only be closed, since a call on them was cancelled (AS-HK-05).
    pub(crate) spoilt: Vec<SocketIx>,
}

impl Provider {
    pub(crate) const NONE: Self = Self {
        startups: [0; HOSTS_MAX],
        ended: HostSet::NONE,
        slow: HostSet::NONE,
        no_hook: HostSet::NONE,
        own_handles: HostSet::NONE,
        posting: Vec::new(),
        spoilt: Vec::new(),
    };

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self { startups, ended, slow, no_hook, own_handles, posting, spoilt } = self;
        let sets = [ended, slow, no_hook, own_handles].map(|set| set.packed());
        let bytes = startups.iter().map(|count| u64::from(*count)).chain(sets);
        out(bytes.fold(0, |word, byte| word << 8 | byte));
        out(u64::try_from(posting.len()).expect("fits"));
        posting.iter().for_each(|queued| out(queued.packed()));
        out(u64::try_from(spoilt.len()).expect("fits"));
        spoilt.iter().for_each(|socket| out(u64::from(socket.0)));
    }
}

impl World {
    /// Every message that the stack posted and nobody retrieved, in a queue or on its way there.
    pub(crate) fn posted_mut(&mut self) -> impl Iterator<Item = &mut Queued> {
        let under_way = self.more.existing().map(|parts| &mut parts.provider.posting);
        let posted = self.windows.queue.iter_mut().filter(|queued| queued.is_of_stack());
        posted.chain(under_way.into_iter().flatten())
    }

    /// Whether an upcall of a process is under way: the provider processes a callback.
    pub(crate) fn is_posting(&self, host: HostId) -> bool {
        let owner = |queued: &Queued| self.windows.owner(queued.window);
        let mut posting = self.more.provider.posting.iter();
        posting.any(|queued| owner(queued).is_some_and(|thread| self.host_of(thread) == host))
    }

    /// The first upcall under way returns: its message is in its queue.
    pub(crate) fn upcall_returns(&mut self) {
        let posting = &mut self.more.get_mut().provider.posting;
        assert!(!posting.is_empty(), "moves offers what is under way only");
        let queued = posting.remove(0);
        self.windows.queue.push(queued);
    }
}
