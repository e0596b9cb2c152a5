//! Queues against what was put into them: nothing is lost, nothing overtakes.

use asyncselect_abi::{Call, Hwnd, MessageId, PumpFilter, SocketHandle, ThreadId, Value};
use asyncselect_model::World;
use asyncselect_model::sink::Message;
use asyncselect_model::world::THREADS_MAX;

use super::Happened;
use crate::explore::properties::{Broken, Property};

/// The messages that a queue holds by default (AS-Q-01).
const QUEUE_MAX: usize = 10_000;

/// Whether queues give what they got, in its order. Who asks for some messages only may get one
/// before others (AS-ORD-02), but the first of those.
pub(super) fn judge(happened: &Happened<'_>, broken: &mut Broken<'_>) {
    let Happened { before, after, call, looked, seen, .. } = happened;
    let (old, new) = (before.queue(), after.queue());
    let filter = looked.or(match call {
        Some((thread, Call::GetMessage { hwnd, min, max })) => {
            Some(filter_of(*thread, *hwnd, (*min, *max)))
        }
        Some(_) | None => None,
    });
    if let Some(filter) = filter {
        let first = before.queue().position(|message| admits(before, &filter, &message));
        let holds = match (first, &seen.retrieved) {
            (Some(first), Some((message, _))) if filter.remove => {
                let others = before.queue().take(first).chain(before.queue().skip(first + 1));
                before.queue().nth(first) == Some(*message) && others.eq(new)
            }
            // A look leaves the message where it is.
            (Some(first), Some((message, _))) => {
                before.queue().nth(first) == Some(*message) && old.eq(new)
            }
            (None, None) => old.eq(new),
            (Some(_), None) | (None, Some(_)) => false,
        };
        return broken.unless(holds, Property::FirstInFirstOut);
    }
    let posts = seen.posts.iter().map(|(message, _)| *message);
    if old.len() + posts.len() == new.len() && old.chain(posts).eq(new) {
        return;
    }
    let left = |goes: &dyn Fn(&Message) -> bool| {
        let posts = seen.posts.iter().map(|(message, _)| *message);
        let stays = before.queue().filter(|message| !goes(message));
        seen.retrieved.is_none() && stays.chain(posts).eq(after.queue())
    };
    let of_socket = |s: SocketHandle| left(&|message| message.socket == s);
    match call {
        // AS-Q-07: with a window its messages go.
        Some((_, Call::DestroyWindow { hwnd })) => {
            let holds = left(&|message| message.hwnd == *hwnd);
            broken.unless(holds, Property::FirstInFirstOut);
        }
        // X-21, AS-CLS-05: with the last WSACleanup of a machine those of its sockets may.
        Some((thread, Call::WsaCleanup {})) if seen.result() == Some(Ok(Value::Int(0))) => {
            let here = Some(after.host_of(*thread));
            let holds = left(&|message| after.host_of_handle(message.socket) == here);
            broken.unless(holds, Property::FirstInFirstOut);
        }
        // AS-CAN-03, AS-CLS-02: those of a registration that ended, where a knob says so.
        Some((
            _,
            Call::WsaAsyncSelect { s, .. }
            | Call::WspAsyncSelect { s, .. }
            | Call::CloseSocket { s }
            | Call::Shutdown { s, .. },
        )) => {
            broken.unless_as(false, Property::FirstInFirstOut, |_, _| of_socket(*s));
        }
        Some(_) | None => broken.by(Property::FirstInFirstOut),
    }
}

/// What GetMessage looks for; a null window is any, two zeros are any number.
pub(super) fn filter_of(
    thread: ThreadId,
    hwnd: Hwnd,
    (min, max): (MessageId, MessageId),
) -> PumpFilter {
    let any = (min, max) == (MessageId(0), MessageId(0));
    PumpFilter {
        thread,
        hwnd: (hwnd != Hwnd(0)).then_some(hwnd),
        range: (!any).then_some((min, max)),
        remove: true,
    }
}

/// Whether a thread that looks so finds a message (AS-ORD-02, AS-ORD-05).
pub(super) fn admits(world: &World, filter: &PumpFilter, message: &Message) -> bool {
    let PumpFilter { thread, hwnd, range, remove: _ } = filter;
    hwnd.is_none_or(|hwnd| hwnd == message.hwnd)
        && range.is_none_or(|(min, max)| (min..=max).contains(&message.message))
        && world.thread_of(message.hwnd) == Some(*thread)
}

/// Whether some queue may hold all that it can.
pub(super) fn may_be_full(world: &World) -> bool {
    world.queue().len() >= QUEUE_MAX
}

/// Whether the queue of a window's thread holds all that it can (AS-Q-01: each thread has its own).
pub(super) fn is_full(world: &World, hwnd: Hwnd) -> bool {
    let thread = world.thread_of(hwnd);
    let of_it = |message: &Message| world.thread_of(message.hwnd) == thread;
    may_be_full(world) && world.queue().filter(of_it).count() >= QUEUE_MAX
}

/// Whether no queue holds more than it can.
pub(super) fn hold_no_more_than_they_may(world: &World) -> bool {
    if world.queue().len() <= QUEUE_MAX {
        return true;
    }
    let mut counts = [0; THREADS_MAX];
    for ThreadId(thread) in world.queue().filter_map(|message| world.thread_of(message.hwnd)) {
        counts[usize::from(thread)] += 1;
    }
    counts.iter().all(|count| *count <= QUEUE_MAX)
}
