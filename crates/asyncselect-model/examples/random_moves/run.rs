//! One world, from its first move to its last.

use asyncselect_abi::call::{BackendCall, Version};
use asyncselect_abi::{
    Call, Family, Fault, HostId, MessageId, ProcessId, PumpFilter, Reply, SocketHandle, ThreadId,
    Value, WsaError,
};
use asyncselect_model::profile::Profile;
use asyncselect_model::view::Stage;
use asyncselect_model::{Effect, ModelError, Move, Sink, World};

use super::calls::{Program, call, event_error};
use super::known::{Known, THREADS};
use super::random::Random;

/// What became of a world.
pub(crate) struct Outcome {
    pub(crate) moves: u64,
    pub(crate) digest: u64,
    /// What the model does not describe, if that ended it.
    pub(crate) ended: Option<ModelError>,
}

/// Keeps what calls returned; `W` is whether it wants to know why messages do not come.
#[derive(Default)]
struct Returns<const W: bool>(Vec<(ThreadId, Reply)>);

impl<const W: bool> Sink for Returns<W> {
    const WANTS_SILENCE: bool = W;

    fn effect(&mut self, effect: Effect) {
        if let Effect::Return { thread, reply, .. } = effect {
            self.0.push((thread, reply));
        }
    }
}

/// A move with what it borrows.
#[derive(Debug)]
enum Made {
    Call(ThreadId, BackendCall),
    Other(Move<'static>),
}

impl Made {
    fn as_move(&self) -> Move<'_> {
        match self {
            Self::Call(thread, call) => Move::Call { thread: *thread, call },
            Self::Other(other) => *other,
        }
    }
}

