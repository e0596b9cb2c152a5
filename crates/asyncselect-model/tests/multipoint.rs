//! Closing the root of a session: where no clause says what comes of it, nothing is made up; and
//! what is kept of a session goes with its sockets.

use asyncselect_abi::call::{
    BackendCall, IoctlCommand, MsgFlags, Shutdown, SocketOption, SocketType, Version,
};
use asyncselect_abi::{Call, Fault, Literal, LiteralId, SocketHandle, ThreadId, Value, WsaError};
use asyncselect_model::{Canonical, Effect, ModelError, Move, Profile, Sink, World};

const APP: ThreadId = ThreadId(0);
const OTHER: ThreadId = ThreadId(1);

/// What the last call returned, if it has.
#[derive(Default)]
struct Last(Option<Result<Value, WsaError>>);

impl Sink for Last {
    const WANTS_SILENCE: bool = false;

    fn effect(&mut self, effect: Effect) {
        if let Effect::Return { reply, .. } = effect {
            self.0 = Some(reply.result);
        }
    }
}

/// A root, and a listening socket for its leaves.
struct Session {
    world: World,
    root: SocketHandle,
    listener: SocketHandle,
}

impl Session {
    fn new() -> Self {
        let mut world = World::new(&Profile::documented());
        let startup = Call::WsaStartup { version: Version { major: 2, minor: 2 } };
        make(&mut world, &startup).unwrap();
        let [root, listener] = [(); 2].map(|()| new_socket(&mut world));
        let anywhere = Some("127.0.0.1:0".parse().unwrap());
        make(&mut world, &Call::Bind { s: listener, name: anywhere }).unwrap();
        make(&mut world, &Call::Listen { s: listener, backlog: 5 }).unwrap();
        make(&mut world, &fionbio(root, 1)).unwrap();
        Self { world, root, listener }
    }

    fn call(&mut self, call: &BackendCall) -> Result<Value, ModelError> {
        make(&mut self.world, call)
    }

    fn join(&mut self) -> SocketHandle {
        let Ok(Value::Address(name)) = self.call(&Call::GetSockName { s: self.listener }) else {
            panic!("a bound socket has an address");
        };
        let join = Call::WsaJoinLeaf { s: self.root, name: Some(name) };
        socket_of(self.call(&join).unwrap())
    }

    /// A leaf that has joined, and the socket that was accepted for it.
    fn joined(&mut self) -> (SocketHandle, SocketHandle) {
        let leaf = self.join();
        self.settle().unwrap();
        let far = socket_of(self.call(&Call::Accept { s: self.listener }).unwrap());
        (leaf, far)
    }

    fn close(&mut self, s: SocketHandle) -> Result<Value, ModelError> {
        self.call(&Call::CloseSocket { s })
    }

    fn settle(&mut self) -> Result<(), ModelError> {
        loop {
            let Some(next) = self.world.moves().next() else { return Ok(()) };
            self.world.apply(next, &mut Canonical, &mut Last::default())?;
        }
    }

    /// Why the root cannot be closed.
    fn refusal(mut self) -> String {
        self.close(self.root).unwrap_err().to_string()
    }
}

fn make(world: &mut World, call: &BackendCall) -> Result<Value, ModelError> {
    let mut last = Last::default();
    world.apply(Move::Call { thread: APP, call }, &mut Canonical, &mut last)?;
    Ok(last.0.expect("nothing waits").expect("the calls are good"))
}

fn new_socket(world: &mut World) -> SocketHandle {
    socket_of(make(world, &Call::Socket { kind: SocketType::Stream }).unwrap())
}

fn socket_of(value: Value) -> SocketHandle {
    match value {
        Value::Socket(socket) => socket,
        other => panic!("{other:?} is no socket"),
    }
}

fn fionbio(s: SocketHandle, argp: u32) -> BackendCall {
    Call::IoctlSocket { s, cmd: IoctlCommand::FIONBIO, argp }
}

fn hello(s: SocketHandle) -> BackendCall {
    Call::Send { s, data: Literal { id: LiteralId(0), len: 5 }, flags: MsgFlags::NONE }
}

#[test]
fn a_root_cannot_be_closed_while_a_leaf_joins() {
    let mut session = Session::new();
    session.join();
    assert!(session.refusal().contains("while a leaf joins"));
}

#[test]
fn a_root_cannot_be_closed_with_so_linger() {
    let mut session = Session::new();
    session.joined();
    let optval = SocketOption::Linger { l_onoff: 1, l_linger: 0 };
    session.call(&Call::SetSockOpt { s: session.root, optval }).unwrap();
    assert!(session.refusal().contains("with SO_LINGER"));
}

#[test]
fn a_root_cannot_be_closed_where_the_network_has_failed() {
    let mut session = Session::new();
    session.joined();
    let down = Move::Fault(Fault::NetworkDown { host: None });
    session.world.apply(down, &mut Canonical, &mut Last::default()).unwrap();
    assert!(session.refusal().contains("where the network has failed"));
}

#[test]
fn a_root_cannot_be_closed_under_a_call_on_its_leaf() {
    let mut session = Session::new();
    let (leaf, _) = session.joined();
    session.call(&fionbio(leaf, 0)).unwrap();
    let recv = Call::Recv { s: leaf, len: 5, flags: MsgFlags::NONE };
    let waits = Move::Call { thread: OTHER, call: &recv };
    session.world.apply(waits, &mut Canonical, &mut Last::default()).unwrap();
    assert!(session.refusal().contains("under a call on one of its leaves"));
}

#[test]
fn a_leaf_whose_root_was_closed_cannot_send() {
    let mut session = Session::new();
    let (leaf, _) = session.joined();
    session.close(session.root).unwrap();
    session.settle().unwrap();
    for call in [hello(leaf), Call::Shutdown { s: leaf, how: Shutdown::Send }] {
        let refusal = session.call(&call).unwrap_err().to_string();
        assert!(refusal.contains("on a leaf of a session whose root was closed"), "{refusal}");
    }
}

#[test]
fn what_a_leaf_has_under_way_when_its_root_is_closed_does_not_arrive() {
    let mut session = Session::new();
    let (_, far) = session.joined();
    session.call(&hello(far)).unwrap();
    session.close(session.root).unwrap();
    let refusal = session.settle().unwrap_err().to_string();
    assert!(refusal.contains("whose root was closed"), "{refusal}");
}

#[test]
fn nothing_is_left_of_a_session_whose_sockets_are_closed() {
    let mut session = Session::new();
    let (leaf, far) = session.joined();
    for s in [session.root, leaf, far] {
        assert!(session.world.has_sessions() || s == far, "while the leaf is open");
        session.close(s).unwrap();
        session.settle().unwrap();
    }
    assert!(!session.world.has_sessions(), "no leaf, no session");
}
