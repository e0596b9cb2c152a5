//! Watches a world from outside: its calls, what they return, its messages, and the facts of
//! [`asyncselect_model::view`]. What is allowed, it works out from the clauses, not from the model.
//!
//! Where a clause leaves open whether a call enables, the monitor holds both: an event that *may*
//! come is no duplicate, one that *must* come is a lost wake-up if it does not.
//!
//! Suites and scenarios are watched by the same monitor. What only scenarios have it knows too:
//! * Posts that a script makes fail are those of which AS-Q-03 and OQ-17 speak.
//! * An error word that a script injects is the script's; the tables are the stack's.
//! * A call that is answered before it gets to a socket (it is another machine's, for example)
//!   enables nothing.

use asyncselect_abi::call::{BackendCall, IoctlCommand, Shutdown, SocketOption};
use asyncselect_abi::{
    Call, Hwnd, MessageId, NetworkEvent, NetworkEvents, PumpFilter, SocketHandle, ThreadId, Value,
    WsaError,
};
use asyncselect_model::sink::Message;
use asyncselect_model::stream::Arrived;
use asyncselect_model::view::{
    ConnectionView, DatagramView, RegistrationView, SocketView, Stage, TargetView,
};
use asyncselect_model::{KnobId, World};

use super::fingerprint::Fingerprint;
use super::properties::{Broken, Property, holds_in};

mod lost;
mod multipoint;
mod posted;
mod queues;
mod seen;
mod situations;

pub(super) use seen::Seen;

/// What is remembered of the registrations of a world.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Monitor {
    /// In the order of their sockets' handles.
    watches: Vec<Watch>,
}

impl Clone for Monitor {
    fn clone(&self) -> Self {
        Self { watches: self.watches.clone() }
    }

    /// Explorers do it millions of times a second: nothing is allocated.
    #[inline]
    fn clone_from(&mut self, source: &Self) {
        self.watches.clone_from(&source.watches);
    }
}

/// One registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Watch {
    socket: u32,
    hwnd: u32,
    message: u16,
    mask: u16,
    /// Events of which a message would be no duplicate.
    may: u16,
    /// Events of which a message is due once their condition holds.
    must: u16,
    /// Whether the outcome of a connect is still to come.
    connecting: bool,
    /// Whether an earlier connect had its outcome in the same registration.
    again: bool,
    /// Whether the connection was closed already when the registration was made.
    late: Late,
    /// Events that the registration before, with the same window and number, had told: due by the
    /// clauses, but not where `reregister` keeps latches. None where it does not.
    kept: u16,
    /// Whether FD_ACCEPT is due for nothing but an accept that failed, where
    /// `failed_accept_rearms` ignores those.
    ignored: bool,
    /// Whether FD_WRITE is due for nothing but a connection that was made after the registration.
    early: bool,
    /// Whether the connect that the registration waits for, or waited, is ConnectEx.
    extended: bool,
}

/// How a connection stood when a registration was made, as far as knobs ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Late {
    /// It was open, or there was none.
    No,
    /// It was closed, and no alternative leaves that untold.
    Closed,
    /// Both sides had ended it, which `register_after_both_ended` leaves untold.
    BothEnded,
    /// It was reset, which `register_after_reset` leaves untold.
    Reset,
}

/// What happened between two worlds.
pub(super) struct Happened<'h> {
    pub(super) before: &'h World,
    pub(super) after: &'h World,
    /// The call that was made, or that returned, and by whom.
    pub(super) call: Option<(ThreadId, &'h BackendCall)>,
    /// Whether it is being made now.
    pub(super) made: bool,
    /// What a thread looked for in its queue, if it was no call that did.
    pub(super) looked: Option<PumpFilter>,
    pub(super) seen: &'h Seen,
}

impl Monitor {
    pub(super) fn pack(&self, fingerprint: &mut Fingerprint) {
        fingerprint.add(self.watches.len() as u64);
        for watch in &self.watches {
            let Watch { socket, hwnd, message, mask, may, must, .. } = *watch;
            let Watch { connecting, again, late, kept, ignored, early, extended, .. } = *watch;
            fingerprint.add(u64::from(socket) | u64::from(hwnd) << 32);
            fingerprint.add(
                u64::from(message)
                    | u64::from(mask) << 16
                    | u64::from(may) << 32
                    | u64::from(must) << 48,
            );
            let late: u64 = match late {
                Late::No => 0,
                Late::Closed => 1,
                Late::BothEnded => 4,
                Late::Reset => 8,
            };
            fingerprint.add(
                u64::from(connecting)
                    | late << 1
                    | u64::from(again) << 2
                    | u64::from(ignored) << 5
                    | u64::from(early) << 6
                    | u64::from(extended) << 7
                    | u64::from(kept) << 16,
            );
        }
    }

