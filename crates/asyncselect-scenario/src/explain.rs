//! Why the messages of a step came, and why others did not.
//!
//! Everything is read off the model's trace, in which each look of the stack at a socket leaves a
//! post or a silence for each event, with what stopped it and what made the stack look. Nothing is
//! known here of when a message must come.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use asyncselect_abi::NetworkEvent;
use asyncselect_model::Profile;
use asyncselect_model::latch::{Guard, Trigger};
use serde::Serialize;

use crate::clauses::Clauses;
use crate::runner::{self, Ending};
use crate::script::Script;
use crate::script_file::ScriptCall;
use crate::simulate::simulator;
use crate::trace::{
    SilentEvent, TraceEvent, TraceLine, TraceMessage, Tracer, call_text, fault_text, recorded_text,
    return_text,
};

/// A step on one stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// What happened in it, in order.
    pub happened: Vec<Item>,
    /// Where the stack looked at nothing in the step: what it found when it looked last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Silence>,
    /// Why the run did not get to the end of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_off: Option<String>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A call or its return.
    Called {
        /// Who called.
        thread: String,
        /// The call and, as far as the step knows it, what it returned.
        call: String,
        /// The clause behind an error.
        #[serde(skip_serializing_if = "Option::is_none")]
        clause: Option<Cited>,
    },
    /// Something arrived, or time passed.
    Arrived(String),
    /// The network or the machine was disturbed.
    Disturbed(String),
    /// A message was posted.
    Posted {
        /// The message.
        message: TraceMessage,
        /// What demands it.
        clause: Cited,
        /// What made the stack look.
        looked: Look,
        /// Why the event might be posted at all.
        enabled: String,
    },
    /// An event was recorded.
    Recorded {
        /// The socket, the event, and the event object that was set.
        what: String,
        /// What demands it.
        clause: Cited,
        /// What made the stack look.
        looked: Look,
        /// Why the event might be recorded at all.
        enabled: String,
    },
    /// Messages were not posted.
    Silent(Silence),
    /// A message was taken from its queue.
    Retrieved {
        /// The message.
        message: TraceMessage,
        /// The step that posted it, 0 for setting up.
        posted_in: Option<usize>,
        /// Whether its registration had ended.
        stale: bool,
    },
}

/// Events that were not posted for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// For this socket.
    pub socket: String,
    /// The events that were not posted.
    pub events: Vec<NetworkEvent>,
    /// What stopped them.
    pub guard: String,
    /// What demands the silence.
    pub clause: Cited,
    /// What made the stack look.
    pub looked: Look,
    /// The step in which the event had been posted, if that is what stopped it; 0 for setting up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posted_in: Option<usize>,
}

impl Silence {
    /// Whether nothing at all was registered for the socket.
    #[must_use]
    pub fn is_unregistered(&self) -> bool {
        self.guard == Guard::NoRegistration.about()
    }

    /// Whether nobody had asked for the events.
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        self.is_unregistered() || self.guard == Guard::NotInMask.about()
    }
}

/// A look of the stack at a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Look {
    /// In this step; 0 for setting up.
    pub step: usize,
    /// What made it look, in the model's words.
    pub after: String,
    /// The call, or what arrived.
    pub cause: String,
}

/// An id with its sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cited {
    /// `AS-…` or `W-…`.
    pub id: String,
    /// What it says.
    pub about: String,
}

impl Cited {
    fn new(id: &str) -> Self {
        let about = Clauses::get().find(id).map_or("", |(_, entry)| entry.about);
        Self { id: id.to_owned(), about: about.to_owned() }
    }
}

