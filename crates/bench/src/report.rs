//! The comparisons, as tables.

use crate::explore::{self, Found};
use crate::latch::Size;
use crate::measure::{Series, nanoseconds, once};
use crate::peak;
use crate::replay::Echoes;
use crate::schedules::Race;
use crate::table::{median, short, spread, table};

/// The sizes of the latch model: sockets, packets, messages.
const SIZES: [Size; 3] =
    [Size { sockets: 2, packets: 1, queue: 2 }, Size { sockets: 2, packets: 2, queue: 4 }, LARGEST];

const LARGEST: Size = Size { sockets: 3, packets: 2, queue: 2 };

/// Every state of the latch model.
pub(crate) fn exploration(rounds: usize) -> String {
    let mut rows = Vec::new();
    for size in SIZES {
        for threads in [1, 2] {
            let found = explore::ours(size, threads);
            assert_eq!(found, explore::stateright(size, threads), "both do the same");
            assert!(found.holds, "the invariant holds");
            let Found { states, transitions, .. } = found;
            let arms = [explore::ours, explore::stateright];
            let arms = arms.map(|explore| once(move || explore(size, threads)));
            let [ours, theirs] = pair(nanoseconds(rounds, arms.into()));
            let a_second = |ns: &Series| median(&ns.map(|ns| states as f64 * 1e9 / ns));
            let memory = |who| match peak::of(&format!("explore-{who}-{threads}")) {
                Some(bytes) if size == LARGEST => format!("{} MB", bytes / 1_000_000),
                _ => String::new(),
            };
            rows.push(vec![
                short(states as f64),
                short(transitions as f64),
                threads.to_string(),
                a_second(&ours),
                a_second(&theirs),
                spread(&theirs.over(&ours)),
                memory("asyncselect"),
                memory("stateright"),
            ]);
        }
    }
    let head = [
        "states",
        "transitions",
        "threads",
        "asyncselect, states a second",
        "Stateright, states a second",
        "times as fast",
        "asyncselect, peak memory",
        "Stateright, peak memory",
    ];
    table(&head, &rows)
}

/// Random orders of a race.
pub(crate) fn schedules(rounds: usize) -> String {
    const RUNS: usize = 10_000;
    let row = |packets| {
        let race = Race::against(packets);
        let arms = vec![once(|| race.ours(RUNS)), once(|| race.shuttle(RUNS))];
        let [ours, theirs] = pair(nanoseconds(rounds, arms));
        let a_second = |ns: &Series| median(&ns.map(|ns| RUNS as f64 * 1e9 / ns));
        vec![packets.to_string(), a_second(&ours), a_second(&theirs), spread(&theirs.over(&ours))]
    };
    let head = [
        "packets that race with a registration",
        "asyncselect, orders a second",
        "Shuttle, orders a second",
        "times as fast",
    ];
    table(&head, &[1, 8].map(row))
}

/// A client, a server and some echoes.
pub(crate) fn replay(rounds: usize) -> String {
    const RUNS: u32 = 200;
    let row = |count| {
        let echoes = Echoes::new(count);
        let run = |run: &dyn Fn() -> bool| (0..RUNS).for_each(|_| assert!(run(), "all is well"));
        let arms = vec![once(|| run(&|| echoes.ours())), once(|| run(&|| echoes.turmoil()))];
        let [ours, theirs] = pair(nanoseconds(rounds, arms));
        let a_run = |ns: &Series| ns.map(|ns| ns / 1e3 / f64::from(RUNS));
        let a_message = |ns: &Series| a_run(ns).map(|run| run / f64::from(2 * count));
        vec![
            count.to_string(),
            median(&a_run(&ours)),
            median(&a_run(&theirs)),
            median(&a_message(&ours)),
            median(&a_message(&theirs)),
            spread(&theirs.over(&ours)),
        ]
    };
    let head = [
        "echoes",
        "asyncselect, µs a run",
        "turmoil, µs a run",
        "asyncselect, µs a message",
        "turmoil, µs a message",
        "times as fast",
    ];
    table(&head, &[1, 10, 100].map(row))
}

fn pair(series: Vec<Series>) -> [Series; 2] {
    series.try_into().expect("there are two arms")
}

/// Does one thing, for measuring it from outside; whether there is a thing of this name.
pub(crate) fn one(name: &str) -> bool {
    const ORDERS: usize = 200_000;
    const RUNS: u32 = 20_000;
    let race = || Race::against(1);
    let echoes = |run: fn(&Echoes) -> bool| {
        let echoes = Echoes::new(10);
        (0..RUNS).for_each(|_| assert!(run(&echoes), "all is well"));
    };
    match name {
        "explore-asyncselect-1" => drop(explore::ours(LARGEST, 1)),
        "explore-asyncselect-2" => drop(explore::ours(LARGEST, 2)),
        "explore-stateright-1" => drop(explore::stateright(LARGEST, 1)),
        "explore-stateright-2" => drop(explore::stateright(LARGEST, 2)),
        "schedules-asyncselect" => drop(race().ours(ORDERS)),
        "schedules-shuttle" => drop(race().shuttle(ORDERS)),
        "replay-asyncselect" => echoes(Echoes::ours),
        "replay-turmoil" => echoes(Echoes::turmoil),
        _ => return false,
    }
    true
}
