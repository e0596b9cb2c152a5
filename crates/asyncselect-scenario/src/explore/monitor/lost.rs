//! Lost wake-ups and calls that starve: what holds, and nobody is told.

use asyncselect_abi::call::BackendCall;
use asyncselect_abi::{Call, NetworkEvent, SocketHandle};
use asyncselect_model::World;
use asyncselect_model::stream::{Arrived, Side};
use asyncselect_model::view::{ConnectionView, SocketView, Stage};

use super::{Watch, bit, connection_in};
use crate::explore::properties::Property;

impl Watch {
    /// What holds of the socket, is asked for, is enabled, and was not told.
    #[inline]
    pub(super) fn lost(&self, view: &SocketView, found: &mut impl FnMut(NetworkEvent, Property)) {
        match view.stage {
            Stage::Idle => {
                if self.connecting && self.is_due(NetworkEvent::Connect) {
                    found(NetworkEvent::Connect, self.outcome());
                }
            }
            // AS-EN-22: nothing is told while a deferred connection is the first.
            Stage::Listening { waiting, deferred } => {
                if waiting > 0 && !deferred && self.is_due(NetworkEvent::Accept) {
                    found(NetworkEvent::Accept, Property::AcceptIsTold);
                }
            }
            Stage::Connecting => {}
            Stage::Connected(connection) => self.lost_of(view, connection, found),
        }
    }

    fn is_due(&self, event: NetworkEvent) -> bool {
        self.mask & self.must & bit(event) != 0
    }

    /// The property that the outcome of a connect is told.
    fn outcome(&self) -> Property {
        if self.again { Property::ConnectIsToldAgain } else { Property::ConnectIsTold }
    }

    fn lost_of(
        &self,
        view: &SocketView,
        connection: ConnectionView,
        found: &mut impl FnMut(NetworkEvent, Property),
    ) {
        use NetworkEvent::{Close, Connect, Oob, Read, Write};
        let ConnectionView { side, arrived, unread, urgent, space } = connection;
        let open = matches!(arrived, Arrived::Open | Arrived::End);
        // OQ-15: nobody says what is told of data after SD_RECEIVE.
        if unread && !view.receive_shut && self.is_due(Read) {
            let told = if open { Property::ReadIsTold } else { Property::ReadIsToldAfterReset };
            found(Read, told);
        }
        if space && open && !view.send_shut && self.is_due(Write) {
            found(Write, Property::WriteIsTold);
        }
        if urgent && !view.oob_inline && !view.receive_shut && open && self.is_due(Oob) {
            found(Oob, Property::OobIsTold);
        }
        if side == Side::Connector && self.is_due(Connect) {
            if self.connecting {
                found(Connect, self.outcome());
            } else if arrived == Arrived::Open {
                found(Connect, Property::ConnectIsToldLate);
            }
        }
        let closed = match arrived {
            Arrived::End => !unread,
            Arrived::Reset | Arrived::EndThenReset | Arrived::TimedOut => true,
            // OQ-15: of a reset by this side nobody says that it is told.
            Arrived::Open | Arrived::OwnReset => false,
        };
        if closed && self.is_due(Close) {
            let told = if self.late { Property::CloseIsToldLate } else { Property::CloseIsTold };
            found(Close, told);
        }
    }
}

/// Whether a call waits for what is there. Asked where nothing happens by itself any more.
pub(super) fn starves(world: &World, call: &BackendCall) -> bool {
    let stage = |s: SocketHandle| Some(world.socket_of(s)?.stage);
    let connection = |s| stage(s).and_then(connection_in);
    let closed = |end: ConnectionView| end.arrived != Arrived::Open;
    let accepts = |s| matches!(stage(s), Some(Stage::Listening { waiting: 1.., .. }));
    let receives = |s| connection(s).is_some_and(|end| end.unread || closed(end));
    match call {
        Call::Accept { s } | Call::WsaAccept { s, .. } => accepts(*s),
        Call::Connect { s, .. } => connection(*s).is_some(),
        Call::Recv { s, flags, .. }
        | Call::RecvFrom { s, flags, .. }
        | Call::WsaRecv { s, flags, .. }
        | Call::WsaRecvFrom { s, flags, .. } => !flags.oob && receives(*s),
        Call::Send { s, .. }
        | Call::SendTo { s, .. }
        | Call::WsaSend { s, .. }
        | Call::WsaSendTo { s, .. } => {
            connection(*s).is_some_and(|end| end.space || end.arrived == Arrived::Reset)
        }
        Call::Select { readfds, .. } => readfds.iter().any(|s| accepts(*s) || receives(*s)),
        Call::GetMessage { hwnd, .. } => world.queue().any(|message| message.hwnd == *hwnd),
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
        | Call::DestroyWindow { .. } => false,
    }
}
