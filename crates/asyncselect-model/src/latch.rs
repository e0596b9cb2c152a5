//! Whether an event is posted: the one function that decides, and the reason either way.
//!
//! Reading list: AS-REG-16 and AS-EN-01 to AS-EN-20 (when), AS-RD, AS-WR and AS-CL (which
//! condition), and the inferred model at the end of the observed facts (levels, sampled at
//! registration, at the re-enabling call, and when the condition comes to hold).
//!
//! An event of a registration is *armed* or *spent*. It is posted when it is in the mask, armed,
//! and its condition holds; posting spends it. That is all: the rest of the model says what arms,
//! and what makes conditions hold.

use asyncselect_abi::NetworkEvent;

use crate::rule::Rule;

/// Whether an event may be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Latch {
    /// It may: by a registration, or since the last re-enabling call.
    Armed,
    /// It was posted since (AS-EN-01).
    Spent,
}

/// What made the stack look at a socket's conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A registration (AS-REG-16).
    Registered,
    /// accept gave the socket its listener's registration (AS-INH-01).
    Inherited,
    /// The connection was established.
    Connected,
    /// A receive call (AS-EN-02).
    ReceiveCalled,
    /// A send call (AS-EN-03).
    SendCalled,
    /// Data arrived.
    DataArrived,
    /// The peer's end arrived.
    EndArrived,
    /// A reset arrived.
    ResetArrived,
    /// Space came back.
    SpaceArrived,
}

/// Whether there is a registration that wants the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Its mask holds the event.
    Yes,
    /// There is one, without the event.
    NotInMask,
    /// There is none.
    NoRegistration,
}

/// Whether the condition of an event holds, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Data can be received.
    Readable,
    /// A send is possible.
    Writable,
    /// The peer ended gracefully; `sent_end`: after this side had (AS-CL-04).
    Ended {
        /// Whether this side had ended its sending before.
        sent_end: bool,
    },
    /// The peer ended gracefully and data is unread, but the stack does not wait (W-083).
    EndedUnread,
    /// The peer aborted.
    Aborted,
    /// It does not hold, for this reason.
    No(Absence),
}

/// Why a condition does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Absence {
    /// Nothing is there to receive.
    NoData,
    /// This side shut its receiving down.
    ReceiveShutDown,
    /// There is no connection.
    NotConnected,
    /// There is no space in the buffers.
    NoSpace,
    /// This side shut its sending down.
    SendShutDown,
    /// The connection was reset.
    Reset,
    /// The connection is open.
    NotClosed,
    /// The peer ended, but data is unread (AS-CL-03).
    UnreadData,
    /// It was closed before the registration, and this stack does not tell (W-088).
    ClosedBefore,
}

/// Why an event was not posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// No registration (AS-CAN-01, AS-CAN-05).
    NoRegistration,
    /// The registration does not ask for it (AS-REP-01).
    NotInMask,
    /// Posted already, and not re-enabled since (AS-EN-01, AS-EN-06).
    Spent,
    /// The condition does not hold.
    Absent(Absence),
    /// It would be posted, but the window does not exist.
    NoWindow,
}

impl Guard {
    /// The rule that demands the silence.
    #[must_use]
    pub const fn rule(self, event: NetworkEvent) -> Rule {
        match self {
            Self::NoRegistration => Rule::Can01,
            Self::NotInMask => Rule::Rep01,
            Self::NoWindow => Rule::Reg09,
            Self::Spent => match event {
                NetworkEvent::Close | NetworkEvent::Connect => Rule::En06,
                NetworkEvent::Read
                | NetworkEvent::Write
                | NetworkEvent::Oob
                | NetworkEvent::Accept
                | NetworkEvent::Qos
                | NetworkEvent::GroupQos
                | NetworkEvent::RoutingInterfaceChange
                | NetworkEvent::AddressListChange => Rule::En01,
            },
            Self::Absent(absence) => match absence {
                Absence::NoData | Absence::ReceiveShutDown => Rule::Rd05,
                Absence::NotConnected => Rule::W030,
                Absence::NoSpace => Rule::Wr03,
                Absence::SendShutDown => Rule::Cl20,
                Absence::Reset => Rule::W08A,
                Absence::NotClosed | Absence::UnreadData => Rule::Cl03,
                Absence::ClosedBefore => Rule::W088,
            },
        }
    }

    /// The reason in words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::NoRegistration => "nothing is registered",
            Self::NotInMask => "not in lEvent",
            Self::NoWindow => "posted to a window that does not exist",
            Self::Spent => "posted already, no re-enabling call since",
            Self::Absent(Absence::NoData) => "no data is waiting",
            Self::Absent(Absence::ReceiveShutDown) => "receiving was shut down",
            Self::Absent(Absence::NotConnected) => "not connected",
            Self::Absent(Absence::NoSpace) => "no space in the buffers",
            Self::Absent(Absence::SendShutDown) => "sending was shut down",
            Self::Absent(Absence::Reset) => "the connection was reset",
            Self::Absent(Absence::NotClosed) => "the connection is open",
            Self::Absent(Absence::UnreadData) => "data is unread",
            Self::Absent(Absence::ClosedBefore) => "closed before the registration",
        }
    }
}

