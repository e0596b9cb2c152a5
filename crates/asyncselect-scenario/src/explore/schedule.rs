//! An order of things as a scenario file: whoever has the file sees the same again.

use std::borrow::Cow;
use std::collections::BTreeMap;

use asyncselect_abi::call::Repeat;
use asyncselect_abi::{Data, Fault, ThreadId, Value, WsaError};
use asyncselect_model::stream::Side;
use asyncselect_model::{KnobId, Profile};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::outcomes::Outcome;
use super::replay::{Traveller, replay};
use super::runs::Freedom;
use crate::runner::{Handle, Observation, Observer, Place, Retrieved};
use crate::script::{CallOp, Op, Script, SocketRef};
use crate::script_file::{EventSpec, Happen, Toward};
use crate::simulate::simulator_choosing;
use crate::stack::Happening;
use crate::trace::nameless;

/// The steps of a file as they are written.
#[derive(Deserialize)]
struct Written<'f> {
    #[serde(borrow)]
    clauses: &'f RawValue,
    #[serde(borrow)]
    setup: Option<&'f RawValue>,
    #[serde(borrow)]
    steps: Vec<BTreeMap<Cow<'f, str>, &'f RawValue>>,
}

/// A scenario in which things happen as in an outcome, and which expects what was seen there.
#[must_use]
pub fn scenario(
    script: &Script,
    profile: &Profile,
    freedom: Freedom,
    outcome: &Outcome,
    title: &str,
) -> String {
    let written: Written<'_> =
        serde_json::from_str(script.text()).expect("the script was read from it");
    let open = |knob: &&KnobId| profile.setting(**knob).value.is_none();
    let choices: Vec<(KnobId, u8)> = KnobId::ALL
        .iter()
        .filter(open)
        .filter_map(|knob| Some((*knob, outcome.run.decided(*knob)?)))
        .collect();
    let mut log = Log::default();
    let mut sim = simulator_choosing::<false>(profile, choices.clone());
    replay(script, freedom, &mut sim, &outcome.schedule, &mut log);
    let mut text = String::from("{\n  \"format\": 1,\n");
    let mut field = |key: &str, value: &str| {
        text.push_str(&format!("  {}: {value},\n", json!(key)));
    };
    field("title", &json!(title).to_string());
    field("clauses", written.clauses.get());
    if !choices.is_empty() {
        let choice = |(knob, value): &(KnobId, u8)| json!({ "knob": knob.to_string(), "is": knob.values()[usize::from(*value)] });
        let choices: Vec<_> = choices.iter().map(choice).collect();
        field("choose", &json!(choices).to_string());
    }
    if let Some(setup) = written.setup {
        field("setup", setup.get());
    }
    let mut writer = Writer {
        script,
        written: &written,
        lines: Vec::new(),
        made: None,
        waiting: BTreeMap::new(),
    };
    log.0.iter().for_each(|entry| writer.entry(entry));
    let steps = writer.finish();
    text.push_str("  \"steps\": [\n    ");
    text.push_str(&steps.join(",\n    "));
    text.push_str("\n  ]\n}\n");
    text
}

/// Something that stands in the file, or in an expectation of it.
enum Entry {
    /// A step was taken up that acts when it is taken up.
    Taken(usize),
    /// A step made its call.
    Called(usize),
    /// Time passed, in milliseconds.
    Passed(u32),
    /// Something happened by itself.
    Happened(Happening),
    /// The program saw something.
    Observed(Observation),
    /// The call that was made last never returns.
    Blocked,
}

#[derive(Default)]
struct Log(Vec<Entry>);

impl Traveller for Log {
    fn first(&mut self, happening: Happening) {
        self.0.push(Entry::Happened(happening));
    }

    fn took_up(&mut self, index: usize, op: &Op) {
        if let Op::Pump { .. } | Op::Happen(_) = op {
            self.0.push(Entry::Taken(index));
        }
    }

    fn blocked(&mut self) {
        self.0.push(Entry::Blocked);
    }
}

impl Observer for Log {
    fn called(&mut self, place: Place, _: ThreadId, _: &CallOp) {
        if let Place::Step(index) = place {
            self.0.push(Entry::Called(index));
        }
    }

    fn observed(&mut self, observation: Observation) {
        self.0.push(Entry::Observed(observation));
    }

    fn passed(&mut self, ms: u32) {
        self.0.push(Entry::Passed(ms));
    }

    fn disturbed(&mut self, place: Place, _: &Fault<SocketRef>) {
        if let Place::Step(index) = place {
            self.0.push(Entry::Taken(index));
        }
    }
}

