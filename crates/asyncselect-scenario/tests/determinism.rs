//! Same input, same bytes: on every machine, with any number of threads, in debug and in release.

mod random;

use std::fmt::Write;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;

use asyncselect_model::Profile;
use asyncselect_scenario::explore::outcomes::{Judging, outcomes};
use asyncselect_scenario::explore::runs::{Freedom, Reduction};
use asyncselect_scenario::explore::schedule::scenario;
use asyncselect_scenario::explore::search::{Limits, Work};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::trace;
use foldhash::quality::FixedState;
use random::{ALPHABET, script_of, text_of};

/// How many scripts are tried. `ASYNCSELECT_SEEDS=10000` tries more than a test should; it prints
/// what debug and release must have in common.
const SEEDS: u64 = 300;

/// The script of a seed.
fn script(seed: u64) -> Script {
    let mut state = seed;
    let mut next = |below: usize| {
        state = FixedState::with_seed(1).hash_one(state);
        usize::try_from(state >> 33).unwrap() % below
    };
    let len = 1 + next(6);
    let letters: Vec<_> = (0..len).map(|_| (next(ALPHABET.len()), next(2) == 0)).collect();
    script_of(Path::new("seed.json"), &text_of(&letters))
}

/// Everything that the engines say of a script.
fn told(script: &Script, threads: usize) -> String {
    let mut told = String::new();
    for profile in Profile::built_in() {
        writeln!(told, "{:?}", trace(script, &profile)).unwrap();
        // Whatever there is, threads share it.
        let work = Work { threads, batch: 512, share: 1 };
        let limits = Limits { states: 2_000, ..Limits::NONE };
        let all = Freedom::AllCalls;
        let found =
            outcomes(script, &profile, all, Reduction::On, Judging::On, work, limits).unwrap();
        writeln!(told, "{:?} {:?}", found.explored.rounds, found.explored.transitions).unwrap();
        for outcome in &found.list {
            told.push_str(&scenario(script, &profile, all, outcome, "an outcome"));
        }
    }
    told
}

#[test]
#[expect(clippy::print_stderr, reason = "for whoever asked for more seeds")]
fn seeds_threads_and_builds() {
    let wanted = std::env::var("ASYNCSELECT_SEEDS").ok().map(|count| count.parse().unwrap());
    let count = wanted.unwrap_or(SEEDS);
    let mut hasher = FixedState::with_seed(0).build_hasher();
    for seed in 0..count {
        let script = script(seed);
        let (one, two) = (told(&script, 1), told(&script, 2));
        let differs = one.lines().zip(two.lines()).find(|(one, two)| one != two);
        assert_eq!(differs, None, "seed {seed}: threads make a difference");
        assert_eq!(one.len(), two.len(), "seed {seed}: threads make a difference");
        hasher.write(one.as_bytes());
    }
    let all = format!("{count} seeds: {:016x}", hasher.finish());
    match wanted {
        Some(_) => eprintln!("{all}"),
        None => insta::assert_snapshot!(all),
    }
}
