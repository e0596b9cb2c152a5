//! Bundles: scenarios for a machine that has nothing but the live backend, and what it recorded.
//!
//! `asyncselect-live run bundle.json > recording.jsonl` needs neither the engine nor the model. So
//! a [`Bundle`] holds what the engine would ask of an adapter, with names where handles will be,
//! and no expectations. The recording is one [`Line`] for each thing that was seen, in order, with
//! the raw numbers beside the names: whoever judges it can ask the recording what the engine would
//! have asked the stack.
//!
//! ```json
//! {"format":1,"asyncselect":"0.1.0","scenarios":[
//!   {"id":"read/one-message","needs":[],"threads":1,
//!    "setup":[{"call":{"socket":{"type":"SOCK_STREAM"}},"as":"server"}],
//!    "steps":[{"call":{"call":{"recv":{"s":"server","len":5}}}},{"messages":{}}]}]}
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::call::{Call, Repeat};
use crate::data::Data;
use crate::family::Family;
use crate::handle::ThreadId;
use crate::message::MessageId;
use crate::protocol::{WireMessage, WireReply};
use crate::text::{UnknownName, serde_as_text};

/// The format of bundles that this crate knows.
pub const FORMAT: u32 = 1;

/// The format of recordings that this crate knows.
pub const RECORDING: u32 = 1;

/// The spelling of `INVALID_SOCKET` where a socket is named.
pub const INVALID_SOCKET: &str = "INVALID_SOCKET";

/// The spelling of a null handle where a window or an event object is named.
pub const NULL_HANDLE: &str = "NULL";

/// The spelling of a handle that no window or event object has, where one is named.
pub const INVALID_HANDLE: &str = "INVALID";

/// The need that is no capability: a process in which Winsock was never started.
pub const FRESH_PROCESS: &str = "fresh_process";

/// Scenarios to be run elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a bundle, which is an object")]
pub struct Bundle {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the tool that wrote it.
    pub asyncselect: String,
    /// In this order.
    pub scenarios: Vec<Plan>,
}

/// What is to be done for one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a scenario, which is an object")]
pub struct Plan {
    /// `family/what-happens`.
    pub id: String,
    /// The address family of the run; IPv4 is not said.
    #[serde(default, skip_serializing_if = "Family::is_usual")]
    pub family: Family,
    /// What the machine must offer, by the names of capabilities, or [`FRESH_PROCESS`].
    pub needs: Vec<String>,
    /// How many threads take part; they are numbered from 0.
    pub threads: u8,
    /// Calls before the first step. All must succeed, or the scenario is not run.
    pub setup: Vec<PlannedCall>,
    /// One for each step of the scenario. After the last one all queues are emptied once more.
    pub steps: Vec<PlannedStep>,
}

/// A call with names in the place of handles, addresses by role, and payloads as they are.
pub type NamedCall = Call<String, String, String, NamedAddress, Data>;

/// A call in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedCall {
    /// What.
    pub call: NamedCall,
    /// Who calls.
    #[serde(default, skip_serializing_if = "is_main")]
    pub thread: ThreadId,
    /// What the new socket or window is called from now on.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub binds: Option<String>,
    /// Whether everything that will be posted is waited for afterwards.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub settle: bool,
    /// Whether the call may wait; another step then tells of its end. A call that waits without it
    /// ends the scenario.
    #[serde(default, skip_serializing_if = "is_no")]
    pub begins: bool,
    /// How often.
    #[serde(default, skip_serializing_if = "Repeat::is_once")]
    pub repeat: Repeat,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum PlannedStep {
    /// Make a call.
    Call(PlannedCall),
    /// Wait until the call that began on the thread has returned.
    End {
        /// The thread.
        thread: ThreadId,
        /// What the new socket or window is called.
        #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
        binds: Option<String>,
    },
    /// Look whether the call that began on the thread still waits.
    Blocked {
        /// The thread.
        thread: ThreadId,
    },
    /// Retrieve everything, once everything is there; after a `pump` nothing, since the scenario
    /// looks at what that retrieved.
    Messages {},
    /// Retrieve messages as `PeekMessage` does.
    Pump {
        /// The thread whose queue is looked at.
        #[serde(default, skip_serializing_if = "is_main")]
        thread: ThreadId,
        /// Only messages of this window.
        #[serde(rename = "hWnd", default, skip_serializing_if = "Option::is_none")]
        hwnd: Option<String>,
        /// The lowest number; 0 with a highest of 0 for any.
        min: MessageId,
        /// The highest number.
        max: MessageId,
        /// Whether messages leave the queue.
        remove: bool,
        /// At most so many.
        count: u32,
    },
    /// Wait until everything that will be posted is there.
    Settle {},
}

