//! Network events: one of them, or a mask (AS-MSG-09, AS-REG-04).

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Not};
use std::str::FromStr;

use crate::text::{UnknownName, serde_as_text};

/// One network event, as the low word of `lParam` names it (AS-MSG-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum NetworkEvent {
    /// `FD_READ`: data can be received.
    Read = 0,
    /// `FD_WRITE`: data can be sent.
    Write = 1,
    /// `FD_OOB`: urgent data can be received.
    Oob = 2,
    /// `FD_ACCEPT`: a connection can be accepted.
    Accept = 3,
    /// `FD_CONNECT`: a connect ended, well or badly.
    Connect = 4,
    /// `FD_CLOSE`: the connection was closed.
    Close = 5,
    /// `FD_QOS`: the quality of service changed.
    Qos = 6,
    /// `FD_GROUP_QOS`: reserved.
    GroupQos = 7,
    /// `FD_ROUTING_INTERFACE_CHANGE`: the interface to a destination changed.
    RoutingInterfaceChange = 8,
    /// `FD_ADDRESS_LIST_CHANGE`: the list of local addresses changed.
    AddressListChange = 9,
}

const NAMES: [&str; 10] = [
    "FD_READ",
    "FD_WRITE",
    "FD_OOB",
    "FD_ACCEPT",
    "FD_CONNECT",
    "FD_CLOSE",
    "FD_QOS",
    "FD_GROUP_QOS",
    "FD_ROUTING_INTERFACE_CHANGE",
    "FD_ADDRESS_LIST_CHANGE",
];

impl NetworkEvent {
    /// All ten, in bit order.
    pub const ALL: [Self; 10] = [
        Self::Read,
        Self::Write,
        Self::Oob,
        Self::Accept,
        Self::Connect,
        Self::Close,
        Self::Qos,
        Self::GroupQos,
        Self::RoutingInterfaceChange,
        Self::AddressListChange,
    ];

    /// The mask that holds just this event.
    #[must_use]
    #[inline]
    pub const fn bit(self) -> NetworkEvents {
        NetworkEvents(1 << self as u32)
    }

    /// The event whose bit is the whole of `code`; a word with no bit or several is none.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.bit().0 == u32::from(code))
    }

    /// The C name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        NAMES[self as usize]
    }
}

impl fmt::Display for NetworkEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for NetworkEvent {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|event| event.as_str() == text);
        found.ok_or_else(|| UnknownName {
            kind: "network event",
            found: text.to_owned(),
            known: &NAMES,
        })
    }
}

serde_as_text!(
    NetworkEvent,
    "^FD_(READ|WRITE|OOB|ACCEPT|CONNECT|CLOSE|QOS|GROUP_QOS|ROUTING_INTERFACE_CHANGE|\
     ADDRESS_LIST_CHANGE)$",
    "one network event by name"
);

/// A mask of network events: the `lEvent` of a call. Undefined bits are kept (OQ-04).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[doc(alias = "lEvent")]
pub struct NetworkEvents(pub u32);

macro_rules! bits {
    ($($name:ident = $event:ident;)*) => {
        impl NetworkEvents {
            $(
                #[doc = concat!("The bit of [`NetworkEvent::", stringify!($event), "`].")]
                pub const $name: Self = NetworkEvent::$event.bit();
            )*
        }
    };
}

bits! {
    FD_READ = Read;
    FD_WRITE = Write;
    FD_OOB = Oob;
    FD_ACCEPT = Accept;
    FD_CONNECT = Connect;
    FD_CLOSE = Close;
    FD_QOS = Qos;
    FD_GROUP_QOS = GroupQos;
    FD_ROUTING_INTERFACE_CHANGE = RoutingInterfaceChange;
    FD_ADDRESS_LIST_CHANGE = AddressListChange;
}

impl NetworkEvents {
    /// No event: the mask that cancels (AS-CAN-01).
    pub const NONE: Self = Self(0);
    /// Every defined bit.
    pub const FD_ALL_EVENTS: Self = Self(0x03ff);

    /// Whether no bit is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the bit of `event` is set.
    #[must_use]
    pub const fn contains(self, event: NetworkEvent) -> bool {
        self.0 & event.bit().0 != 0
    }

    /// The bits that no event has.
    #[must_use]
    pub const fn undefined(self) -> Self {
        Self(self.0 & !Self::FD_ALL_EVENTS.0)
    }

    /// The defined events in the mask, in bit order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = NetworkEvent> {
        let mut left = (self & Self::FD_ALL_EVENTS).0;
        std::iter::from_fn(move || {
            let event = *NetworkEvent::ALL.get(left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(event)
        })
    }
}

