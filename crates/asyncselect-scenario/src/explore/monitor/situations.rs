//! What is worth reaching: each situation that makes a program stumble.

use asyncselect_abi::{Call, NetworkEvent, WsaError};
use asyncselect_model::World;
use asyncselect_model::latch::Trigger;
use asyncselect_model::sink::Standing;
use asyncselect_model::stream::Arrived;
use asyncselect_model::view::{SocketView, Stage};

use super::{Happened, connection_of, queues};
use crate::explore::properties::Property;
use crate::explore::search::Marks;

/// Those of a step.
pub(super) fn of_step(happened: &Happened<'_>) -> Marks {
    use Property as P;
    let Happened { before, after, seen, .. } = happened;
    let call = happened.call.map(|(_, call)| call);
    let mut marks = 0;
    let mut reached = |holds: bool, property: Property| {
        if holds {
            marks |= property.mark();
        }
    };
    if let Some((message, standing)) = seen.retrieved {
        reached(standing == Standing::Stale, P::StaleRetrieved);
        reached(standing == Standing::Orphaned, P::OrphanRetrieved);
        let gone = message.event == NetworkEvent::Read
            && standing == Standing::Current
            && connection_of(after, message.socket).is_some_and(|connection| !connection.unread);
        reached(gone, P::Spurious);
    }
    if let Some(reset) = seen.reset {
        let unread = connection_of(before, reset).is_some_and(|connection| connection.unread);
        reached(unread, P::ResetWithUnread);
    }
    reached(seen.posts.len() > 1, P::Several);
    for (message, trigger) in &seen.posts {
        let of = |event, by| message.event == event && *trigger == by;
        reached(of(NetworkEvent::Write, Trigger::SpaceArrived), P::WriteAfterSpace);
        reached(of(NetworkEvent::Read, Trigger::Inherited), P::DataBeforeAccept);
        reached(of(NetworkEvent::Close, Trigger::ReceiveCalled), P::CloseByReader);
        reached(of(NetworkEvent::Read, Trigger::ReceiveCalled), P::ReadAgain);
        let peeks = matches!(
            call,
            Some(Call::Recv { flags, .. } | Call::RecvFrom { flags, .. }) if flags.peek
        );
        reached(peeks && of(NetworkEvent::Read, Trigger::ReceiveCalled), P::ReadAgainByPeek);
        reached(of(NetworkEvent::Accept, Trigger::AcceptCalled), P::AcceptAgain);
        let failed = message.error != WsaError(0);
        reached(failed && message.event == NetworkEvent::Connect, P::Refused);
        reached(failed && message.event == NetworkEvent::Close, P::CloseWithError);
    }
    match (call, seen.result()) {
        (Some(_), None) => reached(true, P::Waits),
        (Some(Call::Send { s, .. }), Some(Ok(_))) => {
            let ended = connection_of(after, *s).is_some_and(|end| end.arrived == Arrived::End);
            reached(ended, P::HalfClosed);
        }
        (Some(Call::Send { .. }), Some(Err(WsaError::WSAEWOULDBLOCK))) => {
            reached(true, P::WouldBlock);
        }
        (Some(Call::Recv { .. } | Call::RecvFrom { .. }), Some(Err(WsaError::WSAEMSGSIZE))) => {
            reached(true, P::CutOff);
        }
        (None | Some(_), _) => {}
    }
    marks
}

/// Those of a state.
pub(super) fn of_state(world: &World) -> Marks {
    let mut marks = 0;
    if queues::may_be_full(world) {
        marks |= Property::QueueFull.mark();
    }
    // A full queue is of one registration, mostly.
    let mut windows = world.queue().take(64).map(|message| message.hwnd);
    if let Some(first) = windows.next()
        && windows.any(|other| other != first)
    {
        marks |= Property::TwoWindows.mark();
    }
    // Few have, and views of all sockets take their time.
    if !world.has_ended() {
        return marks;
    }
    let waits = |view: SocketView| match view.stage {
        Stage::Connected(end) => end.arrived == Arrived::End && end.unread,
        Stage::Idle | Stage::Listening { .. } | Stage::Connecting | Stage::Datagram(_) => false,
    };
    if world.sockets().any(waits) {
        marks |= Property::CloseWaits.mark();
    }
    marks
}
