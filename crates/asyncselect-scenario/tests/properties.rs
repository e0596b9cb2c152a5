//! Random scripts on every profile: what must hold of any run.
//!
//! A failure prints the smallest script that shows it; save that as a scenario.

use std::collections::{BTreeMap, BTreeSet};

use asyncselect_abi::{Call, NetworkEvents};
use asyncselect_model::Profile;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::trace;
use asyncselect_scenario::source::Source;
use asyncselect_scenario::trace::{TraceEvent, TraceLine, TraceMessage};
use proptest::prelude::*;

/// The steps that random scripts are made of. `%` is one of the two ends.
const ALPHABET: [&str; 14] = [
    r#"{"do":{"send":{"s":"%","data":"hello"}},"expect":{"return":"any"},"settle":false}"#,
    r#"{"do":{"send":{"s":"%","data":{"fill":"x","len":40000}}},"expect":{"return":"any"}}"#,
    r#"{"do":{"recv":{"s":"%","len":3}},"expect":{"return":"any"}}"#,
    r#"{"do":{"recv":{"s":"%","len":100000}},"expect":{"return":"any"}}"#,
    r#"{"do":{"recv":{"s":"%","len":3,"flags":["MSG_PEEK"]}},"expect":{"return":"any"}}"#,
    r#"{"do":{"recv":{"s":"%","len":-1}},"expect":{"return":"any"}}"#,
    r#"{"do":{"shutdown":{"s":"%","how":"SD_SEND"}},"expect":{"return":"any"},"settle":false}"#,
    r#"{"do":{"WSAAsyncSelect":{"s":"%","hWnd":"w","wMsg":"WM_USER+1","lEvent":["FD_READ","FD_WRITE","FD_CLOSE"]}},"expect":{"return":"any"}}"#,
    r#"{"do":{"WSAAsyncSelect":{"s":"%","hWnd":"w","wMsg":"WM_USER+2","lEvent":["FD_READ"]}},"expect":{"return":"any"}}"#,
    r#"{"do":{"WSAAsyncSelect":{"s":"%","hWnd":"w","wMsg":"WM_NULL","lEvent":[]}},"expect":{"return":"any"}}"#,
    r#"{"do":{"setsockopt":{"s":"%","optval":{"SO_LINGER":{"l_onoff":1,"l_linger":0}}}},"expect":{"return":"any"}}"#,
    r#"{"do":{"closesocket":{"s":"%"}},"expect":{"return":"any"},"settle":false}"#,
    r#"{"do":{"ioctlsocket":{"s":"%","cmd":"FIONBIO","argp":0}},"expect":{"return":"any"}}"#,
    r#"{"pump":{"count":1}}"#,
];

fn text_of(letters: &[(usize, bool)]) -> String {
    let steps: Vec<String> = letters
        .iter()
        .map(|(letter, client)| ALPHABET[*letter].replace('%', if *client { "c" } else { "s" }))
        .collect();
    format!(
        r#"{{"format":1,"title":"random","clauses":["AS-EN-01"],
            "setup":{{"windows":["w"],"pairs":[["c","s"]]}},
            "steps":[{{"do":{{"ioctlsocket":{{"s":"c","cmd":"FIONBIO","argp":1}}}}}},
            {{"do":{{"ioctlsocket":{{"s":"s","cmd":"FIONBIO","argp":1}}}}}},{}]}}"#,
        steps.join(",\n")
    )
}

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
            TraceEvent::Retrieve { .. }
            | TraceEvent::Deliver { .. }
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

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        // A failure is saved as a scenario, not as a seed.
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_script_obeys_the_rules_that_hold_always(
        letters in prop::collection::vec((0..ALPHABET.len(), any::<bool>()), 1..40),
    ) {
        let text = text_of(&letters);
        let source = Source { path: "random.json".into(), text: text.clone() };
        let script = Script::check(source).map_err(|error| TestCaseError::fail(error.to_string()))?;
        for profile in Profile::built_in() {
            let (lines, ending) = trace(&script, &profile);
            let (again, same_ending) = trace(&script, &profile);
            prop_assert_eq!(&lines, &again, "two runs differ");
            prop_assert_eq!(ending, same_ending);
            // Wine posts FD_CLOSE for a reset that follows an end, and no call re-enables it.
            let second_close = profile.name() == "wine-8.0";
            let mut observed = Observed::default();
            for line in &lines {
                if let Err(broken) = observed.line(line, second_close) {
                    let name = profile.name();
                    return Err(TestCaseError::fail(format!("{broken} on {name}, in\n{text}")));
                }
            }
        }
    }
}
