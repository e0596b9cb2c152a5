//! The calls: who may make them, whether they wait, when they return.
//!
//! What each answers, and what it does to latches and to the network, is in the files below this.

use asyncselect_abi::call::{BackendCall, Condition, MsgFlags};
use asyncselect_abi::{Call, HostId, Literal, LiteralId, SocketHandle, ThreadId, Value, WsaError};

use crate::arm::works;
use crate::chooser::Chooser;
use crate::knob::{BeforeStartup, SoErrorAfterConnect};
use crate::registration::{Aim, Request};
use crate::rule::Rule;
use crate::sink::Sink;
use crate::socket::{SocketIx, SocketState};
use crate::stream::{Arrived, Space};
use crate::world::{Context, ModelError, PendingCall, Refusal, World};

mod connecting;
mod datagrams;
mod event_objects;
mod lifecycle;
mod messages;
mod multipoint;
mod notices;
mod options;
mod overlapped;
mod provider;
mod readiness;
mod receiving;
mod sending;

/// Whether a call may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It may.
    Blocking,
    /// It has waited, and may go on.
    Waited,
    /// It fails with WSAEWOULDBLOCK instead (AS-NB-09).
    NonBlocking,
}

/// How a call ended, if it did.
enum Progress {
    /// It returns this.
    Done(Result<Value, Refusal>),
    /// It waits for this.
    Waits(PendingCall),
}

type Outcome = Result<Progress, ModelError>;

/// An error without a clause of its own.
fn fails(error: WsaError) -> Outcome {
    Ok(Progress::Done(Err(Refusal::plain(error))))
}

fn fails_by(error: WsaError, rule: Rule) -> Outcome {
    Ok(Progress::Done(Err(Refusal::by(error, rule))))
}

fn succeeds() -> Outcome {
    Ok(Progress::Done(Ok(Value::Int(0))))
}

fn unsupported(call: &'static str, what: &'static str) -> Outcome {
    Err(ModelError::new(call, what))
}

fn counted(bytes: u32) -> Outcome {
    Ok(Progress::Done(Ok(Value::Int(i64::from(bytes)))))
}

