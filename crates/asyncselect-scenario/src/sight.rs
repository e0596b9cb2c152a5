//! What a scenario makes of a knob: whether it sees it, and whether it notices that a stack does
//! not do what its profile says.

use asyncselect_model::profile::Setting;
use asyncselect_model::{Evidence, KnobId, Profile};

use crate::diff::compare;
use crate::judge::{Agreement, Finding, judge};
use crate::script::Script;
use crate::simulate::{Run, asked, simulate};

/// A knob that a scenario sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The knob.
    pub knob: KnobId,
    /// Those of its [`pairs`] whose runs differ in what the script claims.
    pub told_apart: Vec<(u8, u8)>,
}

/// The numbers of a knob's alternatives.
pub fn alternatives(knob: KnobId) -> impl Iterator<Item = u8> + Clone {
    (0..).take(knob.values().len())
}

/// Each two of a knob's alternatives, by number, the lower one first.
pub fn pairs(knob: KnobId) -> impl Iterator<Item = (u8, u8)> {
    alternatives(knob).flat_map(move |one| {
        alternatives(knob).skip(usize::from(one) + 1).map(move |other| (one, other))
    })
}

/// The profile with an alternative at one knob, whatever it held there.
#[must_use]
pub fn holding(profile: &Profile, knob: KnobId, value: u8) -> Profile {
    let mut profile = profile.clone();
    let (evidence, source) = (Evidence::Inferred, "a question".into());
    profile.set(knob, Setting { value: Some(value), evidence, source });
    profile
}

/// The knobs that a script sees on a profile: those of which two alternatives, all other knobs as
/// the profile has them, lead to runs that differ as [`compare`] has it.
#[must_use]
pub fn sights(script: &Script, profile: &Profile) -> Vec<Sight> {
    let of = |knob: KnobId| {
        let runs: Vec<Run> = alternatives(knob)
            .map(|value| simulate(script, &holding(profile, knob, value)))
            .collect();
        let differ = |(left, right): &(u8, u8)| {
            let [left, right] = [left, right].map(|value| &runs[usize::from(*value)]);
            !compare(script, left, right).is_empty()
        };
        Sight { knob, told_apart: pairs(knob).filter(differ).collect() }
    };
    // What a run does not ask for makes no difference to it.
    let seen = asked(script, profile).into_iter().map(of);
    seen.filter(|sight| !sight.told_apart.is_empty()).collect()
}

/// What a script finds on a stack that claims to be this profile and takes another alternative at
/// one knob: the alternative, and what does not hold. Of alternatives that the script puts up with
/// there is nothing.
#[must_use]
pub fn lies(script: &Script, profile: &Profile) -> Vec<(KnobId, u8, Vec<Finding>)> {
    let claimed = simulate(script, profile);
    let mut lies = Vec::new();
    for knob in asked(script, profile) {
        for value in alternatives(knob) {
            if claimed.decided(knob) == Some(value) {
                continue;
            }
            let run = simulate(script, &holding(profile, knob, value));
            let holds = |other, value| {
                let run = if other == knob { &claimed } else { &run };
                run.decided(other) == Some(value)
            };
            let verdict = judge(script, &run.ending, &run.seen, holds);
            if let Agreement::Disagrees(findings) = verdict.agreement {
                lies.push((knob, value, findings));
            }
        }
    }
    lies
}
