//! Recordings, as `check` reads them.

use asyncselect_abi::bundle::Ending as Ended;
use asyncselect_scenario::recording::Recording;
use asyncselect_scenario::simulate::run_on;

use crate::scripts::SCRIPTS;
use crate::shown;
use crate::stack;

/// So many scenarios of a recording are looked at.
const SCENARIOS_MAX: usize = 4;

/// A recording: it is read, and what it shows of scenarios that we know is judged and checked.
pub fn recording(data: &[u8]) {
    let source = match shown::read(data) {
        Ok(source) => source,
        Err(error) => return shown::diagnostic(&error, ""),
    };
    let recording = match Recording::check(&source) {
        Ok(recording) => recording,
        Err(error) => return shown::diagnostic(&error, &source.text),
    };
    shown::printable(&recording.stack, "");
    for recorded in recording.scenarios.iter().take(SCENARIOS_MAX) {
        shown::printable(&recorded.id, "");
        match &recorded.ended {
            Some(
                Ended::NotSetUp { why } | Ended::NotRunnable { why } | Ended::Failed { why, .. },
            ) => shown::printable(why, ""),
            Some(Ended::Completed {} | Ended::Waiting { .. }) | None => {}
        }
        let Some(script) = SCRIPTS.iter().find(|script| script.id == recorded.id) else {
            continue;
        };
        let script = script.clone().on(recorded.family);
        let run = run_on(&script, &mut recorded.stack());
        assert_eq!(run, run_on(&script, &mut recorded.stack()), "a second run shows another");
        stack::judged(&script, &run, shown::lot(data));
    }
}
