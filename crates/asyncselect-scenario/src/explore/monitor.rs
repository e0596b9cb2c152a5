//! Watches a world from outside: its calls, what they return, its messages, and the facts of
//! [`asyncselect_model::view`]. What is allowed, it works out from the clauses, not from the model.
//!
//! Where a clause leaves open whether a call enables, the monitor holds both: an event that *may*
//! come is no duplicate, one that *must* come is a lost wake-up if it does not.

use asyncselect_abi::call::{BackendCall, IoctlCommand};
use asyncselect_abi::{
    Call, Hwnd, MessageId, NetworkEvent, NetworkEvents, SocketHandle, Value, WsaError,
};
use asyncselect_model::World;
use asyncselect_model::stream::Arrived;
use asyncselect_model::view::{ConnectionView, RegistrationView, SocketView, Stage};

use super::fingerprint::Fingerprint;
use super::properties::Property;
use super::search::Marks;

mod lost;
mod posted;
mod seen;
mod situations;

use posted::Broken;
pub(super) use seen::Seen;

/// The messages that a queue holds by default (AS-Q-01).
const QUEUE_MAX: usize = 10_000;

/// The registrations that are watched at once.
const WATCHES: usize = 6;

/// What is remembered of the registrations of a world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Monitor {
    /// In the order of their sockets' handles.
    watches: [Watch; WATCHES],
    len: u8,
}

/// One registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    late: bool,
}

/// More registrations than are watched.
#[derive(Debug)]
pub(super) struct TooMany;

/// What happened between two worlds.
pub(super) struct Happened<'h> {
    pub(super) before: &'h World,
    pub(super) after: &'h World,
    /// The call that was made, or that returned.
    pub(super) call: Option<&'h BackendCall>,
    /// Whether it is being made now.
    pub(super) made: bool,
    pub(super) seen: &'h Seen,
}

impl Monitor {
    pub(super) fn pack(&self, fingerprint: &mut Fingerprint) {
        fingerprint.add(u64::from(self.len));
        for watch in self.all() {
            let Watch { socket, hwnd, message, mask, may, must, connecting, again, late } = *watch;
            fingerprint.add(u64::from(socket) | u64::from(hwnd) << 32);
            fingerprint.add(
                u64::from(message)
                    | u64::from(mask) << 16
                    | u64::from(may) << 32
                    | u64::from(must) << 48,
            );
            fingerprint.add(u64::from(connecting) | u64::from(late) << 1 | u64::from(again) << 2);
        }
    }

    /// Takes a registration over as it stands, when watching begins.
    pub(super) fn adopt(&mut self, world: &World) -> Result<(), TooMany> {
        for view in world.sockets() {
            if let Some(registration) = view.registration {
                let hwnd = registration.hwnd.unwrap_or(Hwnd(0));
                self.register(&view, hwnd, registration.message, registration.mask)?;
                // What was told before is not known; nothing is due.
                self.of_mut(view.handle).expect("just registered").must = 0;
            }
        }
        Ok(())
    }

    /// Takes in what happened, and says what was wrong or remarkable about it.
    pub(super) fn take(&mut self, happened: &Happened<'_>) -> Result<Marks, TooMany> {
        let mut marks = self.called(happened)?;
        for (message, _) in &happened.seen.posts {
            marks |= self.posted(message, happened);
        }
        marks |= self.stands(happened.after);
        marks |= queues(happened);
        self.forgive_full_queue(happened);
        Ok(marks | situations::of_step(happened))
    }

