//! Breadth-first search through a state space, the same for any number of threads.
//!
//! The search goes in rounds. A round begins with the states that one *counted* step more has led
//! to, and follows the *free* steps from there until nothing new comes (waves). So a state is found
//! in the round of the fewest counted steps that lead to it, and a bound on rounds bounds just
//! those. A space without free steps is searched breadth-first as usual.
//!
//! Visited states are fingerprints and a tree of (parent, label): the states themselves are made
//! again when they are expanded. States are numbered by parent, then label, whoever found them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::tree::{NodeId, Tree, Walker};
use super::visited::{SHARDS, Shard, Visited, shard_of};

/// Which of the steps from a state. Its meaning is the space's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(pub u16);

/// Whether a step counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It does not.
    Free,
    /// It does; rounds are bounded.
    Counted,
}

/// What is remarkable about a state or step, one bit each; what a bit stands for is the space's.
pub type Marks = u128;

/// States, and what leads from one to others.
pub trait Space: Sync {
    /// A state.
    type State: Clone + Send;
    /// Why nobody knows what a step leads to.
    type Cut: Ord + Send + Sync;
    /// What a worker uses again for every step.
    type Scratch;

    /// Whether there are free steps.
    const HAS_FREE: bool;

    /// Where everything begins.
    fn start(&self) -> Self::State;

    /// For a new worker.
    fn scratch(&self) -> Self::Scratch;

    /// Calls `found` for each step of this pace from a state, labels ascending.
    fn steps(
        &self,
        state: &Self::State,
        pace: Pace,
        scratch: &mut Self::Scratch,
        found: &mut impl FnMut(Step<'_, Self>),
    );

    /// Takes the step of this label; `steps` has found it, and a state behind it.
    fn follow(&self, state: &mut Self::State, label: Label);

    /// The same, and the state behind it is put where another was.
    fn behind(
        &self,
        state: &Self::State,
        label: Label,
        next: &mut Self::State,
        _: &mut Self::Scratch,
    ) {
        next.clone_from(state);
        self.follow(next, label);
    }

    /// Different for different states, as far as 64 bits allow, and the same in every run.
    fn fingerprint(&self, state: &Self::State) -> u64;

    /// What is remarkable about a state itself. Asked once for each state.
    fn marks(&self, _: &Self::State) -> Marks {
        0
    }
}

/// A step from a state.
pub struct Step<'s, S: Space + ?Sized> {
    /// Which.
    pub label: Label,
    /// What is remarkable about it.
    pub marks: Marks,
    /// What it leads to.
    pub to: Result<&'s S::State, S::Cut>,
}

/// When to end before everything was seen.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many counted steps from the start.
    pub rounds: u32,
    /// About so many states; the batch under way is finished.
    pub states: usize,
}

impl Limits {
    /// As far as it goes.
    pub const NONE: Self = Self { rounds: u32::MAX, states: NodeId::MAX as usize };
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There is nothing else.
    Everything,
    /// Nothing else within the bound on rounds.
    Rounds,
    /// The bound on states was reached: what was found is a part.
    States,
}

/// One round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Round {
    /// States that need so many counted steps.
    pub states: usize,
    /// Steps tried from the states of all rounds so far, as a bound of this length has them: the
    /// counted ones from this round's states are the next round's.
    pub transitions: u64,
}

/// Where a mark was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The state, or the one that the step leads from.
    pub node: NodeId,
    /// The step, unless it is about the state itself.
    pub step: Option<Label>,
    /// How often the mark was seen.
    pub times: u64,
}

/// What was found. It does not depend on the number of threads.
#[derive(Debug)]
pub struct Explored<C> {
    /// Why it ended.
    pub ended: Ended,
    /// Every state, and the first way to it.
    pub tree: Tree,
    /// By number of counted steps.
    pub rounds: Vec<Round>,
    /// How many steps were tried.
    pub transitions: u64,
    /// States from which no step leads anywhere, in order.
    pub terminals: Vec<NodeId>,
    /// How many steps lead to nobody knows what, by reason.
    pub cuts: BTreeMap<C, u64>,
    /// By bit: the first sighting.
    pub marks: [Option<Sighting>; Marks::BITS as usize],
    /// The states of the largest round.
    pub widest: usize,
    /// What the visited states take, in bytes.
    pub bytes: usize,
}

