//! The vocabulary: one line a call, with how often it is made.

use std::net::SocketAddr;

use asyncselect_abi::call::{
    BackendCall, BlockingHook, IoctlCommand, MsgFlags, OptionName, Shutdown, SocketOption,
    SocketType, Upcall, Version,
};
use asyncselect_abi::{
    Call, EventHandle, MessageId, NetworkEvent, OwnReply, SocketHandle, ThreadId, WsaError,
};
use asyncselect_model::World;
use asyncselect_model::stream::Arrived;
use asyncselect_model::view::Stage;

use super::known::{For, Known, flags, len, literal, mask, message};
use super::random::Random;

/// What a call is made up from.
pub(crate) struct Program<'a> {
    pub(crate) world: &'a World,
    pub(crate) known: &'a Known,
    pub(crate) thread: ThreadId,
    pub(crate) random: &'a mut Random,
}

type Make = fn(&mut Program<'_>) -> BackendCall;

/// Every call that the model has; a new one is one more line.
const CALLS: &[(usize, Make)] = &[
    (4, |p| Call::WsaStartup { version: p.version() }),
    (1, |_| Call::WsaCleanup {}),
    (40, |_| Call::Socket { kind: SocketType::Stream }),
    (15, |_| Call::Socket { kind: SocketType::Datagram }),
    (50, |p| Call::Bind { s: p.s(For::Binding), name: p.known.own_name(p.thread, p.random) }),
    (50, |p| Call::Listen {
        s: p.s(For::Listening),
        backlog: p.of([0, 1, 5, 200, 200, 200, 200, 200, 200, 200]),
    }),
    (90, |p| Call::Connect { s: p.s(For::Connecting), name: p.known.peer_name(p.random) }),
    (2, |p| Call::WsaJoinLeaf { s: p.s(For::Connecting), name: p.known.peer_name(p.random) }),
    (70, |p| Call::Accept { s: p.s(For::Accepting) }),
    (110, |p| Call::Send { s: p.s(For::Transfer), data: literal(p.random), flags: p.send_flags() }),
    (120, |p| Call::Recv { s: p.s(For::Transfer), len: len(p.random), flags: flags(p.random) }),
    (20, |p| Call::SendTo {
        s: p.s(For::Transfer),
        data: literal(p.random),
        to: None,
        flags: p.send_flags(),
    }),
    (40, |p| Call::SendTo {
        s: p.s(For::Datagrams),
        data: literal(p.random),
        to: p.known.peer_name(p.random),
        flags: p.send_flags(),
    }),
    (30, |p| Call::RecvFrom { s: p.s(For::Datagrams), len: len(p.random), flags: flags(p.random) }),
    (20, |p| Call::RecvFrom { s: p.s(For::Transfer), len: len(p.random), flags: flags(p.random) }),
    (25, |p| Call::Shutdown { s: p.s(For::Transfer), how: p.how() }),
    (35, |p| Call::CloseSocket { s: p.s(For::Anything) }),
    (30, |p| Call::IoctlSocket {
        s: p.s(For::Anything),
        cmd: p.of([IoctlCommand::FIONBIO, IoctlCommand::FIONREAD, IoctlCommand::SIOCATMARK]),
        argp: p.of([0, 1, 1, 7]),
    }),
    (25, |p| Call::SetSockOpt { s: p.s(For::Anything), optval: p.option() }),
    (10, |p| Call::GetSockOpt { s: p.s(For::Anything), optname: p.option_name() }),
    (5, |p| Call::GetSockName { s: p.s(For::Anything) }),
    (5, |p| Call::GetPeerName { s: p.s(For::Transfer) }),
    (15, |p| Call::Select {
        readfds: p.set(),
        writefds: p.set(),
        exceptfds: p.set(),
        timeout_ms: p.of([0, 0, 0, 1, 500]),
    }),
    (150, |p| {
        let (s, hwnd) = (p.s(For::Anything), p.known.window(p.thread, p.random));
        Call::WsaAsyncSelect { s, hwnd, wmsg: message(p.random), levent: mask(p.random) }
    }),
    (30, |p| {
        let (s, hwnd) = (p.s(For::Anything), p.known.window(p.thread, p.random));
        Call::WspAsyncSelect { s, hwnd, wmsg: message(p.random), levent: mask(p.random) }
    }),
    (15, |p| Call::WspIoctl {
        s: p.s(For::Anything),
        cmd: p.command(),
        argp: p.of([0, 1]),
        destination: Some(p.destination()),
    }),
    (2, |p| Call::WspStartup {
        version: p.version(),
        post_message: p.of([Upcall::Works, Upcall::Works, Upcall::Fails, Upcall::Slow]),
        hook: p.of([BlockingHook::Hook, BlockingHook::Null]),
        ifs_handles: p.of([true, false]),
    }),
    (50, |p| Call::WsaIoctl {
        s: p.s(For::Anything),
        cmd: p.command(),
        argp: p.of([0, 1]),
        destination: Some(p.destination()),
    }),
    (10, |_| Call::CreateWindow {}),
    (10, |p| {
        let hwnd = p.known.own_window(p.thread, p.random);
        let (min, max) = p.of([(0, 0), (0, 0), (0x400, 0x400), (0x401, 0x500)]);
        Call::GetMessage {
            hwnd: hwnd.filter(|_| p.random.happens(700)).unwrap_or(asyncselect_abi::Hwnd(0)),
            min: MessageId(min),
            max: MessageId(max),
        }
    }),
    (10, |p| Call::PostMessage {
        hwnd: p.known.window(p.thread, p.random),
        message: MessageId(p.of([0x400, 0x401, 0x402])),
        socket: if p.of([true, false, false]) { SocketHandle(0) } else { p.s(For::Anything) },
        reply: OwnReply {
            event: p.of([NetworkEvent::Read, NetworkEvent::Connect, NetworkEvent::Close]),
            error: p.of([None, Some(WsaError::WSAECONNRESET)]),
        },
    }),
    (10, |_| Call::WsaCreateEvent {}),
    (2, |p| Call::WsaCloseEvent { event: p.event() }),
    (5, |p| Call::WsaResetEvent { event: p.event() }),
    (60, |p| Call::WsaEventSelect {
        s: p.s(For::Anything),
        event: p.event(),
        levent: mask(p.random),
    }),
    (40, |p| Call::WsaEnumNetworkEvents { s: p.s(For::Anything), event: p.event() }),
    (10, |p| Call::WsaWaitForMultipleEvents {
        events: vec![p.event()],
        all: p.of([true, false]),
        timeout_ms: p.of([0, 0, 500]),
    }),
    (10, |p| Call::WsaDuplicateSocket { s: p.s(For::Anything) }),
    (3, |p| Call::CloseHandle { s: p.s(For::Anything) }),
    (1, |_| Call::WspCleanup {}),
    (2, |_| Call::WsaIsBlocking {}),
    (1, |_| Call::WsaCancelBlockingCall {}),
    (15, |p| Call::WsaRecv {
        s: p.s(For::Transfer),
        len: p.size(),
        flags: MsgFlags::NONE,
        overlapped: p.structure(),
    }),
    (15, |p| Call::WsaRecvFrom {
        s: p.s(For::Datagrams),
        len: p.size(),
        flags: MsgFlags::NONE,
        overlapped: p.structure(),
    }),
    (10, |p| Call::WsaSend {
        s: p.s(For::Transfer),
        data: literal(p.random),
        flags: MsgFlags::NONE,
        overlapped: p.structure(),
    }),
    (10, |p| Call::WsaSendTo {
        s: p.s(For::Datagrams),
        data: literal(p.random),
        to: p.known.peer_name(p.random),
        flags: MsgFlags::NONE,
        overlapped: p.structure(),
    }),
    (15, |p| {
        let (s, overlapped) = p.operation();
        Call::WsaGetOverlappedResult { s, overlapped, wait: p.of([false, false, false, true]) }
    }),
    (5, |p| Call::ReadFile { s: p.s(For::Transfer), len: p.of([1, 5, 100]) }),
    (5, |p| Call::WriteFile { s: p.s(For::Transfer), data: literal(p.random) }),
    (3, |p| Call::DestroyWindow { hwnd: p.known.window(p.thread, p.random) }),
];

/// Whether the model is known not to describe a call; a few are made all the same.
fn is_hopeless(call: &BackendCall, p: &mut Program<'_>) -> bool {
    let world = p.world;
    let waits = |s: SocketHandle| p.known.waiting.iter().flatten().any(|on| *on == s);
    let view = call.socket().and_then(|s| world.socket_of(*s));
    let stage = view.map(|view| view.stage);
    let datagrams = matches!(stage, Some(Stage::Datagram(_)));
    let failed = matches!(stage, Some(Stage::Datagram(view)) if view.closed);
    let returns = matches!(stage, Some(Stage::Datagram(view)) if view.returns);
    let is_event = |event: &EventHandle| p.known.events.iter().any(|(_, known)| known == event);
    let receiving = |s: SocketHandle| waits(s) || world.operations_on(s).receives > 0;
    let (listens, connected) = (
        matches!(stage, Some(Stage::Listening { .. })),
        matches!(stage, Some(Stage::Connected(_))),
    );
    match call {
        Call::IoctlSocket { cmd, .. } => datagrams && *cmd == IoctlCommand::SIOCATMARK,
        Call::SetSockOpt { optval: SocketOption::Linger { .. }, .. }
        | Call::GetSockOpt { optname: OptionName::Linger, .. }
        | Call::WsaJoinLeaf { .. } => datagrams,
        Call::Connect { s, name } => {
            datagrams && (failed || returns || receiving(*s) || name.is_none())
        }
        Call::WsaRecv { s, overlapped, .. } | Call::WsaRecvFrom { s, overlapped, .. } => {
            failed || listens || waits(*s) || overlapped.is_some_and(|event| !is_event(&event))
        }
        Call::WsaSend { s, data, overlapped, .. } | Call::WsaSendTo { s, data, overlapped, .. } => {
            let empty = data.len == 0 && !datagrams;
            let on = overlapped.is_some_and(|event| empty || !is_event(&event));
            on || failed || listens || waits(*s)
        }
        Call::WsaGetOverlappedResult { s, overlapped, .. } => {
            !p.known.operations.contains(&(*s, *overlapped))
        }
        Call::CloseSocket { s } => waits(*s),
        Call::Shutdown { s, how } => *how != Shutdown::Send && waits(*s),
        Call::WsaCleanup {} => p.known.waiting.iter().any(|on| !on.is_empty()),
        Call::Send { s, data, flags } | Call::SendTo { s, data, flags, .. } => {
            failed || listens || waits(*s) || flags.oob && (data.len == 0 || data.len > 1000)
        }
        Call::Recv { s, flags, len } | Call::RecvFrom { s, flags, len } => {
            let blocks = view.is_some_and(|view| !view.nonblocking);
            let open = matches!(stage, Some(Stage::Connected(end)) if end.arrived != Arrived::Reset
                && end.arrived != Arrived::EndThenReset);
            failed || listens || receiving(*s) || flags.oob && (!open || blocks || *len == 0)
        }
        Call::WspIoctl { s, cmd, .. } => {
            let changes = matches!(
                cmd,
                IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE | IoctlCommand::SIO_ADDRESS_LIST_CHANGE
            );
            waits(*s)
                || changes && view.is_some_and(|view| !view.nonblocking)
                || datagrams && *cmd == IoctlCommand::SIOCATMARK
        }
        Call::WsaIoctl { s, .. } => waits(*s),
        Call::Listen { .. } => connected,
        Call::GetPeerName { .. } => match stage {
            Some(Stage::Connected(end)) => end.arrived != Arrived::Open,
            _ => false,
        },
        Call::Select { readfds, writefds, exceptfds, .. } => {
            let late = |s: &SocketHandle| s.0 > 0x100 + 4 * 15;
            [readfds, writefds, exceptfds].into_iter().flatten().any(late)
        }
        Call::GetMessage { hwnd, .. }
        | Call::PostMessage { hwnd, .. }
        | Call::DestroyWindow { hwnd } => !p.known.windows.iter().any(|(_, window)| window == hwnd),
        Call::WsaEnumNetworkEvents { event, .. } | Call::WsaCloseEvent { event } => {
            !is_event(event)
        }
        Call::CloseHandle { s } => waits(*s) || !connected && !datagrams,
        Call::WspStartup { ifs_handles, .. } => !ifs_handles,
        // For 1.1 programs, and for providers without handles of the file system.
        Call::WsaIsBlocking {}
        | Call::WsaCancelBlockingCall {}
        | Call::WspCleanup {}
        | Call::ReadFile { .. }
        | Call::WriteFile { .. } => true,
        _ => false,
    }
}

/// A call, mostly one that the model describes.
pub(crate) fn call(program: &mut Program<'_>) -> BackendCall {
    loop {
        let call = any_call(program);
        if !is_hopeless(&call, program) || program.random.happens(2) {
            return call;
        }
    }
}

fn any_call(program: &mut Program<'_>) -> BackendCall {
    let all: usize = CALLS.iter().map(|(weight, _)| weight).sum();
    let mut left = program.random.below(all);
    for (weight, make) in CALLS {
        match left.checked_sub(*weight) {
            Some(rest) => left = rest,
            None => return make(program),
        }
    }
    unreachable!("weights add up")
}

/// An event and what its message may say.
pub(crate) fn event_error(random: &mut Random) -> (NetworkEvent, WsaError) {
    let errors = [10014, 10022, 10024, 10047, 10050, 10051, 10053, 10054, 10055, 10060, 10061];
    (random.of(&NetworkEvent::ALL), WsaError(random.of(&errors)))
}

impl Program<'_> {
    fn s(&mut self, wanted: For) -> SocketHandle {
        self.known.socket(self.world, self.thread, wanted, self.random)
    }

    fn of<T: Copy, const N: usize>(&mut self, all: [T; N]) -> T {
        self.random.of(&all)
    }

    fn version(&mut self) -> Version {
        let (major, minor) = self.of([(2, 2), (2, 2), (2, 2), (1, 1), (0, 1)]);
        Version { major, minor }
    }

    fn send_flags(&mut self) -> MsgFlags {
        MsgFlags { oob: self.random.happens(40), peek: false }
    }

    fn how(&mut self) -> Shutdown {
        self.of([Shutdown::Send, Shutdown::Send, Shutdown::Receive, Shutdown::Both])
    }

    fn option(&mut self) -> SocketOption<SocketHandle> {
        let bytes = self.of([0, 1024, 4096, 16 * 1024, 64 * 1024]);
        let (l_onoff, l_linger) = self.of([(0, 0), (1, 0), (1, 0), (1, 5)]);
        let inline = self.of([true, false]);
        self.of([
            SocketOption::Linger { l_onoff, l_linger },
            SocketOption::OobInline(inline),
            SocketOption::ReceiveBuffer(bytes),
            SocketOption::SendBuffer(bytes),
        ])
    }

    fn option_name(&mut self) -> OptionName {
        self.of([
            OptionName::Linger,
            OptionName::OobInline,
            OptionName::ReceiveBuffer,
            OptionName::SendBuffer,
            OptionName::Error,
            OptionName::Type,
            OptionName::AcceptConn,
        ])
    }

    fn command(&mut self) -> IoctlCommand {
        self.of([
            IoctlCommand::FIONBIO,
            IoctlCommand::FIONREAD,
            IoctlCommand::SIO_GET_QOS,
            IoctlCommand::SIO_GET_GROUP_QOS,
            IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE,
            IoctlCommand::SIO_ADDRESS_LIST_CHANGE,
        ])
    }

    fn destination(&mut self) -> Option<SocketAddr> {
        let family = self.known.family;
        let wildcard = Some(family.zero());
        let host = self.random.of(&self.known.hosts);
        let host = if self.known.processes { asyncselect_abi::HostId(0) } else { host };
        let host = Some(SocketAddr::new(family.of_host(host), 0));
        self.of([wildcard, host])
    }

    fn event(&mut self) -> EventHandle {
        if self.random.happens(50) {
            return self.of([EventHandle(0), EventHandle(0xdead)]);
        }
        let host = self.known.host(self.thread);
        let own: Vec<EventHandle> = self
            .known
            .events
            .iter()
            .filter(|(on, _)| *on == host)
            .map(|(_, event)| *event)
            .collect();
        self.random.maybe(&own).unwrap_or(EventHandle(0))
    }

    /// The OVERLAPPED structure of a call, if it has one.
    fn structure(&mut self) -> Option<EventHandle> {
        Some(self.event()).filter(|_| self.random.happens(850))
    }

    /// An operation that has begun, on its socket.
    fn operation(&mut self) -> (SocketHandle, EventHandle) {
        let known = self.random.maybe(&self.known.operations);
        known.unwrap_or_else(|| (self.s(For::Transfer), self.event()))
    }

    /// The size of a buffer.
    fn size(&mut self) -> u32 {
        self.of([1, 1, 2, 5, 100, 20_000, 100_000])
    }

    fn set(&mut self) -> Vec<SocketHandle> {
        let count = self.of([0, 0, 1, 2]);
        (0..count).map(|_| self.s(For::Anything)).collect()
    }
}