impl BitOr for NetworkEvents {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for NetworkEvents {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for NetworkEvents {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for NetworkEvents {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl fmt::Display for NetworkEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("0");
        }
        for (index, event) in self.iter().enumerate() {
            let before = if index == 0 { "" } else { "|" };
            write!(f, "{before}{event}")?;
        }
        if self.undefined().is_empty() {
            return Ok(());
        }
        let before = if self.iter().next().is_none() { "" } else { "|" };
        write!(f, "{before}{:#x}", self.undefined().0)
    }
}

impl fmt::Debug for NetworkEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for NetworkEvents {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names: Vec<String> = self.iter().map(|event| event.to_string()).collect();
        let rest = self.undefined();
        names.extend(
            (0..32)
                .map(|bit| rest.0 & (1 << bit))
                .filter(|bit| *bit != 0)
                .map(|bit| format!("{bit:#x}")),
        );
        serializer.collect_seq(names)
    }
}

impl<'de> serde::Deserialize<'de> for NetworkEvents {
    /// A list of names; a bit that has none is written as its hexadecimal value, `"0x400"`.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut mask = Self::NONE;
        for name in Vec::<std::borrow::Cow<'de, str>>::deserialize(deserializer)? {
            let bit = name.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok());
            mask |= match bit {
                Some(bits) if Self(bits).undefined() == Self(bits) => Self(bits),
                _ => name.parse::<NetworkEvent>().map_err(serde::de::Error::custom)?.bit(),
            };
        }
        Ok(mask)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for NetworkEvents {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NetworkEvents".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "array",
            "items": {
                "anyOf": [{ "enum": NAMES }, { "type": "string", "pattern": "^0x[0-9a-f]+$" }],
            },
            "description": "a mask of network events: names, and bits without a name as 0x…",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::Networking::WinSock;

    #[test]
    fn bits_are_those_of_windows_sys() {
        let theirs = [
            (WinSock::FD_READ, NetworkEvents::FD_READ),
            (WinSock::FD_WRITE, NetworkEvents::FD_WRITE),
            (WinSock::FD_OOB, NetworkEvents::FD_OOB),
            (WinSock::FD_ACCEPT, NetworkEvents::FD_ACCEPT),
            (WinSock::FD_CONNECT, NetworkEvents::FD_CONNECT),
            (WinSock::FD_CLOSE, NetworkEvents::FD_CLOSE),
            (1 << WinSock::FD_QOS_BIT, NetworkEvents::FD_QOS),
            (1 << WinSock::FD_GROUP_QOS_BIT, NetworkEvents::FD_GROUP_QOS),
            (
                1 << WinSock::FD_ROUTING_INTERFACE_CHANGE_BIT,
                NetworkEvents::FD_ROUTING_INTERFACE_CHANGE,
            ),
            (1 << WinSock::FD_ADDRESS_LIST_CHANGE_BIT, NetworkEvents::FD_ADDRESS_LIST_CHANGE),
        ];
        let mut all = NetworkEvents::NONE;
        for (theirs, ours) in theirs {
            assert_eq!(theirs, ours.0, "{ours}");
            all |= ours;
        }
        assert_eq!(all, NetworkEvents::FD_ALL_EVENTS);
        assert_eq!(NetworkEvent::ALL.len(), WinSock::FD_MAX_EVENTS as usize);
    }

    #[test]
    fn the_ten_events_are_the_ten_low_bits() {
        let events = [
            ("FD_READ", 0x0001),
            ("FD_WRITE", 0x0002),
            ("FD_OOB", 0x0004),
            ("FD_ACCEPT", 0x0008),
            ("FD_CONNECT", 0x0010),
            ("FD_CLOSE", 0x0020),
            ("FD_QOS", 0x0040),
            ("FD_GROUP_QOS", 0x0080),
            ("FD_ROUTING_INTERFACE_CHANGE", 0x0100),
            ("FD_ADDRESS_LIST_CHANGE", 0x0200),
        ];
        for (bit, (name, value)) in events.into_iter().enumerate() {
            let event: NetworkEvent = name.parse().unwrap();
            assert_eq!((event as usize, event.bit().0), (bit, value), "{name}");
        }
        assert_eq!((NetworkEvent::ALL.len(), NetworkEvents::FD_ALL_EVENTS.0), (10, 0x03ff));
    }

    #[test]
    fn masks_round_trip_through_json() {
        let mask = NetworkEvents(0x421);
        assert_eq!(mask.to_string(), "FD_READ|FD_CLOSE|0x400");
        let json = serde_json::to_string(&mask).unwrap();
        assert_eq!(json, r#"["FD_READ","FD_CLOSE","0x400"]"#);
        assert_eq!(serde_json::from_str::<NetworkEvents>(&json).unwrap(), mask);
        assert!(serde_json::from_str::<NetworkEvents>(r#"["0x1"]"#).is_err(), "bit with a name");
    }
}
