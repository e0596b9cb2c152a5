//! The whole state, and the one door to it: [`World::moves`] and [`World::apply`].

use std::fmt;

use asyncselect_abi::call::{BackendCall, Condition};
use asyncselect_abi::{
    Family, Fault, HostId, NetworkEvent, PostedMessage, PumpFilter, Reply, SocketHandle, ThreadId,
    Value, WsaError,
};

use crate::arm::works;
use crate::chooser::{Choice, Chooser};
use crate::event_object::EventIx;
use crate::host::{HOSTS_MAX, HostSet};
use crate::knob::{Knob, KnobId};
use crate::list::List;
use crate::more::More;
use crate::profile::{Knobs, Profile};
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{Socket, SocketIx};
use crate::stream::{LinkIx, Side, Streams};
use crate::window::{WindowIx, Windows};

/// The threads that a script may have.
pub const THREADS_MAX: usize = 4;

/// Everything that simulated machines and their network remember: a flat value, cheap to clone.
///
/// ```
/// use asyncselect_abi::{Call, NetworkEvents, ThreadId};
/// use asyncselect_model::chooser::Canonical;
/// use asyncselect_model::sink::Ignore;
/// use asyncselect_model::{Move, Profile, World};
///
/// let mut world = World::new(&Profile::documented());
/// let call = Call::CreateWindow {};
/// world.apply(Move::Call { thread: ThreadId(0), call: &call }, &mut Canonical, &mut Ignore)?;
/// assert_eq!(world.moves().count(), 0, "nothing moves by itself");
/// # Ok::<(), asyncselect_model::ModelError>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct World {
    knobs: Knobs,
    /// The machine of each thread.
    pub(crate) hosts: [HostId; THREADS_MAX],
    /// Of all addresses.
    pub(crate) family: Family,
    /// How often WSAStartup succeeded on each machine; 255 stands for more.
    pub(crate) startups: [u8; HOSTS_MAX],
    pub(crate) faults: Faults,
    pub(crate) sockets: List<Socket, 6>,
    pub(crate) streams: Streams,
    pub(crate) windows: Windows,
    /// What each thread waits for.
    pub(crate) pending: [PendingCall; THREADS_MAX],
    pub(crate) more: More,
}

/// A call that has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum PendingCall {
    /// None.
    #[default]
    None,
    /// connect, until the answer arrives.
    Connect(SocketIx),
    /// accept or WSAAccept, until a connection waits.
    Accept { listener: SocketIx, condition: Condition },
    /// recv, until data, a datagram or the end arrives.
    Receive { socket: SocketIx, len: u32, peek: bool },
    /// send, until there is space.
    Send { socket: SocketIx, literal: u16, len: u32 },
    /// select, until one of these sockets is ready; one bit a socket.
    Select { read: u16, write: u16, except: u16 },
    /// WSAIoctl, until what it asked to hear of has changed.
    Change { socket: SocketIx, event: NetworkEvent },
    /// A call that was cancelled, until it returns (AS-HK-05, AS-CLS-06).
    Cancelled,
    /// GetMessage, until a message of the filter comes.
    Message { window: Option<WindowIx>, min: u16, max: u16 },
    /// WSAGetOverlappedResult, until the operation ends.
    Overlapped { socket: SocketIx, event: EventIx },
    /// WSAWaitForMultipleEvents, until one or all of the event objects are set.
    Events { all: bool, forever: bool },
}

/// What a script has disturbed, and what of the machines is not as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Faults {
    /// How many posts still fail.
    pub(crate) posts: u8,
    /// Where the upcall table supplied last has a WPUPostMessage that fails (AS-SPI-05).
    pub(crate) upcall: HostSet,
    /// Where the network subsystem failed.
    pub(crate) network_down: HostSet,
    /// Where a 1.1 environment was asked for (AS-HK-01).
    pub(crate) winsock_1: HostSet,
}

