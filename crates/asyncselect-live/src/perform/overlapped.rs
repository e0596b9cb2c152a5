//! Calls with an `OVERLAPPED` structure: which operation each event object stands for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use asyncselect_abi::call::WireCall;
use asyncselect_abi::protocol::WireReply;
use asyncselect_abi::{Call, Data, EventHandle, WsaError};

use super::{reply, within_limit};
use crate::refusal::{LEN_MAX, Refusal};
use crate::sys::Observed;
use crate::sys::overlapped::{self as sys, Operation};

/// The last operation of each structure, by the event object in it; results may be asked for again.
static OPERATIONS: Mutex<BTreeMap<EventHandle, Arc<Operation>>> = Mutex::new(BTreeMap::new());

/// The time between two looks at operations.
const NAP: Duration = Duration::from_micros(200);

fn table<T>(with: impl FnOnce(&mut BTreeMap<EventHandle, Arc<Operation>>) -> T) -> T {
    with(&mut OPERATIONS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// How many operations have not ended.
pub(crate) fn running() -> usize {
    table(|all| all.values().filter(|operation| !operation.has_ended()).count())
}

/// Waits until fewer than so many run, and says whether that came in time.
pub(crate) fn fewer_run(than: usize, end: Instant) -> bool {
    loop {
        if running() < than {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(NAP);
    }
}

/// Forgets all of them: those that have not ended keep their memory for ever.
pub(crate) fn clear() {
    table(BTreeMap::clear);
}

/// Makes one of the calls that this file is about.
pub(super) fn perform(call: WireCall) -> Result<WireReply, Refusal> {
    Ok(match call {
        Call::WsaRecv { s, len, flags, overlapped: None } => {
            reply(sys::wsa_recv(s, buffer_len(len)?, flags, false), received)
        }
        Call::WsaRecvFrom { s, len, flags, overlapped: None } => {
            reply(sys::wsa_recv(s, buffer_len(len)?, flags, true), received)
        }
        Call::WsaSend { s, data, flags, overlapped: None } => {
            reply(sys::wsa_send(s, &mut within_limit(&data)?, flags, None), count)
        }
        Call::WsaSendTo { s, data, to, flags, overlapped: None } => {
            reply(sys::wsa_send(s, &mut within_limit(&data)?, flags, Some(to)), count)
        }
        Call::WsaRecv { s, len, flags, overlapped: Some(event) } => {
            start(event, vec![0; buffer_len(len)?], true, |operation| {
                sys::start_receive(s, operation, flags, false)
            })?
        }
        Call::WsaRecvFrom { s, len, flags, overlapped: Some(event) } => {
            start(event, vec![0; buffer_len(len)?], true, |operation| {
                sys::start_receive(s, operation, flags, true)
            })?
        }
        Call::WsaSend { s, data, flags, overlapped: Some(event) } => {
            start(event, within_limit(&data)?, false, |operation| {
                sys::start_send(s, operation, flags, None)
            })?
        }
        Call::WsaSendTo { s, data, to, flags, overlapped: Some(event) } => {
            start(event, within_limit(&data)?, false, |operation| {
                sys::start_send(s, operation, flags, Some(to))
            })?
        }
        Call::AcceptEx { s, accept, overlapped: event } => {
            let buffer = vec![0; sys::ACCEPT_BUFFER_LEN];
            start(event, buffer, false, |operation| sys::accept_ex(s, accept, operation))?
        }
        Call::ConnectEx { s, name, overlapped: event } => {
            start(event, Vec::new(), false, |operation| sys::connect_ex(s, name, operation))?
        }
        Call::WsaGetOverlappedResult { s, overlapped: event, wait } => {
            let found = table(|all| all.get(&event).cloned());
            let operation = found.ok_or(Refusal::NoOperation(event))?;
            let ended = sys::wsa_get_overlapped_result(s, &operation, wait);
            reply(ended, |transferred| ended_with(&operation, transferred))
        }
        Call::WsaAccept { s, condition } => reply(sys::wsa_accept(s, condition), WireReply::Socket),
        other => unreachable!("{} is not about operations", other.name()),
    })
}

/// Starts an operation on the structure of an event object. One that has begun or ended stays in
/// the table until the next.
fn start(
    event: EventHandle,
    buffer: Vec<u8>,
    receives: bool,
    call: impl FnOnce(&Operation) -> Observed<u32>,
) -> Result<WireReply, Refusal> {
    if table(|all| all.get(&event).is_some_and(|operation| !operation.has_ended())) {
        return Err(Refusal::OperationRuns(event));
    }
    let operation = Operation::new(event, buffer, receives);
    // In the table before it begins: settling meanwhile must know.
    table(|all| all.insert(event, Arc::clone(&operation)));
    let started = call(&operation);
    if let Err(error) = started
        && error != WsaError::WSA_IO_PENDING
    {
        table(|all| all.remove(&event));
    }
    Ok(reply(started, |transferred| ended_with(&operation, transferred)))
}

fn ended_with(operation: &Operation, transferred: u32) -> WireReply {
    operation.received(transferred).map_or_else(|| count(transferred), received)
}

fn received(bytes: Vec<u8>) -> WireReply {
    WireReply::Data(Data::describe(&bytes))
}

fn count(transferred: u32) -> WireReply {
    WireReply::Value(i64::from(transferred))
}

fn buffer_len(len: u32) -> Result<usize, Refusal> {
    match usize::try_from(len) {
        Ok(len) if len <= LEN_MAX => Ok(len),
        _ => Err(Refusal::TooLong(len as usize)),
    }
}