/// The state as one number.
fn digest(world: &World) -> u64 {
    let mut sum = 0_u64;
    world.pack(&mut |word| {
        sum = (sum.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    });
    sum
}

/// Makes random moves in a new world.
pub(crate) fn world(seed: u64, number: u64, moves_max: u64, tells: bool) -> Outcome {
    let mut random = Random::new(seed, number);
    // Every knob that a profile leaves open is decided by chance; one leaves all of them open.
    let mut profiles = Profile::built_in();
    profiles.push(Profile::open("open", "nothing is fixed"));
    let profile = &profiles[random.below(profiles.len())];
    let mut world = World::new(profile);
    let hosts = std::array::from_fn(|thread| match random.below(3) {
        0 => HostId(u8::try_from(thread).expect("few")),
        _ => HostId(0),
    });
    let family = random.of(&Family::ALL);
    let processes = random.happens(200);
    let placed = if processes {
        let ids = hosts.map(|host: HostId| ProcessId(host.0));
        world.place(&[], &ids, family)
    } else {
        world.place(&hosts, &[], family)
    };
    placed.expect("four threads");
    let (windows, sockets) = (Vec::new(), Vec::new());
    let (waiting, disturbed) = (Default::default(), Vec::new());
    let events = Vec::new();
    let (gone, operations) = (Vec::new(), Vec::new());
    let mut known = Known {
        hosts,
        family,
        processes,
        gone,
        waiting,
        disturbed,
        windows,
        events,
        operations,
        sockets,
    };
    let mut outcome = Outcome { moves: 0, digest: 0, ended: None };
    let moves_max = 1 + random.next() % moves_max;
    let mut chance = random.clone();
    while outcome.moves < moves_max {
        let made =
            first(outcome.moves, &mut random).unwrap_or_else(|| next(&world, &known, &mut random));
        if tells {
            println_move(&made);
        }
        let twin = random.happens(60).then(|| (world.clone(), chance.clone()));
        let mut sink = Returns::<false>::default();
        let result = world.apply(made.as_move(), &mut chance, &mut sink);
        if let Some((mut twin, mut twin_chance)) = twin {
            let mut watched = Returns::<true>::default();
            let again = twin.apply(made.as_move(), &mut twin_chance, &mut watched);
            assert_eq!(again, result, "a copy goes the same way");
            if result.is_ok() {
                assert_eq!(twin, world, "who watches changes nothing");
                assert_eq!(digest(&twin), digest(&world), "equal worlds are packed alike");
                assert_eq!(watched.0, sink.0, "and returns the same");
            }
        }
        if let Err(error) = result {
            outcome.ended = Some(error);
            return outcome;
        }
        world.check_invariants();
        match &made {
            Made::Call(thread, call) => known.called(*thread, call, world.is_pending(*thread)),
            Made::Other(Move::Fault(Fault::Lose { toward } | Fault::Delay { toward, .. })) => {
                known.disturbed.push(*toward);
            }
            Made::Other(Move::Tick { ms: 30_000.. }) => known.disturbed.clear(),
            Made::Other(_) => {}
        }
        if let (Made::Call(_, Call::CloseSocket { s } | Call::CloseHandle { s }), [(_, reply)]) =
            (&made, &sink.0[..])
            && reply.result.is_ok()
        {
            known.gone.push(*s);
        }
        if let (Made::Call(_, call), [(_, reply)]) = (&made, &sink.0[..]) {
            let pends = reply.result == Err(WsaError::WSA_IO_PENDING);
            known.started(call, pends || reply.result.is_ok());
        }
        for (thread, reply) in sink.0 {
            known.waiting[usize::from(thread.0)].clear();
            match reply.result {
                Ok(Value::Socket(socket)) => {
                    known.gone.retain(|other| *other != socket);
                    known.sockets.push((known.host(thread), socket));
                }
                Ok(Value::Event(event)) => known.events.push((known.host(thread), event)),
                Ok(Value::Window(window)) => known.windows.push((thread, window)),
                Ok(_) | Err(_) => {}
            }
        }
        outcome.moves += 1;
        if outcome.moves.is_multiple_of(16) {
            outcome.digest = outcome.digest.rotate_left(1) ^ digest(&world);
        }
    }
    outcome
}

#[expect(clippy::print_stdout, reason = "asked for")]
fn println_move(made: &Made) {
    println!("{made:?}");
}

/// How most programs begin: each machine's thread starts Winsock and makes a window.
fn first(moves: u64, random: &mut Random) -> Option<Made> {
    let step = u8::try_from(moves).ok().filter(|step| *step < 2 * THREADS)?;
    let thread = ThreadId(step / 2);
    let version = match random.below(40) {
        0 => Version { major: 1, minor: 1 },
        _ => Version { major: 2, minor: 2 },
    };
    (!random.happens(20)).then(|| {
        let window = Call::CreateWindow {};
        let call = if step % 2 == 0 { Call::WsaStartup { version } } else { window };
        Made::Call(thread, call)
    })
}

fn next(world: &World, known: &Known, random: &mut Random) -> Made {
    let free: Vec<ThreadId> =
        (0..THREADS).map(ThreadId).filter(|thread| !world.is_pending(*thread)).collect();
    match random.below(100) {
        0..30 => {
            let moves: Vec<Move<'static>> = world.moves().collect();
            if let Some(mv) = random.maybe(&moves) {
                return Made::Other(mv);
            }
        }
        30..40 => {
            let thread = ThreadId(u8::try_from(random.below(usize::from(THREADS))).expect("few"));
            let hwnd = random.happens(300).then(|| known.own_window(thread, random)).flatten();
            let range = random.happens(100).then_some((MessageId(0x401), MessageId(0x402)));
            let remove = !random.happens(100);
            return Made::Other(Move::Retrieve(PumpFilter { thread, hwnd, range, remove }));
        }
        40..43 => {
            let ms = world.next_timer_ms().filter(|_| random.happens(700));
            return Made::Other(Move::Tick {
                ms: ms.unwrap_or_else(|| random.of(&[1, 500, 30_000])),
            });
        }
        43..46 => {
            if let Some(fault) = fault(world, known, random) {
                return Made::Other(Move::Fault(fault));
            }
        }
        _ => {}
    }
    let busy = random.happens(1);
    let thread = match random.maybe(&free) {
        Some(thread) if !busy => thread,
        Some(_) | None => match world.moves().next() {
            Some(mv) => return Made::Other(mv),
            // Everybody waits: time may help, or a disturbance.
            None => return Made::Other(Move::Tick { ms: world.next_timer_ms().unwrap_or(1) }),
        },
    };
    let mut program = Program { world, known, thread, random };
    Made::Call(thread, call(&mut program))
}

/// A disturbance, mostly one that the model describes.
fn fault(world: &World, known: &Known, random: &mut Random) -> Option<Fault<SocketHandle>> {
    let listens = |stage| matches!(stage, Stage::Listening { .. });
    let open: Vec<SocketHandle> = world
        .sockets()
        .filter(|view| !listens(view.stage) && !known.gone.contains(&view.handle))
        .map(|view| view.handle)
        .collect();
    let s = random.maybe(&open)?;
    let waits = known.waiting.iter().any(|on| !on.is_empty());
    let disturbed = known.disturbed.contains(&s);
    let host = Some(random.of(&known.hosts)).filter(|_| !known.processes);
    let times = random.of(&[0, 1, 1, 3]);
    Some(match random.below(100) {
        0..20 if disturbed => return None,
        20..22 if waits => return None,
        0..3 => Fault::Lose { toward: s },
        3..20 => Fault::Delay { toward: s, ms: random.of(&[0, 1, 500]) },
        20..22 => Fault::NetworkDown { host },
        22..37 => Fault::PostFails { times },
        37..47 => {
            let (event, error) = event_error(random);
            Fault::EventError { s, event, error }
        }
        47..60 => Fault::QosChanges { s, token_rate: random.of(&[1000, 2000]) },
        60..65 => Fault::GroupQosChanges { s },
        65..75 => Fault::AddressesChange { host },
        75..90 => {
            let to = random.happens(600).then(|| random.of(&known.hosts));
            Fault::RouteChanges { host, to, unreachable: random.happens(50) }
        }
        90..95 => Fault::NoSockets { times },
        _ => Fault::NoBuffers { times },
    })
}
