//! Why the messages of a step came, and why others did not.
//!
//! Everything is read off the model's trace, in which each look of the stack at a socket leaves a
//! post or a silence for each event, with what stopped it and what made the stack look. Nothing is
//! known here of when a message must come.

use std::collections::{BTreeMap, BTreeSet};

use asyncselect_abi::NetworkEvent;
use asyncselect_model::latch::{Guard, Trigger};
use asyncselect_model::{Canonical, Profile};
use serde::Serialize;

use crate::clauses::Clauses;
use crate::runner::{self, Ending};
use crate::script::Script;
use crate::script_file::ScriptCall;
use crate::sim::Sim;
use crate::trace::{
    SilentEvent, TraceEvent, TraceLine, TraceMessage, Tracer, call_text, fault_text, return_text,
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
    let mut sim = Sim::<true>::new(profile.clone(), Canonical);
    let ending = runner::run(script, &mut sim, &mut tracer);
    let mut history = History::default();
    for line in &tracer.finish() {
        history.line(line);
    }
    let before = if history.looks.iter().any(|look| look.at.step == step) {
        Vec::new()
    } else {
        history.last_silence(step)
    };
    let happened = history.items.remove(&step).unwrap_or_default();
    Explained { happened, before, broken_off: broken_off(&ending) }
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

/// What became of one event in a look.
#[derive(Clone, Debug)]
struct Seen {
    at: Look,
    socket: String,
    event: String,
    /// `None` if it was posted.
    silence: Option<Silence>,
}

/// The trace, as far as it was read.
#[derive(Debug, Default)]
struct History {
    looks: Vec<Seen>,
    /// By step.
    items: BTreeMap<usize, Vec<Item>>,
    /// The last call or arrival, which is what makes a stack look.
    cause: String,
    /// Messages in queues, and the steps that posted them.
    queued: Vec<(TraceMessage, usize)>,
    /// Sockets that were closed, and the steps that did it.
    closed: Vec<(String, usize)>,
}

impl History {
    fn line(&mut self, line: &TraceLine) {
        let step = line.step.unwrap_or(0);
        match &line.event {
            TraceEvent::Call { thread, call } => {
                self.cause = call_text(call);
                if let ScriptCall::CloseSocket { s } = call {
                    self.closed.push((s.clone(), step));
                }
                let (thread, call, clause) = (thread.clone(), self.cause.clone(), None);
                self.push(step, Item::Called { thread, call, clause });
            }
            TraceEvent::Return { thread, clause, .. } => {
                let clause = clause.as_deref().map(Cited::new);
                self.returned(step, thread, &return_text(&line.event), clause);
            }
            TraceEvent::Post { message, clause, after } => {
                let (socket, event) = (message.socket.clone(), message.event.clone());
                let looked = Look { step, after: after.clone(), cause: self.cause.clone() };
                let enabled = self.enabled(&socket, &event, &looked);
                let at = looked.clone();
                self.looks.push(Seen { at, socket, event, silence: None });
                self.queued.push((message.clone(), step));
                let (message, clause) = (message.clone(), Cited::new(clause));
                self.push(step, Item::Posted { message, clause, looked, enabled });
            }
            TraceEvent::Retrieve { message, stale, .. } => {
                let queued = self.queued.iter().position(|(other, _)| other == message);
                let posted_in = queued.map(|position| self.queued.remove(position).1);
                let (message, stale) = (message.clone(), *stale);
                self.push(step, Item::Retrieved { message, posted_in, stale });
            }
            TraceEvent::Deliver { toward, segment, .. } => {
                self.cause = format!("{segment} reaches {toward}");
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
        self.items.entry(step).or_default().push(item);
    }

    /// Puts what a call returned beside the call, if the call was made in the same step.
    fn returned(&mut self, step: usize, thread: &str, text: &str, clause: Option<Cited>) {
        let items = self.items.entry(step).or_default();
        let last = items.iter_mut().rev().find_map(|item| match item {
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
                items.push(Item::Called { thread, call, clause });
            }
        }
    }

    /// Adds a silence, to one of those just before it if only the event differs.
    fn silence(&mut self, step: usize, silent: &SilentEvent) {
        let SilentEvent { socket, event, guard, clause, after } = silent;
        let name = event.to_string();
        let spent = guard == Guard::Spent.about();
        let silence = Silence {
            socket: socket.clone(),
            events: vec![*event],
            guard: guard.clone(),
            clause: Cited::new(clause),
            looked: Look { step, after: after.clone(), cause: self.cause.clone() },
            posted_in: spent.then(|| self.last_post(socket, &name)).flatten(),
        };
        self.looks.push(Seen {
            at: silence.looked.clone(),
            socket: socket.clone(),
            event: name,
            silence: Some(silence.clone()),
        });
        let items = self.items.entry(step).or_default();
        let looks = items.iter_mut().rev().map_while(|item| match item {
            Item::Silent(silence) => Some(silence),
            _ => None,
        });
        let rest = join(looks, silence);
        items.extend(rest.map(Item::Silent));
    }

    /// The step of the last post of an event for a socket.
    fn last_post(&self, socket: &str, event: &str) -> Option<usize> {
        self.of(socket, event).rfind(|look| look.silence.is_none()).map(|look| look.at.step)
    }

    fn of(&self, socket: &str, event: &str) -> impl DoubleEndedIterator<Item = &Seen> {
        self.looks.iter().filter(move |look| look.socket == socket && look.event == event)
    }

    /// Why an event of a socket could be posted in a look: it was not since the registration, or a
    /// call has re-enabled it.
    fn enabled(&self, socket: &str, event: &str, at: &Look) -> String {
        if is_registration(at) {
            return "by this registration".to_owned();
        }
        let looks: Vec<&Seen> = self.of(socket, event).collect();
        let registered = looks.iter().rposition(|look| is_registration(&look.at));
        let Some(registered) = registered else { return "by its registration".to_owned() };
        let since = &looks[registered..];
        let Some(posted) = since.iter().rposition(|look| look.silence.is_none()) else {
            let step = step_text(since[0].at.step);
            return format!("by the registration in {step}; it was not posted since");
        };
        let before = step_text(since[posted].at.step);
        if re_enables(event, &at.after) {
            return format!("by this call; it was posted in {before}");
        }
        let call = since[posted..].iter().rfind(|look| re_enables(event, &look.at.after));
        match call {
            Some(call) => {
                let (step, cause) = (step_text(call.at.step), &call.at.cause);
                format!("by {cause} in {step}; before, it was posted in {before}")
            }
            // A stack that posts an event twice all the same; its knob tells.
            None => format!("though it was posted in {before} and no call re-enables it"),
        }
    }

    /// What stopped each event of an open socket when the stack looked last, before a step.
    fn last_silence(&self, step: usize) -> Vec<Silence> {
        let mut seen = BTreeSet::new();
        let mut last = Vec::new();
        let is_closed =
            |socket: &str| self.closed.iter().any(|(other, at)| other == socket && *at < step);
        for look in self.looks.iter().rev().filter(|look| look.at.step < step) {
            if !is_closed(&look.socket)
                && seen.insert((&look.socket, &look.event))
                && let Some(silence) = &look.silence
            {
                last.push(silence.clone());
            }
        }
        last.reverse();
        let mut joined: Vec<Silence> = Vec::new();
        for silence in last {
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
