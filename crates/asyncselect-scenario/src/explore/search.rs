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

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

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
    /// A thread takes so many states at least, or it costs more than it gives.
    pub share: usize,
}

impl Work {
    /// For so many threads.
    #[must_use]
    pub fn with(threads: usize) -> Self {
        Self { threads: threads.max(1), batch: 1 << 16, share: 1 << 10 }
    }
}

/// In how many parts a batch is cut for each thread: who has done its part takes another's.
const PARTS: usize = 8;

/// Sorting a step in takes so much less than taking the steps of a state: below this many times
/// `share` steps, a thread costs more than it gives.
const SORTED_IN: usize = 16;

/// What counted steps lead to is put off until the round ends. A round has several to a state:
/// where more than this many batches' worth are put off, the first to each state alone are kept.
const PUT_OFF: usize = 64;

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
        awaited: Visited::new(),
        is_full: false,
        tally: Tally::default(),
        threads: pool(work.threads),
    };
    let fingerprint = space.fingerprint(&space.start());
    search.visited.shards_mut()[shard_of(fingerprint)].insert(fingerprint);
    let mut rounds = Vec::new();
    let mut round = 0..1;
    let ended = loop {
        let number = u32::try_from(rounds.len()).expect("a round has a state of its own");
        let is_last = number >= limits.rounds;
        let settled = search.settle(&mut round, !is_last);
        rounds.push(Round { states: round.len(), transitions: search.tally.transitions });
        let Ok(counted) = settled else {
            break Ended::States;
        };
        if round.is_empty() {
            rounds.pop();
            break Ended::Everything;
        }
        if is_last {
            break Ended::Rounds;
        }
        let next = search.tree.len();
        let whole = counted.into_iter().try_for_each(|found| search.grow(found));
        round = next..search.tree.len();
        if whole.is_err() || search.is_full {
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
    /// What the counted steps of the round under way lead to.
    awaited: Visited,
    /// Whether the next round has more states than the limit leaves room for, so that this one need
    /// not go on.
    is_full: bool,
    tally: Tally<S::Cut>,
    /// None for one thread, which is this one.
    threads: Option<ThreadPool>,
}

impl<S: Space> Search<'_, S> {
    /// Follows the free steps from a round's first states, which become more by that. What the
    /// counted steps from all of them lead to, if they are asked for, is the next round's.
    fn settle(
        &mut self,
        round: &mut Range<usize>,
        counted: bool,
    ) -> Result<Vec<Batch<S::Cut>>, TooMany> {
        let mut later: Vec<Batch<S::Cut>> = Vec::new();
        let mut put_off = 0;
        let mut is_thinned = false;
        let mut wave = round.clone();
        while !wave.is_empty() {
            let batch = wave.start..wave.end.min(wave.start + self.work.batch);
            wave.start = batch.end;
            let (free, counted) = self.steps_of(batch, counted);
            later.push(counted);
            put_off += steps_in(later.last().expect("just pushed"));
            if is_thinned {
                later.last_mut().into_iter().for_each(|counted| self.thin(counted));
            } else if put_off > self.work.batch * PUT_OFF {
                later.iter_mut().for_each(|counted| self.thin(counted));
                is_thinned = true;
            }
            let whole = self.grow(free);
            if wave.is_empty() {
                wave = round.end..self.tree.len();
                round.end = wave.end;
            }
            whole?;
            let awaited = || later.iter().map(|counted| steps_in(counted)).sum::<usize>();
            if is_thinned && self.tree.len() + awaited() >= self.limits.states {
                self.is_full = true;
                break;
            }
        }
        self.awaited = Visited::new();
        Ok(later)
    }

    /// Keeps of the counted steps from a batch those that may be the first to a state.
    fn thin(&mut self, found: &mut Batch<S::Cut>) {
        let mut thinned = Found::new();
        thinned.candidates = sort_in(&mut self.awaited, self.work, self.threads.as_ref(), found);
        found.drain(..).for_each(|found| thinned.tally.add(found.tally));
        found.push(thinned);
    }

    /// Sorts in what a batch of states leads to.
    fn grow(&mut self, found: Batch<S::Cut>) -> Result<(), TooMany> {
        let fresh = sort_in(&mut self.visited, self.work, self.threads.as_ref(), &found);
        for candidate in fresh {
            self.tree.push(candidate.parent, candidate.label);
        }
        for found in found {
            self.tally.add(found.tally);
        }
        if self.tree.len() >= self.limits.states { Err(TooMany) } else { Ok(()) }
    }

    /// The steps from a batch of states that may lead to new ones, free and counted ones apart,
    /// each worker's in order.
    fn steps_of(&self, batch: Range<usize>, counted: bool) -> (Batch<S::Cut>, Batch<S::Cut>) {
        let Self { space, work, tree, visited, threads, .. } = self;
        let parts = threads.as_ref().map_or(1, |threads| threads.current_num_threads() * PARTS);
        let share = batch.len().div_ceil(parts).max(work.share);
        let share_at = |start: usize| start..(start + share).min(batch.end);
        let shares = batch.clone().step_by(share).map(share_at).collect();
        each(threads.as_ref(), shares, |nodes| expand(*space, tree, visited, nodes, counted))
            .into_iter()
            .unzip()
    }
}

