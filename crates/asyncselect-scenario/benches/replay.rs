//! How fast a parsed script is replayed on one core, and how long the corpus takes from bytes to
//! verdicts.
//!
//! `cargo bench --package asyncselect-scenario --bench replay`

use std::path::Path;

use asyncselect_abi::call::MsgFlags;
use asyncselect_abi::{Call, Literal, LiteralId, PumpFilter, SocketHandle, ThreadId};
use asyncselect_model::sink::Ignore;
use asyncselect_model::stream::Side;
use asyncselect_model::{Canonical, Move, Profile, World};
use asyncselect_scenario::corpus;
use asyncselect_scenario::runner::{Deaf, Ending, Observer, run};
use asyncselect_scenario::script::{NameId, Script};
use asyncselect_scenario::sim::Sim;
use asyncselect_scenario::simulate::verdict;
use divan::Bencher;
use divan::counter::ItemsCount;
use scripts::thirty_steps;

mod scripts;

fn main() {
    divan::main();
}

/// Scripts a second: setting up a window and a pair, thirty steps, messages retrieved.
#[divan::bench]
fn replay_30_steps(bencher: Bencher<'_, '_>) {
    let script = thirty_steps();
    assert_eq!(script.steps.len(), 30);
    let mut sim = Sim::<false>::new(&Profile::windows(), Canonical);
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| run(&script, &mut sim, &mut Deaf));
}

/// The handles of sockets in the order in which they were named.
struct Named(Vec<SocketHandle>);

impl Observer for Named {
    fn named(&mut self, socket: SocketHandle, _: NameId) {
        self.0.push(socket);
    }
}

/// Worlds a second as an explorer makes them: each a copy of the one before, with one more move on
/// a registered pair, then packed and hashed.
#[divan::bench(args = ["send", "deliver", "retrieve", "recv"])]
fn successor(bencher: Bencher<'_, '_>, last: &str) {
    let mut script = thirty_steps();
    script.steps.truncate(2);
    let mut sim = Sim::<false>::new(&Profile::windows(), Canonical);
    let mut named = Named(Vec::new());
    assert_eq!(run(&script, &mut sim, &mut named), Ending::Completed);
    let [_, client, server] = named.0[..] else { panic!("a listener and a pair") };
    let thread = ThreadId(0);
    let flags = MsgFlags::default();
    let data = Literal { id: LiteralId(0), len: 5 };
    let send = Call::Send { s: client, data, flags };
    let recv = Call::Recv { s: server, len: 10, flags };
    let filter = PumpFilter { thread, hwnd: None, range: None, remove: true };
    let moves = [
        ("send", Move::Call { thread, call: &send }),
        ("deliver", Move::Deliver { link: 0, toward: Side::Acceptor }),
        ("retrieve", Move::Retrieve(filter)),
        ("recv", Move::Call { thread, call: &recv }),
    ];
    let mut world = sim.now_mut().world().clone();
    let apply = |world: &mut World, mv| {
        world.apply(mv, &mut Canonical, &mut Ignore).expect("it is modelled");
    };
    let before = moves.iter().take_while(|(name, _)| *name != last);
    before.for_each(|(_, mv)| apply(&mut world, *mv));
    let (_, mv) = moves[moves.iter().position(|(name, _)| *name == last).expect("it is a move")];
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        let mut next = divan::black_box(&world).clone();
        apply(&mut next, divan::black_box(mv));
        let mut hash = 0_u64;
        next.pack(&mut |word| {
            hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        });
        hash
    });
}

/// What can happen next, asked of a world at rest.
#[divan::bench]
fn moves(bencher: Bencher<'_, '_>) {
    let script = thirty_steps();
    let mut sim = Sim::<false>::new(&Profile::windows(), Canonical);
    assert_eq!(run(&script, &mut sim, &mut Deaf), Ending::Completed);
    let world = sim.now_mut().world();
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| divan::black_box(world).moves().count());
}

/// Copies of a world a second, for scale.
#[divan::bench]
fn clone_world(bencher: Bencher<'_, '_>) {
    let world = World::new(&Profile::windows());
    bencher.counter(ItemsCount::new(1_u32)).bench(|| divan::black_box(&world).clone());
}

/// Files a second: read, parsed, checked, run on one profile, judged.
#[divan::bench]
fn corpus_from_bytes_to_verdicts(bencher: Bencher<'_, '_>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).expect("the corpus is there");
    let profile = Profile::windows();
    bencher.counter(ItemsCount::new(files.len())).bench_local(|| {
        let scripts = files.iter().map(|file| Script::read(file).expect("it is a scenario"));
        scripts.filter(|script| verdict(script, &profile).is_failure()).count()
    });
}
