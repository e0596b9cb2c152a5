//! Carries out one scenario of a bundle: names become handles, questions go to an adapter, and what
//! comes back becomes lines of the recording.
//!
//! It does what the engine does with the same script, so that a recording answers the engine's
//! questions in the order in which it asks them: after each call the adapter settles, a call that
//! waits is looked at again, `messages` retrieves everything. It has no expectations.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use asyncselect_abi::bundle::{
    Ending, FRESH_PROCESS, INVALID_HANDLE, INVALID_SOCKET, Line, NULL_HANDLE, NamedAddress,
    NamedCall, Place, Plan, PlannedCall, PlannedStep,
};
use asyncselect_abi::call::{DESTINATION, Rename, Repeat};
use asyncselect_abi::protocol::{RequestBody, ResponseBody, Returned, WireMessage, WireReply};
use asyncselect_abi::{
    BackendError, Call, Data, EventHandle, Family, Hwnd, SocketHandle, ThreadId, WsaError,
};

/// Something that answers like an adapter.
pub(crate) trait Ask {
    /// Asks one thing. After an error other than `Unsupported` it must be started anew.
    fn ask(&mut self, body: RequestBody, deadline_ms: u32) -> Result<ResponseBody, BackendError>;

    /// Starts it anew, in a process in which nothing has happened yet.
    fn restart(&mut self) -> Result<(), BackendError>;

    /// Whether it offers this capability.
    fn offers(&self, capability: &str) -> bool;
}

/// How long a call may take before it counts as waiting, in milliseconds.
const CALL_MS: u32 = 50;

/// How long a call may take that should return: a refused connect takes two seconds on Windows.
const PATIENCE_MS: u32 = 10_000;

/// How long to look at a call that should wait.
const GLANCE_MS: u32 = 100;

/// How long everything else may take.
const ANSWER_MS: u32 = 10_000;

/// The most messages that one look at a queue takes, in case there is always one more.
const MESSAGES_MAX: u32 = 1 << 16;

/// The capability to answer several questions at once.
const REPEAT: &str = "repeat";

/// A handle that no window has.
const NO_WINDOW: Hwnd = Hwnd(0xdead);

/// A handle that no event object has.
const NO_EVENT: EventHandle = EventHandle(0xdead);

/// Carries out a scenario and says how it ended. Every line is given to `write`.
pub(crate) fn play(plan: &Plan, adapter: &mut impl Ask, write: &mut dyn FnMut(Line)) -> Ending {
    let lacks = |need: &&String| *need != FRESH_PROCESS && !adapter.offers(need);
    if let Some(need) = plan.needs.iter().find(lacks) {
        return Ending::NotRunnable { why: format!("it does not offer {need}") };
    }
    let fresh = plan.needs.iter().any(|need| need == FRESH_PROCESS);
    let mut playing = Playing {
        plan,
        adapter,
        lines: Lines { write, last: None },
        at: Place::Setup,
        names: Names { family: plan.family, ..Names::default() },
        early: BTreeMap::new(),
        pumped: false,
    };
    let played = playing.reset(fresh).and_then(|()| playing.all());
    let at = playing.at;
    playing.lines.flush();
    match played {
        Ok(()) => Ending::Completed {},
        Err(Stop::Ended(ending)) => ending,
        Err(Stop::Adapter(BackendError::Unsupported(why))) => Ending::NotRunnable { why },
        Err(Stop::Adapter(error)) => Ending::Failed { at, why: error.to_string() },
    }
}

/// Why a scenario goes no further.
enum Stop {
    Ended(Ending),
    Adapter(BackendError),
}

impl From<BackendError> for Stop {
    fn from(error: BackendError) -> Self {
        Self::Adapter(error)
    }
}

fn nonsense(question: &str, answer: &ResponseBody) -> Stop {
    Stop::Adapter(BackendError::Garbage(format!("{answer:?} to {question}")))
}

struct Playing<'p, A> {
    plan: &'p Plan,
    adapter: &'p mut A,
    lines: Lines<'p>,
    at: Place,
    names: Names<'p>,
    /// What calls returned that began, until their `end`.
    early: BTreeMap<ThreadId, WireReply>,
    /// Whether a `pump` came since the last `messages`.
    pumped: bool,
}

