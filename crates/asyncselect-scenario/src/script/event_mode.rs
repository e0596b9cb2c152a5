//! The translation of a script into event mode: WSAAsyncSelect becomes WSAEventSelect with an event
//! object for each window and number, and what is claimed is looked for in the records of
//! WSAEnumNetworkEvents. It knows no rule of any stack: what must come is what the file says.

use asyncselect_abi::{Call, Fault, MessageId, NetworkEvents, ThreadId};
use asyncselect_model::world::THREADS_MAX;

use super::{
    CallOp, Cases, Claim, EventRef, Expecting, NameId, Op, PumpOp, Script, SocketRef, WindowRef,
};
use crate::script_file::Mode;

/// What a run in event mode knows beyond its steps.
#[derive(Clone, Debug)]
pub struct EventMode {
    /// The number of the first event object that stands for a window and number; the script's own
    /// come before.
    first: usize,
    /// What each of them stands for.
    stands_for: Vec<(NameId, MessageId)>,
    /// Who enumerates: the thread of the window, or one more where that may be inside a call.
    pub thread: ThreadId,
}

impl EventMode {
    /// The window and number that an event object stands for.
    #[must_use]
    pub fn target(&self, event: NameId) -> Option<(NameId, MessageId)> {
        let at = usize::from(event.0).checked_sub(self.first)?;
        self.stands_for.get(at).copied()
    }
}

/// Why a script has no form in event mode: the step, and what it holds.
pub(super) type Untranslatable = (usize, String);

impl Script {
    /// The same script in event mode.
    pub(super) fn in_event_mode(&self) -> Result<Self, Untranslatable> {
        let mut script = self.clone();
        if self.windows.len() != 1 {
            return Err((0, format!("{} windows; it takes just one", self.windows.len())));
        }
        if !self.hosts.is_empty() {
            return Err((0, "several machines".to_owned()));
        }
        let owner = self.owner();
        let mut mode =
            EventMode { first: self.events.len(), stands_for: Vec::new(), thread: owner };
        let mut registered = vec![None; self.sockets.len()];
        for (step, op) in script.steps.iter_mut().enumerate() {
            let refused = |why: &str| Err((step, why.to_owned()));
            match op {
                Op::Call(op) => {
                    translate(op, &mut mode, &self.windows, &mut script.events)
                        .map_err(|why| (step, why.to_owned()))?;
                    self.follow(op, &mode, &mut registered);
                }
                Op::End { binds, .. } => self.inherit(*binds, &mut registered),
                Op::Claim(claim) => {
                    keep_cases(claim, Mode::Event);
                    let cases = claim.when.iter_mut().map(|case| &mut case.then);
                    for claim in std::iter::once(&mut claim.base).chain(cases) {
                        as_records(claim);
                        let stale = lists(claim).iter().copied().flatten().any(|one| {
                            let held = one.socket.and_then(|name| registered[usize::from(name.0)]);
                            held != Some((one.hwnd, one.message))
                        });
                        if stale {
                            return refused("a message of a registration that has ended");
                        }
                    }
                }
                Op::Pump { thread, pump } => {
                    let PumpOp { hwnd, range, remove, count } = pump;
                    if hwnd.is_some() || range.is_some() || !*remove || *count != u32::MAX {
                        return refused("a pump that does not take everything");
                    }
                    if *thread != owner {
                        return refused("a pump on a thread that is not the window's");
                    }
                }
                Op::Fault(Fault::PostFails { .. }) => {
                    return refused("a fault of posting: nothing is posted");
                }
                Op::Blocked { .. }
                | Op::Settle
                | Op::Fault(_)
                | Op::Advance(_)
                | Op::Happen(_)
                | Op::NotModelled(_) => {}
            }
            if let Op::Call(CallOp { expect, .. }) | Op::End { expect, .. } = op {
                keep_cases(expect, Mode::Event);
            }
        }
        let begins = |op: &Op| matches!(op, Op::Call(op) if op.begins && op.thread == owner);
        if script.steps.iter().any(begins) {
            if script.threads.len() == THREADS_MAX {
                return Err((0, "no thread that is free to enumerate".to_owned()));
            }
            let number = u8::try_from(script.threads.len()).expect("threads are few");
            mode.thread = ThreadId(number);
            script.threads.push("(events)".to_owned());
        }
        script.id.push_str(" (event mode)");
        script.guarded.clear();
        script.event_mode = Some(mode);
        Ok(script)
    }

    /// In message mode, what is said of event mode is not asked.
    pub(super) fn keep_message_mode(&mut self) {
        for op in &mut self.steps {
            match op {
                Op::Claim(claim) => keep_cases(claim, Mode::Message),
                Op::Call(CallOp { expect, .. }) | Op::End { expect, .. } => {
                    keep_cases(expect, Mode::Message);
                }
                Op::Blocked { .. }
                | Op::Pump { .. }
                | Op::Settle
                | Op::Fault(_)
                | Op::Advance(_)
                | Op::Happen(_)
                | Op::NotModelled(_) => {}
            }
        }
    }

