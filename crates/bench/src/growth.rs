//! How our own cost grows: with sockets, with steps, with packets in flight, with what may race.

use std::hash::{BuildHasher, Hasher};
use std::hint::black_box;

use asyncselect_abi::call::{BackendCall, MsgFlags};
use asyncselect_abi::{Call, Literal, LiteralId, PumpFilter, SocketHandle, ThreadId};
use asyncselect_model::sink::Ignore;
use asyncselect_model::stream::Side;
use asyncselect_model::{Canonical, Move, Profile, World};
use asyncselect_scenario::explore::outcomes::{Judging, Outcomes, outcomes};
use asyncselect_scenario::explore::runs::{Freedom, Reduction};
use asyncselect_scenario::explore::search::{Ended, Limits, Work};
use asyncselect_scenario::judge::Agreement;
use asyncselect_scenario::runner::{Deaf, Ending, Observer, run};
use asyncselect_scenario::script::{NameId, Script};
use asyncselect_scenario::sim::Sim;
use asyncselect_scenario::simulate::verdict;
use foldhash::quality::FixedState;

use crate::measure::{Series, each, nanoseconds};
use crate::scripts;
use crate::table::{median, table};

/// Moves and states by number of sockets: each pair is a connector and an accepted socket that is
/// registered. What is done is done on the last pair.
pub(crate) fn sockets(rounds: usize) -> String {
    let pairs = [1, 2, 4, 8, 16, 32];
    let arms = pairs.iter().flat_map(|pairs| {
        let Pair { world: at_rest, moves } = Pair::last_of(*pairs);
        let (mut world, same) = (at_rest.clone(), at_rest.clone());
        [
            each(20_000, move || moves.round(&mut world)),
            each(100_000, move || at_rest.moves().next().is_none()),
            each(20_000, move || fingerprint(&black_box(&same).clone())),
        ]
    });
    let figures = nanoseconds(rounds, arms.collect());
    let rows = pairs.iter().zip(figures.chunks(3)).map(|(pairs, figures)| {
        let [round, look, state] = figures else { unreachable!("each has three") };
        let a_move = round.map(|round| round / MOVES);
        vec![(2 * pairs).to_string(), median(&a_move), median(look), median(state)]
    });
    let head =
        ["sockets", "ns a move", "ns to find that nothing moves", "ns to copy and hash a state"];
    table(&head, &rows.collect::<Vec<_>>())
}

/// Moves and states by number of packets on their way to one socket.
pub(crate) fn packets(rounds: usize) -> String {
    let packets = [1, 4, 16, 64, 256, 1024, 4096, PACKETS_MAX];
    let arms = packets.iter().flat_map(|packets| {
        let Pair { mut world, moves } = Pair::last_of(1);
        for _ in 0..*packets {
            moves.send(&mut world);
        }
        let same = world.clone();
        // Each round sends one more before one arrives.
        [
            each(1000, move || moves.round(&mut world)),
            each(1000, move || fingerprint(&black_box(&same).clone())),
        ]
    });
    let figures = nanoseconds(rounds, arms.collect());
    let rows = packets.iter().zip(figures.chunks(2)).map(|(packets, figures)| {
        let [round, state] = figures else { unreachable!("each has two") };
        let a_move = round.map(|round| round / MOVES);
        vec![packets.to_string(), median(&a_move), median(state)]
    });
    let head = ["packets in flight", "ns a move", "ns to copy and hash a state"];
    table(&head, &rows.collect::<Vec<_>>())
}

/// Scripts by number of steps.
pub(crate) fn steps(rounds: usize) -> String {
    let counts = [10, 100, 1000];
    let profile = Profile::windows();
    let scripts = counts.map(scripts::steps);
    let arms = scripts.iter().flat_map(|script| {
        let count = script.steps.len();
        let times = u32::try_from(20_000 / count).expect("it is small");
        let mut sim = Sim::<false>::new(&profile, Canonical);
        let profile = &profile;
        [
            each(times, move || run(script, &mut sim, &mut Deaf) == Ending::Completed),
            each(times, move || verdict(script, profile).agreement == Agreement::Agrees),
            each(times, move || scripts::steps(count)),
        ]
    });
    let figures = nanoseconds(rounds, arms.collect());
    let rows = counts.iter().zip(figures.chunks(3)).map(|(count, figures)| {
        let a_step = |run: &Series| median(&run.map(|run| run / *count as f64));
        [vec![count.to_string()], figures.iter().map(a_step).collect()].concat()
    });
    let head = [
        "steps",
        "ns a step, replayed",
        "ns a step, run and judged",
        "ns a step, written and read",
    ];
    table(&head, &rows.collect::<Vec<_>>())
}