/// Posts or says why not.
///
/// # Errors
///
/// The guard that stopped the post.
pub fn decide(
    wanted: Wanted,
    latch: Latch,
    condition: Condition,
    trigger: Trigger,
) -> Result<Rule, Guard> {
    match (wanted, latch, condition) {
        // AS-CAN-01, AS-CAN-05: no registration, no message.
        (Wanted::NoRegistration, _, _) => Err(Guard::NoRegistration),
        // AS-REP-01: the last mask alone counts.
        (Wanted::NotInMask, _, _) => Err(Guard::NotInMask),
        // A condition that does not hold is the better reason even where the latch is spent.
        (Wanted::Yes, Latch::Armed | Latch::Spent, Condition::No(absence)) => {
            Err(Guard::Absent(absence))
        }
        // AS-EN-01: once, until the re-enabling call.
        (
            Wanted::Yes,
            Latch::Spent,
            Condition::Readable
            | Condition::Writable
            | Condition::Ended { .. }
            | Condition::EndedUnread
            | Condition::Aborted,
        ) => Err(Guard::Spent),
        (Wanted::Yes, Latch::Armed, Condition::Readable) => Ok(match trigger {
            // AS-RD-01: at registration; the socket accept made has just been registered.
            Trigger::Registered | Trigger::Inherited => Rule::Rd01,
            // AS-RD-03: level-triggered, a receive call looks again.
            Trigger::ReceiveCalled => Rule::Rd03,
            // AS-RD-02: on arrival.
            Trigger::DataArrived
            | Trigger::Connected
            | Trigger::SendCalled
            | Trigger::EndArrived
            | Trigger::ResetArrived
            | Trigger::SpaceArrived => Rule::Rd02,
        }),
        (Wanted::Yes, Latch::Armed, Condition::Writable) => Ok(match trigger {
            // AS-WR-01: at registration.
            Trigger::Registered => Rule::Wr01,
            // AS-WR-02: after connect or accept.
            Trigger::Connected | Trigger::Inherited => Rule::Wr02,
            // AS-WR-03: when space comes back after a send that failed for want of it.
            Trigger::SpaceArrived
            | Trigger::SendCalled
            | Trigger::ReceiveCalled
            | Trigger::DataArrived
            | Trigger::EndArrived
            | Trigger::ResetArrived => Rule::Wr03,
        }),
        (Wanted::Yes, Latch::Armed, Condition::Ended { sent_end }) => Ok(match trigger {
            // AS-CL-02: at registration.
            Trigger::Registered | Trigger::Inherited => Rule::Cl02,
            Trigger::Connected
            | Trigger::ReceiveCalled
            | Trigger::SendCalled
            | Trigger::DataArrived
            | Trigger::EndArrived
            | Trigger::ResetArrived
            | Trigger::SpaceArrived => {
                if sent_end {
                    // AS-CL-04: the peer answered this side's end.
                    Rule::Cl04
                } else {
                    // AS-CL-03: the peer ended, and everything was read.
                    Rule::Cl03
                }
            }
        }),
        // W-083: the stack does not wait for the reader.
        (Wanted::Yes, Latch::Armed, Condition::EndedUnread) => Ok(Rule::W083),
        // AS-CL-05, AS-CL-12: an abort waits for nobody.
        (Wanted::Yes, Latch::Armed, Condition::Aborted) => Ok(Rule::Cl05),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    const TRIGGERS: [Trigger; 9] = [
        Trigger::Registered,
        Trigger::Inherited,
        Trigger::Connected,
        Trigger::ReceiveCalled,
        Trigger::SendCalled,
        Trigger::DataArrived,
        Trigger::EndArrived,
        Trigger::ResetArrived,
        Trigger::SpaceArrived,
    ];

    #[test]
    fn the_whole_table() {
        let conditions = [
            Condition::Readable,
            Condition::Writable,
            Condition::Ended { sent_end: false },
            Condition::Ended { sent_end: true },
            Condition::EndedUnread,
            Condition::Aborted,
            Condition::No(Absence::NoData),
        ];
        let mut table = String::new();
        for condition in conditions {
            writeln!(table, "{condition:?}").unwrap();
            for latch in [Latch::Armed, Latch::Spent] {
                for trigger in TRIGGERS {
                    let cell = match decide(Wanted::Yes, latch, condition, trigger) {
                        Ok(rule) => format!("posts, {rule}"),
                        Err(guard) => format!("silent: {}", guard.about()),
                    };
                    let trigger = format!("{trigger:?}");
                    writeln!(table, "  {latch:5?} {trigger:14} {cell}").unwrap();
                }
            }
        }
        insta::assert_snapshot!(table);
        for wanted in [Wanted::NoRegistration, Wanted::NotInMask] {
            for condition in conditions {
                assert!(decide(wanted, Latch::Armed, condition, Trigger::Registered).is_err());
            }
        }
    }
}
