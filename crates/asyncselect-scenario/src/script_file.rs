//! A scenario file just as it is written: spelling and shape, nothing resolved.
//!
//! Format 1. Unknown fields are refused, every call is tagged by its C name, and nothing is
//! `untagged`: a misspelt key must never turn one call into another.

use std::fmt;

use asyncselect_abi::{Call, Data, Fault, MessageId, NetworkEvent, WsaError};
use schemars::JsonSchema;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The format that this version reads.
pub const FORMAT: u32 = 1;

/// A call as a script writes it: by name.
pub type ScriptCall = Call<String, String, String, AddressSpec, Data>;

/// A scenario: who is there at the start, what happens, and what must come of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a scenario, which is an object")]
pub struct ScriptFile {
    /// Where editors find the schema; not looked at.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// The format of the file, 1.
    #[schemars(extend("const" = 1))]
    pub format: u32,
    /// One line: the situation and its outcome.
    pub title: String,
    /// The clauses that the expectations rest on.
    #[schemars(length(min = 1))]
    pub clauses: Vec<String>,
    /// For files under `facts/`: the observed fact that the file pins.
    pub fact: Option<String>,
    /// For files under `facts/`: the profiles on which the fact must hold.
    pub holds_on: Option<Vec<String>>,
    /// For files under `field-bugs/`: where the bug was told.
    pub source: Option<String>,
    /// Why the scenario is as it is, for readers.
    pub note: Option<String>,
    /// What a stack must offer beyond what the steps show by themselves.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// The alternatives that a run takes where its stack leaves a knob open; the first one else.
    #[serde(default)]
    pub choose: Vec<KnobIs>,
    /// Which notification interfaces the file is run on.
    #[serde(default = "message_mode")]
    pub modes: Vec<Mode>,
    /// What exists before the first step.
    #[serde(default)]
    pub setup: Setup,
    /// What happens.
    #[schemars(length(min = 1))]
    pub steps: Vec<Step>,
    /// Handlers that the engine runs for retrieved messages (not run yet).
    pub handlers: Option<serde_json::Map<String, serde_json::Value>>,
}

pub(crate) fn message_mode() -> Vec<Mode> {
    vec![Mode::Message]
}

/// Something that not every backend has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Faults of the network can be injected.
    Faults,
    /// Urgent data.
    Oob,
    /// IPv6; no file asks for it, `--family ipv6` does.
    Ipv6,
    /// Handle values come back in a known order.
    HandleReuse,
    /// Something takes real time on real stacks.
    RealTime,
    /// A process in which Winsock was never started.
    FreshProcess,
    /// The provider's entry points.
    Spi,
    /// Several threads.
    Threads,
    /// Several machines.
    Hosts,
    /// Several processes.
    Processes,
    /// Simulated time.
    SimulatedTime,
    /// Calls from inside a call that waits, as a blocking hook makes them.
    BlockingHook,
    /// The order in which things happen by themselves can be chosen.
    Schedule,
}

impl Need {
    /// The name in files and in an adapter's list of capabilities.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Faults => "faults",
            Self::Oob => "oob",
            Self::Ipv6 => "ipv6",
            Self::HandleReuse => "handle_reuse",
            Self::RealTime => "real_time",
            Self::FreshProcess => "fresh_process",
            Self::Spi => "spi",
            Self::Threads => "threads",
            Self::Hosts => "hosts",
            Self::Processes => "processes",
            Self::SimulatedTime => "simulated_time",
            Self::BlockingHook => "blocking_hook",
            Self::Schedule => "schedule",
        }
    }
}

/// How a program is told of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By window messages: WSAAsyncSelect.
    Message,
    /// By event objects too: the file translated to WSAEventSelect and WSAEnumNetworkEvents.
    Event,
}

