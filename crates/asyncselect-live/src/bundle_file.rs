//! Reads a bundle and checks it: what is wrong with it is said with line and column before anything
//! is run.

use std::collections::{BTreeMap, BTreeSet};

use asyncselect_abi::bundle::{
    Bundle, FORMAT, INVALID_HANDLE, INVALID_SOCKET, NULL_HANDLE, NamedAddress, NamedCall, Plan,
    PlannedCall, PlannedStep,
};
use asyncselect_abi::call::{Rename, WPARAM};
use asyncselect_abi::{Call, Data, ThreadId};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What is wrong, and where: line and column counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {what}")]
pub(crate) struct BundleError {
    line: usize,
    column: usize,
    what: String,
}

/// Reads and checks a bundle.
pub(crate) fn parse(text: &str) -> Result<Bundle, BundleError> {
    let bundle: Bundle = serde_json::from_str(text).map_err(|error| BundleError {
        line: error.line(),
        column: error.column(),
        what: without_position(&error),
    })?;
    check(&bundle).map_err(|(place, what)| {
        let (line, column) = position(text, place);
        BundleError { line, column, what }
    })?;
    Ok(bundle)
}

/// `serde_json` appends the position to its message.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}

/// What an error is about: the whole, a scenario, an entry of its setup, one of its steps; all
/// counted from 0.
#[derive(Clone, Copy)]
enum Part {
    Whole,
    Scenario(usize),
    Setup(usize, usize),
    Step(usize, usize),
}

type Wrong = (Part, String);

fn check(bundle: &Bundle) -> Result<(), Wrong> {
    if bundle.format != FORMAT {
        let what = format!("format {}; this program runs format {FORMAT}", bundle.format);
        return Err((Part::Whole, what));
    }
    let mut ids = BTreeSet::new();
    for (index, plan) in bundle.scenarios.iter().enumerate() {
        if !ids.insert((&plan.id, plan.family)) {
            let what = format!("a second scenario `{}` on {}", plan.id, plan.family);
            return Err((Part::Scenario(index), what));
        }
        check_plan(index, plan)?;
    }
    Ok(())
}

fn check_plan(index: usize, plan: &Plan) -> Result<(), Wrong> {
    let mut checker = Checker { threads: plan.threads, ..Checker::default() };
    for (entry, planned) in plan.setup.iter().enumerate() {
        let here = |what| (Part::Setup(index, entry), what);
        if planned.begins {
            return Err(here("a call of `setup` does not wait".to_owned()));
        }
        checker.call(planned).map_err(here)?;
    }
    for (number, step) in plan.steps.iter().enumerate() {
        checker.step(step).map_err(|what| (Part::Step(index, number), what))?;
    }
    Ok(())
}

/// The names of one scenario.
#[derive(Default)]
struct Checker {
    threads: u8,
    sockets: BTreeSet<String>,
    windows: BTreeSet<String>,
    events: BTreeSet<String>,
    /// The calls that began, by thread, with the names they will give.
    begun: BTreeMap<ThreadId, Option<String>>,
}

impl Checker {
    fn step(&mut self, step: &PlannedStep) -> Result<(), String> {
        match step {
            PlannedStep::Call(planned) => self.call(planned),
            PlannedStep::End { thread, binds } => match self.begun.remove(thread) {
                Some(begun) if begun == *binds => Ok(()),
                Some(_) => Err("`as` of a call's begin and end differ".to_owned()),
                None => Err(format!("no call began on thread {}", thread.0)),
            },
            PlannedStep::Blocked { thread } => match self.begun.contains_key(thread) {
                true => Ok(()),
                false => Err(format!("no call began on thread {}", thread.0)),
            },
            PlannedStep::Pump { thread, hwnd, .. } => {
                self.thread(*thread)?;
                match hwnd {
                    Some(name) => Rename::window(self, "hWnd", name),
                    None => Ok(()),
                }
            }
            PlannedStep::Messages {} | PlannedStep::Settle {} => Ok(()),
        }
    }

    fn call(&mut self, planned: &PlannedCall) -> Result<(), String> {
        self.thread(planned.thread)?;
        if planned.begins && self.begun.contains_key(&planned.thread) {
            return Err(format!("a call began on thread {} and has no end", planned.thread.0));
        }
        planned.call.try_map(self)?;
        if let Some(name) = &planned.binds {
            self.give(&planned.call, name)?;
        }
        if planned.begins {
            self.begun.insert(planned.thread, planned.binds.clone());
        }
        Ok(())
    }

    fn thread(&self, thread: ThreadId) -> Result<(), String> {
        match thread.0 < self.threads {
            true => Ok(()),
            false => Err(format!("thread {}; the scenario has {}", thread.0, self.threads)),
        }
    }

    fn give(&mut self, call: &NamedCall, name: &str) -> Result<(), String> {
        let names = match call {
            Call::CreateWindow {} => &mut self.windows,
            Call::WsaCreateEvent {} => &mut self.events,
            Call::Socket { .. }
            | Call::Accept { .. }
            | Call::WsaAccept { .. }
            | Call::WsaJoinLeaf { .. }
            | Call::WsaDuplicateSocket { .. } => &mut self.sockets,
            other => return Err(format!("{} makes nothing that `as` could name", other.name())),
        };
        if [INVALID_SOCKET, NULL_HANDLE, INVALID_HANDLE].contains(&name) {
            return Err(format!("`{name}` is no name to give"));
        }
        match names.insert(name.to_owned()) {
            true => Ok(()),
            false => Err(format!("a second `{name}`")),
        }
    }
}

