//! The provider's own entries: WSPStartup, WSPAsyncSelect, WSPIoctl.
//!
//! Reading list: section 12 of the clause list.
//!
//! Ws2_32.dll looks at the handle and at WSAStartup before it calls a provider; a provider looks at
//! its own parameters (AS-REG-18) and hands its error back with the call (AS-SPI-09).

use asyncselect_abi::call::{BackendCall, Upcall, Version};
use asyncselect_abi::{Call, HostId, Reply, ThreadId, Value, WsaError};

use super::{Outcome, Progress, fails_by, succeeds};
use crate::chooser::Chooser;
use crate::knob::LpErrnoOnSuccess;
use crate::registration::Request;
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::world::{Context, ModelError, Refusal, World};

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
            let request = Request { host, socket: *s, hwnd: *hwnd, wmsg: *wmsg, levent: *levent };
            return self.async_select(request, cx).map(Some);
        }
        if let Call::WspIoctl { .. } = call
            && self.faults.network_down.has(host)
        {
            return self.network_is_down(host, call).map(|refusal| Some(Err(refusal)));
        }
        if let Call::WspIoctl { s, cmd, argp, destination: to } = call {
            return Ok(Some(match self.open_socket(host, *s) {
                Some(socket) => match self.wsa_ioctl(socket, *cmd, *argp, to.flatten(), cx)? {
                    Progress::Done(result) => result,
                    Progress::Waits(_) => return Err(ModelError::new(call.name(), "that waits")),
                },
                // AS-REG-18: the check is the provider's duty.
                None => Err(Refusal::by(WsaError::WSAENOTSOCK, Rule::Reg11)),
            }));
        }
        Ok(None)
    }

    /// AS-SPI-09, AS-REG-06: the error comes back with the call.
    pub(super) fn returned_by_provider<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        result: Result<Value, Refusal>,
        cx: &mut Context<'_, C, S>,
    ) {
        let lp_errno = match result {
            Err(refusal) => Some(refusal.error),
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
        post_message: Upcall,
    ) -> Outcome {
        if version.major < 2 {
            // AS-SPI-11.
            return fails_by(WsaError::WSAVERNOTSUPPORTED, Rule::Spi11);
        }
        let fails = match post_message {
            Upcall::Works => false,
            Upcall::Fails => true,
        };
        self.faults.upcall.set(host, fails);
        succeeds()
    }
}
