//! What a live stack showed somewhere else: a recording (`asyncselect_abi::bundle`) as a stack that
//! answers as the real one did.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use asyncselect_abi::bundle::{Ending as Ended, Line, RECORDING};
use asyncselect_abi::call::BackendCall;
use asyncselect_abi::protocol::WireReply;
use asyncselect_abi::{
    Backend, BackendError, Call, Data, Family, Fault, Outcome, PostedMessage, PumpFilter, Reply,
    SocketHandle, Start, ThreadId, Value,
};
use asyncselect_model::world::THREADS_MAX;
use asyncselect_model::{Effect, KnobId};

use crate::adapter::fits;
use crate::printable::printable;
use crate::script_file::Need;
use crate::source::{Source, SourceError};
use crate::stack::Stack;

/// The largest recording that is read, in bytes: a run of a thousand scenarios has some megabytes.
const LEN_MAX: u64 = 1 << 28;

/// How much is shown of what the stack is called, in characters.
const STACK_LEN_MAX: usize = 80;

/// How much is shown of the id of a scenario.
const ID_LEN_MAX: usize = 200;

/// How much is shown of a reason, and of a line that came where another was wanted.
const WHY_LEN_MAX: usize = 400;

/// How many messages may come without a call in between; Windows' own queues hold 10,000
/// each. A line that says that there were billions would keep us for ever.
const MESSAGES_MAX: u32 = 1 << 16;

/// A recording of a live stack.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The stack, as it called itself.
    pub stack: String,
    /// What the machine offered.
    pub capabilities: Vec<String>,
    /// In the order in which they were run.
    pub scenarios: Vec<Recorded>,
    /// Whether it has its last line.
    pub is_whole: bool,
}

/// One scenario of it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `family/what-happens`.
    pub id: String,
    /// The address family of the run.
    pub family: Family,
    /// How it ended; `None` if the recording breaks off.
    pub ended: Option<Ended>,
    lines: Vec<Line>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no recording. One that breaks off is none that is wrong.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        Self::check(&Source::read_within(path, LEN_MAX)?)
    }

    /// Checks a file that was read.
    ///
    /// # Errors
    ///
    /// If it is no recording.
    pub fn check(source: &Source) -> Result<Self, SourceError> {
        let Source { path, text } = source;
        let wrong = |number: usize, why: &str| SourceError::Unreadable {
            path: PathBuf::from(format!("{}:{number}", path.display())),
            why: printable(why, WHY_LEN_MAX),
        };
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let parse = |number, line: &str| {
            serde_json::from_str::<Line>(line)
                .map_err(|error| wrong(number, &format!("no line of a recording: {error}")))
        };
        let Some((number, line)) = lines.next() else {
            return Err(wrong(1, "an empty file, no recording"));
        };
        let mut recording = match parse(number, line)? {
            Line::Header { recording: RECORDING, stack, capabilities, .. } => {
                let stack = printable(&stack, STACK_LEN_MAX);
                Self { stack, capabilities, scenarios: Vec::new(), is_whole: false }
            }
            Line::Header { recording, .. } => {
                let why = format!("a recording of format {recording}, not {RECORDING}");
                return Err(wrong(number, &why));
            }
            _ => return Err(wrong(number, "a recording begins with a `header`")),
        };
        let last = text.lines().count();
        let broken_off = !text.ends_with('\n');
        for (number, line) in lines {
            let parsed = match parse(number, line) {
                // The end of one that was cut off.
                Err(_) if number == last && broken_off => break,
                parsed => parsed?,
            };
            if recording.is_whole {
                return Err(wrong(number, "more after the `footer`"));
            }
            recording.add(parsed).map_err(|why| wrong(number, why))?;
        }
        Ok(recording)
    }

    fn add(&mut self, line: Line) -> Result<(), &'static str> {
        let open = self.scenarios.last_mut().filter(|last| last.ended.is_none());
        match (line, open) {
            (Line::Header { .. }, _) => return Err("a second `header`"),
            (Line::Scenario { .. }, Some(_)) => return Err("the scenario before has not `ended`"),
            (Line::Scenario { id, family }, None) => {
                let id = printable(&id, ID_LEN_MAX);
                self.scenarios.push(Recorded { id, family, ended: None, lines: Vec::new() });
            }
            (Line::Ended(ended), Some(open)) => open.ended = Some(told(ended)),
            (Line::Footer { .. }, None) => self.is_whole = true,
            (Line::Footer { .. }, Some(_)) => return Err("the scenario before has not `ended`"),
            (
                line @ (Line::Call { .. }
                | Line::Return { .. }
                | Line::Waits { .. }
                | Line::Message { .. }
                | Line::Nothing { .. }),
                Some(open),
            ) => open.lines.push(line),
            // It says nothing that somebody could ask.
            (Line::Settled { .. }, Some(_)) => {}
            (_, None) => return Err("it belongs to no scenario"),
        }
        Ok(())
    }
}

/// An ending whose reason can be shown.
fn told(ended: Ended) -> Ended {
    let told = |why: String| printable(&why, WHY_LEN_MAX);
    match ended {
        Ended::NotSetUp { why } => Ended::NotSetUp { why: told(why) },
        Ended::NotRunnable { why } => Ended::NotRunnable { why: told(why) },
        Ended::Failed { at, why } => Ended::Failed { at, why: told(why) },
        Ended::Completed {} | Ended::Waiting { .. } => ended,
    }
}

