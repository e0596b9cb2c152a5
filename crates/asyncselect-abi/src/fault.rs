//! Disturbances that no call of the program under test can make.

use serde::{Deserialize, Serialize};

use crate::error::WsaError;
use crate::event::NetworkEvent;
use crate::handle::HostId;

/// A disturbance of the network or a machine; `S` is how a socket is named, `H` how a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Fault<S, H = HostId> {
    /// Nothing arrives at this socket any more, until a time-out ends its connection.
    Lose {
        /// The socket.
        toward: S,
    },
    /// What travels to this socket now or later arrives only after this time.
    Delay {
        /// The socket.
        toward: S,
        /// In milliseconds, from now.
        ms: u16,
    },
    /// The network subsystem of a machine fails (AS-REG-08).
    NetworkDown {
        /// The machine; the first one if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<H>,
    },
    /// Posting a message fails (AS-Q-03).
    PostFails {
        /// How many times in a row.
        times: u8,
    },
    /// The next message of an event carries an error, or the connect that FD_CONNECT tells of fails
    /// with it.
    EventError {
        /// The socket.
        s: S,
        /// The event.
        event: NetworkEvent,
        /// The high word of `lParam`.
        error: WsaError,
    },
    /// The flow specification of a socket changes (AS-QOS-01).
    QosChanges {
        /// The socket.
        s: S,
        /// The rate at which it may send from now on, in bytes a second.
        #[serde(rename = "TokenRate")]
        token_rate: u32,
    },
    /// The flow specification of a socket's group changes (AS-GQ-01).
    GroupQosChanges {
        /// The socket.
        s: S,
    },
    /// The list of local addresses of a machine changes (AS-AL-01).
    AddressesChange {
        /// The machine; the first one if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<H>,
    },
    /// Another interface of a machine leads to a destination from now on (AS-RI-01).
    RouteChanges {
        /// The machine; the first one if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<H>,
        /// The destination, a machine; all destinations if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<H>,
        /// Whether no interface leads there any more (AS-RI-04).
        #[serde(default, skip_serializing_if = "is_false")]
        unreachable: bool,
    },
    /// There are no descriptors: `socket` and `accept` fail with WSAEMFILE.
    NoSockets {
        /// How many times in a row.
        times: u8,
    },
    /// There is no buffer space: `socket`, `connect`, `accept`, `send` and `sendto` fail with
    /// WSAENOBUFS.
    NoBuffers {
        /// How many times in a row.
        times: u8,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl<S, H> Fault<S, H> {
    /// The same with its socket or machine translated.
    ///
    /// # Errors
    ///
    /// Those of `socket` and `host`; the field's name comes with each.
    pub fn try_map<T, I, E>(
        &self,
        mut socket: impl FnMut(&'static str, &S) -> Result<T, E>,
        mut host: impl FnMut(&'static str, &H) -> Result<I, E>,
    ) -> Result<Fault<T, I>, E> {
        Ok(match self {
            Self::Lose { toward } => Fault::Lose { toward: socket("toward", toward)? },
            Self::Delay { toward, ms } => {
                Fault::Delay { toward: socket("toward", toward)?, ms: *ms }
            }
            Self::NetworkDown { host: of } => {
                Fault::NetworkDown { host: of.as_ref().map(|of| host("host", of)).transpose()? }
            }
            Self::PostFails { times } => Fault::PostFails { times: *times },
            Self::EventError { s, event, error } => {
                Fault::EventError { s: socket("s", s)?, event: *event, error: *error }
            }
            Self::QosChanges { s, token_rate } => {
                Fault::QosChanges { s: socket("s", s)?, token_rate: *token_rate }
            }
            Self::GroupQosChanges { s } => Fault::GroupQosChanges { s: socket("s", s)? },
            Self::AddressesChange { host: of } => {
                Fault::AddressesChange { host: of.as_ref().map(|of| host("host", of)).transpose()? }
            }
            Self::RouteChanges { host: of, to, unreachable } => Fault::RouteChanges {
                host: of.as_ref().map(|of| host("host", of)).transpose()?,
                to: to.as_ref().map(|to| host("to", to)).transpose()?,
                unreachable: *unreachable,
            },
            Self::NoSockets { times } => Fault::NoSockets { times: *times },
            Self::NoBuffers { times } => Fault::NoBuffers { times: *times },
        })
    }

    /// The name in scripts.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Lose { .. } => "lose",
            Self::Delay { .. } => "delay",
            Self::NetworkDown { .. } => "network_down",
            Self::PostFails { .. } => "post_fails",
            Self::EventError { .. } => "event_error",
            Self::QosChanges { .. } => "qos_changes",
            Self::GroupQosChanges { .. } => "group_qos_changes",
            Self::AddressesChange { .. } => "addresses_change",
            Self::RouteChanges { .. } => "route_changes",
            Self::NoSockets { .. } => "no_sockets",
            Self::NoBuffers { .. } => "no_buffers",
        }
    }
}
