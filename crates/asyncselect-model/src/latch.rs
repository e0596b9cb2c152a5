//! Whether an event is posted: the one function that decides, and the reason either way.
//!
//! Reading list: AS-REG-16 and AS-EN-01 to AS-EN-20 (when), AS-RD, AS-WR and AS-CL (which
//! condition), and the inferred model at the end of the observed facts (levels, sampled at
//! registration, at the re-enabling call, and when the condition comes to hold).
//!
//! An event of a registration is *armed* or *spent*. It is posted when it is in the mask, armed,
//! and its condition holds; posting spends it. That is all: the rest of the model says what arms,
//! and what makes conditions hold.

use asyncselect_abi::{NetworkEvent, WsaError};

use crate::arm::works;
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
    /// AcceptEx or ConnectEx established the connection (OQ-22).
    Extended,
    /// The connect failed.
    ConnectFailed,
    /// The connect fails, with this error, before anything was sent.
    ConnectRefused(WsaError),
    /// WSAJoinLeaf has ended, with this error or with 0 (AS-CO-04).
    Joined(WsaError),
    /// A receive call (AS-EN-02).
    ReceiveCalled,
    /// A send call (AS-EN-03).
    SendCalled,
    /// accept (AS-EN-05).
    AcceptCalled,
    /// A connection can be accepted.
    ConnectionArrived,
    /// Data arrived, ordinary or urgent.
    DataArrived,
    /// The peer's end arrived.
    EndArrived,
    /// The root of its session was closed (AS-CL-25).
    RootClosed,
    /// A reset arrived.
    ResetArrived,
    /// This side has reset the connection.
    OwnReset,
    /// The connection timed out.
    TimedOut,
    /// Space came back.
    SpaceArrived,
    /// SO_OOBINLINE was changed.
    OptionSet,
    /// WSAIoctl, where it enables an event (AS-EN-07, AS-EN-08).
    IoctlCalled,
    /// The quality of service, a route or an address changed.
    Changed,
    /// CloseHandle closed the last handle.
    HandleClosed,
    /// bind on a datagram socket (AS-WR-04).
    Bound,
    /// connect on a datagram socket (AS-UDP-01).
    PeerSet,
    /// Nobody is bound where a datagram was sent (AS-UDP-07).
    Unreachable,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Self; 26] = [
        Self::Registered,
        Self::Inherited,
        Self::Connected,
        Self::Extended,
        Self::ConnectFailed,
        Self::ConnectRefused(WsaError::WSAENETUNREACH),
        Self::Joined(WsaError(0)),
        Self::Joined(WsaError::WSAECONNREFUSED),
        Self::ReceiveCalled,
        Self::SendCalled,
        Self::AcceptCalled,
        Self::ConnectionArrived,
        Self::DataArrived,
        Self::EndArrived,
        Self::RootClosed,
        Self::ResetArrived,
        Self::OwnReset,
        Self::TimedOut,
        Self::SpaceArrived,
        Self::OptionSet,
        Self::IoctlCalled,
        Self::Changed,
        Self::HandleClosed,
        Self::Bound,
        Self::PeerSet,
        Self::Unreachable,
    ];

    /// The trigger in words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Registered => "registration",
            Self::Inherited => "accept",
            Self::Connected => "connection established",
            Self::Extended => "extended call ended",
            Self::ConnectFailed => "connect failed",
            Self::ConnectRefused(_) => "connect refused at once",
            Self::Joined(_) => "WSAJoinLeaf ended",
            Self::ReceiveCalled => "receive call",
            Self::SendCalled => "send call",
            Self::AcceptCalled => "accept call",
            Self::ConnectionArrived => "connection arrived",
            Self::DataArrived => "data arrived",
            Self::EndArrived => "end arrived",
            Self::RootClosed => "root closed",
            Self::ResetArrived => "reset arrived",
            Self::OwnReset => "reset by this side",
            Self::TimedOut => "time-out",
            Self::SpaceArrived => "space came back",
            Self::OptionSet => "option set",
            Self::IoctlCalled => "ioctl call",
            Self::Changed => "change",
            Self::HandleClosed => "handle closed",
            Self::Bound => "bound",
            Self::PeerSet => "peer set",
            Self::Unreachable => "port unreachable",
        }
    }

    /// What kind of moment it is; clauses tell no more apart.
    const fn moment(self) -> Moment {
        match self {
            Self::Registered => Moment::Registered,
            Self::Inherited => Moment::Inherited,
            Self::Connected | Self::Extended | Self::Joined(_) => Moment::Connected,
            Self::ReceiveCalled | Self::SendCalled | Self::AcceptCalled | Self::IoctlCalled => {
                Moment::Called
            }
            Self::ConnectFailed
            | Self::ConnectRefused(_)
            | Self::ConnectionArrived
            | Self::DataArrived
            | Self::EndArrived
            | Self::RootClosed
            | Self::ResetArrived
            | Self::SpaceArrived
            | Self::OptionSet
            | Self::Changed
            | Self::HandleClosed
            | Self::Unreachable => Moment::Happened,
            Self::Bound => Moment::Bound,
            Self::PeerSet => Moment::PeerSet,
            Self::OwnReset | Self::TimedOut => Moment::Aborted,
        }
    }
}

