//! Two verdicts on a run: does the stack agree with its profile, and does it conform to the clause?

use std::fmt;
use std::sync::LazyLock;

use asyncselect_abi::{Data, Value, WsaError};
use asyncselect_model::{Evidence, KnobId, Profile};

use crate::runner::{Ending, Handle, Observation, Observer, Place, Retrieved};
use crate::script::{Case, Claim, Expected, Expecting, Guarded, Op, Script};
use crate::script_file::{LpErrnoSpec, ReturnSpec};
use crate::trace::{name_of, record_text};

/// What the documentation says, to measure deviations by.
static DOCUMENTED: LazyLock<Profile> = LazyLock::new(Profile::documented);

/// Keeps what a program could see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(pub Vec<Observation>);

impl Observer for Seen {
    fn observed(&mut self, observation: Observation) {
        self.0.push(observation);
    }
}

/// Whether a run agrees with what its stack is expected to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Every expectation holds.
    Agrees,
    /// These do not.
    Disagrees(Vec<Finding>),
    /// The model does not describe something that the script does.
    NotModelled(String),
    /// The stack lacks something that the script needs, or the file is about other stacks.
    NotRunnable(String),
    /// What the scenario builds on did not come about.
    NotSetUp(String),
    /// The stack could not answer: it died, hung or talked nonsense.
    StackFailed(String),
}

/// Whether a run follows the clauses that the file cites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conformance {
    /// It does.
    Conforms,
    /// It does not, as the profile says that it would not.
    Deviates(Vec<Deviation>),
    /// The run does not tell.
    Unknown,
}

/// A point at which a stack does what the documentation excludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// The knob.
    pub knob: KnobId,
    /// The alternative that the stack took.
    pub value: u8,
    /// How we know.
    pub evidence: Evidence,
    /// Clause, fact or recording.
    pub sources: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { knob, value, evidence, sources } = self;
        write!(f, "{knob} = {} ({evidence}: {sources})", knob.values()[usize::from(*value)])
    }
}

/// An expectation that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What must be the case.
    pub expected: String,
    /// What is.
    pub found: String,
}

/// Both verdicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// With the profile.
    pub agreement: Agreement,
    /// With the clauses.
    pub conformance: Conformance,
}

impl Verdict {
    /// A file that pins facts of other stacks says nothing about this one.
    #[must_use]
    pub fn about_others() -> Self {
        let agreement = Agreement::NotRunnable("a fact of other stacks".to_owned());
        Self { agreement, conformance: Conformance::Unknown }
    }

    /// Whether the run counts as failed.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self.agreement {
            Agreement::Disagrees(_) | Agreement::StackFailed(_) => true,
            Agreement::Agrees
            | Agreement::NotModelled(_)
            | Agreement::NotRunnable(_)
            | Agreement::NotSetUp(_) => false,
        }
    }
}

/// Judges a run. `holds` tells which alternative of a knob the stack takes.
#[must_use]
pub fn judge(
    script: &Script,
    ending: &Ending,
    seen: &[Observation],
    holds: impl Fn(KnobId, u8) -> bool,
) -> Verdict {
    let mut judge = Judge { script, holds, findings: Vec::new(), deviations: Vec::new() };
    for observation in seen {
        judge.observation(observation);
    }
    let agreement = match ending {
        Ending::Completed if judge.findings.is_empty() => Agreement::Agrees,
        Ending::Completed => Agreement::Disagrees(judge.findings),
        Ending::Blocked(place) => {
            judge.findings.push(Finding {
                place: *place,
                expected: "a call that returns (or `begin`)".to_owned(),
                found: "it waits".to_owned(),
            });
            Agreement::Disagrees(judge.findings)
        }
        // What was never made may be what a call that failed was expected to make.
        Ending::NotSetUp(what) if judge.findings.is_empty() => Agreement::NotSetUp(what.clone()),
        Ending::NotSetUp(_) => Agreement::Disagrees(judge.findings),
        Ending::NotRunnable(need) => Agreement::NotRunnable(format!("needs {}", need.as_str())),
        Ending::Failed(place, error) => {
            use asyncselect_abi::BackendError as Error;
            match error {
                Error::NotModelled(what) => Agreement::NotModelled(format!("{place}: {what}")),
                Error::Unsupported(what) => Agreement::NotRunnable(format!("{place}: {what}")),
                Error::Died(_) | Error::Hung(_) | Error::Garbage(_) => {
                    Agreement::StackFailed(error.to_string())
                }
            }
        }
    };
    let conformance = match (&agreement, judge.deviations.is_empty()) {
        (Agreement::Agrees, true) => Conformance::Conforms,
        (Agreement::Agrees, false) => Conformance::Deviates(judge.deviations),
        _ => Conformance::Unknown,
    };
    Verdict { agreement, conformance }
}

