//! The trace: everything that happened in a run, one event a line.
//!
//! The alphabet is `call`, `return`, `post`, `record`, `retrieve`, `deliver`, `tick`. A live stack
//! shows the calls, the returns and the retrievals only. The JSON form has a published schema; the
//! text form is what snapshots hold and people read.

use std::fmt::Write;

use asyncselect_abi::call::Rename;
use asyncselect_abi::{
    Data, EventHandle, EventRecord, Fault, HostId, Hwnd, Literal, MessageId, NetworkEvent,
    OwnReply, Reply, SocketHandle, ThreadId, Value, WsaError,
};
use asyncselect_model::datagram::{Fate, Freight};
use asyncselect_model::latch::{Absence, Guard};
use asyncselect_model::sink::{Message, Standing};
use asyncselect_model::stream::{Segment, Side};
use asyncselect_model::world::THREADS_MAX;
use asyncselect_model::{Effect, Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::runner::{Handle, Observer, Place, Retrieved};
use crate::script::{AddressRef, CallOp, EventRef, NameId, Script, SocketRef, WindowRef};
use crate::script_file::{AddressSpec, ScriptCall};

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceLine {
    /// The number of the event, counted from 1; a call and its return are two.
    pub n: u32,
    /// Simulated milliseconds since the start; 0 on live stacks.
    pub ms: u32,
    /// The step of the file, counted from 1; none while setting up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// What happened.
    pub event: TraceEvent,
    /// Events that might have been posted here, and what stopped them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<SilentEvent>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum TraceEvent {
    /// A thread made a call.
    Call {
        /// The thread.
        thread: String,
        /// The call, by names.
        call: ScriptCall,
    },
    /// A call returned.
    Return {
        /// The thread.
        thread: String,
        /// The value: a number, or what the new socket or window is called.
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// The error.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<WsaError>,
        /// The bytes received.
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<Data>,
        /// What was left in `*lpErrno`.
        #[serde(rename = "lpErrno", skip_serializing_if = "Option::is_none")]
        lp_errno: Option<String>,
        /// The clause or fact that demands an error.
        #[serde(skip_serializing_if = "Option::is_none")]
        clause: Option<String>,
    },
    /// A message was put into a queue.
    Post {
        /// The message.
        message: TraceMessage,
        /// The clause or fact that demands it.
        clause: String,
        /// What made the stack look.
        after: String,
    },
    /// An event was recorded for WSAEnumNetworkEvents, and its event object set.
    Record {
        /// The socket.
        s: String,
        /// The event.
        event: NetworkEvent,
        /// Its error, if it is not 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<WsaError>,
        /// The event object; none if it was closed.
        #[serde(rename = "hEventObject", skip_serializing_if = "Option::is_none")]
        object: Option<String>,
        /// The clause or fact that demands it.
        clause: String,
        /// What made the stack look.
        after: String,
    },
    /// A message was taken from a queue.
    Retrieve {
        /// The thread.
        thread: String,
        /// The message.
        message: TraceMessage,
        /// Whether its registration had ended; known of simulated stacks only.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        stale: bool,
    },
    /// A segment arrived.
    Deliver {
        /// The number of the connection.
        connection: u8,
        /// The socket, or the end of the connection if nobody has it.
        toward: String,
        /// What arrived.
        segment: String,
    },
    /// A datagram arrived.
    Land {
        /// The socket that is bound there, or `nobody`.
        toward: String,
        /// What arrived, and what became of it.
        datagram: String,
    },
    /// The network or the machine was disturbed.
    Fault {
        /// How.
        fault: Fault<String, String>,
    },
    /// Time passed.
    Tick {
        /// How much, in milliseconds.
        ms: u32,
    },
}

/// A message, by names; a handle that the script never got is in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceMessage {
    /// The window.
    #[serde(rename = "hWnd")]
    pub hwnd: String,
    /// The number.
    #[serde(rename = "wMsg")]
    pub message: MessageId,
    /// The socket.
    #[serde(rename = "wParam")]
    pub socket: String,
    /// The low word of `lParam`: the event, or the number if it is none.
    pub event: String,
    /// The high word of `lParam`, if it is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<WsaError>,
}

