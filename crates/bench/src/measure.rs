//! Wall-clock times of things that are done in turn, so that a machine whose speed drifts treats
//! them alike.

use std::hint::black_box;
use std::time::Instant;

/// One figure of every round.
#[derive(Clone, Debug)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    /// The least and the greatest.
    pub(crate) fn spread(&self) -> (f64, f64) {
        let fold = |pick: fn(f64, f64) -> f64| self.0.iter().copied().reduce(pick);
        fold(f64::min).zip(fold(f64::max)).expect("there is a round")
    }

    pub(crate) fn map(&self, of: impl Fn(f64) -> f64) -> Self {
        Self(self.0.iter().copied().map(of).collect())
    }

    /// How much more this is, round by round.
    pub(crate) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }
}

/// Something to measure, so many times in a row.
pub(crate) struct Arm<'a> {
    times: u32,
    work: Box<dyn FnMut() + 'a>,
}

/// An arm whose work is too short to be timed alone. What it makes is not optimized away.
pub(crate) fn each<'a, T>(times: u32, mut work: impl FnMut() -> T + 'a) -> Arm<'a> {
    let work = move || {
        for _ in 0..times {
            black_box(work());
        }
    };
    Arm { times, work: Box::new(work) }
}

/// An arm that takes long enough.
pub(crate) fn once<'a, T>(work: impl FnMut() -> T + 'a) -> Arm<'a> {
    each(1, work)
}

/// The nanoseconds that the work of each arm takes, in turn, after a round that does not count.
pub(crate) fn nanoseconds(rounds: usize, mut arms: Vec<Arm<'_>>) -> Vec<Series> {
    let mut series = vec![Series(Vec::new()); arms.len()];
    for round in 0..=rounds {
        for (Arm { times, work }, series) in arms.iter_mut().zip(&mut series) {
            let begin = Instant::now();
            work();
            let nanoseconds = begin.elapsed().as_secs_f64() * 1e9 / f64::from(*times);
            if round > 0 {
                series.0.push(nanoseconds);
            }
        }
    }
    series
}
