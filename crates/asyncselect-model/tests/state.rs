//! What must hold of the state: small, flat, in one form only, enumerable.

use std::net::SocketAddr;

use asyncselect_abi::call::{BackendCall, MsgFlags, Shutdown, SocketType, Version};
use asyncselect_abi::{
    Call, Family, Fault, HostId, Hwnd, Literal, LiteralId, MessageId, NetworkEvents, PumpFilter,
    SocketHandle, ThreadId, Value, WsaError,
};
use asyncselect_model::chooser::Enumerating;
use asyncselect_model::sink::Ignore;
use asyncselect_model::{Canonical, Chooser, Effect, Move, Profile, Sink, World};

const APP: ThreadId = ThreadId(0);

/// Keeps the values that calls return and the messages that are posted.
#[derive(Default)]
struct Notes {
    values: Vec<Result<Value, WsaError>>,
    posts: Vec<String>,
}

impl Sink for Notes {
    const WANTS_SILENCE: bool = false;

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Return { reply, .. } => self.values.push(reply.result),
            Effect::Post { message, rule, .. } => {
                self.posts.push(format!("{} {rule}", message.event));
            }
            _ => {}
        }
    }
}

/// A world with one window and a connected pair, and the way to go on with it.
struct Bench<C> {
    world: World,
    chooser: C,
    notes: Notes,
}

impl<C: Chooser> Bench<C> {
    fn new(profile: &Profile, chooser: C) -> Self {
        Self { world: World::new(profile), chooser, notes: Notes::default() }
    }

    fn call(&mut self, call: BackendCall) -> Result<Value, WsaError> {
        let before = self.notes.values.len();
        let mv = Move::Call { thread: APP, call: &call };
        self.world.apply(mv, &mut self.chooser, &mut self.notes).unwrap();
        self.settle();
        assert_eq!(self.notes.values.len(), before + 1, "{} returned", call.name());
        self.notes.values[before]
    }

    fn settle(&mut self) {
        loop {
            let Some(next) = self.world.moves().next() else { return };
            self.world.apply(next, &mut self.chooser, &mut self.notes).unwrap();
        }
    }

    fn socket(&mut self) -> SocketHandle {
        match self.call(Call::Socket { kind: SocketType::Stream }) {
            Ok(Value::Socket(socket)) => socket,
            other => panic!("socket answered {other:?}"),
        }
    }

    fn start(&mut self) -> Hwnd {
        self.call(Call::WsaStartup { version: Version { major: 2, minor: 2 } }).unwrap();
        match self.call(Call::CreateWindow {}) {
            Ok(Value::Window(window)) => window,
            other => panic!("CreateWindow answered {other:?}"),
        }
    }

    fn pair(&mut self) -> (SocketHandle, SocketHandle) {
        let listener = self.socket();
        let anywhere = Some("127.0.0.1:0".parse().unwrap());
        self.call(Call::Bind { s: listener, name: anywhere }).unwrap();
        self.call(Call::Listen { s: listener, backlog: 1 }).unwrap();
        let Ok(Value::Address(name)) = self.call(Call::GetSockName { s: listener }) else {
            panic!("a bound socket has an address");
        };
        let client = self.socket();
        self.call(Call::Connect { s: client, name: Some(name) }).unwrap();
        let Ok(Value::Socket(server)) = self.call(Call::Accept { s: listener }) else {
            panic!("a connection waits");
        };
        self.call(Call::CloseSocket { s: listener }).unwrap();
        (client, server)
    }

    fn select(&mut self, s: SocketHandle, hwnd: Hwnd, levent: NetworkEvents) {
        let wmsg = MessageId::WM_USER;
        self.call(Call::WsaAsyncSelect { s, hwnd, wmsg, levent }).unwrap();
    }
}

const ALL_THREE: NetworkEvents =
    NetworkEvents(NetworkEvents::FD_READ.0 | NetworkEvents::FD_WRITE.0 | NetworkEvents::FD_CLOSE.0);

fn packed(world: &World) -> Vec<u64> {
    let mut words = Vec::new();
    world.pack(&mut |word| words.push(word));
    words
}

fn hello(s: SocketHandle) -> BackendCall {
    Call::Send { s, data: Literal { id: LiteralId(0), len: 5 }, flags: MsgFlags::NONE }
}

#[test]
fn a_world_with_four_sockets_and_two_windows_is_small_and_on_no_heap() {
    // A world that needs the heap would not be counted by size_of; one of this size does not.
    assert!(size_of::<World>() <= 512, "{} bytes", size_of::<World>());
}