impl std::fmt::Display for TraceMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { hwnd, message, socket, event, error } = self;
        write!(f, "{hwnd} {message} ({socket}, {event}, ")?;
        match error {
            Some(error) => write!(f, "{error})"),
            None => f.write_str("0)"),
        }
    }
}

/// An event that was not posted, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SilentEvent {
    /// The socket.
    #[serde(rename = "wParam")]
    pub socket: String,
    /// The event.
    pub event: NetworkEvent,
    /// What stopped it.
    pub guard: String,
    /// The clause or fact that demands the silence.
    pub clause: String,
    /// What made the stack look.
    pub after: String,
}

/// Writes the trace of a run.
#[derive(Debug)]
pub struct Tracer<'s> {
    script: &'s Script,
    lines: Vec<TraceLine>,
    /// Simulated milliseconds since the start.
    ms: u32,
    sockets: Vec<(SocketHandle, NameId)>,
    windows: Vec<(Hwnd, NameId)>,
    events: Vec<(EventHandle, NameId)>,
    /// For each thread, the rule behind its last error.
    rules: [Option<Rule>; THREADS_MAX],
    /// For each thread, what its call under way makes.
    binds: [Option<NameId>; THREADS_MAX],
    /// Whether the stack itself tells of messages that are retrieved.
    told: bool,
    /// Whether silence is kept even where nothing else could be expected.
    keeps_idle: bool,
}

impl<'s> Tracer<'s> {
    /// Begins a trace.
    #[must_use]
    pub fn new(script: &'s Script) -> Self {
        let (lines, sockets) = (Vec::new(), Vec::new());
        let (windows, events) = (Vec::new(), Vec::new());
        Self {
            script,
            lines,
            ms: 0,
            sockets,
            windows,
            events,
            rules: Default::default(),
            binds: Default::default(),
            told: false,
            keeps_idle: false,
        }
    }

    /// Begins a trace that leaves out no event that the stack looked at, however idle it was.
    #[must_use]
    pub fn full(script: &'s Script) -> Self {
        Self { keeps_idle: true, ..Self::new(script) }
    }

    /// The trace.
    #[must_use]
    pub fn finish(self) -> Vec<TraceLine> {
        self.lines
    }

    fn push(&mut self, place: Place, event: TraceEvent) {
        let n = u32::try_from(self.lines.len() + 1).unwrap_or(u32::MAX);
        let step = match place {
            Place::Setup => None,
            Place::Step(index) => Some(index + 1),
            Place::End => Some(self.script.steps.len() + 1),
        };
        self.lines.push(TraceLine { n, ms: self.ms, step, event, silent: Vec::new() });
    }

    fn thread(&self, thread: ThreadId) -> String {
        self.script.threads[usize::from(thread.0)].clone()
    }

    fn socket(&self, handle: SocketHandle) -> String {
        match self.sockets.iter().rfind(|(other, _)| *other == handle) {
            Some((_, name)) => self.script.sockets[usize::from(name.0)].clone(),
            None => nameless(handle.0),
        }
    }

    /// The socket that had a value before the one that has it now, if that is another.
    fn earlier_socket(&self, handle: SocketHandle) -> String {
        let mut owners = self.sockets.iter().rev().filter(|(other, _)| *other == handle);
        match owners.nth(1) {
            Some((_, name)) => self.script.sockets[usize::from(name.0)].clone(),
            None => self.socket(handle),
        }
    }

    fn window(&self, handle: Hwnd) -> String {
        match self.windows.iter().rfind(|(other, _)| *other == handle) {
            Some((_, name)) => self.script.windows[usize::from(name.0)].clone(),
            None => format!("{:#x}", handle.0),
        }
    }

    fn event(&self, handle: EventHandle) -> String {
        match self.events.iter().rfind(|(other, _)| *other == handle) {
            Some((_, name)) => self.script.events[usize::from(name.0)].clone(),
            None => format!("{:#x}", handle.0),
        }
    }

    fn message(&self, message: &Message) -> TraceMessage {
        TraceMessage {
            hwnd: self.window(message.hwnd),
            message: message.message,
            socket: self.socket(message.socket),
            event: message.event.to_string(),
            error: (message.error != WsaError(0)).then_some(message.error),
        }
    }
}

