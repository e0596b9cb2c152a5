//! Random moves on every profile: nothing panics, and no invariant breaks.
//!
//! `random_moves --moves N --seed S --threads T` makes worlds, and in each of them moves of all
//! kinds, sensible and not, until the model says that it does not describe one. After every move
//! it asks for the invariants, and often whether a copy of the world goes the same way, watched or
//! not. The same numbers give the same digest. `--world W` repeats one world of a seed and prints
//! what happens in it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

mod random_moves {
    pub(crate) mod calls;
    pub(crate) mod known;
    pub(crate) mod random;
    pub(crate) mod run;
}

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use asyncselect_model::ModelError;
use random_moves::run::{Outcome, world};

/// The most moves in one world.
const MOVES_MAX: u64 = 2_000;

#[derive(Clone, Copy)]
struct Options {
    moves: u64,
    seed: u64,
    threads: u64,
    world: Option<u64>,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { moves: 1_000_000, seed: 1, threads: 1, world: None };
        let mut arguments = arguments.peekable();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} has no value"))?;
            let number = value.replace('_', "").parse().map_err(|_| format!("{name} {value}?"))?;
            match name.as_str() {
                "--moves" => options.moves = number,
                "--seed" => options.seed = number,
                "--threads" => options.threads = number.max(1),
                "--world" => options.world = Some(number),
                _ => return Err(format!("{name}? there are --moves, --seed, --threads, --world")),
            }
        }
        Ok(options)
    }
}

/// What a thread has seen.
#[derive(Default)]
struct Seen {
    moves: u64,
    worlds: u64,
    digest: u64,
    /// How often each reason ended a world.
    ends: BTreeMap<String, u64>,
    failed: Option<u64>,
}

impl Seen {
    fn take(&mut self, number: u64, outcome: Outcome) {
        self.moves += outcome.moves;
        self.worlds += 1;
        self.digest = self.digest.wrapping_add(outcome.digest ^ number);
        let why = match outcome.ended {
            Some(ModelError { call, what }) => format!("{call}: {what}"),
            None => "(went on to the end)".to_owned(),
        };
        *self.ends.entry(why).or_default() += 1;
    }
}

/// The worlds of one thread: every T-th, until its share of the moves is made.
fn share(options: Options, thread: u64) -> Seen {
    let mut seen = Seen::default();
    let mut number = thread;
    while seen.moves < options.moves / options.threads {
        let run = || world(options.seed, number, MOVES_MAX, false);
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(outcome) => seen.take(number, outcome),
            Err(_) => {
                seen.failed = Some(number);
                return seen;
            }
        }
        number += options.threads;
    }
    seen
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("random_moves: {wrong}");
            return ExitCode::from(2);
        }
    };
    if let Some(number) = options.world {
        let outcome = world(options.seed, number, MOVES_MAX, true);
        println!("{} moves, ended by {:?}", outcome.moves, outcome.ended);
        return ExitCode::SUCCESS;
    }
    #[expect(clippy::disallowed_methods, reason = "how fast it went is no part of the model")]
    let start = Instant::now();
    let all: Vec<Seen> = std::thread::scope(|scope| {
        let spawn = |thread| scope.spawn(move || share(options, thread));
        let threads: Vec<_> = (0..options.threads).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("share catches")).collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    let sum = |of: fn(&Seen) -> u64| all.iter().map(of).fold(0, u64::wrapping_add);
    let (moves, worlds) = (sum(|seen| seen.moves), sum(|seen| seen.worlds));
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    for (why, count) in all.iter().flat_map(|seen| &seen.ends) {
        *ends.entry(why).or_default() += count;
    }
    let mut ends: Vec<_> = ends.into_iter().collect();
    ends.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    println!("{worlds} worlds ended:");
    for (why, count) in ends {
        println!("{:6.2} % {count:10}  {why}", 100.0 * count as f64 / worlds as f64);
    }
    println!("{moves} moves in {seconds:.1} s, {:.0} moves/s", moves as f64 / seconds);
    println!("seed {}, digest {:016x}", options.seed, sum(|seen| seen.digest));
    for number in all.iter().filter_map(|seen| seen.failed) {
        eprintln!("random_moves: failed; again: --seed {} --world {number}", options.seed);
    }
    if all.iter().any(|seen| seen.failed.is_some()) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