/// Looks whether names are known, and translates nothing.
impl Rename<String, String, String, NamedAddress, Data> for Checker {
    type Socket = ();
    type Window = ();
    type Event = ();
    type Address = ();
    type Data = ();
    type Error = String;

    fn socket(&mut self, field: &'static str, name: &String) -> Result<(), String> {
        let is_null = name == NULL_HANDLE && field == WPARAM;
        match is_null || name == INVALID_SOCKET || self.sockets.contains(name) {
            true => Ok(()),
            false => Err(format!("unknown socket `{name}` in `{field}`")),
        }
    }

    fn window(&mut self, field: &'static str, name: &String) -> Result<(), String> {
        let known = name == NULL_HANDLE || name == INVALID_HANDLE || self.windows.contains(name);
        match known {
            true => Ok(()),
            false => Err(format!("unknown window `{name}` in `{field}`")),
        }
    }

    fn event(&mut self, field: &'static str, name: &String) -> Result<(), String> {
        let known = name == NULL_HANDLE || name == INVALID_HANDLE || self.events.contains(name);
        match known {
            true => Ok(()),
            false => Err(format!("unknown event object `{name}` in `{field}`")),
        }
    }

    fn address(&mut self, field: &'static str, address: &NamedAddress) -> Result<(), String> {
        match address {
            NamedAddress::Of(name) => self.socket(field, name),
            NamedAddress::Any
            | NamedAddress::Unreachable
            | NamedAddress::Zero
            | NamedAddress::Null => Ok(()),
        }
    }

    fn data(&mut self, _: &'static str, _: &Data) -> Result<(), String> {
        Ok(())
    }
}

/// Where a part begins: line and column, from 1.
fn position(text: &str, part: Part) -> (usize, usize) {
    #[derive(Deserialize)]
    struct Outline<'t> {
        #[serde(borrow)]
        scenarios: Vec<&'t RawValue>,
    }
    #[derive(Deserialize)]
    struct PlanOutline<'t> {
        #[serde(borrow)]
        setup: Vec<&'t RawValue>,
        #[serde(borrow)]
        steps: Vec<&'t RawValue>,
    }

    let scenario = |index: usize| {
        let outline: Outline<'_> = serde_json::from_str(text).ok()?;
        outline.scenarios.get(index).map(|raw| raw.get())
    };
    let inside = |index: usize| scenario(index).and_then(|raw| serde_json::from_str(raw).ok());
    let found = match part {
        Part::Whole => None,
        Part::Scenario(index) => scenario(index),
        Part::Setup(index, entry) => inside(index)
            .and_then(|plan: PlanOutline<'_>| plan.setup.get(entry).map(|raw| raw.get())),
        Part::Step(index, step) => inside(index)
            .and_then(|plan: PlanOutline<'_>| plan.steps.get(step).map(|raw| raw.get())),
    };
    // The outlines borrow from the text, so the distance is the offset.
    let offset = found.map_or(0, |found| found.as_ptr().addr() - text.as_ptr().addr());
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(setup: &str, steps: &str) -> String {
        format!(
            "{{\"format\":1,\"asyncselect\":\"0\",\"scenarios\":[\n  {{\"id\":\"a/b\",\"needs\":[],\
             \"threads\":2,\n   \"setup\":[{setup}],\n   \"steps\":[{steps}]}}]}}"
        )
    }

    fn wrong(setup: &str, steps: &str) -> String {
        parse(&bundle(setup, steps)).unwrap_err().to_string()
    }

    const SOCKET: &str = r#"{"call":{"socket":{"type":"SOCK_STREAM"}},"as":"s"}"#;

    #[test]
    fn errors_name_line_and_column() {
        assert_eq!(
            wrong("", r#"{"settle":{}},{"call":{"call":{"accept":{"s":"l"}}}}"#),
            "4:27: unknown socket `l` in `s`"
        );
        assert_eq!(
            wrong(r#"{"call":{"listen":{"s":"l","backlog":1}}}"#, ""),
            "3:13: unknown socket `l` in `s`"
        );
        assert_eq!(wrong("", r#"{"blocked":{"thread":1}}"#), "4:13: no call began on thread 1");
        assert_eq!(wrong(&[SOCKET, SOCKET].join(","), ""), "3:65: a second `s`");
        assert_eq!(
            wrong("", r#"{"call":{"call":{"WSACleanup":{}},"thread":2}}"#),
            "4:13: thread 2; the scenario has 2"
        );
        assert_eq!(
            wrong("", r#"{"call":{"call":{"WSACleanup":{}},"as":"x"}}"#),
            "4:13: WSACleanup makes nothing that `as` could name"
        );
        let error = wrong("", r#"{"sleep":{}}"#);
        assert!(error.starts_with("4:20: unknown variant `sleep`"), "{error}");
        let other = bundle("", "").replace("\"format\":1", "\"format\":2");
        let error = parse(&other).unwrap_err().to_string();
        assert_eq!(error, "1:1: format 2; this program runs format 1");
    }

    #[test]
    fn names_that_are_given_may_be_used() {
        let steps = [
            r#"{"call":{"call":{"accept":{"s":"s"}},"as":"t","begins":true,"thread":1}}"#,
            r#"{"blocked":{"thread":1}}"#,
            r#"{"call":{"call":{"bind":{"s":"s","name":{"of":"s"}}}}}"#,
            r#"{"end":{"thread":1,"as":"t"}}"#,
            r#"{"call":{"call":{"closesocket":{"s":"t"}}}}"#,
        ];
        parse(&bundle(SOCKET, &steps.join(","))).unwrap();
    }
}
