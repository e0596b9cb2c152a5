//! A checked scenario: every name, clause id and knob resolved; no name is looked up after this.

use std::borrow::Cow;
use std::path::Path;

use asyncselect_abi::call::Repeat;
use asyncselect_abi::{
    Call, Data, EventRecord, Family, Fault, HostId, Literal, MessageId, NetworkEvent, ProcessId,
    ThreadId, WsaError,
};
use asyncselect_model::{Evidence, KnobId};

use crate::script_file::{LpErrnoSpec, Mode, Need, ReturnSpec, ScriptFile};
use crate::source::{JsonPath, Source, SourceError};
use crate::stack::Happening;

mod check;
mod event_mode;
mod expect;
mod lists;
pub mod suite;

pub use event_mode::EventMode;

/// A name of a socket, window or event object, as its number in the script's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameId(pub u8);

/// A socket in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketRef {
    /// The one of this name.
    Named(NameId),
    /// `INVALID_SOCKET`.
    Invalid,
    /// `NULL`, which only a `wParam` can be.
    Null,
}

/// A window in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowRef {
    /// The one of this name.
    Named(NameId),
    /// `NULL`.
    Null,
    /// `INVALID`: a handle that no window has.
    Invalid,
}

/// An event object in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventRef {
    /// The one of this name.
    Named(NameId),
    /// `NULL`.
    Null,
    /// `INVALID`: a handle that no event object has.
    Invalid,
}

/// An address in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressRef {
    /// Where that socket is bound.
    Of(NameId),
    /// This machine, any free port.
    Any,
    /// A port on which nobody listens.
    Refusing,
    /// A network that cannot be reached.
    Unreachable,
    /// A structure of zeros.
    Zero,
    /// None: a null pointer.
    Null,
}

/// A call whose names are numbers of the script's tables.
pub type CheckedCall = Call<SocketRef, WindowRef, EventRef, AddressRef, Literal>;

/// One thing for the runner to do.
#[derive(Clone, Debug)]
pub enum Op {
    /// Makes a call.
    Call(CallOp),
    /// Requires that a call that began has returned.
    End {
        /// Its thread.
        thread: ThreadId,
        /// What the call must return.
        expect: Expectation,
        /// What the returned handle is called.
        binds: Option<NameId>,
    },
    /// Requires that a call that began still waits.
    Blocked {
        /// Its thread.
        thread: ThreadId,
    },
    /// Claims retrieved messages.
    Claim(Cases<Claim>),
    /// Retrieves messages.
    Pump {
        /// The thread whose queue is looked at.
        thread: ThreadId,
        /// Which.
        pump: PumpOp,
    },
    /// Waits until the network is quiet.
    Settle,
    /// Disturbs the network or the machine.
    Fault(Fault<SocketRef>),
    /// Lets simulated time pass, in milliseconds.
    Advance(u32),
    /// Lets one thing happen that happens by itself.
    Happen(Happening),
    /// Something that format 1 has and the runner has not.
    NotModelled(&'static str),
}

/// A call in its place.
#[derive(Clone, Debug)]
pub struct CallOp {
    /// Who calls.
    pub thread: ThreadId,
    /// What.
    pub call: CheckedCall,
    /// What the returned handle is called.
    pub binds: Option<NameId>,
    /// Whether the network is brought to rest afterwards.
    pub settle: bool,
    /// Whether the call may wait.
    pub begins: bool,
    /// How often it is made.
    pub repeat: Repeat,
    /// What it must return.
    pub expect: Expectation,
}

/// What to retrieve.
#[derive(Clone, Copy, Debug)]
pub struct PumpOp {
    /// Only this window.
    pub hwnd: Option<NameId>,
    /// Only these numbers.
    pub range: Option<(MessageId, MessageId)>,
    /// Whether messages leave the queue.
    pub remove: bool,
    /// At most so many.
    pub count: u32,
}

/// What must be the case: on a stack that follows the clause, and where knobs are set otherwise.
#[derive(Clone, Debug)]
pub struct Cases<T> {
    /// Where nothing else is said.
    pub base: T,
    /// The first whose condition holds replaces the base.
    pub when: Vec<Case<T>>,
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case<T> {
    /// All of these must hold.
    pub conditions: Vec<(KnobId, u8)>,
    /// How we know.
    pub evidence: Evidence,
    /// Clause, fact or recording.
    pub sources: String,
    /// What must be the case.
    pub then: T,
}

impl<T> Cases<T> {
    /// The case that holds for a run, and `None` for its conditions if it is the base.
    pub fn select(&self, holds: impl Fn(KnobId, u8) -> bool) -> (&T, Option<&Case<T>>) {
        let all =
            |case: &&Case<T>| case.conditions.iter().all(|(knob, value)| holds(*knob, *value));
        match self.when.iter().find(all) {
            Some(case) => (&case.then, Some(case)),
            None => (&self.base, None),
        }
    }
}

/// What a call must return.
pub type Expectation = Cases<Expected>;

/// One alternative of what a call must return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The value; `None` for success, whatever it is.
    pub value: Option<ReturnSpec>,
    /// The error.
    pub error: Option<WsaError>,
    /// The bytes received.
    pub data: Option<Data>,
    /// What is in `*lpErrno`.
    pub lp_errno: Option<LpErrnoSpec>,
    /// What was recorded.
    pub events: Option<EventRecord>,
}

impl Expected {
    /// Success, whatever is returned.
    pub(crate) const SUCCESS: Self =
        Self { value: None, error: None, data: None, lp_errno: None, events: None };
}

/// What must have been retrieved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// These, in this order on each thread.
    Ordered(Vec<Expecting>),
    /// These, in any order.
    Unordered(Vec<Expecting>),
    /// One of these lists.
    OneOf(Vec<Vec<Expecting>>),
}