impl PendingCall {
    /// Whether there is none.
    #[inline]
    pub(crate) fn is_none(self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether it is one of Winsock's, and not GetMessage.
    pub(crate) fn is_winsock(self) -> bool {
        !matches!(self, Self::None | Self::Message { .. })
    }

    /// Whether it waits for the result of an overlapped operation.
    pub(crate) fn collects(self) -> bool {
        matches!(self, Self::Overlapped { .. })
    }

    /// Whether it is a recv on this socket.
    #[inline]
    pub(crate) fn receives_on(self, socket: SocketIx) -> bool {
        match self {
            Self::Receive { socket: other, .. } => other == socket,
            Self::None
            | Self::Connect(_)
            | Self::Accept { .. }
            | Self::Send { .. }
            | Self::Select { .. }
            | Self::Change { .. }
            | Self::Cancelled
            | Self::Message { .. }
            | Self::Overlapped { .. }
            | Self::Events { .. } => false,
        }
    }

    /// Whether it is an accept on this socket.
    pub(crate) fn accepts_on(self, socket: SocketIx) -> bool {
        match self {
            Self::Accept { listener, .. } => listener == socket,
            Self::None
            | Self::Cancelled
            | Self::Connect(_)
            | Self::Receive { .. }
            | Self::Send { .. }
            | Self::Select { .. }
            | Self::Message { .. }
            | Self::Overlapped { .. }
            | Self::Change { .. }
            | Self::Events { .. } => false,
        }
    }

    /// Whether it is a call on this socket.
    pub(crate) fn waits_on(self, socket: SocketIx) -> bool {
        match self {
            Self::None | Self::Cancelled | Self::Message { .. } | Self::Events { .. } => false,
            Self::Select { read, write, except } => {
                (read | write | except).checked_shr(u32::from(socket.0)).unwrap_or(0) & 1 == 1
            }
            Self::Connect(other)
            | Self::Accept { listener: other, .. }
            | Self::Receive { socket: other, .. }
            | Self::Overlapped { socket: other, .. }
            | Self::Send { socket: other, .. }
            | Self::Change { socket: other, .. } => other == socket,
        }
    }
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub enum Move<'c> {
    /// A thread makes a call.
    Call {
        /// The thread.
        thread: ThreadId,
        /// The call.
        call: &'c BackendCall,
    },
    /// A call that had to wait returns.
    Return {
        /// The thread that made it.
        thread: ThreadId,
    },
    /// The first segment on its way to one end of a connection arrives.
    Deliver {
        /// The connection.
        link: u8,
        /// The end.
        toward: Side,
    },
    /// The first upcall under way returns: its message is in its queue.
    Upcall,
    /// A datagram arrives.
    Land {
        /// Which of those under way, counted from the one that was sent first.
        number: u8,
    },
    /// A thread takes a message from its queue.
    Retrieve(PumpFilter),
    /// Time passes.
    Tick {
        /// Milliseconds.
        ms: u32,
    },
    /// The network or the machine is disturbed.
    Fault(Fault<SocketHandle>),
}

/// What the model does not describe. It never answers with a guess instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelError {
    /// The call.
    pub call: &'static str,
    /// What about it.
    pub what: &'static str,
}

impl ModelError {
    pub(crate) const fn new(call: &'static str, what: &'static str) -> Self {
        Self { call, what }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.what)
    }
}

impl std::error::Error for ModelError {}

/// An error that a call answers with, and the rule that demands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) error: WsaError,
    pub(crate) rule: Option<Rule>,
}

impl Refusal {
    pub(crate) const fn by(error: WsaError, rule: Rule) -> Self {
        Self { error, rule: Some(rule) }
    }

    pub(crate) const fn plain(error: WsaError) -> Self {
        Self { error, rule: None }
    }

    /// What a call answers: where the arm that refuses it is broken, it seems to succeed.
    pub(crate) fn unless_broken(result: &Result<Value, Self>) -> Result<Value, Self> {
        match result {
            Err(Self { rule: Some(rule), .. }) if !works(*rule) => Ok(Value::Int(0)),
            Ok(value) => Ok(value.copied()),
            Err(refusal) => Err(*refusal),
        }
    }
}

/// What the program sees inside, what the model cannot say outside.
pub(crate) type CallResult = Result<Result<Value, Refusal>, ModelError>;

/// What a move may use besides the state.
pub(crate) struct Context<'a, C, S> {
    pub(crate) chooser: &'a mut C,
    pub(crate) sink: &'a mut S,
    /// Whether open knobs are decided; where only a reason is looked for they are not.
    pub(crate) decides: bool,
    /// The machine or process of the thread that calls, if one does.
    pub(crate) caller: HostId,
}

/// Looks for moves, first at threads, then at upcalls, then at ends of connections, then at
/// datagrams. An engine does little else between moves, and adapters on adapters take several times
/// as long.
struct Moves<'w> {
    world: &'w World,
    /// The next thread to look at.
    thread: usize,
    /// The next end to look at, two a connection.
    end: usize,
    /// The next datagram to look at.
    flight: u8,
}

