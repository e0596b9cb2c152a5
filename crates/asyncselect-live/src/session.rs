//! What the adapter remembers between requests, and its answer to each.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use asyncselect_abi::call::{SocketOption, SocketType, WireCall};
use asyncselect_abi::protocol::{
    self, RequestBody, ResponseBody, Returned, WireMessage, WireReply,
};
use asyncselect_abi::{Call, EventHandle, Family, HostId, Hwnd, SocketHandle, ThreadId, WsaError};

use crate::Flags;
use crate::fence::{self, Fences};
use crate::flow::Flows;
use crate::perform::overlapped;
use crate::refusal::Refusal;
use crate::sys;
use crate::worker::{Asked, Worker};

/// What this adapter can do beyond the calls of TCP in message mode.
const CAPABILITIES: [&str; 5] = [
    // AF_INET6 and ::1; where the system has none, setting up says so.
    "ipv6",
    // MSG_OOB, SO_OOBINLINE and SIOCATMARK do what the stack does with them.
    "oob",
    // Time passes by itself; steps that wait for a time-out of the network can be run.
    "real_time",
    // One request can stand for several calls or messages.
    "repeat",
    // Script threads are OS threads; a call may block while others go on.
    "threads",
];

/// What scripts name where they want no event object: `NULL`, and a value far beyond the handles
/// that a process of ours has.
const NO_EVENTS: [EventHandle; 2] = [EventHandle(0), EventHandle(0xdead)];

/// How long jobs that cannot block may take before the thread counts as hung.
const JOB_MS_MAX: u64 = 5000;

/// The number of our own thread; scripts have fewer.
const HELPER: ThreadId = ThreadId(u8::MAX);

/// How many turns another thread gets before a call counts as waiting, after its time is over: each
/// needs the scheduler and, as most calls do, the stack's server.
const TURNS: u32 = 8;

/// The most messages in one answer: where one is only looked at, there is always one more.
const MESSAGES_MAX: u32 = 1 << 16;

/// How long settling looks whether calls that wait return: enough for a thread that was woken.
const RETURN_GLANCE: Duration = Duration::from_millis(3);

/// How long `reset` looks at a call before it tries again to end it.
const RESET_GLANCE: Duration = Duration::from_millis(2);

/// The script's things in this process.
pub(crate) struct Session {
    flags: Flags,
    workers: BTreeMap<ThreadId, Worker>,
    /// Of the sockets that `socket` makes.
    family: Family,
    /// Sockets that calls returned and no call closed.
    sockets: BTreeSet<SocketHandle>,
    /// Event objects that calls made and no call closed.
    events: BTreeSet<EventHandle>,
    /// Windows that calls made and no call destroyed, with the threads that own them.
    windows: Vec<(ThreadId, Hwnd)>,
    /// Successful calls of WSAStartup without their WSACleanup.
    startups: u32,
    /// Whether a WSAAsyncSelect or WSAEventSelect was made or an operation begun, so that anything
    /// can come late at all.
    registered: bool,
    /// Whether a call was made or has returned since all messages were proven to be there.
    stirred: bool,
    fences: Fences,
    flows: Flows,
    /// A thread of our own.
    helper: Worker,
    /// Its window, for settling while a script's thread blocks. It is made before there is a
    /// script: seen twice on Wine 8.0, both times as the first thing of a recording, CreateWindow
    /// took so long that it counted as a call that waits. That starting the desktop takes the time
    /// is inferred.
    spare: Option<Hwnd>,
}

impl Session {
    /// Nothing has been done yet, not even WSAStartup.
    pub(crate) fn new(flags: Flags) -> Self {
        Self {
            flags,
            workers: BTreeMap::new(),
            family: Family::default(),
            sockets: BTreeSet::new(),
            events: BTreeSet::new(),
            windows: Vec::new(),
            startups: 0,
            registered: false,
            stirred: false,
            fences: Fences::default(),
            flows: Flows::default(),
            helper: Worker::new(HELPER),
            spare: None,
        }
    }

