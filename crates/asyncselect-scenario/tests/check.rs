//! The checker on the whole corpus: it accepts what a profile does, refuses what it does not, and
//! keeps few states meanwhile.

use std::fmt::Write;
use std::path::Path;

use asyncselect_model::profile::Setting;
use asyncselect_model::{Evidence, KnobId, Profile};
use asyncselect_scenario::check::{Checked, Extent, STATES_MAX, check};
use asyncselect_scenario::corpus;
use asyncselect_scenario::diff::nearest_knobs;
use asyncselect_scenario::explore::outcomes::{Judging, outcomes};
use asyncselect_scenario::explore::runs::{Freedom, Reduction};
use asyncselect_scenario::explore::search::{Limits, Work};
use asyncselect_scenario::runner::{Ending, Observation, Place};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::{Run, simulate};
use asyncselect_scenario::source::Source;

fn scripts() -> Vec<Script> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).unwrap();
    files.iter().map(|file| Script::read(file).unwrap()).collect()
}

fn race() -> Script {
    let text = r#"{
      "format": 1, "title": "two peers send at once", "clauses": ["AS-ORD-01"],
      "setup": { "windows": ["w"], "pairs": [["a", "b"], ["c", "d"]] },
      "steps": [
        { "do": { "WSAAsyncSelect": { "s": "b", "hWnd": "w", "wMsg": "WM_USER+1", "lEvent": ["FD_READ"] } } },
        { "do": { "WSAAsyncSelect": { "s": "d", "hWnd": "w", "wMsg": "WM_USER+1", "lEvent": ["FD_READ"] } } },
        { "do": { "send": { "s": "a", "data": "x" } }, "settle": false },
        { "do": { "send": { "s": "c", "data": "y" } }, "settle": false },
        { "messages": { "unordered": [
          { "hWnd": "w", "wMsg": "WM_USER+1", "wParam": "b", "event": "FD_READ" },
          { "hWnd": "w", "wMsg": "WM_USER+1", "wParam": "d", "event": "FD_READ" }
        ] } },
        { "do": { "recv": { "s": "b", "len": 1 } }, "expect": { "return": 1, "data": "x" } }
      ]
    }"#;
    Script::check(Source { path: "race.json".into(), text: text.to_owned() }).unwrap()
}

fn checked(script: &Script, profile: &Profile, run: &Run) -> Checked {
    check(script, profile, run, STATES_MAX).unwrap()
}

/// How much is kept is told of the races, where it matters.
#[test]
fn what_a_profile_does_it_allows() {
    let mut sizes = String::new();
    for profile in Profile::built_in() {
        let (mut sum, mut count, mut peak) = (0, 0, (0, String::new()));
        for script in scripts() {
            let run = simulate(&script, &profile);
            let Ok(checked) = check(&script, &profile, &run, STATES_MAX) else { continue };
            assert!(checked.is_allowed(), "{} on {}: {checked:?}", script.id, profile.name());
            if !script.id.starts_with("races/") {
                continue;
            }
            sum += checked.sizes.iter().sum::<usize>();
            count += checked.sizes.len();
            let most = checked.sizes.iter().copied().max().unwrap_or(0);
            if most > peak.0 {
                peak = (most, script.id.clone());
            }
        }
        let mean = sum as f64 / f64::from(u32::try_from(count).unwrap());
        let (most, at) = peak;
        writeln!(sizes, "{}: {mean:.2} in the mean, {most} at most, in {at}", profile.name())
            .unwrap();
    }
    insta::assert_snapshot!(sizes);
}

#[test]
fn every_order_of_a_race_is_allowed() {
    let script = race();
    for profile in Profile::built_in() {
        let (work, reduction) = (Work::with(1), Reduction::Off);
        let all = outcomes(
            &script,
            &profile,
            Freedom::AsWritten,
            reduction,
            Judging::Off,
            work,
            Limits::NONE,
        );
        let all = all.unwrap();
        assert!(all.list.len() >= 2, "it is a race");
        for outcome in &all.list {
            let checked = checked(&script, &profile, &outcome.run);
            assert!(checked.is_allowed(), "{checked:?}");
        }
    }
}

#[test]
fn a_message_too_many_is_refused_and_the_rest_is_checked_all_the_same() {
    let script = race();
    let profile = Profile::windows();
    let mut run = simulate(&script, &profile);
    for observation in &mut run.seen {
        match observation {
            Observation::Messages { place: Place::Step(4), messages } => {
                messages.push(messages[0].clone());
            }
            Observation::Return { place: Place::Step(5), data, .. } => *data = None,
            _ => {}
        }
    }
    let checked = checked(&script, &profile, &run);
    assert_eq!(checked.extent, Extent::Whole);
    let places: Vec<_> = checked.refusals.iter().map(|refusal| refusal.place).collect();
    assert_eq!(places, [Place::Step(4), Place::Step(5)], "{checked:?}");
    let refusal = &checked.refusals[0];
    assert!(refusal.came.matches("FD_READ").count() >= 2, "{refusal:?}");
    let clauses = refusal.allowed[0].clauses(&script, &profile, refusal);
    assert!(clauses.contains(&"AS-RD-01".to_owned()), "{clauses:?}");
}

/// A stack on which the steps were never reached shows nothing that could be wrong.
#[test]
fn a_run_that_was_not_set_up_is_refused() {
    let (script, profile) = (race(), Profile::windows());
    let ending = Ending::NotSetUp("socket failed with WSAENOBUFS".to_owned());
    let run = Run { ending, seen: Vec::new(), decided: Vec::new() };
    let checked = checked(&script, &profile, &run);
    let [refusal] = &checked.refusals[..] else { panic!("{checked:?}") };
    assert_eq!(refusal.place, Place::Setup);
    assert_eq!(refusal.came, "not set up: socket failed with WSAENOBUFS");
}

#[test]
fn a_cap_says_how_far_the_check_came() {
    let (script, profile) = (race(), Profile::windows());
    let run = simulate(&script, &profile);
    let checked = check(&script, &profile, &run, 1).unwrap();
    assert_eq!(checked.extent, Extent::Capped(Place::Step(3)));
    assert!(!checked.is_allowed());
}

#[test]
fn a_deviation_is_traced_back_to_its_knob() {
    let profile = Profile::windows();
    let knob = KnobId::ResetError;
    let zero = u8::try_from(knob.values().iter().position(|value| *value == "zero").unwrap());
    let zero = zero.unwrap();
    let mut other = profile.clone();
    let (evidence, source) = (Evidence::Inferred, "a fault".into());
    other.set(knob, Setting { value: Some(zero), evidence, source });
    let mut refused = 0;
    for script in scripts() {
        let live = simulate(&script, &other);
        let Ok(checked) = check(&script, &profile, &live, STATES_MAX) else { continue };
        if checked.is_allowed() {
            continue;
        }
        assert_eq!(
            nearest_knobs(&script, &profile, &live),
            Some(vec![(knob, zero)]),
            "{}",
            script.id
        );
        refused += 1;
    }
    assert!(refused >= 5, "{refused}");
}