/// Explains a step, counted from 1, of a script on the model of a stack.
#[must_use]
pub fn step(script: &Script, profile: &Profile, step: usize) -> Explained {
    let mut tracer = Tracer::full(script);
    let mut sim = simulator::<true>(script, profile);
    let ending = runner::run(script, &mut sim, &mut tracer);
    let mut history = History { step, ..History::default() };
    for line in &tracer.finish() {
        if line.step.unwrap_or(0) > step {
            break;
        }
        history.line(line);
    }
    let before = history.last_silence();
    Explained { happened: history.happened, before, broken_off: broken_off(&ending) }
}

fn broken_off(ending: &Ending) -> Option<String> {
    match ending {
        Ending::Completed => None,
        Ending::Blocked(place) => Some(format!("{place}: the call waits")),
        Ending::NotSetUp(what) => Some(format!("not set up: {what}")),
        Ending::NotRunnable(need) => Some(format!("needs {}", need.as_str())),
        Ending::Failed(place, error) => Some(format!("{place}: {error}")),
    }
}

/// What the stack's looks at an event of a socket have come to.
#[derive(Debug)]
struct Looks {
    /// The step of the last registration.
    registered: Option<usize>,
    /// The step of the last post since.
    posted: Option<usize>,
    /// The last call since that re-enabled the event.
    armed: Option<Look>,
    /// The last look, and its place among all.
    last: Look,
    number: usize,
    /// What stopped the event in it; `None` if it was posted.
    silence: Option<Silence>,
}

/// The trace up to a step, as far as it was read.
#[derive(Debug, Default)]
struct History {
    /// The step that is to be explained, and what happened in it.
    step: usize,
    happened: Vec<Item>,
    /// By socket and event.
    looks: BTreeMap<(String, String), Looks>,
    /// How often the stack looked.
    count: usize,
    /// The last call or arrival, which is what makes a stack look.
    cause: String,
    /// Messages in queues, and the steps that posted them.
    queued: VecDeque<(TraceMessage, usize)>,
    /// The handle of a socket that accept has made and not returned yet.
    unnamed: Option<String>,
    /// Sockets that were closed.
    closed: BTreeSet<String>,
}

impl History {
    fn line(&mut self, line: &TraceLine) {
        let step = line.step.unwrap_or(0);
        match &line.event {
            TraceEvent::Call { thread, call } => {
                self.cause = call_text(call);
                if let ScriptCall::CloseSocket { s } = call {
                    self.closed.insert(s.clone());
                }
                let (thread, call, clause) = (thread.clone(), self.cause.clone(), None);
                self.push(step, Item::Called { thread, call, clause });
            }
            TraceEvent::Return { thread, value, clause, .. } => {
                if let (Some(name), Some(handle)) = (value, self.unnamed.take()) {
                    self.rename(&handle, name);
                }
                let clause = clause.as_deref().map(Cited::new);
                self.returned(step, thread, &return_text(&line.event), clause);
            }
            TraceEvent::Post { message, clause, after } => {
                let (socket, event) = (message.socket.clone(), message.event.clone());
                let looked = Look { step, after: after.clone(), cause: self.cause.clone() };
                let enabled = self.enabled(&socket, &event, &looked);
                self.look(&socket, &event, &looked, None);
                self.queued.push_back((message.clone(), step));
                let (message, clause) = (message.clone(), Cited::new(clause));
                self.push(step, Item::Posted { message, clause, looked, enabled });
            }
            TraceEvent::Record { s, event, error, object, clause, after } => {
                let name = event.to_string();
                let looked = Look { step, after: after.clone(), cause: self.cause.clone() };
                let enabled = self.enabled(s, &name, &looked);
                self.look(s, &name, &looked, None);
                let what = recorded_text(s, *event, *error, object.as_deref());
                let clause = Cited::new(clause);
                self.push(step, Item::Recorded { what, clause, looked, enabled });
            }
            TraceEvent::Retrieve { message, stale, .. } => {
                let queued = self.queued.iter().position(|(other, _)| other == message);
                let queued = queued.and_then(|position| self.queued.remove(position));
                let posted_in = queued.map(|(_, step)| step);
                let (message, stale) = (message.clone(), *stale);
                self.push(step, Item::Retrieved { message, posted_in, stale });
            }
            TraceEvent::Deliver { toward, segment, .. } => {
                self.cause = format!("{segment} reaches {toward}");
                self.push(step, Item::Arrived(self.cause.clone()));
            }
            TraceEvent::Land { toward, datagram } => {
                self.cause = format!("{datagram} reaches {toward}");
                self.push(step, Item::Arrived(self.cause.clone()));
            }
            TraceEvent::Fault { fault } => {
                self.cause = fault_text(fault).trim_start_matches("fault").trim().to_owned();
                self.push(step, Item::Disturbed(self.cause.clone()));
            }
            TraceEvent::Tick { ms } => {
                self.cause = format!("{ms} ms pass");
                self.push(step, Item::Arrived(self.cause.clone()));
            }
        }
        for silent in &line.silent {
            self.silence(step, silent);
        }
    }

