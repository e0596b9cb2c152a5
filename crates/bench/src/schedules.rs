//! Schedules: random orders of one race, by Shuttle and by our simulator.
//!
//! One thread registers for FD_READ, receives once and then counts its messages; meanwhile packets
//! arrive. What may come of it is the same for both (a test).
//!
//! What is compared is the price of one more random order. It is no contest of like with like:
//! Shuttle runs any Rust code, here two threads that share one socket of the small latch model, and
//! switches stacks at every lock; ours runs a script on the whole model of Winsock, and where its
//! orders part is in the script, so that nothing needs to be switched. Shuttle's price grows with
//! the program's locks, ours with its calls and packets. Both begin a run with what the race needs
//! in place: ours copies it, Shuttle makes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use asyncselect_abi::Value;
use asyncselect_model::{Canonical, Move, Profile};
use asyncselect_scenario::program::{Pause, Program};
use asyncselect_scenario::runner::{Deaf, Observation, Observer};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::sim::Sim;
use asyncselect_scenario::stack::{Happening, Stack};
use shuttle::scheduler::RandomScheduler;
use shuttle::sync::Mutex;

use crate::latch::{Events, Socket};
use crate::scripts;

const SEED: u64 = 1;

/// The distinct things that came of a race: one bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes(u64);

/// What the thread saw: whether there was something to receive, and how many messages came.
fn outcome(received: bool, messages: usize) -> u64 {
    assert!(messages < 32, "two can come");
    1 << (usize::from(received) * 32 + messages)
}

/// A registration against so many arrivals.
pub(crate) struct Race {
    packets: u8,
    script: Script,
}

impl Race {
    pub(crate) fn against(packets: u8) -> Self {
        Self { packets, script: scripts::race(packets) }
    }

    /// So many random orders on the model.
    pub(crate) fn ours(&self, runs: usize) -> Outcomes {
        let mut random = Random(SEED);
        let mut sim = Sim::<false>::new(&Profile::windows(), Canonical);
        let start = "the race begins with what works";
        let mut program = Program::begin(&self.script, &mut sim).expect(start);
        program.set_up(&mut sim, &mut Deaf).expect(start);
        for _ in 0..self.packets {
            program.proceed(&mut sim, &mut Sight::default()).expect(start);
        }
        let now = sim.now_mut().clone();
        let mut outcomes = Outcomes::default();
        for _ in 0..runs {
            sim.now_mut().clone_from(&now);
            let Sight { received, messages } = run(program.clone(), &mut sim, &mut random);
            outcomes.0 |= outcome(received, messages);
        }
        outcomes
    }

    /// So many of Shuttle's.
    pub(crate) fn shuttle(&self, runs: usize) -> Outcomes {
        let outcomes = Arc::new(AtomicU64::new(0));
        let (seen, packets) = (Arc::clone(&outcomes), self.packets);
        let scheduler = RandomScheduler::new_from_seed(SEED, runs);
        shuttle::Runner::new(scheduler, shuttle::Config::new()).run(move || {
            let (received, messages) = two_threads(packets);
            seen.fetch_or(outcome(received, messages), Ordering::Relaxed);
        });
        Outcomes(outcomes.load(Ordering::Relaxed))
    }
}

/// One run: whatever may come next is as probable.
fn run(mut program: Program<'_>, sim: &mut Sim<false>, random: &mut Random) -> Sight {
    let mut sight = Sight::default();
    let mut pause = Pause::Open;
    while pause != Pause::Over {
        let arrivals = sim.now_mut().world().moves().count();
        let goes_on = arrivals == 0 || pause == Pause::Open;
        let at = random.below(arrivals + usize::from(goes_on));
        let arrival = sim.now_mut().world().moves().nth(at);
        match arrival {
            None => {
                pause = program.proceed(sim, &mut sight).expect("everything is modelled");
            }
            Some(Move::Deliver { link, toward }) => {
                let happening = Happening::Deliver { connection: link, toward };
                sim.happen(happening).expect("it may come next");
            }
            Some(other) => unreachable!("nobody waits: {other:?}"),
        }
    }
    sight
}

/// What the script saw.
#[derive(Default)]
struct Sight {
    received: bool,
    messages: usize,
}

impl Observer for Sight {
    fn observed(&mut self, observation: Observation) {
        match observation {
            Observation::Return { call: "recv", result, .. } => {
                self.received = result == Ok(Value::Int(1));
            }
            Observation::Messages { messages, .. } => self.messages += messages.len(),
            Observation::Return { .. }
            | Observation::Waiting { .. }
            | Observation::NeverFailed { .. } => {}
        }
    }
}

/// A socket, and the messages that were posted for it.
type Shared = Mutex<(Socket, usize)>;

/// The same with two threads and a lock.
fn two_threads(packets: u8) -> (bool, usize) {
    let shared = Arc::new(Shared::new((Socket::with_packets_on_way(packets), 0)));
    let network = shuttle::thread::spawn({
        let shared = Arc::clone(&shared);
        move || {
            for _ in 0..packets {
                locked(&shared, |socket, messages| socket.arrive(|_| *messages += 1));
            }
        }
    });
    locked(&shared, |socket, messages| socket.select(Events::READ, |_| *messages += 1));
    let received = locked(&shared, |socket, messages| socket.receive(|_| *messages += 1));
    network.join().expect("nobody panics");
    (received, locked(&shared, |_, messages| *messages))
}

fn locked<T>(shared: &Shared, act: impl FnOnce(&mut Socket, &mut usize) -> T) -> T {
    let (socket, messages) = &mut *shared.lock().expect("nobody panics");
    act(socket, messages)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        let high = (u128::from(word) * bound as u128) >> 64;
        usize::try_from(high).expect("it is below the bound")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_comes_of_the_race_for_both() {
        // One packet: it is received or not, told of once. More: a second message tells of what is
        // left, or came after.
        let (one, more) =
            (outcome(true, 1) | outcome(false, 1), outcome(true, 2) | outcome(false, 1));
        for (packets, expected) in [(1, one), (2, more), (8, more), (64, more)] {
            let race = Race::against(packets);
            assert_eq!(race.ours(2000), Outcomes(expected), "{packets} packets");
            assert_eq!(race.shuttle(2000), Outcomes(expected), "{packets} packets");
        }
    }
}
