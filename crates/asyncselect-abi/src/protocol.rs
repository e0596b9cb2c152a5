//! The adapter protocol: one JSON object a line, request and response in turn.
//!
//! `scenarios/README.md` describes it for people who write an adapter in another language. Handles
//! are plain numbers that the adapter makes up and the tool gives back, so an adapter needs no
//! table of names. The message of `pump` is raw: the tool takes `lParam` apart itself.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::backend::{Reply, Value};
use crate::call::{Repeat, WireCall};
use crate::data::Data;
use crate::error::WsaError;
use crate::event::NetworkEvents;
use crate::family::Family;
use crate::fault::Fault;
use crate::handle::{EventHandle, HostId, Hwnd, ProcessId, SocketHandle, ThreadId};
use crate::message::{EventRecord, MessageId, PostedMessage, SelectReply};

/// The version that this crate speaks.
pub const VERSION: u32 = 1;

/// The longest line either side may send, in bytes; an adapter that sends more is stopped.
pub const LINE_LEN_MAX: usize = 64 << 20;

/// A question to the adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Comes back in the response.
    pub id: u64,
    /// How long the adapter may take, in milliseconds. A `call` that takes longer is answered
    /// `"blocked"`, everything else is a hang.
    pub deadline_ms: u32,
    /// The question itself.
    #[serde(rename = "do")]
    pub body: RequestBody,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum RequestBody {
    /// Who are you? Asked once, first.
    Hello {
        /// The version that the tool speaks.
        version: u32,
    },
    /// Close every socket, destroy every window, empty every queue.
    Reset {
        /// Whether a new process would be needed to be sure; an adapter may answer `unsupported`,
        /// the tool then restarts it.
        fresh: bool,
        /// The machine of each thread; none if all are on one. Only adapters that offer `hosts` are
        /// asked for more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hosts: Vec<HostId>,
        /// The family of the sockets that `socket` makes and of all addresses. Only adapters that
        /// offer `ipv6` are asked for that; IPv4 is not said.
        #[serde(default, skip_serializing_if = "Family::is_usual")]
        family: Family,
        /// The process of each thread; none if all are in one. Only adapters that offer `processes`
        /// are asked for more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        processes: Vec<ProcessId>,
    },
    /// Make one call on a thread.
    Call {
        /// The thread, created when first named.
        thread: ThreadId,
        /// The call.
        call: WireCall,
        /// How often; more than once is only asked of adapters that offer `repeat`.
        #[serde(default, skip_serializing_if = "Repeat::is_once")]
        repeat: Repeat,
    },
    /// Wait until everything that will be posted is in the queues, without taking it.
    Settle {},
    /// Disturb the network or the machine; only asked of adapters that offer `faults`.
    Fault(Fault<SocketHandle>),
    /// Let simulated time pass; only asked of adapters that offer `simulated_time`.
    Advance {
        /// Milliseconds.
        ms: u32,
    },
    /// What became of the call that answered `"blocked"` on this thread?
    Pending {
        /// The thread.
        thread: ThreadId,
    },
    /// Take the first message that the filter admits.
    Pump {
        /// The thread whose queue is looked at.
        thread: ThreadId,
        /// Only this window, or 0 for any.
        #[serde(rename = "hWnd")]
        hwnd: Hwnd,
        /// Lowest number, as a number; 0 with `max` 0 for any.
        min: u32,
        /// Highest number.
        max: u32,
        /// Whether it leaves the queue.
        remove: bool,
        /// At most so many; more than one is only asked of adapters that offer `repeat`.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        count: u32,
    },
    /// End. The adapter answers and exits.
    Bye {},
}

