//! The program that a script describes: where it is, and what it remembers.
//!
//! It runs from pause to pause, so that whoever drives it decides what the network does in between:
//! a run lets the stack come to rest, an explorer goes every way.

use std::hash::{Hash, Hasher};
use std::net::SocketAddr;

use asyncselect_abi::call::{DESTINATION, Rename, Repeat};
use asyncselect_abi::{
    Backend, BackendError, Call, Data, EventHandle, Family, HostId, Hwnd, Literal, Outcome,
    PostedMessage, PumpFilter, Reply, SocketHandle, Start, ThreadId, Value,
};
use asyncselect_model::world::THREADS_MAX;

use crate::runner::{Ending, Handle, Observation, Observer, Place, Retrieved};
use crate::script::{
    AddressRef, CallOp, EventRef, NameId, Op, PumpOp, Script, SocketRef, WindowRef,
};
use crate::script_file::Need;
use crate::stack::{Announcement, Stack};

mod event_mode;

/// How long a live stack may take over a call that should return: a refused connect takes over
/// two seconds on Windows (W-036).
const PATIENCE_MS: u32 = 10_000;

/// How long to look at a call that should wait. Settling came before, and has given calls that
/// return the time to do so.
const GLANCE_MS: u32 = 10;

/// A handle that nothing has.
const INVALID: u64 = 0xdead;

/// The value of `INVALID_SOCKET`.
const INVALID_SOCKET: SocketHandle = SocketHandle(u64::MAX);

/// What may happen before a program goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pause {
    /// Whatever happens by itself, or nothing: the script leaves the race open.
    Open,
    /// Everything that happens by itself.
    Rest,
    /// It does not go on: the script is over.
    Over,
}

/// What a call returned, with the bytes if it is a receive call that succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Heard {
    reply: Reply,
    data: Option<Data>,
}

/// What the program does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Takes up the next call of `setup`, the next step, or the end.
    Next,
    /// Makes its call once more.
    Call { made: u32 },
    /// Looks at the call that had to wait.
    Returned { made: u32 },
    /// Looks at what a step is about, now that everything is there.
    Look,
    /// Lets so many more milliseconds pass.
    Pass { left_ms: u32 },
    /// Nothing.
    Over,
}

/// A script that is being carried out.
#[derive(Clone, Debug)]
pub struct Program<'s> {
    script: &'s Script,
    /// The calls of `setup` and the steps that were taken up.
    taken: usize,
    place: Place,
    phase: Phase,
    sockets: Vec<Option<SocketHandle>>,
    /// The same in the order in which the names were given: a value may get several.
    owners: Vec<(SocketHandle, NameId)>,
    windows: Vec<Option<Hwnd>>,
    events: Vec<Option<EventHandle>>,
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
    /// Whether no call waits for the network to come to rest, whatever its step says.
    all_open: bool,
    /// In event mode, what each socket was registered with last.
    followed: Vec<Option<Followed>>,
}

/// A registration with an event object, now or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Followed {
    /// The event object.
    event: NameId,
    /// Whether it still stands.
    stands: bool,
}

impl<'s> Program<'s> {
    /// A program on a stack that forgets everything else.
    ///
    /// # Errors
    ///
    /// If the stack lacks something that the script needs, or cannot forget.
    pub fn begin<S: Stack>(script: &'s Script, stack: &mut S) -> Result<Self, Ending> {
        if let Some(need) = script.needs.iter().find(|need| stack.lacks(**need)) {
            return Err(Ending::NotRunnable(*need));
        }
        let fresh = script.needs.contains(&Need::FreshProcess);
        let Script { literals, hosts, processes, family, .. } = script;
        stack
            .reset(&Start { literals, fresh, hosts, processes, family: *family })
            .map_err(|error| Ending::Failed(Place::Setup, error))?;
        Ok(Self {
            script,
            taken: 0,
            place: Place::Setup,
            phase: Phase::Next,
            sockets: vec![None; script.sockets.len()],
            owners: Vec::new(),
            windows: vec![None; script.windows.len()],
            events: vec![None; script.events.len()],
            addresses: vec![None; script.sockets.len()],
            calls: Default::default(),
            waiting: Default::default(),
            early: Default::default(),
            unclaimed: Vec::new(),
            pumped: false,
            all_open: false,
            followed: match script.event_mode {
                Some(_) => vec![None; script.sockets.len()],
                None => Vec::new(),
            },
        })
    }

