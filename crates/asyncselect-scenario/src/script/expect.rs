//! What a script expects, resolved: returns, messages, and the knobs that decide between cases.

use asyncselect_abi::EventRecord;
use asyncselect_model::{Evidence, KnobId};

use super::check::{Apart, Checked, Checker, REPEATS_MAX, success};
use super::{Case, Cases, Claim, Expectation, Expected, Expecting, Guarded};
use crate::script_file::{
    EventSpec, Expect, KnobIs, MessageSpec, MessagesSpec, ReturnSpec, Step, WhenMessages,
    WhenReturn,
};
use crate::source::{JsonPath, choices, nearest};

impl Checker<'_> {
    pub(super) fn expectation(
        &self,
        expect: Option<&Expect>,
        at: &JsonPath,
    ) -> Checked<Expectation> {
        let Some(expect) = expect else {
            return Ok(Cases { base: success(), when: Vec::new() });
        };
        let base = Expected {
            value: expect.r#return,
            error: expect.error,
            data: expect.data.clone(),
            lp_errno: expect.lp_errno,
            events: self.record(expect.events.as_deref(), at)?,
        };
        self.one_outcome(&base, at)?;
        let mut when = Vec::new();
        for (index, case) in expect.when.iter().enumerate() {
            let WhenReturn { knob, is, and, evidence, .. } = case;
            let WhenReturn { r#return, error, data, lp_errno, events, .. } = case;
            let at = at.clone().key("when").index(index);
            let then = Expected {
                value: *r#return,
                error: *error,
                data: data.clone(),
                lp_errno: *lp_errno,
                events: self.record(events.as_deref(), &at)?,
            };
            self.one_outcome(&then, &at)?;
            let case = self.case(knob, is, and, evidence, then, &at)?;
            self.add(&mut when, case, &at)?;
        }
        Ok(Cases { base, when })
    }

    /// What WSAEnumNetworkEvents must have found.
    fn record(&self, events: Option<&[EventSpec]>, at: &JsonPath) -> Checked<Option<EventRecord>> {
        let Some(events) = events else { return Ok(None) };
        let mut record = EventRecord::default();
        for (index, EventSpec { event, error }) in events.iter().enumerate() {
            if record.iter().any(|(other, _)| other == *event) {
                let message = format!("{event} is recorded once, whatever happened how often");
                return Err(self.wrong(&at.clone().key("events").index(index), message));
            }
            record.record(*event, error.unwrap_or_default());
        }
        Ok(Some(record))
    }

    /// A value beside an error would never be looked at.
    fn one_outcome(&self, expected: &Expected, at: &JsonPath) -> Checked<()> {
        match (expected.value, expected.error) {
            (None | Some(ReturnSpec::Failure), _) | (_, None) => Ok(()),
            (Some(value), Some(error)) => {
                let message = format!("a call returns {value} or fails with {error}, not both");
                Err(self.wrong(&at.clone().key("error"), message))
            }
        }
    }

    pub(super) fn claim(
        &self,
        messages: &MessagesSpec,
        cases: &[WhenMessages],
        at: &JsonPath,
    ) -> Checked<Cases<Claim>> {
        let base = self.claimed(messages, &at.clone().key("messages"))?;
        let mut when = Vec::new();
        for (index, case) in cases.iter().enumerate() {
            let WhenMessages { knob, is, and, evidence, messages } = case;
            let at = at.clone().key("when").index(index);
            let then = self.claimed(messages, &at.clone().key("messages"))?;
            let case = self.case(knob, is, and, evidence, then, &at)?;
            self.add(&mut when, case, &at)?;
        }
        Ok(Cases { base, when })
    }

    fn case<T>(
        &self,
        knob: &str,
        is: &str,
        and: &[KnobIs],
        evidence: &str,
        then: T,
        at: &JsonPath,
    ) -> Checked<Case<T>> {
        let mut conditions = vec![self.knob(knob, is, at)?];
        for (index, KnobIs { knob, is }) in and.iter().enumerate() {
            let at = at.clone().key("and").index(index);
            let (id, value) = self.knob(knob, is, &at)?;
            if conditions.iter().any(|(other, _)| *other == id) {
                let message = format!("the case has a condition for `{knob}` already");
                return Err(self.wrong(&at.key("knob"), message));
            }
            conditions.push((id, value));
        }
        let (evidence, sources) = self.evidence(evidence, &at.clone().key("evidence"))?;
        Ok(Case { conditions, evidence, sources, then })
    }

    /// Adds a case to those before it, of which the first that holds counts.
    fn add<T>(&self, when: &mut Vec<Case<T>>, case: Case<T>, at: &JsonPath) -> Checked<()> {
        let holds_too = |wider: &Case<T>| {
            wider.conditions.iter().all(|condition| case.conditions.contains(condition))
        };
        if let Some(earlier) = when.iter().position(holds_too) {
            let message =
                format!("never looked at: `when[{earlier}]` holds whenever this case does");
            let help = match when[earlier].conditions.len() == case.conditions.len() {
                true => "the first case that holds counts; leave one of them out",
                false => "the first case that holds counts; put this one before it",
            };
            return Err(self.source.error(at, message, Some(help.to_owned())));
        }
        when.push(case);
        Ok(())
    }

    pub(super) fn knob(&self, knob: &str, is: &str, at: &JsonPath) -> Checked<(KnobId, u8)> {
        let id = KnobId::from_name(knob).ok_or_else(|| {
            let names = || KnobId::ALL.iter().map(|knob| knob.name());
            let help = nearest(knob, names()).or_else(|| Some(choices(names())));
            let at = at.clone().key("knob");
            self.source.error(&at, format!("unknown knob `{knob}`"), help)
        })?;
        let value = id.value_index(is).ok_or_else(|| {
            let values = id.values().join("`, `");
            let message = format!("knob `{knob}` has no `{is}`, it has `{values}`");
            let help = nearest(is, id.values().iter().copied());
            self.source.error(&at.clone().key("is"), message, help)
        })?;
        Ok((id, value))
    }

    fn evidence(&self, text: &str, at: &JsonPath) -> Checked<(Evidence, String)> {
        let words = [
            Evidence::Documented,
            Evidence::Measured,
            Evidence::ObservedElsewhere,
            Evidence::Inferred,
            Evidence::Disputed,
        ];
        let found = text.split_once(": ").and_then(|(word, sources)| {
            let evidence = words.into_iter().find(|evidence| evidence.as_str() == word)?;
            Some((evidence, sources.to_owned()))
        });
        found.filter(|(_, sources)| !sources.is_empty()).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|evidence| evidence.as_str()).collect();
            let message =
                format!("evidence is one of `{}`, then a colon and sources", words.join("`, `"));
            let word = text.split(':').next().unwrap_or("");
            let help = if words.contains(&word) {
                Some(format!("`{word}: ` and a clause, a fact or a recording"))
            } else {
                nearest(word, words)
            };
            self.source.error(at, message, help)
        })
    }

    /// What a claim says must be possible, and what must not.
    pub(super) fn both_sides(&self, index: usize, step: &Step, at: &JsonPath) -> Checked<Guarded> {
        let must_reach = self.lists(&step.must_reach, &at.clone().key("must_reach"))?;
        let must_reject = self.lists(&step.must_reject, &at.clone().key("must_reject"))?;
        if let Some(index) = must_reject.iter().position(|list| must_reach.contains(list)) {
            let message = "it is in `must_reach` too, and cannot be both";
            return Err(self.wrong(&at.clone().key("must_reject").index(index), message));
        }
        Ok(Guarded { step: index, must_reach, must_reject })
    }

    fn lists(&self, lists: &[Vec<MessageSpec>], at: &JsonPath) -> Checked<Vec<Vec<Expecting>>> {
        let numbered = lists.iter().enumerate();
        numbered.map(|(index, messages)| self.list(messages, &at.clone().index(index))).collect()
    }

    fn list(&self, messages: &[MessageSpec], at: &JsonPath) -> Checked<Vec<Expecting>> {
        let mut list = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            let at = at.clone().index(index);
            let expecting = self.expecting(message, &at)?;
            let times = message.times.unwrap_or(1);
            if !(1..=REPEATS_MAX).contains(&times) {
                let message = format!("`times` is from 1 to {REPEATS_MAX}");
                return Err(self.wrong(&at.key("times"), message));
            }
            list.extend((0..times).map(|_| expecting));
        }
        Ok(list)
    }

    fn claimed(&self, messages: &MessagesSpec, at: &JsonPath) -> Checked<Claim> {
        match messages {
            MessagesSpec::Ordered(messages) => self.list(messages, at).map(Claim::Ordered),
            MessagesSpec::Unordered(messages) => {
                self.list(messages, &at.clone().key("unordered")).map(Claim::Unordered)
            }
            MessagesSpec::OneOf(lists) => {
                let at = at.clone().key("one_of");
                if lists.is_empty() {
                    return Err(self.wrong(&at, "`one_of` needs at least one list"));
                }
                self.lists(lists, &at).map(Claim::OneOf)
            }
        }
    }

    fn expecting(&self, message: &MessageSpec, at: &JsonPath) -> Checked<Expecting> {
        let hwnd = self.known(&self.windows, &message.hwnd, &at.clone().key("hWnd"))?;
        let wparam = at.clone().key("wParam");
        let socket = match message.socket.as_str() {
            "NULL" => None,
            name => Some(self.known(&self.sockets, name, &wparam)?),
        };
        let window_on = self.windows.host(hwnd);
        let socket_on = socket.map_or(window_on, |socket| self.sockets.host(socket));
        // Which of the descriptors of a shared socket a message names is for its stack to say.
        if window_on != socket_on && self.apart == Apart::Machines {
            let message = format!(
                "socket `{}` is on {}, and window `{}` on {}",
                message.socket,
                self.machine(socket_on),
                message.hwnd,
                self.machine(window_on)
            );
            return Err(self.wrong(&wparam, message));
        }
        Ok(Expecting {
            hwnd,
            message: message.message,
            socket,
            event: message.event,
            error: message.error.unwrap_or_default(),
        })
    }
}