/// What exists before the first step.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// `false`: no WSAStartup before the first step.
    #[serde(rename = "WSAStartup", default = "yes")]
    pub startup: Option<bool>,
    /// Windows of the first thread.
    #[serde(default)]
    pub windows: Vec<String>,
    /// Event objects.
    #[serde(default)]
    pub events: Vec<String>,
    /// Connected stream sockets, the connecting one first.
    #[serde(default)]
    pub pairs: Vec<[String; 2]>,
    /// Stream sockets that are bound and listen.
    #[serde(default)]
    pub listeners: Vec<String>,
    /// Datagram sockets that are bound.
    #[serde(default)]
    pub datagrams: Vec<String>,
    /// Further machines by name, and the threads of each; all others are on the first machine.
    #[serde(default)]
    pub hosts: Hosts,
    /// Further processes by name, and the threads of each; all others are in the first process.
    #[serde(default)]
    pub processes: Hosts,
}

/// Machines or processes and their threads, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Hosts(pub Vec<(String, Vec<String>)>);

impl<'de> Deserialize<'de> for Hosts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HostsVisitor;

        impl<'de> Visitor<'de> for HostsVisitor {
            type Value = Hosts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object: for each name the list of its threads")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hosts, A::Error> {
                let mut hosts: Vec<(String, Vec<String>)> = Vec::new();
                while let Some((name, threads)) = map.next_entry()? {
                    if hosts.iter().any(|(other, _)| *other == name) {
                        return Err(de::Error::custom(format!("duplicate field `{name}`")));
                    }
                    hosts.push((name, threads));
                }
                Ok(Hosts(hosts))
            }
        }
        deserializer.deserialize_map(HostsVisitor)
    }
}

impl JsonSchema for Hosts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hosts".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "further machines or processes by name, and the threads of each",
            "type": "object",
            "maxProperties": 3,
            "additionalProperties": {
                "type": "array",
                "items": { "type": "string" },
                "minItems": 1,
            },
        })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn yes() -> Option<bool> {
    Some(true)
}

/// One step. It does one thing: `do`, `end`, `blocked`, `messages`, `pump`, `fault`, `advance_ms`,
/// `happen`, or `settle` alone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["do"] },
    { "required": ["end"] },
    { "required": ["blocked"] },
    { "required": ["messages"] },
    { "required": ["pump"] },
    { "required": ["fault"] },
    { "required": ["advance_ms"] },
    { "required": ["happen"] },
    {
        "required": ["settle"],
        "not": { "anyOf": [
            { "required": ["do"] }, { "required": ["end"] }, { "required": ["blocked"] },
            { "required": ["messages"] }, { "required": ["pump"] }, { "required": ["fault"] },
            { "required": ["advance_ms"] }, { "required": ["happen"] }
        ] }
    }
]))]
pub struct Step {
    /// Makes a call.
    pub r#do: Option<ScriptCall>,
    /// Names the socket, window or event object that the call makes.
    pub r#as: Option<String>,
    /// The thread that makes the call; the first one if not said.
    pub thread: Option<String>,
    /// Lets the call wait, under this name, instead of requiring that it returns.
    pub begin: Option<String>,
    /// Makes the call so often, up to 65536 times; each must return what `expect` says.
    #[schemars(range(min = 1, max = 65536))]
    pub times: Option<u32>,
    /// Repeats the call until it fails with this error.
    pub repeat_until: Option<WsaError>,
    /// With `repeat_until`: how often at most, up to 65536.
    #[schemars(range(min = 1, max = 65536))]
    pub max: Option<u32>,
    /// What the call must return; success if not said.
    pub expect: Option<Expect>,
    /// With `do`: `false` leaves the network in motion. Alone: `true` waits until it is quiet.
    pub settle: Option<bool>,
    /// Ends the call that began under this name: it must have returned.
    pub end: Option<String>,
    /// Requires that the call that began under this name still waits.
    pub blocked: Option<String>,
    /// Claims the messages that were retrieved. Without a `pump` since the last claim: waits until
    /// the network is quiet and retrieves everything first.
    pub messages: Option<MessagesSpec>,
    /// What must come instead on stacks whose knob is set so.
    #[serde(default)]
    pub when: Vec<WhenMessages>,
    /// With `messages`: lists that all can come, in some order of things. `asyncselect explore`
    /// looks for them; a claim that leaves open what never comes says too little.
    #[serde(default)]
    pub must_reach: Vec<Vec<MessageSpec>>,
    /// With `messages`: lists that never come, though the claim may seem to allow them.
    #[serde(default)]
    pub must_reject: Vec<Vec<MessageSpec>>,
    /// Retrieves messages.
    pub pump: Option<Pump>,
    /// Disturbs the network or the machine.
    pub fault: Option<Fault<String, String>>,
    /// Lets simulated time pass, in milliseconds.
    pub advance_ms: Option<u32>,
    /// Lets one thing happen that happens by itself, while the network is in motion.
    pub happen: Option<Happen>,
    /// Why the step is there, for readers.
    pub note: Option<String>,
}