#[test]
fn hundred_registrations_leave_no_trace() {
    let mut once = Bench::new(&Profile::windows(), Canonical);
    let window = once.start();
    let (client, server) = once.pair();
    let mut often = Bench::new(&Profile::windows(), Canonical);
    assert_eq!((often.start(), often.pair()), (window, (client, server)));
    for number in 0..100 {
        let levent = NetworkEvents(1 + number % 2);
        often.select(server, window, levent);
    }
    // Its messages are gone when they were taken; nothing counts how many there were.
    let drain = |bench: &mut Bench<Canonical>| {
        for _ in 0..200 {
            let all = Move::Retrieve(PumpFilter::all(APP));
            bench.world.apply(all, &mut Canonical, &mut Ignore).unwrap();
        }
    };
    for bench in [&mut once, &mut often] {
        bench.select(server, window, ALL_THREE);
        drain(bench);
    }
    assert_eq!(packed(&once.world), packed(&often.world));
    assert_eq!(once.world, often.world);
}

#[test]
fn worlds_are_equal_just_if_their_packed_forms_are() {
    // Every state on a walk over this alphabet, against every other.
    let mut bench = Bench::new(&Profile::windows(), Canonical);
    let window = bench.start();
    let (client, server) = bench.pair();
    let wmsg = MessageId::WM_USER;
    let alphabet: Vec<BackendCall> = vec![
        hello(client),
        hello(server),
        Call::Recv { s: server, len: 2, flags: MsgFlags::NONE },
        Call::Recv { s: server, len: 9, flags: MsgFlags::PEEK },
        Call::Shutdown { s: client, how: Shutdown::Send },
        Call::WsaAsyncSelect { s: server, hwnd: window, wmsg, levent: ALL_THREE },
        Call::WsaAsyncSelect { s: server, hwnd: window, wmsg, levent: NetworkEvents::NONE },
        Call::CloseSocket { s: client },
    ];
    let mut states = vec![bench.world.clone()];
    let mut frontier = states.clone();
    for _ in 0..3 {
        let mut next = Vec::new();
        for world in &frontier {
            if world.is_pending(APP) {
                continue;
            }
            for call in &alphabet {
                let mut after = world.clone();
                let mv = Move::Call { thread: APP, call };
                after.apply(mv, &mut Canonical, &mut Ignore).unwrap();
                next.push(after.clone());
                // One segment arrives, not all of them.
                if let Some(first) = after.clone().moves().next() {
                    after.apply(first, &mut Canonical, &mut Ignore).unwrap();
                    next.push(after);
                }
            }
        }
        states.extend(next.iter().cloned());
        frontier = next;
    }
    let forms: Vec<Vec<u64>> = states.iter().map(packed).collect();
    let step = states.len() / 400 + 1;
    for left in (0..states.len()).step_by(step) {
        for right in 0..states.len() {
            let same_form = forms[left] == forms[right];
            assert_eq!(states[left] == states[right], same_form, "states {left} and {right}");
        }
    }
}

#[test]
fn every_choice_of_a_small_script_is_enumerated() {
    // A registration on a connected socket that was posted to, twice: the documentation leaves open
    // whether the second posts again (OQ-07) and whether the first message stays (AS-CAN-04).
    let mut outcomes = Vec::new();
    let mut chooser = Enumerating::new();
    loop {
        let mut bench = Bench::new(&Profile::documented(), chooser);
        let window = bench.start();
        let (_, server) = bench.pair();
        bench.select(server, window, NetworkEvents::FD_WRITE);
        bench.select(server, window, NetworkEvents::FD_WRITE);
        let mut left = 0;
        let mut counter = Counter(&mut left);
        for _ in 0..4 {
            let all = Move::Retrieve(PumpFilter::all(APP));
            bench.world.apply(all, &mut bench.chooser, &mut counter).unwrap();
        }
        outcomes.push((bench.notes.posts.len(), left));
        chooser = bench.chooser;
        if !chooser.advance() {
            break;
        }
    }
    // In turn: posted again, the first message kept or withdrawn; the latch kept, and with it the
    // first message; the latch kept, but a message that was withdrawn does not count as posted.
    assert_eq!(outcomes, [(2, 2), (2, 1), (1, 1), (2, 1)]);
}

struct Counter<'c>(&'c mut usize);

