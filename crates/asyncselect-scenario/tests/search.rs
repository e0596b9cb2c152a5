//! The search engine on a space of its own: complete, the same however the work is cut, with
//! shortest paths.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use asyncselect_scenario::explore::search::{
    Ended, Explored, Label, Limits, Marks, Pace, Space, Step, Work, breadth_first,
};
use asyncselect_scenario::explore::tree::Walker;

/// Three counters modulo 17, 13 and 11. Counted steps move the first two, free ones the third.
struct Wheels {
    free: bool,
}

type Place = (u8, u8, u8);

const PLANTED: Place = (5, 3, 2);

impl Wheels {
    fn next((a, b, c): Place, label: Label) -> Result<Place, &'static str> {
        match label.0 {
            0 => Ok(((a + 1) % 17, b, c)),
            1 => Ok((a, (b + a) % 13, c)),
            // A step that changes nothing, and one that leads nowhere.
            2 => Ok((a, b, c)),
            3 => Err("nobody knows"),
            _ => Ok((a, b, (c + 1) % 11)),
        }
    }

    fn labels(&self, (a, b, c): Place, pace: Pace) -> Vec<Label> {
        let counted = match (a, b, c) {
            // One state from which nothing leads.
            (16, 12, 10) => vec![],
            (9, 4, _) => vec![0, 1, 2, 3],
            _ => vec![0, 1, 2],
        };
        let free = if c == 10 { vec![] } else { vec![4] };
        let labels = match (self.free, pace) {
            (true, Pace::Counted) => counted,
            (true, Pace::Free) => free,
            (false, Pace::Counted) => [counted, free].concat(),
            (false, Pace::Free) => vec![],
        };
        labels.into_iter().map(Label).collect()
    }
}

impl Space for Wheels {
    type State = Place;
    type Cut = &'static str;
    type Scratch = ();

    fn start(&self) -> Place {
        (0, 1, 0)
    }

    fn scratch(&self) {}

