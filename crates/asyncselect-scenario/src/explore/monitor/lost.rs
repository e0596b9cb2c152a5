//! Lost wake-ups and calls that starve: what holds, and nobody is told.

use asyncselect_abi::call::BackendCall;
use asyncselect_abi::{Call, NetworkEvent, SocketHandle, ThreadId};
use asyncselect_model::stream::{Arrived, Side};
use asyncselect_model::view::{ConnectionView, SocketView, Stage};
use asyncselect_model::{KnobId, World};

use super::{Late, Lost, Watch, bit, connection_in, queues};
use crate::explore::properties::{Property, holds_in};

impl Watch {
    /// What holds of the socket, is asked for, is enabled, and was not told.
    #[inline]
    pub(super) fn lost(&self, view: &SocketView, world: &World, found: &mut impl FnMut(Lost<'_>)) {
        match view.stage {
            Stage::Idle => {
                if self.connecting && self.is_due(NetworkEvent::Connect) {
                    self.outcome(false, world, found);
                }
            }
            // AS-EN-22: nothing is told while a deferred connection is the first.
            Stage::Listening { waiting, deferred } => {
                if waiting > 0 && !deferred && self.is_due(NetworkEvent::Accept) {
                    let by = |knob, _: &str| match knob {
                        KnobId::FailedAcceptRearms => self.ignored,
                        knob => self.keeps(knob, NetworkEvent::Accept),
                    };
                    tell(found, NetworkEvent::Accept, Property::AcceptIsTold, &by);
                }
            }
            Stage::Connecting => {}
            // OQ-15: nobody says what is told after SD_RECEIVE.
            Stage::Datagram(datagrams) => {
                if datagrams.unread
                    && !datagrams.closed
                    && !view.receive_shut
                    && self.is_due(NetworkEvent::Read)
                {
                    let by = |knob, _: &str| self.keeps(knob, NetworkEvent::Read);
                    tell(found, NetworkEvent::Read, Property::ReadIsTold, &by);
                }
                if datagrams.bound
                    && !datagrams.closed
                    && !view.send_shut
                    && self.is_due(NetworkEvent::Write)
                {
                    let by = |knob, _: &str| self.keeps(knob, NetworkEvent::Write);
                    tell(found, NetworkEvent::Write, Property::WriteIsTold, &by);
                }
            }
            Stage::Connected(connection) => self.lost_of(view, connection, world, found),
        }
    }

    fn is_due(&self, event: NetworkEvent) -> bool {
        self.mask & self.must & bit(event) != 0
    }

    /// Whether the latch was kept by a registration anew.
    fn keeps(&self, knob: KnobId, event: NetworkEvent) -> bool {
        knob == KnobId::Reregister && self.kept & bit(event) != 0
    }

    /// The outcome of a connect is not told.
    fn outcome(&self, succeeded: bool, world: &World, found: &mut impl FnMut(Lost<'_>)) {
        let property =
            if self.again { Property::ConnectIsToldAgain } else { Property::ConnectIsTold };
        let untold = |value: &str| value == "silent" || value == "on_success" && !succeeded;
        let holds = |value: &&str| holds_in(world, KnobId::ConnectAgain, value);
        let by = |knob, value: &str| match knob {
            KnobId::ConnectAgain => untold(value),
            KnobId::ConnectExTells => self.extended,
            // A latch that was kept is also one that the connect did not arm.
            knob => {
                let connect_again = ["silent", "on_success"].into_iter().find(holds);
                self.keeps(knob, NetworkEvent::Connect) && connect_again.is_some_and(untold)
            }
        };
        tell(found, NetworkEvent::Connect, property, &by);
    }

    fn lost_of(
        &self,
        view: &SocketView,
        connection: ConnectionView,
        world: &World,
        found: &mut impl FnMut(Lost<'_>),
    ) {
        use NetworkEvent::{Close, Connect, Oob, Read, Write};
        let ConnectionView { side, arrived, unread, urgent, space } = connection;
        let open = matches!(arrived, Arrived::Open | Arrived::End);
        // OQ-15: nobody says what is told of data after SD_RECEIVE.
        if unread && !view.receive_shut && self.is_due(Read) {
            let told = if open { Property::ReadIsTold } else { Property::ReadIsToldAfterReset };
            let by = |knob, _: &str| knob == KnobId::DataOnReset || self.keeps(knob, Read);
            tell(found, Read, told, &by);
        }
        if space && open && !view.send_shut && self.is_due(Write) {
            tell(found, Write, Property::WriteIsTold, &|knob, _| match knob {
                KnobId::ConnectExTells => self.early && self.extended && side == Side::Connector,
                // Who was registered first was connected by AcceptEx.
                KnobId::AcceptExWrite => self.early && side == Side::Acceptor,
                knob => self.keeps(knob, Write),
            });
        }
        if urgent && !view.oob_inline && !view.receive_shut && open && self.is_due(Oob) {
            tell(found, Oob, Property::OobIsTold, &|knob, _| self.keeps(knob, Oob));
        }
        if side == Side::Connector && self.is_due(Connect) {
            if self.connecting {
                self.outcome(true, world, found);
            } else if arrived == Arrived::Open {
                let by = |knob, _: &str| {
                    knob == KnobId::ConnectAtRegistration || self.keeps(knob, Connect)
                };
                tell(found, Connect, Property::ConnectIsToldLate, &by);
            }
        }
        let closed = match arrived {
            Arrived::End => !unread,
            Arrived::Reset | Arrived::EndThenReset | Arrived::TimedOut => true,
            // OQ-15: of a reset by this side nobody says that it is told.
            Arrived::Open | Arrived::OwnReset => false,
        };
        if closed && self.is_due(Close) {
            let told = match self.late {
                Late::No => Property::CloseIsTold,
                Late::Closed | Late::BothEnded | Late::Reset => Property::CloseIsToldLate,
            };
            tell(found, Close, told, &|knob, _| match knob {
                KnobId::RegisterAfterReset => self.late == Late::Reset,
                KnobId::RegisterAfterBothEnded => self.late == Late::BothEnded,
                knob => self.keeps(knob, Close),
            });
        }
    }
}

fn tell(
    found: &mut impl FnMut(Lost<'_>),
    event: NetworkEvent,
    property: Property,
    explained: &dyn Fn(KnobId, &str) -> bool,
) {
    found(Lost { event, property, explained });
}

/// Whether a call waits for what is there. Asked where nothing happens by itself any more.
pub(super) fn starves(world: &World, thread: ThreadId, call: &BackendCall) -> bool {
    let stage = |s: SocketHandle| Some(world.socket_of(s)?.stage);
    let connection = |s| stage(s).and_then(connection_in);
    let closed = |end: ConnectionView| end.arrived != Arrived::Open;
    let accepts = |s| matches!(stage(s), Some(Stage::Listening { waiting: 1.., .. }));
    let receives = |s| match stage(s) {
        Some(Stage::Datagram(datagrams)) => datagrams.returns,
        Some(_) | None => connection(s).is_some_and(|end| end.unread || closed(end)),
    };
    match call {
        Call::Accept { s } | Call::WsaAccept { s, .. } => accepts(*s),
        Call::Connect { s, .. } => connection(*s).is_some(),
        Call::Recv { s, flags, .. }
        | Call::RecvFrom { s, flags, .. }
        | Call::WsaRecv { s, flags, .. }
        | Call::WsaRecvFrom { s, flags, .. } => !flags.oob && receives(*s),
        Call::ReadFile { s, .. } => receives(*s),
        Call::Send { s, .. }
        | Call::SendTo { s, .. }
        | Call::WsaSend { s, .. }
        | Call::WsaSendTo { s, .. }
        | Call::WriteFile { s, .. } => {
            connection(*s).is_some_and(|end| end.space || end.arrived == Arrived::Reset)
        }
        Call::Select { readfds, .. } => readfds.iter().any(|s| accepts(*s) || receives(*s)),
        Call::GetMessage { hwnd, min, max } => {
            let filter = queues::filter_of(thread, *hwnd, (*min, *max));
            world.queue().any(|message| queues::admits(world, &filter, &message))
        }
        // None of these waits.
        Call::WsaStartup { .. }
        | Call::WsaCleanup {}
        | Call::Socket { .. }
        | Call::Bind { .. }
        | Call::Listen { .. }
        | Call::Shutdown { .. }
        | Call::CloseSocket { .. }
        | Call::IoctlSocket { .. }
        | Call::SetSockOpt { .. }
        | Call::GetSockOpt { .. }
        | Call::GetSockName { .. }
        | Call::GetPeerName { .. }
        | Call::WsaAsyncSelect { .. }
        | Call::WspAsyncSelect { .. }
        | Call::WspIoctl { .. }
        | Call::WspStartup { .. }
        | Call::WspCleanup {}
        | Call::WspCancelBlockingCall {}
        | Call::WsaCancelBlockingCall {}
        | Call::WsaIsBlocking {}
        | Call::CloseHandle { .. }
        | Call::WsaDuplicateSocket { .. }
        | Call::WsaCreateEvent {}
        | Call::WsaCloseEvent { .. }
        | Call::WsaResetEvent { .. }
        | Call::WsaEventSelect { .. }
        | Call::WsaEnumNetworkEvents { .. }
        | Call::WsaWaitForMultipleEvents { .. }
        // What its operation waits for, it does not tell.
        | Call::WsaGetOverlappedResult { .. }
        | Call::AcceptEx { .. }
        | Call::ConnectEx { .. }
        | Call::WsaJoinLeaf { .. }
        | Call::WsaIoctl { .. }
        | Call::CreateWindow {}
        | Call::PostMessage { .. }
        | Call::DestroyWindow { .. } => false,
    }
}
