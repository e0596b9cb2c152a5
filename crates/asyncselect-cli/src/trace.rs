//! `asyncselect trace`.

use std::path::Path;

use asyncselect_abi::Family;
use asyncselect_scenario::profile_file;
use asyncselect_scenario::runner::Ending;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate;
use asyncselect_scenario::trace::{Detail, to_text};

use crate::outcome::{Exit, Output, place_text};
use crate::{Format, Mode};

pub(crate) fn trace(
    path: &Path,
    profile: &str,
    family: Family,
    mode: Mode,
    format: Format,
) -> Output {
    let (profile, mut script) = match (profile_file::load(profile), Script::read(path)) {
        (Ok(profile), Ok(script)) => (profile, script),
        (Err(error), _) | (_, Err(error)) => return Output::bad_source(&error),
    };
    if mode == Mode::Event {
        let Some(twin) = script.twin.take() else {
            let what = format!("{}: the file does not opt into event mode", path.display());
            return Output::error(what, Exit::BadScript);
        };
        script = *twin;
    }
    let script = script.on(family);
    let (lines, ending) = simulate::trace(&script, &profile);
    let (errors, exit) = match ending {
        Ending::Completed => (String::new(), Exit::Conforms),
        Ending::Blocked(place) => {
            let place = place_text(&script, place);
            (format!("{place}: the call waits, and the step does not `begin`\n"), Exit::Findings)
        }
        Ending::Failed(place, error) => {
            (format!("{}: {error}\n", place_text(&script, place)), Exit::NotModelled)
        }
        Ending::NotSetUp(what) => (format!("precondition not met: {what}\n"), Exit::Findings),
        Ending::NotRunnable(need) => (format!("needs {}\n", need.as_str()), Exit::Unavailable),
    };
    let text = match format {
        Format::Text => {
            let family = match family {
                Family::Ipv4 => String::new(),
                Family::Ipv6 => format!(", {family}"),
            };
            let head = format!("{} on {}{family}\n", script.title, profile.name());
            head + &to_text(&lines, Detail::Everything)
        }
        Format::Json => lines
            .iter()
            .map(|line| serde_json::to_string(line).expect("a trace is plain data") + "\n")
            .collect(),
    };
    Output { text, errors, exit }
}