    fn steps(
        &self,
        state: &Place,
        pace: Pace,
        (): &mut (),
        found: &mut impl FnMut(Step<'_, Self>),
    ) {
        for label in self.labels(*state, pace) {
            let to = Self::next(*state, label);
            let marks = Marks::from(to == Ok(PLANTED)) | (Marks::from(label.0 == 2) << 1);
            let to = to.as_ref().map_err(|cut| *cut);
            found(Step { label, marks, to });
        }
    }

    fn follow(&self, state: &mut Place, label: Label) {
        *state = Self::next(*state, label).unwrap();
    }

    fn fingerprint(&self, (a, b, c): &Place) -> u64 {
        let number = u64::from(*a) << 16 | u64::from(*b) << 8 | u64::from(*c);
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn marks(&self, state: &Place) -> Marks {
        Marks::from(*state == PLANTED) << 5
    }
}

const FREE: Wheels = Wheels { free: true };
const PLAIN: Wheels = Wheels { free: false };

/// The same with a queue and a set: states by number of steps.
fn by_hand() -> BTreeMap<Place, usize> {
    let start = (0, 1, 0);
    let mut seen = BTreeMap::from([(start, 0)]);
    let mut queue = VecDeque::from([start]);
    while let Some(state) = queue.pop_front() {
        for label in PLAIN.labels(state, Pace::Counted) {
            let Ok(next) = Wheels::next(state, label) else { continue };
            if !seen.contains_key(&next) {
                seen.insert(next, seen[&state] + 1);
                queue.push_back(next);
            }
        }
    }
    seen
}

fn states_of<S: Space<State = Place>>(space: &S, found: &Explored<S::Cut>) -> Vec<Place> {
    let mut walker = Walker::new(space, &found.tree);
    (0..found.states()).map(|node| *walker.go(u32::try_from(node).unwrap())).collect()
}

/// Everything that a report tells.
fn told<S: Space<State = Place, Cut = &'static str>>(
    space: &S,
    work: Work,
    limits: Limits,
) -> impl PartialEq + std::fmt::Debug + use<S> {
    let found = breadth_first(space, work, limits);
    let paths: Vec<_> = found.marks.iter().flatten().map(|mark| found.path(*mark)).collect();
    let states = states_of(space, &found);
    (
        found.ended,
        states,
        found.rounds,
        found.transitions,
        found.terminals,
        found.cuts,
        found.marks,
        paths,
    )
}

const ONE: Work = Work { threads: 1, batch: 1 << 16, share: 256 };

#[test]
fn every_state_is_found_once_at_its_distance() {
    let found = breadth_first(&PLAIN, ONE, Limits::NONE);
    assert_eq!(found.ended, Ended::Everything);
    let states = states_of(&PLAIN, &found);
    let expected = by_hand();
    assert_eq!(states.iter().copied().collect::<BTreeSet<_>>().len(), states.len(), "each once");
    assert_eq!(states.len(), expected.len());
    for (node, state) in (0..).zip(&states) {
        assert_eq!(found.tree.path(node).len(), expected[state], "the shortest way");
    }
    let mut of_round = vec![0; found.rounds.len()];
    expected.values().for_each(|distance| of_round[*distance] += 1);
    assert_eq!(found.rounds.iter().map(|round| round.states).collect::<Vec<_>>(), of_round);
    let steps = expected.keys().map(|state| PLAIN.labels(*state, Pace::Counted).len());
    assert_eq!(found.transitions, steps.sum::<usize>() as u64, "those of the last round too");
}

#[test]
fn free_steps_cost_nothing() {
    let found = breadth_first(&FREE, ONE, Limits::NONE);
    let mut states = states_of(&FREE, &found);
    states.sort_unstable();
    assert!(states.into_iter().eq(by_hand().into_keys()), "the same states");
    let planted = found.marks[0].expect("it is there");
    let counted = found.path(planted).iter().filter(|label| label.0 != 4).count();
    // Twice the first wheel, once the second, which that turns by two, thrice the first.
    assert_eq!(counted, 6, "as few counted steps as by hand");
    // All free steps of the start's round: eleven states that differ in the last wheel.
    assert_eq!(found.rounds[0].states, 11);
}

#[test]
fn the_planted_fault_is_found_by_the_shortest_path() {
    let found = breadth_first(&PLAIN, ONE, Limits::NONE);
    let (step, state) = (found.marks[0].unwrap(), found.marks[5].unwrap());
    assert_eq!(found.path(step).len(), by_hand()[&PLANTED]);
    assert_eq!(found.path(step), found.path(state), "seen as a step and as a state");
    assert_eq!(state.times, 1, "a state is looked at once");
    let mut state = PLAIN.start();
    for label in found.path(step) {
        PLAIN.follow(&mut state, label);
    }
    assert_eq!(state, PLANTED);
}

#[test]
fn what_cannot_be_followed_is_counted_and_what_ends_is_told() {
    let found = breadth_first(&FREE, ONE, Limits::NONE);
    assert_eq!(found.cuts, BTreeMap::from([("nobody knows", 11)]));
    let states = states_of(&FREE, &found);
    let ends: Vec<Place> = found.terminals.iter().map(|node| states[*node as usize]).collect();
    assert_eq!(ends, [(16, 12, 10)]);
}

#[test]
fn the_report_does_not_depend_on_how_the_work_is_cut() {
    for rounds in [0, 1, 5, u32::MAX] {
        let limits = Limits { rounds, ..Limits::NONE };
        let (free, plain) = (told(&FREE, ONE, limits), told(&PLAIN, ONE, limits));
        for threads in [1, 2, 3, 8] {
            for batch in [1, 7, 300, 1 << 16] {
                let work = Work { threads, batch, share: 8 };
                assert_eq!(told(&FREE, work, limits), free, "{work:?}");
                assert_eq!(told(&PLAIN, work, limits), plain, "{work:?}");
            }
        }
    }
}

#[test]
fn a_bound_on_rounds_looks_at_the_last_states_too() {
    let at = by_hand()[&PLANTED];
    let limits = |rounds| Limits { rounds, ..Limits::NONE };
    let rounds = u32::try_from(at).unwrap();
    let found = breadth_first(&PLAIN, ONE, limits(rounds));
    assert_eq!(found.ended, Ended::Rounds);
    assert!(found.marks[5].is_some());
    assert!(breadth_first(&PLAIN, ONE, limits(rounds - 1)).marks[5].is_none());
}

#[test]
fn a_bound_on_states_ends_with_a_part() {
    let limits = Limits { states: 500, ..Limits::NONE };
    let found = breadth_first(&PLAIN, Work { threads: 2, batch: 100, share: 8 }, limits);
    assert_eq!(found.ended, Ended::States);
    assert!((500..800).contains(&found.states()), "{}", found.states());
    assert!(found.bytes <= 64 * found.states() + (1 << 16), "{} bytes", found.bytes);
}