/// A kind of moment at which the stack looks.
#[derive(Clone, Copy)]
enum Moment {
    /// WSAAsyncSelect.
    Registered,
    /// accept, for the new socket.
    Inherited,
    /// The connection was established.
    Connected,
    /// A re-enabling call.
    Called,
    /// Something arrived or changed.
    Happened,
    /// This side ended the connection.
    Aborted,
    /// bind.
    Bound,
    /// connect on a datagram socket.
    PeerSet,
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
    /// An urgent byte can be received.
    Urgent,
    /// A connection can be accepted.
    Acceptable,
    /// The connection is established.
    Connected,
    /// The connect failed, with this error.
    ConnectFailed(WsaError),
    /// The peer ended gracefully; `sent_end`: after this side had (AS-CL-04).
    Ended {
        /// Whether this side had ended its sending before.
        sent_end: bool,
    },
    /// The root of its session was closed, and everything was read (AS-CL-25).
    RootClosed,
    /// The peer ended gracefully and data is unread, but the stack does not wait (W-083).
    EndedUnread,
    /// The connection is gone, with this error word.
    Aborted(WsaError),
    /// The flow specification has changed.
    QosChanged,
    /// That of the group has.
    GroupQosChanged,
    /// Another interface leads to the destination, or none, as the error word says.
    RouteChanged(WsaError),
    /// The list of local addresses has changed; the error word is 0.
    AddressesChanged(WsaError),
    /// The last handle was closed, and not by closesocket (W-08E).
    HandleClosed,
    /// A receive call would tell that a port is unreachable, or the stack takes that for a
    /// closure; with this error word (OQ-16, W-095).
    Unreachable(WsaError),
    /// It does not hold, for this reason.
    No(Absence),
}

impl Condition {
    /// The high word of `lParam` (AS-MSG-02).
    #[must_use]
    pub const fn error(self) -> WsaError {
        match self {
            Self::ConnectFailed(error)
            | Self::Aborted(error)
            | Self::Unreachable(error)
            | Self::RouteChanged(error)
            | Self::AddressesChanged(error) => error,
            Self::Readable
            | Self::Writable
            | Self::Urgent
            | Self::Acceptable
            | Self::Connected
            | Self::Ended { .. }
            | Self::RootClosed
            | Self::EndedUnread
            | Self::QosChanged
            | Self::GroupQosChanged
            | Self::HandleClosed
            | Self::No(_) => WsaError(0),
        }
    }
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
    /// No urgent byte is unread.
    NoUrgent,
    /// SO_OOBINLINE: the urgent byte is ordinary data (AS-OOB-06).
    UrgentIsInline,
    /// No connection waits to be accepted.
    NoneToAccept,
    /// The connection that waits was put off by a condition function (AS-EN-22).
    Deferred,
    /// The socket does not listen.
    NotListening,
    /// It was connected before the registration, and this stack does not tell (W-031).
    ConnectedBefore,
    /// An extended call established the connection, and its end alone tells of it (OQ-22).
    Extended,
    /// WSAJoinLeaf made the socket, and its root is told (AS-CO-04).
    RootIsTold,
    /// Nothing of the kind has changed since the program heard of it last.
    Unchanged,
    /// Nobody has asked to hear of the next change (AS-EN-13).
    NotAsked,
    /// It changed before the registration, and this stack does not tell (OQ-31).
    ChangedBefore,
    /// The event is reserved, and this stack has no use for it (AS-GQ-01).
    Reserved,
    /// It changed, and this stack tells nobody (W-097, C13).
    Unreported,
    /// The last handle was closed, which tells of a closure and of nothing else (W-08F).
    HandleClosed,
    /// A datagram socket has nothing that could be closed (AS-UDP-04).
    Connectionless,
    /// connect on a datagram socket, which this stack tells senders nothing of (W-093).
    PeerSet,
    /// The datagram socket is not bound, and this stack waits until it is (OQ-08).
    Unbound,
    /// Only datagrams without a byte are unread, and this stack does not tell (OQ-16).
    OnlyEmpty,
    /// Only an error is there to receive, and this stack does not tell (OQ-16).
    OnlyAnError,
    /// A port was unreachable, which this stack took for a closure (W-095).
    LooksClosed,
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
    /// It would be posted, but posting failed (AS-Q-03).
    PostFailed,
}

