//! Turns names into numbers, step by step in the order of the file.

use std::collections::BTreeMap;

use asyncselect_abi::call::{DESTINATION, Rename, Repeat, WPARAM};
use asyncselect_abi::data::LEN_MAX;
use asyncselect_abi::{Call, Data, HostId, Literal, LiteralId, MessageId, ProcessId, ThreadId};
use asyncselect_model::stream::{LITERALS_MAX, Side};
use asyncselect_model::world::THREADS_MAX;
use asyncselect_model::{KnobId, Profile};

use super::{
    AddressRef, CallOp, Cases, CheckedCall, EventRef, Expected, Guarded, NameId, Op, PumpOp,
    SocketRef, WindowRef,
};
use crate::clauses::Clauses;
use crate::script_file::{
    AddressSpec, Expect, FORMAT, Happen, Hosts, KnobIs, Need, Pump, ReturnSpec, ScriptCall,
    ScriptFile, Step, Toward,
};
use crate::source::{JsonPath, Source, SourceError, choices, nearest};
use crate::stack::Happening;

/// How often a step may repeat its call. A thousand fill every buffer that we know; without a
/// bound, a call that never fails would run for hours.
pub(super) const REPEATS_MAX: u32 = 1 << 16;

/// What the threads of a script are apart in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Apart {
    /// Machines.
    Machines,
    /// Processes of one machine.
    Processes,
}

impl Apart {
    /// The machine of each thread and its process; nothing where there is one only.
    pub(super) fn of_threads(
        self,
        further: &[String],
        hosts: Vec<HostId>,
    ) -> (Vec<HostId>, Vec<ProcessId>) {
        match self {
            _ if further.is_empty() => (Vec::new(), Vec::new()),
            Self::Machines => (hosts, Vec::new()),
            Self::Processes => {
                (Vec::new(), hosts.into_iter().map(|host| ProcessId(host.0)).collect())
            }
        }
    }

    const fn on(self) -> &'static str {
        match self {
            Self::Machines => "on",
            Self::Processes => "in",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Machines => "machine",
            Self::Processes => "process",
        }
    }
}

/// A table of names that only grows while a script is checked.
#[derive(Default)]
pub(super) struct Names {
    pub(super) names: Vec<String>,
    /// The machine of each.
    hosts: Vec<HostId>,
    kind: &'static str,
}

impl Names {
    fn of(kind: &'static str) -> Self {
        Self { kind, ..Self::default() }
    }

    pub(super) fn host(&self, name: NameId) -> HostId {
        self.hosts[usize::from(name.0)]
    }

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
pub(super) struct Checker<'a> {
    pub(super) source: &'a Source,
    pub(super) sockets: Names,
    pub(super) windows: Names,
    pub(super) events: Names,
    pub(super) threads: Vec<String>,
    /// The machine of each thread.
    pub(super) hosts: Vec<HostId>,
    /// Names of the machines or processes after the first.
    pub(super) machines: Vec<String>,
    /// Which of them.
    pub(super) apart: Apart,
    pub(super) literals: Vec<Data>,
    pub(super) setup: Vec<CallOp>,
    pub(super) ops: Vec<Op>,
    pub(super) needs: Vec<Need>,
    pub(super) guarded: Vec<Guarded>,
    pub(super) choices: Vec<(KnobId, u8)>,
    pub(super) refusing: Option<NameId>,
    /// Calls that began and did not end: their thread, and the name of what they make.
    begun: BTreeMap<String, (ThreadId, Option<NameId>)>,
    /// The way to the call that is being checked.
    at: JsonPath,
    /// Who makes it.
    caller: ThreadId,
    /// Whether it is connect or sendto, which name sockets of other machines by their address.
    connects: bool,
}

/// The first thread.
const MAIN: &str = "main";

const RESERVED: [&str; 3] = ["NULL", "INVALID", "INVALID_SOCKET"];

pub(super) type Checked<T> = Result<T, SourceError>;

