//! What is broken, and how scenarios notice.
//!
//! Two things are: the model's arm of a rule, and the stack's word, when it claims to be a profile
//! and takes another alternative at one knob.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use asyncselect_model::{KnobId, Profile, Rule, arm};
use asyncselect_scenario::judge::{Agreement, Finding};
use asyncselect_scenario::runner::Place;
use asyncselect_scenario::script::{Op, Script};
use asyncselect_scenario::sight::lies;
use asyncselect_scenario::simulate::verdict;
use rayon::prelude::*;

/// All the ways in which a scenario fails.
pub(super) type Signature = BTreeSet<Symptom>;

/// One way in which a scenario fails.
///
/// Names of sockets, lengths and the numbers of steps are no part of it: scenarios that differ in
/// nothing else notice the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Symptom {
    /// The rule by its id, or the knob with the alternative that the profile does not hold.
    pub(super) broken: String,
    profile: String,
    in_event_mode: bool,
    /// The step that fails first: the call, or what it does.
    step: &'static str,
    /// The events and codes that it expects.
    expected: Vec<String>,
    /// The events and codes that it finds.
    found: Vec<String>,
}

/// What breaking things showed.
pub(super) struct Killed {
    /// The scenarios, by number, that fail with the arm of a rule broken.
    pub(super) arms: Vec<(Rule, BTreeSet<usize>)>,
    /// How each scenario fails, by number.
    pub(super) signatures: Vec<Signature>,
}

/// A run that agrees when nothing is broken.
struct Subject<'s> {
    /// The number of its scenario.
    scenario: usize,
    script: &'s Script,
    profile: &'s Profile,
}

impl Killed {
    pub(super) fn new(scripts: &[Script], profiles: &[Profile], rules: Vec<Rule>) -> Self {
        let subjects = subjects(scripts, profiles);
        // A broken arm may break promises that the model relies on; what it says then is of no use.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let by_arm: Vec<(Rule, Vec<(usize, Symptom)>)> = rules
            .into_par_iter()
            .map(|rule| {
                let failing = || subjects.iter().filter_map(|subject| subject.without(rule));
                (rule, arm::without(rule, || failing().collect()))
            })
            .collect();
        std::panic::set_hook(hook);
        let by_knob: Vec<(usize, Symptom)> =
            subjects.par_iter().flat_map_iter(Subject::lied_to).collect();
        let mut signatures = vec![Signature::new(); scripts.len()];
        let mut arms = Vec::new();
        for (rule, failing) in by_arm {
            arms.push((rule, failing.iter().map(|(scenario, _)| *scenario).collect()));
            for (scenario, symptom) in failing {
                signatures[scenario].insert(symptom);
            }
        }
        for (scenario, symptom) in by_knob {
            signatures[scenario].insert(symptom);
        }
        Self { arms, signatures }
    }
}

/// Every run that agrees: of each scenario in each of its modes on each profile.
fn subjects<'s>(scripts: &'s [Script], profiles: &'s [Profile]) -> Vec<Subject<'s>> {
    let on_all = |(scenario, script): (usize, &'s Script)| {
        let in_modes = std::iter::once(script).chain(script.twin.as_deref());
        in_modes.flat_map(move |script| {
            profiles.iter().map(move |profile| Subject { scenario, script, profile })
        })
    };
    let all = scripts.par_iter().enumerate().flat_map_iter(on_all);
    all.filter(|subject| subject.agreement() == Agreement::Agrees).collect()
}

impl Subject<'_> {
    fn agreement(&self) -> Agreement {
        verdict(self.script, self.profile).agreement
    }

    /// How it fails without the arm of a rule. A model that breaks down or gives up has failed no
    /// expectation.
    fn without(&self, rule: Rule) -> Option<(usize, Symptom)> {
        match catch_unwind(AssertUnwindSafe(|| self.agreement())).ok()? {
            Agreement::Disagrees(findings) => Some(self.symptom(rule.id().to_owned(), &findings)),
            Agreement::Agrees
            | Agreement::NotModelled(_)
            | Agreement::NotRunnable(_)
            | Agreement::NotSetUp(_)
            | Agreement::StackFailed(_) => None,
        }
    }

    /// How it fails on stacks that are not what they claim to be.
    fn lied_to(&self) -> Vec<(usize, Symptom)> {
        let lies = lies(self.script, self.profile).into_iter();
        let symptom = |(knob, value, findings): (KnobId, u8, Vec<Finding>)| {
            let value = knob.values()[usize::from(value)];
            self.symptom(format!("{knob} = {value}"), &findings)
        };
        lies.map(symptom).collect()
    }

    fn symptom(&self, broken: String, findings: &[Finding]) -> (usize, Symptom) {
        let Finding { place, expected, found } = findings.first().expect("something is found");
        let step = match place {
            Place::Setup => "setup",
            Place::End => "the end",
            Place::Step(index) => name(&self.script.steps[*index]),
        };
        let symptom = Symptom {
            broken,
            profile: self.profile.name().to_owned(),
            in_event_mode: self.script.event_mode.is_some(),
            step,
            expected: codes(expected),
            found: codes(found),
        };
        (self.scenario, symptom)
    }
}

/// What a step does.
fn name(op: &Op) -> &'static str {
    match op {
        Op::Call(op) => op.call.name(),
        Op::End { .. } => "end",
        Op::Blocked { .. } => "blocked",
        Op::Claim(_) => "messages",
        Op::Pump { .. } => "pump",
        Op::Settle => "settle",
        Op::Fault(_) => "fault",
        Op::Advance(_) => "advance",
        Op::Happen(_) => "happen",
        Op::NotModelled(what) => what,
    }
}

/// The events and codes of a text.
fn codes(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let codes = words.filter(|word| word.starts_with("FD_") || word.starts_with("WSAE"));
    codes.map(str::to_owned).collect()
}