/// Puts what is new into a set of states: the first of each fingerprint, in order.
fn sort_in<C: Send + Sync>(
    states: &mut Visited,
    work: Work,
    threads: Option<&ThreadPool>,
    found: &[Found<C>],
) -> Vec<Candidate> {
    let worthwhile = steps_in(found).div_ceil(work.share * SORTED_IN);
    let groups = work.threads.min(worthwhile).max(1);
    let share = SHARDS.div_ceil(groups);
    let shards = states.shards_mut().chunks_mut(share).enumerate().collect();
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
    let mut fresh = each(threads, shards, insert).concat();
    // Sorted runs, one a group.
    if groups > 1 {
        fresh.sort_by_key(|candidate: &Candidate| (candidate.parent, candidate.label));
    }
    fresh
}

/// Threads besides this one, if they are asked for and the system gives them.
fn pool(threads: usize) -> Option<ThreadPool> {
    // What cannot be sorted in at once need not be found at once.
    let threads = threads.min(SHARDS);
    if threads == 1 { None } else { ThreadPoolBuilder::new().num_threads(threads).build().ok() }
}

/// Does several things, at once if there are threads for it; what comes of them is in their order.
fn each<I: Send, O: Send>(
    threads: Option<&ThreadPool>,
    inputs: Vec<I>,
    work: impl Fn(I) -> O + Sync + Send,
) -> Vec<O> {
    match threads {
        Some(threads) if inputs.len() > 1 => {
            threads.install(|| inputs.into_par_iter().map(work).collect())
        }
        Some(_) | None => inputs.into_iter().map(work).collect(),
    }
}

/// A step that may lead to a new state.
#[derive(Clone, Copy)]
struct Candidate {
    fingerprint: u64,
    parent: NodeId,
    label: Label,
}

/// What one worker found of one pace in its share of a batch.
struct Found<C> {
    candidates: Vec<Candidate>,
    /// How many of them were looked up, and are new as far as the batches before tell.
    looked_up: usize,
    tally: Tally<C>,
}

/// What all workers found of one pace in a batch.
type Batch<C> = Vec<Found<C>>;

/// How many steps a batch has found.
fn steps_in<C>(found: &[Found<C>]) -> usize {
    found.iter().map(|found| found.candidates.len()).sum()
}

impl<C: Ord> Found<C> {
    fn new() -> Self {
        Self { candidates: Vec::new(), looked_up: 0, tally: Tally::default() }
    }

    /// Takes the steps of one pace from a state, and says how many there are.
    fn take<S: Space<Cut = C>>(
        &mut self,
        space: &S,
        (parent, state): (NodeId, &S::State),
        pace: Pace,
        scratch: &mut S::Scratch,
    ) -> u64 {
        let mut steps = 0;
        let mut last = None;
        space.steps(state, pace, scratch, &mut |step: Step<'_, S>| {
            steps += 1;
            // Several threads sort by it what one finds in order.
            debug_assert!(last < Some(step.label), "labels ascend");
            last = Some(step.label);
            self.tally.mark(step.marks, parent, Some(step.label));
            match step.to {
                Ok(state) => {
                    let fingerprint = space.fingerprint(state);
                    self.candidates.push(Candidate { fingerprint, parent, label: step.label });
                }
                Err(cut) => *self.tally.cuts.entry(cut).or_default() += 1,
            }
        });
        self.tally.transitions += steps;
        steps
    }

    /// Drops what was visited before.
    fn look_up(&mut self, visited: &Visited) {
        let mut kept = self.looked_up;
        for at in self.looked_up..self.candidates.len() {
            let candidate = self.candidates[at];
            self.candidates[kept] = candidate;
            kept += usize::from(!visited.has(candidate.fingerprint));
        }
        self.candidates.truncate(kept);
        self.looked_up = kept;
    }

    /// The same, if there are enough to do it for.
    fn look_up_many(&mut self, visited: &Visited) {
        if self.candidates.len() - self.looked_up >= LOOKED_UP {
            self.look_up(visited);
        }
    }
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

/// One worker's share of a batch: what free and what counted steps lead to.
///
/// A state is made again for both together, which costs as much as a step or two.
fn expand<S: Space>(
    space: &S,
    tree: &Tree,
    visited: &Visited,
    nodes: Range<usize>,
    with_counted: bool,
) -> (Found<S::Cut>, Found<S::Cut>) {
    let mut walker = Walker::new(space, tree);
    let scratch = &mut space.scratch();
    let (mut free, mut counted) = (Found::new(), Found::new());
    for node in nodes {
        let parent = NodeId::try_from(node).expect("the limit is below");
        let state = walker.go(parent);
        free.tally.mark(space.marks(state), parent, None);
        let mut steps = free.take(space, (parent, state), Pace::Free, scratch);
        free.look_up_many(visited);
        if with_counted {
            steps += counted.take(space, (parent, state), Pace::Counted, scratch);
            counted.look_up_many(visited);
            if steps == 0 {
                counted.tally.terminals.push(parent);
            }
        }
    }
    free.look_up(visited);
    counted.look_up(visited);
    (free, counted)
}
