//! The provider's own entries: WSPStartup, WSPCleanup, WSPAsyncSelect, WSPIoctl,
//! WSPCancelBlockingCall; and what Wsock32.dll makes of the last.
//!
//! Reading list: section 12 of the clause list.
//!
//! Ws2_32.dll looks at the handle and at WSAStartup before it calls a provider; a provider looks at
//! its own parameters (AS-REG-18) and hands its error back with the call (AS-SPI-09).

use asyncselect_abi::call::{BackendCall, BlockingHook, Upcall, Version};
use asyncselect_abi::{Call, HostId, Reply, ThreadId, Value, WsaError};

use super::{Outcome, Progress, counted, fails_by, succeeds, unsupported};
use crate::arm::works;
use crate::chooser::Chooser;
use crate::knob::LpErrnoOnSuccess;
use crate::registration::{Aim, Request};
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::SocketIx;
use crate::world::{CallResult, Context, ModelError, PendingCall, Refusal, World};

impl World {
    /// Makes a call that a provider answers through `lpErrno`; `None` for every other call.
    #[inline]
    pub(super) fn provider_call<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        call: &BackendCall,
        cx: &mut Context<'_, C, S>,
    ) -> Result<Option<Result<Value, Refusal>>, ModelError> {
        if let Call::WspAsyncSelect { s, hwnd, wmsg, levent } = call {
            if let Some(socket) = self.open_socket(host, *s)
                && self.is_spoilt(self.behind(socket))
            {
                return Err(ModelError::new(call.name(), "on a socket whose call was cancelled"));
            }
            let aim = Aim::Window { hwnd: *hwnd, wmsg: *wmsg };
            let request = Request { host, socket: *s, aim, levent: *levent };
            return self.register(request, cx).map(Some);
        }
        if let Call::WspCleanup {} = call {
            return self.wsp_cleanup(host, cx).map(Some);
        }
        if let Call::WspCancelBlockingCall {} = call {
            // AS-HK-05: this thread waits in none.
            return Ok(Some(Err(Refusal::by(WsaError::WSAEINVAL, Rule::Hk05))));
        }
        if let Call::WspIoctl { .. } = call
            && self.is_network_down(host)
        {
            return self.network_is_down(host, call).map(|refusal| Some(Err(refusal)));
        }
        if let Call::WspIoctl { s, cmd, argp, destination: to } = call {
            return Ok(Some(match self.open_socket(host, *s) {
                Some(socket) => {
                    let socket = self.behind(socket);
                    match self.wsa_ioctl(socket, *cmd, *argp, to.flatten(), cx)? {
                        Progress::Done(result) => result,
                        Progress::Waits(_) => {
                            return Err(ModelError::new(call.name(), "that waits"));
                        }
                    }
                }
                // AS-REG-18: the check is the provider's duty.
                None => Err(Refusal::by(WsaError::WSAENOTSOCK, Rule::Reg18)),
            }));
        }
        Ok(None)
    }

    /// AS-SPI-09, AS-REG-06: the error comes back with the call.
    pub(super) fn returned_by_provider<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        result: &Result<Value, Refusal>,
        cx: &mut Context<'_, C, S>,
    ) {
        let result = Refusal::unless_broken(result);
        let lp_errno = match result {
            Err(refusal) => works(Rule::Spi09).then_some(refusal.error),
            // AS-SPI-10, OQ-20: defined for failures only.
            Ok(_) => match self.knob::<LpErrnoOnSuccess>(cx) {
                LpErrnoOnSuccess::Untouched => None,
                LpErrnoOnSuccess::Zero => Some(WsaError(0)),
            },
        };
        let rule = result.err().and_then(|refusal| refusal.rule);
        let reply = Reply { result: result.map_err(|refusal| refusal.error), lp_errno };
        cx.sink.effect(Effect::Return { thread, reply, rule });
    }

    /// WSPStartup; AS-SPI-05: the table of upcalls supplied last is the one that counts.
    pub(super) fn wsp_startup(
        &mut self,
        host: HostId,
        version: Version,
        (post_message, hook): (Upcall, BlockingHook),
        ifs_handles: bool,
    ) -> Outcome {
        const CALL: &str = "WSPStartup";
        if version.major < 2 {
            // AS-SPI-11.
            return fails_by(WsaError::WSAVERNOTSUPPORTED, Rule::Spi11);
        }
        let has_sockets = (0..self.sockets.len()).any(|place| {
            let place = SocketIx(u8::try_from(place).expect("sockets are numbered by a byte"));
            self.socket(place).host == host && self.is_open(place)
        });
        if self.more.provider.own_handles.has(host) == ifs_handles && has_sockets {
            return unsupported(CALL, "of another kind of provider while sockets are open");
        }
        let (fails, slow) = match post_message {
            Upcall::Works => (false, false),
            Upcall::Fails => (true, false),
            Upcall::Slow => (false, true),
        };
        let provider = &mut self.more.get_mut().provider;
        let startups = &mut provider.startups[usize::from(host.0)];
        // AS-SPI-04: not the provider's own; AS-SPI-05: nor the first one.
        if works(Rule::Spi04) && (works(Rule::Spi05) || *startups == 0) {
            self.faults.upcall.set(host, fails);
        }
        let Some(more) = startups.checked_add(1) else {
            return unsupported(CALL, "more than 255 times");
        };
        *startups = more;
        provider.ended.set(host, false);
        provider.slow.set(host, slow);
        provider.no_hook.set(host, hook == BlockingHook::Null);
        provider.own_handles.set(host, !ifs_handles);
        succeeds()
    }

    /// WSPCleanup; AS-SPI-15, AS-CLS-06: the last one ends everything, and nothing is posted.
    fn wsp_cleanup<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        cx: &mut Context<'_, C, S>,
    ) -> CallResult {
        let started = self.startups[usize::from(host.0)] > 0;
        let provider = &mut self.more.get_mut().provider;
        let further = &mut provider.startups[usize::from(host.0)];
        if provider.ended.has(host) || !started && *further == 0 {
            return Err(ModelError::new("WSPCleanup", "more often than WSPStartup"));
        }
        let last = *further == u8::from(!started);
        *further = further.saturating_sub(1);
        if last {
            provider.ended.set(host, true);
            self.end_process(host, cx);
        }
        Ok(Ok(Value::Int(0)))
    }

    /// A call that the blocking hook of a 1.1 program makes while its thread waits (AS-HK-01).
    pub(super) fn call_from_hook(&mut self, thread: ThreadId, call: &BackendCall) -> CallResult {
        // AS-HK-06: without a hook nothing runs on a thread that waits.
        if self.more.provider.no_hook.has(self.host_of(thread)) {
            return Err(ModelError::new(call.name(), "from a hook, and there is none"));
        }
        if let Call::WsaIsBlocking {} = call {
            return Ok(Ok(Value::Int(1)));
        }
        if !matches!(call, Call::WsaCancelBlockingCall {} | Call::WspCancelBlockingCall {}) {
            // AS-HK-01, AS-REG-10, X-02.
            return Ok(Err(Refusal::by(WsaError::WSAEINPROGRESS, Rule::Hk01)));
        }
        // AS-HK-04: for these programs it is there.
        if matches!(call, Call::WsaCancelBlockingCall {}) && !works(Rule::Hk04) {
            return Ok(Err(Refusal::plain(WsaError::WSAEOPNOTSUPP)));
        }
        let slot = usize::from(thread.0);
        match self.pending[slot] {
            // AS-HK-05: these leave the sockets unaffected.
            PendingCall::Accept { .. } | PendingCall::Select { .. } => {}
            // AS-HK-05: of these a socket may be left that can only be closed.
            PendingCall::Connect(socket)
            | PendingCall::Receive { socket, .. }
            | PendingCall::Send { socket, .. } => self.spoil(socket),
            PendingCall::Cancelled => {
                return Err(ModelError::new(call.name(), "of a call that was cancelled already"));
            }
            // No calls of version 1.1.
            PendingCall::Events { .. }
            | PendingCall::Overlapped { .. }
            | PendingCall::Change { .. } => {
                return Err(ModelError::new(call.name(), "of a call of version 2"));
            }
            PendingCall::None | PendingCall::Message { .. } => {
                unreachable!("the thread waits in a call of Winsock's")
            }
        }
        self.pending[slot] = PendingCall::Cancelled;
        self.more.get_mut().select_left_ms[slot] = 0;
        Ok(Ok(Value::Int(0)))
    }

    /// WSACancelBlockingCall or WSAIsBlocking on a thread that does not wait.
    pub(super) fn blocking_call_outside(&self, host: HostId, call: &BackendCall) -> Outcome {
        if !self.faults.winsock_1.has(host) {
            // AS-HK-04.
            unsupported(call.name(), "which Ws2_32.dll does not export, under version 2")
        } else if matches!(call, Call::WsaIsBlocking {}) {
            // AS-HK-03: only a call that waits blocks.
            counted(u32::from(!works(Rule::Hk03)))
        } else {
            // AS-HK-05.
            fails_by(WsaError::WSAEINVAL, Rule::Hk05)
        }
    }

    /// A call on the socket was cancelled: it may be good for nothing but closesocket (AS-HK-05),
    /// and nobody says what else it does. To the network it is as before.
    fn spoil(&mut self, socket: SocketIx) {
        let spoilt = &mut self.more.get_mut().provider.spoilt;
        if let Err(at) = spoilt.binary_search_by_key(&socket.0, |other| other.0) {
            spoilt.insert(at, socket);
        }
    }

    pub(super) fn is_spoilt(&self, socket: SocketIx) -> bool {
        self.more.provider.spoilt.contains(&socket)
    }
}