    /// Takes registrations over as they stand, when watching begins.
    pub(super) fn adopt(&mut self, world: &World) {
        for view in world.sockets() {
            // What goes to an event object is not watched.
            if let Some(held) = view.registration
                && let RegistrationView { target, mask, process: _ } = held
                && let TargetView::Window { hwnd, message } = target
            {
                self.register(&view, hwnd.unwrap_or(Hwnd(0)), message, mask, world);
                // What was told before is not known; nothing is due.
                self.of_mut(view.handle).expect("just registered").must = 0;
            }
        }
    }

    /// Takes in what happened, and says what was wrong or remarkable about it.
    pub(super) fn take(&mut self, happened: &Happened<'_>, broken: &mut Broken<'_>) {
        self.follow(happened, broken);
        queues::judge(happened, broken);
        broken.marks |= situations::of_step(happened);
    }

    /// Takes in what happened, and says no more of it than comes along.
    pub(super) fn follow(&mut self, happened: &Happened<'_>, broken: &mut Broken<'_>) {
        let due = self.due_elsewhere(happened);
        self.called(happened, broken);
        if let Some((socket, due)) = due
            && let Some(watch) = self.of_mut(socket)
        {
            watch.must &= due;
        }
        self.joined(happened);
        multipoint::root_closed(happened, broken);
        for at in 0..happened.seen.posts.len() {
            self.posted(at, happened, broken);
        }
        self.stands(happened, broken);
        self.forgive(happened);
    }

    /// OQ-33: whether a call of another process than the one that registered enables nobody says.
    /// Where it does not, these are the events that may be due after it, of this socket.
    fn due_elsewhere(&self, happened: &Happened<'_>) -> Option<(SocketHandle, u16)> {
        use NetworkEvent::{Accept, Oob, Read, Write};
        let Happened { before, after, call, .. } = happened;
        let (thread, call) = (*call)?;
        let socket = before.first_descriptor(*call.socket()?);
        let must = self.of(socket)?.must;
        let (held, _) = after.registration_of(socket)?;
        if held.process == after.host_of(thread)
            || !holds_in(after, KnobId::OtherProcessRearms, "ignored")
        {
            return None;
        }
        let enabled = [Read, Write, Oob, Accept].map(bit).iter().fold(0, |all, event| all | event);
        Some((socket, must | !enabled))
    }