    /// From here on no call lets the network come to rest, whatever its step says.
    pub fn leave_all_open(&mut self) {
        self.all_open = true;
    }

    /// Carries `setup` out.
    ///
    /// # Errors
    ///
    /// If it fails.
    pub fn set_up<S: Stack, O: Observer>(
        &mut self,
        stack: &mut S,
        observer: &mut O,
    ) -> Result<(), Ending> {
        while self.taken <= self.script.setup.len() {
            match self.proceed(stack, observer)? {
                Pause::Open | Pause::Over => {}
                Pause::Rest => self.rest(stack, observer)?,
            }
        }
        Ok(())
    }

    /// Whether nothing comes before the next step: where a script leaves races open and then says
    /// what happens, or disturbs the network, it means the races as they stand.
    #[must_use]
    pub fn insists(&self) -> bool {
        let (Phase::Next, Place::Step(last)) = (self.phase, self.place) else { return false };
        let leaves_open = |op: &Op| matches!(op, Op::Call(op) if !op.settle);
        let mut next = self.script.steps[last + 1..].iter();
        match &self.script.steps[last] {
            op if leaves_open(op) || matches!(op, Op::Happen(_)) => {
                matches!(next.find(|op| !leaves_open(op)), Some(Op::Happen(_) | Op::Fault(_)))
            }
            Op::Fault(_) | Op::Advance(_) => matches!(next.next(), Some(Op::Happen(_))),
            Op::Call(_)
            | Op::End { .. }
            | Op::Blocked { .. }
            | Op::Claim(_)
            | Op::Pump { .. }
            | Op::Settle
            | Op::Happen(_)
            | Op::NotModelled(_) => false,
        }
    }

    /// Goes to the end instead of on: what is left there can be seen.
    pub fn abandon(&mut self) {
        self.place = Place::End;
        self.phase = Phase::Look;
    }

    /// What it carries out.
    #[must_use]
    pub fn script(&self) -> &'s Script {
        self.script
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whether a call on the socket may come before the network comes to rest the next time.
    #[must_use]
    pub fn may_use_before_rest(&self, socket: SocketHandle) -> bool {
        let is_it = |of: &SocketRef| match of {
            SocketRef::Named(NameId(name)) => self.sockets[usize::from(*name)] == Some(socket),
            SocketRef::Invalid | SocketRef::Null => false,
        };
        let under_way = match self.phase {
            Phase::Call { .. } | Phase::Returned { .. } => 1,
            Phase::Next | Phase::Look | Phase::Pass { .. } | Phase::Over => 0,
        };
        let next = self.taken.saturating_sub(self.script.setup.len() + 1 + under_way);
        let mut pumped = self.pumped;
        for op in self.script.steps.iter().skip(next) {
            match op {
                Op::Call(op) => {
                    let uses = match &op.call {
                        Call::Socket { .. }
                        | Call::CreateWindow {}
                        | Call::DestroyWindow { .. }
                        | Call::GetMessage { .. }
                        | Call::PostMessage { .. }
                        | Call::WsaCreateEvent {} => false,
                        // Those without a socket may be about all of them.
                        call => call.socket().is_none_or(is_it),
                    };
                    if uses || op.settle && !self.all_open {
                        return uses;
                    }
                }
                Op::Pump { .. } => pumped = true,
                Op::Claim(_) if pumped => pumped = false,
                Op::Claim(_) | Op::End { .. } | Op::Blocked { .. } | Op::Settle => return false,
                Op::Fault(_) | Op::Advance(_) | Op::Happen(_) | Op::NotModelled(_) => return true,
            }
        }
        false
    }

    /// Goes on to the next pause.
    ///
    /// # Errors
    ///
    /// If the run ends before the script does.
    pub fn proceed<S: Stack, O: Observer>(
        &mut self,
        stack: &mut S,
        observer: &mut O,
    ) -> Result<Pause, Ending> {
        Acting { program: self, stack, observer }.proceed()
    }