    /// The answer to one request.
    pub(crate) fn answer(&mut self, body: RequestBody, deadline: Duration) -> ResponseBody {
        let answer = match body {
            RequestBody::Hello { version } => self.hello(version, deadline),
            RequestBody::Reset { hosts, .. } if hosts.iter().any(|host| *host != HostId(0)) => {
                Err(Refusal::OneMachine)
            }
            RequestBody::Reset { processes, .. } if processes.iter().any(|one| one.0 != 0) => {
                Err(Refusal::OneProcess)
            }
            RequestBody::Reset { fresh: true, .. } => Err(Refusal::NeedsNewProcess),
            RequestBody::Reset { fresh: false, family, .. } => {
                self.family = family;
                self.reset(deadline)
            }
            RequestBody::Call { thread, call, repeat } => {
                let family = self.family;
                self.call(thread, Asked { call, repeat, family }, deadline)
            }
            RequestBody::Settle {} => self.settle(deadline),
            RequestBody::Fault(_) | RequestBody::Advance { .. } => Err(Refusal::NotSimulated),
            RequestBody::Pending { thread } => self.pending(thread, deadline),
            RequestBody::Pump { thread, hwnd, min, max, remove, count } => {
                self.pump(thread, (hwnd, min, max, remove), count)
            }
            RequestBody::Bye {} => Ok(ResponseBody::Done {}),
        };
        answer.unwrap_or_else(|refusal| ResponseBody::Unsupported(refusal.to_string()))
    }

    fn hello(&mut self, version: u32, deadline: Duration) -> Result<ResponseBody, Refusal> {
        if version != protocol::VERSION {
            return Err(Refusal::ProtocolVersion(version));
        }
        self.spare_window(Instant::now() + deadline)?;
        let stack = match sys::wine_version() {
            Some(version) => format!("Wine {version}"),
            None => {
                let (major, minor, build) = sys::windows_version();
                format!("Windows {major}.{minor}.{build}")
            }
        };
        Ok(ResponseBody::Hello {
            version,
            stack,
            capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
        })
    }

    fn call(
        &mut self,
        thread: ThreadId,
        asked: Asked,
        deadline: Duration,
    ) -> Result<ResponseBody, Refusal> {
        self.check_ownership(&asked.call)?;
        let worker = self.workers.entry(thread).or_insert_with(|| Worker::new(thread));
        if worker.has_call() {
            return Err(Refusal::Busy(thread));
        }
        if let Call::WsaAsyncSelect { .. }
        | Call::WsaEventSelect { .. }
        | Call::WsaRecv { overlapped: Some(_), .. }
        | Call::WsaRecvFrom { overlapped: Some(_), .. }
        | Call::WsaSend { overlapped: Some(_), .. }
        | Call::WsaSendTo { overlapped: Some(_), .. }
        | Call::AcceptEx { .. }
        | Call::ConnectEx { .. } = asked.call
        {
            // Before it returns: it may block, and settling meanwhile must know.
            self.registered = true;
        }
        worker.start_call(asked);
        self.stirred = true;
        self.pending(thread, deadline)
    }

    fn pending(&mut self, thread: ThreadId, deadline: Duration) -> Result<ResponseBody, Refusal> {
        let worker = self.workers.get_mut(&thread);
        let Some(worker) = worker.filter(|worker| worker.has_call()) else {
            return Err(Refusal::NothingPending(thread));
        };
        if !worker.wait_for_call(deadline) {
            self.give_turns();
        }
        self.count_returns();
        let worker = self.workers.get_mut(&thread).expect("as above");
        let Some((repeat, performed)) = worker.take_answer() else {
            return Ok(ResponseBody::Blocked {});
        };
        let mut returns = performed?;
        match (repeat.is_once(), returns.pop()) {
            (true, Some(returned)) => Ok(ResponseBody::Return(returned.reply)),
            (_, last) => {
                returns.extend(last);
                Ok(ResponseBody::Returns(returns))
            }
        }
    }

    /// Lets time pass that is longer on a busy machine: a call that has not returned may not have
    /// had the processor. Measured on Wine 8.0, four busy loops beside eight adapters, without
    /// this: one of four runs of the whole corpus took a call that returns at once for one that
    /// waits.
    fn give_turns(&self) {
        for _ in 0..TURNS {
            self.helper.run(Duration::from_millis(JOB_MS_MAX), || {
                sys::events::wsa_create_event().map(sys::events::wsa_close_event)
            });
        }
    }

    /// Refuses calls on handles that a script must not touch.
    fn check_ownership(&self, call: &WireCall) -> Result<(), Refusal> {
        if let Call::CloseHandle { s } = call
            && !self.sockets.contains(s)
        {
            return Err(Refusal::ForeignHandle(*s));
        }
        if let Some(event) = named_events(call).iter().find(|event| !self.may_name(**event)) {
            return Err(Refusal::ForeignEvent(*event));
        }
        let named = named_sockets(call);
        match named.iter().find(|s| self.fences.owns(**s)) {
            Some(s) => Err(Refusal::OwnSocket(*s)),
            None => Ok(()),
        }
    }