impl Guard {
    /// The rule that demands the silence.
    #[must_use]
    pub const fn rule(self, event: NetworkEvent) -> Rule {
        match self {
            Self::NoRegistration => Rule::Can01,
            Self::NotInMask => Rule::Rep01,
            Self::NoWindow => Rule::Q07,
            Self::PostFailed => Rule::Q03,
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
                Absence::NoData => Rule::Rd01,
                Absence::ReceiveShutDown => Rule::Cl21,
                Absence::NotConnected => Rule::W030,
                Absence::NoSpace => Rule::Wr03,
                Absence::SendShutDown => Rule::Cl20,
                Absence::Reset => Rule::W08A,
                Absence::NotClosed | Absence::UnreadData => Rule::Cl03,
                Absence::ClosedBefore => Rule::W088,
                Absence::NoUrgent => Rule::Oob03,
                Absence::UrgentIsInline => Rule::Oob06,
                Absence::NoneToAccept => Rule::Ac02,
                Absence::Deferred => Rule::En22,
                Absence::NotListening => Rule::Ac09,
                Absence::ConnectedBefore => Rule::W031,
                Absence::Extended => Rule::Oq22,
                Absence::RootIsTold => Rule::Co04,
                Absence::Unchanged | Absence::NotAsked => match event {
                    NetworkEvent::RoutingInterfaceChange | NetworkEvent::AddressListChange => {
                        Rule::En13
                    }
                    NetworkEvent::Read
                    | NetworkEvent::Write
                    | NetworkEvent::Oob
                    | NetworkEvent::Accept
                    | NetworkEvent::Connect
                    | NetworkEvent::Close
                    | NetworkEvent::Qos
                    | NetworkEvent::GroupQos => Rule::En12,
                },
                Absence::ChangedBefore => Rule::Oq31,
                Absence::Reserved => Rule::Gq01,
                Absence::Unreported => Rule::W097,
                Absence::HandleClosed => Rule::W08E,
                Absence::Connectionless => Rule::Udp04,
                Absence::PeerSet => Rule::W093,
                Absence::Unbound => Rule::Oq08,
                Absence::OnlyEmpty | Absence::OnlyAnError => Rule::Oq16,
                Absence::LooksClosed => Rule::W095,
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
            Self::PostFailed => "posting failed",
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
            Self::Absent(Absence::NoUrgent) => "no urgent byte is waiting",
            Self::Absent(Absence::UrgentIsInline) => "the urgent byte is ordinary data",
            Self::Absent(Absence::NoneToAccept) => "no connection waits to be accepted",
            Self::Absent(Absence::Deferred) => "the connection that waits was put off",
            Self::Absent(Absence::NotListening) => "not listening",
            Self::Absent(Absence::ConnectedBefore) => "connected before the registration",
            Self::Absent(Absence::Extended) => "the end of the operation alone tells of it",
            Self::Absent(Absence::RootIsTold) => "its root is told",
            Self::Absent(Absence::Unchanged) => "nothing has changed",
            Self::Absent(Absence::NotAsked) => "nobody has asked to hear of the next change",
            Self::Absent(Absence::ChangedBefore) => "changed before the registration",
            Self::Absent(Absence::Reserved) => "the event is reserved",
            Self::Absent(Absence::Unreported) => "changes are not reported",
            Self::Absent(Absence::HandleClosed) => "the handle was closed",
            Self::Absent(Absence::Connectionless) => "a datagram socket",
            Self::Absent(Absence::PeerSet) => "connect changes nothing for senders",
            Self::Absent(Absence::Unbound) => "not bound",
            Self::Absent(Absence::OnlyEmpty) => "only empty datagrams are waiting",
            Self::Absent(Absence::OnlyAnError) => "only an error is waiting",
            Self::Absent(Absence::LooksClosed) => "a port was unreachable",
        }
    }
}

