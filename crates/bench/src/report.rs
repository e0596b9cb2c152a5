//! The comparisons, as tables.

use crate::explore::{self, Found};
use crate::latch::Size;
use crate::measure::{Series, each, nanoseconds, once};
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
            let times = u32::try_from(400_000 / states).expect("it is small").max(1);
            let arms = arms.map(|explore| each(times, move || explore(size, threads)));
            let figures = nanoseconds(rounds, arms.into());
            let [ours, theirs] = &figures[..] else { unreachable!("there are two arms") };
            let a_second = |ns: &Series| median(&ns.map(|ns| states as f64 * 1e9 / ns));
            let memory = |who| {
                let of = |name: &str| (size == LARGEST).then(|| peak::of(name)).flatten();
                let bytes = of(&format!("explore-{who}-{threads}"));
                bytes.map_or_else(String::new, |bytes| format!("{} MB", bytes / 1_000_000))
            };
            rows.push(vec![
                short(states as f64),
                short(transitions as f64),
                threads.to_string(),
                a_second(ours),
                a_second(theirs),
                spread(&theirs.over(ours)),
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
    const RUNS: u32 = 10_000;
    let packets = [1, 8, 64];
    let races = packets.map(Race::against);
    let arms = races.iter().flat_map(|race| {
        let runs = RUNS as usize;
        [once(move || race.ours(runs)), once(move || race.shuttle(runs))]
    });
    let figures = nanoseconds(rounds, arms.collect());
    let a_second = |ns: &Series| median(&ns.map(|ns| f64::from(RUNS) * 1e9 / ns));
    let rows = packets.iter().zip(figures.chunks(2)).map(|(packets, figures)| {
        let [ours, theirs] = figures else { unreachable!("each has two") };
        let ratio = spread(&theirs.over(ours));
        vec![packets.to_string(), a_second(ours), a_second(theirs), ratio]
    });
    let head = [
        "packets that race with a registration",
        "asyncselect, orders a second",
        "Shuttle, orders a second",
        "times as fast",
    ];
    table(&head, &rows.collect::<Vec<_>>())
}

/// A client, a server and some echoes.
pub(crate) fn replay(rounds: usize) -> String {
    let counts = [1, 10, 100];
    let echoes = counts.map(Echoes::new);
    let arms = echoes.iter().flat_map(|echoes| {
        let well = |well: bool| assert!(well, "every byte comes back");
        let times = 20_000 / (echoes.count() + 4);
        [each(times, move || well(echoes.ours())), each(times, move || well(echoes.turmoil()))]
    });
    let figures = nanoseconds(rounds, arms.collect());
    let rows = counts.iter().zip(figures.chunks(2)).map(|(count, figures)| {
        let [ours, theirs] = figures else { unreachable!("each has two") };
        let a_run = |ns: &Series| median(&ns.map(|ns| ns / 1e3));
        let a_message = |ns: &Series| median(&ns.map(|ns| ns / 1e3 / f64::from(2 * count)));
        vec![
            count.to_string(),
            a_run(ours),
            a_run(theirs),
            a_message(ours),
            a_message(theirs),
            spread(&theirs.over(ours)),
        ]
    });
    let head = [
        "echoes",
        "asyncselect, µs a run",
        "turmoil, µs a run",
        "asyncselect, µs a message",
        "turmoil, µs a message",
        "times as fast",
    ];
    table(&head, &rows.collect::<Vec<_>>())
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
