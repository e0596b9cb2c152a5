//! One [`WireCall`], one API call, one [`WireReply`]: no retries, no interpretation, and no helpful
//! waits but one ([`Rest`]).

use asyncselect_abi::call::{IoctlCommand, Repeat, SocketOption, WireCall};
use asyncselect_abi::protocol::{Returned, WireReply};
use asyncselect_abi::{Call, Data, Family, Hwnd, SelectReply};

use crate::refusal::{LEN_MAX, Refusal};
use crate::sys::{self, Observed, ReceiveBuffer, events};
use crate::{fence, flow};

pub(crate) mod overlapped;

/// The `wParam` of the message that ends a `GetMessage` of which nobody wants the answer. No socket
/// has this value: handles are even.
pub(crate) const END_OF_WAIT: u64 = 0x5eed_5eed;

/// What became of a call and its repetitions: replies of the stack, or why it was not made.
pub(crate) type Performed = Result<Vec<Returned>, Refusal>;

/// Makes `call` as often as it is to be made, on the current thread; new sockets are of `family`.
pub(crate) fn perform_all(call: &WireCall, repeat: Repeat, family: Family) -> Performed {
    let until = match repeat {
        Repeat::Times(_) => None,
        Repeat::Until { error, .. } => Some(WireReply::Error(error.0)),
    };
    let mut returns = Vec::new();
    let mut rest = Rest::default();
    for _ in 0..repeat.max() {
        if until.is_some() {
            rest.before(call);
        }
        let reply = perform(call.clone(), family)?;
        let last = Some(&reply) == until.as_ref();
        Returned::push(&mut returns, reply);
        if last {
            break;
        }
    }
    Ok(returns)
}

/// The wait of a script that sends until the buffers are full, which means full for good: bytes
/// that move, or are acknowledged, after the send that failed make FD_WRITE due at once.
///
/// Measured on Linux 6.18: the acknowledgement of a third of the sender's buffer came 43 ms after
/// its bytes had arrived.
#[derive(Default)]
struct Rest {
    /// The socket was full, and no late acknowledgement has changed that.
    over: bool,
}

impl Rest {
    /// Where a send may be the one that fails, gives late acknowledgements their time.
    fn before(&mut self, call: &WireCall) {
        let (Call::Send { s, .. }
        | Call::SendTo { s, .. }
        | Call::WsaSend { s, .. }
        | Call::WsaSendTo { s, .. }) = call
        else {
            return;
        };
        let at_most_ms = if self.over { 0 } else { flow::ACKNOWLEDGED_MS };
        // Looking re-enables nothing: AS-EN-02 lists what does.
        let writable = sys::select(&[], &[*s], &[], at_most_ms);
        self.over = writable != Ok(1);
    }
}

