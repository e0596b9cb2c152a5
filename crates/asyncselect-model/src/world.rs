//! The whole state, and the one door to it: [`World::moves`] and [`World::apply`].

use std::fmt;

use asyncselect_abi::call::BackendCall;
use asyncselect_abi::{NetworkEvent, PumpFilter, Reply, SocketHandle, ThreadId, Value, WsaError};

use crate::chooser::{Choice, Chooser};
use crate::knob::{
    CloseWithUnread, CloseWithUnreadAfterShutdown, DataOnReset, Knob, KnobId, ReadAndWrite,
    RegisterAfterBothEnded, RegisterAfterReset, ResetError, WriteAfterOwnEnd, WriteAfterReset,
    WriteAndClose,
};
use crate::latch::{self, Absence, Condition, Guard, Trigger, Wanted};
use crate::list::List;
use crate::profile::{Knobs, Profile};
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{Socket, SocketIx, SocketState};
use crate::stream::{Arrived, LinkIx, Side, Space, Streams};
use crate::window::{Queued, Windows};

/// The threads that a script may have.
pub const THREADS_MAX: usize = 4;

/// Everything that a simulated machine and its network remember: a flat value, cheap to clone.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    knobs: Knobs,
    /// How often WSAStartup succeeded; 255 stands for more.
    pub(crate) startups: u8,
    pub(crate) sockets: List<Socket, 8>,
    pub(crate) streams: Streams,
    pub(crate) windows: Windows,
    /// What each thread waits for.
    pub(crate) pending: [PendingCall; THREADS_MAX],
}

/// A call that has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum PendingCall {
    /// None.
    #[default]
    None,
    /// connect, until the answer arrives.
    Connect(SocketIx),
    /// accept, until a connection waits.
    Accept(SocketIx),
    /// recv, until data or the end arrives.
    Receive { socket: SocketIx, len: u32, peek: bool },
    /// send, until there is space.
    Send { socket: SocketIx, literal: u16, len: u32 },
}

impl PendingCall {
    /// Whether it is a call on this socket.
    pub(crate) fn waits_on(self, socket: SocketIx) -> bool {
        match self {
            Self::None => false,
            Self::Connect(other)
            | Self::Accept(other)
            | Self::Receive { socket: other, .. }
            | Self::Send { socket: other, .. } => other == socket,
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
    /// A thread takes a message from its queue.
    Retrieve(PumpFilter),
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
}

/// What the program sees inside, what the model cannot say outside.
pub(crate) type CallResult = Result<Result<Value, Refusal>, ModelError>;

/// What a move may use besides the state.
pub(crate) struct Context<'a, C, S> {
    pub(crate) chooser: &'a mut C,
    pub(crate) sink: &'a mut S,
}

impl World {
    /// A machine on which nothing has happened.
    #[must_use]
    pub fn new(profile: &Profile) -> Self {
        Self {
            knobs: Knobs::new(profile),
            startups: 0,
            sockets: List::new(),
            streams: Streams::new(),
            windows: Windows::new(),
            pending: [PendingCall::None; THREADS_MAX],
        }
    }

    /// The alternative that this run took at a knob; `None` while it has not mattered.
    #[must_use]
    pub fn decided(&self, knob: KnobId) -> Option<u8> {
        self.knobs.value(knob)
    }

    /// Whether the thread's last call has not returned.
    #[must_use]
    pub fn is_pending(&self, thread: ThreadId) -> bool {
        self.pending[usize::from(thread.0)] != PendingCall::None
    }

    /// What can happen without the application: calls that can return, segments that can arrive.
    /// The application's own moves (its calls, its retrievals) are its script's to tell.
    pub fn moves(&self) -> impl Iterator<Item = Move<'static>> + '_ {
        let threads = (0..).zip(&self.pending);
        let returns = threads
            .filter(|(_, pending)| self.can_return(**pending))
            .map(|(thread, _)| Move::Return { thread: ThreadId(thread) });
        let links = (0..).take(self.streams.links.len());
        let arrivals = links.flat_map(move |link| {
            Side::ALL
                .into_iter()
                .filter(move |side| self.streams.is_flying(LinkIx(link), *side))
                .map(move |toward| Move::Deliver { link, toward })
        });
        returns.chain(arrivals)
    }