/// An answer of the adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object of `id` and `is`")]
pub struct Response {
    /// The id of the request.
    pub id: u64,
    /// The answer itself.
    #[serde(rename = "is")]
    pub body: ResponseBody,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ResponseBody {
    /// To `hello`.
    Hello {
        /// The version that the adapter speaks; must be the tool's.
        version: u32,
        /// The stack and its version, for people.
        stack: String,
        /// What the adapter can do beyond the calls of TCP in message mode (`spi`, `faults`, …).
        capabilities: Vec<String>,
    },
    /// To `reset`, `settle`, `fault`, `advance` and `bye`.
    Done {},
    /// To `call` and `pending`: the call returned.
    Return(WireReply),
    /// To `call` and `pending`: it has not returned, or not all of the calls that it stands for.
    Blocked {},
    /// To a `call` with `repeat`, and `pending` for it: what all of them returned, in order.
    Returns(Vec<Returned>),
    /// To `pump`.
    Message(Option<WireMessage>),
    /// To a `pump` of several: what there was, in order.
    Messages(Vec<WireMessage>),
    /// To anything: cannot do that.
    Unsupported(String),
}

/// Calls in a row that returned the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Returned {
    /// How many.
    pub times: u32,
    /// With what.
    pub reply: WireReply,
}

impl Returned {
    /// Appends one more return to a list.
    pub fn push(list: &mut Vec<Self>, reply: WireReply) {
        match list.last_mut() {
            Some(last) if last.reply == reply => last.times += 1,
            _ => list.push(Self { times: 1, reply }),
        }
    }
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_one(count: &u32) -> bool {
    *count == 1
}

/// What a call returned: just one of the fields, `value` for everything that is a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireReply {
    /// A number.
    Value(i64),
    /// A number of bytes received, as the bytes.
    Data(Data),
    /// A new socket.
    Socket(SocketHandle),
    /// A new window.
    Window(Hwnd),
    /// A new event object.
    Event(EventHandle),
    /// What `WSAEnumNetworkEvents` filled in.
    NetworkEvents(WireRecord),
    /// An address as `"127.0.0.1:4000"` or `"[::1]:4000"`.
    Address(SocketAddr),
    /// The message that `GetMessage` took.
    Message(WireMessage),
    /// `SOCKET_ERROR` or `INVALID_SOCKET`, with the number that `WSAGetLastError` gave.
    Error(u16),
    /// What a provider's function returned, and left in `*lpErrno` (AS-SPI-09).
    Spi {
        /// 0 or what was asked for, or `SOCKET_ERROR` as -1.
        value: i64,
        /// The number; none if the function wrote nothing.
        #[serde(rename = "lpErrno")]
        lp_errno: Option<u16>,
    },
}

impl WireReply {
    /// The reply, and the bytes that came with it.
    #[must_use]
    pub fn into_reply(self) -> (Reply, Option<Data>) {
        let result = match self {
            Self::Value(number) => Ok(Value::Int(number)),
            Self::Data(data) => {
                let len = i64::try_from(data.len()).expect("a payload fits in memory");
                return (Reply::new(Ok(Value::Int(len))), Some(data));
            }
            Self::Socket(socket) => Ok(Value::Socket(socket)),
            Self::Window(window) => Ok(Value::Window(window)),
            Self::Event(event) => Ok(Value::Event(event)),
            Self::NetworkEvents(record) => Ok(Value::NetworkEvents(record.into())),
            Self::Address(address) => Ok(Value::Address(address)),
            Self::Message(message) => Ok(Value::Message(message.into())),
            Self::Error(code) => Err(WsaError(code)),
            Self::Spi { value, lp_errno } => {
                let lp_errno = lp_errno.map(WsaError);
                let result = match value {
                    -1 => Err(lp_errno.unwrap_or_default()),
                    value => Ok(Value::Int(value)),
                };
                return (Reply { result, lp_errno }, None);
            }
        };
        (Reply::new(result), None)
    }
}

/// A `WSANETWORKEVENTS` as it was filled in, numbers as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireRecord {
    /// The mask.
    #[serde(rename = "lNetworkEvents")]
    pub events: u32,
    /// An error for each of the ten events.
    #[serde(rename = "iErrorCode")]
    pub errors: [u16; 10],
}

