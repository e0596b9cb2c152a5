//! Runs a script on a stack: resolves names to handles, makes the calls, keeps what was seen.
//!
//! The runner has no semantics: it never repairs, retries or reorders what a stack did.

use std::net::{Ipv4Addr, SocketAddr};

use asyncselect_abi::call::{Rename, Repeat};
use asyncselect_abi::{
    BackendError, Call, Data, Fault, Hwnd, Literal, Outcome, PostedMessage, PumpFilter, Reply,
    SelectReply, SocketHandle, ThreadId, Value, WsaError,
};
use asyncselect_abi::{MessageId, NetworkEvent};
use asyncselect_model::Effect;
use asyncselect_model::world::THREADS_MAX;

use crate::script::{AddressRef, CallOp, NameId, Op, PumpOp, Script, SocketRef, WindowRef};
use crate::script_file::Need;
use crate::stack::{Announcement, Stack};

/// Where in a run something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// While `setup` was carried out.
    Setup,
    /// In the step of this number, counted from 0.
    Step(usize),
    /// After the last step.
    End,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Setup => f.write_str("setup"),
            Self::Step(index) => write!(f, "step {}", index + 1),
            Self::End => f.write_str("after the last step"),
        }
    }
}

/// A handle in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// That of a socket or window which the script has made.
    Named(NameId),
    /// A value that the script never got.
    Stranger(u64),
}

/// A message as it was retrieved, its handles turned back into names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retrieved {
    /// The thread that took it.
    pub thread: ThreadId,
    /// The window.
    pub hwnd: Handle,
    /// The number.
    pub message: MessageId,
    /// The socket: the one that has or had the value last.
    pub socket: Handle,
    /// Sockets that had the value before (AS-CLS-02); nobody can tell from the message.
    pub earlier: Vec<NameId>,
    /// `lParam`, taken apart.
    pub reply: SelectReply,
}

impl Retrieved {
    /// Whether a program could take one for the other: which of the sockets that had the value is
    /// meant, it cannot see.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        let names = |message: &Self, handle: Handle| match handle {
            Handle::Named(name) => message.earlier.contains(&name),
            Handle::Stranger(_) => false,
        };
        let same_socket =
            self.socket == other.socket || names(self, other.socket) || names(other, self.socket);
        let Self { thread, hwnd, message, socket: _, earlier: _, reply } = self;
        same_socket
            && (*thread, *hwnd, *message, *reply)
                == (other.thread, other.hwnd, other.message, other.reply)
    }

    /// The event, if the low word is one.
    #[must_use]
    pub fn event(&self) -> Option<NetworkEvent> {
        self.reply.network_event()
    }
}

/// What a program could see of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// A call returned.
    Return {
        /// Where.
        place: Place,
        /// The C name of the call.
        call: &'static str,
        /// With what.
        result: Result<Value, WsaError>,
        /// What was left in `*lpErrno`.
        lp_errno: Option<WsaError>,
        /// The bytes received, for receive calls that succeeded.
        data: Option<Data>,
    },
    /// A call was repeated as often as allowed and never failed as it should.
    NeverFailed {
        /// Where.
        place: Place,
        /// What it returned last.
        last: Result<Value, WsaError>,
    },
    /// A call that should have waited had returned, or the other way round.
    Waiting {
        /// Where.
        place: Place,
        /// Whether it waits.
        waits: bool,
    },
    /// Messages were claimed, or were left at the end.
    Messages {
        /// Where.
        place: Place,
        /// The messages, in the order of retrieval on each thread.
        messages: Vec<Retrieved>,
    },
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All steps were carried out.
    Completed,
    /// A call would have waited, and the script did not say `begin`.
    Blocked(Place),
    /// Setting up failed: the scenario was not reached.
    NotSetUp(String),
    /// The stack lacks something.
    NotRunnable(Need),
    /// The stack could not answer.
    Failed(Place, BackendError),
}

/// Is told of everything, as it happens. Every method has a body that does nothing.
pub trait Observer {
    /// Whether the observer wants anything; sparing it costs is the runner's business.
    const LISTENS: bool = true;

    /// A call is made.
    fn called(&mut self, _: Place, _: ThreadId, _: &CallOp) {}
    /// A call returned, with these bytes if it is a receive call.
    fn returned(&mut self, _: Place, _: ThreadId, _: &Reply, _: Option<&Data>) {}
    /// Something happened inside the stack.
    fn happened(&mut self, _: Place, _: Vec<Effect>) {}
    /// A message was retrieved.
    fn retrieved(&mut self, _: Place, _: &Retrieved) {}
    /// The program could see this; judged later.
    fn observed(&mut self, _: Observation) {}
    /// A socket got its handle.
    fn named(&mut self, _: SocketHandle, _: NameId) {}
    /// A window got its handle.
    fn named_window(&mut self, _: Hwnd, _: NameId) {}
    /// The network or the machine was disturbed.
    fn disturbed(&mut self, _: Place, _: &Fault<SocketRef>) {}
    /// Time passed, in milliseconds.
    fn waited(&mut self, _: Place, _: u32) {}
}

