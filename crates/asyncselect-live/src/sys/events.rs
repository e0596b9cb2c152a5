//! The calls of event mode.

use std::ptr;

use asyncselect_abi::protocol::WireRecord;
use asyncselect_abi::{EventHandle, NetworkEvents, SocketHandle};
use windows_sys::Win32::Foundation;
use windows_sys::Win32::Networking::WinSock;

use super::{Observed, checked, last_wsa_error, raw};

fn raw_event(event: EventHandle) -> WinSock::WSAEVENT {
    usize::try_from(event.0).unwrap_or(usize::MAX).cast_signed()
}

/// The value of a call that answers TRUE or FALSE.
fn checked_bool(answer: i32) -> Observed<i32> {
    match answer {
        0 => Err(last_wsa_error()),
        answer => Ok(answer),
    }
}

pub(crate) fn wsa_create_event() -> Observed<EventHandle> {
    // SAFETY: takes nothing; the handle is a number to us, not a resource.
    let event = unsafe { WinSock::WSACreateEvent() };
    if event == WinSock::WSA_INVALID_EVENT {
        return Err(last_wsa_error());
    }
    Ok(EventHandle(event.cast_unsigned() as u64))
}

pub(crate) fn wsa_close_event(event: EventHandle) -> Observed<i32> {
    // SAFETY: takes a number only. The session passes only event objects that the script has, and
    // values that no handle has.
    checked_bool(unsafe { WinSock::WSACloseEvent(raw_event(event)) })
}

pub(crate) fn wsa_reset_event(event: EventHandle) -> Observed<i32> {
    // SAFETY: as in `wsa_close_event`.
    checked_bool(unsafe { WinSock::WSAResetEvent(raw_event(event)) })
}

/// Ends the waits of others on an event object.
pub(crate) fn wsa_set_event(event: EventHandle) -> Observed<i32> {
    // SAFETY: as in `wsa_close_event`.
    checked_bool(unsafe { WinSock::WSASetEvent(raw_event(event)) })
}

pub(crate) fn wsa_event_select(
    s: SocketHandle,
    event: EventHandle,
    levent: NetworkEvents,
) -> Observed<i32> {
    let levent = levent.0.cast_signed();
    // SAFETY: takes numbers only; the API checks the handles.
    checked(unsafe { WinSock::WSAEventSelect(raw(s), raw_event(event), levent) })
}

pub(crate) fn wsa_enum_network_events(s: SocketHandle, event: EventHandle) -> Observed<WireRecord> {
    let mut record = WinSock::WSANETWORKEVENTS::default();
    // SAFETY: `record` is valid for writes during the call; the API checks the handles.
    checked(unsafe { WinSock::WSAEnumNetworkEvents(raw(s), raw_event(event), &raw mut record) })?;
    Ok(WireRecord {
        events: record.lNetworkEvents.cast_unsigned(),
        // What entries of other events hold may be any number (AS-MSG-10).
        errors: record.iErrorCode.map(|code| u16::try_from(code).unwrap_or(u16::MAX)),
    })
}

/// The place of the event object that is set, or 258 for a time-out.
pub(crate) fn wsa_wait_for_multiple_events(
    events: &[EventHandle],
    all: bool,
    timeout_ms: u32,
) -> Observed<u32> {
    let handles: Vec<Foundation::HANDLE> =
        events.iter().map(|event| raw_event(*event) as Foundation::HANDLE).collect();
    let count = u32::try_from(handles.len()).unwrap_or(u32::MAX);
    let start = if handles.is_empty() { ptr::null() } else { handles.as_ptr() };
    let all = i32::from(all);
    // SAFETY: `start` is valid for reads of `count` handles; none are read where there are none.
    let place = unsafe { WinSock::WSAWaitForMultipleEvents(count, start, all, timeout_ms, 0) };
    if place == WinSock::WSA_WAIT_FAILED {
        return Err(last_wsa_error());
    }
    Ok(place)
}
