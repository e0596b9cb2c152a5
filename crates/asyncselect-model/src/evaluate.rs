//! Looks at a socket: which conditions hold, in which order they are told, and the posting.
//!
//! [`crate::latch`] decides whether an event is posted; here is what it decides on. Reading list:
//! sections 6 to 10 of the clause list, AS-ORD and AS-Q.

use asyncselect_abi::{NetworkEvent, NetworkEvents, WsaError};

use crate::arm::works;
use crate::chooser::Chooser;
use crate::event_mode::Recorded;
use crate::knob::{
    AcceptExWrite, CloseAfterFailedConnect, CloseAfterOwnReset, CloseWithUnread,
    CloseWithUnreadAfterShutdown, ConnectAndWrite, ConnectAtRegistration, ConnectErrorWord,
    ConnectExTells, ConnectOnAccepted, DataOnReset, DeferredAccept, EventConnectOutcome,
    FailedPost, InlineOob, OobAndRead, QueueLimit, ReadAndWrite, RegisterAfterBothEnded,
    RegisterAfterReset, ResetError, WriteAfterOwnEnd, WriteAfterReset, WriteAndClose,
};
use crate::latch::{self, Absence, Condition, Guard, Latch, Trigger, Wanted};
use crate::registration::Target;
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{SocketIx, SocketState};
use crate::stream::{Arrived, LinkIx, Side, Space};
use crate::window::{Queued, Standing, WindowIx};
use crate::world::{Context, World};

/// The messages that a thread's queue holds, if it has a limit (AS-Q-01).
const QUEUE_MAX: usize = 10_000;

/// An event that is to be posted.
#[derive(Clone, Copy)]
struct Due {
    event: NetworkEvent,
    rule: Rule,
    error: WsaError,
}