    fn push(&mut self, step: usize, item: Item) {
        if step == self.step {
            self.happened.push(item);
        }
    }

    /// Notes what came of a look for one event.
    fn look(&mut self, socket: &str, event: &str, look: &Look, silence: Option<Silence>) {
        if look.after == Trigger::Inherited.about() && socket.starts_with("0x") {
            self.unnamed = Some(socket.to_owned());
        }
        self.count += 1;
        let key = (socket.to_owned(), event.to_owned());
        let before = self.looks.remove(&key);
        let (mut registered, mut posted, mut armed) = before
            .map_or((None, None, None), |looks| (looks.registered, looks.posted, looks.armed));
        if is_registration(look) {
            (registered, posted, armed) = (Some(look.step), None, None);
        }
        if re_enables(event, &look.after) {
            armed = Some(look.clone());
        }
        if silence.is_none() {
            (posted, armed) = (Some(look.step), None);
        }
        let (last, number) = (look.clone(), self.count);
        self.looks.insert(key, Looks { registered, posted, armed, last, number, silence });
    }

    /// Puts what a call returned beside the call, if the call was made in the same step.
    fn returned(&mut self, step: usize, thread: &str, text: &str, clause: Option<Cited>) {
        if step != self.step {
            return;
        }
        let last = self.happened.iter_mut().rev().find_map(|item| match item {
            Item::Called { thread: other, call, clause } if other == thread => Some((call, clause)),
            _ => None,
        });
        match last {
            Some((call, of_call)) if !call.contains(" -> ") => {
                call.push_str(&format!(" -> {text}"));
                *of_call = clause;
            }
            _ => {
                let (thread, call) = (thread.to_owned(), format!("... -> {text}"));
                self.happened.push(Item::Called { thread, call, clause });
            }
        }
    }

    /// accept has returned: the socket that it made has a name, and had none while it inherited.
    fn rename(&mut self, handle: &str, name: &str) {
        let rename = |socket: &mut String| {
            if socket == handle {
                name.clone_into(socket);
            }
        };
        for ((mut socket, event), mut looks) in std::mem::take(&mut self.looks) {
            rename(&mut socket);
            if let Some(silence) = &mut looks.silence {
                rename(&mut silence.socket);
            }
            self.looks.insert((socket, event), looks);
        }
        for item in &mut self.happened {
            match item {
                Item::Posted { message, .. } => rename(&mut message.socket),
                Item::Silent(silence) => rename(&mut silence.socket),
                Item::Recorded { what, .. } => *what = what.replace(handle, name),
                Item::Called { .. }
                | Item::Arrived(_)
                | Item::Disturbed(_)
                | Item::Retrieved { .. } => {}
            }
        }
        for (message, _) in &mut self.queued {
            rename(&mut message.socket);
        }
    }