impl<'a> Checker<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            sockets: Names::of("socket"),
            windows: Names::of("window"),
            events: Names::of("event object"),
            threads: vec![MAIN.to_owned()],
            hosts: vec![HostId(0)],
            machines: Vec::new(),
            apart: Apart::Machines,
            literals: Vec::new(),
            setup: Vec::new(),
            ops: Vec::new(),
            needs: Vec::new(),
            guarded: Vec::new(),
            choices: Vec::new(),
            refusing: None,
            begun: BTreeMap::new(),
            at: JsonPath::default(),
            caller: ThreadId(0),
            connects: false,
        }
    }

    pub(super) fn wrong(&self, at: &JsonPath, message: impl Into<String>) -> SourceError {
        self.source.error(at, message.into(), None)
    }

    pub(super) fn script(&mut self, file: &ScriptFile) -> Checked<()> {
        let top = JsonPath::default;
        if file.format != FORMAT {
            let message = format!("format {}; this version reads format {FORMAT}", file.format);
            return Err(self.wrong(&top().key("format"), message));
        }
        self.cited(file)?;
        if let Some(index) = file.needs.iter().position(|need| *need == Need::Ipv6) {
            let message = "every file runs on either address family: `--family ipv6`";
            return Err(self.wrong(&top().key("needs").index(index), message));
        }
        self.needs.clone_from(&file.needs);
        for (index, KnobIs { knob, is }) in file.choose.iter().enumerate() {
            let choice = self.knob(knob, is, &top().key("choose").index(index))?;
            self.choices.push(choice);
        }
        self.set_up(file)?;
        if file.steps.is_empty() {
            return Err(self.wrong(&top().key("steps"), "a scenario has at least one step"));
        }
        for (index, step) in file.steps.iter().enumerate() {
            let at = JsonPath::step(index);
            let op = self.step(step, &at)?;
            let guarded = self.both_sides(index, step, &at)?;
            if !guarded.must_reach.is_empty() || !guarded.must_reject.is_empty() {
                self.guarded.push(guarded);
            }
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
        if self.asks_for_handles() {
            self.need(Need::HandleReuse);
        }
        if !self.machines.is_empty() {
            self.need(match self.apart {
                Apart::Machines => Need::Hosts,
                Apart::Processes => Need::Processes,
            });
        }
        if self.threads.len() > 1 && !self.needs.contains(&Need::Threads) {
            self.needs.push(Need::Threads);
        }
        Ok(())
    }

    /// Whether an expectation depends on which value a new socket gets: other handles of a real
    /// process have their part in that.
    fn asks_for_handles(&self) -> bool {
        let asks = |conditions: &[(KnobId, u8)]| {
            conditions.iter().any(|(knob, _)| *knob == KnobId::HandleReuse)
        };
        self.ops.iter().any(|op| match op {
            Op::Call(CallOp { expect, .. }) | Op::End { expect, .. } => {
                expect.when.iter().any(|case| asks(&case.conditions))
            }
            Op::Claim(claim) => claim.when.iter().any(|case| asks(&case.conditions)),
            Op::Blocked { .. }
            | Op::Pump { .. }
            | Op::Settle
            | Op::Fault(_)
            | Op::Advance(_)
            | Op::Happen(_)
            | Op::NotModelled(_) => false,
        })
    }

    pub(super) fn cited(&self, file: &ScriptFile) -> Checked<()> {
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
            (Some(fact), Some(_)) if !known.has_fact(fact) => {
                let message = format!("unknown fact `{fact}`");
                return Err(self.wrong(&top().key("fact"), message));
            }
            (Some(_), Some(on)) if on.is_empty() => {
                let message = "a fact holds on at least one profile";
                return Err(self.wrong(&top().key("holds_on"), message));
            }
            (Some(_), Some(on)) => {
                let profiles = Profile::built_in();
                let names = || profiles.iter().map(Profile::name);
                for (index, name) in on.iter().enumerate() {
                    if !names().any(|known| known == name) {
                        let at = top().key("holds_on").index(index);
                        let help = nearest(name, names()).or_else(|| Some(choices(names())));
                        let message = format!("unknown profile `{name}`");
                        return Err(self.source.error(&at, message, help));
                    }
                }
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

    pub(super) fn set_up(&mut self, file: &ScriptFile) -> Checked<()> {
        let at = JsonPath::default().key("setup");
        let setup = &file.setup;
        match (setup.hosts.0.is_empty(), setup.processes.0.is_empty()) {
            (_, true) => self.set_up_hosts(file, &setup.hosts, &at.clone().key("hosts"))?,
            (true, false) => {
                self.apart = Apart::Processes;
                self.set_up_hosts(file, &setup.processes, &at.clone().key("processes"))?;
            }
            (false, false) => {
                let message = "there are several machines or several processes, not both";
                return Err(self.wrong(&at.key("processes"), message));
            }
        }
        let started = setup.startup.unwrap_or(true);
        if started {
            for host in 0..=self.machines.len() {
                let first = self.hosts.iter().position(|on| usize::from(on.0) == host);
                let first = first.expect("each machine has a thread");
                let thread = ThreadId(u8::try_from(first).expect("threads are few"));
                self.prepare_on(thread, startup(), None);
            }
        } else if !self.needs.contains(&Need::FreshProcess) {
            self.needs.push(Need::FreshProcess);
        }
        for (index, name) in setup.windows.iter().enumerate() {
            let window = self.new_window(name, &at.clone().key("windows").index(index))?;
            self.prepare(Call::CreateWindow {}, Some(window));
        }
        for (index, name) in setup.events.iter().enumerate() {
            let event = self.new_event(name, &at.clone().key("events").index(index))?;
            self.prepare(Call::WsaCreateEvent {}, Some(event));
        }
        for (index, name) in setup.listeners.iter().enumerate() {
            let listener = self.new_socket(name, &at.clone().key("listeners").index(index))?;
            self.prepare_listener(listener);
        }
        for (index, name) in setup.datagrams.iter().enumerate() {
            let socket = self.new_socket(name, &at.clone().key("datagrams").index(index))?;
            let kind = asyncselect_abi::call::SocketType::Datagram;
            self.prepare(Call::Socket { kind }, Some(socket));
            let s = SocketRef::Named(socket);
            self.prepare(Call::Bind { s, name: AddressRef::Any }, None);
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

    /// The further machines or processes, each with a thread at least.
    fn set_up_hosts(&mut self, file: &ScriptFile, further: &Hosts, at: &JsonPath) -> Checked<()> {
        let kind = self.apart.kind();
        let used = || file.steps.iter().filter_map(|step| step.thread.as_deref());
        let placed = || further.0.iter().flat_map(|(_, threads)| threads);
        let is_on_first = |thread: &&str| !placed().any(|other| other == thread);
        for (machine, threads) in &further.0 {
            let at = at.clone().key(machine.clone());
            if !is_plain(machine) {
                let message =
                    format!("`{machine}` is no name for a {kind}: letters, digits, `_` and `-`");
                return Err(self.wrong(&at, message));
            }
            if threads.is_empty() {
                return Err(self.wrong(&at, format!("a {kind} has at least one thread")));
            }
            self.machines.push(machine.clone());
            let host = HostId(u8::try_from(self.machines.len()).expect("each has a thread"));
            for (index, thread) in threads.iter().enumerate() {
                let at = at.clone().index(index);
                if thread == MAIN {
                    let (on, kind) = (self.apart.on(), self.apart.kind());
                    let message =
                        format!("`main` is {on} the {kind} that everything is {on} by default");
                    return Err(self.wrong(&at, message));
                }
                if let Some(known) = self.threads.iter().position(|other| other == thread) {
                    let there = self.machine(self.hosts[known]);
                    let on = self.apart.on();
                    let message = format!("thread `{thread}` is {on} {there} already");
                    return Err(self.wrong(&at, message));
                }
                // A run that ended early is written without the steps that were to come, so that a
                // thread without a step is no mistake, unless it is another's name misspelt.
                if !used().any(|other| other == thread)
                    && let Some(help) = nearest(thread, used().filter(is_on_first))
                {
                    let message = format!("no step is of a thread `{thread}`");
                    return Err(self.source.error(&at, message, Some(help)));
                }
                let thread = self.thread(thread, &at)?;
                self.hosts[usize::from(thread.0)] = host;
            }
        }
        Ok(())
    }

    /// How reports call a machine.
    pub(super) fn machine(&self, host: HostId) -> String {
        match usize::from(host.0).checked_sub(1) {
            None => format!("the default {}", self.apart.kind()),
            Some(further) => format!("`{}`", self.machines[further]),
        }
    }

    fn host_of(&self, thread: ThreadId) -> HostId {
        self.hosts[usize::from(thread.0)]
    }

    fn prepare_listener(&mut self, listener: NameId) {
        let s = SocketRef::Named(listener);
        self.prepare(stream_socket(), Some(listener));
        self.prepare(Call::Bind { s, name: AddressRef::Any }, None);
        self.prepare(Call::Listen { s, backlog: 5 }, None);
    }

    fn prepare(&mut self, call: CheckedCall, binds: Option<NameId>) {
        self.prepare_on(ThreadId(0), call, binds);
    }

    fn prepare_on(&mut self, thread: ThreadId, call: CheckedCall, binds: Option<NameId>) {
        self.setup.push(CallOp {
            thread,
            call,
            binds,
            settle: false,
            begins: false,
            repeat: Repeat::ONCE,
            expect: Cases { base: success(), when: Vec::new() },
        });
    }

    fn new_socket(&mut self, name: &str, at: &JsonPath) -> Checked<NameId> {
        let host = self.host_of(self.caller);
        add_name(&mut self.sockets, name, host, self.source, at)
    }

    fn new_window(&mut self, name: &str, at: &JsonPath) -> Checked<NameId> {
        let host = self.host_of(self.caller);
        add_name(&mut self.windows, name, host, self.source, at)
    }

    fn new_event(&mut self, name: &str, at: &JsonPath) -> Checked<NameId> {
        let host = self.host_of(self.caller);
        add_name(&mut self.events, name, host, self.source, at)
    }

    /// A socket that no script can name.
    fn hidden_socket(&mut self, what: &str, index: usize) -> Checked<NameId> {
        self.sockets.names.push(format!("({what} {index})"));
        self.sockets.hosts.push(HostId(0));
        u8::try_from(self.sockets.names.len() - 1)
            .map(NameId)
            .map_err(|_| self.wrong(&JsonPath::default().key("setup"), "more than 255 sockets"))
    }

    pub(super) fn step(&mut self, step: &Step, at: &JsonPath) -> Checked<Op> {
        let kinds = [
            ("do", step.r#do.is_some()),
            ("end", step.end.is_some()),
            ("blocked", step.blocked.is_some()),
            ("messages", step.messages.is_some()),
            ("pump", step.pump.is_some()),
            ("fault", step.fault.is_some()),
            ("advance_ms", step.advance_ms.is_some()),
            ("happen", step.happen.is_some()),
        ];
        let given: Vec<&str> =
            kinds.iter().filter(|(_, given)| *given).map(|(kind, _)| *kind).collect();
        match given[..] {
            [kind] => self.belongs_to(step, kind, at)?,
            [] if step.settle == Some(true) => self.belongs_to(step, "settle", at)?,
            [] => {
                let message = "a step needs one of `do`, `end`, `blocked`, `messages`, `pump`, \
                               `fault`, `advance_ms`, `happen`, or `settle`: true";
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
        if let Some(fault) = &step.fault {
            self.need(Need::Faults);
            let at = at.clone().key("fault").key(fault.name());
            let fault = fault.try_map(
                |field, name| {
                    let at = at.clone().key(field);
                    self.known(&self.sockets, name, &at).map(SocketRef::Named)
                },
                |field, name| self.known_machine(name, &at.clone().key(field)),
            );
            return fault.map(Op::Fault);
        }
        if let Some(ms) = step.advance_ms {
            self.need(Need::SimulatedTime);
            return Ok(Op::Advance(ms));
        }
        if let Some(happen) = &step.happen {
            self.need(Need::Schedule);
            return self.happening(happen, &at.clone().key("happen")).map(Op::Happen);
        }
        Ok(Op::Settle)
    }

    fn happening(&mut self, happen: &Happen, at: &JsonPath) -> Checked<Happening> {
        Ok(match happen {
            Happen::Deliver { connection, toward } => {
                let toward = match toward {
                    Toward::Connector => Side::Connector,
                    Toward::Acceptor => Side::Acceptor,
                };
                Happening::Deliver { connection: *connection, toward }
            }
            Happen::Land { number } => Happening::Land { number: *number },
            Happen::Return { thread } => {
                let at = at.clone().key("return").key("thread");
                Happening::Return { thread: self.thread(thread, &at)? }
            }
            Happen::Upcall {} => Happening::Upcall,
        })
    }

    fn need(&mut self, need: Need) {
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
    }

    /// Refuses fields that the kind of step does not have.
    fn belongs_to(&self, step: &Step, kind: &str, at: &JsonPath) -> Checked<()> {
        let fields: [(&str, bool, &[&str]); 11] = [
            ("as", step.r#as.is_some(), &["do"]),
            ("thread", step.thread.is_some(), &["do", "pump"]),
            ("begin", step.begin.is_some(), &["do"]),
            ("times", step.times.is_some(), &["do"]),
            ("repeat_until", step.repeat_until.is_some(), &["do"]),
            ("max", step.max.is_some(), &["do"]),
            ("expect", step.expect.is_some(), &["do", "end"]),
            ("settle", step.settle.is_some(), &["do", "settle"]),
            ("when", !step.when.is_empty(), &["messages"]),
            ("must_reach", !step.must_reach.is_empty(), &["messages"]),
            ("must_reject", !step.must_reject.is_empty(), &["messages"]),
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
        self.caller = thread;
        self.connects = matches!(call, Call::Connect { .. } | Call::SendTo { .. });
        let checked = call.try_map(self)?;
        self.derive_needs(&checked);
        if self.begun.values().any(|(begun, _)| *begun == thread) {
            self.need(Need::BlockingHook);
        }
        let binds = self.made_by(step, call, at)?;
        if binds.is_some() && step.times.is_some_and(|times| times > 1) {
            let message = "a name for several things; make them one by one, or without `as`";
            return Err(self.wrong(&at.clone().key("times"), message));
        }
        let counted = |times: &u32| (1..=REPEATS_MAX).contains(times);
        let repeat = match (step.repeat_until, step.max, step.times) {
            (None, None, times) => match times.unwrap_or(1) {
                times if counted(&times) => Repeat::Times(times),
                _ => {
                    let message = format!("`times` is from 1 to {REPEATS_MAX}");
                    return Err(self.wrong(&at.clone().key("times"), message));
                }
            },
            (Some(_), _, Some(_)) => {
                let message = "`times` means nothing beside `repeat_until`, which has `max`";
                return Err(self.wrong(&at.clone().key("times"), message));
            }
            (Some(error), Some(max), None) if counted(&max) => Repeat::Until { error, max },
            (Some(_), given, None) => {
                let at = if given.is_some() { at.clone().key("max") } else { at.clone() };
                let message = format!("`repeat_until` needs a `max` from 1 to {REPEATS_MAX}");
                return Err(self.wrong(&at, message));
            }
            (None, Some(_), _) => {
                let message = "`max` means nothing without `repeat_until`";
                return Err(self.wrong(&at.clone().key("max"), message));
            }
        };
        // What the calls return on the way is not looked at.
        let any = Expect { r#return: Some(ReturnSpec::Any), ..Expect::default() };
        let until = matches!(repeat, Repeat::Until { .. });
        if until && step.expect.as_ref().is_some_and(|expect| *expect != any) {
            let message =
                "beside `repeat_until` there is nothing to expect but `\"return\": \"any\"`";
            return Err(self.wrong(&at.clone().key("expect"), message));
        }
        if let Some(name) = &step.begin {
            if self.begun.insert(name.clone(), (thread, binds)).is_some() {
                let message = format!("a call `{name}` began already and did not end");
                return Err(self.wrong(&at.clone().key("begin"), message));
            }
            if step.expect.is_some() || !repeat.is_once() {
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
            Call::Socket { .. }
            | Call::Accept { .. }
            | Call::WsaAccept { .. }
            | Call::WsaJoinLeaf { .. }
            | Call::WsaDuplicateSocket { .. } => self.new_socket(name, &at).map(Some),
            Call::CreateWindow {} => self.new_window(name, &at).map(Some),
            Call::WsaCreateEvent {} => self.new_event(name, &at).map(Some),
            other => {
                let message = format!("`{}` makes nothing that could be named", other.name());
                Err(self.wrong(&at, message))
            }
        }
    }

    fn derive_needs(&mut self, call: &CheckedCall) {
        match call {
            Call::WspAsyncSelect { .. }
            | Call::WspIoctl { .. }
            | Call::WspStartup { .. }
            | Call::WspCleanup {}
            | Call::WspCancelBlockingCall {}
            | Call::ReadFile { .. }
            | Call::WriteFile { .. } => self.need(Need::Spi),
            // They are called from inside a call that waits, or for want of one fail.
            Call::WsaCancelBlockingCall {} | Call::WsaIsBlocking {} => {
                self.need(Need::BlockingHook);
            }
            Call::Send { flags, .. }
            | Call::Recv { flags, .. }
            | Call::SendTo { flags, .. }
            | Call::RecvFrom { flags, .. }
            | Call::WsaSend { flags, .. }
            | Call::WsaRecv { flags, .. }
                if flags.oob =>
            {
                self.need(Need::Oob);
            }
            Call::Connect { name: AddressRef::Unreachable, .. } => self.need(Need::Faults),
            _ => {}
        }
    }

    fn thread(&mut self, name: &str, at: &JsonPath) -> Checked<ThreadId> {
        let known = self.threads.iter().position(|other| other == name);
        if known.is_none() && !is_plain(name) {
            let message = format!("`{name}` is no name for a thread: letters, digits, `_` and `-`");
            return Err(self.wrong(at, message));
        }
        let index = known.unwrap_or_else(|| {
            self.threads.push(name.to_owned());
            self.hosts.push(HostId(0));
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

    fn pump(&mut self, pump: &Pump, thread: ThreadId, at: &JsonPath) -> Checked<Op> {
        if pump.dispatch == Some(true) {
            return Ok(Op::NotModelled("handlers"));
        }
        let hwnd = match &pump.hwnd {
            Some(name) => {
                let at = at.clone().key("hWnd");
                Some(self.reachable(&self.windows, name, thread, &at)?)
            }
            None => None,
        };
        let range = match (pump.min, pump.max) {
            // As for PeekMessage, two zeros are no filter.
            (None, None) | (Some(MessageId::WM_NULL), Some(MessageId::WM_NULL)) => None,
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

    pub(super) fn known(&self, names: &Names, name: &str, at: &JsonPath) -> Checked<NameId> {
        names.find(name).ok_or_else(|| {
            let help = nearest(name, names.plain()).or_else(|| {
                let made = names.plain().next().is_some();
                made.then(|| choices(names.plain()))
            });
            self.source.error(at, format!("unknown {} `{name}`", names.kind), help)
        })
    }

    /// A socket or window that a thread can use: one of its machine or process. What the socket of
    /// another process is to it, its stack must say.
    fn reachable(
        &self,
        names: &Names,
        name: &str,
        thread: ThreadId,
        at: &JsonPath,
    ) -> Checked<NameId> {
        let known = self.known(names, name, at)?;
        let (on, host) = (names.host(known), self.host_of(thread));
        if on == host || self.apart == Apart::Processes && names.kind == self.sockets.kind {
            return Ok(known);
        }
        let message = format!(
            "{} `{name}` is {at} {}, and thread `{}` {at} {}",
            names.kind,
            self.machine(on),
            self.threads[usize::from(thread.0)],
            self.machine(host),
            at = self.apart.on(),
        );
        let help = match self.apart {
            Apart::Machines => "machines reach one another by `connect` and `sendto` only",
            Apart::Processes => "processes share sockets, and nothing else",
        };
        let help = help.to_owned();
        Err(self.source.error(at, message, Some(help)))
    }

    fn known_machine(&self, name: &str, at: &JsonPath) -> Checked<HostId> {
        let names = || self.machines.iter().map(String::as_str);
        let found = self.machines.iter().position(|other| other == name);
        let found = found.filter(|_| self.apart == Apart::Machines);
        let found = found.and_then(|index| u8::try_from(index + 1).ok()).map(HostId);
        found.ok_or_else(|| {
            let some = || (!self.machines.is_empty()).then(|| choices(names()));
            let help = nearest(name, names()).or_else(some);
            self.source.error(at, format!("unknown machine `{name}`"), help)
        })
    }
}

impl Rename<String, String, String, AddressSpec, Data> for Checker<'_> {
    type Socket = SocketRef;
    type Window = WindowRef;
    type Event = EventRef;
    type Address = AddressRef;
    type Data = Literal;
    type Error = SourceError;

    fn socket(&mut self, field: &'static str, name: &String) -> Checked<SocketRef> {
        if name == "INVALID_SOCKET" {
            return Ok(SocketRef::Invalid);
        }
        if name == "NULL" && field == WPARAM {
            return Ok(SocketRef::Null);
        }
        let at = self.at.clone().key(field);
        self.reachable(&self.sockets, name, self.caller, &at).map(SocketRef::Named)
    }

    fn window(&mut self, field: &'static str, name: &String) -> Checked<WindowRef> {
        match name.as_str() {
            "NULL" => Ok(WindowRef::Null),
            "INVALID" => Ok(WindowRef::Invalid),
            name => {
                let at = self.at.clone().key(field);
                self.reachable(&self.windows, name, self.caller, &at).map(WindowRef::Named)
            }
        }
    }

    fn event(&mut self, field: &'static str, name: &String) -> Checked<EventRef> {
        match name.as_str() {
            "NULL" => Ok(EventRef::Null),
            "INVALID" => Ok(EventRef::Invalid),
            name => {
                let at = self.at.clone().key(field);
                self.reachable(&self.events, name, self.caller, &at).map(EventRef::Named)
            }
        }
    }

    fn address(&mut self, field: &'static str, address: &AddressSpec) -> Checked<AddressRef> {
        match address {
            AddressSpec::Of(name) => {
                let at = self.at.clone().key(field).key("of");
                // Other machines are there to be reached, whoever makes their sockets.
                let known = if self.connects || field == DESTINATION {
                    self.known(&self.sockets, name, &at)
                } else {
                    self.reachable(&self.sockets, name, self.caller, &at)
                };
                known.map(AddressRef::Of)
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
            AddressSpec::Zero => Ok(AddressRef::Zero),
            AddressSpec::Null => Ok(AddressRef::Null),
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

fn add_name(
    names: &mut Names,
    name: &str,
    host: HostId,
    source: &Source,
    at: &JsonPath,
) -> Checked<NameId> {
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
    names.hosts.push(host);
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

pub(super) fn success() -> Expected {
    Expected { value: None, error: None, data: None, lp_errno: None, events: None }
}