impl World {
    /// Makes a call: it returns at once, or its thread waits.
    pub(crate) fn call<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        call: &BackendCall,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let slot = usize::from(thread.0);
        let host = self.host_of(thread);
        cx.caller = host;
        match self.pending.get(slot) {
            Some(PendingCall::None) => {}
            // AS-HK-01, AS-REG-10, X-02: a call from the blocking hook.
            Some(waits)
                if self.faults.winsock_1.has(host) && waits.is_winsock() && is_winsock(call) =>
            {
                let nested = self.call_from_hook(thread, call)?;
                if is_of_provider(call) {
                    self.returned_by_provider(thread, &nested, cx);
                } else {
                    Self::returned(cx, thread, &nested);
                }
                return Ok(());
            }
            Some(_) | None => {
                return Err(ModelError::new(call.name(), "a thread that is busy or one too many"));
            }
        }
        let handle = call.socket().copied();
        // a provider cannot know of WSAStartup, so nothing is checked before.
        if let Some(result) = self.provider_call(host, call, cx)? {
            self.returned_by_provider(thread, &result, cx);
            return Ok(());
        }
        let outcome = match self.refuse_early(host, (call, handle), cx) {
            Some(refusal) => Ok(Progress::Done(Err(refusal))),
            None => self.dispatch((host, thread), (call, handle), cx),
        };
        match &outcome {
            Ok(progress) => {
                self.finish(thread, progress, cx);
                Ok(())
            }
            Err(error) => Err(*error),
        }
    }

    /// The call returns, or its thread waits from here on.
    fn finish<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        progress: &Progress,
        cx: &mut Context<'_, C, S>,
    ) {
        match progress {
            Progress::Done(result) => Self::returned(cx, thread, result),
            // AS-HK-06: where there is no hook the call waits all the same.
            Progress::Waits(_)
                if !works(Rule::Hk06) && self.more.provider.no_hook.has(self.host_of(thread)) =>
            {
                let refusal = Refusal::plain(WsaError::WSAEWOULDBLOCK);
                Self::returned(cx, thread, &Err(refusal));
            }
            Progress::Waits(pending) => self.pending[usize::from(thread.0)] = *pending,
        }
    }

    /// Checks that Ws2_32 makes before any call: AS-REG-07, AS-REG-11.
    fn refuse_early<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        (call, socket): (&BackendCall, Option<SocketHandle>),
        cx: &mut Context<'_, C, S>,
    ) -> Option<Refusal> {
        // These work before WSAStartup.
        if let Call::WsaStartup { .. }
        | Call::WspStartup { .. }
        | Call::CreateWindow {}
        | Call::GetMessage { .. }
        | Call::PostMessage { .. }
        | Call::DestroyWindow { .. } = call
        {
            return None;
        }
        // AS-HK-02: inside a callback too.
        if !works(Rule::Hk02) && self.is_posting(host) {
            return Some(Refusal::plain(WsaError::WSAEINPROGRESS));
        }
        let not_initialised = Refusal::by(WsaError::WSANOTINITIALISED, Rule::Reg07);
        let not_a_socket = Refusal::by(WsaError::WSAENOTSOCK, Rule::Reg11);
        match (self.startups[usize::from(host.0)], socket) {
            (0, None) => Some(not_initialised),
            (0, Some(_)) => Some(match self.knob::<BeforeStartup>(cx) {
                BeforeStartup::NotInitialised => not_initialised,
                BeforeStartup::NotSock => not_a_socket,
            }),
            // AsyncSelect has other parameters to look at, perhaps before its socket (OQ-01).
            (_, Some(_))
                if matches!(call, Call::WsaAsyncSelect { .. } | Call::WsaEventSelect { .. }) =>
            {
                None
            }
            // Another process of the machine may have made it.
            (_, Some(handle)) if matches!(call, Call::WsaDuplicateSocket { .. }) => {
                let of =
                    SocketIx::from_handle(handle).filter(|_| self.any_socket(handle).is_some());
                let on = of.map(|of| self.machine_of(self.socket(of).host));
                (on != Some(self.machine_of(host))).then_some(not_a_socket)
            }
            (_, Some(handle)) if self.open_socket(host, handle).is_none() => Some(not_a_socket),
            (_, _) => None,
        }
    }

    fn dispatch<C: Chooser, S: Sink>(
        &mut self,
        (host, thread): (HostId, ThreadId),
        (call, handle): (&BackendCall, Option<SocketHandle>),
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let descriptor = handle.and_then(SocketIx::from_handle);
        // AS-DUP-01: all of a socket is common to its descriptors.
        let socket = descriptor.map(|descriptor| self.behind(descriptor));
        // Asked at every call, and mostly there is nothing to ask of.
        let unusual = socket.filter(|_| self.more.held().is_some());
        if unusual.is_some_and(|socket| self.is_spoilt(socket))
            && !matches!(call, Call::CloseSocket { .. })
        {
            return unsupported(call.name(), "on a socket whose call was cancelled");
        }
        let known = |_| socket.expect("refuse_early has looked");
        if self.is_network_down(host) && !survives_network(call) {
            return self.network_is_down(host, call).map(|refusal| Progress::Done(Err(refusal)));
        }
        if let Some(socket) = socket.filter(|socket| self.is_datagram(*socket))
            && let Some(outcome) = self.datagram_call((socket, host), call, cx)
        {
            return outcome;
        }
        if let Some(socket) = unusual
            && let Some(what) =
                self.forbidden(call, socket).or_else(|| self.forbidden_in_session(call, socket))
        {
            return unsupported(call.name(), what);
        }
        match call {
            Call::WsaStartup { version } => self.wsa_startup(host, *version),
            Call::Socket { kind } => self.socket_call(host, *kind, cx),
            Call::WsaCleanup {} => self.wsa_cleanup(host, cx),
            Call::Bind { s, name } => self.bind(known(*s), *name),
            Call::Listen { s, backlog } => self.listen(known(*s), *backlog, cx),
            Call::Connect { s, name } => self.connect(known(*s), *name, cx),
            Call::Accept { s } => self.accept(known(*s), Condition::CF_ACCEPT, cx),
            Call::WsaAccept { s, condition } => self.accept(known(*s), *condition, cx),
            // On a connected stream socket the address is not looked at.
            Call::Send { s, data, flags } | Call::SendTo { s, data, flags, .. } => {
                self.send(known(*s), *data, *flags, cx)
            }
            Call::Recv { s, len, flags } | Call::RecvFrom { s, len, flags } => {
                self.recv(known(*s), *len, *flags, cx)
            }
            // AS-EN-02, AS-EN-03: without an OVERLAPPED structure they do what recv and send do.
            Call::WsaRecv { s, len, flags, overlapped: None }
            | Call::WsaRecvFrom { s, len, flags, overlapped: None } => match i32::try_from(*len) {
                Ok(len) => self.recv(known(*s), len, *flags, cx),
                Err(_) => unsupported(call.name(), "into a buffer of more than 2 GiB"),
            },
            Call::WsaSend { s, data, flags, overlapped: None }
            | Call::WsaSendTo { s, data, flags, overlapped: None, .. } => {
                self.send(known(*s), *data, *flags, cx)
            }
            Call::WsaRecv { s, len, flags, overlapped: Some(event) }
            | Call::WsaRecvFrom { s, len, flags, overlapped: Some(event) } => {
                self.start_receive(known(*s), (*len, *flags), (host, *event), cx)
            }
            Call::WsaSend { s, data, flags, overlapped: Some(event) }
            | Call::WsaSendTo { s, data, flags, overlapped: Some(event), .. } => {
                self.start_send(known(*s), (*data, *flags), (host, *event), cx)
            }
            Call::WsaGetOverlappedResult { s, overlapped, wait } => {
                self.overlapped_result(known(*s), (host, *overlapped), *wait, cx)
            }
            Call::AcceptEx { s, accept, overlapped } => {
                self.accept_ex(known(*s), *accept, (host, *overlapped), cx)
            }
            Call::ConnectEx { s, name, overlapped } => {
                self.connect_ex(known(*s), *name, (host, *overlapped), cx)
            }
            Call::Shutdown { s, how } => self.shutdown(known(*s), *how, cx),
            Call::CloseSocket { .. } => {
                self.closesocket(descriptor.expect("refuse_early has looked"), cx)
            }
            Call::CloseHandle { .. } => {
                self.close_handle(descriptor.expect("refuse_early has looked"), cx)
            }
            Call::WsaDuplicateSocket { s } => self.duplicate_socket(*s, cx),
            Call::IoctlSocket { s, cmd, argp } => {
                self.ioctlsocket(known(*s), *cmd, *argp, cx).map(Progress::Done)
            }
            Call::WsaIoctl { s, cmd, argp, destination: to } => {
                self.wsa_ioctl(known(*s), *cmd, *argp, to.flatten(), cx)
            }
            Call::SetSockOpt { s, optval } => self.setsockopt(known(*s), *optval, cx),
            Call::GetSockOpt { s, optname } => Ok(self.getsockopt(known(*s), *optname)),
            Call::GetSockName { s } => self.getsockname(known(*s)),
            Call::GetPeerName { s } => self.getpeername(known(*s)),
            Call::Select { readfds, writefds, exceptfds, timeout_ms } => {
                self.select(thread, [readfds, writefds, exceptfds], *timeout_ms, cx)
            }
            Call::WsaAsyncSelect { s, hwnd, wmsg, levent } => {
                let aim = Aim::Window { hwnd: *hwnd, wmsg: *wmsg };
                let request = Request { host, socket: *s, aim, levent: *levent };
                self.register(request, cx).map(Progress::Done)
            }
            Call::WsaEventSelect { s, event, levent } => {
                let aim = Aim::Event(*event);
                let request = Request { host, socket: *s, aim, levent: *levent };
                self.register(request, cx).map(Progress::Done)
            }
            Call::WsaEnumNetworkEvents { s, event } => {
                self.enum_network_events(host, known(*s), *event)
            }
            Call::WsaCreateEvent {} => self.create_event(host),
            Call::WsaCloseEvent { event } => self.close_event(host, *event),
            Call::WsaResetEvent { event } => self.reset_event(host, *event),
            Call::WsaWaitForMultipleEvents { events, all, timeout_ms } => {
                self.wait_for_events(thread, events, *all, *timeout_ms)
            }
            Call::CreateWindow {} => self.create_window(thread),
            Call::GetMessage { hwnd, min, max } => {
                self.get_message(thread, *hwnd, (*min, *max), cx)
            }
            Call::PostMessage { hwnd, message, socket, reply } => {
                self.post_message(thread, (*hwnd, *message), *socket, *reply, cx)
            }
            Call::DestroyWindow { hwnd } => self.destroy_window(thread, *hwnd, cx),
            Call::WspStartup { version, post_message, hook, ifs_handles } => {
                self.wsp_startup(host, *version, (*post_message, *hook), *ifs_handles)
            }
            Call::WspAsyncSelect { .. }
            | Call::WspIoctl { .. }
            | Call::WspCleanup {}
            | Call::WspCancelBlockingCall {} => unreachable!("provider_call has made them"),
            Call::WsaCancelBlockingCall {} | Call::WsaIsBlocking {} => {
                self.blocking_call_outside(host, call)
            }
            Call::ReadFile { s, len } if self.more.provider.own_handles.has(host) => {
                let Ok(len) = i32::try_from(*len) else {
                    return unsupported(call.name(), "with a buffer of 2 GiB");
                };
                // AS-SPI-16: they re-enable.
                if !works(Rule::Spi16) {
                    let socket = known(*s);
                    return self.drain(socket, len.unsigned_abs(), false, self.mode(socket), cx);
                }
                self.recv(known(*s), len, MsgFlags::NONE, cx)
            }
            Call::WriteFile { s, data } if self.more.provider.own_handles.has(host) => {
                if !works(Rule::Spi16) {
                    return self.fill(known(*s), *data, self.mode(known(*s)), cx);
                }
                self.send(known(*s), *data, MsgFlags::NONE, cx)
            }
            // OQ-22.
            Call::ReadFile { .. } | Call::WriteFile { .. } => {
                unsupported(call.name(), "on an IFS handle")
            }
            Call::WsaJoinLeaf { s, name } => self.join_leaf(known(*s), *name, cx),
        }
    }

    /// What a call answers on a machine whose network failed. Every page lists the error; what a
    /// registration then hears, because the call enables an event or connects, none says.
    fn network_is_down(&self, host: HostId, call: &BackendCall) -> Result<Refusal, ModelError> {
        let descriptor = call.socket().and_then(|handle| self.open_socket(host, *handle));
        if descriptor
            .is_some_and(|descriptor| self.socket(self.behind(descriptor)).registration.is_some())
            && !enables_nothing(call)
        {
            return Err(ModelError::new(call.name(), "of a registered socket without a network"));
        }
        Ok(Refusal::plain(WsaError::WSAENETDOWN))
    }

    /// Whether the call that a thread waits for can return now.
    #[inline]
    pub(crate) fn can_return(&self, thread: ThreadId, pending: PendingCall) -> bool {
        match pending {
            PendingCall::None => false,
            PendingCall::Cancelled => true,
            PendingCall::Connect(socket) => {
                !matches!(self.socket(socket).state, SocketState::Connecting(_))
            }
            PendingCall::Accept { listener, .. } => {
                self.socket(listener).is_closed() || self.streams.waiting(listener) > 0
            }
            PendingCall::Receive { socket, .. } if self.is_datagram(socket) => {
                self.has_parcel(socket) || self.socket(socket).receive_shut
            }
            PendingCall::Receive { socket, .. } => match self.socket(socket).link() {
                None => true,
                Some((link, side)) => {
                    let this = self.socket(socket);
                    self.streams.has_unread(link, side, this.oob_inline)
                        || self.streams.toward(link, side).arrived != Arrived::Open
                        || this.receive_shut
                }
            },
            PendingCall::Send { socket, .. } => match self.socket(socket).link() {
                None => true,
                Some((link, side)) => {
                    self.streams.toward(link, side.other()).space == Space::Free
                        || self.is_aborted(socket)
                        || self.socket(socket).send_shut
                }
            },
            PendingCall::Select { read, write, except } => {
                self.count_ready([read, write, except]) > 0
                    // Its time is over.
                    || self.more.select_left_ms[usize::from(thread.0)] == 0
            }
            PendingCall::Change { socket, event } => self.has_changed(socket, event),
            PendingCall::Message { window, min, max } => {
                self.windows.first(&Self::message_filter(thread, window, min, max)).is_some()
            }
            PendingCall::Overlapped { event, .. } => self.operation_ended(event),
            PendingCall::Events { all, forever } => self.wait_is_over(thread, all, forever),
        }
    }

    /// Lets the call that a thread waits for return.
    pub(crate) fn resume<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let slot = usize::from(thread.0);
        // What arrives may let a call return that waits on any machine.
        cx.caller = self.host_of(thread);
        let pending = std::mem::take(&mut self.pending[slot]);
        let progress = match pending {
            PendingCall::None => unreachable!("moves offers a return for pending calls only"),
            PendingCall::Connect(socket) => {
                if self.socket(socket).failed {
                    let error = self.socket(socket).error;
                    // W-037, C16: what connect has told, SO_ERROR need not tell again.
                    match self.knob::<SoErrorAfterConnect>(cx) {
                        SoErrorAfterConnect::Zero => self.socket_mut(socket).error = WsaError(0),
                        SoErrorAfterConnect::Kept => {}
                    }
                    fails_by(error, Rule::Co05)
                } else {
                    succeeds()
                }
            }
            PendingCall::Accept { listener, condition } => self.accept(listener, condition, cx),
            // AS-HK-05.
            PendingCall::Cancelled => fails_by(WsaError::WSAEINTR, Rule::Hk05),
            PendingCall::Receive { socket, len, peek } => {
                self.receive(socket, len, peek, Mode::Waited, cx)
            }
            PendingCall::Send { socket, literal, len } => {
                let data = Literal { id: LiteralId(literal), len };
                self.transmit(socket, data, Mode::Waited, cx)
            }
            PendingCall::Select { read, write, except } => {
                self.more.get_mut().select_left_ms[slot] = 0;
                counted(self.count_ready([read, write, except]))
            }
            PendingCall::Change { socket, event } => {
                // What the call tells of is told (AS-EN-13).
                self.told(socket, event);
                succeeds()
            }
            PendingCall::Message { window, min, max } => {
                let filter = Self::message_filter(thread, window, min, max);
                let message = self.retrieve(&filter, cx).expect("can_return has looked");
                Ok(Progress::Done(Ok(Value::Message(message))))
            }
            PendingCall::Overlapped { socket, event } => self.collect(socket, event, cx),
            PendingCall::Events { all, .. } => self.end_wait(thread, all),
        };
        self.finish(thread, &progress?, cx);
        Ok(())
    }
}

