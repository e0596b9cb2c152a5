//! A checked scenario: every name, clause id and knob resolved; no name is looked up after this.

use std::collections::BTreeMap;
use std::path::Path;

use asyncselect_abi::call::Rename;
use asyncselect_abi::data::LEN_MAX;
use asyncselect_abi::{
    Call, Data, Literal, LiteralId, MessageId, NetworkEvent, ThreadId, WsaError,
};
use asyncselect_model::stream::LITERALS_MAX;
use asyncselect_model::world::THREADS_MAX;
use asyncselect_model::{Evidence, KnobId};

use crate::clauses::Clauses;
use crate::script_file::{
    AddressSpec, Expect, FORMAT, KnobIs, LpErrnoSpec, MessageSpec, MessagesSpec, Mode, Need, Pump,
    ReturnSpec, ScriptCall, ScriptFile, Step, WhenMessages, WhenReturn,
};
use crate::source::{JsonPath, Source, SourceError, choices, nearest};

/// How often a step may repeat its call. A thousand fill every buffer that we know; without a
/// bound, a call that never fails would run for hours.
const REPEATS_MAX: u32 = 1 << 16;

/// A name of a socket or window, as its number in the script's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameId(pub u8);

/// A socket in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketRef {
    /// The one of this name.
    Named(NameId),
    /// `INVALID_SOCKET`.
    Invalid,
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
}

/// A call whose names are numbers of the script's tables.
pub type CheckedCall = Call<SocketRef, WindowRef, AddressRef, Literal>;

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
    /// Until which error, and how often at most, it is repeated.
    pub repeat: Option<(WsaError, u32)>,
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