impl Sink for Counter<'_> {
    const WANTS_SILENCE: bool = false;

    fn effect(&mut self, effect: Effect) {
        if let Effect::Retrieve { .. } = effect {
            *self.0 += 1;
        }
    }
}

#[test]
fn a_large_world_spills_and_works() {
    let mut bench = Bench::new(&Profile::documented(), Canonical);
    let window = bench.start();
    let pairs: Vec<_> = (0..20).map(|_| bench.pair()).collect();
    for (client, server) in &pairs {
        bench.select(*server, window, NetworkEvents::FD_READ);
        bench.call(hello(*client)).unwrap();
    }
    assert_eq!(bench.notes.posts.len(), 20);
    for (_, server) in &pairs {
        let recv = Call::Recv { s: *server, len: 9, flags: MsgFlags::NONE };
        assert_eq!(bench.call(recv), Ok(Value::Int(5)));
    }
}

#[test]
fn a_sender_is_told_of_space_once() {
    let mut bench = Bench::new(&Profile::windows(), Canonical);
    let window = bench.start();
    let (client, server) = bench.pair();
    bench.select(client, window, NetworkEvents::FD_WRITE);
    let large = |s| Call::Send {
        s,
        data: Literal { id: LiteralId(0), len: 40_000 },
        flags: MsgFlags::NONE,
    };
    assert_eq!(bench.call(large(client)), Ok(Value::Int(40_000)));
    assert_eq!(bench.call(large(client)), Err(WsaError::WSAEWOULDBLOCK));
    // Two receive calls, each of which leaves less than half of the buffer, and nothing arrives
    // between them.
    for len in [30_000, 1000] {
        let recv = Call::Recv { s: server, len, flags: MsgFlags::NONE };
        let mv = Move::Call { thread: APP, call: &recv };
        bench.world.apply(mv, &mut bench.chooser, &mut bench.notes).unwrap();
    }
    assert_eq!(bench.world.moves().count(), 1, "one segment tells of the space");
    bench.settle();
    assert_eq!(bench.notes.posts, ["FD_WRITE AS-WR-01", "FD_WRITE AS-WR-03"]);
    assert_eq!(bench.call(large(client)), Ok(Value::Int(40_000)));
    assert_eq!(bench.call(large(client)), Err(WsaError::WSAEWOULDBLOCK));
}

#[test]
fn a_sender_whose_reader_left_does_not_wait_for_ever() {
    // `windows` leaves open what a close with unread data sends; a graceful end is one answer.
    let mut profile = Profile::windows();
    let graceful = asyncselect_model::KnobId::CloseDiscarding;
    let mut setting = profile.setting(graceful).clone();
    setting.value = graceful.value_index("graceful");
    profile.set(graceful, setting);
    let mut bench = Bench::new(&profile, Canonical);
    let window = bench.start();
    let (client, server) = bench.pair();
    bench.select(client, window, ALL_THREE);
    let large = Literal { id: LiteralId(0), len: 40_000 };
    let send = Call::Send { s: client, data: large, flags: MsgFlags::NONE };
    bench.call(send.clone()).unwrap();
    bench.call(send.clone()).unwrap_err();
    bench.call(Call::CloseSocket { s: server }).unwrap();
    assert_eq!(bench.notes.posts[1..], ["FD_CLOSE AS-CL-03", "FD_WRITE AS-WR-03"]);
    assert_eq!(bench.call(send), Ok(Value::Int(40_000)));
    assert_eq!(bench.notes.posts.len(), 3, "windows tells of the reset no second time");
}

const FAR: ThreadId = ThreadId(1);

impl<C: Chooser> Bench<C> {
    /// The same as `call`, on any thread.
    fn call_on(&mut self, thread: ThreadId, call: BackendCall) -> Result<Value, WsaError> {
        let mv = Move::Call { thread, call: &call };
        self.world.apply(mv, &mut self.chooser, &mut self.notes).unwrap();
        self.settle();
        self.notes.values.pop().expect("it returned")
    }

    fn socket_on(&mut self, thread: ThreadId) -> SocketHandle {
        match self.call_on(thread, Call::Socket { kind: SocketType::Stream }) {
            Ok(Value::Socket(socket)) => socket,
            other => panic!("socket answered {other:?}"),
        }
    }

    fn listener_on(&mut self, thread: ThreadId, at: &str) -> (SocketHandle, SocketAddr) {
        let s = self.socket_on(thread);
        self.call_on(thread, Call::Bind { s, name: Some(at.parse().unwrap()) }).unwrap();
        self.call_on(thread, Call::Listen { s, backlog: 5 }).unwrap();
        match self.call_on(thread, Call::GetSockName { s }) {
            Ok(Value::Address(name)) => (s, name),
            other => panic!("getsockname answered {other:?}"),
        }
    }
}