impl Observer for Tracer<'_> {
    fn called(&mut self, place: Place, thread: ThreadId, op: &CallOp) {
        self.binds[usize::from(thread.0)] = op.binds;
        let mut names = BackToNames { script: self.script };
        let Ok(call) = op.call.try_map(&mut names);
        self.push(place, TraceEvent::Call { thread: self.thread(thread), call });
    }

    fn returned(&mut self, place: Place, thread: ThreadId, reply: &Reply, data: Option<&Data>) {
        let name = |names: &[String], unnamed: String| match self.binds[usize::from(thread.0)] {
            Some(name) => names[usize::from(name.0)].clone(),
            None => unnamed,
        };
        let value = reply.result.ok().map(|value| match value {
            Value::Int(number) => number.to_string(),
            Value::Socket(socket) => name(&self.script.sockets, self.socket(socket)),
            Value::Window(window) => name(&self.script.windows, self.window(window)),
            Value::Address(address) => address.to_string(),
            Value::Event(event) => name(&self.script.events, format!("{:#x}", event.0)),
            Value::NetworkEvents(record) => record_text(&record),
            Value::Message(_) => "1".to_owned(),
        });
        let lp_errno = reply.lp_errno.map(|error| match error {
            WsaError(0) => "0".to_owned(),
            error => error.to_string(),
        });
        let event = TraceEvent::Return {
            thread: self.thread(thread),
            value,
            error: reply.result.err(),
            data: data.cloned(),
            lp_errno,
            clause: self.rules[usize::from(thread.0)].take().map(|rule| rule.id().to_owned()),
        };
        self.push(place, event);
    }

    fn happened(&mut self, place: Place, effects: Vec<Effect>) {
        // A simulated stack knows more of a message than its parameters.
        self.told |= !effects.is_empty();
        for effect in effects {
            match effect {
                Effect::Return { thread, rule, .. } => self.rules[usize::from(thread.0)] = rule,
                Effect::Post { message, rule, trigger } => {
                    let event = TraceEvent::Post {
                        message: self.message(&message),
                        clause: rule.id().to_owned(),
                        after: trigger.about().to_owned(),
                    };
                    self.push(place, event);
                }
                Effect::Record { socket, event, error, object, rule, trigger } => {
                    let event = TraceEvent::Record {
                        s: self.socket(socket),
                        event,
                        error: (error != WsaError(0)).then_some(error),
                        object: object.map(|object| self.event(object)),
                        clause: rule.id().to_owned(),
                        after: trigger.about().to_owned(),
                    };
                    self.push(place, event);
                }
                Effect::Silent { socket, event, guard, trigger } => {
                    // What could not have been posted at all is not worth a word.
                    let idle = matches!(
                        guard,
                        Guard::NoRegistration
                            | Guard::NotInMask
                            | Guard::Absent(
                                Absence::NotClosed
                                    | Absence::NoData
                                    | Absence::NoUrgent
                                    | Absence::NotListening
                                    | Absence::ConnectedBefore
                                    | Absence::Unchanged
                                    | Absence::Connectionless,
                            )
                    );
                    let silent = SilentEvent {
                        socket: self.socket(socket),
                        event,
                        guard: guard.about().to_owned(),
                        clause: guard.rule(event).id().to_owned(),
                        after: trigger.about().to_owned(),
                    };
                    match self.lines.last_mut() {
                        Some(line) if !idle || self.keeps_idle => line.silent.push(silent),
                        _ => {}
                    }
                }
                Effect::Deliver { link, toward, socket, segment } => {
                    let toward = match (socket, toward) {
                        (Some(socket), _) => self.socket(socket),
                        (None, Side::Connector) => "(connector)".to_owned(),
                        (None, Side::Acceptor) => "(acceptor)".to_owned(),
                    };
                    let segment = describe(segment);
                    self.push(place, TraceEvent::Deliver { connection: link, toward, segment });
                }
                Effect::Land { socket, freight, fate } => {
                    let toward = match socket {
                        Some(socket) => self.socket(socket),
                        None => "nobody".to_owned(),
                    };
                    let datagram = describe_datagram(freight, fate);
                    self.push(place, TraceEvent::Land { toward, datagram });
                }
                Effect::Retrieve { thread, message, standing } => {
                    let mut named = self.message(&message);
                    if standing == Standing::Orphaned {
                        named.socket = self.earlier_socket(message.socket);
                    }
                    let event = TraceEvent::Retrieve {
                        thread: self.thread(thread),
                        message: named,
                        stale: match standing {
                            Standing::Stale | Standing::Orphaned => true,
                            Standing::Current | Standing::Own => false,
                        },
                    };
                    self.push(place, event);
                }
                Effect::Received(_) | Effect::Withdrawn { .. } => {}
            }
        }
    }

    fn retrieved(&mut self, place: Place, retrieved: &Retrieved) {
        if !self.told {
            let event = TraceEvent::Retrieve {
                thread: self.thread(retrieved.thread),
                message: name_of(self.script, retrieved),
                stale: false,
            };
            self.push(place, event);
        }
    }

    fn disturbed(&mut self, place: Place, fault: &Fault<SocketRef>) {
        let mut names = BackToNames { script: self.script };
        // The first machine has no name, so faults name others only.
        let machine = |host: &HostId| self.script.machines[usize::from(host.0) - 1].clone();
        let Ok(fault) =
            fault.try_map(|field, socket| names.socket(field, socket), |_, host| Ok(machine(host)));
        self.push(place, TraceEvent::Fault { fault });
    }

    fn waited(&mut self, place: Place, ms: u32) {
        self.ms += ms;
        self.push(place, TraceEvent::Tick { ms });
    }

    fn named(&mut self, socket: SocketHandle, name: NameId) {
        self.sockets.push((socket, name));
    }

    fn named_window(&mut self, window: Hwnd, name: NameId) {
        self.windows.push((window, name));
    }

    fn named_event(&mut self, event: EventHandle, name: NameId) {
        self.events.push((event, name));
    }
}