impl<'p, A: Ask> Playing<'p, A> {
    fn reset(&mut self, fresh: bool) -> Result<(), Stop> {
        let family = self.plan.family;
        let reset =
            |fresh| RequestBody::Reset { fresh, hosts: Vec::new(), processes: Vec::new(), family };
        match self.done("reset", reset(fresh)) {
            Ok(()) => return Ok(()),
            // It cannot, or it is gone since the last scenario.
            Err(Stop::Adapter(_)) => self.adapter.restart()?,
            Err(ended) => return Err(ended),
        }
        // A new process has nothing to forget, but knows of IPv4 only.
        match family {
            Family::Ipv4 => Ok(()),
            Family::Ipv6 => self.done("reset", reset(false)),
        }
    }

    fn all(&mut self) -> Result<(), Stop> {
        let plan = self.plan;
        for planned in &plan.setup {
            let name = planned.call.name();
            match self.make(planned, planned.settle, 1, Repeat::ONCE)? {
                Some(WireReply::Error(error)) => {
                    let why = format!("{name} failed with {}", WsaError(error));
                    return Err(Stop::Ended(Ending::NotSetUp { why }));
                }
                Some(reply) => self.names.bind(planned.binds.as_deref(), &reply),
                None => {
                    let why = format!("{name} waits");
                    return Err(Stop::Ended(Ending::NotSetUp { why }));
                }
            }
        }
        self.settle()?;
        for (number, step) in (1..).zip(&plan.steps) {
            self.at = Place::Step(number);
            self.step(step)?;
        }
        self.at = Place::End;
        self.settle()?;
        self.pump_all()
    }

    fn step(&mut self, step: &'p PlannedStep) -> Result<(), Stop> {
        match step {
            PlannedStep::Call(planned) => self.calls(planned),
            PlannedStep::End { thread, binds } => {
                self.settle()?;
                // One that waits is a finding for whoever judges, not the end.
                if let Some(reply) = self.begun(*thread, binds.as_deref(), PATIENCE_MS)? {
                    self.names.bind(binds.as_deref(), &reply);
                }
                Ok(())
            }
            PlannedStep::Blocked { thread } => {
                self.settle()?;
                if let Some(reply) = self.begun(*thread, None, GLANCE_MS)? {
                    self.early.insert(*thread, reply);
                }
                Ok(())
            }
            PlannedStep::Messages {} => {
                if std::mem::take(&mut self.pumped) {
                    return Ok(());
                }
                self.settle()?;
                self.pump_all()
            }
            PlannedStep::Pump { thread, hwnd, min, max, remove, count } => {
                self.pumped = true;
                let hwnd = hwnd.as_deref().map_or(Hwnd(0), |name| self.names.window(name));
                self.pump(*thread, (hwnd, min.0, max.0, *remove), *count)
            }
            PlannedStep::Settle {} => self.settle(),
        }
    }

    fn calls(&mut self, planned: &'p PlannedCall) -> Result<(), Stop> {
        let (times, until) = match planned.repeat {
            Repeat::Times(1) => {
                match self.make(planned, planned.settle, 1, Repeat::ONCE)? {
                    Some(reply) if planned.begins => {
                        self.early.insert(planned.thread, reply);
                    }
                    Some(reply) => self.names.bind(planned.binds.as_deref(), &reply),
                    None if planned.begins => {}
                    None => return Err(Stop::Ended(Ending::Waiting { at: self.at })),
                }
                return Ok(());
            }
            Repeat::Times(times) => (times, None),
            Repeat::Until { error, max } => (max, Some(WireReply::Error(error.0))),
        };
        let waiting = Err(Stop::Ended(Ending::Waiting { at: self.at }));
        let mut last = None;
        if self.adapter.offers(REPEAT) {
            last = self.make(planned, false, times, planned.repeat)?;
            if last.is_none() {
                return waiting;
            }
        } else {
            for left in (1..=times).rev() {
                // One line for all of them.
                let told = if left == times { times } else { 0 };
                last = self.make(planned, false, told, Repeat::ONCE)?;
                if last.is_none() {
                    return waiting;
                }
                if last == until {
                    break;
                }
            }
        }
        // The engine leaves the network alone where the error never comes.
        if until.is_some() && last != until {
            return Ok(());
        }
        if planned.settle { self.settle() } else { Ok(()) }
    }