/// Makes `call` once.
fn perform(call: WireCall, family: Family) -> Result<WireReply, Refusal> {
    Ok(match call {
        Call::WsaStartup { version } => reply(sys::wsa_startup(version).map(|()| 0), number),
        Call::WsaCleanup {} => reply(sys::wsa_cleanup(), number),
        Call::Socket { kind } => reply(sys::socket(family, kind), WireReply::Socket),
        Call::Bind { s, name } => reply(sys::bind(s, name), number),
        Call::Listen { s, backlog } => reply(sys::listen(s, backlog), number),
        Call::Connect { s, name } => reply(sys::connect(s, name), number),
        Call::Accept { s } => reply(sys::accept(s), WireReply::Socket),
        Call::Send { s, data, flags } => reply(sys::send(s, &within_limit(&data)?, flags), number),
        Call::SendTo { s, data, to, flags } => {
            reply(sys::sendto(s, &within_limit(&data)?, flags, to), number)
        }
        Call::Recv { s, len, flags } => receive(len, |buffer| sys::recv(s, buffer, len, flags))?,
        Call::RecvFrom { s, len, flags } => {
            receive(len, |buffer| sys::recvfrom(s, buffer, len, flags))?
        }
        Call::Shutdown { s, how } => reply(sys::shutdown(s, how), number),
        Call::CloseSocket { s } => reply(sys::closesocket(s), number),
        // They write more than the one number that ioctlsocket has room for.
        Call::IoctlSocket {
            cmd:
                IoctlCommand::SIO_GET_QOS
                | IoctlCommand::SIO_GET_GROUP_QOS
                | IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE
                | IoctlCommand::SIO_ADDRESS_LIST_CHANGE,
            ..
        } => return Err(Refusal::NotMade("ioctlsocket with a command of WSAIoctl")),
        Call::IoctlSocket { s, cmd, argp } => {
            reply(sys::ioctlsocket(s, cmd, argp), |(status, value)| match cmd {
                IoctlCommand::FIONBIO => number(status),
                _ => WireReply::Value(i64::from(value)),
            })
        }
        Call::SetSockOpt { s, optval: SocketOption::UpdateAcceptContext(listener) } => {
            reply(sys::overlapped::update_accept_context(s, listener), number)
        }
        Call::SetSockOpt { s, optval: SocketOption::UpdateConnectContext {} } => {
            reply(sys::overlapped::update_connect_context(s), number)
        }
        Call::SetSockOpt { s, optval } => reply(sys::setsockopt(s, optval), number),
        Call::GetSockOpt { s, optname } => {
            reply(sys::getsockopt(s, optname), |value| WireReply::Value(i64::from(value)))
        }
        Call::GetSockName { s } => reply(sys::getsockname(s), WireReply::Address),
        Call::GetPeerName { s } => reply(sys::getpeername(s), WireReply::Address),
        Call::Select { readfds, writefds, exceptfds, timeout_ms } => {
            let longest = readfds.len().max(writefds.len()).max(exceptfds.len());
            if longest > sys::SELECT_LEN_MAX {
                return Err(Refusal::TooManySockets(longest));
            }
            reply(sys::select(&readfds, &writefds, &exceptfds, timeout_ms), number)
        }
        Call::WsaAsyncSelect { wmsg, .. } if wmsg == fence::MESSAGE => {
            return Err(Refusal::FenceNumber(wmsg.0));
        }
        Call::WsaAsyncSelect { s, hwnd, wmsg, levent } => {
            reply(sys::wsa_async_select(s, hwnd, wmsg, levent), number)
        }
        Call::WspAsyncSelect { .. }
        | Call::WspIoctl { .. }
        | Call::WspStartup { .. }
        | Call::WspCleanup {}
        | Call::WspCancelBlockingCall {}
        | Call::ReadFile { .. }
        | Call::WriteFile { .. } => return Err(Refusal::NoProviderEntry),
        // AS-HK-04: they are not there under version 2.
        Call::WsaCancelBlockingCall {} | Call::WsaIsBlocking {} => {
            return Err(Refusal::NotMade(call.name()));
        }
        Call::GetMessage { hwnd, min, max } => return get_message(hwnd, min.0, max.0),
        Call::CloseHandle { s } => reply(sys::close_handle(s), number),
        Call::WsaDuplicateSocket { s } => reply(sys::wsa_duplicate_socket(s), WireReply::Socket),
        Call::WsaCreateEvent {} => reply(events::wsa_create_event(), WireReply::Event),
        Call::WsaCloseEvent { event } => reply(events::wsa_close_event(event), number),
        Call::WsaResetEvent { event } => reply(events::wsa_reset_event(event), number),
        Call::WsaEventSelect { s, event, levent } => {
            reply(events::wsa_event_select(s, event, levent), number)
        }
        Call::WsaEnumNetworkEvents { s, event } => {
            reply(events::wsa_enum_network_events(s, event), WireReply::NetworkEvents)
        }
        Call::WsaWaitForMultipleEvents { events: awaited, all, timeout_ms } => {
            let waited = events::wsa_wait_for_multiple_events(&awaited, all, timeout_ms);
            reply(waited, |place| WireReply::Value(i64::from(place)))
        }
        Call::WsaRecv { .. }
        | Call::WsaRecvFrom { .. }
        | Call::WsaSend { .. }
        | Call::WsaSendTo { .. }
        | Call::WsaGetOverlappedResult { .. }
        | Call::WsaAccept { .. }
        | Call::AcceptEx { .. }
        | Call::ConnectEx { .. } => return overlapped::perform(call),
        Call::WsaJoinLeaf { .. } => return Err(Refusal::NotMade(call.name())),
        Call::WsaIoctl { s, cmd, argp, destination } => {
            let destination = destination.flatten();
            reply(sys::wsa_ioctl(s, cmd, argp, destination), |value| {
                WireReply::Value(i64::from(value))
            })
        }
        Call::CreateWindow {} => reply(sys::create_window(), WireReply::Window),
        Call::PostMessage { message, .. } if message == fence::MESSAGE => {
            return Err(Refusal::FenceNumber(message.0));
        }
        // Of a null handle it would be another call, to a queue that is nobody's of the script.
        Call::PostMessage { hwnd: Hwnd(0), .. } => return Err(Refusal::NotMade("PostMessage")),
        Call::PostMessage { hwnd, message, socket, reply: lparam } => {
            let lparam = SelectReply::from(lparam).to_lparam();
            reply(sys::post_message(hwnd, message.0, socket.0, lparam), number)
        }
        Call::DestroyWindow { hwnd } => reply(sys::destroy_window(hwnd), number),
    })
}

/// The first message of the filter that is the script's.
fn get_message(hwnd: Hwnd, min: u32, max: u32) -> Result<WireReply, Refusal> {
    if min > max {
        return Err(Refusal::EmptyFilter { min, max });
    }
    if min == fence::MESSAGE.0 && max == min {
        return Err(Refusal::FenceNumber(min));
    }
    loop {
        match sys::get_message(hwnd, min, max) {
            Ok(message) if message.message == fence::MESSAGE.0 => {}
            Ok(message) if message.wparam == END_OF_WAIT => return Err(Refusal::WaitEnded),
            Ok(message) => return Ok(WireReply::Message(message)),
            Err(error) => return Ok(WireReply::Error(error.0)),
        }
    }
}

fn reply<T>(observed: Observed<T>, good: impl FnOnce(T) -> WireReply) -> WireReply {
    match observed {
        Ok(value) => good(value),
        Err(error) => WireReply::Error(error.0),
    }
}

fn number(value: i32) -> WireReply {
    WireReply::Value(i64::from(value))
}

fn receive(
    len: i32,
    call: impl FnOnce(&mut ReceiveBuffer) -> Observed<i32>,
) -> Result<WireReply, Refusal> {
    match usize::try_from(len) {
        Ok(len) if len > LEN_MAX => return Err(Refusal::TooLong(len)),
        _ => {}
    }
    let mut buffer = ReceiveBuffer::for_len(len).ok_or(Refusal::NoAddressSpace)?;
    let received = call(&mut buffer);
    Ok(reply(received, |count| WireReply::Data(Data::describe(buffer.filled(count)))))
}

fn within_limit(data: &Data) -> Result<Vec<u8>, Refusal> {
    if data.len() > LEN_MAX {
        return Err(Refusal::TooLong(data.len()));
    }
    Ok(data.to_bytes())
}