/// Hears nothing: for replay.
#[derive(Clone, Copy, Debug)]
pub struct Deaf;

impl Observer for Deaf {
    const LISTENS: bool = false;
}

/// How long a live stack may take over a call that should return: a refused connect takes over
/// two seconds on Windows (W-036).
const PATIENCE_MS: u32 = 10_000;

/// How long to look at a call that should wait. Settling came before, and has given calls that
/// return the time to do so.
const GLANCE_MS: u32 = 10;

/// A handle that no socket or window has.
const INVALID: u64 = 0xdead;

/// The value of `INVALID_SOCKET`.
const INVALID_SOCKET: SocketHandle = SocketHandle(u64::MAX);

/// An address in a network that does not exist (RFC 5737).
const UNREACHABLE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// Runs a script.
pub fn run<S: Stack, O: Observer>(script: &Script, stack: &mut S, observer: &mut O) -> Ending {
    if let Some(need) = script.needs.iter().find(|need| stack.lacks(**need)) {
        return Ending::NotRunnable(*need);
    }
    let fresh = script.needs.contains(&Need::FreshProcess);
    if let Err(error) = stack.reset(&script.literals, fresh) {
        return Ending::Failed(Place::Setup, error);
    }
    let mut run = Running {
        script,
        stack,
        observer,
        sockets: vec![None; script.sockets.len()],
        owners: Vec::new(),
        windows: vec![None; script.windows.len()],
        addresses: vec![None; script.sockets.len()],
        calls: Default::default(),
        waiting: Default::default(),
        early: Default::default(),
        unclaimed: Vec::new(),
        pumped: false,
    };
    match run.all() {
        Ok(()) => Ending::Completed,
        Err(ending) => ending,
    }
}

/// What a call returned, with the bytes if it is a receive call that succeeded.
struct Heard {
    reply: Reply,
    data: Option<Data>,
}

struct Running<'r, S, O> {
    script: &'r Script,
    stack: &'r mut S,
    observer: &'r mut O,
    sockets: Vec<Option<SocketHandle>>,
    /// The same in the order in which the names were given: a value may get several.
    owners: Vec<(SocketHandle, NameId)>,
    windows: Vec<Option<Hwnd>>,
    /// Where sockets are bound, as far as somebody asked.
    addresses: Vec<Option<SocketAddr>>,
    /// The call that each thread made last, by name.
    calls: [&'static str; THREADS_MAX],
    /// Whether the call that each thread made last began and has not returned.
    waiting: [bool; THREADS_MAX],
    /// What calls returned that began, until their `end`.
    early: [Option<Heard>; THREADS_MAX],
    /// Messages that were retrieved and not claimed.
    unclaimed: Vec<Retrieved>,
    /// Whether a `pump` step came since the last claim.
    pumped: bool,
}

