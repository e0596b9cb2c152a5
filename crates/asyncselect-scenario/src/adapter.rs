//! An adapter's process as a backend: JSON lines on its standard input and output.
//!
//! Adapters are not trusted. One that dies, hangs, talks without being asked or answers nonsense is
//! stopped, said so, and started anew for the next scenario; nothing here waits without a limit.

use std::collections::VecDeque;
use std::time::Duration;

use asyncselect_abi::call::{BackendCall, Rename, Repeat};
use asyncselect_abi::protocol::{
    Request, RequestBody, Response, ResponseBody, Returned, VERSION, WireMessage, WireReply,
};
use asyncselect_abi::{
    Backend, BackendError, Data, EventHandle, Family, Fault, Hwnd, Literal, MessageId, Outcome,
    PostedMessage, PumpFilter, SocketHandle, Start, ThreadId, WsaError,
};
use asyncselect_model::world::THREADS_MAX;
use asyncselect_model::{Effect, KnobId};

use crate::printable::printable;
use crate::script_file::Need;
use crate::stack::{Announcement, Stack};

mod process;

pub use process::{Processes, read_line};

/// How long the adapter may think about a call before it says that the call waits. One that only
/// takes its time is waited for afterwards.
const CALL_MS: u32 = 10;

/// How long it may take over everything else.
const ANSWER_MS: u32 = 10_000;

/// How much longer than it was given an adapter may take before it counts as hung.
const SLACK: Duration = Duration::from_secs(2);

/// How many messages may come without a call in between; Windows' own queues hold 10,000
/// each. An adapter that always has one more would keep us for ever.
const MESSAGES_MAX: u32 = 1 << 15;

/// The far end of the protocol: it takes a line and gives a line.
pub trait Peer {
    /// Starts it; anew if it runs.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    fn start(&mut self) -> Result<(), BackendError>;

    /// Whether it was started, and not stopped since.
    fn is_running(&self) -> bool;

    /// Sends it a line and waits for one, with what reports call the question.
    ///
    /// # Errors
    ///
    /// If none comes in this time, or none that is a line of text.
    fn ask(
        &mut self,
        line: String,
        question: &str,
        limit: Duration,
    ) -> Result<String, BackendError>;

    /// Ends it, if it runs.
    fn stop(&mut self);
}

/// A stack behind an adapter.
#[derive(Debug)]
pub struct Adapter<P: Peer = Processes> {
    peer: P,
    label: String,
    capabilities: Vec<String>,
    literals: Vec<Data>,
    received: [Option<Data>; THREADS_MAX],
    /// The call that each thread made last, by name.
    calls: [&'static str; THREADS_MAX],
    /// The messages that came since the last call.
    messages: u32,
    /// What the runner will ask several times in a row.
    announced: Option<Announcement>,
    /// How often the call was to be made that was asked for last.
    repeat: Repeat,
    /// What calls returned that the runner has not made yet: those after the first of several.
    returns: VecDeque<Returned>,
    /// What pumps will find that the runner has not asked for yet.
    ahead: VecDeque<Option<WireMessage>>,
    next_id: u64,
    answer_ms: u32,
    slack: Duration,
}

impl Adapter {
    /// Starts an adapter. `command` is split at spaces; quotes have no meaning.
    ///
    /// # Errors
    ///
    /// If it does not start or does not introduce itself.
    pub fn start(command: &str) -> Result<Self, BackendError> {
        let limits = (ANSWER_MS, SLACK);
        Self::start_with_limits(command, limits)
    }

    /// The same with other limits on how long answers may take, and how much longer is a hang.
    ///
    /// # Errors
    ///
    /// If it does not start or does not introduce itself.
    pub fn start_with_limits(command: &str, limits: (u32, Duration)) -> Result<Self, BackendError> {
        Self::of(Processes::of(command), limits)
    }
}

impl<P: Peer> Adapter<P> {
    /// The same with anything that speaks the protocol.
    ///
    /// # Errors
    ///
    /// If it does not start or does not introduce itself.
    pub fn of(peer: P, (answer_ms, slack): (u32, Duration)) -> Result<Self, BackendError> {
        let mut adapter = Self {
            peer,
            label: String::new(),
            capabilities: Vec::new(),
            literals: Vec::new(),
            received: Default::default(),
            calls: Default::default(),
            messages: 0,
            announced: None,
            repeat: Repeat::ONCE,
            returns: VecDeque::new(),
            ahead: VecDeque::new(),
            next_id: 0,
            answer_ms,
            slack,
        };
        adapter.launch()?;
        Ok(adapter)
    }