/// Something that happens by itself. `asyncselect explore` writes such steps, so that an order that
/// it found is a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Happen {
    /// The first segment on its way arrives.
    Deliver {
        /// The number of the connection, as traces have it.
        connection: u8,
        /// The end at which it arrives.
        toward: Toward,
    },
    /// A datagram under way arrives.
    Land {
        /// Which, counted from 0: the one that was sent first.
        number: u8,
    },
    /// The call that a thread waits for returns.
    Return {
        /// The thread.
        thread: String,
    },
    /// The first upcall under way returns: its message is in its queue.
    Upcall {},
}

/// One of the two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Toward {
    /// The end that called connect.
    Connector,
    /// The end that was accepted.
    Acceptor,
}

/// What a call must return.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The value; success if neither it nor `error` is given.
    pub r#return: Option<ReturnSpec>,
    /// The error; implies `SOCKET_ERROR`.
    pub error: Option<WsaError>,
    /// The bytes received.
    pub data: Option<Data>,
    /// What an SPI call leaves in `*lpErrno`: an error, `"zero"` or `"untouched"`.
    #[serde(rename = "lpErrno")]
    pub lp_errno: Option<LpErrnoSpec>,
    /// What `WSAEnumNetworkEvents` must have found, in any order; nothing else.
    pub events: Option<Vec<EventSpec>>,
    /// What must come instead on stacks whose knob is set so.
    #[serde(default)]
    pub when: Vec<WhenReturn>,
}

/// A condition on knobs, with the evidence for what it guards.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnobIs {
    /// The knob.
    pub knob: String,
    /// The alternative that it must hold.
    pub is: String,
}

/// What a call must return where a knob is set so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhenReturn {
    /// The knob.
    pub knob: String,
    /// The alternative that it must hold.
    pub is: String,
    /// Further knobs that must hold too.
    #[serde(default)]
    pub and: Vec<KnobIs>,
    /// An evidence word and its sources, for example `observed elsewhere: W-083`.
    pub evidence: String,
    /// As in `expect`.
    pub r#return: Option<ReturnSpec>,
    /// As in `expect`.
    pub error: Option<WsaError>,
    /// As in `expect`.
    pub data: Option<Data>,
    /// As in `expect`.
    #[serde(rename = "lpErrno")]
    pub lp_errno: Option<LpErrnoSpec>,
    /// As in `expect`.
    pub events: Option<Vec<EventSpec>>,
}

/// A recorded event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventSpec {
    /// The event.
    pub event: NetworkEvent,
    /// Its error; 0 if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<WsaError>,
}

/// What must be retrieved where a knob is set so.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhenMessages {
    /// The knob.
    pub knob: String,
    /// The alternative that it must hold.
    pub is: String,
    /// Further knobs that must hold too.
    #[serde(default)]
    pub and: Vec<KnobIs>,
    /// An evidence word and its sources, for example `observed elsewhere: W-083`.
    pub evidence: String,
    /// The messages.
    pub messages: MessagesSpec,
}

/// Retrieves messages, as `PeekMessage` in a loop.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pump {
    /// Only messages of this window.
    #[serde(rename = "hWnd")]
    pub hwnd: Option<String>,
    /// Only messages with this number or a higher one.
    pub min: Option<MessageId>,
    /// Only messages with this number or a lower one.
    pub max: Option<MessageId>,
    /// `false`: looks at the first message and leaves it.
    pub remove: Option<bool>,
    /// At most so many.
    pub count: Option<u32>,
    /// Hands them to the window's handler (not run yet); they are claimed otherwise.
    pub dispatch: Option<bool>,
}