/// Two machines, and a connection from the second to the first: both ends, and the listener.
fn two_machines(profile: &Profile) -> (Bench<Canonical>, [SocketHandle; 3]) {
    two_machines_of(profile, Family::Ipv4)
}

fn two_machines_of(profile: &Profile, family: Family) -> (Bench<Canonical>, [SocketHandle; 3]) {
    let mut bench = Bench::new(profile, Canonical);
    bench.world.place(&[HostId(0), HostId(1)], &[], family).unwrap();
    for thread in [APP, FAR] {
        let version = Version { major: 2, minor: 2 };
        bench.call_on(thread, Call::WsaStartup { version }).unwrap();
    }
    let own = SocketAddr::new(family.loopback(), 0).to_string();
    let (listener, name) = bench.listener_on(APP, &own);
    let client = bench.socket_on(FAR);
    bench.call_on(FAR, Call::Connect { s: client, name: Some(name) }).unwrap();
    let Ok(Value::Socket(server)) = bench.call_on(APP, Call::Accept { s: listener }) else {
        panic!("a connection waits");
    };
    (bench, [server, client, listener])
}

#[test]
fn handles_of_another_machine_are_handles_of_nothing() {
    let (mut bench, [server, client, _]) = two_machines(&Profile::documented());
    let Ok(Value::Window(hwnd)) = bench.call_on(FAR, Call::CreateWindow {}) else {
        panic!("it makes a window");
    };
    let (wmsg, levent) = (MessageId::WM_USER, NetworkEvents::FD_READ);
    let select = |s| Call::WsaAsyncSelect { s, hwnd, wmsg, levent };
    assert_eq!(bench.call_on(FAR, select(client)), Ok(Value::Int(0)));
    assert_eq!(bench.call_on(FAR, select(server)), Err(WsaError::WSAENOTSOCK));
    assert_eq!(bench.call_on(APP, select(server)), Err(WsaError::WSAEINVAL));
    let wsp = Call::WspAsyncSelect { s: server, hwnd, wmsg, levent };
    assert_eq!(bench.call_on(FAR, wsp), Err(WsaError::WSAENOTSOCK));
    for call in [hello(client), Call::CloseSocket { s: client }, Call::GetPeerName { s: client }] {
        assert_eq!(bench.call_on(APP, call), Err(WsaError::WSAENOTSOCK));
    }
    let readfds = vec![client];
    let (writefds, exceptfds) = (Vec::new(), Vec::new());
    let select = Call::Select { readfds, writefds, exceptfds, timeout_ms: 0 };
    assert_eq!(bench.call_on(APP, select), Err(WsaError::WSAENOTSOCK));
}

#[test]
fn each_machine_has_its_address_and_its_ports() {
    let (mut bench, [server, client, listener]) = two_machines(&Profile::documented());
    let mut name = |thread, call| match bench.call_on(thread, call) {
        Ok(Value::Address(name)) => name.to_string(),
        other => panic!("{other:?}"),
    };
    let near = name(APP, Call::GetSockName { s: listener });
    assert_eq!(near, "127.0.0.1:49152");
    assert_eq!(name(FAR, Call::GetPeerName { s: client }), near);
    assert_eq!(name(FAR, Call::GetSockName { s: client }), "127.0.0.2:49152");
    assert_eq!(name(APP, Call::GetPeerName { s: server }), "127.0.0.2:49152");
    let (_, taken) = bench.listener_on(FAR, "127.0.0.2:4000");
    assert_eq!(bench.listener_on(APP, "127.0.0.1:4000").1.port(), taken.port());
}

