//! Exploration: every state of the latch model, by our engine and by Stateright's breadth-first
//! search.
//!
//! Why it is fair: both get the same struct, the same moves, the same hash input, the same
//! invariant and the same number of threads, and find the same states and transitions (a test).
//! Both keep fingerprints of 64 bits and a way back to the start, and both give a shortest
//! counterexample on one thread. Of Stateright's searches this is the one that suits it: its
//! depth-first search took as long here, and twenty times the memory.
//!
//! Where it is not fair: Stateright carries each state that it has yet to expand, with its path,
//! and can check what must happen eventually, which nobody asks of it here. Ours makes states again
//! from the tree of first ways, which is cheap where moves are; and it sorts what it finds, so that
//! its report is the same for any number of threads, as Stateright's is not.

use std::convert::Infallible;
use std::hash::BuildHasher;

use asyncselect_scenario::explore::search::{
    Label, Limits, Marks, Pace, Space, Step, Work, breadth_first,
};
use foldhash::quality::FixedState;
use stateright::{Checker, Model, Property};

use crate::latch::{Move, Size, State};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Different states.
    pub(crate) states: usize,
    /// Steps tried.
    pub(crate) transitions: usize,
    /// Whether the invariant holds in all of them.
    pub(crate) holds: bool,
}

/// By our engine.
#[must_use]
pub(crate) fn ours(size: Size, threads: usize) -> Found {
    let found = breadth_first(&Latches(size), Work::with(threads), Limits::NONE);
    let transitions = usize::try_from(found.transitions).expect("there is memory for fewer");
    Found { states: found.states(), transitions, holds: found.marks[0].is_none() }
}

/// By Stateright.
#[must_use]
pub(crate) fn stateright(size: Size, threads: usize) -> Found {
    let checker = Latches(size).checker().threads(threads).spawn_bfs().join();
    Found {
        states: checker.unique_state_count(),
        // It counts states as they are generated, and so the start too.
        transitions: checker.state_count() - 1,
        holds: checker.discoveries().is_empty(),
    }
}

struct Latches(Size);

impl Space for Latches {
    type State = State;
    type Cut = Infallible;
    type Scratch = ();

    fn start(&self) -> State {
        State::default()
    }

    fn scratch(&self) {}

    fn steps(
        &self,
        state: &State,
        pace: Pace,
        (): &mut (),
        found: &mut impl FnMut(Step<'_, Self>),
    ) {
        if pace == Pace::Free {
            return;
        }
        for (label, mv) in (0..).zip(state.moves(self.0)) {
            let mut next = *state;
            next.apply(self.0, mv);
            found(Step { label: Label(label), marks: 0, to: Ok(&next) });
        }
    }

    fn follow(&self, state: &mut State, label: Label) {
        let mv = state.moves(self.0).nth(usize::from(label.0));
        state.apply(self.0, mv.expect("the label is one of the state's"));
    }

    fn fingerprint(&self, state: &State) -> u64 {
        FixedState::with_seed(0).hash_one(state)
    }

    fn marks(&self, state: &State) -> Marks {
        Marks::from(!state.no_wake_up_is_lost())
    }
}

impl Model for Latches {
    type State = State;
    type Action = Move;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Move>) {
        actions.extend(state.moves(self.0));
    }

    fn next_state(&self, last: &State, action: Move) -> Option<State> {
        let mut next = *last;
        next.apply(self.0, action);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("no wake-up is lost", |_, state: &State| state.no_wake_up_is_lost())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_find_the_same_states_and_transitions() {
        let sizes = [(1, 1, 1), (1, 3, 4), (2, 1, 2), (2, 2, 2)];
        for (sockets, packets, queue) in sizes {
            let size = Size { sockets, packets, queue };
            let found = ours(size, 1);
            assert!(found.holds && found.states > 10, "{found:?}");
            for threads in [1, 2] {
                assert_eq!(ours(size, threads), found, "{size:?}");
                assert_eq!(stateright(size, threads), found, "{size:?}");
            }
        }
    }
}