    /// Lets everything happen that happens by itself, as the stack does it.
    ///
    /// # Errors
    ///
    /// If the stack cannot.
    pub fn rest<S: Stack, O: Observer>(
        &mut self,
        stack: &mut S,
        observer: &mut O,
    ) -> Result<(), Ending> {
        let mut acting = Acting { program: self, stack, observer };
        acting.check(Backend::settle)?;
        acting.tell();
        Ok(())
    }

    /// Tells the observer what has happened inside the stack since it was told last.
    pub fn tell<S: Stack, O: Observer>(&mut self, stack: &mut S, observer: &mut O) {
        Acting { program: self, stack, observer }.tell();
    }
}

impl Hash for Program<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Addresses are what getsockname would answer, whenever it is asked.
        let Self { script: _, addresses: _, .. } = self;
        let Self { taken, place, phase, sockets, owners, windows, events, .. } = self;
        let Self { calls, waiting, early, unclaimed, pumped, all_open, followed, .. } = self;
        (taken, place, phase, sockets, owners, windows, events).hash(state);
        (calls, waiting, early, unclaimed, pumped, all_open, followed).hash(state);
    }
}

/// A program with its stack and its observer, while it goes on.
struct Acting<'a, 's, S, O> {
    program: &'a mut Program<'s>,
    stack: &'a mut S,
    observer: &'a mut O,
}