/// A retrieved message by names.
#[must_use]
pub fn name_of(script: &Script, retrieved: &Retrieved) -> TraceMessage {
    let name = |names: &[String], handle: Handle| match handle {
        Handle::Named(name) => names[usize::from(name.0)].clone(),
        Handle::Stranger(value) => nameless(value),
    };
    let event = match retrieved.event() {
        Some(event) => event.to_string(),
        None => format!("{:#06x}", retrieved.reply.event),
    };
    let error = retrieved.reply.error;
    TraceMessage {
        hwnd: name(&script.windows, retrieved.hwnd),
        message: retrieved.message,
        socket: name(&script.sockets, retrieved.socket),
        event,
        error: (error != WsaError(0)).then_some(error),
    }
}

/// A handle that is none of the script's.
pub(crate) fn nameless(value: u64) -> String {
    match value {
        0 => "NULL".to_owned(),
        value => format!("{value:#x}"),
    }
}

fn describe(segment: Segment) -> String {
    match segment {
        Segment::Syn { .. } => "SYN".to_owned(),
        Segment::SynAck => "SYN-ACK".to_owned(),
        Segment::Ack => "ACK".to_owned(),
        Segment::Data(piece) => format!("DATA {}", piece.len),
        Segment::Urgent(_) => "URG 1".to_owned(),
        Segment::Fin => "FIN".to_owned(),
        Segment::Rst => "RST".to_owned(),
        Segment::Window => "WINDOW".to_owned(),
    }
}

fn describe_datagram(freight: Freight, fate: Fate) -> String {
    let what = match freight {
        Freight::Datagram(piece) => format!("datagram of {}", piece.len),
        Freight::Unreachable => "port unreachable".to_owned(),
    };
    match fate {
        Fate::Kept | Fate::Nobody => what,
        Fate::FromOthers => format!("{what}, not from the peer,"),
        Fate::NoRoom => format!("{what}, without room for it,"),
    }
}

/// Numbers back to the names of the file.
struct BackToNames<'s> {
    script: &'s Script,
}