impl<C> Explored<C> {
    /// How many states there are.
    #[must_use]
    pub fn states(&self) -> usize {
        self.tree.len()
    }

    /// The steps from the start up to a sighting.
    #[must_use]
    pub fn path(&self, sighting: Sighting) -> Vec<Label> {
        let mut path = self.tree.path(sighting.node);
        path.extend(sighting.step);
        path
    }

    /// At most how probable it is that two states were taken for one: n²/2^65, if fingerprints are
    /// as good as random.
    #[must_use]
    pub fn collision_probability(&self) -> f64 {
        let states = self.states() as f64;
        (states * states / 2f64.powi(65)).min(1.0)
    }
}

/// How the work is cut; results do not depend on it, but for where a bound on states ends them.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// How many threads.
    pub threads: usize,
    /// How many states are expanded before what they lead to is sorted in.
    pub batch: usize,
    /// Below this many states, a thread costs more than it gives.
    pub share: usize,
}

impl Work {
    /// For so many threads.
    #[must_use]
    pub fn with(threads: usize) -> Self {
        Self { threads: threads.max(1), batch: 1 << 16, share: 1 << 10 }
    }
}

/// Sorting a step in takes so much less than taking the steps of a state: below this many times
/// `share` steps, a thread costs more than it gives.
const SORTED_IN: usize = 16;

/// Steps whose fingerprints are looked up together, so that memory is waited for once.
const LOOKED_UP: usize = 1 << 10;

/// Visits every state within the limits.
pub fn breadth_first<S: Space>(space: &S, work: Work, limits: Limits) -> Explored<S::Cut> {
    let mut search = Search {
        space,
        work,
        limits,
        tree: Tree::new(),
        visited: Visited::new(),
        tally: Tally::default(),
    };
    let fingerprint = space.fingerprint(&space.start());
    search.visited.shards_mut()[shard_of(fingerprint)].insert(fingerprint);
    let mut rounds = Vec::new();
    let mut round = 0..1;
    let ended = loop {
        let number = u32::try_from(rounds.len()).expect("a round has a state of its own");
        let whole = search.settle(&mut round, number);
        rounds.push(Round { states: round.len(), transitions: search.tally.transitions });
        if whole.is_err() {
            break Ended::States;
        }
        if round.is_empty() {
            rounds.pop();
            break Ended::Everything;
        }
        if number >= limits.rounds {
            break Ended::Rounds;
        }
        let next = search.tree.len();
        let whole = search.expand(round, Pace::Counted);
        round = next..search.tree.len();
        if whole.is_err() {
            rounds.push(Round { states: round.len(), transitions: search.tally.transitions });
            break Ended::States;
        }
    };
    let bytes = search.tree.bytes() + search.visited.bytes();
    let Search { tree, tally, .. } = search;
    let Tally { transitions, terminals, cuts, marks } = tally;
    let widest = rounds.iter().map(|round| round.states).max().unwrap_or(0);
    Explored { ended, tree, rounds, transitions, terminals, cuts, marks, widest, bytes }
}

/// The bound on states was reached.
struct TooMany;

struct Search<'s, S: Space> {
    space: &'s S,
    work: Work,
    limits: Limits,
    tree: Tree,
    visited: Visited,
    tally: Tally<S::Cut>,
}

