//! What was seen of an untrusted stack, as `diff` and `check` look at it.

use asyncselect_scenario::check::check;
use asyncselect_scenario::diff::{compare, text_of};
use asyncselect_scenario::judge::{Agreement, judge};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::{Run, simulate};

use crate::scripts::PROFILES;
use crate::shown;

/// So many states are kept that explain what was seen.
const STATES_MAX: usize = 64;

/// Judges a run; of some, as the lot says, asks also which profile allows it. What is said of it
/// can be printed.
pub(crate) fn judged(script: &Script, run: &Run, lot: usize) {
    shown::ending(&run.ending);
    for observation in &run.seen {
        shown::printable(&text_of(script, observation), "");
    }
    match judge(script, &run.ending, &run.seen, |_, _| false).agreement {
        Agreement::Agrees => {}
        Agreement::Disagrees(findings) => {
            for finding in findings {
                shown::printable(&finding.expected, "");
                shown::printable(&finding.found, "");
            }
        }
        Agreement::NotModelled(what)
        | Agreement::NotRunnable(what)
        | Agreement::NotSetUp(what)
        | Agreement::StackFailed(what) => shown::printable(&what, ""),
    }
    if !lot.is_multiple_of(4) {
        return;
    }
    let profile = &PROFILES[lot / 4 % PROFILES.len()];
    drop(compare(script, &simulate(script, profile), run));
    if let Ok(checked) = check(script, profile, run, STATES_MAX) {
        drop(checked.taken());
        for refusal in &checked.refusals {
            shown::printable(&refusal.came, "");
            if let Some(nearest) = refusal.allowed.first() {
                shown::printable(&nearest.text, "");
                drop(nearest.clauses(script, profile, refusal));
            }
        }
    }
}