impl Rename<SocketRef, WindowRef, EventRef, AddressRef, Literal> for BackToNames<'_> {
    type Socket = String;
    type Window = String;
    type Event = String;
    type Address = AddressSpec;
    type Data = Data;
    type Error = std::convert::Infallible;

    fn socket(&mut self, _: &'static str, socket: &SocketRef) -> Result<String, Self::Error> {
        Ok(match socket {
            SocketRef::Named(name) => self.script.sockets[usize::from(name.0)].clone(),
            SocketRef::Invalid => "INVALID_SOCKET".to_owned(),
            SocketRef::Null => "NULL".to_owned(),
        })
    }

    fn window(&mut self, _: &'static str, window: &WindowRef) -> Result<String, Self::Error> {
        Ok(match window {
            WindowRef::Named(name) => self.script.windows[usize::from(name.0)].clone(),
            WindowRef::Null => "NULL".to_owned(),
            WindowRef::Invalid => "INVALID".to_owned(),
        })
    }

    fn event(&mut self, _: &'static str, event: &EventRef) -> Result<String, Self::Error> {
        Ok(match event {
            EventRef::Named(name) => self.script.events[usize::from(name.0)].clone(),
            EventRef::Null => "NULL".to_owned(),
            EventRef::Invalid => "INVALID".to_owned(),
        })
    }

    fn address(
        &mut self,
        _: &'static str,
        address: &AddressRef,
    ) -> Result<AddressSpec, Self::Error> {
        Ok(match address {
            AddressRef::Of(name) => {
                AddressSpec::Of(self.script.sockets[usize::from(name.0)].clone())
            }
            AddressRef::Any => AddressSpec::Any,
            AddressRef::Refusing => AddressSpec::Refusing,
            AddressRef::Unreachable => AddressSpec::Unreachable,
            AddressRef::Zero => AddressSpec::Zero,
            AddressRef::Null => AddressSpec::Null,
        })
    }

    fn data(&mut self, _: &'static str, data: &Literal) -> Result<Data, Self::Error> {
        Ok(self.script.literals[usize::from(data.id.0)].clone())
    }
}

/// How much of a trace is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What snapshots hold: calls with their returns, posts, retrievals.
    Snapshot,
    /// Everything: setting up, the network, and why messages were not posted.
    Everything,
}

/// The trace as text: a line number, the step, the thread or `net`, what happened, the clause.
#[must_use]
pub fn to_text(lines: &[TraceLine], detail: Detail) -> String {
    let mut rows = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let everything = detail == Detail::Everything;
        if line.step.is_none() && !everything {
            continue;
        }
        let (who, what, clause) = match &line.event {
            TraceEvent::Call { thread, call } => {
                let reply = immediate_return(&lines[index + 1..], thread);
                let clause = reply.and_then(clause_of_return);
                let reply = reply.map_or_else(|| "...".to_owned(), return_text);
                (thread.as_str(), format!("{} -> {reply}", call_text(call)), clause)
            }
            TraceEvent::Return { thread, .. } => {
                if returned_at_once(&lines[..index], thread) {
                    continue;
                }
                let reply = &line.event;
                let what = format!("... -> {}", return_text(reply));
                (thread.as_str(), what, clause_of_return(reply))
            }
            TraceEvent::Post { message, clause, .. } => {
                ("", format!("post      {message}"), Some(clause.as_str()))
            }
            TraceEvent::Record { s, event, error, object, clause, .. } => {
                let what = recorded_text(s, *event, *error, object.as_deref());
                ("", format!("record    {what}"), Some(clause.as_str()))
            }
            TraceEvent::Retrieve { thread, message, stale } => {
                let stale = if *stale { "  stale" } else { "" };
                (thread.as_str(), format!("retrieve  {message}{stale}"), None)
            }
            TraceEvent::Deliver { connection, toward, segment } if everything => {
                let what = format!("{segment} on connection {connection} reaches {toward}");
                ("net", what, None)
            }
            TraceEvent::Land { toward, datagram } if everything => {
                ("net", format!("{datagram} reaches {toward}"), None)
            }
            TraceEvent::Fault { fault } => ("", fault_text(fault), None),
            TraceEvent::Tick { ms } => ("", format!("{ms} ms pass"), None),
            TraceEvent::Deliver { .. } | TraceEvent::Land { .. } => continue,
        };
        let step = line.step.map_or_else(|| "setup".to_owned(), |step| format!("s{step}"));
        let head = format!("{step:<5} {who:<5} {what}");
        let mut row = match clause {
            Some(clause) => format!("{head:<83} {clause}\n"),
            None => format!("{head}\n"),
        };
        if everything {
            for SilentEvent { socket, event, guard, clause, .. } in &line.silent {
                let head = format!("{:16} no {event} for {socket}: {guard}", "");
                writeln!(row, "{head:<88} {clause}").expect("writing to a String succeeds");
            }
        }
        rows.push(row);
    }
    folded(&rows)
}