impl<S: Space> Search<'_, S> {
    /// Follows the free steps from a round's first states, which become more by that.
    fn settle(&mut self, round: &mut Range<usize>, number: u32) -> Result<(), TooMany> {
        let is_last = number >= self.limits.rounds;
        // Where there are no free steps, states are looked at when the counted ones are taken.
        if !S::HAS_FREE && !is_last {
            return Ok(());
        }
        let mut wave = round.clone();
        while !wave.is_empty() {
            let next = self.tree.len();
            let whole = self.expand(wave, Pace::Free);
            round.end = self.tree.len();
            whole?;
            wave = next..self.tree.len();
        }
        Ok(())
    }

    /// Takes the steps of one pace from some states, in batches.
    fn expand(&mut self, nodes: Range<usize>, pace: Pace) -> Result<(), TooMany> {
        let mut rest = nodes;
        while !rest.is_empty() {
            let batch = rest.start..rest.end.min(rest.start + self.work.batch);
            rest.start = batch.end;
            let found = self.steps_of(batch, pace);
            let fresh = self.sort_in(&found);
            for candidate in fresh {
                self.tree.push(candidate.parent, candidate.label);
            }
            for found in found {
                self.tally.add(found.tally);
            }
            if self.tree.len() >= self.limits.states {
                return Err(TooMany);
            }
        }
        Ok(())
    }

    /// The steps from a batch of states that may lead to new ones, each worker's in order.
    fn steps_of(&self, batch: Range<usize>, pace: Pace) -> Vec<Found<S::Cut>> {
        let workers = self.work.threads.min(batch.len().div_ceil(self.work.share));
        let share = batch.len().div_ceil(workers);
        let shares = (0..workers).map(|worker| {
            let start = batch.start + worker * share;
            start.min(batch.end)..(start + share).min(batch.end)
        });
        each_on_its_thread(shares, |nodes| {
            expand(self.space, &self.tree, &self.visited, nodes, pace)
        })
    }

    /// Puts what is new into the visited states: the first of each fingerprint, in order.
    fn sort_in(&mut self, found: &[Found<S::Cut>]) -> Vec<Candidate> {
        let count = found.iter().map(|found| found.candidates.len()).sum::<usize>();
        let worthwhile = count.div_ceil(self.work.share * SORTED_IN);
        let threads = self.work.threads.min(worthwhile).max(1);
        let share = SHARDS.div_ceil(threads);
        let shards = self.visited.shards_mut();
        let groups = shards.chunks_mut(share).enumerate();
        let insert = |(group, shards): (usize, &mut [Shard])| {
            let first = group * share;
            let mut fresh = Vec::new();
            for candidate in found.iter().flat_map(|found| &found.candidates) {
                let shard = shard_of(candidate.fingerprint);
                let Some(shard) = shard.checked_sub(first).and_then(|at| shards.get_mut(at)) else {
                    continue;
                };
                if shard.insert(candidate.fingerprint) {
                    fresh.push(*candidate);
                }
            }
            fresh
        };
        let mut fresh = each_on_its_thread(groups, insert).concat();
        // Sorted runs, one a group.
        if threads > 1 {
            fresh.sort_by_key(|candidate: &Candidate| (candidate.parent, candidate.label));
        }
        fresh
    }
}

/// Does several things at once, the first on this thread.
fn each_on_its_thread<I: Send, O: Send>(
    mut inputs: impl Iterator<Item = I>,
    work: impl Fn(I) -> O + Sync,
) -> Vec<O> {
    let Some(first) = inputs.next() else { return Vec::new() };
    let work = &work;
    std::thread::scope(|scope| {
        let others: Vec<_> = inputs.map(|input| scope.spawn(move || work(input))).collect();
        let mut outputs = vec![work(first)];
        let join = |other: std::thread::ScopedJoinHandle<'_, O>| other.join();
        outputs
            .extend(others.into_iter().map(join).map(|output| output.expect("a worker panicked")));
        outputs
    })
}

/// A step that may lead to a new state.
#[derive(Clone, Copy)]
struct Candidate {
    fingerprint: u64,
    parent: NodeId,
    label: Label,
}