    fn launch(&mut self) -> Result<(), BackendError> {
        self.peer.start()?;
        let hello = self.ask(RequestBody::Hello { version: VERSION }, self.answer_ms);
        match hello {
            Ok(ResponseBody::Hello { version: VERSION, stack, capabilities }) => {
                self.label = printable(&stack, 80);
                self.capabilities = capabilities;
                Ok(())
            }
            Ok(ResponseBody::Hello { version, .. }) => {
                self.peer.stop();
                let what = format!("protocol version {version}, not {VERSION}");
                Err(BackendError::Unsupported(what))
            }
            Ok(other) => Err(self.nonsense("hello", &other)),
            Err(error) => {
                // One that did not introduce itself is asked nothing else.
                self.peer.stop();
                Err(error)
            }
        }
    }

    /// Asks one thing. Any error but `Unsupported` ends the process.
    fn ask(&mut self, body: RequestBody, deadline_ms: u32) -> Result<ResponseBody, BackendError> {
        self.next_id += 1;
        let request = Request { id: self.next_id, deadline_ms, body };
        let mut line = serde_json::to_string(&request).expect("requests are plain data");
        line.push('\n');
        let question = question(&request.body);
        let limit = Duration::from_millis(u64::from(deadline_ms)) + self.slack;
        let heard = self.peer.ask(line, &question, limit);
        match heard.and_then(|line| answer(&line, &question, request.id)) {
            Ok(ResponseBody::Unsupported(what)) => {
                Err(BackendError::Unsupported(printable(&what, 200)))
            }
            Ok(response) => Ok(response),
            Err(error) => {
                self.peer.stop();
                Err(error)
            }
        }
    }

    fn nonsense(&mut self, question: &str, answer: &ResponseBody) -> BackendError {
        self.peer.stop();
        let answer = serde_json::to_string(answer).unwrap_or_default();
        BackendError::Garbage(format!("{} to `{question}`", shortened(&answer)))
    }

    fn done(&mut self, question: &str, body: RequestBody) -> Result<(), BackendError> {
        match self.ask(body, self.answer_ms)? {
            ResponseBody::Done {} => Ok(()),
            other => Err(self.nonsense(question, &other)),
        }
    }

    fn outcome(
        &mut self,
        question: &str,
        thread: ThreadId,
        body: RequestBody,
        deadline_ms: u32,
    ) -> Result<Outcome, BackendError> {
        let call = self.calls[usize::from(thread.0)];
        match self.ask(body, deadline_ms)? {
            ResponseBody::Return(reply) if fits(call, &reply) => Ok(self.hear(thread, reply)),
            ResponseBody::Returns(returns)
                if are_of(&returns, self.repeat)
                    && returns.iter().all(|one| fits(call, &one.reply)) =>
            {
                self.returns = returns.into();
                let reply = self.next_return().expect("there is one at least");
                Ok(self.hear(thread, reply))
            }
            ResponseBody::Blocked {} => Ok(Outcome::Pending),
            other => Err(self.nonsense(question, &other)),
        }
    }

    fn hear(&mut self, thread: ThreadId, reply: WireReply) -> Outcome {
        let (reply, data) = reply.into_reply();
        self.received[usize::from(thread.0)] = data;
        Outcome::Returned(reply)
    }

    /// What the next call of several has returned, as the adapter said ahead.
    fn next_return(&mut self) -> Option<WireReply> {
        let first = self.returns.front_mut()?;
        first.times -= 1;
        match first.times {
            0 => self.returns.pop_front().map(|last| last.reply),
            _ => Some(first.reply.clone()),
        }
    }

    /// Takes what was announced, if the adapter can answer several questions at once.
    fn take_announced(&mut self) -> Option<Announcement> {
        let can = self.capabilities.iter().any(|has| has == "repeat");
        self.announced.take().filter(|_| can)
    }

