//! Descriptors that share a socket, and processes: what the state keeps of them, and what is not
//! modelled.

use asyncselect_abi::call::{BackendCall, SocketType, Version};
use asyncselect_abi::{
    Call, Family, HostId, Hwnd, MessageId, NetworkEvents, ProcessId, SocketHandle, ThreadId, Value,
};
use asyncselect_model::{Canonical, Effect, ModelError, Move, Profile, Sink, World};

const APP: ThreadId = ThreadId(0);
const OTHER: ThreadId = ThreadId(1);

/// What the last call returned.
#[derive(Default)]
struct Last(Option<Value>);

impl Sink for Last {
    const WANTS_SILENCE: bool = false;

    fn effect(&mut self, effect: Effect) {
        if let Effect::Return { reply, .. } = effect {
            self.0 = Some(reply.result.unwrap());
        }
    }
}

fn make(world: &mut World, thread: ThreadId, call: &BackendCall) -> Result<Value, ModelError> {
    let mut last = Last::default();
    world.apply(Move::Call { thread, call }, &mut Canonical, &mut last)?;
    Ok(last.0.unwrap())
}

fn socket_of(value: Value) -> SocketHandle {
    match value {
        Value::Socket(socket) => socket,
        other => panic!("{other:?} is no socket"),
    }
}

fn start(world: &mut World, thread: ThreadId, major: u8) {
    let startup = Call::WsaStartup { version: Version { major, minor: 0 } };
    make(world, thread, &startup).unwrap();
}

fn new_socket(world: &mut World, thread: ThreadId) -> SocketHandle {
    socket_of(make(world, thread, &Call::Socket { kind: SocketType::Stream }).unwrap())
}

fn duplicate(world: &mut World, thread: ThreadId, s: SocketHandle) -> SocketHandle {
    socket_of(make(world, thread, &Call::WsaDuplicateSocket { s }).unwrap())
}

fn close(world: &mut World, thread: ThreadId, s: SocketHandle) {
    make(world, thread, &Call::CloseSocket { s }).unwrap();
}

fn window(world: &mut World, thread: ThreadId) -> Hwnd {
    match make(world, thread, &Call::CreateWindow {}).unwrap() {
        Value::Window(hwnd) => hwnd,
        other => panic!("{other:?} is no window"),
    }
}

fn packed(world: &World) -> Vec<u64> {
    let mut words = Vec::new();
    world.pack(&mut |word| words.push(word));
    words
}

#[test]
fn a_descriptor_that_was_closed_leaves_no_trace() {
    let mut world = World::new(&Profile::wine_8_0());
    start(&mut world, APP, 2);
    let s = new_socket(&mut world, APP);
    let twin = duplicate(&mut world, APP, s);
    close(&mut world, APP, twin);
    let before = packed(&world);
    for _ in 0..300 {
        let twin = duplicate(&mut world, APP, s);
        close(&mut world, APP, twin);
    }
    assert_eq!(packed(&world), before);
}

#[test]
fn a_socket_may_go_from_descriptor_to_descriptor() {
    let mut world = World::new(&Profile::wine_8_0());
    start(&mut world, APP, 2);
    let mut s = new_socket(&mut world, APP);
    let mut lengths = Vec::new();
    for _ in 0..300 {
        let next = duplicate(&mut world, APP, s);
        close(&mut world, APP, s);
        s = next;
        lengths.push(packed(&world).len());
    }
    assert_eq!(lengths[2], lengths[299], "nothing grows");
    close(&mut world, APP, s);
    assert_eq!(world.sockets().count(), 0);
}

#[test]
fn a_socket_of_several_descriptors_is_one() {
    let mut world = World::new(&Profile::documented());
    start(&mut world, APP, 2);
    let s = new_socket(&mut world, APP);
    let twin = duplicate(&mut world, APP, s);
    assert_eq!(world.sockets().count(), 1);
    assert_eq!(world.socket_of(twin), world.socket_of(s));
    close(&mut world, APP, s);
    assert_eq!(world.first_descriptor(twin), s);
    assert!(world.socket_of(twin).is_some());
}

#[test]
fn a_window_of_another_process_is_not_modelled() {
    let mut world = World::new(&Profile::documented());
    world.place(&[], &[ProcessId(0), ProcessId(1)], Family::Ipv4).unwrap();
    start(&mut world, APP, 2);
    start(&mut world, OTHER, 2);
    let s = new_socket(&mut world, APP);
    let hwnd = window(&mut world, OTHER);
    let (wmsg, levent) = (MessageId::WM_USER, NetworkEvents::FD_READ);
    make(&mut world, APP, &Call::WsaAsyncSelect { s, hwnd, wmsg, levent }).unwrap_err();
}

#[test]
fn several_machines_and_several_processes_are_refused() {
    let mut world = World::new(&Profile::documented());
    let (hosts, processes) = ([HostId(0), HostId(1)], [ProcessId(0), ProcessId(1)]);
    world.place(&hosts, &processes, Family::Ipv4).unwrap_err();
    world.place(&[], &[ProcessId(0), ProcessId(4)], Family::Ipv4).unwrap_err();
}

#[test]
fn what_ws2_32_does_not_export_is_not_modelled() {
    let mut world = World::new(&Profile::documented());
    start(&mut world, APP, 2);
    make(&mut world, APP, &Call::WsaIsBlocking {}).unwrap_err();
    make(&mut world, APP, &Call::WsaCancelBlockingCall {}).unwrap_err();
}

#[test]
fn readfile_on_an_ifs_handle_is_not_modelled() {
    let mut world = World::new(&Profile::documented());
    start(&mut world, APP, 2);
    let s = new_socket(&mut world, APP);
    make(&mut world, APP, &Call::ReadFile { s, len: 1 }).unwrap_err();
}