    /// What a call does to registrations, and to what is enabled.
    fn called(&mut self, happened: &Happened<'_>, broken: &mut Broken<'_>) {
        let Happened { before, after, call, seen, made, .. } = happened;
        let Some((thread, call)) = call else { return };
        let result = seen.result();
        // AS-DUP-01: whichever descriptor it is, the socket is one.
        let first = |s: &SocketHandle| before.first_descriptor(*s);
        match result {
            // It is no socket to the caller.
            Some(Err(WsaError::WSAENOTSOCK | WsaError::WSANOTINITIALISED)) => return,
            // AS-HK-01: a call from inside another; whether it enables nobody says (OQ-35).
            Some(Err(WsaError::WSAEINPROGRESS)) => {
                use NetworkEvent::{Accept, Oob, Read, Write};
                if let Some(s) = call.socket() {
                    self.enable(first(s), [], [Read, Write, Oob, Accept]);
                }
                return;
            }
            Some(_) | None => {}
        }
        match call {
            Call::WsaAsyncSelect { s, hwnd, wmsg, levent }
            | Call::WspAsyncSelect { s, hwnd, wmsg, levent } => {
                let mask = *levent & NetworkEvents::FD_ALL_EVENTS;
                let view = after.socket_of(*s);
                match (result, view) {
                    (Some(Ok(_)), Some(_)) if mask.is_empty() => self.forget(first(s)),
                    (Some(Ok(_)), Some(view)) => self.register(&view, *hwnd, *wmsg, mask, after),
                    (None | Some(_), _) => {}
                }
            }
            // AS-REP-05.
            Call::WsaEventSelect { s, .. } if matches!(result, Some(Ok(_))) => {
                self.forget(first(s));
            }
            // AS-CAN-05. AS-DUP-04: the socket of one descriptor of several stays. OQ-19: does what
            // it registered?
            Call::CloseSocket { s } | Call::CloseHandle { s }
                if matches!(result, Some(Ok(_))) && after.registration_of(first(s)).is_none() =>
            {
                self.forget(first(s));
            }
            Call::WsaCleanup {} | Call::WspCleanup {} if matches!(result, Some(Ok(_))) => {
                // AS-CLS-06: of this machine or process, though another process has the socket
                // open; what another has is none of its business.
                let host = after.host_of(*thread);
                let of_others = |socket| after.host_of_handle(socket) != Some(host);
                let stays = |socket| of_others(socket) || after.registration_of(socket).is_some();
                self.watches.retain(|watch| stays(watch.socket()));
            }
            // AS-EN-05: the one call that enables nothing. That nothing comes is another property.
            Call::WsaAccept { s, .. } if result == Some(Err(WsaError::WSATRY_AGAIN)) => {
                self.enable(first(s), [], [NetworkEvent::Accept]);
            }
            Call::Accept { s } | Call::WsaAccept { s, .. } => {
                // A connection that is refused was there (AS-AC-08).
                let failed =
                    matches!(result, Some(Err(error)) if error != WsaError::WSAECONNREFUSED);
                self.enable_accept(first(s), failed, after);
                if let (Some(Ok(Value::Socket(accepted))), Some(from)) = (result, self.of(first(s)))
                {
                    self.inherit(accepted, *from, after);
                }
            }
            // AS-INH-08. What becomes of the join its root is told (AS-CO-04).
            Call::WsaJoinLeaf { s, .. } => {
                if let (Some(Ok(Value::Socket(leaf))), Some(from)) = (result, self.of(first(s))) {
                    self.inherit(leaf, *from, after);
                }
            }
            // AS-INH-07: here AcceptEx's socket gets what accept's gets at once.
            Call::SetSockOpt { s, optval: SocketOption::UpdateAcceptContext(listener) }
                if matches!(result, Some(Ok(_))) =>
            {
                if let (None, Some(from)) = (self.of(first(s)), self.of(first(listener))) {
                    self.inherit(first(s), *from, after);
                }
            }
            Call::Recv { s, flags, .. }
            | Call::RecvFrom { s, flags, .. }
            | Call::WsaRecv { s, flags, .. }
            | Call::WsaRecvFrom { s, flags, .. } => {
                use NetworkEvent::{Oob, Read};
                match (flags.oob, result) {
                    // OQ-35: whether a call with bad parameters enables nobody says.
                    (_, Some(Err(WsaError::WSAEFAULT | WsaError::WSAEINVAL))) => {
                        self.enable(first(s), [], [Oob, Read]);
                    }
                    // OQ-32, X-10: what MSG_OOB enables besides FD_OOB, and whether others do.
                    (true, _) => self.enable(first(s), [Oob], [Read]),
                    (false, _) => self.enable(first(s), [Read], [Oob]),
                }
            }
            // AS-SPI-16: to a provider without IFS handles they are its receive and its send.
            Call::ReadFile { s, .. } => {
                self.enable(first(s), [], [NetworkEvent::Read, NetworkEvent::Oob]);
            }
            Call::WriteFile { s, .. } => self.enable(first(s), [], [NetworkEvent::Write]),
            // OQ-21: asking for the result may count as a receive call.
            Call::WsaGetOverlappedResult { s, .. } => {
                self.enable(first(s), [], [NetworkEvent::Read, NetworkEvent::Oob]);
            }
            // AS-EN-21, X-07.
            Call::AcceptEx { s, .. } => self.enable(first(s), [], [NetworkEvent::Accept]),
            Call::Send { s, .. }
            | Call::SendTo { s, .. }
            | Call::WsaSend { s, .. }
            | Call::WsaSendTo { s, .. } => {
                // any send enables, but only WSAEWOULDBLOCK makes a message due.
                if result == Some(Err(WsaError::WSAEWOULDBLOCK)) {
                    self.enable(first(s), [NetworkEvent::Write], []);
                } else {
                    self.enable(first(s), [], [NetworkEvent::Write]);
                }
            }
            Call::Bind { s, .. } if is_datagram(after, *s) => {
                // AS-WR-04.
                self.enable(*s, [], [NetworkEvent::Write]);
            }
            Call::Connect { s, .. } if is_datagram(after, *s) => {
                self.peer_set(*s, happened, broken);
            }
            Call::Connect { s, .. } | Call::ConnectEx { s, .. } if *made => {
                let goes_on = match result {
                    None
                    | Some(Ok(_) | Err(WsaError::WSAEWOULDBLOCK | WsaError::WSA_IO_PENDING)) => {
                        true
                    }
                    Some(Err(_)) => false,
                };
                let told = |watch: &Watch| watch.may & bit(NetworkEvent::Connect) == 0;
                let again = self.of(first(s)).is_some_and(told);
                // OQ-11: a new attempt has an outcome of its own, and FD_CLOSE may follow it.
                self.enable(first(s), [], [NetworkEvent::Connect, NetworkEvent::Close]);
                if let Some(watch) = self.of_mut(first(s)) {
                    watch.again |= again;
                }
                if goes_on {
                    self.enable(first(s), [NetworkEvent::Connect, NetworkEvent::Close], []);
                    if let Some(watch) = self.of_mut(first(s)) {
                        watch.connecting = true;
                        watch.extended = matches!(call, Call::ConnectEx { .. });
                        watch.late = Late::No;
                    }
                }
            }
            // AS-EN-07, AS-EN-08.
            Call::WsaIoctl { s, cmd: IoctlCommand::SIO_GET_QOS, .. }
            | Call::WspIoctl { s, cmd: IoctlCommand::SIO_GET_QOS, .. } => {
                self.enable(*s, [NetworkEvent::Qos], []);
            }
            Call::WsaIoctl { s, cmd: IoctlCommand::SIO_GET_GROUP_QOS, .. }
            | Call::WspIoctl { s, cmd: IoctlCommand::SIO_GET_GROUP_QOS, .. } => {
                self.enable(*s, [NetworkEvent::GroupQos], []);
            }
            Call::WsaIoctl { s, cmd: IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE, .. }
            | Call::WspIoctl { s, cmd: IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE, .. } => {
                self.enable(*s, [NetworkEvent::RoutingInterfaceChange], []);
            }
            Call::WsaIoctl { s, cmd: IoctlCommand::SIO_ADDRESS_LIST_CHANGE, .. }
            | Call::WspIoctl { s, cmd: IoctlCommand::SIO_ADDRESS_LIST_CHANGE, .. } => {
                self.enable(*s, [NetworkEvent::AddressListChange], []);
            }
            Call::IoctlSocket { s, cmd: IoctlCommand::FIONBIO, argp: 0 }
            | Call::WsaIoctl { s, cmd: IoctlCommand::FIONBIO, argp: 0, .. }
            | Call::WspIoctl { s, cmd: IoctlCommand::FIONBIO, argp: 0, .. }
                if self.of(first(s)).is_some() && result != Some(Err(WsaError::WSAEINVAL)) =>
            {
                broken.by(Property::NonBlocking);
            }
            Call::IoctlSocket { .. }
            | Call::CloseSocket { .. }
            | Call::WsaCleanup {}
            | Call::Connect { .. }
            | Call::WsaStartup { .. }
            | Call::Socket { .. }
            | Call::Bind { .. }
            | Call::Listen { .. }
            | Call::Shutdown { .. }
            | Call::SetSockOpt { .. }
            | Call::GetSockOpt { .. }
            | Call::GetSockName { .. }
            | Call::GetPeerName { .. }
            | Call::Select { .. }
            | Call::WspIoctl { .. }
            | Call::WspStartup { .. }
            | Call::WspCleanup {}
            | Call::WspCancelBlockingCall {}
            | Call::WsaCancelBlockingCall {}
            | Call::WsaIsBlocking {}
            | Call::CloseHandle { .. }
            | Call::WsaDuplicateSocket { .. }
            | Call::WsaCreateEvent {}
            | Call::WsaCloseEvent { .. }
            | Call::WsaResetEvent { .. }
            | Call::WsaEventSelect { .. }
            | Call::WsaEnumNetworkEvents { .. }
            | Call::WsaWaitForMultipleEvents { .. }
            | Call::ConnectEx { .. }
            | Call::WsaIoctl { .. }
            | Call::CreateWindow {}
            | Call::GetMessage { .. }
            | Call::PostMessage { .. }
            | Call::DestroyWindow { .. } => {}
        }
    }