    /// The thread that makes the one window.
    fn owner(&self) -> ThreadId {
        let makes = |op: &&CallOp| matches!(op.call, Call::CreateWindow {});
        let steps = self.steps.iter().filter_map(|op| match op {
            Op::Call(op) => Some(op),
            _ => None,
        });
        self.setup.iter().chain(steps).find(makes).map_or(ThreadId(0), |op| op.thread)
    }

    /// The socket that hands its registration down to that of this name: the listener of the accept
    /// that makes it, or its root (AS-INH-08).
    #[must_use]
    pub fn listener_of(&self, accepted: NameId) -> Option<NameId> {
        self.steps.iter().find_map(|op| match op {
            Op::Call(CallOp {
                call:
                    Call::Accept { s: SocketRef::Named(listener) }
                    | Call::WsaJoinLeaf { s: SocketRef::Named(listener), .. },
                binds: Some(name),
                ..
            }) if *name == accepted => Some(*listener),
            _ => None,
        })
    }

    /// What a call that succeeds makes of registrations.
    fn follow(&self, op: &CallOp, mode: &EventMode, registered: &mut [Registered]) {
        if op.expect.base.error.is_some() {
            return;
        }
        match &op.call {
            Call::WsaEventSelect { s: SocketRef::Named(s), event, .. } => {
                registered[usize::from(s.0)] = match event {
                    EventRef::Named(event) => mode.target(*event),
                    EventRef::Null | EventRef::Invalid => None,
                };
            }
            Call::CloseSocket { s: SocketRef::Named(s) } => registered[usize::from(s.0)] = None,
            _ if !op.begins => self.inherit(op.binds, registered),
            _ => {}
        }
    }

    fn inherit(&self, accepted: Option<NameId>, registered: &mut [Registered]) {
        let from = accepted.and_then(|name| Some((name, self.listener_of(name)?)));
        if let Some((accepted, listener)) = from {
            registered[usize::from(accepted.0)] = registered[usize::from(listener.0)];
        }
    }
}

/// The window and number that a socket is registered for.
type Registered = Option<(NameId, MessageId)>;

fn translate(
    op: &mut CallOp,
    mode: &mut EventMode,
    windows: &[String],
    events: &mut Vec<String>,
) -> Result<(), &'static str> {
    let (s, hwnd, wmsg, levent) = match &op.call {
        Call::WsaAsyncSelect { s, hwnd, wmsg, levent } => (*s, *hwnd, *wmsg, *levent),
        Call::GetMessage { .. } => return Err("GetMessage"),
        Call::PostMessage { .. } => return Err("PostMessage"),
        Call::DestroyWindow { .. } => return Err("DestroyWindow"),
        Call::WspAsyncSelect { .. } | Call::WspStartup { .. } => return Err("a provider's entry"),
        Call::WsaEventSelect { .. } | Call::WsaEnumNetworkEvents { .. } => {
            return Err("calls of event mode already");
        }
        Call::WsaCleanup {} => return Err("WSACleanup, after which nothing can be enumerated"),
        Call::CloseHandle { .. } => {
            return Err("CloseHandle, after which nothing can be enumerated");
        }
        _ => return Ok(()),
    };
    let WindowRef::Named(window) = hwnd else { return Err("a window that does not exist") };
    let event = if levent == NetworkEvents::default() {
        // both readings of the page have NULL beside a mask of 0.
        EventRef::Null
    } else {
        let target = (window, wmsg);
        let at = mode.stands_for.iter().position(|other| *other == target);
        let at = at.unwrap_or_else(|| {
            mode.stands_for.push(target);
            events.push(format!("({} {wmsg})", windows[usize::from(window.0)]));
            mode.stands_for.len() - 1
        });
        EventRef::Named(NameId(u8::try_from(mode.first + at).map_err(|_| "too many numbers")?))
    };
    op.call = Call::WsaEventSelect { s, event, levent };
    Ok(())
}

/// A record holds an event once, and no order.
fn as_records(claim: &mut Claim) {
    let sort = |list: &mut Vec<Expecting>| {
        list.sort_by_key(|one| (one.socket.map(|name| name.0), one.event.bit().0));
        list.dedup();
    };
    match claim {
        Claim::Ordered(list) => sort(list),
        Claim::Unordered(list) => {
            sort(list);
            *claim = Claim::Ordered(std::mem::take(list));
        }
        Claim::OneOf(lists) => lists.iter_mut().for_each(sort),
    }
}

fn lists(claim: &Claim) -> Vec<&[Expecting]> {
    match claim {
        Claim::Ordered(list) | Claim::Unordered(list) => vec![list],
        Claim::OneOf(lists) => lists.iter().map(Vec::as_slice).collect(),
    }
}

/// Drops the cases that a knob of the other mode guards.
fn keep_cases<T>(cases: &mut Cases<T>, mode: Mode) {
    cases.when.retain(|case| {
        case.conditions.iter().all(|(knob, _)| match mode {
            Mode::Message => !knob.is_of_event_mode(),
            Mode::Event => !knob.is_of_message_mode(),
        })
    });
}