    /// What a call does to registrations, and to what is enabled.
    fn called(&mut self, happened: &Happened<'_>) -> Result<Marks, TooMany> {
        let Happened { after, call, seen, made, .. } = happened;
        let Some(call) = call else { return Ok(0) };
        let result = seen.result();
        let mut marks = 0;
        match call {
            Call::WsaAsyncSelect { s, hwnd, wmsg, levent }
            | Call::WspAsyncSelect { s, hwnd, wmsg, levent } => {
                let mask = *levent & NetworkEvents::FD_ALL_EVENTS;
                let view = after.socket_of(*s);
                match (result, view) {
                    (Some(Ok(_)), Some(_)) if mask.is_empty() => self.forget(*s),
                    (Some(Ok(_)), Some(view)) => self.register(&view, *hwnd, *wmsg, mask)?,
                    (None | Some(_), _) => {}
                }
            }
            Call::CloseSocket { s } if matches!(result, Some(Ok(_))) => self.forget(*s),
            Call::WsaCleanup {} if matches!(result, Some(Ok(_))) => {
                let open = |handle: u32| after.socket_of(SocketHandle(u64::from(handle))).is_some();
                self.retain(|watch| open(watch.socket));
            }
            Call::Accept { s } => {
                self.enable(*s, [NetworkEvent::Accept], []);
                if let (Some(Ok(Value::Socket(accepted))), Some(from)) = (result, self.of(*s)) {
                    // AS-INH-01, AS-INH-03, AS-INH-05.
                    let from = *from;
                    if let Some(view) = after.socket_of(accepted) {
                        let hwnd = Hwnd(u64::from(from.hwnd));
                        let mask = NetworkEvents(u32::from(from.mask));
                        let message = MessageId(u32::from(from.message));
                        self.register(&view, hwnd, message, mask)?;
                        self.of_mut(accepted).expect("just registered").late = false;
                    }
                }
            }
            Call::Recv { s, flags, .. } | Call::RecvFrom { s, flags, .. } => {
                use NetworkEvent::{Oob, Read};
                match (flags.oob, result) {
                    // OQ-35: whether a call with bad parameters enables nobody says.
                    (_, Some(Err(WsaError::WSAEFAULT | WsaError::WSAEINVAL))) => {
                        self.enable(*s, [], [Oob, Read]);
                    }
                    // OQ-32, X-10: what MSG_OOB enables besides FD_OOB, and whether others do.
                    (true, _) => self.enable(*s, [Oob], [Read]),
                    (false, _) => self.enable(*s, [Read], [Oob]),
                }
            }
            Call::Send { s, .. } | Call::SendTo { s, .. } => {
                // any send enables, but only WSAEWOULDBLOCK makes a message due.
                if result == Some(Err(WsaError::WSAEWOULDBLOCK)) {
                    self.enable(*s, [NetworkEvent::Write], []);
                } else {
                    self.enable(*s, [], [NetworkEvent::Write]);
                }
            }
            Call::Connect { s, .. } if *made => {
                let goes_on = match result {
                    None | Some(Ok(_) | Err(WsaError::WSAEWOULDBLOCK)) => true,
                    Some(Err(_)) => false,
                };
                let told = |watch: &Watch| watch.may & bit(NetworkEvent::Connect) == 0;
                let again = self.of(*s).is_some_and(told);
                // OQ-11: a new attempt has an outcome of its own, and FD_CLOSE may follow it.
                self.enable(*s, [], [NetworkEvent::Connect, NetworkEvent::Close]);
                if let Some(watch) = self.of_mut(*s) {
                    watch.again |= again;
                }
                if goes_on {
                    self.enable(*s, [NetworkEvent::Connect, NetworkEvent::Close], []);
                    if let Some(watch) = self.of_mut(*s) {
                        watch.connecting = true;
                        watch.late = false;
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
                if self.of(*s).is_some() && result != Some(Err(WsaError::WSAEINVAL)) =>
            {
                marks |= Property::NonBlocking.broken(after);
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
            | Call::CloseHandle { .. }
            | Call::WsaDuplicateSocket { .. }
            | Call::WsaCreateEvent {}
            | Call::WsaCloseEvent { .. }
            | Call::WsaResetEvent { .. }
            | Call::WsaEventSelect { .. }
            | Call::WsaEnumNetworkEvents { .. }
            | Call::WsaWaitForMultipleEvents { .. }
            | Call::WsaRecv { .. }
            | Call::WsaRecvFrom { .. }
            | Call::WsaSend { .. }
            | Call::WsaSendTo { .. }
            | Call::WsaGetOverlappedResult { .. }
            | Call::WsaAccept { .. }
            | Call::AcceptEx { .. }
            | Call::ConnectEx { .. }
            | Call::WsaJoinLeaf { .. }
            | Call::WsaIoctl { .. }
            | Call::CreateWindow {}
            | Call::GetMessage { .. }
            | Call::DestroyWindow { .. } => {}
        }
        Ok(marks)
    }

    /// Whether the world's registrations are those that were asked for. The monitor goes on with
    /// the world's.
    fn stands(&mut self, world: &World) -> Marks {
        let mut marks = 0;
        let mut at = 0;
        while at < usize::from(self.len) {
            let watch = self.watches[at];
            let socket = SocketHandle(u64::from(watch.socket));
            let same = |held: &(RegistrationView, bool)| {
                let (held, _) = held;
                held.mask.0 == u32::from(watch.mask)
                    && held.message.0 == u32::from(watch.message)
                    && held.hwnd.is_none_or(|hwnd| hwnd.0 == u64::from(watch.hwnd))
            };
            let Some((_, nonblocking)) = world.registration_of(socket).filter(same) else {
                marks |= Property::RegistrationStays.broken(world);
                self.forget(socket);
                continue;
            };
            if !nonblocking {
                marks |= Property::NonBlocking.broken(world);
            }
            at += 1;
        }
        marks
    }

    /// What is wrong or remarkable about a state: `waiting` are the calls that have not returned,
    /// if nothing happens by itself any more.
    pub(super) fn stands_at<'c>(
        &self,
        world: &World,
        waiting: impl Iterator<Item = &'c BackendCall>,
    ) -> Marks {
        let mut broken = Broken { marks: situations::of_state(world), world };
        broken.unless(world.queue().len() <= QUEUE_MAX, Property::QueueBound);
        self.each_lost(world, |_, _, property| broken.by(property));
        for call in waiting {
            broken.unless(!lost::starves(world, call), Property::NoStarvation);
        }
        broken.marks
    }

    /// Every wake-up that is lost, by the number of its registration.
    #[inline]
    fn each_lost(&self, world: &World, mut found: impl FnMut(usize, NetworkEvent, Property)) {
        for (at, watch) in self.all().iter().enumerate() {
            // Most registrations have nothing left to tell.
            if watch.mask & watch.must == 0 {
                continue;
            }
            let socket = SocketHandle(u64::from(watch.socket));
            let Some(view) = world.socket_of(socket) else { continue };
            // OQ-18: what becomes of a registration whose window is gone is not said.
            if view.registration.is_some_and(|held| held.hwnd.is_some()) {
                watch.lost(&view, &mut |event, property| found(at, event, property));
            }
        }
    }

    /// OQ-17, AS-Q-03: what becomes of an event that finds the queue full is not said, before its
    /// next re-enabling call.
    fn forgive_full_queue(&mut self, happened: &Happened<'_>) {
        let full = |world: &World| world.queue().len() >= QUEUE_MAX;
        if full(happened.before) || full(happened.after) {
            let mut forgiven = [0; WATCHES];
            self.each_lost(happened.after, |at, event, _| forgiven[at] |= bit(event));
            for (watch, events) in self.watches.iter_mut().zip(forgiven) {
                watch.must &= !events;
            }
        }
    }

    fn all(&self) -> &[Watch] {
        &self.watches[..usize::from(self.len)]
    }

    fn of(&self, socket: SocketHandle) -> Option<&Watch> {
        self.all().iter().find(|watch| u64::from(watch.socket) == socket.0)
    }

    fn of_mut(&mut self, socket: SocketHandle) -> Option<&mut Watch> {
        let all = &mut self.watches[..usize::from(self.len)];
        all.iter_mut().find(|watch| u64::from(watch.socket) == socket.0)
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
        }
        for event in perhaps {
            watch.may |= bit(event);
        }
    }

    fn register(
        &mut self,
        view: &SocketView,
        hwnd: Hwnd,
        message: MessageId,
        mask: NetworkEvents,
    ) -> Result<(), TooMany> {
        self.forget(view.handle);
        let closed = match view.stage {
            Stage::Connected(ConnectionView { arrived, .. }) => arrived != Arrived::Open,
            Stage::Idle | Stage::Listening { .. } | Stage::Connecting => false,
        };
        let mask = u16::try_from(mask.0).expect("defined events have the ten low bits");
        let small = |number: u64| u32::try_from(number).expect("the model's handles are small");
        let watch = Watch {
            socket: small(view.handle.0),
            hwnd: small(hwnd.0),
            message: u16::try_from(message.0).expect("the model takes no others"),
            mask,
            may: mask,
            must: mask,
            connecting: view.stage == Stage::Connecting,
            again: false,
            late: closed,
        };
        let len = usize::from(self.len);
        let at = self.all().partition_point(|other| other.socket < watch.socket);
        if len == WATCHES {
            return Err(TooMany);
        }
        self.watches[at..=len].rotate_right(1);
        self.watches[at] = watch;
        self.len += 1;
        Ok(())
    }

    fn forget(&mut self, socket: SocketHandle) {
        self.retain(|watch| u64::from(watch.socket) != socket.0);
    }

    /// Keeps some; the places of the others are as they were at the start.
    fn retain(&mut self, keeps: impl Fn(&Watch) -> bool) {
        let mut kept = Self::default();
        for watch in self.all().iter().filter(|watch| keeps(watch)) {
            kept.watches[usize::from(kept.len)] = *watch;
            kept.len += 1;
        }
        *self = kept;
    }
}

/// Whether queues give what they got, in its order. Who asks for one window only may get a message
/// before those of others (AS-ORD-02).
fn queues(happened: &Happened<'_>) -> Marks {
    let Happened { before, after, call, seen, .. } = happened;
    // AS-Q-07: with a window its messages go; X-21: with the last WSACleanup they may.
    if matches!(call, Some(Call::DestroyWindow { .. } | Call::WsaCleanup {})) {
        return 0;
    }
    let (old, new) = (before.queue(), after.queue());
    let holds = match &seen.retrieved {
        // A look leaves the message where it is.
        Some((message, _)) if old.len() == new.len() => before.queue().any(|old| old == *message),
        Some((message, _)) => {
            let first = before.queue().position(|other| other.hwnd == message.hwnd);
            first.is_some_and(|first| {
                let others = before.queue().take(first).chain(before.queue().skip(first + 1));
                before.queue().nth(first) == Some(*message) && others.eq(new)
            })
        }
        None => {
            let posts = seen.posts.iter().map(|(message, _)| *message);
            old.len() + posts.len() == new.len() && old.chain(posts).eq(new)
        }
    };
    if holds { 0 } else { Property::FirstInFirstOut.broken(after) }
}

fn connection_in(stage: Stage) -> Option<ConnectionView> {
    match stage {
        Stage::Connected(connection) => Some(connection),
        Stage::Idle | Stage::Listening { .. } | Stage::Connecting => None,
    }
}

fn connection_of(world: &World, socket: SocketHandle) -> Option<ConnectionView> {
    connection_in(world.socket_of(socket)?.stage)
}

fn bit(event: NetworkEvent) -> u16 {
    u16::try_from(event.bit().0).expect("defined events have the ten low bits")
}