/// The most rows that a repetition which is told once may have.
const FOLD_ROWS_MAX: usize = 3;

/// How often rows must come to be told once.
const FOLD_TIMES_MIN: usize = 4;

/// Numbers the rows; of rows that come again and again, as `times` makes them, the first and last
/// are written.
fn folded(rows: &[String]) -> String {
    let mut text = String::new();
    let mut index = 0;
    while index < rows.len() {
        let longest = (1..=FOLD_ROWS_MAX)
            .map(|len| (len, repetitions(&rows[index..], len)))
            .find(|(_, times)| *times >= FOLD_TIMES_MIN);
        let (len, times) = longest.unwrap_or((1, 1));
        write_rows(&mut text, rows, index, len);
        if times > 1 {
            let last = index + len * (times - 1);
            writeln!(text, "     … {} times more", times - 2)
                .expect("writing to a String succeeds");
            write_rows(&mut text, rows, last, len);
        }
        index += len * times;
    }
    text
}

fn write_rows(text: &mut String, rows: &[String], from: usize, len: usize) {
    for (row, number) in rows[from..from + len].iter().zip(from + 1..) {
        write!(text, "#{number:03} {row}").expect("writing to a String succeeds");
    }
}

/// How often the first `len` rows come one after the other.
fn repetitions(rows: &[String], len: usize) -> usize {
    if rows.len() < len {
        return 0;
    }
    rows.chunks_exact(len).take_while(|chunk| *chunk == &rows[..len]).count()
}

/// The return that belongs to a call, unless another call was made before it came.
fn immediate_return<'l>(after: &'l [TraceLine], thread: &str) -> Option<&'l TraceEvent> {
    for line in after {
        match &line.event {
            TraceEvent::Return { thread: other, .. } if other == thread => {
                return Some(&line.event);
            }
            TraceEvent::Call { .. } => return None,
            _ => {}
        }
    }
    None
}

fn returned_at_once(before: &[TraceLine], thread: &str) -> bool {
    let last_call = before.iter().rev().find_map(|line| match &line.event {
        TraceEvent::Call { thread, .. } => Some(thread),
        _ => None,
    });
    last_call.is_some_and(|caller| caller == thread)
}

fn clause_of_return(event: &TraceEvent) -> Option<&str> {
    match event {
        TraceEvent::Return { clause, .. } => clause.as_deref(),
        _ => None,
    }
}

pub(crate) fn return_text(event: &TraceEvent) -> String {
    let TraceEvent::Return { value, error, data, lp_errno, .. } = event else {
        return String::new();
    };
    let mut text = match (value, error) {
        (Some(value), _) => value.clone(),
        (None, Some(error)) => error.to_string(),
        (None, None) => "?".to_owned(),
    };
    if let Some(data) = data {
        text.push_str(&format!(" {data}"));
    }
    if let Some(lp_errno) = lp_errno {
        text.push_str(&format!(", *lpErrno = {lp_errno}"));
    }
    text
}