impl World {
    /// Looks at the conditions of a socket and posts what is to be posted, one message an event
    /// (AS-MSG-05).
    pub(crate) fn evaluate<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) {
        self.evaluate_among(socket, u16::MAX, trigger, cx);
    }

    /// The same of one event only, where no other can have come to hold.
    pub(crate) fn evaluate_one<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) {
        let among = u16::try_from(event.bit().0).expect("defined events have the ten low bits");
        self.evaluate_among(socket, among, trigger, cx);
    }

    #[inline]
    fn evaluate_among<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        among: u16,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) {
        // Unless somebody wants to hear of silence, only what may be posted is looked at.
        let candidates = self.socket(socket).candidates() & among;
        if candidates == 0 && !S::WANTS_SILENCE {
            return;
        }
        let mut due: [Option<Due>; NetworkEvent::ALL.len()] = Default::default();
        let mut count = 0;
        let looked_at = if S::WANTS_SILENCE { among } else { candidates };
        for event in NetworkEvents(u32::from(looked_at)).iter() {
            let this = self.socket(socket);
            let wanted = match this.registration {
                None => Wanted::NoRegistration,
                Some(registration) if registration.wants(event) => Wanted::Yes,
                Some(_) => Wanted::NotInMask,
            };
            let latch = this.latch(event);
            // What cannot be posted is looked at for its reason only, and decides nothing.
            cx.decides = wanted == Wanted::Yes && latch == Latch::Armed;
            let condition = match wanted {
                Wanted::NotInMask | Wanted::NoRegistration => Condition::No(Absence::NotConnected),
                // AS-MSG-12: not all of them mean that there is something to read.
                Wanted::Yes if !works(Rule::Msg12) => {
                    self.condition(socket, NetworkEvent::Read, trigger, cx)
                }
                Wanted::Yes => self.condition(socket, event, trigger, cx),
            };
            match latch::decide(wanted, latch, condition, trigger) {
                Ok(rule) => {
                    due[count] = Some(Due { event, rule, error: condition.error() });
                    count += 1;
                }
                Err(guard) => {
                    if let Guard::Absent(Absence::ClosedBefore | Absence::Extended) = guard {
                        // This was its moment: no later look posts it.
                        self.socket_mut(socket).spend(event);
                    }
                    if S::WANTS_SILENCE {
                        let socket = self.called(socket);
                        cx.sink.effect(Effect::Silent { socket, event, guard, trigger });
                    }
                }
            }
        }
        cx.decides = true;
        if count > 1 {
            self.order(&mut due[..count], cx);
        }
        // AS-MSG-05: the first does not stand for all.
        let count = if works(Rule::Msg05) { count } else { 1 };
        for due in &due[..count] {
            let due = due.expect("so many are due");
            self.post(socket, due, trigger, cx);
        }
    }

    /// AS-ORD-04, OQ-14: what comes to hold at once is posted in the order that the stack keeps.
    /// FD_READ before FD_CLOSE is known everywhere (AS-ORD-03, W-083).
    fn order<C: Chooser, S: Sink>(&mut self, due: &mut [Option<Due>], cx: &mut Context<'_, C, S>) {
        use NetworkEvent::{Close, Connect, Oob, Read, Write};
        let has = |event| due.iter().flatten().any(|due| due.event == event);
        let (connect, oob, read) = (has(Connect), has(Oob), has(Read));
        let (write, close) = (has(Write), has(Close));
        // AS-WR-05.
        let write_before_connect = connect
            && write
            && (self.knob::<ConnectAndWrite>(cx) == ConnectAndWrite::WriteFirst
                || !works(Rule::Wr05));
        let read_before_oob = oob && read && self.knob::<OobAndRead>(cx) == OobAndRead::ReadFirst;
        let write_before_read =
            read && write && self.knob::<ReadAndWrite>(cx) == ReadAndWrite::WriteFirst;
        let close_before_write = !write_before_read
            && write
            && close
            && self.knob::<WriteAndClose>(cx) == WriteAndClose::CloseFirst;
        let rank = |event| match event {
            Write if write_before_connect => 5,
            Connect => 10,
            Oob if read_before_oob => 25,
            Oob => 20,
            Write if write_before_read => 21,
            Read => 22,
            Close if !works(Rule::Cl19) => 0,
            Close if close_before_write => 26,
            Write => 30,
            Close => 40,
            NetworkEvent::Accept
            | NetworkEvent::Qos
            | NetworkEvent::GroupQos
            | NetworkEvent::RoutingInterfaceChange
            | NetworkEvent::AddressListChange => 50,
        };
        due.sort_by_key(|due| due.map(|due| rank(due.event)));
    }

    /// Whether the condition of an event holds for a socket.
    fn condition<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        if trigger == Trigger::HandleClosed {
            return match event {
                NetworkEvent::Close => Condition::HandleClosed,
                NetworkEvent::Read
                | NetworkEvent::Write
                | NetworkEvent::Oob
                | NetworkEvent::Accept
                | NetworkEvent::Connect
                | NetworkEvent::Qos
                | NetworkEvent::GroupQos
                | NetworkEvent::RoutingInterfaceChange
                | NetworkEvent::AddressListChange => Condition::No(Absence::HandleClosed),
            };
        }
        if self.is_datagram(socket) {
            return self.datagram_condition(socket, event, trigger, cx);
        }
        match event {
            NetworkEvent::Accept => return self.acceptable(socket, cx),
            NetworkEvent::Qos
            | NetworkEvent::GroupQos
            | NetworkEvent::RoutingInterfaceChange
            | NetworkEvent::AddressListChange => return self.noticed(socket, event, trigger, cx),
            NetworkEvent::Read
            | NetworkEvent::Write
            | NetworkEvent::Oob
            | NetworkEvent::Connect
            | NetworkEvent::Close => {}
        }
        let SocketState::Connected(link, side) = self.socket(socket).state else {
            return self.unconnected(socket, event, trigger, cx);
        };
        match event {
            NetworkEvent::Read => self.readable(socket, link, side, cx),
            NetworkEvent::Write => self.writable(socket, link, side, trigger, cx),
            NetworkEvent::Oob => self.urgent(socket, link, side, cx),
            // AS-CO-01: currently established.
            NetworkEvent::Connect
                if self.is_over(socket) && !self.outcome_outlives(socket, side, trigger, cx) =>
            {
                Condition::No(Absence::Reset)
            }
            NetworkEvent::Connect => self.connected(socket, side, trigger, cx),
            NetworkEvent::Close => self.closed(socket, link, side, trigger, cx),
            NetworkEvent::Accept
            | NetworkEvent::Qos
            | NetworkEvent::GroupQos
            | NetworkEvent::RoutingInterfaceChange
            | NetworkEvent::AddressListChange => unreachable!("answered above"),
        }
    }

    fn acceptable<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        match self.socket(socket).state {
            SocketState::Listening { .. }
                if self.streams.is_deferred(socket) && works(Rule::En22) =>
            {
                match self.knob::<DeferredAccept>(cx) {
                    // AS-EN-22: nothing is told while it is at the head.
                    DeferredAccept::TellsOfOthers if self.streams.waiting(socket) > 1 => {
                        Condition::Acceptable
                    }
                    DeferredAccept::TellsOfOthers | DeferredAccept::Silences => {
                        Condition::No(Absence::Deferred)
                    }
                }
            }
            SocketState::Listening { .. } if self.streams.waiting(socket) > 0 => {
                Condition::Acceptable
            }
            SocketState::Listening { .. } => Condition::No(Absence::NoneToAccept),
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Connecting(_)
            | SocketState::Connected(..)
            | SocketState::Datagram => Condition::No(Absence::NotListening),
        }
    }

    /// What a socket without a connection has to tell: how its connect failed, at that moment.
    fn unconnected<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        let nothing = Condition::No(Absence::NotConnected);
        let this = self.socket(socket);
        let (error, attempt) = match trigger {
            Trigger::ConnectFailed => (this.error, true),
            Trigger::ConnectRefused(error) => (error, false),
            // AS-CO-04: on the socket that it was called on, which has no connection of its own.
            Trigger::Joined(WsaError(0)) if event == NetworkEvent::Connect => {
                return Condition::Connected;
            }
            Trigger::Joined(WsaError(0)) => return nothing,
            Trigger::Joined(error) => (error, false),
            // W-036: a failure that nobody was told of. (A connect that waited has told it.)
            Trigger::Registered
                if event == NetworkEvent::Connect
                    && this.failed
                    && this.error != WsaError(0)
                    && this.told_by_event()
                    && self.knob::<EventConnectOutcome>(cx) == EventConnectOutcome::UntilTold =>
            {
                (self.socket(socket).error, false)
            }
            Trigger::Registered
            | Trigger::Inherited
            | Trigger::Connected
            | Trigger::Extended
            | Trigger::ReceiveCalled
            | Trigger::SendCalled
            | Trigger::AcceptCalled
            | Trigger::ConnectionArrived
            | Trigger::DataArrived
            | Trigger::EndArrived
            | Trigger::RootClosed
            | Trigger::ResetArrived
            | Trigger::OwnReset
            | Trigger::TimedOut
            | Trigger::SpaceArrived
            | Trigger::OptionSet
            | Trigger::IoctlCalled
            | Trigger::Changed
            | Trigger::HandleClosed
            | Trigger::Bound
            | Trigger::PeerSet
            | Trigger::Unreachable => return nothing,
        };
        if event == NetworkEvent::Connect {
            // AS-CO-05, AS-CO-07.
            Condition::ConnectFailed(match self.knob::<ConnectErrorWord>(cx) {
                ConnectErrorWord::Code => error,
                ConnectErrorWord::Zero => WsaError(0),
            })
        } else if event == NetworkEvent::Close
            && attempt
            && self.knob::<CloseAfterFailedConnect>(cx) == CloseAfterFailedConnect::Posts
        {
            // OQ-25.
            Condition::Aborted(error)
        } else {
            nothing
        }
    }

    fn readable<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        link: LinkIx,
        side: Side,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        let this = *self.socket(socket);
        // AS-RD-04, AS-RD-08: are urgent bytes data?
        let inline = if this.oob_inline { works(Rule::Rd04) } else { !works(Rule::Rd08) };
        if !self.streams.has_unread(link, side, inline) {
            // AS-RD-05, AS-CL-13: the end of the stream is not data.
            if self.streams.toward(link, side).arrived != Arrived::Open && !works(Rule::Rd05) {
                return Condition::Readable;
            }
            let absence =
                if this.receive_shut { Absence::ReceiveShutDown } else { Absence::NoData };
            return Condition::No(absence);
        }
        // OQ-24: data that survived a reset may be told of or not.
        if self.streams.toward(link, side).arrived.is_aborted()
            && self.knob::<DataOnReset>(cx) == DataOnReset::ReadableSilently
        {
            return Condition::No(Absence::Reset);
        }
        Condition::Readable
    }

    /// OQ-10: every send fails at once; does that count as possible?
    pub(crate) fn writable_after_own_end<C: Chooser, S: Sink>(
        &mut self,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        match self.knob::<WriteAfterOwnEnd>(cx) {
            WriteAfterOwnEnd::Silent => Condition::No(Absence::SendShutDown),
            WriteAfterOwnEnd::Posts => Condition::Writable,
        }
    }

    fn writable<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        link: LinkIx,
        side: Side,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        if self.socket(socket).send_shut {
            return self.writable_after_own_end(cx);
        }
        if self.streams.toward(link, side).arrived.is_aborted() {
            // W-089: whether a socket that was reset counts as writable.
            return match self.knob::<WriteAfterReset>(cx) {
                WriteAfterReset::Silent => Condition::No(Absence::Reset),
                WriteAfterReset::WhenNoticed
                    if !matches!(trigger, Trigger::Inherited | Trigger::ResetArrived) =>
                {
                    Condition::No(Absence::Reset)
                }
                WriteAfterReset::Posts | WriteAfterReset::WhenNoticed => Condition::Writable,
            };
        }
        // AS-WR-12.
        if self.streams.toward(link, side.other()).space != Space::Free && works(Rule::Wr12) {
            return Condition::No(Absence::NoSpace);
        }
        // AS-WR-11, OQ-22: does the end of an extended call tell as connect and accept do?
        let told = trigger != Trigger::Extended
            || match side {
                Side::Connector => self.knob::<ConnectExTells>(cx) != ConnectExTells::Nothing,
                Side::Acceptor => self.knob::<AcceptExWrite>(cx) == AcceptExWrite::Posts,
            };
        if !told {
            return Condition::No(Absence::Extended);
        }
        // AS-CL-18: the peer's end does not stop this side's sending.
        if !works(Rule::Cl18) && self.streams.toward(link, side).arrived == Arrived::End {
            return Condition::No(Absence::NoSpace);
        }
        Condition::Writable
    }

    fn urgent<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        link: LinkIx,
        side: Side,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        let this = *self.socket(socket);
        if !self.streams.has_urgent(link, side) {
            Condition::No(Absence::NoUrgent)
        } else if !this.oob_inline
            || self.knob::<InlineOob>(cx) == InlineOob::Posts
            || !works(Rule::Oob06)
        {
            Condition::Urgent
        } else {
            // AS-OOB-01, AS-OOB-06.
            Condition::No(Absence::UrgentIsInline)
        }
    }

    /// W-032, W-089: whether a connection that is over by now is told of all the same, since nobody
    /// was told that it was made.
    fn outcome_outlives<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        side: Side,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> bool {
        trigger == Trigger::Registered
            && side == Side::Connector
            && self.socket(socket).told_by_event()
            && self.knob::<EventConnectOutcome>(cx) == EventConnectOutcome::UntilTold
    }

    /// FD_CONNECT's condition on a connection: it tells of the moment, and perhaps to those who
    /// register later.
    fn connected<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        side: Side,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        let by_event = self.socket(socket).told_by_event();
        let told = match (trigger, side) {
            (Trigger::Connected, _) => true,
            // AS-CO-04: on its root, not here.
            (Trigger::Joined(_), _) => return Condition::No(Absence::RootIsTold),
            // OQ-22.
            (Trigger::Extended, Side::Connector) => {
                return match self.knob::<ConnectExTells>(cx) {
                    ConnectExTells::Both => Condition::Connected,
                    ConnectExTells::WriteOnly | ConnectExTells::Nothing => {
                        Condition::No(Absence::Extended)
                    }
                };
            }
            // AS-CO-01 against W-031; with event objects nobody is against it (W-032, W-047).
            (Trigger::Registered | Trigger::Inherited, Side::Connector) => {
                by_event || self.knob::<ConnectAtRegistration>(cx) == ConnectAtRegistration::Posts
            }
            // AS-CO-16, OQ-12: did connect ever succeed here?
            (Trigger::Registered | Trigger::Inherited, Side::Acceptor) => {
                self.knob::<ConnectOnAccepted>(cx) == ConnectOnAccepted::Posts
            }
            (Trigger::Extended, Side::Acceptor) => false,
            (
                Trigger::ConnectFailed
                | Trigger::ConnectRefused(_)
                | Trigger::ReceiveCalled
                | Trigger::SendCalled
                | Trigger::AcceptCalled
                | Trigger::ConnectionArrived
                | Trigger::DataArrived
                | Trigger::EndArrived
                | Trigger::RootClosed
                | Trigger::ResetArrived
                | Trigger::OwnReset
                | Trigger::TimedOut
                | Trigger::SpaceArrived
                | Trigger::OptionSet
                | Trigger::IoctlCalled
                | Trigger::Changed
                | Trigger::HandleClosed
                | Trigger::Bound
                | Trigger::PeerSet
                | Trigger::Unreachable,
                _,
            ) => false,
        };
        if told { Condition::Connected } else { Condition::No(Absence::ConnectedBefore) }
    }

    fn closed<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        link: LinkIx,
        side: Side,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        let this = *self.socket(socket);
        let arrived = self.streams.toward(link, side).arrived;
        let unread = || self.streams.has_unread(link, side, this.oob_inline);
        match arrived {
            // AS-CL-10, X-18: FIN_WAIT, where this side alone has ended, is not enough.
            Arrived::Open if this.send_shut && !works(Rule::Cl10) => {
                Condition::Ended { sent_end: true }
            }
            Arrived::Open => Condition::No(Absence::NotClosed),
            // AS-CL-12.
            Arrived::Reset | Arrived::EndThenReset | Arrived::OwnReset | Arrived::TimedOut
                if !works(Rule::Cl12) && unread() =>
            {
                Condition::No(Absence::UnreadData)
            }
            Arrived::End => {
                let unread = unread();
                let condition = self.ended(this.send_shut, unread, trigger, cx);
                let by_root =
                    matches!(condition, Condition::Ended { .. }) && self.is_orphan(socket);
                if by_root { Condition::RootClosed } else { condition }
            }
            // C8, W-088: some stacks do not tell a window of a reset that came before.
            Arrived::Reset | Arrived::EndThenReset
                if trigger == Trigger::Registered
                    && !this.told_by_event()
                    && self.knob::<RegisterAfterReset>(cx) == RegisterAfterReset::Silent =>
            {
                Condition::No(Absence::ClosedBefore)
            }
            // AS-CL-05, AS-CL-07 against W-088.
            Arrived::Reset | Arrived::EndThenReset => {
                Condition::Aborted(match self.knob::<ResetError>(cx) {
                    ResetError::ConnReset if !works(Rule::Cl07) => WsaError(0),
                    ResetError::ConnReset => WsaError::WSAECONNRESET,
                    ResetError::ConnAborted => WsaError::WSAECONNABORTED,
                    ResetError::Zero => WsaError(0),
                })
            }
            // OQ-15: does a side that resets learn of it?
            Arrived::OwnReset => match self.knob::<CloseAfterOwnReset>(cx) {
                CloseAfterOwnReset::Silent => Condition::No(Absence::ReceiveShutDown),
                CloseAfterOwnReset::Posts => Condition::Aborted(WsaError::WSAECONNABORTED),
            },
            // AS-CL-08.
            Arrived::TimedOut => Condition::Aborted(WsaError::WSAECONNABORTED),
        }
    }

    /// FD_CLOSE's condition after the peer's graceful end.
    fn ended<C: Chooser, S: Sink>(
        &mut self,
        sent_end: bool,
        unread: bool,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        if unread {
            // AS-CL-03, AS-CL-04 against W-083: does the end wait until all data was read?
            let waits = if sent_end {
                self.knob::<CloseWithUnreadAfterShutdown>(cx)
                    == CloseWithUnreadAfterShutdown::AfterDrain
            } else {
                self.knob::<CloseWithUnread>(cx) == CloseWithUnread::AfterDrain
            };
            // AS-ORD-03.
            let waits = waits && works(Rule::Ord03);
            return if waits { Condition::No(Absence::UnreadData) } else { Condition::EndedUnread };
        }
        // AS-CL-02: some stacks tell a registration only of an end that left one direction open.
        if sent_end
            && trigger == Trigger::Registered
            && self.knob::<RegisterAfterBothEnded>(cx) == RegisterAfterBothEnded::Silent
        {
            return Condition::No(Absence::ClosedBefore);
        }
        Condition::Ended { sent_end }
    }

    fn post<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        due: Due,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) {
        let Due { event, rule, error } = due;
        let registration =
            self.socket(socket).registration.expect("only a registration wants an event");
        let (window, message) = match registration.target {
            Target::Window { window, message } => (window, message),
            Target::Event(object) => {
                let error = self.told_error(socket, event, error);
                let recorded = Recorded { event, error, rule, trigger };
                return self.record(socket, object, recorded, cx);
            }
        };
        let posted = match window {
            // A stack that does not look at windows, or whose window was destroyed.
            None => Err((Guard::NoWindow, FailedPost::Lost)),
            Some(window) if self.post_succeeds(socket, window, cx) => Ok(window),
            // OQ-17, AS-Q-03.
            Some(_) => Err((Guard::PostFailed, self.knob::<FailedPost>(cx))),
        };
        match posted {
            Ok(window) => {
                // AS-EN-01, AS-EN-06: spent until the re-enabling call, if there is one.
                if works(Guard::Spent.rule(event)) {
                    self.socket_mut(socket).spend(event);
                }
                let error = self.told_error(socket, event, error);
                // AS-MSG-02.
                let error = if works(Rule::Msg02) { error } else { WsaError(0) };
                // AS-REP-07, X-04: a message is all.
                if !works(Rule::Rep07) {
                    self.add_to_record(socket, event, error);
                }
                let standing = Standing::Current;
                let socket = self.wparam(socket, registration, cx);
                let host = self.socket(registration.descriptor).host;
                let queued = Queued { window, socket, event, standing, message, error };
                if self.more.provider.slow.has(host) {
                    self.more.get_mut().provider.posting.push(queued);
                } else if works(Rule::Spi03) {
                    // AS-SPI-03: what is sent goes past the queue.
                    self.windows.queue.push(queued);
                }
                cx.sink.effect(Effect::Post { message: queued.message(), rule, trigger });
            }
            Err((guard, becomes)) => {
                match becomes {
                    // AS-Q-03: it may stay armed, for nothing was posted.
                    FailedPost::StaysArmed if works(Rule::Q03) => {}
                    FailedPost::StaysArmed | FailedPost::Lost => {
                        self.socket_mut(socket).spend(event);
                        if event >= NetworkEvent::Qos {
                            self.told(socket, event);
                        }
                    }
                }
                if S::WANTS_SILENCE {
                    let socket = self.called(socket);
                    cx.sink.effect(Effect::Silent { socket, event, guard, trigger });
                }
            }
        }
    }

    /// The error that an event is told with: what a script wants, just once. A change that is told
    /// is told (AS-EN-12, AS-EN-13).
    fn told_error(&mut self, socket: SocketIx, event: NetworkEvent, error: WsaError) -> WsaError {
        if event >= NetworkEvent::Qos {
            self.told(socket, event);
        }
        let error = self.take_injected(socket, event).unwrap_or(error);
        // AS-MSG-08: also one behind the last that the tables list.
        let is_listed = error.0 <= WsaError::WSAECONNREFUSED.0;
        if is_listed || works(Rule::Msg08) { error } else { WsaError(0) }
    }

    /// Whether PostMessage, or the provider's upcall for it, puts a message into the queue of a
    /// window (AS-SPI-01).
    fn post_succeeds<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        window: WindowIx,
        cx: &mut Context<'_, C, S>,
    ) -> bool {
        // AS-SPI-05: each process has its own table.
        let registration = self.socket(socket).registration.expect("what posts is registered");
        let fails = self.faults.upcall.has(self.socket(registration.descriptor).host);
        // AS-SPI-02: only through the table.
        if fails && works(Rule::Spi02) {
            return false;
        }
        if let Some(left) = self.faults.posts.checked_sub(1) {
            self.faults.posts = left;
            // AS-Q-06, or for another reason.
            return !works(Rule::Q06);
        }
        self.has_room(window, cx)
    }

    /// Whether the queue of a window's thread takes one more (AS-Q-01, AS-Q-02).
    pub(crate) fn has_room<C: Chooser, S: Sink>(
        &mut self,
        window: WindowIx,
        cx: &mut Context<'_, C, S>,
    ) -> bool {
        if self.windows.queue.len() < QUEUE_MAX {
            return true;
        }
        // Each thread's queue has its own limit.
        let thread = self.windows.owner(window).expect("who posts has found the window");
        self.windows.queued_for(thread) < QUEUE_MAX
            || self.knob::<QueueLimit>(cx) == QueueLimit::Unlimited
            || !works(Rule::Q01)
    }
}
