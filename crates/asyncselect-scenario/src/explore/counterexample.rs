//! A way through a suite as an ordinary scenario: whoever has the file sees the same again.
//!
//! First the way is written down as a script that claims nothing; then that is run, and written
//! anew with what was seen, as every explored order is.

use asyncselect_abi::ThreadId;
use asyncselect_model::stream::Side;
use asyncselect_model::{KnobId, Profile};
use serde_json::{Map, Value, json};

use super::bounded::{Bounded, Happening, State};
use super::outcomes::Outcome;
use super::runs::{First, Freedom, happening};
use super::schedule;
use super::search::{Label, Space};
use crate::program::{Pause, Program};
use crate::runner::{Deaf, Ending};
use crate::script::Script;
use crate::script::suite::Act;
use crate::simulate::{simulate, simulator};
use crate::source::Source;
use crate::stack::Stack;

impl Bounded<'_> {
    /// The scenario that goes this way through the suite, and expects what is seen on it.
    #[must_use]
    pub fn scenario(&self, title: &str, clauses: &[&str], path: &[Label]) -> String {
        let text = self.way(title, clauses, path).to_string();
        let source = Source { path: self.suite.start.path().to_owned(), text };
        let script = Script::check(source).expect("a way through a suite is a script");
        let schedule = schedule_of(&script, &self.profile);
        let outcome = Outcome { run: simulate(&script, &self.profile), schedule };
        schedule::scenario(&script, &self.profile, Freedom::AsWritten, &outcome, title)
    }

    /// The way as a script that claims nothing.
    fn way(&self, title: &str, clauses: &[&str], path: &[Label]) -> Value {
        let parse = |text: &String| -> Value { serde_json::from_str(text).expect("it was read") };
        let mut steps: Vec<Value> = self.suite.before_texts.iter().map(parse).collect();
        let mut writer =
            Writer { names: Map::new(), made: 0, begun: 0, waiting: Default::default() };
        let mut state = self.start();
        for label in path {
            let happening = Happening::of(*label);
            self.follow(&mut state, *label);
            steps.extend(writer.steps(self, happening, &state));
        }
        steps.extend(writer.ends());
        let mut file = json!({
            "format": 1,
            "title": title,
            "clauses": clauses,
            "setup": parse(&self.suite.setup_text),
            "steps": steps,
        });
        let choices = self.choices(&state);
        if !choices.is_empty() {
            file["choose"] = Value::Array(choices);
        }
        file
    }

    /// What the path decided otherwise than a run on the profile would.
    fn choices(&self, state: &State) -> Vec<Value> {
        let chosen = |knob: &KnobId| {
            let value = state.world.decided(*knob).filter(|value| *value != 0)?;
            let open = self.profile.setting(*knob).value.is_none();
            let is = knob.values()[usize::from(value)];
            open.then(|| json!({ "knob": knob.to_string(), "is": is }))
        };
        KnobId::ALL.iter().filter_map(chosen).collect()
    }

    fn thread_name(&self, thread: ThreadId) -> &str {
        &self.suite.start.threads[usize::from(thread.0)]
    }
}

/// Writes steps. A name that is bound again is a new name in a scenario.
struct Writer {
    /// What a socket of the suite is called by now.
    names: Map<String, Value>,
    /// How many sockets and windows got a name so far.
    made: usize,
    /// How many calls had to wait so far.
    begun: usize,
    /// The call that each thread waits for, as the scenario calls it.
    waiting: [Option<String>; asyncselect_model::world::THREADS_MAX],
}

impl Writer {
    /// The steps for something that has led to a state.
    fn steps(&mut self, space: &Bounded<'_>, happening: Happening, state: &State) -> Vec<Value> {
        let mut steps = vec![self.step(space, happening, state)];
        if steps[0].get("pump").is_some() {
            // What comes later is claimed later. Which message it is, the run will tell.
            steps.push(json!({ "messages": [] }));
        }
        let waiting = self.waiting.iter_mut().zip(&state.waiting);
        let returned = waiting.filter(|(_, letter)| **letter == 0);
        steps.extend(returned.filter_map(|(call, _)| call.take()).map(|call| end(&call)));
        steps
    }

