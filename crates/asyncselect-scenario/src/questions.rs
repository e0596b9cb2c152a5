//! What a stack does at every knob, read off what it showed: the checker with all knobs open says
//! which alternatives explain a run, and what one run settles makes the next one's answer sharper.

use asyncselect_model::profile::Setting;
use asyncselect_model::{Evidence, KnobId, Profile};
use rayon::prelude::*;

use crate::check::{Checked, check};
use crate::script::Script;
use crate::simulate::Run;

/// How many states a run may have that explain it, with all knobs open. One that has more is looked
/// at again when other runs have settled some of them.
const STATES_MAX: usize = 20_000;

/// What is known of one knob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which.
    pub knob: KnobId,
    /// The alternatives that explain what was seen, by number; never none.
    pub possible: Vec<u8>,
    /// The runs that exclude an alternative, by number, the first ones first.
    pub told_by: Vec<usize>,
}

impl Answer {
    /// The alternative that the stack takes, if just one is left.
    #[must_use]
    pub fn settled(&self) -> Option<u8> {
        match self.possible.as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }
}

/// What a stack answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// By knob, in their order.
    pub answers: Vec<Answer>,
    /// The runs, by number, that nothing explains: not with all knobs open, or not beside the
    /// answers of other runs.
    pub unexplained: Vec<usize>,
}

/// Reads the answers off runs of scripts on one stack.
#[must_use]
pub fn answers(runs: &[(&Script, Run)]) -> Answers {
    let all = |knob: &KnobId| (0..).zip(knob.values()).map(|(value, _)| value).collect();
    let mut answers: Vec<Answer> = KnobId::ALL
        .iter()
        .map(|knob| Answer { knob: *knob, possible: all(knob), told_by: Vec::new() })
        .collect();
    loop {
        let profile = profile_of(&answers, "the stack", |_| "another run".to_owned());
        let checked: Vec<Option<Checked>> = runs
            .par_iter()
            .map(|(script, run)| check(script, &profile, run, STATES_MAX).ok())
            .collect();
        let mut sharper = false;
        for (number, checked) in checked.iter().enumerate() {
            // An alternative of which the model says nothing is not excluded.
            let whole = |checked: &&Checked| checked.is_allowed() && !checked.cut;
            let explained = checked.as_ref().filter(whole);
            for answer in &mut answers {
                sharper |= explained.is_some_and(|checked| answer.take(checked, number));
            }
        }
        if !sharper {
            let refused = |checked: &Option<Checked>| {
                checked.as_ref().is_some_and(|checked| !checked.refusals.is_empty())
            };
            let numbers = 0..runs.len();
            let unexplained = numbers.filter(|number| refused(&checked[*number])).collect();
            return Answers { answers, unexplained };
        }
    }
}

impl Answer {
    /// Drops the alternatives that do not explain a run, and says whether there were any. What
    /// contradicts the runs before is left to the next round, which cannot explain this one.
    fn take(&mut self, checked: &Checked, number: usize) -> bool {
        let mut explain = Vec::new();
        for way in &checked.ways {
            // Where the knob did not matter, each alternative explains it.
            let Some((_, value)) = way.iter().find(|(knob, _)| *knob == self.knob) else {
                return false;
            };
            explain.push(*value);
        }
        let left: Vec<u8> =
            self.possible.iter().copied().filter(|value| explain.contains(value)).collect();
        if left.is_empty() || left.len() == self.possible.len() {
            return false;
        }
        self.possible = left;
        self.told_by.push(number);
        true
    }
}

/// The answers as a profile: what is not settled is left open.
#[must_use]
pub fn profile_of(answers: &[Answer], name: &str, source: impl Fn(&Answer) -> String) -> Profile {
    let mut profile = Profile::open(name.to_owned(), "what a stack answered");
    for answer in answers {
        if let Some(value) = answer.settled() {
            let source = source(answer).into();
            let setting = Setting { value: Some(value), evidence: Evidence::Measured, source };
            profile.set(answer.knob, setting);
        }
    }
    profile
}