struct Judge<'s, H> {
    script: &'s Script,
    holds: H,
    findings: Vec<Finding>,
    deviations: Vec<Deviation>,
}

impl<H: Fn(KnobId, u8) -> bool> Judge<'_, H> {
    fn observation(&mut self, observation: &Observation) {
        match observation {
            Observation::Return { place, call, result, lp_errno, data } => {
                let script = self.script;
                let Some(expect) = expectation(script, *place) else { return };
                let (expected, case) = expect.select(&self.holds);
                let wrong = wrong_return(expected, *result, *lp_errno, data.as_ref());
                let wrong = wrong.map(|(expected, found)| {
                    (format!("{call}: {expected}"), format!("{call}: {found}"))
                });
                self.settle(*place, case, wrong);
            }
            Observation::NeverFailed { place, last } => {
                let found = format!("it returned {} to the last", result_text(*last));
                self.finding(*place, "the call fails in the end", found);
            }
            Observation::Waiting { place, waits } => {
                let expects_end = matches!(op(self.script, *place), Some(Op::End { .. }));
                match (expects_end, waits) {
                    (true, true) => self.finding(*place, "the call returned", "it waits"),
                    (false, false) => self.finding(*place, "the call waits", "it returned"),
                    (true, false) | (false, true) => {}
                }
            }
            Observation::Messages { place, messages } => match op(self.script, *place) {
                Some(Op::Claim(claim)) => {
                    let (claim, case) = claim.select(&self.holds);
                    let wrong = wrong_messages(self.script, claim, messages);
                    self.settle(*place, case, wrong);
                    if let Some(guarded) = guarded(self.script, *place)
                        && guarded.must_reject.iter().any(|list| in_order(list, messages))
                    {
                        let found =
                            messages.iter().map(|one| name_of(self.script, one).to_string());
                        let found = counted(found);
                        self.finding(*place, "anything but what `must_reject` lists", found);
                    }
                }
                _ => {
                    let none = Claim::Ordered(Vec::new());
                    if let Some((_, found)) = wrong_messages(self.script, &none, messages) {
                        self.finding(*place, "no message that no step claims", found);
                    }
                }
            },
        }
    }

    /// Notes the finding; if there is none and a `when` was followed, whether that conforms.
    fn settle<T>(&mut self, place: Place, case: Option<&Case<T>>, wrong: Option<(String, String)>) {
        if let Some((expected, found)) = wrong {
            self.finding(place, expected, found);
            return;
        }
        let Some(case) = case else { return };
        // An alternative that the documentation leaves open conforms as well.
        for (knob, value) in &case.conditions {
            if DOCUMENTED.admits(*knob, *value) {
                continue;
            }
            let deviation = Deviation {
                knob: *knob,
                value: *value,
                evidence: case.evidence,
                sources: case.sources.clone(),
            };
            if !self.deviations.contains(&deviation) {
                self.deviations.push(deviation);
            }
        }
    }

    fn finding(&mut self, place: Place, expected: impl Into<String>, found: impl Into<String>) {
        let (expected, found) = (expected.into(), found.into());
        self.findings.push(Finding { place, expected, found });
    }
}

fn op(script: &Script, place: Place) -> Option<&Op> {
    match place {
        Place::Step(index) => script.steps.get(index),
        Place::Setup | Place::End => None,
    }
}