/// Both sides of a claim that leaves something open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// The step that claims.
    pub step: usize,
    /// What can come, list by list.
    pub must_reach: Vec<Vec<Expecting>>,
    /// What never comes.
    pub must_reject: Vec<Vec<Expecting>>,
}

/// A message that must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expecting {
    /// The window.
    pub hwnd: NameId,
    /// The number.
    pub message: MessageId,
    /// The socket; `None` for a null `wParam`, which no clause lets a stack post.
    pub socket: Option<NameId>,
    /// The event.
    pub event: NetworkEvent,
    /// The error.
    pub error: WsaError,
}

/// A scenario that is ready to run.
#[derive(Clone, Debug)]
pub struct Script {
    /// `family/what-happens`.
    pub id: String,
    /// One line.
    pub title: String,
    /// What the expectations rest on.
    pub clauses: Vec<String>,
    /// The observed fact that the file pins, and the profiles on which it holds.
    pub fact: Option<(String, Vec<String>)>,
    /// The address family of its runs: IPv4, unless [`Script::on`] says otherwise.
    pub family: Family,
    /// What a backend must offer.
    pub needs: Vec<Need>,
    /// Names of sockets.
    pub sockets: Vec<String>,
    /// Names of windows.
    pub windows: Vec<String>,
    /// Names of event objects.
    pub events: Vec<String>,
    /// Names of threads.
    pub threads: Vec<String>,
    /// The machine of each thread; none if all are on one.
    pub hosts: Vec<HostId>,
    /// The process of each thread; none if all are in one.
    pub processes: Vec<ProcessId>,
    /// Names of the machines or processes after the first, which has none.
    pub machines: Vec<String>,
    /// Payloads.
    pub literals: Vec<Data>,
    /// The calls that make what `setup` names.
    pub setup: Vec<CallOp>,
    /// The steps: their number in the file, what to do.
    pub steps: Vec<Op>,
    /// Claims that say what must be possible, and what must not.
    pub guarded: Vec<Guarded>,
    /// The alternatives that a run takes where its profile leaves a knob open.
    pub choices: Vec<(KnobId, u8)>,
    /// A socket that is bound and does not listen, if an address `refusing` is used.
    pub refusing: Option<NameId>,
    /// Set if the script is one in event mode.
    pub event_mode: Option<EventMode>,
    /// The same script in event mode, where the file opts in.
    pub twin: Option<Box<Self>>,
    source: Source,
}