    /// A socket gets its listener's registration (AS-INH-01, AS-INH-03, AS-INH-05).
    fn inherit(&mut self, accepted: SocketHandle, from: Watch, after: &World) {
        let Some(view) = after.socket_of(accepted) else { return };
        let hwnd = Hwnd(u64::from(from.hwnd));
        let mask = NetworkEvents(u32::from(from.mask));
        let message = MessageId(u32::from(from.message));
        self.register(&view, hwnd, message, mask, after);
        self.of_mut(accepted).expect("just registered").late = Late::No;
    }

    /// connect on a datagram socket, which completes at once: its FD_CONNECT is due in that step.
    fn peer_set(&mut self, socket: SocketHandle, happened: &Happened<'_>, broken: &mut Broken<'_>) {
        let Happened { before, after, seen, .. } = happened;
        let peer = |world: &World| match world.socket_of(socket).map(|view| view.stage) {
            Some(Stage::Datagram(view)) => view.connected,
            Some(_) | None => false,
        };
        if !matches!(seen.result(), Some(Ok(_))) || !peer(after) {
            return;
        }
        let connect = bit(NetworkEvent::Connect);
        // OQ-11: another connect need not be told in the same registration.
        let due = self.of(socket).is_some_and(|watch| {
            watch.mask & watch.may & !watch.kept & connect != 0 && !peer(before)
        });
        let is_it =
            |message: &Message| message.socket == socket && message.event == NetworkEvent::Connect;
        let told = seen.posts.iter().any(|(message, _)| is_it(message));
        self.enable(socket, [], [NetworkEvent::Connect, NetworkEvent::Write]);
        // The alternative stands for just that.
        broken.unless_as(!due || told, Property::DatagramConnectIsTold, |_, _| true);
    }