    /// The script's own event objects, and what certainly is none: a closed one's value may be the
    /// handle of anything by now.
    fn may_name(&self, event: EventHandle) -> bool {
        self.events.contains(&event) || NO_EVENTS.contains(&event)
    }

    /// Keeps account of all calls that have returned, and gives the threads that are free for jobs.
    /// A thread whose call returns later is none of them, so that whoever uses one knows what its
    /// call did.
    fn count_returns(&mut self) -> BTreeSet<ThreadId> {
        let mut free = BTreeSet::new();
        for thread in self.workers.keys().copied().collect::<Vec<_>>() {
            let worker = self.workers.get_mut(&thread).expect("a key of the map");
            if !worker.wait_for_call(Duration::ZERO) {
                continue;
            }
            free.insert(thread);
            let Some((Asked { call, repeat, .. }, performed)) = worker.take_return() else {
                continue;
            };
            self.stirred = true;
            if let Ok(returns) = &performed {
                self.keep_accounts(thread, &call, returns);
            }
            let worker = self.workers.get_mut(&thread).expect("as above");
            worker.keep_answer(repeat, performed);
        }
        free
    }

    fn keep_accounts(&mut self, thread: ThreadId, call: &WireCall, returns: &[Returned]) {
        for Returned { times, reply } in returns {
            for _ in 0..*times {
                self.keep_account(thread, call, reply);
            }
        }
    }

    /// Remembers what `reset` has to undo.
    fn keep_account(&mut self, thread: ThreadId, call: &WireCall, reply: &WireReply) {
        for s in named_sockets(call) {
            self.flows.touched(s);
        }
        match (call, reply) {
            (
                Call::Send { s, .. }
                | Call::SendTo { s, .. }
                | Call::WsaSend { s, .. }
                | Call::WsaSendTo { s, .. },
                WireReply::Error(error),
            ) if *error == WsaError::WSAEWOULDBLOCK.0 => {
                self.flows.refused(*s);
            }
            (_, WireReply::Error(_)) => {}
            (Call::Socket { kind }, WireReply::Socket(s)) => {
                self.sockets.insert(*s);
                if *kind == SocketType::Stream && !self.flags.nagle {
                    send_at_once(*s);
                }
            }
            (_, WireReply::Socket(s)) => {
                self.sockets.insert(*s);
            }
            (_, WireReply::Window(hwnd)) => self.windows.push((thread, *hwnd)),
            (_, WireReply::Event(event)) => {
                self.events.insert(*event);
            }
            (Call::WsaCloseEvent { event }, _) => {
                self.events.remove(event);
            }
            (Call::CloseSocket { s } | Call::CloseHandle { s }, _) => {
                self.sockets.remove(s);
                self.flows.closed(*s);
            }
            (
                Call::Send { s, flags, .. }
                | Call::SendTo { s, flags, .. }
                | Call::WsaSend { s, flags, .. }
                | Call::WsaSendTo { s, flags, .. },
                WireReply::Value(len),
            ) => {
                // The urgent byte travels beside the others.
                self.flows.sent(*s, len - i64::from(flags.oob), &self.sockets);
            }
            (
                Call::Recv { s, flags, .. }
                | Call::RecvFrom { s, flags, .. }
                | Call::WsaRecv { s, flags, .. }
                | Call::WsaRecvFrom { s, flags, .. },
                WireReply::Data(data),
            ) if flags.is_empty() => {
                self.flows.received(*s, data.len());
            }
            (Call::DestroyWindow { hwnd }, _) => {
                self.windows.retain(|(_, window)| window != hwnd);
                self.fences.release(*hwnd);
            }
            (Call::WsaStartup { .. }, _) => self.startups += 1,
            (Call::WsaCleanup {}, _) => self.startups = self.startups.saturating_sub(1),
            _ => {}
        }
    }

    /// Proves that every message is in its queue: one fence a window, one window after the other.
    fn settle(&mut self, deadline: Duration) -> Result<ResponseBody, Refusal> {
        // Half of the time, so that a fence that is lost becomes an answer and not a hang.
        let end = Instant::now() + deadline / 2;
        loop {
            let running = self.running_calls();
            // What was proven stays so until the script does something or a call of it goes on.
            if std::mem::take(&mut self.stirred) || running > 0 {
                self.prove_all(end)?;
            }
            if running == 0 || !self.one_returns_of(running) {
                break;
            }
        }
        // As above: without a registration nothing can come late.
        if self.registered {
            thread::sleep(self.flags.settle_wait);
        }
        Ok(ResponseBody::Done {})
    }