    /// What the next look at a queue finds; where the runner has said that it will look more often,
    /// what those find too.
    fn look(&mut self, filter: &PumpFilter) -> Result<Option<WireMessage>, BackendError> {
        let announced = self.take_announced();
        if let Some(found) = self.ahead.pop_front() {
            return Ok(found);
        }
        let count = match announced {
            Some(Announcement::Messages(count)) => count.min(MESSAGES_MAX + 1),
            Some(Announcement::Calls(_)) | None => 1,
        };
        let PumpFilter { thread, hwnd, range, remove } = *filter;
        let (MessageId(min), MessageId(max)) = range.unwrap_or_default();
        let hwnd = hwnd.unwrap_or(Hwnd(0));
        let body = RequestBody::Pump { thread, hwnd, min, max, remove, count };
        match self.ask(body, self.answer_ms)? {
            ResponseBody::Message(message) if count == 1 => Ok(message),
            ResponseBody::Messages(messages) if count > 1 && messages.len() <= count as usize => {
                let all = messages.len() == count as usize;
                self.ahead = messages.into_iter().map(Some).collect();
                self.ahead.extend((!all).then_some(None));
                Ok(self.ahead.pop_front().flatten())
            }
            other => Err(self.nonsense("pump", &other)),
        }
    }
}

impl<P: Peer> Drop for Adapter<P> {
    fn drop(&mut self) {
        if self.peer.is_running() {
            // A good-bye lets the adapter clean up; whether it answers does not matter any more.
            drop(self.ask(RequestBody::Bye {}, 500));
        }
        self.peer.stop();
    }
}

impl<P: Peer> Backend for Adapter<P> {
    fn reset(&mut self, start: &Start<'_>) -> Result<(), BackendError> {
        let Start { literals, fresh, hosts, processes, family } = *start;
        self.literals = literals.to_vec();
        self.received = Default::default();
        self.messages = 0;
        self.announced = None;
        self.returns.clear();
        self.ahead.clear();
        let reset = |fresh| RequestBody::Reset {
            fresh,
            hosts: hosts.to_vec(),
            processes: processes.to_vec(),
            family,
        };
        if !self.peer.is_running() {
            self.launch()?;
        } else {
            match self.done("reset", reset(fresh)) {
                Err(BackendError::Unsupported(_)) => self.launch()?,
                other => return other,
            }
        }
        // A new process has nothing to forget, but knows of one machine, one process and IPv4 only.
        let is_usual = hosts.is_empty() && processes.is_empty() && family == Family::Ipv4;
        if is_usual { Ok(()) } else { self.done("reset", reset(false)) }
    }

    fn call(&mut self, thread: ThreadId, call: &BackendCall) -> Result<Outcome, BackendError> {
        self.messages = 0;
        if let Some(reply) = self.next_return() {
            return Ok(self.hear(thread, reply));
        }
        let repeat = match self.take_announced() {
            Some(Announcement::Calls(repeat)) => repeat,
            Some(Announcement::Messages(_)) | None => Repeat::ONCE,
        };
        self.repeat = repeat;
        // A millisecond for each of several is more than any takes that does not wait.
        let deadline_ms = if repeat.is_once() { CALL_MS } else { CALL_MS + repeat.max() };
        let mut wire = Wire { literals: &self.literals };
        let Ok(call) = call.try_map(&mut wire);
        self.calls[usize::from(thread.0)] = call.name();
        let question = format!("call {}", call.name());
        self.outcome(&question, thread, RequestBody::Call { thread, call, repeat }, deadline_ms)
    }

    fn settle(&mut self) -> Result<(), BackendError> {
        self.done("settle", RequestBody::Settle {})
    }

    fn pump(&mut self, filter: &PumpFilter) -> Result<Option<PostedMessage>, BackendError> {
        let Some(message) = self.look(filter)? else { return Ok(None) };
        if self.messages == MESSAGES_MAX {
            self.peer.stop();
            let what = format!("more than {MESSAGES_MAX} messages without a call");
            return Err(BackendError::Garbage(what));
        }
        self.messages += 1;
        Ok(Some(PostedMessage::from(message)))
    }

    fn pending(&mut self, thread: ThreadId, patience_ms: u32) -> Result<Outcome, BackendError> {
        self.outcome("pending", thread, RequestBody::Pending { thread }, patience_ms)
    }

    fn received(&mut self, thread: ThreadId) -> Data {
        let data = self.received[usize::from(thread.0)].take();
        data.map_or_else(|| Data::describe(&[]), Data::described)
    }

    fn advance(&mut self, ms: u32) -> Result<(), BackendError> {
        self.done("advance", RequestBody::Advance { ms })
    }

    fn fault(&mut self, fault: &Fault<SocketHandle>) -> Result<(), BackendError> {
        self.done("fault", RequestBody::Fault(*fault))
    }
}

impl<P: Peer> Stack for Adapter<P> {
    fn label(&self) -> &str {
        &self.label
    }

    fn lacks(&self, need: Need) -> bool {
        match need {
            // The tool starts a new process itself where the adapter cannot.
            Need::FreshProcess => false,
            Need::Faults
            | Need::Oob
            | Need::Ipv6
            | Need::HandleReuse
            | Need::RealTime
            | Need::Spi
            | Need::Threads
            | Need::Hosts
            | Need::Processes
            | Need::SimulatedTime
            | Need::BlockingHook
            | Need::Schedule => !self.capabilities.iter().any(|has| has == need.as_str()),
        }
    }

    fn decided(&self, _: KnobId) -> Option<u8> {
        None
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        Vec::new()
    }

    fn announce(&mut self, announcement: Announcement) {
        self.announced = Some(announcement);
        self.returns.clear();
        self.ahead.clear();
    }
}

/// Puts payloads in the place of their numbers. Text goes as hex, which is easier to read in C.
struct Wire<'d> {
    literals: &'d [Data],
}