/// A message that must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expecting {
    /// The window.
    pub hwnd: NameId,
    /// The number.
    pub message: MessageId,
    /// The socket.
    pub socket: NameId,
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
    /// What a backend must offer.
    pub needs: Vec<Need>,
    /// Names of sockets.
    pub sockets: Vec<String>,
    /// Names of windows.
    pub windows: Vec<String>,
    /// Names of threads.
    pub threads: Vec<String>,
    /// Payloads.
    pub literals: Vec<Data>,
    /// The calls that make what `setup` names.
    pub setup: Vec<CallOp>,
    /// The steps: their number in the file, what to do.
    pub steps: Vec<Op>,
    /// The 1-based line of each step in the file.
    pub lines: Vec<usize>,
    /// A socket that is bound and does not listen, if an address `refusing` is used.
    pub refusing: Option<NameId>,
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
        let file: ScriptFile = source.parse()?;
        refuse_stray_lists(&source)?;
        let mut checker = Checker::new(&source);
        checker.script(&file)?;
        let Checker { sockets, windows, threads, literals, setup, ops, needs, refusing, .. } =
            checker;
        let lines = (0..file.steps.len())
            .map(|index| source.line_of(&JsonPath::step(index)).unwrap_or(1))
            .collect();
        Ok(Self {
            id: id_of(&source.path),
            title: file.title,
            clauses: file.clauses,
            fact: file.fact.map(|fact| (fact, file.holds_on.unwrap_or_default())),
            needs,
            sockets: sockets.names,
            windows: windows.names,
            threads,
            literals,
            setup,
            steps: ops,
            lines,
            refusing,
            source,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// Whether the file pins a fact of other profiles than this one.
    #[must_use]
    pub fn is_about_others_than(&self, profile: &str) -> bool {
        self.fact.as_ref().is_some_and(|(_, on)| !on.iter().any(|other| other == profile))
    }
}

/// The fields that hold lists.
const LISTS: [&str; 18] = [
    "clauses",
    "holds_on",
    "needs",
    "modes",
    "windows",
    "pairs",
    "listeners",
    "steps",
    "lEvent",
    "flags",
    "readfds",
    "writefds",
    "exceptfds",
    "messages",
    "unordered",
    "one_of",
    "when",
    "and",
];

/// The fields that hold lists of lists.
const LISTS_OF_LISTS: [&str; 2] = ["pairs", "one_of"];

/// Refuses lists in the place of objects, which serde takes for their fields in order: a call
/// must not have two spellings.
fn refuse_stray_lists(source: &Source) -> Result<(), SourceError> {
    let value: serde_json::Value = source.parse()?;
    match stray_list(&value, &JsonPath::default(), 0) {
        Some(at) => Err(source.error(&at, "a list, where an object belongs".to_owned(), None)),
        None => Ok(()),
    }
}

/// The first list that is nested deeper than `depth` allows.
fn stray_list(value: &serde_json::Value, at: &JsonPath, depth: u8) -> Option<JsonPath> {
    use serde_json::Value;
    match value {
        Value::Array(_) if depth == 0 => Some(at.clone()),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| stray_list(item, &at.clone().index(index), depth - 1))
        }
        Value::Object(fields) => {
            // What is in handlers is not read yet.
            let mut fields = fields.iter().filter(|(key, _)| *key != "handlers");
            fields.find_map(|(key, value)| {
                let depth = u8::from(LISTS.contains(&key.as_str()))
                    + u8::from(LISTS_OF_LISTS.contains(&key.as_str()));
                stray_list(value, &at.clone().key(key), depth)
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
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

/// A table of names that only grows while a script is checked.
#[derive(Default)]
struct Names {
    names: Vec<String>,
    kind: &'static str,
}

impl Names {
    fn find(&self, name: &str) -> Option<NameId> {
        let found = self.names.iter().position(|other| other == name && is_plain(name))?;
        u8::try_from(found).ok().map(NameId)
    }

    /// The names that a script may use: hidden sockets have brackets in theirs.
    fn plain(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str).filter(|name| is_plain(name))
    }
}

/// Turns names into numbers, step by step in the order of the file.
struct Checker<'a> {
    source: &'a Source,
    sockets: Names,
    windows: Names,
    threads: Vec<String>,
    literals: Vec<Data>,
    setup: Vec<CallOp>,
    ops: Vec<Op>,
    needs: Vec<Need>,
    refusing: Option<NameId>,
    /// Calls that began and did not end: their thread, and the name of what they make.
    begun: BTreeMap<String, (ThreadId, Option<NameId>)>,
    /// The way to the call that is being checked.
    at: JsonPath,
}

const RESERVED: [&str; 3] = ["NULL", "INVALID", "INVALID_SOCKET"];

type Checked<T> = Result<T, SourceError>;

impl<'a> Checker<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            source,
            sockets: Names { names: Vec::new(), kind: "socket" },
            windows: Names { names: Vec::new(), kind: "window" },
            threads: vec!["main".to_owned()],
            literals: Vec::new(),
            setup: Vec::new(),
            ops: Vec::new(),
            needs: Vec::new(),
            refusing: None,
            begun: BTreeMap::new(),
            at: JsonPath::default(),
        }
    }

    fn wrong(&self, at: &JsonPath, message: impl Into<String>) -> SourceError {
        self.source.error(at, message.into(), None)
    }

    fn script(&mut self, file: &ScriptFile) -> Checked<()> {
        let top = JsonPath::default;
        if file.format != FORMAT {
            let message = format!("format {}; this version reads format {FORMAT}", file.format);
            return Err(self.wrong(&top().key("format"), message));
        }
        self.cited(file)?;
        self.needs.clone_from(&file.needs);
        self.set_up(file)?;
        if file.steps.is_empty() {
            return Err(self.wrong(&top().key("steps"), "a scenario has at least one step"));
        }
        for (index, step) in file.steps.iter().enumerate() {
            let at = JsonPath::step(index);
            let op = self.step(step, &at)?;
            self.ops.push(op);
        }
        if let Some(name) = self.begun.keys().next() {
            let message =
                format!("call `{name}` began and is neither ended nor `blocked` at the end");
            let last = JsonPath::step(file.steps.len() - 1);
            let blocked_last = file.steps.iter().any(|step| step.blocked.as_ref() == Some(name));
            if !blocked_last {
                return Err(self.wrong(&last, message));
            }
        }
        if file.handlers.is_some() {
            self.ops.insert(0, Op::NotModelled("handlers"));
        }
        if !file.modes.contains(&Mode::Message) {
            self.ops.insert(0, Op::NotModelled("event mode"));
        }
        if self.threads.len() > 1 && !self.needs.contains(&Need::Threads) {
            self.needs.push(Need::Threads);
        }
        Ok(())
    }

    fn cited(&self, file: &ScriptFile) -> Checked<()> {
        let known = Clauses::get();
        let top = JsonPath::default;
        if file.clauses.is_empty() {
            let at = top().key("clauses");
            return Err(self.wrong(&at, "a scenario cites at least one clause"));
        }
        for (index, id) in file.clauses.iter().enumerate() {
            if !known.has(id) {
                let at = top().key("clauses").index(index);
                let list = || "the ids are in scenarios/clauses.json".to_owned();
                let help = nearest(id, known.ids()).or_else(|| Some(list()));
                return Err(self.source.error(&at, format!("unknown clause id `{id}`"), help));
            }
        }
        match (&file.fact, &file.holds_on) {
            (None, None) => {}
            (Some(fact), Some(on)) if known.has_fact(fact) && !on.is_empty() => {}
            (Some(fact), Some(_)) => {
                let message = format!("unknown fact `{fact}`, or no profile that it holds on");
                return Err(self.wrong(&top().key("fact"), message));
            }
            (Some(_), None) => {
                return Err(self.wrong(&top().key("fact"), "a fact needs `holds_on`"));
            }
            (None, Some(_)) => {
                return Err(self.wrong(&top().key("holds_on"), "`holds_on` needs a `fact`"));
            }
        }
        Ok(())
    }

    fn set_up(&mut self, file: &ScriptFile) -> Checked<()> {
        let at = JsonPath::default().key("setup");
        let setup = &file.setup;
        let started = setup.startup.unwrap_or(true);
        if started {
            self.prepare(startup(), None);
        } else if !self.needs.contains(&Need::FreshProcess) {
            self.needs.push(Need::FreshProcess);
        }
        for (index, name) in setup.windows.iter().enumerate() {
            let window = self.new_window(name, &at.clone().key("windows").index(index))?;
            self.prepare(Call::CreateWindow {}, Some(window));
        }
        for (index, name) in setup.listeners.iter().enumerate() {
            let listener = self.new_socket(name, &at.clone().key("listeners").index(index))?;
            self.prepare_listener(listener);
        }
        for (index, [client, server]) in setup.pairs.iter().enumerate() {
            let at = at.clone().key("pairs").index(index);
            let client = self.new_socket(client, &at.clone().index(0))?;
            let server = self.new_socket(server, &at.index(1))?;
            let listener = self.hidden_socket("pair", index)?;
            self.prepare_listener(listener);
            self.prepare(stream_socket(), Some(client));
            let name = AddressRef::Of(listener);
            self.prepare(Call::Connect { s: SocketRef::Named(client), name }, None);
            self.prepare(Call::Accept { s: SocketRef::Named(listener) }, Some(server));
            self.prepare(Call::CloseSocket { s: SocketRef::Named(listener) }, None);
        }
        Ok(())
    }

    fn prepare_listener(&mut self, listener: NameId) {
        let s = SocketRef::Named(listener);
        self.prepare(stream_socket(), Some(listener));
        self.prepare(Call::Bind { s, name: AddressRef::Any }, None);
        self.prepare(Call::Listen { s, backlog: 5 }, None);
    }

    fn prepare(&mut self, call: CheckedCall, binds: Option<NameId>) {
        self.setup.push(CallOp {
            thread: ThreadId(0),
            call,
            binds,
            settle: true,
            begins: false,
            repeat: None,
            expect: Cases { base: success(), when: Vec::new() },
        });
    }

    fn new_socket(&mut self, name: &str, at: &JsonPath) -> Checked<NameId> {
        add_name(&mut self.sockets, name, self.source, at)
    }

    fn new_window(&mut self, name: &str, at: &JsonPath) -> Checked<NameId> {
        add_name(&mut self.windows, name, self.source, at)
    }

    /// A socket that no script can name.
    fn hidden_socket(&mut self, what: &str, index: usize) -> Checked<NameId> {
        self.sockets.names.push(format!("({what} {index})"));
        u8::try_from(self.sockets.names.len() - 1)
            .map(NameId)
            .map_err(|_| self.wrong(&JsonPath::default().key("setup"), "more than 255 sockets"))
    }

    fn step(&mut self, step: &Step, at: &JsonPath) -> Checked<Op> {
        let kinds = [
            ("do", step.r#do.is_some()),
            ("end", step.end.is_some()),
            ("blocked", step.blocked.is_some()),
            ("messages", step.messages.is_some()),
            ("pump", step.pump.is_some()),
            ("fault", step.fault.is_some()),
            ("advance_ms", step.advance_ms.is_some()),
        ];
        let given: Vec<&str> =
            kinds.iter().filter(|(_, given)| *given).map(|(kind, _)| *kind).collect();
        match given[..] {
            [kind] => self.belongs_to(step, kind, at)?,
            [] if step.settle == Some(true) => self.belongs_to(step, "settle", at)?,
            [] => {
                let message = "a step needs one of `do`, `end`, `blocked`, `messages`, `pump`, \
                               `fault`, `advance_ms`, or `settle`: true";
                return Err(self.wrong(at, message));
            }
            [first, second, ..] => {
                let message = format!("a step does one thing, not both `{first}` and `{second}`");
                return Err(self.wrong(&at.clone().key(second), message));
            }
        }
        let thread = match &step.thread {
            Some(name) => self.thread(name, &at.clone().key("thread"))?,
            None => ThreadId(0),
        };
        if let Some(call) = &step.r#do {
            return self.call_step(step, call, thread, at).map(Op::Call);
        }
        if let Some(name) = &step.end {
            let (thread, binds) = self.begun_call(name, &at.clone().key("end"))?;
            self.begun.remove(name);
            let expect = self.expectation(step.expect.as_ref(), &at.clone().key("expect"))?;
            return Ok(Op::End { thread, expect, binds });
        }
        if let Some(name) = &step.blocked {
            let (thread, _) = self.begun_call(name, &at.clone().key("blocked"))?;
            return Ok(Op::Blocked { thread });
        }
        if let Some(messages) = &step.messages {
            return self.claim(messages, &step.when, at).map(Op::Claim);
        }
        if let Some(pump) = &step.pump {
            return self.pump(pump, thread, &at.clone().key("pump"));
        }
        if step.fault.is_some() {
            self.need(Need::Faults);
            return Ok(Op::NotModelled("faults"));
        }
        if step.advance_ms.is_some() {
            self.need(Need::SimulatedTime);
            return Ok(Op::NotModelled("simulated time"));
        }
        Ok(Op::Settle)
    }

    fn need(&mut self, need: Need) {
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
    }

    /// Refuses fields that the kind of step does not have.
    fn belongs_to(&self, step: &Step, kind: &str, at: &JsonPath) -> Checked<()> {
        let fields: [(&str, bool, &[&str]); 8] = [
            ("as", step.r#as.is_some(), &["do"]),
            ("thread", step.thread.is_some(), &["do", "pump"]),
            ("begin", step.begin.is_some(), &["do"]),
            ("repeat_until", step.repeat_until.is_some(), &["do"]),
            ("max", step.max.is_some(), &["do"]),
            ("expect", step.expect.is_some(), &["do", "end"]),
            ("settle", step.settle.is_some(), &["do", "settle"]),
            ("when", !step.when.is_empty(), &["messages"]),
        ];
        for (field, given, kinds) in fields {
            if given && !kinds.contains(&kind) {
                let message = format!("`{field}` means nothing beside `{kind}`");
                return Err(self.wrong(&at.clone().key(field), message));
            }
        }
        Ok(())
    }

    fn call_step(
        &mut self,
        step: &Step,
        call: &ScriptCall,
        thread: ThreadId,
        at: &JsonPath,
    ) -> Checked<CallOp> {
        self.at = at.clone().key("do").key(call.name());
        let checked = call.try_map(self)?;
        self.derive_needs(&checked);
        let binds = self.made_by(step, call, at)?;
        let repeat = match (step.repeat_until, step.max) {
            (None, None) => None,
            (Some(error), Some(max)) if (1..=REPEATS_MAX).contains(&max) => Some((error, max)),
            (Some(_), given) => {
                let at = if given.is_some() { at.clone().key("max") } else { at.clone() };
                let message = format!("`repeat_until` needs a `max` from 1 to {REPEATS_MAX}");
                return Err(self.wrong(&at, message));
            }
            (None, Some(_)) => {
                let message = "`max` means nothing without `repeat_until`";
                return Err(self.wrong(&at.clone().key("max"), message));
            }
        };
        // What the calls return on the way is not looked at.
        let any = Expect { r#return: Some(ReturnSpec::Any), ..Expect::default() };
        if repeat.is_some() && step.expect.as_ref().is_some_and(|expect| *expect != any) {
            let message =
                "beside `repeat_until` there is nothing to expect but `\"return\": \"any\"`";
            return Err(self.wrong(&at.clone().key("expect"), message));
        }
        if let Some(name) = &step.begin {
            if self.begun.insert(name.clone(), (thread, binds)).is_some() {
                let message = format!("a call `{name}` began already and did not end");
                return Err(self.wrong(&at.clone().key("begin"), message));
            }
            if step.expect.is_some() || repeat.is_some() {
                let message = "what a call that began must return stands at its `end`";
                return Err(self.wrong(at, message));
            }
        }
        let expect = self.expectation(step.expect.as_ref(), &at.clone().key("expect"))?;
        Ok(CallOp {
            thread,
            call: checked,
            binds,
            settle: step.settle.unwrap_or(true),
            begins: step.begin.is_some(),
            repeat,
            expect,
        })
    }

    fn made_by(
        &mut self,
        step: &Step,
        call: &ScriptCall,
        at: &JsonPath,
    ) -> Checked<Option<NameId>> {
        let Some(name) = &step.r#as else { return Ok(None) };
        let at = at.clone().key("as");
        match call {
            Call::Socket { .. } | Call::Accept { .. } | Call::WsaDuplicateSocket { .. } => {
                self.new_socket(name, &at).map(Some)
            }
            Call::CreateWindow {} => self.new_window(name, &at).map(Some),
            other => {
                let message = format!("`{}` makes nothing that could be named", other.name());
                Err(self.wrong(&at, message))
            }
        }
    }

    fn derive_needs(&mut self, call: &CheckedCall) {
        match call {
            Call::WspAsyncSelect { .. } => self.need(Need::Spi),
            Call::Send { flags, .. } | Call::Recv { flags, .. } if flags.oob => {
                self.need(Need::Oob);
            }
            Call::Connect { name: AddressRef::Unreachable, .. } => self.need(Need::Faults),
            _ => {}
        }
    }

    fn thread(&mut self, name: &str, at: &JsonPath) -> Checked<ThreadId> {
        let known = self.threads.iter().position(|other| other == name);
        let index = known.unwrap_or_else(|| {
            self.threads.push(name.to_owned());
            self.threads.len() - 1
        });
        if index >= THREADS_MAX {
            return Err(self.wrong(at, format!("more than {THREADS_MAX} threads")));
        }
        Ok(ThreadId(u8::try_from(index).expect("bounded above")))
    }

    fn begun_call(&self, name: &str, at: &JsonPath) -> Checked<(ThreadId, Option<NameId>)> {
        self.begun.get(name).copied().ok_or_else(|| {
            let help = nearest(name, self.begun.keys().map(String::as_str));
            self.source.error(at, format!("no call `{name}` has begun"), help)
        })
    }

    fn expectation(&self, expect: Option<&Expect>, at: &JsonPath) -> Checked<Expectation> {
        let Some(expect) = expect else {
            return Ok(Cases { base: success(), when: Vec::new() });
        };
        let base = Expected {
            value: expect.r#return,
            error: expect.error,
            data: expect.data.clone(),
            lp_errno: expect.lp_errno,
        };
        self.one_outcome(&base, at)?;
        let mut when = Vec::new();
        for (index, case) in expect.when.iter().enumerate() {
            let WhenReturn { knob, is, and, evidence, r#return, error, data, lp_errno } = case;
            let at = at.clone().key("when").index(index);
            let then = Expected {
                value: *r#return,
                error: *error,
                data: data.clone(),
                lp_errno: *lp_errno,
            };
            self.one_outcome(&then, &at)?;
            when.push(self.case(knob, is, and, evidence, then, &at)?);
        }
        Ok(Cases { base, when })
    }

    /// A value beside an error would never be looked at.
    fn one_outcome(&self, expected: &Expected, at: &JsonPath) -> Checked<()> {
        match (expected.value, expected.error) {
            (None | Some(ReturnSpec::Failure), _) | (_, None) => Ok(()),
            (Some(value), Some(error)) => {
                let message = format!("a call returns {value} or fails with {error}, not both");
                Err(self.wrong(&at.clone().key("error"), message))
            }
        }
    }

    fn claim(
        &self,
        messages: &MessagesSpec,
        cases: &[WhenMessages],
        at: &JsonPath,
    ) -> Checked<Cases<Claim>> {
        let base = self.claimed(messages, &at.clone().key("messages"))?;
        let mut when = Vec::new();
        for (index, case) in cases.iter().enumerate() {
            let WhenMessages { knob, is, and, evidence, messages } = case;
            let at = at.clone().key("when").index(index);
            let then = self.claimed(messages, &at.clone().key("messages"))?;
            when.push(self.case(knob, is, and, evidence, then, &at)?);
        }
        Ok(Cases { base, when })
    }

    fn case<T>(
        &self,
        knob: &str,
        is: &str,
        and: &[KnobIs],
        evidence: &str,
        then: T,
        at: &JsonPath,
    ) -> Checked<Case<T>> {
        let mut conditions = vec![self.knob(knob, is, at)?];
        for (index, KnobIs { knob, is }) in and.iter().enumerate() {
            conditions.push(self.knob(knob, is, &at.clone().key("and").index(index))?);
        }
        let (evidence, sources) = self.evidence(evidence, &at.clone().key("evidence"))?;
        Ok(Case { conditions, evidence, sources, then })
    }

    fn knob(&self, knob: &str, is: &str, at: &JsonPath) -> Checked<(KnobId, u8)> {
        let id = KnobId::from_name(knob).ok_or_else(|| {
            let names = || KnobId::ALL.iter().map(|knob| knob.name());
            let help = nearest(knob, names()).or_else(|| Some(choices(names())));
            let at = at.clone().key("knob");
            self.source.error(&at, format!("unknown knob `{knob}`"), help)
        })?;
        let value = id.value_index(is).ok_or_else(|| {
            let values = id.values().join("`, `");
            let message = format!("knob `{knob}` has no `{is}`, it has `{values}`");
            let help = nearest(is, id.values().iter().copied());
            self.source.error(&at.clone().key("is"), message, help)
        })?;
        Ok((id, value))
    }

    fn evidence(&self, text: &str, at: &JsonPath) -> Checked<(Evidence, String)> {
        let words = [
            Evidence::Documented,
            Evidence::Measured,
            Evidence::ObservedElsewhere,
            Evidence::Inferred,
            Evidence::Disputed,
        ];
        let found = text.split_once(": ").and_then(|(word, sources)| {
            let evidence = words.into_iter().find(|evidence| evidence.as_str() == word)?;
            Some((evidence, sources.to_owned()))
        });
        found.filter(|(_, sources)| !sources.is_empty()).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|evidence| evidence.as_str()).collect();
            let message =
                format!("evidence is one of `{}`, then a colon and sources", words.join("`, `"));
            let word = text.split(':').next().unwrap_or("");
            let help = if words.contains(&word) {
                Some(format!("`{word}: ` and a clause, a fact or a recording"))
            } else {
                nearest(word, words)
            };
            self.source.error(at, message, help)
        })
    }

    fn claimed(&self, messages: &MessagesSpec, at: &JsonPath) -> Checked<Claim> {
        let list = |messages: &[MessageSpec], at: &JsonPath| {
            let numbered = messages.iter().enumerate();
            numbered
                .map(|(index, message)| self.expecting(message, &at.clone().index(index)))
                .collect::<Checked<Vec<Expecting>>>()
        };
        match messages {
            MessagesSpec::Ordered(messages) => list(messages, at).map(Claim::Ordered),
            MessagesSpec::Unordered(messages) => {
                list(messages, &at.clone().key("unordered")).map(Claim::Unordered)
            }
            MessagesSpec::OneOf(lists) => {
                let at = at.clone().key("one_of");
                if lists.is_empty() {
                    return Err(self.wrong(&at, "`one_of` needs at least one list"));
                }
                let numbered = lists.iter().enumerate();
                numbered
                    .map(|(index, messages)| list(messages, &at.clone().index(index)))
                    .collect::<Checked<Vec<_>>>()
                    .map(Claim::OneOf)
            }
        }
    }

    fn expecting(&self, message: &MessageSpec, at: &JsonPath) -> Checked<Expecting> {
        Ok(Expecting {
            hwnd: self.known(&self.windows, &message.hwnd, &at.clone().key("hWnd"))?,
            message: message.message,
            socket: self.known(&self.sockets, &message.socket, &at.clone().key("wParam"))?,
            event: message.event,
            error: message.error.unwrap_or_default(),
        })
    }

    fn pump(&mut self, pump: &Pump, thread: ThreadId, at: &JsonPath) -> Checked<Op> {
        if pump.dispatch == Some(true) {
            return Ok(Op::NotModelled("handlers"));
        }
        let hwnd = match &pump.hwnd {
            Some(name) => Some(self.known(&self.windows, name, &at.clone().key("hWnd"))?),
            None => None,
        };
        let range = match (pump.min, pump.max) {
            (None, None) => None,
            (min, max) => Some((min.unwrap_or(MessageId(0)), max.unwrap_or(MessageId(u32::MAX)))),
        };
        let remove = pump.remove.unwrap_or(true);
        let count = pump.count.unwrap_or(if remove { u32::MAX } else { 1 });
        if !remove && count != 1 {
            let message = "a look without `remove` sees one message, always the same";
            return Err(self.wrong(&at.clone().key("count"), message));
        }
        Ok(Op::Pump { thread, pump: PumpOp { hwnd, range, remove, count } })
    }

    fn known(&self, names: &Names, name: &str, at: &JsonPath) -> Checked<NameId> {
        names.find(name).ok_or_else(|| {
            let help = nearest(name, names.plain()).or_else(|| {
                let made = names.plain().next().is_some();
                made.then(|| choices(names.plain()))
            });
            self.source.error(at, format!("unknown {} `{name}`", names.kind), help)
        })
    }
}