impl<S: Stack, O: Observer> Running<'_, S, O> {
    fn all(&mut self) -> Result<(), Ending> {
        for op in &self.script.setup {
            self.prepare(op)?;
        }
        self.settle(Place::Setup)?;
        for (index, op) in self.script.steps.iter().enumerate() {
            self.step(Place::Step(index), op)?;
        }
        self.settle(Place::End)?;
        self.claim(Place::End)
    }

    fn prepare(&mut self, op: &CallOp) -> Result<(), Ending> {
        let place = Place::Setup;
        let name = op.call.name();
        match self.call(place, op, op.settle)?.map(|heard| heard.reply.result) {
            Some(Ok(value)) => {
                self.bind(op.binds, value);
                Ok(())
            }
            Some(Err(error)) => Err(Ending::NotSetUp(format!("{name} failed with {error}"))),
            None => Err(Ending::NotSetUp(format!("{name} waits"))),
        }
    }

    fn step(&mut self, place: Place, op: &Op) -> Result<(), Ending> {
        match op {
            Op::Call(op) => match op.repeat {
                Repeat::Times(1) => self.single(place, op),
                Repeat::Times(times) => self.times(place, op, times),
                Repeat::Until { error, max } => self.repeated(place, op, error, max),
            },
            Op::End { thread, binds, .. } => {
                self.settle(place)?;
                match self.begun(place, *thread, PATIENCE_MS)? {
                    Some(heard) => self.returned(place, *thread, heard, *binds),
                    None => self.observer.observed(Observation::Waiting { place, waits: true }),
                }
                Ok(())
            }
            Op::Blocked { thread } => {
                self.settle(place)?;
                let heard = self.begun(place, *thread, GLANCE_MS)?;
                let waits = heard.is_none();
                self.early[usize::from(thread.0)] = heard;
                self.observer.observed(Observation::Waiting { place, waits });
                Ok(())
            }
            Op::Claim(_) => {
                if !std::mem::take(&mut self.pumped) {
                    self.settle(place)?;
                    self.pump_all(place)?;
                }
                self.messages(place);
                Ok(())
            }
            Op::Pump { thread, pump } => {
                self.pumped = true;
                self.pump(place, *thread, pump)
            }
            Op::Settle => self.settle(place),
            Op::Fault(fault) => {
                let socket = |_: &'static str, socket: &SocketRef| match socket {
                    SocketRef::Invalid => Ok(INVALID_SOCKET),
                    SocketRef::Named(name) => self.sockets[usize::from(name.0)].ok_or_else(|| {
                        let name = &self.script.sockets[usize::from(name.0)];
                        Ending::NotSetUp(format!("`{name}` was never made"))
                    }),
                };
                let there = fault.try_map(socket)?;
                self.observer.disturbed(place, fault);
                self.check(place, |stack| stack.fault(&there))?;
                self.settle(place)
            }
            Op::Advance(ms) => {
                self.observer.waited(place, *ms);
                self.check(place, |stack| stack.advance(*ms))?;
                self.settle(place)
            }
            Op::NotModelled(what) => {
                let error = BackendError::NotModelled((*what).to_owned());
                Err(Ending::Failed(place, error))
            }
        }
    }

    /// What became of a call that began; `None` if it waits.
    fn begun(
        &mut self,
        place: Place,
        thread: ThreadId,
        patience_ms: u32,
    ) -> Result<Option<Heard>, Ending> {
        match self.early[usize::from(thread.0)].take() {
            Some(heard) => Ok(Some(heard)),
            None => {
                let outcome = self.check(place, |stack| stack.pending(thread, patience_ms))?;
                self.waiting[usize::from(thread.0)] = outcome == Outcome::Pending;
                Ok(self.hear(place, thread, outcome))
            }
        }
    }

    fn claim(&mut self, place: Place) -> Result<(), Ending> {
        self.pump_all(place)?;
        self.messages(place);
        Ok(())
    }

    fn messages(&mut self, place: Place) {
        if O::LISTENS {
            let messages = std::mem::take(&mut self.unclaimed);
            self.observer.observed(Observation::Messages { place, messages });
        } else {
            self.unclaimed.clear();
        }
    }

    fn single(&mut self, place: Place, op: &CallOp) -> Result<(), Ending> {
        match self.call(place, op, op.settle)? {
            heard if op.begins => self.early[usize::from(op.thread.0)] = heard,
            Some(heard) => self.returned(place, op.thread, heard, op.binds),
            None => return Err(Ending::Blocked(place)),
        }
        Ok(())
    }

    /// Makes a call several times, and lets the network come to rest after the last.
    fn times(&mut self, place: Place, op: &CallOp, times: u32) -> Result<(), Ending> {
        self.stack.announce(Announcement::Calls(op.repeat));
        for _ in 0..times {
            match self.call(place, op, false)? {
                Some(heard) => self.returned(place, op.thread, heard, None),
                None => return Err(Ending::Blocked(place)),
            }
        }
        if op.settle { self.settle(place) } else { Ok(()) }
    }

    fn repeated(
        &mut self,
        place: Place,
        op: &CallOp,
        until: WsaError,
        max: u32,
    ) -> Result<(), Ending> {
        self.stack.announce(Announcement::Calls(op.repeat));
        let mut last = Ok(Value::Int(0));
        for _ in 0..max {
            match self.call(place, op, false)? {
                Some(heard) => last = heard.reply.result,
                None => return Err(Ending::Blocked(place)),
            }
            if last == Err(until) {
                return if op.settle { self.settle(place) } else { Ok(()) };
            }
        }
        self.observer.observed(Observation::NeverFailed { place, last });
        Ok(())
    }

    /// Makes one call, and lets the network come to rest if `settle` says so; `None` if it waits.
    fn call(&mut self, place: Place, op: &CallOp, settle: bool) -> Result<Option<Heard>, Ending> {
        self.learn_address(place, op)?;
        let mut handles = Handles {
            sockets: &self.sockets,
            windows: &self.windows,
            addresses: &self.addresses,
            refusing: self.script.refusing,
        };
        let call = match op.call.try_map(&mut handles) {
            Ok(call) => call,
            Err(Unnamed { name }) => {
                let what = format!("`{}` was never made", self.script.sockets[name]);
                return Err(Ending::NotSetUp(what));
            }
        };
        self.observer.called(place, op.thread, op);
        let slot = usize::from(op.thread.0);
        let before = std::mem::replace(&mut self.calls[slot], op.call.name());
        let outcome = self.check(place, |stack| stack.call(op.thread, &call))?;
        self.tell(place);
        let heard = self.hear(place, op.thread, outcome);
        // A call from the blocking hook of another (AS-HK-01): that one goes on waiting.
        let nested = self.waiting[slot];
        if nested {
            self.calls[slot] = before;
        }
        self.waiting[slot] = nested || op.begins && heard.is_none();
        // A call that has to wait lets the network go on, even in a step that leaves a race open.
        let waits = heard.is_none() && !op.begins;
        if settle || waits {
            self.settle(place)?;
        }
        if waits {
            let outcome = self.check(place, |stack| stack.pending(op.thread, PATIENCE_MS))?;
            return Ok(self.hear(place, op.thread, outcome));
        }
        Ok(heard)
    }

    /// An address `of` a socket is where the stack says that it is bound.
    fn learn_address(&mut self, place: Place, op: &CallOp) -> Result<(), Ending> {
        let of = match &op.call {
            Call::Connect { name, .. }
            | Call::Bind { name, .. }
            | Call::SendTo { to: name, .. } => match name {
                AddressRef::Of(socket) => Some(*socket),
                AddressRef::Refusing => self.script.refusing,
                AddressRef::Any | AddressRef::Unreachable | AddressRef::Null => None,
            },
            _ => None,
        };
        let Some(NameId(name)) = of else { return Ok(()) };
        let name = usize::from(name);
        if self.addresses[name].is_some() {
            return Ok(());
        }
        let Some(s) = self.sockets[name] else { return Ok(()) };
        let call = Call::GetSockName { s };
        let outcome = self.check(place, |stack| stack.call(op.thread, &call))?;
        // The runner's own question is not part of the trace.
        drop(self.stack.take_effects());
        match outcome {
            Outcome::Returned(Reply { result: Ok(Value::Address(address)), .. }) => {
                self.addresses[name] = Some(address);
                Ok(())
            }
            other => Err(Ending::NotSetUp(format!("getsockname answered {other:?}"))),
        }
    }

    /// Takes a return in, once: the observer is told of it, and the bytes are fetched.
    fn hear(&mut self, place: Place, thread: ThreadId, outcome: Outcome) -> Option<Heard> {
        let Outcome::Returned(reply) = outcome else { return None };
        let receives = matches!(self.calls[usize::from(thread.0)], "recv" | "recvfrom");
        let data =
            (O::LISTENS && receives && reply.result.is_ok()).then(|| self.stack.received(thread));
        self.observer.returned(place, thread, &reply, data.as_ref());
        if let Ok(Value::Message(message)) = reply.result {
            // GetMessage retrieves as a pump does.
            self.took(place, thread, &message);
        }
        Some(Heard { reply, data })
    }

    /// What the thread's last call returned is the outcome of a step.
    fn returned(&mut self, place: Place, thread: ThreadId, heard: Heard, binds: Option<NameId>) {
        let Heard { reply: Reply { result, lp_errno }, data } = heard;
        if let Ok(value) = result {
            self.bind(binds, value);
        }
        let call = self.calls[usize::from(thread.0)];
        self.observer.observed(Observation::Return { place, call, result, lp_errno, data });
    }

    fn bind(&mut self, name: Option<NameId>, value: Value) {
        match (name, value) {
            (Some(name), Value::Socket(socket)) => {
                self.sockets[usize::from(name.0)] = Some(socket);
                self.owners.push((socket, name));
                self.observer.named(socket, name);
            }
            (Some(name), Value::Window(window)) => {
                self.windows[usize::from(name.0)] = Some(window);
                self.observer.named_window(window, name);
            }
            (None, _) | (Some(_), Value::Int(_) | Value::Address(_) | Value::Message(_)) => {}
        }
    }

    fn settle(&mut self, place: Place) -> Result<(), Ending> {
        self.check(place, |stack| stack.settle())?;
        self.tell(place);
        Ok(())
    }

    fn pump_all(&mut self, place: Place) -> Result<(), Ending> {
        for thread in 0..self.script.threads.len() {
            let thread = ThreadId(u8::try_from(thread).expect("threads are few"));
            let all = PumpOp { hwnd: None, range: None, remove: true, count: u32::MAX };
            self.pump(place, thread, &all)?;
        }
        Ok(())
    }

    fn pump(&mut self, place: Place, thread: ThreadId, pump: &PumpOp) -> Result<(), Ending> {
        let hwnd = pump.hwnd.and_then(|name| self.windows[usize::from(name.0)]);
        let filter = PumpFilter { thread, hwnd, range: pump.range, remove: pump.remove };
        if filter.remove {
            self.stack.announce(Announcement::Messages(pump.count));
        }
        for _ in 0..pump.count {
            let Some(message) = self.check(place, |stack| stack.pump(&filter))? else { break };
            self.tell(place);
            self.took(place, thread, &message);
        }
        Ok(())
    }

    fn took(&mut self, place: Place, thread: ThreadId, message: &PostedMessage) {
        let retrieved = self.retrieved(thread, message);
        self.observer.retrieved(place, &retrieved);
        self.unclaimed.push(retrieved);
    }

    fn retrieved(&self, thread: ThreadId, message: &PostedMessage) -> Retrieved {
        let name = |index: usize| NameId(u8::try_from(index).expect("names are bytes"));
        let window = self.windows.iter().rposition(|hwnd| *hwnd == Some(message.hwnd));
        let mut owners = self.owners.iter().rev().filter(|(value, _)| *value == message.socket);
        let socket = owners.next().map(|(_, name)| *name);
        Retrieved {
            thread,
            hwnd: window.map(name).map_or(Handle::Stranger(message.hwnd.0), Handle::Named),
            message: message.message,
            socket: socket.map_or(Handle::Stranger(message.socket.0), Handle::Named),
            earlier: owners.map(|(_, name)| *name).collect(),
            reply: message.reply,
        }
    }

    fn tell(&mut self, place: Place) {
        if O::LISTENS {
            let effects = self.stack.take_effects();
            self.observer.happened(place, effects);
        }
    }

    fn check<T>(
        &mut self,
        place: Place,
        ask: impl FnOnce(&mut S) -> Result<T, BackendError>,
    ) -> Result<T, Ending> {
        ask(self.stack).map_err(|error| Ending::Failed(place, error))
    }
}