    fn step(&mut self, space: &Bounded<'_>, happening: Happening, state: &State) -> Value {
        match happening {
            Happening::Letter(letter) => {
                let letter = &space.suite.alphabet[letter];
                let step = serde_json::from_str(&letter.text).expect("it was read");
                self.letter(step, &letter.act, state)
            }
            Happening::Deliver(connection, side) => {
                let toward = match side {
                    Side::Connector => "connector",
                    Side::Acceptor => "acceptor",
                };
                let deliver = json!({ "connection": connection, "toward": toward });
                json!({ "happen": { "deliver": deliver } })
            }
            Happening::Upcall => json!({ "happen": { "upcall": {} } }),
            Happening::Land(number) => json!({ "happen": { "land": { "number": number } } }),
            Happening::Return(thread) => {
                json!({ "happen": { "return": { "thread": space.thread_name(thread) } } })
            }
        }
    }

    fn letter(&mut self, mut step: Value, act: &Act, state: &State) -> Value {
        let Act::Call(op) = act else { return step };
        self.rename(&mut step["do"]);
        if let Some(name) = step.get("as").and_then(Value::as_str).map(str::to_owned) {
            self.made += 1;
            self.names.insert(name.clone(), json!(format!("{name}-{}", self.made)));
            step["as"] = self.names[&name].clone();
        }
        step["settle"] = json!(false);
        let thread = usize::from(op.thread.0);
        if state.waiting[thread] == 0 {
            step["expect"] = json!({ "return": "any" });
        } else {
            self.begun += 1;
            let call = format!("call-{}", self.begun);
            step["begin"] = json!(call);
            self.waiting[thread] = Some(call);
        }
        step
    }

    /// Puts the present names of sockets into the parameters of a call.
    fn rename(&self, call: &mut Value) {
        match call {
            Value::Object(fields) => {
                // Windows keep their names, and so does data.
                let named = fields.iter_mut().filter(|(key, _)| key != &"hWnd" && key != &"data");
                named.for_each(|(_, value)| self.rename(value));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.rename(item)),
            Value::String(name) => {
                if let Some(Value::String(now)) = self.names.get(name.as_str()) {
                    name.clone_from(now);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// What is left to be said of calls that wait for ever.
    fn ends(&mut self) -> Vec<Value> {
        let waiting = self.waiting.iter_mut().filter_map(Option::take);
        waiting.map(|call| json!({ "blocked": call })).collect()
    }
}

fn end(call: &str) -> Value {
    json!({ "end": call, "expect": { "return": "any" } })
}

/// What came first wherever something else might have, in the run of a script: the program where it
/// may go on, and what happens by itself where it may not.
fn schedule_of(script: &Script, profile: &Profile) -> Vec<First> {
    let mut schedule = Vec::new();
    // However it ends: so does what is written.
    drop(follow(script, profile, &mut schedule));
    schedule
}

fn follow(script: &Script, profile: &Profile, schedule: &mut Vec<First>) -> Result<(), Ending> {
    let mut sim = simulator::<false>(script, profile);
    let mut program = Program::begin(script, &mut sim)?;
    program.set_up(&mut sim, &mut Deaf)?;
    let mut pause = Pause::Open;
    while pause != Pause::Over {
        let next = sim.now_mut().world().moves().next().filter(|_| !program.insists());
        match next {
            Some(next) if pause == Pause::Rest => {
                let next = happening(&next);
                let failed = |error| Ending::Failed(program.place(), error);
                sim.happen(next).map_err(failed)?;
                schedule.push(First::Happening(next));
            }
            Some(_) => {
                schedule.push(First::Program);
                pause = program.proceed(&mut sim, &mut Deaf)?;
            }
            // Nothing else can come first, and nobody is asked.
            None => pause = program.proceed(&mut sim, &mut Deaf)?,
        }
    }
    Ok(())
}