impl Recorded {
    /// The stack as it was.
    #[must_use]
    pub fn stack(&self) -> Playback {
        Playback {
            lines: self.lines.clone().into(),
            family: self.family,
            received: Default::default(),
            calls: Default::default(),
            messages: 0,
        }
    }
}

/// Answers what was answered before.
#[derive(Clone, Debug)]
pub struct Playback {
    lines: VecDeque<Line>,
    family: Family,
    received: [Option<Data>; THREADS_MAX],
    /// The call that each thread made last, by name.
    calls: [&'static str; THREADS_MAX],
    /// The messages that came since the last call.
    messages: u32,
}

impl Playback {
    /// What became of the call that the thread made last.
    fn outcome(&mut self, caller: ThreadId) -> Result<Outcome, BackendError> {
        match self.lines.front_mut() {
            Some(Line::Return { thread, times, reply, .. })
                if *thread == caller && fits(self.calls[usize::from(caller.0)], reply) =>
            {
                let reply = reply.clone();
                *times = times.saturating_sub(1);
                if *times == 0 {
                    self.lines.pop_front();
                }
                if let (WireReply::Message(_), Some(Line::Message { .. })) =
                    (&reply, self.lines.front())
                {
                    // It is told twice.
                    self.lines.pop_front();
                }
                let (reply, data) = reply.into_reply();
                self.received[usize::from(caller.0)] = data;
                Ok(Outcome::Returned(reply))
            }
            Some(Line::Waits { thread, .. }) if *thread == caller => {
                self.lines.pop_front();
                Ok(Outcome::Pending)
            }
            _ => Err(self.astray("what a call returned")),
        }
    }

    fn astray(&self, wanted: &str) -> BackendError {
        let found = match self.lines.front() {
            None => return BackendError::Died("the recording breaks off".to_owned()),
            Some(line) => serde_json::to_string(line).expect("lines are plain data"),
        };
        let found = printable(&found, WHY_LEN_MAX);
        let what = format!(
            "{found} where the scenario wants {wanted}: was it changed since it was recorded?"
        );
        BackendError::Garbage(what)
    }
}

impl Backend for Playback {
    fn reset(&mut self, _: &Start<'_>) -> Result<(), BackendError> {
        Ok(())
    }

    fn call(&mut self, caller: ThreadId, call: &BackendCall) -> Result<Outcome, BackendError> {
        self.messages = 0;
        let slot = usize::from(caller.0);
        match self.lines.front() {
            Some(Line::Call { thread, call: made, .. })
                if *thread == caller && made.name() == call.name() =>
            {
                self.lines.pop_front();
                self.calls[slot] = call.name();
            }
            // The engine asks where a socket is bound, as the recorder did without a line.
            _ if matches!(call, Call::GetSockName { .. }) => {
                let somewhere = SocketAddr::new(self.family.loopback(), 1);
                let result = Ok(Value::Address(somewhere));
                return Ok(Outcome::Returned(Reply { result, lp_errno: None }));
            }
            // One of several calls that have one line.
            Some(Line::Return { .. } | Line::Waits { .. }) => self.calls[slot] = call.name(),
            _ => return Err(self.astray(call.name())),
        }
        self.outcome(caller)
    }

    fn settle(&mut self) -> Result<(), BackendError> {
        Ok(())
    }

    fn pump(&mut self, filter: &PumpFilter) -> Result<Option<PostedMessage>, BackendError> {
        match self.lines.front_mut() {
            Some(Line::Message { thread, message, times, .. }) if *thread == filter.thread => {
                let message = *message;
                self.messages += 1;
                if self.messages > MESSAGES_MAX {
                    let what = format!("more than {MESSAGES_MAX} messages without a call");
                    return Err(BackendError::Garbage(what));
                }
                *times = times.saturating_sub(1);
                if *times == 0 {
                    self.lines.pop_front();
                }
                Ok(Some(PostedMessage::from(message)))
            }
            Some(Line::Nothing { thread, .. }) if *thread == filter.thread => {
                self.lines.pop_front();
                Ok(None)
            }
            _ => Err(self.astray("a look at a queue")),
        }
    }

    fn pending(&mut self, caller: ThreadId, _: u32) -> Result<Outcome, BackendError> {
        self.outcome(caller)
    }

    fn received(&mut self, thread: ThreadId) -> Data {
        let data = self.received[usize::from(thread.0)].take();
        data.map_or_else(|| Data::describe(&[]), Data::described)
    }

    fn advance(&mut self, _: u32) -> Result<(), BackendError> {
        Err(BackendError::Unsupported("time that passes in a recording".to_owned()))
    }

    fn fault(&mut self, _: &Fault<SocketHandle>) -> Result<(), BackendError> {
        Err(BackendError::Unsupported("a fault in a recording".to_owned()))
    }
}

impl Stack for Playback {
    fn label(&self) -> &str {
        "a recording"
    }

    fn lacks(&self, _: Need) -> bool {
        // Whoever recorded it has looked.
        false
    }

    fn decided(&self, _: KnobId) -> Option<u8> {
        None
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        Vec::new()
    }
}