impl<'s, S: Stack, O: Observer> Acting<'_, 's, S, O> {
    fn proceed(&mut self) -> Result<Pause, Ending> {
        match self.program.phase {
            Phase::Next => self.take_up(),
            Phase::Call { made } => self.call_again(self.call_op(), made),
            Phase::Returned { made } => {
                let op = self.call_op();
                let thread = op.thread;
                let outcome = self.check(|stack| stack.pending(thread, PATIENCE_MS))?;
                match self.hear(thread, outcome) {
                    Some(mut heard) => self.made(op, &mut heard, made),
                    None if self.program.place == Place::Setup => {
                        Err(Ending::NotSetUp(format!("{} waits", op.call.name())))
                    }
                    None => Err(Ending::Blocked(self.program.place)),
                }
            }
            Phase::Look => self.look(),
            Phase::Pass { left_ms } => self.pass(left_ms),
            Phase::Over => Ok(Pause::Over),
        }
    }

    /// What was taken up last; `None` past the end.
    fn op(&self) -> Option<&'s Op> {
        match self.program.place {
            Place::Step(index) => self.program.script.steps.get(index),
            Place::Setup | Place::End => None,
        }
    }

    fn call_op(&self) -> &'s CallOp {
        let script = self.program.script;
        match (self.program.place, self.op()) {
            (Place::Setup, _) => &script.setup[self.program.taken - 1],
            (_, Some(Op::Call(op))) => op,
            (place, _) => unreachable!("there is a call in {place}"),
        }
    }

    fn take_up(&mut self) -> Result<Pause, Ending> {
        let script = self.program.script;
        let taken = self.program.taken;
        self.program.taken += 1;
        if let Some(op) = script.setup.get(taken) {
            return self.call_again(op, 0);
        }
        if taken == script.setup.len() {
            // Everything that setting up sets in motion.
            return self.goes_on(Pause::Rest);
        }
        let index = taken - script.setup.len() - 1;
        let Some(op) = script.steps.get(index) else {
            self.program.place = Place::End;
            return self.then(Phase::Look, Pause::Rest);
        };
        self.program.place = Place::Step(index);
        match op {
            Op::Call(op) => {
                if op.repeat != Repeat::Times(1) {
                    self.stack.announce(Announcement::Calls(op.repeat));
                }
                self.call_again(op, 0)
            }
            Op::End { .. } | Op::Blocked { .. } => self.then(Phase::Look, Pause::Rest),
            Op::Claim(_) if std::mem::take(&mut self.program.pumped) => {
                self.claim();
                self.goes_on(Pause::Open)
            }
            Op::Claim(_) => self.then(Phase::Look, Pause::Rest),
            Op::Pump { thread, pump } => {
                self.program.pumped = true;
                self.pump(*thread, pump)?;
                self.goes_on(Pause::Open)
            }
            Op::Settle => self.goes_on(Pause::Rest),
            Op::Fault(fault) => {
                let socket = |_: &'static str, socket: &SocketRef| match socket {
                    SocketRef::Invalid => Ok(INVALID_SOCKET),
                    SocketRef::Null => Ok(SocketHandle(0)),
                    SocketRef::Named(NameId(name)) => {
                        let name = usize::from(*name);
                        self.program.sockets[name].ok_or_else(|| self.never_made(&Unnamed { name }))
                    }
                };
                let there = fault.try_map(socket, |_, host| Ok(*host))?;
                self.observer.disturbed(self.program.place, fault);
                self.check(|stack| stack.fault(&there))?;
                self.disturbed()
            }
            Op::Advance(ms) => {
                self.observer.waited(self.program.place, *ms);
                self.pass(*ms)
            }
            Op::Happen(happening) => {
                self.check(|stack| stack.happen(*happening))?;
                self.tell();
                self.goes_on(Pause::Open)
            }
            Op::NotModelled(what) => {
                let error = BackendError::NotModelled((*what).to_owned());
                Err(Ending::Failed(self.program.place, error))
            }
        }
    }

    fn then(&mut self, phase: Phase, pause: Pause) -> Result<Pause, Ending> {
        self.program.phase = phase;
        Ok(pause)
    }

    fn goes_on(&mut self, pause: Pause) -> Result<Pause, Ending> {
        self.then(Phase::Next, pause)
    }

    /// Time passes, from timer to timer, so that what ends later also happens later.
    fn pass(&mut self, left_ms: u32) -> Result<Pause, Ending> {
        let ms = self.stack.next_timer_ms().map_or(left_ms, |next| next.min(left_ms));
        self.check(|stack| stack.advance(ms))?;
        self.observer.passed(ms);
        match left_ms - ms {
            0 => self.disturbed(),
            left_ms => self.then(Phase::Pass { left_ms }, Pause::Rest),
        }
    }

    /// Everything comes to rest, unless the script says what comes first.
    fn disturbed(&mut self) -> Result<Pause, Ending> {
        self.program.phase = Phase::Next;
        Ok(if self.program.insists() { Pause::Open } else { Pause::Rest })
    }

    /// Everything that the step waited for is there.
    fn look(&mut self) -> Result<Pause, Ending> {
        match self.op() {
            Some(Op::End { thread, binds, .. }) => match self.begun(*thread, PATIENCE_MS)? {
                Some(mut heard) => self.returned(*thread, &mut heard, *binds),
                None => self.waiting(true),
            },
            Some(Op::Blocked { thread }) => {
                let heard = self.begun(*thread, GLANCE_MS)?;
                let waits = heard.is_none();
                self.program.early[usize::from(thread.0)] = heard;
                self.waiting(waits);
            }
            Some(Op::Claim(_)) => {
                self.pump_all()?;
                self.claim();
            }
            Some(
                Op::Call(_)
                | Op::Pump { .. }
                | Op::Settle
                | Op::Fault(_)
                | Op::Advance(_)
                | Op::Happen(_)
                | Op::NotModelled(_),
            ) => unreachable!("these do not look"),
            None => {
                self.pump_all()?;
                self.claim();
                return self.then(Phase::Over, Pause::Over);
            }
        }
        self.goes_on(Pause::Open)
    }

    fn waiting(&mut self, waits: bool) {
        self.observer.observed(Observation::Waiting { place: self.program.place, waits });
    }

    /// What became of a call that began; `None` if it waits.
    fn begun(&mut self, thread: ThreadId, patience_ms: u32) -> Result<Option<Heard>, Ending> {
        match self.program.early[usize::from(thread.0)].take() {
            Some(heard) => Ok(Some(heard)),
            None => {
                let outcome = self.check(|stack| stack.pending(thread, patience_ms))?;
                self.program.waiting[usize::from(thread.0)] = outcome == Outcome::Pending;
                Ok(self.hear(thread, outcome))
            }
        }
    }

    fn claim(&mut self) {
        if O::LISTENS {
            let messages = std::mem::take(&mut self.program.unclaimed);
            let place = self.program.place;
            self.observer.observed(Observation::Messages { place, messages });
        }
    }

    /// Makes the call, which was made so often.
    fn call_again(&mut self, op: &CallOp, made: u32) -> Result<Pause, Ending> {
        match self.call(op)? {
            None if op.begins => self.goes_on(self.pause_after(op)),
            // A call that has to wait lets the network go on, even in a step that leaves a race
            // open.
            None => self.then(Phase::Returned { made }, Pause::Rest),
            Some(mut heard) => self.made(op, &mut heard, made),
        }
    }

    /// The call has returned, as it did so often before.
    fn made(&mut self, op: &CallOp, heard: &mut Heard, made: u32) -> Result<Pause, Ending> {
        let result = &heard.reply.result;
        if result.is_ok() && self.program.script.is_apart() {
            self.tell_address(op)?;
        }
        if result.is_ok() && self.program.script.event_mode.is_some() {
            self.program.follow(op);
        }
        if self.program.place == Place::Setup {
            match result {
                Ok(value) => {
                    if let Some(name) = op.binds {
                        self.bind(name, value);
                    }
                }
                Err(error) => {
                    let what = format!("{} failed with {error}", op.call.name());
                    return Err(Ending::NotSetUp(what));
                }
            }
        } else if op.begins {
            self.program.early[usize::from(op.thread.0)] = Some(heard.clone());
        } else {
            let is_told = match op.repeat {
                Repeat::Times(_) => true,
                // Told of as a whole.
                Repeat::Until { .. } => false,
            };
            if is_told {
                self.returned(op.thread, heard, op.binds);
            }
        }
        let made = made + 1;
        let again = match op.repeat {
            Repeat::Times(times) => made < times,
            Repeat::Until { error, max } => {
                let result = heard.reply.result;
                let again = result != Err(error) && made < max;
                if !again && result != Err(error) {
                    let place = self.program.place;
                    self.observer.observed(Observation::NeverFailed { place, last: result });
                }
                again
            }
        };
        if again {
            return self.then(Phase::Call { made }, Pause::Open);
        }
        self.goes_on(self.pause_after(op))
    }

    fn pause_after(&self, op: &CallOp) -> Pause {
        if op.settle && !self.program.all_open { Pause::Rest } else { Pause::Open }
    }

    /// Makes one call; `None` if it waits.
    #[inline(always)]
    fn call(&mut self, op: &CallOp) -> Result<Option<Heard>, Ending> {
        self.learn_address(op)?;
        self.make_event(op)?;
        let Program { script, sockets, windows, events, addresses, place, .. } = &*self.program;
        let place = *place;
        let (refusing, host) = (script.refusing, script.host_of(op.thread));
        let family = script.family;
        let mut handles = Handles { sockets, windows, events, addresses, refusing, host, family };
        // Borrowed, for a call is large, and to move what was just written takes long.
        let call = op.call.try_map(&mut handles);
        let call = match &call {
            Ok(call) => call,
            Err(unnamed) => return Err(self.never_made(unnamed)),
        };
        self.observer.called(place, op.thread, op);
        let slot = usize::from(op.thread.0);
        let before = std::mem::replace(&mut self.program.calls[slot], op.call.name());
        let outcome = self.check(|stack| stack.call(op.thread, call))?;
        self.tell();
        let heard = self.hear(op.thread, outcome);
        // A call from the blocking hook of another (AS-HK-01): that one goes on waiting.
        let nested = self.program.waiting[slot];
        if nested {
            self.program.calls[slot] = before;
        }
        self.program.waiting[slot] = nested || op.begins && heard.is_none();
        Ok(heard)
    }

    fn never_made(&self, Unnamed { name }: &Unnamed) -> Ending {
        Ending::NotSetUp(format!("`{}` was never made", self.program.script.sockets[*name]))
    }

    /// An address `of` a socket is where the stack says that it is bound.
    fn learn_address(&mut self, op: &CallOp) -> Result<(), Ending> {
        let of = match op.call.address() {
            Some(AddressRef::Of(socket)) => Some(*socket),
            Some(AddressRef::Refusing) => self.program.script.refusing,
            Some(
                AddressRef::Any | AddressRef::Unreachable | AddressRef::Zero | AddressRef::Null,
            )
            | None => None,
        };
        match of {
            Some(name) if self.program.addresses[usize::from(name.0)].is_none() => {
                self.ask_address(op.thread, name)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A thread of another machine could not ask where a socket is bound, so its own does, as soon
    /// as it is.
    #[cold]
    fn tell_address(&mut self, op: &CallOp) -> Result<(), Ending> {
        match op.call {
            Call::Bind { s: SocketRef::Named(name), .. } => self.ask_address(op.thread, name),
            _ => Ok(()),
        }
    }

    fn ask_address(&mut self, thread: ThreadId, NameId(name): NameId) -> Result<(), Ending> {
        let name = usize::from(name);
        let Some(s) = self.program.sockets[name] else { return Ok(()) };
        let call = Call::GetSockName { s };
        let outcome = self.check(|stack| stack.call(thread, &call))?;
        // The runner's own question is not part of the trace.
        drop(self.stack.take_effects());
        match outcome {
            Outcome::Returned(Reply { result: Ok(Value::Address(address)), .. }) => {
                self.program.addresses[name] = Some(address);
                Ok(())
            }
            other => Err(Ending::NotSetUp(format!("getsockname answered {other:?}"))),
        }
    }

    /// Takes a return in, once: the observer is told of it, and the bytes are fetched.
    fn hear(&mut self, thread: ThreadId, outcome: Outcome) -> Option<Heard> {
        let Outcome::Returned(reply) = &outcome else { return None };
        let call = self.program.calls[usize::from(thread.0)];
        let receives = matches!(
            call,
            "recv" | "recvfrom" | "ReadFile" | "WSARecv" | "WSARecvFrom" | "WSAGetOverlappedResult"
        );
        let data =
            (O::LISTENS && receives && reply.result.is_ok()).then(|| self.stack.received(thread));
        // It also tells of operations that receive nothing.
        let data = data.filter(|data| call != "WSAGetOverlappedResult" || !data.is_empty());
        self.observer.returned(self.program.place, thread, reply, data.as_ref());
        if let Ok(Value::Message(message)) = reply.result {
            // GetMessage retrieves as a pump does.
            self.took(thread, &message);
        }
        Some(Heard { reply: reply.copied(), data })
    }

    /// What the thread's last call returned is the outcome of a step.
    fn returned(&mut self, thread: ThreadId, heard: &mut Heard, binds: Option<NameId>) {
        let Heard { reply: Reply { result, lp_errno }, data } = heard;
        if let (Some(name), Ok(value)) = (binds, &*result) {
            self.bind(name, value);
        }
        if O::LISTENS {
            let call = self.program.calls[usize::from(thread.0)];
            let place = self.program.place;
            let (result, lp_errno, data) = (*result, *lp_errno, data.take());
            self.observer.observed(Observation::Return { place, call, result, lp_errno, data });
        }
    }

    fn bind(&mut self, name: NameId, value: &Value) {
        match *value {
            Value::Socket(socket) => {
                self.program.sockets[usize::from(name.0)] = Some(socket);
                self.program.inherit(name);
                self.program.owners.push((socket, name));
                self.observer.named(socket, name);
            }
            Value::Window(window) => {
                self.program.windows[usize::from(name.0)] = Some(window);
                self.observer.named_window(window, name);
            }
            Value::Event(event) => {
                self.program.events[usize::from(name.0)] = Some(event);
                self.observer.named_event(event, name);
            }
            Value::Int(_) | Value::Address(_) | Value::Message(_) | Value::NetworkEvents(_) => {}
        }
    }

    fn pump_all(&mut self) -> Result<(), Ending> {
        if let Some(mode) = &self.program.script.event_mode {
            return self.enumerate(mode);
        }
        for thread in 0..self.program.script.threads.len() {
            let thread = ThreadId(u8::try_from(thread).expect("threads are few"));
            let all = PumpOp { hwnd: None, range: None, remove: true, count: u32::MAX };
            self.pump(thread, &all)?;
        }
        Ok(())
    }

    fn pump(&mut self, thread: ThreadId, pump: &PumpOp) -> Result<(), Ending> {
        if let Some(mode) = &self.program.script.event_mode {
            return self.enumerate(mode);
        }
        let hwnd = pump.hwnd.and_then(|name| self.program.windows[usize::from(name.0)]);
        let filter = PumpFilter { thread, hwnd, range: pump.range, remove: pump.remove };
        if filter.remove {
            self.stack.announce(Announcement::Messages(pump.count));
        }
        for _ in 0..pump.count {
            let Some(message) = self.check(|stack| stack.pump(&filter))? else { break };
            self.tell();
            self.took(thread, &message);
        }
        Ok(())
    }

    fn took(&mut self, thread: ThreadId, message: &PostedMessage) {
        // Only claims look at it again, and nobody hears those.
        if !O::LISTENS {
            return;
        }
        let retrieved = self.retrieved(thread, message);
        self.observer.retrieved(self.program.place, &retrieved);
        self.program.unclaimed.push(retrieved);
    }

    fn retrieved(&self, thread: ThreadId, message: &PostedMessage) -> Retrieved {
        let name = |index: usize| NameId(u8::try_from(index).expect("names are bytes"));
        let window = self.program.windows.iter().rposition(|hwnd| *hwnd == Some(message.hwnd));
        let mut owners =
            self.program.owners.iter().rev().filter(|(value, _)| *value == message.socket);
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

    fn tell(&mut self) {
        if O::LISTENS {
            let effects = self.stack.take_effects();
            self.observer.happened(self.program.place, effects);
        }
    }

    fn check<T>(
        &mut self,
        ask: impl FnOnce(&mut S) -> Result<T, BackendError>,
    ) -> Result<T, Ending> {
        ask(self.stack).map_err(|error| Ending::Failed(self.program.place, error))
    }
}

/// Turns names into the handles that the stack gave out.
pub(crate) struct Handles<'h> {
    pub(crate) sockets: &'h [Option<SocketHandle>],
    pub(crate) windows: &'h [Option<Hwnd>],
    pub(crate) events: &'h [Option<EventHandle>],
    pub(crate) addresses: &'h [Option<SocketAddr>],
    /// The socket that is bound and does not listen.
    pub(crate) refusing: Option<NameId>,
    /// The machine of the caller.
    pub(crate) host: HostId,
    pub(crate) family: Family,
}

/// A name whose call failed, so that there is no handle.
pub(crate) struct Unnamed {
    name: usize,
}

impl Rename<SocketRef, WindowRef, EventRef, AddressRef, Literal> for Handles<'_> {
    type Socket = SocketHandle;
    type Window = Hwnd;
    type Event = EventHandle;
    type Address = Option<SocketAddr>;
    type Data = Literal;
    type Error = Unnamed;

    #[inline]
    fn socket(&mut self, _: &'static str, socket: &SocketRef) -> Result<SocketHandle, Unnamed> {
        match socket {
            SocketRef::Invalid => Ok(INVALID_SOCKET),
            SocketRef::Null => Ok(SocketHandle(0)),
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
    fn event(&mut self, _: &'static str, event: &EventRef) -> Result<EventHandle, Unnamed> {
        match event {
            EventRef::Null => Ok(EventHandle(0)),
            EventRef::Invalid => Ok(EventHandle(INVALID)),
            EventRef::Named(NameId(name)) => {
                Ok(self.events[usize::from(*name)].unwrap_or(EventHandle(INVALID)))
            }
        }
    }

    #[inline]
    fn address(
        &mut self,
        field: &'static str,
        address: &AddressRef,
    ) -> Result<Option<SocketAddr>, Unnamed> {
        let of = |name: NameId| {
            let name = usize::from(name.0);
            self.addresses[name].map(Some).ok_or(Unnamed { name })
        };
        match address {
            AddressRef::Null => Ok(None),
            AddressRef::Zero => Ok(Some(self.family.zero())),
            AddressRef::Any if field == DESTINATION => Ok(Some(self.family.zero())),
            AddressRef::Any => Ok(Some(SocketAddr::new(self.family.of_host(self.host), 0))),
            AddressRef::Unreachable => Ok(Some(self.family.unreachable())),
            AddressRef::Of(name) => of(*name),
            AddressRef::Refusing => of(self.refusing.expect("the checker made it")),
        }
    }

    #[inline]
    fn data(&mut self, _: &'static str, data: &Literal) -> Result<Literal, Unnamed> {
        Ok(*data)
    }
}
