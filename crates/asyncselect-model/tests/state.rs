//! What must hold of the state: small, flat, in one form only, enumerable.

use asyncselect_abi::call::{BackendCall, MsgFlags, Shutdown, SocketType, Version};
use asyncselect_abi::{
    Call, Hwnd, Literal, LiteralId, MessageId, NetworkEvents, PumpFilter, SocketHandle, ThreadId,
    Value,
};
use asyncselect_model::chooser::Enumerating;
use asyncselect_model::sink::Ignore;
use asyncselect_model::{Canonical, Chooser, Effect, Move, Profile, Sink, World};

const APP: ThreadId = ThreadId(0);

/// Keeps the values that calls return and the messages that are posted.
#[derive(Default)]
struct Notes {
    values: Vec<Result<Value, asyncselect_abi::WsaError>>,
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

    fn call(&mut self, call: BackendCall) -> Result<Value, asyncselect_abi::WsaError> {
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
    assert_eq!(bench.call(large(client)), Err(asyncselect_abi::WsaError::WSAEWOULDBLOCK));
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
    assert_eq!(bench.call(large(client)), Err(asyncselect_abi::WsaError::WSAEWOULDBLOCK));
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