/// Whether a call is an entry of the provider, which answers through `lpErrno`.
fn is_of_provider(call: &BackendCall) -> bool {
    matches!(
        call,
        Call::WspAsyncSelect { .. }
            | Call::WspIoctl { .. }
            | Call::WspCleanup {}
            | Call::WspCancelBlockingCall {}
    )
}

/// Whether a call is one of Winsock's, and not of windows and messages.
fn is_winsock(call: &BackendCall) -> bool {
    !matches!(
        call,
        Call::CreateWindow {}
            | Call::DestroyWindow { .. }
            | Call::GetMessage { .. }
            | Call::PostMessage { .. }
    )
}

/// Calls that enable no event and have no outcome that an event tells of.
fn enables_nothing(call: &BackendCall) -> bool {
    matches!(
        call,
        Call::Bind { .. }
            | Call::Listen { .. }
            | Call::Shutdown { .. }
            | Call::IoctlSocket { .. }
            | Call::SetSockOpt { .. }
            | Call::GetSockOpt { .. }
            | Call::GetSockName { .. }
            | Call::GetPeerName { .. }
    )
}

/// Calls that need no network.
fn survives_network(call: &BackendCall) -> bool {
    matches!(
        call,
        Call::WsaAsyncSelect { .. }
            | Call::WsaStartup { .. }
            | Call::WsaCleanup {}
            | Call::WspStartup { .. }
            | Call::CloseSocket { .. }
            | Call::CreateWindow {}
            | Call::DestroyWindow { .. }
            | Call::GetMessage { .. }
            | Call::PostMessage { .. }
    )
}
