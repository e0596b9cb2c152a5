//! Message numbers, `lParam`, and the message as the window gets it (AS-MSG-01 to AS-MSG-05).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::WsaError;
use crate::event::{NetworkEvent, NetworkEvents};
use crate::handle::{Hwnd, SocketHandle};
use crate::text::{UnknownName, serde_as_text};

/// A window message number, the `wMsg` of a registration.
///
/// Spelled `WM_NULL`, `WM_USER+n`, `WM_APP+n`, else in hexadecimal; every number has one spelling.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[doc(alias = "wMsg")]
pub struct MessageId(pub u32);

impl MessageId {
    /// `WM_NULL`, the number in the documented cancellation (AS-CAN-01).
    pub const WM_NULL: Self = Self(0);
    /// The first number free for a window class.
    pub const WM_USER: Self = Self(0x0400);
    /// The first number free for an application.
    pub const WM_APP: Self = Self(0x8000);
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("WM_NULL"),
            number @ 0x0400..0x8000 => write!(f, "WM_USER+{}", number - Self::WM_USER.0),
            number @ 0x8000..0xc000 => write!(f, "WM_APP+{}", number - Self::WM_APP.0),
            number => write!(f, "{number:#x}"),
        }
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let above =
            |base: Self, digits: &str| Some(Self(base.0.checked_add(digits.parse().ok()?)?));
        let id = if text == "WM_NULL" {
            Some(Self::WM_NULL)
        } else if let Some(digits) = text.strip_prefix("WM_USER+") {
            above(Self::WM_USER, digits)
        } else if let Some(digits) = text.strip_prefix("WM_APP+") {
            above(Self::WM_APP, digits)
        } else {
            text.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok()).map(Self)
        };
        id.filter(|id| id.to_string() == text).ok_or_else(|| UnknownName {
            kind: "message number (WM_NULL, WM_USER+n, WM_APP+n, or 0x… for others)",
            found: text.to_owned(),
            known: &[],
        })
    }
}

serde_as_text!(
    MessageId,
    "^(WM_NULL|WM_USER\\+[0-9]+|WM_APP\\+[0-9]+|0x[0-9a-f]+)$",
    "a window message number"
);

/// The `lParam` of a notification: event in the low word, error in the high word (AS-MSG-02).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SelectReply {
    /// `WSAGETSELECTEVENT(lParam)`: the raw word; conforming stacks set exactly one bit.
    pub event: u16,
    /// `WSAGETSELECTERROR(lParam)`: 0 for none.
    pub error: WsaError,
}

impl SelectReply {
    /// What a stack posts for `event`: the header's `WSAMAKESELECTREPLY` (AS-MSG-04).
    #[must_use]
    pub fn new(event: NetworkEvent, error: WsaError) -> Self {
        Self { event: 1 << event as u16, error }
    }

    /// `WSAGETSELECTEVENT` and `WSAGETSELECTERROR` (AS-MSG-03), both unsigned (AS-MSG-11).
    #[must_use]
    pub fn from_lparam(lparam: u32) -> Self {
        let [low, high] = [lparam & 0xffff, lparam >> 16];
        let word = |half: u32| u16::try_from(half).expect("half of 32 bits fits 16");
        Self { event: word(low), error: WsaError(word(high)) }
    }

    /// The number that travels in the message.
    #[must_use]
    pub fn to_lparam(self) -> u32 {
        u32::from(self.event) | u32::from(self.error.0) << 16
    }

    /// The one event of the low word, if it is just one that exists.
    #[must_use]
    pub fn network_event(self) -> Option<NetworkEvent> {
        NetworkEvent::from_code(self.event)
    }
}

/// The `lParam` of a message that a program posts itself, as if a stack had: what
/// `WSAMAKESELECTREPLY` makes of the two (AS-MSG-04).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OwnReply {
    /// The low word.
    pub event: NetworkEvent,
    /// The high word; 0 if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<WsaError>,
}

impl From<OwnReply> for SelectReply {
    fn from(OwnReply { event, error }: OwnReply) -> Self {
        Self::new(event, error.unwrap_or_default())
    }
}

/// A message as it was taken from a queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PostedMessage {
    /// The window it was posted to.
    pub hwnd: Hwnd,
    /// Its number.
    pub message: MessageId,
    /// `wParam`: the socket (AS-MSG-01).
    pub socket: SocketHandle,
    /// `lParam`, taken apart.
    pub reply: SelectReply,
}

/// What `WSAEnumNetworkEvents` filled in: its `WSANETWORKEVENTS`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[doc(alias = "WSANETWORKEVENTS")]
pub struct EventRecord {
    /// `lNetworkEvents`: what was recorded.
    pub events: NetworkEvents,
    /// `iErrorCode`; only the entries of recorded events mean something (AS-MSG-10).
    pub errors: [WsaError; NetworkEvent::ALL.len()],
}

impl EventRecord {
    /// Adds an event with its error, 0 for none.
    pub fn record(&mut self, event: NetworkEvent, error: WsaError) {
        self.events |= event.bit();
        self.errors[event as usize] = error;
    }

    /// The recorded events with their errors, in bit order.
    pub fn iter(&self) -> impl Iterator<Item = (NetworkEvent, WsaError)> + '_ {
        let recorded = |event: &NetworkEvent| !(self.events & event.bit()).is_empty();
        let with_error = |event: NetworkEvent| (event, self.errors[event as usize]);
        NetworkEvent::ALL.into_iter().filter(recorded).map(with_error)
    }

    /// The same without what entries of other events happen to hold.
    #[must_use]
    pub fn meant(&self) -> Self {
        let mut meant = Self { events: self.events, ..Self::default() };
        for (event, error) in self.iter() {
            meant.record(event, error);
        }
        meant
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::UI::WindowsAndMessaging;

    #[test]
    fn every_number_has_one_spelling() {
        for number in [0, 1, 0x3ff, 0x400, 0x401, 0x7fff, 0x8000, 0xbfff, 0xc000, u32::MAX] {
            let id = MessageId(number);
            assert_eq!(id.to_string().parse(), Ok(id), "{id}");
        }
        for other in ["0x401", "WM_USER+040", "WM_USER+31744", "1025", "WM_USER", "WM_PAINT"] {
            assert!(other.parse::<MessageId>().is_err(), "{other}");
        }
        assert_eq!(MessageId::WM_USER.0, WindowsAndMessaging::WM_USER);
        assert_eq!(MessageId::WM_APP.0, WindowsAndMessaging::WM_APP);
        assert_eq!(MessageId::WM_NULL.0, WindowsAndMessaging::WM_NULL);
    }

    #[test]
    fn lparam_words_are_unsigned() {
        let reply = SelectReply::new(NetworkEvent::Close, WsaError::WSATRY_AGAIN);
        assert_eq!(reply.to_lparam(), 0x2afa_0020);
        assert_eq!(SelectReply::from_lparam(0x2afa_0020), reply);
        assert_eq!(SelectReply::from_lparam(u32::MAX).error, WsaError(0xffff));
        assert_eq!(SelectReply::from_lparam(3).network_event(), None, "two bits are no event");
    }

    #[test]
    fn a_stack_packs_event_and_error() {
        // MAKELONG(event, error).
        let reply = SelectReply::new(NetworkEvent::Connect, WsaError::WSAECONNREFUSED);
        assert_eq!(reply.to_lparam(), 10061 << 16 | 0x10);
        assert_eq!(SelectReply::new(NetworkEvent::Read, WsaError(0)).to_lparam(), 1);
    }
}
