//! Queues against what was put into them: nothing is lost, nothing overtakes.

use asyncselect_abi::{Call, Hwnd, MessageId, OwnReply, PumpFilter, SocketHandle, ThreadId, Value};
use asyncselect_model::World;
use asyncselect_model::sink::Message;
use asyncselect_model::world::THREADS_MAX;

use super::Happened;
use crate::explore::properties::{Broken, Property};

/// The messages that a queue holds by default (AS-Q-01).
const QUEUE_MAX: usize = 10_000;

/// Whether queues give what they got, in its order. Who asks for some messages only may get one
/// before others (AS-ORD-02), but the first of those. A message whose upcall takes its time is in
/// its queue when that has returned (AS-SPI-01).
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
        let holds = holds && before.upcalls().eq(after.upcalls());
        return broken.unless(holds, Property::FirstInFirstOut);
    }
    // What the program posts itself stands behind all others.
    if let Some((_, Call::PostMessage { hwnd, message, socket, reply })) = call
        && seen.result() == Some(Ok(Value::Int(1)))
    {
        let OwnReply { event, error } = *reply;
        let (message, socket, error) = (*message, *socket, error.unwrap_or_default());
        let own = Message { hwnd: *hwnd, message, socket, event, error };
        let holds = seen.posts.is_empty()
            && before.queue().chain([own]).eq(new)
            && before.upcalls().eq(after.upcalls());
        return broken.unless(holds, Property::FirstInFirstOut);
    }
    // Mostly nothing has to do with queues.
    let silent = seen.posts.is_empty() && seen.retrieved.is_none();
    if silent && before.has_queues_of(after) {
        return;
    }
    let none = |_: &Message| false;
    if keeps(happened, |_, _| false, none) || upcall_returns(happened) {
        return;
    }
    let socket = |s: SocketHandle| before.first_descriptor(s);
    match call {
        // AS-Q-07: with a window its messages go.
        Some((_, Call::DestroyWindow { hwnd })) => {
            let of_it = |message: &Message| message.hwnd == *hwnd;
            let holds = keeps(happened, |message, _| of_it(message), of_it);
            broken.unless(holds, Property::FirstInFirstOut);
        }
        // X-21, AS-CLS-05: with the last WSACleanup of a machine those of its sockets may.
        Some((thread, Call::WsaCleanup {} | Call::WspCleanup {}))
            if seen.result() == Some(Ok(Value::Int(0))) =>
        {
            let here = Some(after.host_of(*thread));
            let of_it = |message: &Message| before.host_of_handle(message.socket) == here;
            let holds = keeps(happened, |message, own| !own && of_it(message), of_it);
            broken.unless(holds, Property::FirstInFirstOut);
        }
        // AS-CAN-03, AS-CLS-02: those of a registration that ended, where a knob says so, whichever
        // descriptor they name (OQ-19). What has left for its queue nobody takes back.
        Some((
            _,
            Call::WsaAsyncSelect { s, .. }
            | Call::WspAsyncSelect { s, .. }
            | Call::WsaEventSelect { s, .. }
            | Call::CloseSocket { s }
            | Call::CloseHandle { s }
            | Call::Shutdown { s, .. },
        )) => {
            let of_it = |message: &Message| socket(message.socket) == socket(*s);
            let explained = keeps(happened, |message, own| !own && of_it(message), none);
            broken.unless_as(false, Property::FirstInFirstOut, |_, _| explained);
        }
        Some(_) | None => broken.by(Property::FirstInFirstOut),
    }
}

/// Whether queues and upcalls under way are what they were without those that go, and behind that
/// what was posted, each message in one of them. `goes` hears of each whether it is the program's
/// own.
fn keeps(
    happened: &Happened<'_>,
    goes: impl Fn(&Message, bool) -> bool,
    is_revoked: impl Fn(&Message) -> bool,
) -> bool {
    let Happened { before, after, seen, .. } = happened;
    let (mut queue, mut upcalls) = (after.queue().peekable(), after.upcalls());
    let stays = before.queue().zip(before.queued_by_program());
    let stays = stays.filter(|(message, own)| !goes(message, *own)).map(|(message, _)| message);
    let goes_on = before.upcalls().filter(|message| !is_revoked(message));
    let mut posts = seen.posts.iter();
    seen.retrieved.is_none()
        && stays.into_iter().all(|message| queue.next() == Some(message))
        && goes_on.into_iter().all(|message| upcalls.next() == Some(message))
        && posts.all(|(post, _)| {
            queue.next_if_eq(post).is_some() || upcalls.next().as_ref() == Some(post)
        })
        && queue.next().is_none()
        && upcalls.next().is_none()
}

/// Whether the upcall returned that was made first, and nothing else happened.
fn upcall_returns(happened: &Happened<'_>) -> bool {
    let Happened { before, after, call, seen, .. } = happened;
    let mut upcalls = before.upcalls();
    let Some(first) = upcalls.next() else { return false };
    call.is_none()
        && seen.posts.is_empty()
        && upcalls.eq(after.upcalls())
        && before.queue().chain([first]).eq(after.queue())
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