fn guarded(script: &Script, place: Place) -> Option<&Guarded> {
    script.guarded.iter().find(|guarded| Place::Step(guarded.step) == place)
}

/// What `must_reach` lists and none of these runs shows: the place, and the messages.
///
/// A claim that leaves something open is as loose as it looks only if what it leaves open can come.
#[must_use]
pub fn unreached<'r>(
    script: &Script,
    runs: impl Iterator<Item = &'r [Observation]> + Clone,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for guarded in &script.guarded {
        let place = Place::Step(guarded.step);
        let came = |list: &[Expecting], seen: &[Observation]| {
            seen.iter().any(|observation| match observation {
                Observation::Messages { place: at, messages } => {
                    *at == place && in_order(list, messages)
                }
                Observation::Return { .. }
                | Observation::NeverFailed { .. }
                | Observation::Waiting { .. } => false,
            })
        };
        for list in &guarded.must_reach {
            if !runs.clone().any(|seen| came(list, seen)) {
                let texts = list.iter().map(|one| expecting_text(script, one));
                let (expected, found) = (counted(texts), "it never comes".to_owned());
                findings.push(Finding { place, expected, found });
            }
        }
    }
    findings
}

fn expectation(script: &Script, place: Place) -> Option<&crate::script::Expectation> {
    match op(script, place)? {
        Op::Call(op) => Some(&op.expect),
        Op::End { expect, .. } => Some(expect),
        Op::Blocked { .. }
        | Op::Claim(_)
        | Op::Pump { .. }
        | Op::Settle
        | Op::Fault(_)
        | Op::Advance(_)
        | Op::Happen(_)
        | Op::NotModelled(_) => None,
    }
}

/// What is wrong with what a call returned: expected, found.
fn wrong_return(
    expected: &Expected,
    result: Result<Value, WsaError>,
    lp_errno: Option<WsaError>,
    data: Option<&Data>,
) -> Option<(String, String)> {
    let Expected { value, error, data: wanted, lp_errno: wanted_errno, events } = expected;
    let holds = match (value, error, result) {
        (_, Some(error), result) => result == Err(*error),
        (None, None, result) => result.is_ok(),
        (Some(ReturnSpec::Any), None, _) => true,
        (Some(ReturnSpec::Failure), None, result) => result.is_err(),
        (Some(ReturnSpec::Exactly(number)), None, result) => result == Ok(Value::Int(*number)),
        (Some(ReturnSpec::AtLeast(least)), None, result) => {
            matches!(result, Ok(Value::Int(number)) if number >= *least)
        }
        (Some(ReturnSpec::Below(limit)), None, result) => {
            matches!(result, Ok(Value::Int(number)) if (1..*limit).contains(&number))
        }
    };
    if !holds {
        let expected = match (error, value) {
            (Some(error), _) => error.to_string(),
            (None, Some(value)) => value.to_string(),
            (None, None) => "success".to_owned(),
        };
        return Some((expected, result_text(result)));
    }
    if let Some(events) = events
        && result != Ok(Value::NetworkEvents(*events))
    {
        return Some((record_text(events), result_text(result)));
    }
    if let Some(wanted) = wanted
        && data != Some(wanted)
    {
        let found = data.map_or_else(|| "no data".to_owned(), Data::to_string);
        return Some((wanted.to_string(), found));
    }
    let wanted_errno = wanted_errno.map(|spec| match spec {
        LpErrnoSpec::Untouched => None,
        LpErrnoSpec::Zero => Some(WsaError(0)),
        LpErrnoSpec::Error(error) => Some(error),
    });
    match wanted_errno {
        Some(wanted) if wanted != lp_errno => {
            let text = |errno: Option<WsaError>| match errno {
                None => "*lpErrno untouched".to_owned(),
                Some(error) => format!("*lpErrno = {error}"),
            };
            Some((text(wanted), text(lp_errno)))
        }
        _ => None,
    }
}