    fn prove_all(&mut self, end: Instant) -> Result<(), Refusal> {
        // Without a registration, or without a window, nothing can be posted, so there is nothing
        // to prove. It also keeps our WSAStartup away from scripts that test life before theirs.
        if !self.registered {
            return Ok(());
        }
        self.flows.await_rest(&self.sockets, end);
        let free = self.count_returns();
        // Without a window of the script's there is one of ours: what event objects tell of is
        // recorded before the fence's message is posted.
        let mut blocked = self.windows.is_empty();
        for (thread, hwnd) in self.windows.clone() {
            if free.contains(&thread) {
                prove(&self.workers[&thread], &mut self.fences, hwnd, end)?;
            } else {
                blocked = true;
            }
        }
        if blocked {
            self.prove_elsewhere(end)?;
        }
        Ok(())
    }

    /// Calls and overlapped operations that have not ended.
    fn running_calls(&mut self) -> usize {
        let free = self.count_returns().len();
        self.workers.len() - free + overlapped::running()
    }

    /// Gives calls that wait the time to return, and says whether there are fewer than before: what
    /// they took from the stack may have posted something more.
    ///
    /// A fence proves that the stack has woken a thread, not that the thread has run. Measured on
    /// Wine 8.0: a waiting receive that leaves bytes posts FD_READ for them from its own thread, in
    /// one of three runs after the fence.
    fn one_returns_of(&mut self, running: usize) -> bool {
        let end = Instant::now() + RETURN_GLANCE;
        let operations = overlapped::running();
        for worker in self.workers.values_mut() {
            worker.wait_for_call(left_until(end));
        }
        // A stack may complete an operation on a thread of its own, or on the one that began it.
        overlapped::fewer_run(operations, end) || self.running_calls() < running
    }

    /// A thread that is inside a call cannot look for the fence in its queue; a window of ours
    /// stands in. Stacks post in the order of the network events, whatever thread owns the window
    /// (measured on Wine 8.0, where one server posts them all; inferred for Windows).
    fn prove_elsewhere(&mut self, end: Instant) -> Result<(), Refusal> {
        let hwnd = self.spare_window(end)?;
        prove(&self.helper, &mut self.fences, hwnd, end)
    }

    fn spare_window(&mut self, end: Instant) -> Result<Hwnd, Refusal> {
        if let Some(hwnd) = self.spare {
            return Ok(hwnd);
        }
        let made = self.helper.run(left_until(end), sys::create_window);
        let hwnd = made.ok_or(Refusal::Hung(HELPER))?.map_err(|error| {
            let call = "CreateWindow";
            Refusal::NoFence { call, error }
        })?;
        self.spare = Some(hwnd);
        Ok(hwnd)
    }

    fn pump(
        &mut self,
        thread: ThreadId,
        (hwnd, min, max, remove): (Hwnd, u32, u32, bool),
        count: u32,
    ) -> Result<ResponseBody, Refusal> {
        let worker = self.workers.entry(thread).or_insert_with(|| Worker::new(thread));
        let messages = if worker.wait_for_call(Duration::ZERO) {
            let job = move || {
                let next = || peek_past_fences(hwnd, min, max, remove);
                let count = count.min(MESSAGES_MAX).try_into().expect("it fits in memory");
                std::iter::from_fn(next).take(count).collect::<Vec<_>>()
            };
            let jobbed = worker.run(Duration::from_millis(JOB_MS_MAX), job);
            jobbed.ok_or(Refusal::Hung(thread))?
        } else {
            // Nobody else can look into the queue of a thread that is inside a call.
            Vec::new()
        };
        Ok(match count {
            1 => ResponseBody::Message(messages.into_iter().next()),
            _ => ResponseBody::Messages(messages),
        })
    }