    /// Lets one thing happen.
    ///
    /// # Errors
    ///
    /// If the model does not describe it. The world is then of no further use.
    pub fn apply<C: Chooser, S: Sink>(
        &mut self,
        mv: Move<'_>,
        chooser: &mut C,
        sink: &mut S,
    ) -> Result<(), ModelError> {
        let cx = &mut Context { chooser, sink };
        match mv {
            Move::Call { thread, call } => self.call(thread, call, cx)?,
            Move::Return { thread } => self.resume(thread, cx)?,
            Move::Deliver { link, toward } => self.deliver(LinkIx(link), toward, cx)?,
            Move::Retrieve(filter) => {
                if let Some(queued) = self.windows.retrieve(&filter) {
                    let (message, fresh) = (queued.message(), queued.fresh);
                    cx.sink.effect(Effect::Retrieve { thread: filter.thread, message, fresh });
                }
            }
        }
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
        Ok(())
    }

    /// The whole state as numbers, without padding and in one form only: two worlds are equal just
    /// if their packed forms are.
    pub fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self { knobs, startups, sockets, streams, windows, pending } = self;
        knobs.pack(out);
        out(u64::from(*startups) | u64::try_from(sockets.len()).expect("fits") << 8);
        for socket in sockets.iter() {
            socket.pack(out);
        }
        streams.pack(out);
        windows.pack(out);
        for pending in pending {
            match pending {
                PendingCall::None => out(0),
                PendingCall::Connect(socket) => out(1 | u64::from(socket.0) << 8),
                PendingCall::Accept(socket) => out(2 | u64::from(socket.0) << 8),
                PendingCall::Receive { socket, len, peek } => {
                    let peek = u64::from(*peek) << 4;
                    out(3 | peek | u64::from(socket.0) << 8 | u64::from(*len) << 32);
                }
                PendingCall::Send { socket, literal, len } => {
                    let literal = u64::from(*literal) << 16;
                    out(4 | u64::from(socket.0) << 8 | literal | u64::from(*len) << 32);
                }
            }
        }
    }

    /// The alternative at a knob: the profile's, or one that the run decides now and keeps.
    #[expect(clippy::as_conversions, reason = "an enum of few variants")]
    pub(crate) fn knob<K: Knob>(&mut self, cx: &mut Context<'_, impl Chooser, impl Sink>) -> K {
        let value = self.knobs.value(K::ID).unwrap_or_else(|| {
            let alternatives = K::ID.values().len() as u8;
            let value = cx.chooser.choose(Choice::Knob(K::ID), alternatives);
            self.knobs.decide(K::ID, value);
            value
        });
        K::from_index(value)
    }

    pub(crate) fn socket(&self, socket: SocketIx) -> &Socket {
        &self.sockets[socket.at()]
    }

    pub(crate) fn socket_mut(&mut self, socket: SocketIx) -> &mut Socket {
        &mut self.sockets[socket.at()]
    }

    /// The socket behind a handle, unless it was closed or never was.
    pub(crate) fn open_socket(&self, handle: SocketHandle) -> Option<SocketIx> {
        let socket = SocketIx::from_handle(handle)?;
        let found = self.sockets.get(socket.at())?;
        (found.state != SocketState::Closed).then_some(socket)
    }