    /// Makes one call, or several as one question, and gives what the last one returned; `None` if
    /// it waits. `told` is how often the line says that it is made, for 0 there is none.
    fn make(
        &mut self,
        planned: &'p PlannedCall,
        settle: bool,
        told: u32,
        repeat: Repeat,
    ) -> Result<Option<WireReply>, Stop> {
        let thread = planned.thread;
        self.learn_address(thread, &planned.call)?;
        let call = planned.call.try_map(&mut &self.names).map_err(|NeverMade(name)| {
            let why = format!("`{name}` was never made");
            Stop::Ended(Ending::NotSetUp { why })
        })?;
        if told > 0 {
            let at = self.at;
            let call = planned.call.clone();
            self.lines.push(Line::Call { at, thread, call, times: told });
        }
        let body = RequestBody::Call { thread, call, repeat };
        let binds = planned.binds.as_deref();
        // A millisecond for each of several is more than any takes that does not wait.
        let deadline_ms = if repeat.is_once() { CALL_MS } else { CALL_MS + repeat.max() };
        let reply = self.outcome(thread, binds, body, deadline_ms)?;
        let waits = reply.is_none();
        if settle || (waits && !planned.begins) {
            self.settle()?;
        }
        if waits && !planned.begins {
            return self.outcome(thread, binds, RequestBody::Pending { thread }, PATIENCE_MS);
        }
        Ok(reply)
    }

    /// What became of a call that began.
    fn begun(
        &mut self,
        thread: ThreadId,
        binds: Option<&str>,
        patience_ms: u32,
    ) -> Result<Option<WireReply>, Stop> {
        match self.early.remove(&thread) {
            Some(reply) => Ok(Some(reply)),
            None => self.outcome(thread, binds, RequestBody::Pending { thread }, patience_ms),
        }
    }

    fn outcome(
        &mut self,
        thread: ThreadId,
        binds: Option<&str>,
        body: RequestBody,
        deadline_ms: u32,
    ) -> Result<Option<WireReply>, Stop> {
        let at = self.at;
        match self.adapter.ask(body, deadline_ms)? {
            ResponseBody::Return(reply) => {
                let makes = matches!(reply, WireReply::Socket(_) | WireReply::Window(_));
                let binds = binds.filter(|_| makes).map(str::to_owned);
                self.lines.push(Line::Return { at, thread, reply: reply.clone(), binds, times: 1 });
                if let WireReply::Message(message) = &reply {
                    self.took(thread, message);
                }
                Ok(Some(reply))
            }
            ResponseBody::Returns(mut returns) if !returns.is_empty() => {
                let line = |Returned { times, reply }: &Returned| {
                    let (reply, binds) = (reply.clone(), None);
                    Line::Return { at, thread, reply, binds, times: *times }
                };
                returns.iter().map(line).for_each(|line| self.lines.push(line));
                Ok(returns.pop().map(|last| last.reply))
            }
            ResponseBody::Blocked {} => {
                self.lines.push(Line::Waits { at, thread });
                Ok(None)
            }
            other => Err(nonsense("a call", &other)),
        }
    }

    /// An address `of` a socket is where the stack says that it is bound. The question is not part
    /// of the scenario, and leaves no line.
    fn learn_address(&mut self, thread: ThreadId, call: &'p NamedCall) -> Result<(), Stop> {
        let Some(NamedAddress::Of(socket)) = call.address() else { return Ok(()) };
        let Some(&s) = self.names.sockets.get(socket.as_str()) else { return Ok(()) };
        if self.names.addresses.contains_key(socket.as_str()) {
            return Ok(());
        }
        let (call, repeat) = (Call::GetSockName { s }, Repeat::ONCE);
        let body = RequestBody::Call { thread, call, repeat };
        match self.adapter.ask(body, ANSWER_MS)? {
            ResponseBody::Return(WireReply::Address(address)) => {
                self.names.addresses.insert(socket, address);
                Ok(())
            }
            other => {
                let why = format!("getsockname of `{socket}` answered {other:?}");
                Err(Stop::Ended(Ending::NotSetUp { why }))
            }
        }
    }