pub(crate) fn fault_text(fault: &Fault<String, String>) -> String {
    match fault {
        Fault::Lose { toward } => format!("fault     nothing reaches {toward} any more"),
        Fault::Delay { toward, ms } => format!("fault     {ms} ms more to {toward}"),
        Fault::NetworkDown { host: None } => "fault     the network is down".to_owned(),
        Fault::NetworkDown { host: Some(host) } => {
            format!("fault     the network of {host} is down")
        }
        Fault::PostFails { times } => format!("fault     posting fails, {times} times"),
        Fault::EventError { s, event, error } => {
            format!("fault     {event} for {s} gets {error}")
        }
        Fault::QosChanges { s, token_rate } => {
            format!("fault     the QoS of {s} changes, TokenRate {token_rate}")
        }
        Fault::GroupQosChanges { s } => format!("fault     the QoS of the group of {s} changes"),
        Fault::AddressesChange { host } => {
            format!("fault     the addresses {}change", of_machine(host.as_deref()))
        }
        Fault::RouteChanges { host, to, unreachable } => {
            let of = of_machine(host.as_deref());
            let to = to.as_deref().map_or_else(|| "anywhere".to_owned(), |to| format!("to {to}"));
            let how = if *unreachable { "is lost" } else { "changes" };
            format!("fault     the route {of}{to} {how}")
        }
        Fault::NoSockets { times } => format!("fault     no descriptors, {times} times"),
        Fault::NoBuffers { times } => format!("fault     no buffer space, {times} times"),
    }
}

fn of_machine(host: Option<&str>) -> String {
    host.map_or_else(String::new, |host| format!("of {host} "))
}

/// An event that was recorded, in words.
pub(crate) fn recorded_text(
    s: &str,
    event: NetworkEvent,
    error: Option<WsaError>,
    object: Option<&str>,
) -> String {
    let error = error.map_or_else(|| "0".to_owned(), |error| error.to_string());
    match object {
        Some(object) => format!("({s}, {event}, {error}) sets {object}"),
        None => format!("({s}, {event}, {error}) sets nothing"),
    }
}

/// Recorded events as traces and findings print them.
pub(crate) fn record_text(record: &EventRecord) -> String {
    let events: Vec<String> = record
        .iter()
        .map(|(event, error)| match error {
            WsaError(0) => event.to_string(),
            error => format!("{event} {error}"),
        })
        .collect();
    format!("{{{}}}", events.join(", "))
}

/// A call as C would write it, with the names of its parameters.
#[must_use]
pub fn call_text(call: &ScriptCall) -> String {
    let json = serde_json::to_value(call).expect("calls are plain data");
    let Some((name, parameters)) = json.as_object().and_then(|object| object.iter().next()) else {
        return call.name().to_owned();
    };
    // Numbers, names and masks in their C spelling rather than in JSON's.
    let argument = |key: &str, value: &serde_json::Value| match (key, value) {
        (_, serde_json::Value::String(text)) if key != "data" => text.clone(),
        ("lEvent" | "lNetworkEvents" | "flags", serde_json::Value::Array(names))
            if names.is_empty() =>
        {
            "0".to_owned()
        }
        ("lEvent" | "lNetworkEvents" | "flags", serde_json::Value::Array(names)) => {
            names.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join("|")
        }
        ("data", value) => serde_json::from_value::<Data>(value.clone())
            .map_or_else(|_| value.to_string(), |data| data.to_string()),
        ("name" | "to" | "destination", value) => {
            serde_json::from_value::<AddressSpec>(value.clone())
                .map_or_else(|_| value.to_string(), |address| address.to_string())
        }
        ("lParam", value) => serde_json::from_value::<OwnReply>(value.clone()).map_or_else(
            |_| value.to_string(),
            |OwnReply { event, error }| match error {
                Some(error) if error != WsaError(0) => format!("({event}, {error})"),
                Some(_) | None => format!("({event}, 0)"),
            },
        ),
        (_, value) => value.to_string(),
    };
    let order = ["s", "hWnd", "wMsg", "Msg", "wParam", "lEvent", "hEventObject", "lNetworkEvents"];
    let mut fields: Vec<(&String, &serde_json::Value)> =
        parameters.as_object().into_iter().flatten().collect();
    fields.sort_by_key(|(key, _)| {
        let rank = order.iter().position(|known| known == key).unwrap_or(order.len());
        (rank, key.as_str())
    });
    let arguments: Vec<String> =
        fields.iter().map(|(key, value)| format!("{key}={}", argument(key, value))).collect();
    format!("{name}({})", arguments.join(", "))
}