    /// Whether the world's registrations are those that were asked for. The monitor goes on with
    /// the world's.
    fn stands(&mut self, happened: &Happened<'_>, broken: &mut Broken<'_>) {
        let world = happened.after;
        let is_held = |watch: &Watch, held: &RegistrationView| {
            let same_target = match held.target {
                TargetView::Window { hwnd, message } => {
                    message.0 == u32::from(watch.message)
                        && hwnd.is_none_or(|hwnd| hwnd.0 == u64::from(watch.hwnd))
                }
                TargetView::Event { .. } => false,
            };
            same_target && held.mask.0 == u32::from(watch.mask)
        };
        // Mostly nothing is wrong.
        let stands = |watch: &Watch| {
            let held = world.registration_of(watch.socket());
            held.is_some_and(|(held, mode)| mode && is_held(watch, &held))
        };
        if self.watches.iter().all(stands) {
            return;
        }
        self.watches.retain(|watch| {
            let held = world.registration_of(watch.socket());
            let stands = held.as_ref().is_some_and(|(held, _)| is_held(watch, held));
            broken.unless_as(stands, Property::RegistrationStays, |knob, _| {
                held.is_none() && watch.ends_by(knob, happened)
            });
            broken.unless(!stands || held.is_some_and(|(_, mode)| mode), Property::NonBlocking);
            stands
        });
    }

    /// What is wrong or remarkable about a state: `waiting` are the calls that have not returned,
    /// if nothing happens by itself any more.
    ///
    /// That calls are judged at rest only loses nothing. What happens by itself comes to an end
    /// (a test goes all ways): so from wherever a call waits for what is there, every way on leads
    /// to a state at rest, which is judged too. There the call has returned, or what it waited for
    /// is gone, or it starves. And a search follows what happens by itself to its end within each
    /// round, whatever the bound on letters. Wake-ups are judged in every state: a message is due
    /// at once, not some time.
    pub(super) fn stands_at<'c>(
        &self,
        world: &World,
        waiting: impl Iterator<Item = (ThreadId, &'c BackendCall)>,
        broken: &mut Broken<'_>,
    ) {
        broken.marks |= situations::of_state(world);
        let within = queues::hold_no_more_than_they_may(world);
        // The alternative stands for just that.
        broken.unless_as(within, Property::QueueBound, |_, _| true);
        self.each_lost(world, |_, lost| broken.unless_as(false, lost.property, lost.explained));
        for (thread, call) in waiting {
            broken.unless(!lost::starves(world, thread, call), Property::NoStarvation);
        }
    }