impl Iterator for Moves<'_> {
    type Item = Move<'static>;

    // Where a move is made as soon as it is found, it need not be put anywhere first.
    #[inline(always)]
    fn next(&mut self) -> Option<Move<'static>> {
        let Self { world, thread, end, flight } = self;
        while let Some(pending) = world.pending.get(*thread) {
            let caller = ThreadId(u8::try_from(*thread).expect("threads are few"));
            *thread += 1;
            if !pending.is_none() && world.can_return(caller, *pending) {
                return Some(Move::Return { thread: caller });
            }
        }
        if *thread == THREADS_MAX {
            *thread += 1;
            if !world.more.provider.posting.is_empty() {
                return Some(Move::Upcall);
            }
        }
        let links = &*world.streams.links;
        while let Some(link) = links.get(*end / 2) {
            let (number, toward) = (*end / 2, Side::ALL[*end % 2]);
            *end += 1;
            if world.streams.can_arrive(link, toward) {
                let link = u8::try_from(number).expect("links are numbered by a byte");
                if !world.is_cut(LinkIx(link)) {
                    return Some(Move::Deliver { link, toward });
                }
            }
        }
        let flying = world.more.datagrams.flying();
        while let Some(next) = flying.get(usize::from(*flight)) {
            let number = *flight;
            *flight += 1;
            if world.can_land(next) {
                return Some(Move::Land { number });
            }
        }
        None
    }
}

impl Clone for World {
    fn clone(&self) -> Self {
        let Self { sockets, streams, windows, more, .. } = self;
        let (sockets, streams, windows) = (sockets.clone(), streams.clone(), windows.clone());
        Self { sockets, streams, windows, more: more.clone(), ..*self }
    }

    /// What explorers do most: straight into its place, and nothing is freed or allocated.
    #[inline]
    fn clone_from(&mut self, source: &Self) {
        let Self {
            knobs,
            hosts,
            family,
            startups,
            faults,
            sockets,
            streams,
            windows,
            pending,
            more,
        } = source;
        self.knobs = *knobs;
        self.hosts = *hosts;
        self.family = *family;
        self.startups = *startups;
        self.faults = *faults;
        self.sockets.clone_from(sockets);
        self.streams.clone_from(streams);
        self.windows.clone_from(windows);
        self.pending = *pending;
        self.more.clone_from(more);
    }
}

impl World {
    /// A machine on which nothing has happened.
    #[must_use]
    pub fn new(profile: &Profile) -> Self {
        Self {
            knobs: Knobs::new(profile),
            hosts: [HostId(0); THREADS_MAX],
            family: Family::default(),
            startups: [0; HOSTS_MAX],
            faults: Faults::default(),
            sockets: List::new(),
            streams: Streams::new(),
            windows: Windows::new(),
            pending: [PendingCall::None; THREADS_MAX],
            more: More::default(),
        }
    }

    /// The alternative that this run took at a knob; `None` while it has not mattered.
    #[inline]
    #[must_use]
    pub fn decided(&self, knob: KnobId) -> Option<u8> {
        self.knobs.value(knob)
    }

    /// Whether the thread's last call has not returned.
    #[inline]
    #[must_use]
    pub fn is_pending(&self, thread: ThreadId) -> bool {
        !self.pending[usize::from(thread.0)].is_none()
    }

    /// What can happen without the application: calls that can return, segments that can arrive.
    /// The application's own moves (its calls, its retrievals) are its script's to tell.
    #[inline]
    pub fn moves(&self) -> impl Iterator<Item = Move<'static>> + '_ {
        // Mostly no call waits, and nothing is under way.
        let waits = self.pending.iter().any(|pending| !pending.is_none());
        let thread = if waits { 0 } else { THREADS_MAX };
        let end = if self.streams.is_empty() { usize::MAX } else { 0 };
        Moves { world: self, thread, end, flight: 0 }
    }

    /// Lets one thing happen.
    ///
    /// # Errors
    ///
    /// If the model does not describe it. The world is then of no further use.
    #[inline]
    pub fn apply<C: Chooser, S: Sink>(
        &mut self,
        mv: Move<'_>,
        chooser: &mut C,
        sink: &mut S,
    ) -> Result<(), ModelError> {
        let cx = &mut Context { chooser, sink, decides: true, caller: HostId(0) };
        match mv {
            Move::Call { thread, call } => self.call(thread, call, cx)?,
            Move::Return { thread } => self.resume(thread, cx)?,
            Move::Deliver { link, toward } => self.deliver(LinkIx(link), toward, cx)?,
            Move::Upcall => self.upcall_returns(),
            Move::Land { number } => self.land(number, cx)?,
            Move::Retrieve(filter) => {
                self.retrieve(&filter, cx);
            }
            Move::Tick { ms } => self.tick(ms, cx),
            Move::Fault(fault) => self.fault(fault, cx)?,
        }
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
        Ok(())
    }

