//! Random scripts on every profile: what must hold of any run, and of the engines that look at it.
//!
//! The smallest script that shows a failure is left in `scenarios/regressions`, from where every
//! run of the tests takes it up again, instead of in a list of seeds.

mod random;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};

use asyncselect_abi::{Call, NetworkEvents};
use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::check::{STATES_MAX, check};
use asyncselect_scenario::corpus;
use asyncselect_scenario::explore::outcomes::{Judging, Outcome, Outcomes, outcomes};
use asyncselect_scenario::explore::runs::{Freedom, Reduction};
use asyncselect_scenario::explore::search::{Ended, Limits, Work};
use asyncselect_scenario::explore::standing::Standing;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::{simulate, trace};
use asyncselect_scenario::trace::{TraceEvent, TraceLine, TraceMessage};
use foldhash::quality::FixedState;
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use random::{ALPHABET, script_of, text_of};

/// What a trace must obey, told from the calls and returns alone.
#[derive(Default)]
struct Observed {
    /// The mask of each registered socket.
    masks: BTreeMap<String, NetworkEvents>,
    /// What was posted and not re-enabled, by socket and event.
    spent: BTreeSet<(String, String)>,
    closed: BTreeSet<String>,
    /// The call of the one thread that has not returned.
    call: Option<asyncselect_scenario::script_file::ScriptCall>,
}

impl Observed {
    fn line(&mut self, line: &TraceLine, second_close: bool) -> Result<(), String> {
        match &line.event {
            TraceEvent::Call { call, .. } => {
                self.called(call);
                self.call = Some(call.clone());
                Ok(())
            }
            TraceEvent::Post { message, .. } => self.posted(message, second_close),
            TraceEvent::Return { error, .. } => {
                self.returned(error.is_none());
                Ok(())
            }
            // Random scripts have no event objects.
            TraceEvent::Record { .. }
            | TraceEvent::Retrieve { .. }
            | TraceEvent::Deliver { .. }
            | TraceEvent::Land { .. }
            | TraceEvent::Fault { .. }
            | TraceEvent::Tick { .. } => Ok(()),
        }
    }

    /// Posts that a call causes come before its return.
    fn called(&mut self, call: &asyncselect_scenario::script_file::ScriptCall) {
        let mut rearm = |s: &String, event: &str| {
            self.spent.remove(&(s.clone(), event.to_owned()));
        };
        match call {
            Call::Recv { s, .. } => rearm(s, "FD_READ"),
            Call::Send { s, .. } => rearm(s, "FD_WRITE"),
            Call::WsaAsyncSelect { s, levent, .. } => {
                for event in ["FD_READ", "FD_WRITE", "FD_CLOSE"] {
                    rearm(s, event);
                }
                self.masks.insert(s.clone(), *levent);
            }
            _ => {}
        }
    }

    fn returned(&mut self, success: bool) {
        if let (Some(Call::CloseSocket { s }), true) = (self.call.take(), success) {
            self.closed.insert(s);
        }
    }

    fn posted(&mut self, message: &TraceMessage, second_close: bool) -> Result<(), String> {
        let TraceMessage { socket, event, .. } = message;
        let mask = self.masks.get(socket).copied().unwrap_or_default();
        let bit = event.parse().map_err(|_| format!("AS-MSG-05: {message} is not one event"))?;
        if !mask.contains(bit) {
            return Err(format!("AS-REP-01: {message} is outside {mask}"));
        }
        if self.closed.contains(socket) {
            return Err(format!("AS-CL-06: {message} after closesocket"));
        }
        let again = !self.spent.insert((socket.clone(), event.clone()));
        if again && !(second_close && event == "FD_CLOSE") {
            return Err(format!("AS-EN-01: {message} again without a re-enabling call"));
        }
        Ok(())
    }
}