    /// Adds a silence, to one of those just before it if only the event differs.
    fn silence(&mut self, step: usize, silent: &SilentEvent) {
        let SilentEvent { socket, event, guard, clause, after } = silent;
        let name = event.to_string();
        let looks = self.looks.get(&(socket.clone(), name.clone()));
        let posted_in = looks.and_then(|looks| looks.posted);
        let silence = Silence {
            socket: socket.clone(),
            events: vec![*event],
            guard: guard.clone(),
            clause: Cited::new(clause),
            looked: Look { step, after: after.clone(), cause: self.cause.clone() },
            posted_in: posted_in.filter(|_| guard == Guard::Spent.about()),
        };
        self.look(socket, &name, &silence.looked, Some(silence.clone()));
        if step != self.step {
            return;
        }
        let before = self.happened.iter_mut().rev().map_while(|item| match item {
            Item::Silent(silence) => Some(silence),
            _ => None,
        });
        let rest = join(before, silence);
        self.happened.extend(rest.map(Item::Silent));
    }

    /// Why an event of a socket could be posted in a look: it was not since the registration, or a
    /// call has re-enabled it.
    fn enabled(&self, socket: &str, event: &str, look: &Look) -> String {
        if is_registration(look) {
            return "by this registration".to_owned();
        }
        let Some(looks) = self.looks.get(&(socket.to_owned(), event.to_owned())) else {
            return "by its registration".to_owned();
        };
        let Some(posted) = looks.posted.map(step_text) else {
            return match looks.registered.map(step_text) {
                Some(step) => format!("by the registration in {step}; it was not posted since"),
                None => "by its registration".to_owned(),
            };
        };
        if re_enables(event, &look.after) {
            return format!("by this call; it was posted in {posted}");
        }
        match &looks.armed {
            Some(Look { step, cause, .. }) => {
                let step = step_text(*step);
                format!("by {cause} in {step}; before, it was posted in {posted}")
            }
            // A stack that posts an event twice all the same; its knob tells.
            None => format!("though it was posted in {posted}: this stack posts it again"),
        }
    }

    /// What stopped each event of an open socket when the stack looked last, if that was before the
    /// step.
    fn last_silence(&self) -> Vec<Silence> {
        let mut last: Vec<&Looks> = Vec::new();
        for ((socket, _), looks) in &self.looks {
            if looks.last.step == self.step {
                return Vec::new();
            }
            if !self.closed.contains(socket) {
                last.push(looks);
            }
        }
        last.sort_by_key(|looks| looks.number);
        let mut joined: Vec<Silence> = Vec::new();
        for silence in last.into_iter().filter_map(|looks| looks.silence.clone()) {
            let rest = join(joined.iter_mut(), silence);
            joined.extend(rest);
        }
        joined
    }
}

/// Adds the events of a silence to the one from which nothing else differs; else gives it back.
fn join<'s>(to: impl Iterator<Item = &'s mut Silence>, from: Silence) -> Option<Silence> {
    for other in to {
        let same = Silence { events: other.events.clone(), ..from.clone() } == *other;
        if same && from.events.iter().all(|event| !other.events.contains(event)) {
            other.events.extend(from.events);
            return None;
        }
    }
    Some(from)
}

/// Whether a look is that of a registration, which begins with every event enabled.
fn is_registration(look: &Look) -> bool {
    [Trigger::Registered, Trigger::Inherited].iter().any(|trigger| trigger.about() == look.after)
}

/// Whether a look follows a re-enabling call of an event (AS-EN-02 to AS-EN-05): a call that did
/// not re-enable made the stack look at nothing.
fn re_enables(event: &str, after: &str) -> bool {
    match event {
        "FD_WRITE" => after == Trigger::SendCalled.about(),
        "FD_ACCEPT" => after == Trigger::AcceptCalled.about(),
        _ => after == Trigger::ReceiveCalled.about(),
    }
}

/// A step in words.
#[must_use]
pub fn step_text(step: usize) -> String {
    if step == 0 { "the setup".to_owned() } else { format!("step {step}") }
}