    fn done(&mut self, question: &str, body: RequestBody) -> Result<(), Stop> {
        match self.adapter.ask(body, ANSWER_MS)? {
            ResponseBody::Done {} => Ok(()),
            other => Err(nonsense(question, &other)),
        }
    }

    fn settle(&mut self) -> Result<(), Stop> {
        self.done("settle", RequestBody::Settle {})?;
        self.lines.push(Line::Settled { at: self.at });
        Ok(())
    }

    fn pump_all(&mut self) -> Result<(), Stop> {
        for thread in (0..self.plan.threads).map(ThreadId) {
            self.pump(thread, (Hwnd(0), 0, 0, true), MESSAGES_MAX)?;
        }
        Ok(())
    }

    fn pump(
        &mut self,
        thread: ThreadId,
        (hwnd, min, max, remove): (Hwnd, u32, u32, bool),
        wanted: u32,
    ) -> Result<(), Stop> {
        // What stays in the queue is looked at one by one, as the script says.
        let count = match wanted.min(MESSAGES_MAX) {
            several if remove && self.adapter.offers(REPEAT) => several,
            _ => 1,
        };
        let body = RequestBody::Pump { thread, hwnd, min, max, remove, count };
        let mut taken = 0;
        while taken < wanted.min(MESSAGES_MAX) {
            let messages = match self.adapter.ask(body.clone(), ANSWER_MS)? {
                ResponseBody::Message(message) if count == 1 => Vec::from_iter(message),
                ResponseBody::Messages(messages) if count > 1 => messages,
                other => return Err(nonsense("pump", &other)),
            };
            let some = u32::try_from(messages.len()).unwrap_or(u32::MAX);
            messages.iter().for_each(|message| self.took(thread, message));
            if some < count {
                self.lines.push(Line::Nothing { at: self.at, thread });
                return Ok(());
            }
            taken = taken.saturating_add(some);
        }
        match wanted {
            MESSAGES_MAX.. => {
                let what = format!("more than {MESSAGES_MAX} messages");
                Err(Stop::Adapter(BackendError::Garbage(what)))
            }
            _ => Ok(()),
        }
    }

    fn took(&mut self, thread: ThreadId, message: &WireMessage) {
        let window = self.names.windows.iter().find(|(_, hwnd)| **hwnd == message.hwnd);
        let mut owners = self.names.owners.iter().rev();
        let socket = owners.find(|(value, _)| value.0 == message.wparam);
        let line = Line::Message {
            at: self.at,
            thread,
            message: *message,
            window: window.map(|(name, _)| (*name).to_owned()),
            socket: socket.map(|(_, name)| (*name).to_owned()),
            times: 1,
        };
        self.lines.push(line);
    }
}

/// What the stack made, by name.
#[derive(Default)]
struct Names<'p> {
    /// Of all addresses.
    family: Family,
    sockets: BTreeMap<&'p str, SocketHandle>,
    /// The same in the order in which the names were given: a value may get several.
    owners: Vec<(SocketHandle, &'p str)>,
    windows: BTreeMap<&'p str, Hwnd>,
    events: BTreeMap<&'p str, EventHandle>,
    /// Where sockets are bound, as far as somebody asked.
    addresses: BTreeMap<&'p str, SocketAddr>,
}

/// A name whose call failed, so that there is no handle.
struct NeverMade(String);

impl<'p> Names<'p> {
    fn bind(&mut self, name: Option<&'p str>, reply: &WireReply) {
        match (name, reply) {
            (Some(name), WireReply::Socket(s)) => {
                self.sockets.insert(name, *s);
                self.owners.push((*s, name));
            }
            (Some(name), WireReply::Window(hwnd)) => {
                self.windows.insert(name, *hwnd);
            }
            (Some(name), WireReply::Event(event)) => {
                self.events.insert(name, *event);
            }
            _ => {}
        }
    }