/// An address by role: the runner turns it into numbers, for either address family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressSpec {
    /// `{"of": "listener"}`: where that socket is bound.
    Of(String),
    /// `"any:0"`: this machine, a port that is free.
    Any,
    /// `"refusing"`: a port on which nobody listens.
    Refusing,
    /// `"unreachable"`: a network that cannot be reached.
    Unreachable,
    /// `"zero"`: a structure of zeros, with which connect takes a datagram socket's peer away.
    Zero,
    /// `"NULL"`: no address at all.
    Null,
}

impl<'de> Deserialize<'de> for AddressSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AddressVisitor;

        impl<'de> Visitor<'de> for AddressVisitor {
            type Value = AddressSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "{\"of\": socket}, \"any:0\", \"refusing\", \"unreachable\", \"zero\" or \"NULL\"",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<AddressSpec, E> {
                const KNOWN: &[&str] = &["any:0", "refusing", "unreachable", "zero", "NULL"];
                match text {
                    "any:0" => Ok(AddressSpec::Any),
                    "refusing" => Ok(AddressSpec::Refusing),
                    "unreachable" => Ok(AddressSpec::Unreachable),
                    "zero" => Ok(AddressSpec::Zero),
                    "NULL" => Ok(AddressSpec::Null),
                    other => Err(de::Error::unknown_variant(other, KNOWN)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AddressSpec, A::Error> {
                only_entry(&mut map, &["of"], |map, _| map.next_value().map(AddressSpec::Of))
            }
        }
        deserializer.deserialize_any(AddressVisitor)
    }
}

impl fmt::Display for AddressSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(socket) => write!(f, "address of {socket}"),
            Self::Any => f.write_str("any:0"),
            Self::Refusing => f.write_str("refusing"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::Zero => f.write_str("zero"),
            Self::Null => f.write_str("NULL"),
        }
    }
}

impl Serialize for AddressSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        match self {
            Self::Of(socket) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("of", socket)?;
                map.end()
            }
            Self::Any | Self::Refusing | Self::Unreachable | Self::Zero | Self::Null => {
                serializer.collect_str(self)
            }
        }
    }
}

impl JsonSchema for AddressSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "an address by role",
            "oneOf": [
                { "enum": ["any:0", "refusing", "unreachable", "zero", "NULL"] },
                {
                    "type": "object",
                    "properties": { "of": { "type": "string" } },
                    "required": ["of"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

/// What a call must return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnSpec {
    /// This number.
    Exactly(i64),
    /// `"SOCKET_ERROR"` or `"INVALID_SOCKET"`: a failure.
    Failure,
    /// `"any"`: success or failure, whatever.
    Any,
    /// `{"min": n}`: this number or more.
    AtLeast(i64),
    /// `{"below": n}`: a part, that is 1 or more, but less than this number.
    Below(i64),
}

impl fmt::Display for ReturnSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(number) => write!(f, "{number}"),
            Self::Failure => f.write_str("a failure"),
            Self::Any => f.write_str("anything"),
            Self::AtLeast(number) => write!(f, "{number} or more"),
            Self::Below(number) => write!(f, "1 or more, below {number}"),
        }
    }
}