/// An address by role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum NamedAddress {
    /// `{"of":"listener"}`: where that socket is bound.
    Of(String),
    /// `"any"`: this machine, a port that is free.
    Any,
    /// `"unreachable"`: a network that cannot be reached.
    Unreachable,
    /// `"zero"`: a structure of zeros.
    Zero,
    /// `"null"`: no address at all.
    Null,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_yes(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_no(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_main(thread: &ThreadId) -> bool {
    *thread == ThreadId(0)
}

/// Where in a scenario something was seen: `"setup"`, `"s3"` for the third step, `"end"` after the
/// last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// While `setup` was carried out.
    Setup,
    /// In the step of this number, counted from 1.
    Step(u32),
    /// After the last step.
    End,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup => f.write_str("setup"),
            Self::Step(number) => write!(f, "s{number}"),
            Self::End => f.write_str("end"),
        }
    }
}

impl FromStr for Place {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let place = match text {
            "setup" => Some(Self::Setup),
            "end" => Some(Self::End),
            _ => text.strip_prefix('s').and_then(|digits| digits.parse().ok()).map(Self::Step),
        };
        place.filter(|place| place.to_string() == text).ok_or_else(|| UnknownName {
            kind: "place (setup, s and a number, end)",
            found: text.to_owned(),
            known: &[],
        })
    }
}

serde_as_text!(Place, "^(setup|s[0-9]+|end)$", "where in a scenario");

/// One line of a recording.
///
/// A recording is a `header`, then for each scenario `scenario`, what was seen, and `ended`, and
/// last `footer`. One without a footer was cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Header {
        /// [`RECORDING`].
        recording: u32,
        /// The version of the live backend.
        asyncselect: String,
        /// The stack and its version, for people.
        stack: String,
        /// What the machine offers.
        capabilities: Vec<String>,
        /// The version of the tool that wrote the bundle.
        bundle: String,
        /// How many scenarios the bundle has.
        scenarios: u32,
    },
    /// A scenario begins.
    Scenario {
        /// Its id.
        id: String,
        /// The address family of the run; IPv4 is not said.
        #[serde(default, skip_serializing_if = "Family::is_usual")]
        family: Family,
    },
    /// A call is made.
    Call {
        /// Where.
        at: Place,
        /// Who calls.
        thread: ThreadId,
        /// What.
        call: NamedCall,
        /// How often at most; each return has its own line unless it is like the one before.
        #[serde(default = "once", skip_serializing_if = "is_once")]
        times: u32,
    },
    /// The thread's call returned.
    Return {
        /// Where.
        at: Place,
        /// Who called.
        thread: ThreadId,
        /// With what; handles are the stack's own numbers.
        reply: WireReply,
        /// How the new socket or window is called from here on.
        #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
        binds: Option<String>,
        /// How many calls in a row returned this.
        #[serde(default = "once", skip_serializing_if = "is_once")]
        times: u32,
    },
    /// The thread's call has not returned.
    Waits {
        /// Where.
        at: Place,
        /// Who called.
        thread: ThreadId,
    },
    /// Everything that the stack had to post is in the queues.
    Settled {
        /// Where.
        at: Place,
    },
    /// A message was retrieved.
    Message {
        /// Where.
        at: Place,
        /// The thread that took it.
        thread: ThreadId,
        /// The message with the stack's own numbers.
        message: WireMessage,
        /// The window's name, if the script made it.
        window: Option<String>,
        /// The name of the socket that has or had the value in `wParam` last.
        socket: Option<String>,
        /// How many in a row were like this.
        #[serde(default = "once", skip_serializing_if = "is_once")]
        times: u32,
    },
    /// Nothing (more) was in the thread's queue that was looked for.
    Nothing {
        /// Where.
        at: Place,
        /// The thread.
        thread: ThreadId,
    },
    /// The scenario is over.
    Ended(Ending),
    /// The last line.
    Footer {
        /// How many scenarios were carried out to their last step.
        completed: u32,
        /// How many were not run because the machine lacks something.
        not_runnable: u32,
        /// How many ended otherwise.
        others: u32,
        /// How long it took, in milliseconds.
        ms: u64,
    },
}