    fn window(&self, name: &str) -> Hwnd {
        match name {
            NULL_HANDLE => Hwnd(0),
            INVALID_HANDLE => NO_WINDOW,
            name => self.windows.get(name).copied().unwrap_or(NO_WINDOW),
        }
    }
}

impl Rename<String, String, String, NamedAddress, Data> for &Names<'_> {
    type Socket = SocketHandle;
    type Window = Hwnd;
    type Event = EventHandle;
    type Address = Option<SocketAddr>;
    type Data = Data;
    type Error = NeverMade;

    fn socket(&mut self, _: &'static str, name: &String) -> Result<SocketHandle, NeverMade> {
        match name.as_str() {
            INVALID_SOCKET => Ok(SocketHandle(u64::MAX)),
            NULL_HANDLE => Ok(SocketHandle(0)),
            known => self.sockets.get(known).copied().ok_or_else(|| NeverMade(name.clone())),
        }
    }

    fn window(&mut self, _: &'static str, name: &String) -> Result<Hwnd, NeverMade> {
        Ok(Names::window(self, name))
    }

    fn event(&mut self, _: &'static str, name: &String) -> Result<EventHandle, NeverMade> {
        Ok(match name.as_str() {
            NULL_HANDLE => EventHandle(0),
            INVALID_HANDLE => NO_EVENT,
            name => self.events.get(name).copied().unwrap_or(NO_EVENT),
        })
    }

    fn address(
        &mut self,
        field: &'static str,
        address: &NamedAddress,
    ) -> Result<Option<SocketAddr>, NeverMade> {
        match address {
            NamedAddress::Null => Ok(None),
            NamedAddress::Zero => Ok(Some(self.family.zero())),
            NamedAddress::Any if field == DESTINATION => Ok(Some(self.family.zero())),
            NamedAddress::Any => Ok(Some(SocketAddr::new(self.family.loopback(), 0))),
            NamedAddress::Unreachable => Ok(Some(self.family.unreachable())),
            NamedAddress::Of(name) => match self.addresses.get(name.as_str()) {
                Some(address) => Ok(Some(*address)),
                None => Err(NeverMade(name.clone())),
            },
        }
    }

    fn data(&mut self, _: &'static str, data: &Data) -> Result<Data, NeverMade> {
        // Text and fills are as good as hex here; this crate reads them all.
        Ok(data.clone())
    }
}

/// Writes lines, one for several that are alike.
struct Lines<'w> {
    write: &'w mut dyn FnMut(Line),
    last: Option<Line>,
}