impl<'de> Deserialize<'de> for ReturnSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReturnVisitor;

        impl<'de> Visitor<'de> for ReturnVisitor {
            type Value = ReturnSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a whole number, \"SOCKET_ERROR\", \"INVALID_SOCKET\", \"any\" or {\"min\": n}",
                )
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<ReturnSpec, E> {
                Ok(ReturnSpec::Exactly(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<ReturnSpec, E> {
                i64::try_from(number).map(ReturnSpec::Exactly).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ReturnSpec, E> {
                const KNOWN: &[&str] = &["SOCKET_ERROR", "INVALID_SOCKET", "any"];
                match text {
                    "SOCKET_ERROR" | "INVALID_SOCKET" => Ok(ReturnSpec::Failure),
                    "any" => Ok(ReturnSpec::Any),
                    other => Err(de::Error::unknown_variant(other, KNOWN)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReturnSpec, A::Error> {
                only_entry(&mut map, &["min", "below"], |map, key| {
                    let number = map.next_value()?;
                    Ok(match key {
                        "min" => ReturnSpec::AtLeast(number),
                        _ => ReturnSpec::Below(number),
                    })
                })
            }
        }
        deserializer.deserialize_any(ReturnVisitor)
    }
}

impl JsonSchema for ReturnSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Return".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "oneOf": [
                { "type": "integer" },
                { "enum": ["SOCKET_ERROR", "INVALID_SOCKET", "any"] },
                {
                    "type": "object",
                    "properties": { "min": { "type": "integer" } },
                    "required": ["min"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "properties": { "below": { "type": "integer" } },
                    "required": ["below"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

/// What an SPI call must leave in `*lpErrno`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LpErrnoSpec {
    /// `"untouched"`: what was there before.
    Untouched,
    /// `"zero"`.
    Zero,
    /// This error.
    Error(WsaError),
}

impl<'de> Deserialize<'de> for LpErrnoSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.as_str() {
            "untouched" => Self::Untouched,
            "zero" => Self::Zero,
            error => {
                Self::Error(error.parse().map_err(|unknown| {
                    de::Error::custom(format!("{unknown}, `untouched`, `zero`"))
                })?)
            }
        })
    }
}

impl JsonSchema for LpErrnoSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LpErrno".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(untouched|zero|WSA[A-Z_]+)$" })
    }
}

/// The messages that must have been retrieved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessagesSpec {
    /// `[…]`: these, in this order on each thread.
    Ordered(Vec<MessageSpec>),
    /// `{"unordered": […]}`: these, in any order.
    Unordered(Vec<MessageSpec>),
    /// `{"one_of": [[…], […]]}`: one of these lists, in its order.
    OneOf(Vec<Vec<MessageSpec>>),
}

impl<'de> Deserialize<'de> for MessagesSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MessagesVisitor;

        impl<'de> Visitor<'de> for MessagesVisitor {
            type Value = MessagesSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of messages, {\"unordered\": […]} or {\"one_of\": [[…], …]}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<MessagesSpec, A::Error> {
                let mut messages = Vec::new();
                while let Some(message) = seq.next_element()? {
                    messages.push(message);
                }
                Ok(MessagesSpec::Ordered(messages))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MessagesSpec, A::Error> {
                only_entry(&mut map, &["unordered", "one_of"], |map, key| match key {
                    "unordered" => map.next_value().map(MessagesSpec::Unordered),
                    _ => map.next_value().map(MessagesSpec::OneOf),
                })
            }
        }
        deserializer.deserialize_any(MessagesVisitor)
    }
}

impl JsonSchema for MessagesSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Messages".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let list = generator.subschema_for::<Vec<MessageSpec>>();
        schemars::json_schema!({
            "oneOf": [
                list,
                {
                    "type": "object",
                    "properties": { "unordered": list },
                    "required": ["unordered"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "properties": { "one_of": { "type": "array", "items": list, "minItems": 1 } },
                    "required": ["one_of"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageSpec {
    /// The window.
    #[serde(rename = "hWnd")]
    pub hwnd: String,
    /// The number.
    #[serde(rename = "wMsg")]
    pub message: MessageId,
    /// The socket.
    #[serde(rename = "wParam")]
    pub socket: String,
    /// The event, low word of `lParam`.
    pub event: NetworkEvent,
    /// The error, high word of `lParam`; 0 if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<WsaError>,
    /// So many of them in a row; one if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65536))]
    pub times: Option<u32>,
}

/// Reads a map that must have just one entry, of a known key.
fn only_entry<'de, A: MapAccess<'de>, T>(
    map: &mut A,
    known: &'static [&'static str],
    read: impl FnOnce(&mut A, &str) -> Result<T, A::Error>,
) -> Result<T, A::Error> {
    let Some(key) = map.next_key::<String>()? else {
        return Err(de::Error::custom(format!("expected `{}`", known.join("` or `"))));
    };
    if !known.contains(&key.as_str()) {
        return Err(de::Error::unknown_field(&key, known));
    }
    let value = read(map, &key)?;
    match map.next_key::<String>()? {
        None => Ok(value),
        Some(second) => Err(de::Error::custom(format!("`{second}` beside `{key}`"))),
    }
}