/// Posts or says why not.
///
/// # Errors
///
/// The guard that stopped the post.
#[inline]
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
            | Condition::Urgent
            | Condition::Acceptable
            | Condition::Connected
            | Condition::ConnectFailed(_)
            | Condition::Ended { .. }
            | Condition::RootClosed
            | Condition::EndedUnread
            | Condition::HandleClosed
            | Condition::Aborted(_)
            | Condition::QosChanged
            | Condition::GroupQosChanged
            | Condition::RouteChanged(_)
            | Condition::AddressesChanged(_)
            | Condition::Unreachable(_),
        ) => Err(Guard::Spent),
        (Wanted::Yes, Latch::Armed, condition) => {
            let rule = demanded_by(condition, trigger);
            // AS-EN-11: the level-triggered ones are looked at by their re-enabling calls.
            let by_level = matches!(rule, Rule::Rd03 | Rule::Oob04 | Rule::Ac03);
            if works(rule) && (works(Rule::En11) || !by_level) {
                Ok(rule)
            } else {
                Err(Guard::PostFailed)
            }
        }
    }
}

/// The clause that demands a message when a condition holds and the event is armed.
fn demanded_by(condition: Condition, trigger: Trigger) -> Rule {
    use Moment::{Aborted, Bound, Called, Connected, Happened, Inherited, PeerSet, Registered};
    match (condition, trigger.moment()) {
        // AS-RD-01: at registration; the socket accept made has just been registered.
        (Condition::Readable, Registered | Inherited) => Rule::Rd01,
        // AS-RD-03: level-triggered, a receive call looks again.
        (Condition::Readable, Called) => Rule::Rd03,
        // AS-RD-02: on arrival.
        (Condition::Readable, Connected | Happened | Aborted | Bound | PeerSet) => Rule::Rd02,
        // AS-WR-01: at registration.
        (Condition::Writable, Registered) => Rule::Wr01,
        // AS-WR-11: after ConnectEx or AcceptEx.
        (Condition::Writable, Connected) if trigger == Trigger::Extended => Rule::Wr11,
        // AS-WR-02: after connect or accept.
        (Condition::Writable, Inherited | Connected | PeerSet) => Rule::Wr02,
        // AS-WR-04: after bind, perhaps.
        (Condition::Writable, Bound) => Rule::Wr04,
        // AS-WR-03: when space comes back after a send that failed for want of it.
        (Condition::Writable, Called | Happened | Aborted) => Rule::Wr03,
        // AS-OOB-02: at registration.
        (Condition::Urgent, Registered | Inherited) => Rule::Oob02,
        // AS-OOB-04: a receive call looks again.
        (Condition::Urgent, Called) => Rule::Oob04,
        // AS-OOB-03: on arrival.
        (Condition::Urgent, Connected | Happened | Aborted | Bound | PeerSet) => Rule::Oob03,
        // AS-AC-01: at registration.
        (Condition::Acceptable, Registered | Inherited) => Rule::Ac01,
        // AS-AC-03: accept looks again.
        (Condition::Acceptable, Called) => Rule::Ac03,
        // AS-AC-02: on arrival.
        (Condition::Acceptable, Connected | Happened | Aborted | Bound | PeerSet) => Rule::Ac02,
        // AS-CO-04: whichever way it ended.
        (Condition::Connected | Condition::ConnectFailed(_), _)
            if matches!(trigger, Trigger::Joined(_)) =>
        {
            Rule::Co04
        }
        // AS-CO-01: at registration.
        (Condition::Connected, Registered | Inherited) => Rule::Co01,
        // AS-UDP-01: a datagram connect completes at once.
        (Condition::Connected, PeerSet) => Rule::Udp01,
        // AS-CO-05: when the outcome is known, good or bad.
        (Condition::Connected, Connected | Called | Happened | Aborted | Bound)
        | (Condition::ConnectFailed(_), _) => Rule::Co05,
        // AS-CL-02: at registration.
        (Condition::Ended { .. } | Condition::RootClosed, Registered | Inherited) => Rule::Cl02,
        // AS-CL-25: in the root's own machine nothing has to arrive.
        (Condition::RootClosed, Connected | Called | Happened | Aborted | Bound | PeerSet) => {
            Rule::Cl25
        }
        // AS-CL-04: the peer answered this side's end.
        (
            Condition::Ended { sent_end: true },
            Connected | Called | Happened | Aborted | Bound | PeerSet,
        ) => Rule::Cl04,
        // AS-CL-03: the peer ended, and everything was read.
        (
            Condition::Ended { sent_end: false },
            Connected | Called | Happened | Aborted | Bound | PeerSet,
        ) => Rule::Cl03,
        // W-083: the stack does not wait for the reader.
        (Condition::EndedUnread, _) => Rule::W083,
        // W-08E: the provider takes the end of its socket for the peer's.
        (Condition::HandleClosed, _) => Rule::W08E,
        // AS-CL-08: a time-out or another failure at this side.
        (Condition::Aborted(_), Aborted) => Rule::Cl08,
        // AS-CL-02: at registration.
        (Condition::Aborted(_), Registered | Inherited) => Rule::Cl02,
        // OQ-25: a connect that failed has closed nothing, but some stacks may say so.
        (Condition::Aborted(_), Happened) if trigger == Trigger::ConnectFailed => Rule::Oq25,
        // AS-CL-05, AS-CL-12: an abort waits for nobody.
        (Condition::Aborted(_), Connected | Called | Happened | Bound | PeerSet) => Rule::Cl05,
        // OQ-16.
        (Condition::Unreachable(_), _) => Rule::Oq16,
        // AS-QOS-02: at registration.
        (Condition::QosChanged, Registered | Inherited) => Rule::Qos02,
        // AS-QOS-01: on a change.
        (Condition::QosChanged, Connected | Called | Happened | Aborted | Bound | PeerSet) => {
            Rule::Qos01
        }
        // AS-GQ-01: as FD_QOS, if at all.
        (Condition::GroupQosChanged, _) => Rule::Gq01,
        // OQ-31: it changed before.
        (Condition::RouteChanged(_) | Condition::AddressesChanged(_), Registered | Inherited) => {
            Rule::Oq31
        }
        // AS-RI-04: nothing leads there any more.
        (Condition::RouteChanged(WsaError::WSAENETUNREACH), _) => Rule::Ri04,
        // AS-RI-01: on a change after the IOCTL.
        (Condition::RouteChanged(_), Connected | Called | Happened | Aborted | Bound | PeerSet) => {
            Rule::Ri01
        }
        // AS-AL-01: on a change after the IOCTL.
        (
            Condition::AddressesChanged(_),
            Connected | Called | Happened | Aborted | Bound | PeerSet,
        ) => Rule::Al01,
        (Condition::No(_), _) => unreachable!("decide has looked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn the_whole_table() {
        let conditions = [
            Condition::Readable,
            Condition::Writable,
            Condition::Ended { sent_end: false },
            Condition::Ended { sent_end: true },
            Condition::RootClosed,
            Condition::EndedUnread,
            Condition::Aborted(WsaError::WSAECONNRESET),
            Condition::Aborted(WsaError::WSAECONNABORTED),
            Condition::HandleClosed,
            Condition::Urgent,
            Condition::Acceptable,
            Condition::Connected,
            Condition::ConnectFailed(WsaError::WSAECONNREFUSED),
            Condition::Unreachable(WsaError(0)),
            Condition::QosChanged,
            Condition::GroupQosChanged,
            Condition::RouteChanged(WsaError(0)),
            Condition::RouteChanged(WsaError::WSAENETUNREACH),
            Condition::AddressesChanged(WsaError(0)),
            Condition::No(Absence::NoData),
        ];
        let mut table = String::new();
        for condition in conditions {
            writeln!(table, "{condition:?}").unwrap();
            for latch in [Latch::Armed, Latch::Spent] {
                for trigger in Trigger::ALL {
                    let cell = match decide(Wanted::Yes, latch, condition, trigger) {
                        Ok(rule) => format!("posts, {rule}"),
                        Err(guard) => format!("silent: {}", guard.about()),
                    };
                    let trigger = format!("{trigger:?}");
                    writeln!(table, "  {latch:5?} {trigger:17} {cell}").unwrap();
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