/// Every run of a script obeys the rules that hold always, and is the same again.
fn obeys(script: &Script) -> Result<(), String> {
    for profile in Profile::built_in() {
        let (lines, ending) = trace(script, &profile);
        if (&lines, &ending) != (&trace(script, &profile).0, &trace(script, &profile).1) {
            return Err(format!("two runs differ on {}", profile.name()));
        }
        // Where the knob stands so, a reset that follows an end is told too.
        let on_reset = KnobId::SecondClose.value_index("on_reset");
        let second_close = profile.setting(KnobId::SecondClose).value == on_reset;
        let mut observed = Observed::default();
        for line in &lines {
            let broken = observed.line(line, second_close);
            broken.map_err(|broken| format!("{broken} on {}", profile.name()))?;
        }
    }
    Ok(())
}

/// The engines agree about a script: what is simulated is among what is explored, with reductions
/// and without, and the checker allows it.
fn engines_agree(script: &Script) -> Result<(), String> {
    for profile in Profile::built_in() {
        let of = |what: &str| format!("{what} on {}", profile.name());
        let run = simulate(script, &profile);
        let checked = check(script, &profile, &run, STATES_MAX).map_err(|_| of("no start"))?;
        if !checked.is_allowed() {
            return Err(of(&format!("{:?}: what is simulated is refused", checked.refusals)));
        }
        for freedom in [Freedom::AsWritten, Freedom::AllCalls] {
            let explore = |reduction| {
                let limits = Limits { states: 20_000, ..Limits::NONE };
                outcomes(script, &profile, freedom, reduction, Judging::On, Work::with(1), limits)
                    .map_err(|_| of("no start"))
            };
            let (on, off) = (explore(Reduction::On)?, explore(Reduction::Off)?);
            if [&on, &off].iter().any(|found| found.explored.ended != Ended::Everything) {
                continue;
            }
            let set = |found: &Outcomes<'_>| -> HashSet<_> {
                let seen = |one: &Outcome| (one.run.ending.clone(), one.run.seen.clone());
                found.list.iter().map(seen).collect()
            };
            for found in [&on, &off] {
                for (property, standing) in found.properties() {
                    if matches!(standing, Standing::Broken(_)) {
                        return Err(of(&format!("violated, {freedom:?}: {}", property.name())));
                    }
                }
            }
            let (on, off) = (set(&on), set(&off));
            if on != off {
                return Err(of(&format!("reductions change what comes, {freedom:?},")));
            }
            if !on.contains(&(run.ending.clone(), run.seen.clone())) {
                return Err(of(&format!("what is simulated is not explored, {freedom:?},")));
            }
        }
    }
    Ok(())
}

/// Tries random scripts, and leaves the smallest one that fails.
fn any_script(cases: u32, longest: usize, holds: fn(&Script) -> Result<(), String>) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let letters = prop::collection::vec((0..ALPHABET.len(), any::<bool>()), 1..longest);
    let failed = TestRunner::new(config).run(&letters, |letters| {
        let script = script_of(Path::new("random.json"), &text_of(&letters));
        holds(&script).map_err(TestCaseError::fail)
    });
    if let Err(TestError::Fail(why, letters)) = failed {
        let text = text_of(&letters);
        let hash = FixedState::with_seed(0).hash_one(&text);
        let path = regressions().join(format!("random-{hash:016x}.json"));
        std::fs::create_dir_all(regressions()).unwrap();
        std::fs::write(&path, &text).unwrap();
        panic!("{why}: {}\n{text}", path.display());
    }
    failed.unwrap();
}

fn regressions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/regressions")
}

#[test]
fn any_script_obeys_the_rules_that_hold_always() {
    any_script(400, 40, obeys);
}

#[test]
fn the_engines_agree_about_any_script() {
    any_script(200, 9, engines_agree);
}

#[test]
fn what_failed_once_does_not_fail_again() {
    let Ok(files) = corpus::find(&[regressions()]) else { return };
    for file in files {
        let script = Script::read(&file).unwrap();
        obeys(&script).and_then(|()| engines_agree(&script)).unwrap();
    }
}