#[test]
fn each_machine_has_one_address_of_the_family() {
    let (mut bench, [server, client, listener]) =
        two_machines_of(&Profile::documented(), Family::Ipv6);
    let mut name = |thread, call| match bench.call_on(thread, call) {
        Ok(Value::Address(name)) => name.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(name(APP, Call::GetSockName { s: listener }), "[::1]:49152");
    assert_eq!(name(FAR, Call::GetPeerName { s: client }), "[::1]:49152");
    assert_eq!(name(FAR, Call::GetSockName { s: client }), "[2001:db8::2]:49152");
    assert_eq!(name(APP, Call::GetPeerName { s: server }), "[2001:db8::2]:49152");
    // An address of the other family is that of nobody.
    let other = Some(SocketAddr::from(([127, 0, 0, 1], 49152)));
    let s = bench.socket_on(FAR);
    let connect = Call::Connect { s, name: other };
    assert_eq!(bench.call_on(FAR, connect), Err(WsaError::WSAENETUNREACH));
}

#[test]
fn a_cut_connection_is_forgotten_when_both_ends_are_closed() {
    let close = |bench: &mut Bench<Canonical>, thread, s| {
        bench.call_on(thread, Call::CloseSocket { s }).unwrap();
    };
    let forms = [[0, 1], [1, 0]].map(|order| {
        let (mut bench, sockets) = two_machines(&Profile::windows());
        let down = Fault::NetworkDown { host: Some(HostId(1)) };
        bench.world.apply(Move::Fault(down), &mut Canonical, &mut Ignore).unwrap();
        bench.call_on(APP, hello(sockets[0])).unwrap();
        for end in order {
            close(&mut bench, ThreadId(end), sockets[usize::from(end)]);
        }
        assert_eq!(bench.world.next_timer_ms(), None, "nothing waits for the lost bytes");
        packed(&bench.world)
    });
    assert!(forms[0].len() < 40, "{} words", forms[0].len());
    assert_eq!(forms[0].len(), forms[1].len());
}

#[test]
fn what_a_machine_is_busy_with_when_its_network_fails_is_not_modelled() {
    let down = Move::Fault(Fault::NetworkDown { host: Some(HostId(1)) });
    let fails = |bench: &mut Bench<Canonical>| {
        bench.world.apply(down, &mut Canonical, &mut Ignore).map_err(|error| error.what)
    };
    // A call that waits.
    let (mut bench, [_, client, _]) = two_machines(&Profile::windows());
    let recv = Call::Recv { s: client, len: 5, flags: MsgFlags::NONE };
    let mv = Move::Call { thread: FAR, call: &recv };
    bench.world.clone().apply(mv, &mut Canonical, &mut Ignore).unwrap();
    assert_eq!(fails(&mut bench), Ok(()));
    let (mut bench, _) = two_machines(&Profile::windows());
    bench.world.apply(mv, &mut Canonical, &mut Ignore).unwrap();
    assert_eq!(fails(&mut bench), Err("under a call that waits"));
    // Bytes on their way.
    let (mut bench, _) = two_machines(&Profile::windows());
    let send = hello(client);
    let mv = Move::Call { thread: FAR, call: &send };
    bench.world.apply(mv, &mut Canonical, &mut Ignore).unwrap();
    assert_eq!(fails(&mut bench), Err("while something is under way"));
    // A connect.
    let (mut bench, [.., listener]) = two_machines(&Profile::windows());
    let Ok(Value::Address(name)) = bench.call_on(APP, Call::GetSockName { s: listener }) else {
        panic!("it is bound");
    };
    let s = bench.socket_on(FAR);
    let connect = Call::Connect { s, name: Some(name) };
    let mv = Move::Call { thread: FAR, call: &connect };
    bench.world.apply(mv, &mut Canonical, &mut Ignore).unwrap();
    assert_eq!(fails(&mut bench), Err("under a call that waits"));
}

#[test]
fn a_machine_uses_no_place_of_another() {
    let mut profile = Profile::windows();
    let reuse = asyncselect_model::KnobId::HandleReuse;
    for policy in ["lowest", "lifo", "fifo"] {
        let mut setting = profile.setting(reuse).clone();
        setting.value = reuse.value_index(policy);
        assert!(setting.value.is_some());
        profile.set(reuse, setting);
        let (mut bench, [server, client, _]) = two_machines(&profile);
        bench.call_on(APP, Call::CloseSocket { s: server }).unwrap();
        bench.call_on(FAR, Call::CloseSocket { s: client }).unwrap();
        assert_eq!(bench.socket_on(FAR), client, "{policy}");
        assert_eq!(bench.socket_on(APP), server, "{policy}");
    }
}

#[test]
fn too_many_machines_are_refused() {
    let mut world = World::new(&Profile::documented());
    world.place(&[HostId(0), HostId(4)], &[], Family::Ipv4).unwrap_err();
    world.place(&[HostId(0); 5], &[], Family::Ipv4).unwrap_err();
    let down = Move::Fault(Fault::NetworkDown { host: Some(HostId(4)) });
    world.apply(down, &mut Canonical, &mut Ignore).unwrap_err();
}