fn explore(script: &Script) -> Outcomes<'_> {
    let (freedom, reduction, judging) = (Freedom::AsWritten, Reduction::On, Judging::Off);
    let work = Work::with(1);
    outcomes(script, &Profile::windows(), freedom, reduction, judging, work, Limits::NONE)
        .unwrap_or_else(|ending| panic!("it can be set up: {ending:?}"))
}

/// The runs of a script by what races in it: packets on their way to registered sockets, and as
/// many receive calls.
pub(crate) fn races(rounds: usize) -> String {
    let races =
        [(1, 1), (1, 2), (1, 4), (1, 8), (2, 1), (2, 2), (2, 4), (3, 1), (3, 2), (4, 1), (5, 1)];
    let scripts = races.map(|(pairs, packets)| scripts::races(pairs, packets));
    let arms = scripts.iter().map(|script| each(1, move || explore(script)));
    let figures = nanoseconds(rounds, arms.collect());
    let rows = races.iter().zip(&scripts).zip(&figures).map(|(((pairs, packets), script), ns)| {
        let Outcomes { list, explored, .. } = explore(script);
        assert_eq!(explored.ended, Ended::Everything);
        let states = explored.states();
        vec![
            pairs.to_string(),
            packets.to_string(),
            list.len().to_string(),
            states.to_string(),
            median(&ns.map(|ns| ns / 1e6)),
            median(&ns.map(|ns| ns / 1e3 / states as f64)),
        ]
    });
    let head = ["connections", "packets on each", "outcomes", "states", "ms", "µs a state"];
    table(&head, &rows.collect::<Vec<_>>())
}

/// The moves of a round.
const MOVES: f64 = 4.0;

/// With one more, which each round sends, as many as the model holds.
const PACKETS_MAX: usize = 29_999;

/// A world at rest, and moves on one of its pairs.
struct Pair {
    world: World,
    moves: Moves,
}

struct Moves {
    link: u8,
    send: BackendCall,
    receive: BackendCall,
}

const THREAD: ThreadId = ThreadId(0);

impl Pair {
    /// The last of so many.
    fn last_of(pairs: usize) -> Self {
        let script = scripts::registered(pairs);
        let mut sim = Sim::<false>::new(&Profile::windows(), Canonical);
        let mut named = Named(Vec::new());
        assert_eq!(run(&script, &mut sim, &mut named), Ending::Completed);
        let [.., client, server] = named.0[..] else { panic!("a pair is two sockets") };
        let flags = MsgFlags::default();
        let data = Literal { id: LiteralId(0), len: 1 };
        let moves = Moves {
            link: u8::try_from(pairs - 1).expect("they are few"),
            send: Call::Send { s: client, data, flags },
            receive: Call::Recv { s: server, len: 1, flags },
        };
        Self { world: sim.now_mut().world().clone(), moves }
    }
}

impl Moves {
    fn send(&self, world: &mut World) {
        apply(world, Move::Call { thread: THREAD, call: &self.send });
    }

    /// Four: a packet is sent, the first on its way arrives, its message is retrieved, it is
    /// received.
    fn round(&self, world: &mut World) {
        self.send(world);
        apply(world, Move::Deliver { link: self.link, toward: Side::Acceptor });
        let all = PumpFilter { thread: THREAD, hwnd: None, range: None, remove: true };
        apply(world, Move::Retrieve(all));
        apply(world, Move::Call { thread: THREAD, call: &self.receive });
    }
}

fn apply(world: &mut World, mv: Move<'_>) {
    world.apply(mv, &mut Canonical, &mut Ignore).expect("it is modelled");
}

fn fingerprint(world: &World) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    world.pack(&mut |word| hasher.write_u64(word));
    hasher.finish()
}

/// The handles of sockets in the order in which they were named.
struct Named(Vec<SocketHandle>);

impl Observer for Named {
    fn named(&mut self, socket: SocketHandle, _: NameId) {
        self.0.push(socket);
    }
}