    /// Every wake-up that is lost, by the number of its registration.
    #[inline]
    fn each_lost(&self, world: &World, mut found: impl FnMut(usize, Lost<'_>)) {
        for (at, watch) in self.watches.iter().enumerate() {
            // Most registrations have nothing left to tell.
            if watch.mask & watch.must == 0 {
                continue;
            }
            let Some(view) = world.socket_of(watch.socket()) else { continue };
            // OQ-18: what becomes of a registration whose window is gone is not said.
            let has_window = view.registration.is_some_and(|held| match held.target {
                TargetView::Window { hwnd, .. } => hwnd.is_some(),
                TargetView::Event { .. } => false,
            });
            if has_window {
                watch.lost(&view, world, &mut |lost| found(at, lost));
            }
        }
    }

    /// What becomes of an event is not said, before its next re-enabling call, where its message
    /// cannot be posted (OQ-17, AS-Q-03), or where SO_OOBINLINE makes urgent data of ordinary data
    /// or the other way round (OQ-30).
    fn forgive(&mut self, happened: &Happened<'_>) {
        let Happened { before, after, call, .. } = happened;
        let changed = match call {
            Some((_, Call::SetSockOpt { s, optval: SocketOption::OobInline(_) })) => Some(*s),
            Some(_) | None => None,
        };
        let failed = after.failing_posts() < before.failing_posts();
        let full = queues::may_be_full(before) || queues::may_be_full(after);
        if !failed && !full && !after.has_failing_upcalls() && changed.is_none() {
            return;
        }
        let mut forgiven = vec![0; self.watches.len()];
        self.each_lost(after, |at, lost| forgiven[at] |= bit(lost.event));
        let lost = self.watches.iter_mut().zip(forgiven).filter(|(_, events)| *events != 0);
        for (watch, events) in lost {
            // AS-SPI-05: the upcalls are those of the process that registered.
            let held = after.registration_of(watch.socket());
            let unsaid = failed
                || changed == Some(watch.socket())
                || held.is_some_and(|(held, _)| after.has_failing_upcall(held.process))
                || [before, after].into_iter().any(|world| queues::is_full(world, watch.hwnd()));
            if unsaid {
                watch.must &= !events;
            }
        }
    }

    fn of(&self, socket: SocketHandle) -> Option<&Watch> {
        self.watches.iter().find(|watch| watch.socket() == socket)
    }

    fn of_mut(&mut self, socket: SocketHandle) -> Option<&mut Watch> {
        self.watches.iter_mut().find(|watch| watch.socket() == socket)
    }

    /// A call enables these for certain, and those perhaps.
    fn enable<const C: usize, const P: usize>(
        &mut self,
        socket: SocketHandle,
        certain: [NetworkEvent; C],
        perhaps: [NetworkEvent; P],
    ) {
        let Some(watch) = self.of_mut(socket) else { return };
        for event in certain {
            watch.must |= bit(event);
            watch.may |= bit(event);
            // connect re-enables FD_CONNECT where `connect_again` says so, which is looked at when
            // its outcome is not told.
            if event != NetworkEvent::Connect {
                watch.kept &= !bit(event);
            }
            watch.early &= event != NetworkEvent::Write;
        }
        for event in perhaps {
            watch.may |= bit(event);
        }
    }

    /// accept enables FD_ACCEPT, whether or not it fails (AS-EN-09).
    fn enable_accept(&mut self, socket: SocketHandle, failed: bool, after: &World) {
        let Some(watch) = self.of_mut(socket) else { return };
        let was_due = watch.must & bit(NetworkEvent::Accept) != 0;
        watch.ignored = failed
            && (watch.ignored || !was_due)
            && holds_in(after, KnobId::FailedAcceptRearms, "ignored");
        self.enable(socket, [NetworkEvent::Accept], []);
    }

    fn register(
        &mut self,
        view: &SocketView,
        hwnd: Hwnd,
        message: MessageId,
        mask: NetworkEvents,
        after: &World,
    ) {
        let mask = u16::try_from(mask.0).expect("defined events have the ten low bits");
        let small = |number: u64| u32::try_from(number).expect("the model's handles are small");
        let mut watch = Watch {
            socket: small(view.handle.0),
            hwnd: small(hwnd.0),
            message: u16::try_from(message.0).expect("the model takes no others"),
            mask,
            may: mask,
            must: mask,
            connecting: view.stage == Stage::Connecting,
            again: false,
            late: Late::of(view, after),
            kept: 0,
            ignored: false,
            early: mask & bit(NetworkEvent::Write) != 0 && connection_in(view.stage).is_none(),
            extended: after.operations_on(view.handle).connects > 0,
        };
        // OQ-08: whether an unbound datagram socket can send nobody says.
        if matches!(view.stage, Stage::Datagram(DatagramView { bound: false, .. })) {
            watch.must &= !bit(NetworkEvent::Write);
        }
        watch.leave_to_root(view, after);
        if let Some(old) = self.of(view.handle)
            && (old.hwnd, old.message) == (watch.hwnd, watch.message)
            && holds_in(after, KnobId::Reregister, "keeps_latch")
        {
            let again = if old.again { bit(NetworkEvent::Connect) } else { 0 };
            watch.kept = old.mask & (old.kept | !old.must | again);
        }
        self.forget(view.handle);
        let at = self.watches.partition_point(|other| other.socket < watch.socket);
        self.watches.insert(at, watch);
    }

    fn forget(&mut self, socket: SocketHandle) {
        self.watches.retain(|watch| watch.socket() != socket);
    }
}

impl Watch {
    fn socket(&self) -> SocketHandle {
        SocketHandle(u64::from(self.socket))
    }