impl Rename<SocketHandle, Hwnd, EventHandle, Option<std::net::SocketAddr>, Literal> for Wire<'_> {
    type Socket = SocketHandle;
    type Window = Hwnd;
    type Event = EventHandle;
    type Address = Option<std::net::SocketAddr>;
    type Data = Data;
    type Error = std::convert::Infallible;

    fn socket(&mut self, _: &'static str, s: &SocketHandle) -> Result<SocketHandle, Self::Error> {
        Ok(*s)
    }

    fn window(&mut self, _: &'static str, hwnd: &Hwnd) -> Result<Hwnd, Self::Error> {
        Ok(*hwnd)
    }

    fn event(&mut self, _: &'static str, event: &EventHandle) -> Result<EventHandle, Self::Error> {
        Ok(*event)
    }

    fn address(
        &mut self,
        _: &'static str,
        address: &Option<std::net::SocketAddr>,
    ) -> Result<Option<std::net::SocketAddr>, Self::Error> {
        Ok(*address)
    }

    fn data(&mut self, _: &'static str, data: &Literal) -> Result<Data, Self::Error> {
        Ok(match &self.literals[usize::from(data.id.0)] {
            Data::Text(text) => Data::Hex(text.clone().into_bytes()),
            other => other.clone(),
        })
    }
}

/// What a line answers to the question of this number.
fn answer(line: &str, question: &str, asked: u64) -> Result<ResponseBody, BackendError> {
    let response: Response = serde_json::from_str(line).map_err(|error| {
        let error = printable(&error.to_string(), 200);
        BackendError::Garbage(format!("{} to `{question}`: {error}", shortened(line)))
    })?;
    if response.id == asked {
        Ok(response.body)
    } else {
        let is = response.id;
        Err(BackendError::Garbage(format!("an answer to {is}, asked was {asked}")))
    }
}

fn question(body: &RequestBody) -> String {
    match body {
        RequestBody::Hello { .. } => "hello".to_owned(),
        RequestBody::Reset { .. } => "reset".to_owned(),
        RequestBody::Call { call, .. } => format!("call {}", call.name()),
        RequestBody::Settle {} => "settle".to_owned(),
        RequestBody::Fault(_) => "fault".to_owned(),
        RequestBody::Advance { .. } => "advance".to_owned(),
        RequestBody::Pending { .. } => "pending".to_owned(),
        RequestBody::Pump { .. } => "pump".to_owned(),
        RequestBody::Bye {} => "bye".to_owned(),
    }
}

/// Whether a reply is of the kind that the call has. A number where a socket was asked for could
/// pass for success in a script that never uses the socket, and a window would get its name.
pub(crate) fn fits(call: &str, reply: &WireReply) -> bool {
    match call {
        "WSPAsyncSelect" | "WSPIoctl" | "WSPCleanup" | "WSPCancelBlockingCall" => {
            matches!(reply, WireReply::Spi { .. })
        }
        _ if matches!(reply, WireReply::Error(_)) => true,
        "socket" | "accept" | "WSAAccept" | "WSAJoinLeaf" | "WSADuplicateSocket" => {
            matches!(reply, WireReply::Socket(_))
        }
        "GetMessage" => matches!(reply, WireReply::Message(_)),
        "CreateWindow" => matches!(reply, WireReply::Window(_)),
        "WSACreateEvent" => matches!(reply, WireReply::Event(_)),
        "WSAEnumNetworkEvents" => matches!(reply, WireReply::NetworkEvents(_)),
        "getsockname" | "getpeername" => matches!(reply, WireReply::Address(_)),
        "recv" | "recvfrom" | "WSARecv" | "WSARecvFrom" | "ReadFile" => {
            matches!(reply, WireReply::Data(_))
        }
        // Of a receive it is the bytes.
        "WSAGetOverlappedResult" => matches!(reply, WireReply::Data(_) | WireReply::Value(_)),
        _ => matches!(reply, WireReply::Value(_)),
    }
}

/// Whether an adapter that makes a call so often can have heard this.
fn are_of(returns: &[Returned], repeat: Repeat) -> bool {
    let total: u64 = returns.iter().map(|one| u64::from(one.times)).sum();
    let at_the_end = |error: WsaError| {
        let ends = |one: &Returned| one.reply == WireReply::Error(error.0);
        let before = &returns[..returns.len() - 1];
        !before.iter().any(ends) && returns.last().is_none_or(|last| !ends(last) || last.times == 1)
    };
    (1..=u64::from(repeat.max())).contains(&total)
        && returns.iter().all(|one| one.times > 0)
        && match repeat {
            Repeat::Times(times) => times > 1,
            Repeat::Until { error, .. } => at_the_end(error),
        }
}

/// The beginning of something long, quoted and without control characters.
fn shortened(text: &str) -> String {
    format!("`{}`", printable(text.trim_end(), 80))
}