/// A step of the new file.
enum Line {
    /// A call of the script.
    Call { index: usize, times: u32, begin: Option<String>, expect: Option<serde_json::Value> },
    /// Anything else.
    Other(String),
}

struct Writer<'w> {
    script: &'w Script,
    written: &'w Written<'w>,
    lines: Vec<Line>,
    /// The step whose call was made and has not returned.
    made: Option<usize>,
    /// Calls that had to wait, by step.
    waiting: BTreeMap<usize, String>,
}

impl Writer<'_> {
    fn entry(&mut self, entry: &Entry) {
        match entry {
            Entry::Called(index) => {
                self.returned_anything();
                match &self.script.steps[*index] {
                    Op::Call(op) if op.begins => self.call(*index, None, None),
                    _ => self.made = Some(*index),
                }
            }
            Entry::Taken(index) => {
                self.returned_anything();
                self.copy(*index, None);
            }
            Entry::Passed(ms) => {
                self.returned_anything();
                self.other(&json!({ "advance_ms": ms }));
            }
            Entry::Blocked => {
                if let Some(name) = self.begun() {
                    self.other(&json!({ "blocked": name }));
                }
            }
            Entry::Happened(happening) => {
                self.begun();
                self.returned_anything();
                let happen = self.happen(*happening);
                self.other(&json!({ "happen": happen }));
            }
            Entry::Observed(observation) => self.observed(observation),
        }
    }

    /// The call that was made waits: in the file it is one that began. Its name, if it is one.
    fn begun(&mut self) -> Option<String> {
        let index = self.made?;
        let Op::Call(CallOp { repeat: Repeat::Times(_), .. }) = &self.script.steps[index] else {
            return None;
        };
        self.made = None;
        let name = format!("call of step {}", index + 1);
        self.waiting.insert(index, name.clone());
        self.call(index, Some(name.clone()), None);
        Some(name)
    }

    fn observed(&mut self, observation: &Observation) {
        match observation {
            Observation::Return { place: Place::Step(index), result, lp_errno, data, .. } => {
                let expect = expected(*result, *lp_errno, data.as_ref());
                if self.made == Some(*index) {
                    self.made = None;
                    self.call(*index, None, expect);
                } else if let Some(name) = self.waiting.remove(index) {
                    let mut step = serde_json::Map::new();
                    step.insert("end".to_owned(), json!(name));
                    step.extend(expect.map(|expect| ("expect".to_owned(), expect)));
                    self.other(&step.into());
                } else {
                    self.copy(*index, expect);
                }
            }
            Observation::Waiting { place: Place::Step(index), waits: true } => {
                match (&self.script.steps[*index], self.written.steps[*index].get("end")) {
                    (Op::End { .. }, Some(name)) => {
                        self.lines.push(Line::Other(format!("{{ \"blocked\": {name} }}")));
                    }
                    _ => self.copy(*index, None),
                }
            }
            Observation::Waiting { place: Place::Step(index), waits: false } => {
                self.returned_anything();
                // It was to wait, and has returned: unless its end is still to come, this is it.
                let name_in = |index: usize, key| self.written.steps[index].get(key);
                let Some(name) = name_in(*index, "blocked") else { return };
                let is_end =
                    |index: usize| name_in(index, "end").is_some_and(|end| end.get() == name.get());
                if !(*index..self.written.steps.len()).any(is_end) {
                    let expect = json!({ "return": "any" });
                    self.lines
                        .push(Line::Other(format!("{{ \"end\": {name}, \"expect\": {expect} }}")));
                }
            }
            Observation::Messages { place, messages } => {
                self.returned_anything();
                if *place != Place::End || !messages.is_empty() {
                    self.messages(messages);
                }
            }
            Observation::NeverFailed { .. }
            | Observation::Return { .. }
            | Observation::Waiting { .. } => self.returned_anything(),
        }
    }

    /// The call that was made has returned, and nobody looked at what.
    fn returned_anything(&mut self) {
        if let Some(index) = self.made.take() {
            self.call(index, None, Some(json!({ "return": "any" })));
        }
    }

    fn call(&mut self, index: usize, begin: Option<String>, expect: Option<serde_json::Value>) {
        match self.lines.last_mut() {
            Some(Line::Call { index: last, times, begin: None, expect: other })
                if *last == index && *other == expect =>
            {
                *times += 1;
            }
            _ => self.lines.push(Line::Call { index, times: 1, begin, expect }),
        }
    }

    fn other(&mut self, step: &serde_json::Value) {
        self.lines.push(Line::Other(step.to_string()));
    }

    /// The step as it is written, with another expectation.
    fn copy(&mut self, index: usize, expect: Option<serde_json::Value>) {
        let kept = ["end", "blocked", "pump", "fault", "happen", "thread"];
        self.lines.push(Line::Other(self.step(index, &kept, &[("expect", expect)])));
    }

    fn step(
        &self,
        index: usize,
        kept: &[&str],
        added: &[(&str, Option<serde_json::Value>)],
    ) -> String {
        let written = &self.written.steps[index];
        let kept = kept.iter().filter_map(|key| Some((*key, written.get(*key)?.get().to_owned())));
        let added =
            added.iter().filter_map(|(key, value)| Some((*key, value.as_ref()?.to_string())));
        let fields: Vec<String> =
            kept.chain(added).map(|(key, value)| format!("\"{key}\": {value}")).collect();
        format!("{{ {} }}", fields.join(", "))
    }

    fn messages(&mut self, messages: &[Retrieved]) {
        let name = |names: &[String], handle: Handle| match handle {
            Handle::Named(name) => names[usize::from(name.0)].clone(),
            Handle::Stranger(value) => nameless(value),
        };
        let one = |message: &Retrieved| {
            let event = message
                .event()
                .map_or_else(|| format!("{:#x}", message.reply.event), |event| event.to_string());
            let mut one = serde_json::Map::new();
            one.insert("hWnd".to_owned(), json!(name(&self.script.windows, message.hwnd)));
            one.insert("wMsg".to_owned(), json!(message.message));
            one.insert("wParam".to_owned(), json!(name(&self.script.sockets, message.socket)));
            one.insert("event".to_owned(), json!(event));
            if message.reply.error != WsaError(0) {
                one.insert("error".to_owned(), json!(message.reply.error));
            }
            one
        };
        let groups = messages.chunk_by(|one, next| one == next).map(|group| {
            let mut message = one(&group[0]);
            if group.len() > 1 {
                message.insert("times".to_owned(), json!(group.len()));
            }
            message
        });
        let groups: Vec<_> = groups.collect();
        self.other(&json!({ "messages": groups }));
    }

    fn happen(&self, happening: Happening) -> Happen {
        match happening {
            Happening::Deliver { connection, toward } => {
                let toward = match toward {
                    Side::Connector => Toward::Connector,
                    Side::Acceptor => Toward::Acceptor,
                };
                Happen::Deliver { connection, toward }
            }
            Happening::Land { number } => Happen::Land { number },
            Happening::Return { thread } => {
                Happen::Return { thread: self.script.threads[usize::from(thread.0)].clone() }
            }
            Happening::Upcall => Happen::Upcall {},
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.returned_anything();
        let text = |line: &Line| match line {
            Line::Other(text) => text.clone(),
            Line::Call { index, times, begin, expect } => {
                let begin = begin.as_ref().map(|name| json!(name));
                let times = (*times > 1).then(|| json!(times));
                let added = [
                    ("begin", begin),
                    ("times", times),
                    ("settle", Some(json!(false))),
                    ("expect", expect.clone()),
                ];
                self.step(*index, &["do", "as", "thread", "begin"], &added)
            }
        };
        let steps: Vec<String> = self.lines.iter().map(text).collect();
        // A run that ends before it does anything is one of a scenario, which has a step.
        if steps.is_empty() { vec![json!({ "settle": true }).to_string()] } else { steps }
    }
}