impl Rename<String, String, AddressSpec, Data> for Checker<'_> {
    type Socket = SocketRef;
    type Window = WindowRef;
    type Address = AddressRef;
    type Data = Literal;
    type Error = SourceError;

    fn socket(&mut self, field: &'static str, name: &String) -> Checked<SocketRef> {
        if name == "INVALID_SOCKET" {
            return Ok(SocketRef::Invalid);
        }
        let at = self.at.clone().key(field);
        self.known(&self.sockets, name, &at).map(SocketRef::Named)
    }

    fn window(&mut self, field: &'static str, name: &String) -> Checked<WindowRef> {
        match name.as_str() {
            "NULL" => Ok(WindowRef::Null),
            "INVALID" => Ok(WindowRef::Invalid),
            name => {
                let at = self.at.clone().key(field);
                self.known(&self.windows, name, &at).map(WindowRef::Named)
            }
        }
    }

    fn address(&mut self, field: &'static str, address: &AddressSpec) -> Checked<AddressRef> {
        match address {
            AddressSpec::Of(name) => {
                let at = self.at.clone().key(field).key("of");
                self.known(&self.sockets, name, &at).map(AddressRef::Of)
            }
            AddressSpec::Any => Ok(AddressRef::Any),
            AddressSpec::Refusing => {
                if self.refusing.is_none() {
                    let socket = self.hidden_socket("refusing", 0)?;
                    self.prepare(stream_socket(), Some(socket));
                    let s = SocketRef::Named(socket);
                    self.prepare(Call::Bind { s, name: AddressRef::Any }, None);
                    self.refusing = Some(socket);
                }
                Ok(AddressRef::Refusing)
            }
            AddressSpec::Unreachable => Ok(AddressRef::Unreachable),
        }
    }

    fn data(&mut self, field: &'static str, data: &Data) -> Checked<Literal> {
        let at = self.at.clone().key(field);
        let len = u32::try_from(data.len()).ok().filter(|len| *len <= LEN_MAX);
        let Some(len) = len else {
            return Err(self.wrong(&at, format!("more than {LEN_MAX} bytes")));
        };
        if self.literals.len() == LITERALS_MAX {
            return Err(self.wrong(&at, format!("more than {LITERALS_MAX} payloads")));
        }
        self.literals.push(data.clone());
        let id = u16::try_from(self.literals.len() - 1).expect("bounded above");
        Ok(Literal { id: LiteralId(id), len })
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !name.is_empty() && name.chars().all(plain)
}

fn add_name(names: &mut Names, name: &str, source: &Source, at: &JsonPath) -> Checked<NameId> {
    let kind = names.kind;
    let wrong = |message: String| Err(source.error(at, message, None));
    if RESERVED.contains(&name) {
        return wrong(format!("`{name}` means something else and is no name for a {kind}"));
    }
    if !is_plain(name) {
        return wrong(format!("`{name}` is no name for a {kind}: letters, digits, `_` and `-`"));
    }
    if names.find(name).is_some() {
        return wrong(format!("there is a {kind} `{name}` already; a new one needs a new name"));
    }
    names.names.push(name.to_owned());
    match u8::try_from(names.names.len() - 1) {
        Ok(index) => Ok(NameId(index)),
        Err(_) => wrong(format!("more than 256 names of a {kind}")),
    }
}

fn startup() -> CheckedCall {
    Call::WsaStartup { version: asyncselect_abi::call::Version { major: 2, minor: 2 } }
}

fn stream_socket() -> CheckedCall {
    Call::Socket { kind: asyncselect_abi::call::SocketType::Stream }
}

fn success() -> Expected {
    Expected { value: None, error: None, data: None, lp_errno: None }
}