    /// The whole state as numbers, without padding and in one form only: two worlds are equal just
    /// if their packed forms are.
    pub fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self {
            knobs,
            hosts,
            family,
            startups,
            faults,
            sockets,
            streams,
            windows,
            pending,
            more,
        } = self;
        knobs.pack(out);
        let Faults { posts, upcall, network_down, winsock_1 } = faults;
        let flags = [upcall, network_down, winsock_1]
            .into_iter()
            .fold(0, |word, hosts| word << 8 | hosts.packed());
        let family = u64::from(*family == Family::Ipv6) << 16;
        let count = u64::try_from(sockets.len()).expect("fits");
        // Which threads wait, so that no more need be said of the others.
        let waits = pending.iter().fold(0, |word, call| word << 1 | u64::from(!call.is_none()));
        out(count | family | waits << 24 | u64::from(*posts) << 32 | flags << 40);
        let [a, b, c, d] = hosts.map(|host| host.0);
        let [e, f, g, h] = *startups;
        out(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        for socket in sockets.iter() {
            socket.pack(out);
        }
        streams.pack(out);
        windows.pack(out);
        more.pack(out);
        for pending in pending {
            match pending {
                PendingCall::None => {}
                PendingCall::Connect(socket) => out(1 | u64::from(socket.0) << 8),
                PendingCall::Accept { listener, condition } => {
                    let condition: u64 = match condition {
                        Condition::CF_ACCEPT => 0,
                        Condition::CF_REJECT => 1,
                        Condition::CF_DEFER => 2,
                    };
                    out(2 | u64::from(listener.0) << 8 | condition << 16);
                }
                PendingCall::Receive { socket, len, peek } => {
                    let peek = u64::from(*peek) << 4;
                    out(3 | peek | u64::from(socket.0) << 8 | u64::from(*len) << 32);
                }
                PendingCall::Send { socket, literal, len } => {
                    let literal = u64::from(*literal) << 16;
                    out(4 | u64::from(socket.0) << 8 | literal | u64::from(*len) << 32);
                }
                PendingCall::Select { read, write, except } => {
                    let sets = u64::from(*read) | u64::from(*write) << 16;
                    out(5 | (sets | u64::from(*except) << 32) << 8);
                }
                PendingCall::Cancelled => out(10),
                PendingCall::Change { socket, event } => {
                    out(9 | u64::from(socket.0) << 8 | u64::from(event.bit().0) << 16);
                }
                PendingCall::Message { window, min, max } => {
                    let window = u64::from(window.map_or(0, WindowIx::get));
                    out(6 | window << 8 | u64::from(*min) << 16 | u64::from(*max) << 32);
                }
                PendingCall::Overlapped { socket, event } => {
                    out(8 | u64::from(socket.0) << 8 | u64::from(event.number()) << 16);
                }
                PendingCall::Events { all, forever } => {
                    out(7 | u64::from(*all) << 8 | u64::from(*forever) << 9);
                }
            }
        }
    }

    /// The alternative at a knob: the profile's, or one that the run decides now and keeps.
    #[expect(clippy::as_conversions, reason = "an enum of few variants")]
    #[inline]
    pub(crate) fn knob<K: Knob>(&mut self, cx: &mut Context<'_, impl Chooser, impl Sink>) -> K {
        let value = match self.knobs.value(K::ID) {
            Some(value) => value,
            None if !cx.decides => 0,
            None => {
                let alternatives = K::ID.values().len() as u8;
                let value = cx.chooser.choose(Choice::Knob(K::ID), alternatives);
                self.knobs.decide(K::ID, value);
                value
            }
        };
        K::from_index(value)
    }

    #[inline]
    pub(crate) fn socket(&self, socket: SocketIx) -> &Socket {
        &self.sockets[socket.at()]
    }

    #[inline]
    pub(crate) fn socket_mut(&mut self, socket: SocketIx) -> &mut Socket {
        &mut self.sockets[socket.at()]
    }

    /// Takes a message of the filter from its queue.
    pub(crate) fn retrieve<C, S: Sink>(
        &mut self,
        filter: &PumpFilter,
        cx: &mut Context<'_, C, S>,
    ) -> Option<PostedMessage> {
        let queued = self.windows.retrieve(filter)?;
        let (mut message, standing) = (queued.message(), queued.standing);
        // AS-SPI-12: never a number that only the provider knows.
        if !works(Rule::Spi12)
            && queued.is_of_stack()
            && self.more.provider.own_handles.has(self.socket(queued.socket).host)
        {
            message.socket = SocketIx(0).handle();
        }
        cx.sink.effect(Effect::Retrieve { thread: filter.thread, message, standing });
        Some(message.posted())
    }

    pub(crate) fn returned<C, S: Sink>(
        cx: &mut Context<'_, C, S>,
        thread: ThreadId,
        result: &Result<Value, Refusal>,
    ) {
        let result = Refusal::unless_broken(result);
        let rule = result.err().and_then(|refusal| refusal.rule);
        let reply = Reply::new(result.map_err(|refusal| refusal.error));
        cx.sink.effect(Effect::Return { thread, reply, rule });
    }
}