    /// Forgets the script. Threads and fence pairs stay: they carry nothing over.
    fn reset(&mut self, deadline: Duration) -> Result<ResponseBody, Refusal> {
        let end = Instant::now() + deadline / 2;
        // Closing ends the calls that block on the sockets. One of them may still have made a new
        // socket, hence the loop.
        loop {
            while let Some(s) = self.sockets.pop_first() {
                abort(s);
            }
            for thread in self.workers.keys().copied().collect::<Vec<_>>() {
                let worker = self.workers.get_mut(&thread).expect("a key of the map");
                while !left_until(end).is_zero() && !worker.wait_for_call(RESET_GLANCE) {
                    worker.end_wait();
                }
            }
            for thread in self.count_returns() {
                self.workers.get_mut(&thread).expect("it is free").take_answer();
            }
            if self.sockets.is_empty() {
                break;
            }
        }
        // Their sockets are closed, which ends them.
        overlapped::fewer_run(1, end);
        overlapped::clear();
        let stuck = self.workers.iter().find(|(_, worker)| worker.has_call());
        if let Some((thread, _)) = stuck {
            return Err(Refusal::StillBlocked(*thread));
        }
        for (thread, worker) in &self.workers {
            let of_thread = self.windows.iter().filter(|(owner, _)| owner == thread);
            let windows: Vec<Hwnd> = of_thread.map(|(_, hwnd)| *hwnd).collect();
            worker.run(left_until(end), move || clear(&windows)).ok_or(Refusal::Hung(*thread))?;
        }
        for (_, hwnd) in self.windows.drain(..) {
            self.fences.release(hwnd);
        }
        while let Some(event) = self.events.pop_first() {
            let _ = sys::events::wsa_close_event(event);
        }
        for _ in 0..std::mem::take(&mut self.startups) {
            let _ = sys::wsa_cleanup();
        }
        self.flows.clear();
        self.registered = false;
        Ok(ResponseBody::Done {})
    }
}

/// The event objects that a call names.
fn named_events(call: &WireCall) -> Vec<EventHandle> {
    match call {
        Call::WsaCloseEvent { event }
        | Call::WsaResetEvent { event }
        | Call::WsaEventSelect { event, .. }
        | Call::WsaEnumNetworkEvents { event, .. } => vec![*event],
        Call::WsaWaitForMultipleEvents { events, .. } => events.clone(),
        Call::WsaRecv { overlapped, .. }
        | Call::WsaRecvFrom { overlapped, .. }
        | Call::WsaSend { overlapped, .. }
        | Call::WsaSendTo { overlapped, .. } => overlapped.iter().copied().collect(),
        Call::WsaGetOverlappedResult { overlapped, .. }
        | Call::AcceptEx { overlapped, .. }
        | Call::ConnectEx { overlapped, .. } => vec![*overlapped],
        _ => Vec::new(),
    }
}

/// The sockets that a call names.
fn named_sockets(call: &WireCall) -> Vec<SocketHandle> {
    match call {
        Call::Select { readfds, writefds, exceptfds, .. } => {
            [readfds.as_slice(), writefds, exceptfds].concat()
        }
        other => other.socket().copied().into_iter().collect(),
    }
}

fn left_until(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}

fn prove(worker: &Worker, fences: &mut Fences, hwnd: Hwnd, end: Instant) -> Result<(), Refusal> {
    let at_most = left_until(end);
    let lost = Refusal::FenceLost { hwnd, ms: at_most.as_millis() };
    let fence = fences.of(hwnd)?;
    fence.raise()?;
    // The thread gives up by itself; the margin is for its way back.
    let patience = at_most + Duration::from_secs(1);
    match worker.run(patience, move || fence::await_message(hwnd, at_most)) {
        Some(true) => fence.lower(),
        Some(false) | None => Err(lost),
    }
}

/// The first message of the filter that is not a fence's. A fence's message is there only after a
/// fence came too late, and its byte is gone with it.
fn peek_past_fences(hwnd: Hwnd, min: u32, max: u32, remove: bool) -> Option<WireMessage> {
    loop {
        let message = sys::peek_message(hwnd, min, max, remove)?;
        if message.message != fence::MESSAGE.0 {
            return Some(message);
        }
        sys::peek_message(message.hwnd, fence::MESSAGE.0, fence::MESSAGE.0, true);
    }
}

/// Switches Nagle's algorithm off, which accepted sockets inherit.
///
/// With it, a second small send waits for the peer's delayed acknowledgement, 40 ms on Linux and
/// 200 ms on Windows: real time that no fence can prove to be over. Measured under Wine 8.0 with
/// three small sends and an answer in turn: 300 of 360 rounds had a message after the fence, none
/// of 360 without Nagle. No rule of AsyncSelect depends on it. It runs on the main thread, so no
/// call of the script can see its error code.
fn send_at_once(s: SocketHandle) {
    let _ = sys::set_no_delay(s);
}

/// Closes without lingering: a reset leaves no TIME_WAIT behind, and so thousands of scenarios a
/// minute do not use up the ports.
fn abort(s: SocketHandle) {
    let at_once = SocketOption::Linger { l_onoff: 1, l_linger: 0 };
    let _ = sys::setsockopt(s, at_once);
    let _ = sys::closesocket(s);
}

/// Destroys the calling thread's windows and empties its queue.
fn clear(windows: &[Hwnd]) {
    for hwnd in windows {
        let _ = sys::destroy_window(*hwnd);
    }
    while sys::peek_message(Hwnd(0), 0, 0, true).is_some() {}
}