/// What must be expected of a call to see this; `None` for plain success.
fn expected(
    result: Result<Value, WsaError>,
    lp_errno: Option<WsaError>,
    data: Option<&Data>,
) -> Option<serde_json::Value> {
    let mut expect = serde_json::Map::new();
    match result {
        Ok(Value::Int(number)) => {
            expect.insert("return".to_owned(), json!(number));
        }
        Ok(Value::NetworkEvents(record)) => {
            let spec = |(event, error)| {
                let error = (error != WsaError(0)).then_some(error);
                EventSpec { event, error }
            };
            let events: Vec<EventSpec> = record.iter().map(spec).collect();
            expect.insert("events".to_owned(), json!(events));
        }
        Ok(
            Value::Socket(_)
            | Value::Window(_)
            | Value::Event(_)
            | Value::Address(_)
            | Value::Message(_),
        ) => {}
        Err(error) => {
            expect.insert("error".to_owned(), json!(error));
        }
    }
    expect.extend(data.map(|data| ("data".to_owned(), json!(data))));
    expect.extend(lp_errno.map(|error| match error {
        WsaError(0) => ("lpErrno".to_owned(), json!("zero")),
        error => ("lpErrno".to_owned(), json!(error)),
    }));
    (!expect.is_empty()).then(|| expect.into())
}