    /// Looks at the conditions of a socket and posts what is to be posted, one message an event
    /// (AS-MSG-05).
    pub(crate) fn evaluate<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) {
        if self.socket(socket).registration.is_none() && !S::WANTS_SILENCE {
            return;
        }
        let mut due = [None; 3];
        let events = [NetworkEvent::Read, NetworkEvent::Write, NetworkEvent::Close];
        for (event, due) in events.into_iter().zip(&mut due) {
            let wanted = match self.socket(socket).registration {
                None => Wanted::NoRegistration,
                Some(registration) if registration.wants(event) => Wanted::Yes,
                Some(_) => Wanted::NotInMask,
            };
            let condition = match wanted {
                // Knobs are not asked where nothing depends on them.
                Wanted::NotInMask | Wanted::NoRegistration => Condition::No(Absence::NotConnected),
                Wanted::Yes => self.condition(socket, event, trigger, cx),
            };
            let latch = self.socket(socket).latch(event);
            match latch::decide(wanted, latch, condition, trigger) {
                Ok(rule) => *due = Some((event, rule)),
                Err(guard) => {
                    if guard == Guard::Absent(Absence::ClosedBefore) {
                        // The registration begins with the event spent: no later look posts it.
                        self.socket_mut(socket).spend(event);
                    }
                    if S::WANTS_SILENCE {
                        let socket = socket.handle();
                        cx.sink.effect(Effect::Silent { socket, event, guard, trigger });
                    }
                }
            }
        }
        let [read, write, close] = due;
        // AS-ORD-04, OQ-14: what comes to hold at once is posted in the order that the stack keeps.
        // FD_READ before FD_CLOSE is known everywhere (AS-ORD-03, W-083).
        let write_first = read.is_some()
            && write.is_some()
            && self.knob::<ReadAndWrite>(cx) == ReadAndWrite::WriteFirst;
        let close_first = !write_first
            && write.is_some()
            && close.is_some()
            && self.knob::<WriteAndClose>(cx) == WriteAndClose::CloseFirst;
        let order = match (write_first, close_first) {
            (false, false) => [read, write, close],
            (false, true) => [read, close, write],
            (true, _) => [write, read, close],
        };
        for (event, rule) in order.into_iter().flatten() {
            self.post(socket, event, rule, trigger, cx);
        }
    }

    /// Whether the condition of an event holds for a socket.
    fn condition<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        let this = *self.socket(socket);
        let SocketState::Connected(link, side) = this.state else {
            return Condition::No(Absence::NotConnected);
        };
        let arrived = self.streams.toward(link, side).arrived;
        match event {
            NetworkEvent::Read => {
                if this.receive_shut {
                    Condition::No(Absence::ReceiveShutDown)
                } else if self.streams.has_unread(link, side) {
                    // OQ-24: data that survived a reset may be told of or not.
                    if arrived.is_reset()
                        && self.knob::<DataOnReset>(cx) == DataOnReset::ReadableSilently
                    {
                        Condition::No(Absence::Reset)
                    } else {
                        Condition::Readable
                    }
                } else {
                    // AS-RD-05: the end of the stream is not data.
                    Condition::No(Absence::NoData)
                }
            }
            NetworkEvent::Write => {
                if this.send_shut {
                    // OQ-10: every send fails at once; does that count as possible?
                    match self.knob::<WriteAfterOwnEnd>(cx) {
                        WriteAfterOwnEnd::Silent => Condition::No(Absence::SendShutDown),
                        WriteAfterOwnEnd::Posts => Condition::Writable,
                    }
                } else if arrived.is_reset() {
                    // W-089: whether a socket that was reset counts as writable.
                    match self.knob::<WriteAfterReset>(cx) {
                        WriteAfterReset::Silent => Condition::No(Absence::Reset),
                        WriteAfterReset::Posts => Condition::Writable,
                    }
                } else if self.streams.toward(link, side.other()).space != Space::Free {
                    Condition::No(Absence::NoSpace)
                } else {
                    // AS-CL-18: the peer's end does not stop this side's sending.
                    Condition::Writable
                }
            }
            NetworkEvent::Close => match arrived {
                Arrived::Open => Condition::No(Absence::NotClosed),
                Arrived::End => {
                    let unread = !this.receive_shut && self.streams.has_unread(link, side);
                    self.ended(this.send_shut, unread, trigger, cx)
                }
                // C8, W-088: some stacks do not tell a registration of a reset that came before.
                Arrived::Reset | Arrived::EndThenReset => {
                    if trigger == Trigger::Registered
                        && self.knob::<RegisterAfterReset>(cx) == RegisterAfterReset::Silent
                    {
                        Condition::No(Absence::ClosedBefore)
                    } else {
                        Condition::Aborted
                    }
                }
            },
            NetworkEvent::Oob
            | NetworkEvent::Accept
            | NetworkEvent::Connect
            | NetworkEvent::Qos
            | NetworkEvent::GroupQos
            | NetworkEvent::RoutingInterfaceChange
            | NetworkEvent::AddressListChange => {
                unreachable!("registration refuses events that are not modelled")
            }
        }
    }

    /// FD_CLOSE's condition after the peer's graceful end.
    fn ended<C: Chooser, S: Sink>(
        &mut self,
        sent_end: bool,
        unread: bool,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        if unread {
            // AS-CL-03, AS-CL-04 against W-083: does the end wait until all data was read?
            let waits = if sent_end {
                self.knob::<CloseWithUnreadAfterShutdown>(cx)
                    == CloseWithUnreadAfterShutdown::AfterDrain
            } else {
                self.knob::<CloseWithUnread>(cx) == CloseWithUnread::AfterDrain
            };
            return if waits { Condition::No(Absence::UnreadData) } else { Condition::EndedUnread };
        }
        // AS-CL-02: some stacks tell a registration only of an end that left one direction open.
        if sent_end
            && trigger == Trigger::Registered
            && self.knob::<RegisterAfterBothEnded>(cx) == RegisterAfterBothEnded::Silent
        {
            return Condition::No(Absence::ClosedBefore);
        }
        Condition::Ended { sent_end }
    }

    fn post<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        rule: Rule,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) {
        let error = match (event, self.is_reset(socket)) {
            (NetworkEvent::Close, true) => {
                // AS-CL-05 against W-088.
                match self.knob::<ResetError>(cx) {
                    ResetError::ConnReset => WsaError::WSAECONNRESET,
                    ResetError::ConnAborted => WsaError::WSAECONNABORTED,
                    ResetError::Zero => WsaError(0),
                }
            }
            _ => WsaError(0),
        };
        let this = self.socket_mut(socket);
        // AS-EN-01: spent until the re-enabling call.
        this.spend(event);
        let registration = this.registration.expect("only a registration wants an event");
        let Some(window) = registration.window else {
            // A stack that does not look at windows posts into the void.
            if S::WANTS_SILENCE {
                let (socket, guard) = (socket.handle(), Guard::NoWindow);
                cx.sink.effect(Effect::Silent { socket, event, guard, trigger });
            }
            return;
        };
        let message = registration.message;
        let queued = Queued { window, socket, event, fresh: true, message, error };
        self.windows.queue.push(queued);
        cx.sink.effect(Effect::Post { message: queued.message(), rule, trigger });
    }

    pub(crate) fn is_reset(&self, socket: SocketIx) -> bool {
        match self.socket(socket).state {
            SocketState::Connected(link, side) => {
                self.streams.toward(link, side).arrived.is_reset()
            }
            SocketState::Closed
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Listening { .. }
            | SocketState::Connecting(_) => false,
        }
    }

    pub(crate) fn returned<C, S: Sink>(
        cx: &mut Context<'_, C, S>,
        thread: ThreadId,
        result: Result<Value, Refusal>,
    ) {
        let rule = result.err().and_then(|refusal| refusal.rule);
        let reply = Reply::new(result.map_err(|refusal| refusal.error));
        cx.sink.effect(Effect::Return { thread, reply, rule });
    }

    /// What must hold between moves; a broken one is our own mistake.
    fn check_invariants(&self) {
        for socket in self.sockets.iter() {
            if socket.state == SocketState::Closed {
                assert!(socket.registration.is_none(), "AS-CL-06: a closed socket posts nothing");
            }
            if socket.registration.is_some() {
                assert!(socket.nonblocking, "AS-NB-01: a registered socket is non-blocking");
            }
        }
        for queued in self.windows.queue.iter().filter(|queued| queued.fresh) {
            let socket = self.socket(queued.socket);
            let holds = socket.registration.is_some_and(|registration| {
                registration.message == queued.message
                    && registration.window == Some(queued.window)
                    && registration.wants(queued.event)
            });
            assert!(holds, "a fresh message has a registration behind it");
        }
    }
}