/// Turns names into the handles that the stack gave out.
struct Handles<'h> {
    sockets: &'h [Option<SocketHandle>],
    windows: &'h [Option<Hwnd>],
    addresses: &'h [Option<SocketAddr>],
    /// The socket that is bound and does not listen.
    refusing: Option<NameId>,
}

/// A name whose call failed, so that there is no handle.
struct Unnamed {
    name: usize,
}

impl Rename<SocketRef, WindowRef, AddressRef, Literal> for Handles<'_> {
    type Socket = SocketHandle;
    type Window = Hwnd;
    type Address = Option<SocketAddr>;
    type Data = Literal;
    type Error = Unnamed;

    #[inline]
    fn socket(&mut self, _: &'static str, socket: &SocketRef) -> Result<SocketHandle, Unnamed> {
        match socket {
            SocketRef::Invalid => Ok(INVALID_SOCKET),
            SocketRef::Named(NameId(name)) => {
                let name = usize::from(*name);
                self.sockets[name].ok_or(Unnamed { name })
            }
        }
    }

    #[inline]
    fn window(&mut self, _: &'static str, window: &WindowRef) -> Result<Hwnd, Unnamed> {
        match window {
            WindowRef::Null => Ok(Hwnd(0)),
            WindowRef::Invalid => Ok(Hwnd(INVALID)),
            WindowRef::Named(NameId(name)) => {
                Ok(self.windows[usize::from(*name)].unwrap_or(Hwnd(INVALID)))
            }
        }
    }

    #[inline]
    fn address(
        &mut self,
        _: &'static str,
        address: &AddressRef,
    ) -> Result<Option<SocketAddr>, Unnamed> {
        let of = |name: NameId| {
            let name = usize::from(name.0);
            self.addresses[name].map(Some).ok_or(Unnamed { name })
        };
        match address {
            AddressRef::Null => Ok(None),
            AddressRef::Any => Ok(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))),
            AddressRef::Unreachable => Ok(Some(UNREACHABLE)),
            AddressRef::Of(name) => of(*name),
            AddressRef::Refusing => of(self.refusing.expect("the checker made it")),
        }
    }

    #[inline]
    fn data(&mut self, _: &'static str, data: &Literal) -> Result<Literal, Unnamed> {
        Ok(*data)
    }
}