impl Lines<'_> {
    fn push(&mut self, line: Line) {
        if let Some(last) = &mut self.last
            && last.absorb(&line)
        {
            return;
        }
        self.flush();
        self.last = Some(line);
    }

    fn flush(&mut self) {
        if let Some(line) = self.last.take() {
            (self.write)(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Answers what it was told to, and remembers what it was asked.
    #[derive(Default)]
    struct Fake {
        answers: VecDeque<Result<ResponseBody, BackendError>>,
        asked: Vec<String>,
        restarts: u32,
        repeats: bool,
        /// What each `reset` said.
        families: Vec<Family>,
    }

    impl Ask for Fake {
        fn ask(&mut self, body: RequestBody, _: u32) -> Result<ResponseBody, BackendError> {
            if let RequestBody::Reset { family, .. } = &body {
                self.families.push(*family);
            }
            match body {
                RequestBody::Reset { fresh: false, .. } | RequestBody::Settle {} => {
                    return Ok(ResponseBody::Done {});
                }
                RequestBody::Reset { fresh: true, .. } => {
                    return Err(BackendError::Unsupported("fresh".to_owned()));
                }
                body => self.asked.push(serde_json::to_string(&body).unwrap()),
            }
            self.answers.pop_front().unwrap_or(Ok(ResponseBody::Message(None)))
        }

        fn restart(&mut self) -> Result<(), BackendError> {
            self.restarts += 1;
            Ok(())
        }

        fn offers(&self, capability: &str) -> bool {
            capability == "threads" || capability == REPEAT && self.repeats
        }
    }

    fn returns(reply: WireReply) -> Result<ResponseBody, BackendError> {
        Ok(ResponseBody::Return(reply))
    }

    fn plan(setup: &str, steps: &str) -> Plan {
        let text = format!(
            r#"{{"id":"a/b","needs":["threads"],"threads":1,"setup":[{setup}],"steps":[{steps}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    const SOCKET: &str = r#"{"call":{"socket":{"type":"SOCK_STREAM"}},"as":"s","settle":false}"#;

    /// The lines without `settled`, and the ending.
    fn played(plan: &Plan, fake: &mut Fake) -> (Vec<String>, Ending) {
        let mut lines = Vec::new();
        let ending = play(plan, fake, &mut |line| {
            if !matches!(line, Line::Settled { .. }) {
                lines.push(serde_json::to_string(&line).unwrap());
            }
        });
        (lines, ending)
    }

    #[test]
    fn names_become_handles_and_come_back() {
        let message = WireMessage { hwnd: Hwnd(7), message: 0x401, wparam: 132, lparam: 1 };
        let mut fake = Fake {
            answers: [
                returns(WireReply::Socket(SocketHandle(132))),
                Ok(ResponseBody::Message(Some(message))),
                Ok(ResponseBody::Message(Some(message))),
            ]
            .into(),
            ..Fake::default()
        };
        let plan = plan(SOCKET, r#"{"messages":{}}"#);
        let (lines, ending) = played(&plan, &mut fake);
        assert_eq!(ending, Ending::Completed {});
        assert_eq!(
            lines,
            [
                r#"{"call":{"at":"setup","thread":0,"call":{"socket":{"type":"SOCK_STREAM"}}}}"#,
                r#"{"return":{"at":"setup","thread":0,"reply":{"socket":132},"as":"s"}}"#,
                concat!(
                    r#"{"message":{"at":"s1","thread":0,"message":{"hWnd":7,"wMsg":1025,"#,
                    r#""wParam":132,"lParam":1},"window":null,"socket":"s","times":2}}"#,
                ),
                r#"{"nothing":{"at":"s1","thread":0}}"#,
                r#"{"nothing":{"at":"end","thread":0}}"#,
            ]
        );
    }

    #[test]
    fn the_family_goes_to_the_adapter_and_to_every_address() {
        let mut fake = Fake {
            answers: [
                returns(WireReply::Socket(SocketHandle(4))),
                returns(WireReply::Value(0)),
                returns(WireReply::Error(10051)),
            ]
            .into(),
            ..Fake::default()
        };
        let mut plan = plan(
            SOCKET,
            concat!(
                r#"{"call":{"call":{"bind":{"s":"s","name":"any"}}}},"#,
                r#"{"call":{"call":{"connect":{"s":"s","name":"unreachable"}}}}"#,
            ),
        );
        plan.family = Family::Ipv6;
        // Also where that takes a new process.
        plan.needs.push(FRESH_PROCESS.to_owned());
        let (_, ending) = played(&plan, &mut fake);
        assert_eq!(ending, Ending::Completed {});
        assert_eq!(fake.families, [Family::Ipv6, Family::Ipv6]);
        assert!(fake.asked[1].contains(r#""name":"[::1]:0""#), "{}", fake.asked[1]);
        assert!(fake.asked[2].contains(r#""name":"[2001:db8:ffff::1]:9""#), "{}", fake.asked[2]);
    }

    #[test]
    fn an_address_is_asked_for_once_and_without_a_line() {
        let address = WireReply::Address("127.0.0.1:4000".parse().unwrap());
        let mut fake = Fake {
            answers: [
                returns(WireReply::Socket(SocketHandle(4))),
                returns(address),
                returns(WireReply::Error(10056)),
                returns(WireReply::Error(10056)),
            ]
            .into(),
            ..Fake::default()
        };
        let connect = r#"{"call":{"call":{"connect":{"s":"s","name":{"of":"s"}}}}}"#;
        let (lines, ending) = played(&plan(SOCKET, &[connect, connect].join(",")), &mut fake);
        assert_eq!(ending, Ending::Completed {});
        assert_eq!(lines.len(), 7, "{lines:#?}");
        let asked: Vec<_> = fake.asked.iter().filter(|body| body.contains("getsockname")).collect();
        assert_eq!(asked.len(), 1);
        assert!(fake.asked[2].contains(r#""name":"127.0.0.1:4000""#), "{}", fake.asked[2]);
    }

    #[test]
    fn whichever_call_names_an_address_it_is_asked_for() {
        for call in [
            r#"{"bind":{"s":"s","name":{"of":"s"}}}"#,
            r#"{"connect":{"s":"s","name":{"of":"s"}}}"#,
            r#"{"sendto":{"s":"s","data":"x","to":{"of":"s"}}}"#,
            r#"{"WSASendTo":{"s":"s","data":"x","to":{"of":"s"}}}"#,
            r#"{"ConnectEx":{"s":"s","name":{"of":"s"},"lpOverlapped":"e"}}"#,
            r#"{"WSAJoinLeaf":{"s":"s","name":{"of":"s"}}}"#,
            concat!(
                r#"{"WSAIoctl":{"s":"s","dwIoControlCode":"SIO_ROUTING_INTERFACE_CHANGE","#,
                r#""destination":{"of":"s"}}}"#,
            ),
        ] {
            let mut fake = Fake {
                answers: [
                    returns(WireReply::Socket(SocketHandle(4))),
                    returns(WireReply::Address("127.0.0.1:4000".parse().unwrap())),
                    returns(WireReply::Error(10056)),
                ]
                .into(),
                ..Fake::default()
            };
            let (_, ending) =
                played(&plan(SOCKET, &format!(r#"{{"call":{{"call":{call}}}}}"#)), &mut fake);
            assert_eq!(ending, Ending::Completed {}, "{call}");
            assert!(fake.asked[2].contains(r#""127.0.0.1:4000""#), "{}", fake.asked[2]);
        }
    }

    #[test]
    fn repeated_calls_are_one_line_and_stop_at_their_error() {
        let mut fake = Fake {
            answers: [
                returns(WireReply::Socket(SocketHandle(4))),
                returns(WireReply::Value(9)),
                returns(WireReply::Value(9)),
                returns(WireReply::Error(10035)),
            ]
            .into(),
            ..Fake::default()
        };
        let send = r#"{"call":{"call":{"send":{"s":"s","data":"x"}},
                       "repeat":{"until":{"error":"WSAEWOULDBLOCK","max":50}}}}"#;
        let (lines, ending) = played(&plan(SOCKET, send), &mut fake);
        assert_eq!(ending, Ending::Completed {});
        let returned: Vec<_> = lines.iter().filter(|line| line.contains("\"s1\"")).collect();
        assert_eq!(
            returned,
            [
                concat!(
                    r#"{"call":{"at":"s1","thread":0,"call":{"send":{"s":"s","data":"x"}},"#,
                    r#""times":50}}"#,
                ),
                r#"{"return":{"at":"s1","thread":0,"reply":{"value":9},"times":2}}"#,
                r#"{"return":{"at":"s1","thread":0,"reply":{"error":10035}}}"#,
            ]
        );
    }

    #[test]
    fn an_adapter_that_can_is_asked_once() {
        let message = WireMessage { hwnd: Hwnd(7), message: 0x401, wparam: 4, lparam: 1 };
        let returned = |times, reply| Returned { times, reply };
        let mut fake = Fake {
            answers: [
                returns(WireReply::Socket(SocketHandle(4))),
                Ok(ResponseBody::Returns(vec![
                    returned(2, WireReply::Value(9)),
                    returned(1, WireReply::Error(10035)),
                ])),
                Ok(ResponseBody::Messages(vec![message; 3])),
                Ok(ResponseBody::Messages(Vec::new())),
            ]
            .into(),
            repeats: true,
            ..Fake::default()
        };
        let steps = r#"{"call":{"call":{"send":{"s":"s","data":"x"}},
                        "repeat":{"until":{"error":"WSAEWOULDBLOCK","max":50}}}},
                       {"messages":{}}"#;
        let (lines, ending) = played(&plan(SOCKET, steps), &mut fake);
        assert_eq!(ending, Ending::Completed {});
        assert_eq!(fake.asked.len(), 4, "{:#?}", fake.asked);
        let message = lines.iter().find(|line| line.contains("message")).unwrap();
        assert!(message.ends_with(r#""window":null,"socket":"s","times":3}}"#), "{message}");
        let returned = lines.iter().filter(|line| line.contains(r#"{"return":{"at":"s1""#)).count();
        assert_eq!(returned, 2);
    }

    #[test]
    fn a_call_that_waits_is_asked_about_again_and_then_ends_the_scenario() {
        let mut fake = Fake {
            answers: [
                returns(WireReply::Socket(SocketHandle(4))),
                Ok(ResponseBody::Blocked {}),
                Ok(ResponseBody::Blocked {}),
            ]
            .into(),
            ..Fake::default()
        };
        let steps = r#"{"call":{"call":{"accept":{"s":"s"}}}},{"messages":{}}"#;
        let (lines, ending) = played(&plan(SOCKET, steps), &mut fake);
        assert_eq!(ending, Ending::Waiting { at: Place::Step(1) });
        assert_eq!(lines.last().unwrap(), r#"{"waits":{"at":"s1","thread":0}}"#);
        assert!(fake.asked.last().unwrap().contains("pending"));
    }

    #[test]
    fn what_began_is_named_at_its_end() {
        let mut fake = Fake {
            answers: [
                returns(WireReply::Socket(SocketHandle(4))),
                Ok(ResponseBody::Blocked {}),
                Ok(ResponseBody::Blocked {}),
                returns(WireReply::Socket(SocketHandle(8))),
                returns(WireReply::Value(0)),
            ]
            .into(),
            ..Fake::default()
        };
        let steps = r#"{"call":{"call":{"accept":{"s":"s"}},"as":"t","begins":true}},
                       {"blocked":{"thread":0}},{"end":{"thread":0,"as":"t"}},
                       {"call":{"call":{"closesocket":{"s":"t"}}}}"#;
        let (_, ending) = played(&plan(SOCKET, steps), &mut fake);
        assert_eq!(ending, Ending::Completed {});
        assert!(fake.asked.iter().any(|body| body.contains(r#"{"closesocket":{"s":8}}"#)));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let refuses =
            || Fake { answers: [returns(WireReply::Error(10093))].into(), ..Fake::default() };
        let (_, ending) = played(&plan(SOCKET, ""), &mut refuses());
        let why = "socket failed with WSANOTINITIALISED".to_owned();
        assert_eq!(ending, Ending::NotSetUp { why });

        let step = format!(r#"{{"call":{SOCKET}}},{{"call":{{"call":{{"accept":{{"s":"s"}}}}}}}}"#);
        let (_, ending) = played(&plan("", &step), &mut refuses());
        assert_eq!(ending, Ending::NotSetUp { why: "`s` was never made".to_owned() });

        let mut needs = plan("", "");
        needs.needs = vec!["spi".to_owned()];
        let (lines, ending) = played(&needs, &mut refuses());
        assert_eq!(ending, Ending::NotRunnable { why: "it does not offer spi".to_owned() });
        assert_eq!(lines, [""; 0]);

        needs.needs = vec![FRESH_PROCESS.to_owned()];
        let mut fake = Fake::default();
        played(&needs, &mut fake);
        assert_eq!(fake.restarts, 1);
    }

    #[test]
    fn an_adapter_that_fails_ends_the_scenario_and_no_more() {
        for (error, ending) in [
            (
                BackendError::Hung("no answer in 12 s".to_owned()),
                Ending::Failed {
                    at: Place::Step(1),
                    why: "adapter hung: no answer in 12 s".to_owned(),
                },
            ),
            (
                BackendError::Unsupported("select".to_owned()),
                Ending::NotRunnable { why: "select".to_owned() },
            ),
        ] {
            let mut fake = Fake {
                answers: [returns(WireReply::Socket(SocketHandle(4))), Err(error)].into(),
                ..Fake::default()
            };
            let steps = r#"{"call":{"call":{"accept":{"s":"s"}}}}"#;
            assert_eq!(played(&plan(SOCKET, steps), &mut fake).1, ending);
        }
    }
}