/// A result as findings print it.
#[must_use]
pub fn result_text(result: Result<Value, WsaError>) -> String {
    match result {
        Ok(Value::Int(number)) => number.to_string(),
        Ok(Value::Socket(_)) => "a socket".to_owned(),
        Ok(Value::Window(_)) => "a window".to_owned(),
        Ok(Value::Address(address)) => address.to_string(),
        Ok(Value::Event(_)) => "an event object".to_owned(),
        Ok(Value::NetworkEvents(record)) => record_text(&record),
        Ok(Value::Message(_)) => "a message".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// What is wrong with retrieved messages: expected, found.
fn wrong_messages(
    script: &Script,
    claim: &Claim,
    messages: &[Retrieved],
) -> Option<(String, String)> {
    let holds = match claim {
        Claim::Ordered(list) => in_order(list, messages),
        Claim::OneOf(lists) => lists.iter().any(|list| in_order(list, messages)),
        Claim::Unordered(list) => {
            let mut rest: Vec<&Expecting> = list.iter().collect();
            let all_found = messages.iter().all(|message| {
                let found = rest.iter().position(|expecting| matches_one(expecting, message));
                found.map(|index| rest.swap_remove(index)).is_some()
            });
            all_found && rest.is_empty()
        }
    };
    if holds {
        return None;
    }
    let list = |list: &[Expecting]| counted(list.iter().map(|one| expecting_text(script, one)));
    let expected = match claim {
        Claim::Ordered(messages) => list(messages),
        Claim::Unordered(messages) => format!("in any order: {}", list(messages)),
        Claim::OneOf(lists) => {
            let lists: Vec<String> = lists.iter().map(|messages| list(messages)).collect();
            format!("one of: {}", lists.join("; or: "))
        }
    };
    let found = counted(messages.iter().map(|message| name_of(script, message).to_string()));
    Some((expected, found))
}

/// A list in words, equal neighbours told once with their number.
pub(crate) fn counted(texts: impl Iterator<Item = String>) -> String {
    let mut groups: Vec<(String, usize)> = Vec::new();
    for text in texts {
        match groups.last_mut() {
            Some((last, count)) if *last == text => *count += 1,
            _ => groups.push((text, 1)),
        }
    }
    if groups.is_empty() {
        return "no message".to_owned();
    }
    let words = groups.into_iter().map(|(text, count)| match count {
        1 => text,
        count => format!("{count} x {text}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The order counts for each thread's queue, not across threads: the queue of a message is that of
/// the window's thread, so the messages of each window's thread are compared in order.
fn in_order(list: &[Expecting], messages: &[Retrieved]) -> bool {
    if list.len() != messages.len() {
        return false;
    }
    let thread_of = |expecting: &Expecting| {
        let same = messages.iter().find(|message| message.hwnd == Handle::Named(expecting.hwnd));
        same.map(|message| message.thread)
    };
    let mut threads: Vec<_> = messages.iter().map(|message| message.thread).collect();
    threads.dedup();
    threads.iter().all(|thread| {
        let expected = list.iter().filter(|expecting| thread_of(expecting) == Some(*thread));
        let found = messages.iter().filter(|message| message.thread == *thread);
        let (expected, found): (Vec<_>, Vec<_>) = (expected.collect(), found.collect());
        let all =
            expected.iter().zip(&found).all(|(expecting, found)| matches_one(expecting, found));
        expected.len() == found.len() && all
    })
}

fn matches_one(expecting: &Expecting, message: &Retrieved) -> bool {
    message.hwnd == Handle::Named(expecting.hwnd)
        && message.message == expecting.message
        && match expecting.socket {
            Some(name) => message.socket == Handle::Named(name) || message.earlier.contains(&name),
            None => message.socket == Handle::Stranger(0),
        }
        && message.event() == Some(expecting.event)
        && message.reply.error == expecting.error
}

fn expecting_text(script: &Script, expecting: &Expecting) -> String {
    let retrieved = Retrieved {
        thread: asyncselect_abi::ThreadId(0),
        hwnd: Handle::Named(expecting.hwnd),
        message: expecting.message,
        socket: expecting.socket.map_or(Handle::Stranger(0), Handle::Named),
        earlier: Vec::new(),
        reply: asyncselect_abi::SelectReply::new(expecting.event, expecting.error),
    };
    name_of(script, &retrieved).to_string()
}