/// What one worker found in its share of a batch.
struct Found<C> {
    candidates: Vec<Candidate>,
    tally: Tally<C>,
}

/// What is counted along the way.
struct Tally<C> {
    transitions: u64,
    terminals: Vec<NodeId>,
    cuts: BTreeMap<C, u64>,
    marks: [Option<Sighting>; Marks::BITS as usize],
}

impl<C> Default for Tally<C> {
    fn default() -> Self {
        let marks = [None; Marks::BITS as usize];
        Self { transitions: 0, terminals: Vec::new(), cuts: BTreeMap::new(), marks }
    }
}

impl<C: Ord> Tally<C> {
    /// Adds that of the next share.
    fn add(&mut self, other: Self) {
        self.transitions += other.transitions;
        self.terminals.extend(other.terminals);
        for (cut, times) in other.cuts {
            *self.cuts.entry(cut).or_default() += times;
        }
        for (mark, other) in self.marks.iter_mut().zip(other.marks) {
            match (mark, other) {
                (_, None) => {}
                (Some(mark), Some(other)) => mark.times += other.times,
                (mark @ None, Some(other)) => *mark = Some(other),
            }
        }
    }

    fn mark(&mut self, mut marks: Marks, node: NodeId, step: Option<Label>) {
        while marks != 0 {
            let mark = &mut self.marks[marks.trailing_zeros() as usize];
            mark.get_or_insert(Sighting { node, step, times: 0 }).times += 1;
            marks &= marks - 1;
        }
    }
}

/// One worker's share of a batch.
fn expand<S: Space>(
    space: &S,
    tree: &Tree,
    visited: &Visited,
    nodes: Range<usize>,
    pace: Pace,
) -> Found<S::Cut> {
    let mut walker = Walker::new(space, tree);
    let scratch = &mut space.scratch();
    let mut tally = Tally::default();
    let mut candidates: Vec<Candidate> = Vec::new();
    // Those before were looked up and are new, as far as the batches before tell.
    let mut looked_up = 0;
    let look_up = |candidates: &mut Vec<Candidate>, looked_up: &mut usize| {
        let mut kept = *looked_up;
        for at in *looked_up..candidates.len() {
            let candidate = candidates[at];
            candidates[kept] = candidate;
            kept += usize::from(!visited.has(candidate.fingerprint));
        }
        candidates.truncate(kept);
        *looked_up = kept;
    };
    for node in nodes {
        let parent = NodeId::try_from(node).expect("the limit is below");
        let state = walker.go(parent);
        // The pace that comes first, or alone.
        if !S::HAS_FREE || pace == Pace::Free {
            tally.mark(space.marks(state), parent, None);
        }
        let mut steps = 0;
        let mut last = None;
        space.steps(state, pace, scratch, &mut |step: Step<'_, S>| {
            steps += 1;
            // Several threads sort by it what one finds in order.
            debug_assert!(last < Some(step.label), "labels ascend");
            last = Some(step.label);
            tally.mark(step.marks, parent, Some(step.label));
            match step.to {
                Ok(state) => {
                    let fingerprint = space.fingerprint(state);
                    candidates.push(Candidate { fingerprint, parent, label: step.label });
                }
                Err(cut) => *tally.cuts.entry(cut).or_default() += 1,
            }
        });
        tally.transitions += steps;
        if steps == 0 && pace == Pace::Counted && is_at_rest(space, state, scratch) {
            tally.terminals.push(parent);
        }
        if candidates.len() - looked_up >= LOOKED_UP {
            look_up(&mut candidates, &mut looked_up);
        }
    }
    look_up(&mut candidates, &mut looked_up);
    Found { candidates, tally }
}

/// Whether no free step leads from a state.
fn is_at_rest<S: Space>(space: &S, state: &S::State, scratch: &mut S::Scratch) -> bool {
    let mut steps = 0;
    if S::HAS_FREE {
        space.steps(state, Pace::Free, scratch, &mut |_| steps += 1);
    }
    steps == 0
}