impl Script {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// With the place and a suggestion.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        Self::check(Source::read(path)?)
    }

    /// Checks a file that was read.
    ///
    /// # Errors
    ///
    /// With the place and a suggestion.
    pub fn check(source: Source) -> Result<Self, SourceError> {
        let file: ScriptFile = source
            .parse()
            .map_err(|error| suite::instead(&source, lists::instead(&source, error)))?;
        lists::refuse_stray_lists(&source)?;
        let mut checker = check::Checker::new(&source);
        checker.script(&file)?;
        let check::Checker {
            sockets,
            windows,
            events,
            threads,
            hosts,
            machines,
            apart,
            literals,
            setup,
            ops,
            needs,
            guarded,
            choices,
            refusing,
            ..
        } = checker;
        let (hosts, processes) = apart.of_threads(&machines, hosts);
        let mut script = Self {
            id: id_of(&source.path),
            title: file.title,
            clauses: file.clauses,
            fact: file.fact.map(|fact| (fact, file.holds_on.unwrap_or_default())),
            family: Family::default(),
            needs,
            guarded,
            choices,
            sockets: sockets.names,
            windows: windows.names,
            events: events.names,
            threads,
            hosts,
            processes,
            machines,
            literals,
            setup,
            steps: ops,
            refusing,
            event_mode: None,
            twin: None,
            source,
        };
        let modes = JsonPath::default().key("modes");
        if !file.modes.contains(&Mode::Message) {
            let message = "without `message`, in which every file runs".to_owned();
            return Err(script.source.error(&modes, message, None));
        }
        if file.modes.contains(&Mode::Event) {
            let twin = script.in_event_mode().map_err(|(step, why)| {
                let message = format!("no event mode for this file: step {}: {why}", step + 1);
                script.source.error(&modes, message, None)
            })?;
            script.twin = Some(Box::new(twin));
            script.keep_message_mode();
        }
        Ok(script)
    }

    /// The same script for runs of an address family: nothing in a file says which.
    #[must_use]
    pub fn on(mut self, family: Family) -> Self {
        self.family = family;
        self.needs.retain(|need| *need != Need::Ipv6);
        if family == Family::Ipv6 {
            self.needs.push(Need::Ipv6);
        }
        self
    }

    /// What reports call its runs: the id, and the family if it is not the usual one.
    #[must_use]
    pub fn label(&self) -> Cow<'_, str> {
        match self.family {
            Family::Ipv4 => Cow::Borrowed(&self.id),
            Family::Ipv6 => Cow::Owned(format!("{} ({})", self.id, self.family)),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// The 1-based line of a step in the file.
    #[must_use]
    pub fn line_of(&self, step: usize) -> Option<usize> {
        self.source.line_of(&JsonPath::step(step))
    }

    /// The machine that a thread is on.
    #[must_use]
    pub fn host_of(&self, thread: ThreadId) -> HostId {
        self.hosts.get(usize::from(thread.0)).copied().unwrap_or_default()
    }

    /// Whether threads are on several machines or in several processes.
    #[must_use]
    pub fn is_apart(&self) -> bool {
        !self.machines.is_empty()
    }

    /// Whether the file pins a fact of other profiles than this one.
    #[must_use]
    pub fn is_about_others_than(&self, profile: &str) -> bool {
        self.fact.as_ref().is_some_and(|(_, on)| !on.iter().any(|other| other == profile))
    }
}

/// `family/what-happens`, from the last two parts of the path.
fn id_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match path.parent().and_then(Path::file_name) {
        Some(family) => format!("{}/{stem}", family.to_string_lossy()),
        None => stem.into_owned(),
    }
}