    fn hwnd(&self) -> Hwnd {
        Hwnd(u64::from(self.hwnd))
    }

    /// Whether what happened is what a knob has an alternative for by which the registration ends.
    fn ends_by(&self, knob: KnobId, happened: &Happened<'_>) -> bool {
        let Some((_, call)) = happened.call else { return false };
        let result = happened.seen.result();
        match call {
            Call::Shutdown { s, how: Shutdown::Both } => {
                knob == KnobId::ShutdownBoth && *s == self.socket()
            }
            Call::Accept { .. } | Call::WsaAccept { .. } => {
                knob == KnobId::AcceptInheritsRegistration
                    && result == Some(Ok(Value::Socket(self.socket())))
            }
            Call::SetSockOpt { s, optval: SocketOption::UpdateAcceptContext(_) } => {
                matches!(knob, KnobId::UpdateAcceptContext | KnobId::AcceptInheritsRegistration)
                    && happened.before.first_descriptor(*s) == self.socket()
            }
            Call::DestroyWindow { hwnd } => knob == KnobId::DestroyedWindow && *hwnd == self.hwnd(),
            Call::WsaAsyncSelect { s, .. } | Call::WspAsyncSelect { s, .. } => {
                knob == KnobId::FailedSelect
                    && *s == self.socket()
                    && matches!(result, Some(Err(_)))
            }
            _ => false,
        }
    }
}

impl Late {
    /// Of a registration that was just made.
    fn of(view: &SocketView, after: &World) -> Self {
        let untold = |knob| holds_in(after, knob, "silent");
        let Some(connection) = connection_in(view.stage) else { return Self::No };
        match connection.arrived {
            Arrived::Open => Self::No,
            Arrived::Reset | Arrived::EndThenReset if untold(KnobId::RegisterAfterReset) => {
                Self::Reset
            }
            Arrived::End
                if view.send_shut
                    && !connection.unread
                    && untold(KnobId::RegisterAfterBothEnded) =>
            {
                Self::BothEnded
            }
            Arrived::End
            | Arrived::Reset
            | Arrived::EndThenReset
            | Arrived::OwnReset
            | Arrived::TimedOut => Self::Closed,
        }
    }
}

/// A wake-up that is lost.
struct Lost<'l> {
    event: NetworkEvent,
    /// What it breaks.
    property: Property,
    /// Whether an alternative of a knob stands for just this.
    explained: &'l dyn Fn(KnobId, &str) -> bool,
}

fn is_datagram(world: &World, socket: SocketHandle) -> bool {
    world.socket_of(socket).is_some_and(|view| matches!(view.stage, Stage::Datagram(_)))
}

fn connection_in(stage: Stage) -> Option<ConnectionView> {
    match stage {
        Stage::Connected(connection) => Some(connection),
        Stage::Idle | Stage::Listening { .. } | Stage::Connecting | Stage::Datagram(_) => None,
    }
}

fn connection_of(world: &World, socket: SocketHandle) -> Option<ConnectionView> {
    connection_in(world.socket_of(socket)?.stage)
}

fn bit(event: NetworkEvent) -> u16 {
    u16::try_from(event.bit().0).expect("defined events have the ten low bits")
}