impl From<WireRecord> for EventRecord {
    fn from(wire: WireRecord) -> Self {
        Self { events: NetworkEvents(wire.events), errors: wire.errors.map(WsaError) }.meant()
    }
}

impl From<EventRecord> for WireRecord {
    fn from(record: EventRecord) -> Self {
        Self { events: record.events.0, errors: record.errors.map(|error| error.0) }
    }
}

/// A message as it came out of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireMessage {
    /// The window.
    #[serde(rename = "hWnd")]
    pub hwnd: Hwnd,
    /// The number.
    #[serde(rename = "wMsg")]
    pub message: u32,
    /// The first parameter, all of it.
    #[serde(rename = "wParam")]
    pub wparam: u64,
    /// The second parameter; a conforming stack uses its low 32 bits.
    #[serde(rename = "lParam")]
    pub lparam: u32,
}

impl From<WireMessage> for PostedMessage {
    fn from(wire: WireMessage) -> Self {
        Self {
            hwnd: wire.hwnd,
            message: MessageId(wire.message),
            socket: SocketHandle(wire.wparam),
            reply: SelectReply::from_lparam(wire.lparam),
        }
    }
}

impl From<PostedMessage> for WireMessage {
    fn from(posted: PostedMessage) -> Self {
        Self {
            hwnd: posted.hwnd,
            message: posted.message.0,
            wparam: posted.socket.0,
            lparam: posted.reply.to_lparam(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_look_as_documented() {
        let line = r#"{"id":3,"deadline_ms":5000,"do":{"call":{"thread":0,"call":{"send":{"s":260,"data":{"hex":"6869"}}}}}}"#;
        let request: Request = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), line);
        for (line, family) in [
            (r#"{"id":3,"deadline_ms":5000,"do":{"reset":{"fresh":false}}}"#, Family::Ipv4),
            (
                r#"{"id":3,"deadline_ms":5000,"do":{"reset":{"fresh":false,"family":"ipv6"}}}"#,
                Family::Ipv6,
            ),
        ] {
            let body = RequestBody::Reset {
                fresh: false,
                hosts: Vec::new(),
                processes: Vec::new(),
                family,
            };
            let request = Request { id: 3, deadline_ms: 5000, body };
            assert_eq!(serde_json::to_string(&request).unwrap(), line);
            assert_eq!(serde_json::from_str::<Request>(line).unwrap(), request);
        }
        for (line, is) in [
            (r#"{"id":3,"is":{"return":{"value":2}}}"#, ResponseBody::Return(WireReply::Value(2))),
            (
                r#"{"id":3,"is":{"return":{"error":10035}}}"#,
                ResponseBody::Return(WireReply::Error(10035)),
            ),
            (
                r#"{"id":3,"is":{"return":{"spi":{"value":-1,"lpErrno":10022}}}}"#,
                ResponseBody::Return(WireReply::Spi { value: -1, lp_errno: Some(10022) }),
            ),
            (
                r#"{"id":3,"is":{"return":{"network_events":{"lNetworkEvents":1,"iErrorCode":[0,0,0,0,0,0,0,0,0,0]}}}}"#,
                ResponseBody::Return(WireReply::NetworkEvents(WireRecord {
                    events: 1,
                    errors: [0; 10],
                })),
            ),
            (r#"{"id":3,"is":{"message":null}}"#, ResponseBody::Message(None)),
            (
                r#"{"id":3,"is":{"returns":[{"times":9,"reply":{"value":5}}]}}"#,
                ResponseBody::Returns(vec![Returned { times: 9, reply: WireReply::Value(5) }]),
            ),
            (r#"{"id":3,"is":{"done":{}}}"#, ResponseBody::Done {}),
        ] {
            assert_eq!(serde_json::from_str::<Response>(line).unwrap().body, is);
            assert_eq!(serde_json::to_string(&Response { id: 3, body: is }).unwrap(), line);
        }
    }
}