/// How a scenario ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Ending {
    /// All steps were carried out.
    Completed {},
    /// A call waited that should not.
    Waiting {
        /// Where.
        at: Place,
    },
    /// A call of `setup`, or one whose name a later step uses, failed.
    NotSetUp {
        /// What.
        why: String,
    },
    /// The machine lacks something.
    NotRunnable {
        /// What.
        why: String,
    },
    /// The live backend died, hung or answered nonsense; it was started anew.
    Failed {
        /// Where.
        at: Place,
        /// How.
        why: String,
    },
}

impl Line {
    /// Counts `next` into this line if it says the same again.
    pub fn absorb(&mut self, next: &Self) -> bool {
        let (Self::Return { times, .. } | Self::Message { times, .. }) = self else {
            return false;
        };
        let before = std::mem::replace(times, 1);
        let alike = self == next;
        let (Self::Return { times, .. } | Self::Message { times, .. }) = self else {
            unreachable!("it was one above");
        };
        *times = before + u32::from(alike);
        alike
    }
}

const fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_once(times: &u32) -> bool {
    *times == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::Hwnd;

    #[test]
    fn a_bundle_looks_as_documented() {
        let text = concat!(
            r#"{"format":1,"asyncselect":"0.1.0","scenarios":[{"id":"read/x","needs":["oob"],"#,
            r#""threads":2,"setup":[{"call":{"WSAStartup":{"wVersionRequested":"2.2"}}},"#,
            r#"{"call":{"socket":{"type":"SOCK_STREAM"}},"as":"c"},"#,
            r#"{"call":{"bind":{"s":"c","name":"any"}},"settle":false},"#,
            r#"{"call":{"connect":{"s":"c","name":{"of":"l"}}}}],"steps":["#,
            r#"{"call":{"call":{"recv":{"s":"c","len":1}},"thread":1,"begins":true}},"#,
            r#"{"blocked":{"thread":1}},{"end":{"thread":1,"as":"d"}},"#,
            r#"{"call":{"call":{"send":{"s":"c","data":"x"}},"#,
            r#""repeat":{"until":{"error":"WSAEWOULDBLOCK","max":9}}}},"#,
            r#"{"pump":{"hWnd":"w","min":"WM_NULL","max":"WM_NULL","remove":true,"count":1}},"#,
            r#"{"messages":{}},{"settle":{}}]}]}"#,
        );
        let bundle: Bundle = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&bundle).unwrap(), text);
    }

    #[test]
    fn lines_look_as_documented() {
        let message = WireMessage { hwnd: Hwnd(65_560), message: 0x401, wparam: 132, lparam: 1 };
        let (at, thread) = (Place::Step(2), ThreadId(0));
        for (line, text) in [
            (
                Line::Scenario { id: "read/x".into(), family: Family::Ipv4 },
                r#"{"scenario":{"id":"read/x"}}"#,
            ),
            (
                Line::Scenario { id: "read/x".into(), family: Family::Ipv6 },
                r#"{"scenario":{"id":"read/x","family":"ipv6"}}"#,
            ),
            (
                Line::Return {
                    at: Place::Setup,
                    thread,
                    reply: WireReply::Error(10035),
                    binds: None,
                    times: 3,
                },
                r#"{"return":{"at":"setup","thread":0,"reply":{"error":10035},"times":3}}"#,
            ),
            (
                Line::Message {
                    at,
                    thread,
                    message,
                    window: Some("w".into()),
                    socket: None,
                    times: 1,
                },
                concat!(
                    r#"{"message":{"at":"s2","thread":0,"message":{"hWnd":65560,"wMsg":1025,"#,
                    r#""wParam":132,"lParam":1},"window":"w","socket":null}}"#,
                ),
            ),
            (Line::Ended(Ending::Completed {}), r#"{"ended":{"completed":{}}}"#),
        ] {
            assert_eq!(serde_json::to_string(&line).unwrap(), text);
            assert_eq!(serde_json::from_str::<Line>(text).unwrap(), line);
        }
    }

    #[test]
    fn a_place_has_one_spelling() {
        for text in ["setup", "s1", "s12", "end"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for text in ["s", "s01", "s-1", "1", "End"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
