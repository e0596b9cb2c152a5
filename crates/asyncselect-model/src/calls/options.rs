//! ioctlsocket, setsockopt, getsockopt.
//!
//! Reading list: AS-NB, AS-OOB-14, AS-Q-10; OQ-30.

use asyncselect_abi::call::{IoctlCommand, OptionName, SocketOption};
use asyncselect_abi::{SocketHandle, Value, WsaError};

use super::{Outcome, Progress, succeeds, unsupported};
use crate::arm::works;
use crate::chooser::Chooser;
use crate::knob::{AtMark, Fionread, InlineChange};
use crate::latch::Trigger;
use crate::rule::Rule;
use crate::sink::Sink;
use crate::socket::{Linger, SocketIx, SocketState};
use crate::world::{CallResult, Context, ModelError, Refusal, World};

impl World {
    pub(super) fn ioctlsocket<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cmd: IoctlCommand,
        argp: u32,
        cx: &mut Context<'_, C, S>,
    ) -> CallResult {
        let this = *self.socket(socket);
        if cmd == IoctlCommand::FIONREAD && !works(Rule::En24) {
            self.rearm_by_receive(socket, false, cx);
        }
        let value = match cmd {
            // AS-NB-02, AS-NB-03, X-03: first cancel, then go back to blocking.
            IoctlCommand::FIONBIO if argp == 0 && this.registration.is_some() => {
                return Ok(Err(Refusal::by(WsaError::WSAEINVAL, Rule::Nb02)));
            }
            IoctlCommand::FIONBIO => {
                self.socket_mut(socket).nonblocking = argp != 0 || !works(Rule::Nb03);
                0
            }
            // AS-EN-24: it asks, and re-enables nothing.
            IoctlCommand::FIONREAD => match this.state {
                SocketState::Connected(link, side) => {
                    // AS-Q-10.
                    let to_mark = self.streams.toward(link, side).urgent_count() > 0
                        && self.knob::<Fionread>(cx) == Fionread::ToMark;
                    i64::from(self.streams.unread_len(link, side, this.oob_inline, to_mark))
                }
                SocketState::Closed { .. }
                | SocketState::Unbound
                | SocketState::Bound
                | SocketState::Listening { .. }
                | SocketState::Connecting(_) => 0,
                SocketState::Datagram => i64::from(self.fionread_datagrams(socket, cx)),
            },
            IoctlCommand::SIOCATMARK if this.state == SocketState::Datagram => {
                return Err(ModelError::new("ioctlsocket", "SIOCATMARK of datagrams"));
            }
            IoctlCommand::SIOCATMARK => {
                let SocketState::Connected(link, side) = this.state else {
                    return Ok(Ok(Value::Int(1)));
                };
                if this.oob_inline || self.streams.toward(link, side).urgent_count() == 0 {
                    return Ok(Ok(Value::Int(1)));
                }
                // nobody agrees on what is asked.
                let answer = match self.knob::<AtMark>(cx) {
                    AtMark::NoUrgent => !self.streams.has_urgent(link, side),
                    AtMark::NotNext => !self.streams.is_at_mark(link, side),
                };
                i64::from(answer)
            }
            IoctlCommand::SIO_GET_QOS
            | IoctlCommand::SIO_GET_GROUP_QOS
            | IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE
            | IoctlCommand::SIO_ADDRESS_LIST_CHANGE => {
                return Err(ModelError::new("ioctlsocket", "with a command of WSAIoctl"));
            }
        };
        Ok(Ok(Value::Int(value)))
    }

    pub(super) fn setsockopt<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        option: SocketOption<SocketHandle>,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let kib =
            |bytes: u32| u16::try_from(bytes / 1024).ok().filter(|_| bytes.is_multiple_of(1024));
        let this = self.socket_mut(socket);
        match option {
            SocketOption::Linger { l_onoff: 0, .. } => this.linger = Linger::Background,
            SocketOption::Linger { l_linger: 0, .. } => this.linger = Linger::Abort,
            SocketOption::Linger { .. } => this.linger = Linger::Wait,
            SocketOption::OobInline(inline) => {
                if let Some((link, side)) = this.link()
                    && self.streams.toward(link, side).urgent_count() > 0
                    && !self.streams.has_urgent(link, side)
                {
                    // Wine 8.0 gives the byte a second time.
                    let what = "SO_OOBINLINE where an urgent byte was read";
                    return unsupported("setsockopt", what);
                }
                let this = self.socket_mut(socket);
                let changes = std::mem::replace(&mut this.oob_inline, inline) != inline;
                let registered = this.registration.is_some();
                let urgent =
                    this.link().is_some_and(|(link, side)| self.streams.has_urgent(link, side));
                // OQ-30.
                if changes
                    && registered
                    && urgent
                    && self.knob::<InlineChange>(cx) == InlineChange::Looks
                {
                    self.evaluate(socket, Trigger::OptionSet, cx);
                }
            }
            SocketOption::ReceiveBuffer(bytes) | SocketOption::SendBuffer(bytes) => {
                let Some(kib) = kib(bytes) else {
                    return unsupported("setsockopt", "a buffer that is not of 0 to 65535 KiB");
                };
                let mut buffers = self.buffers(socket);
                if let SocketOption::ReceiveBuffer(_) = option {
                    buffers.receive = kib;
                } else {
                    buffers.send = kib;
                }
                self.set_buffers(socket, buffers);
            }
            SocketOption::UpdateAcceptContext(listener) => {
                return self.update_accept_context(socket, listener, cx);
            }
            SocketOption::UpdateConnectContext {} => return self.update_connect_context(socket),
        }
        succeeds()
    }

    pub(super) fn getsockopt(&self, socket: SocketIx, option: OptionName) -> Progress {
        let this = self.socket(socket);
        let value = match option {
            OptionName::Linger => i64::from(this.linger != Linger::Background),
            OptionName::OobInline => i64::from(this.oob_inline),
            OptionName::ReceiveBuffer => 1024 * i64::from(self.buffers(socket).receive),
            OptionName::SendBuffer => 1024 * i64::from(self.buffers(socket).send),
            // W-037: reading it does not clear it; W-08A: a reset is not told by it.
            OptionName::Error => i64::from(this.error.0),
            OptionName::Type => 1,
            OptionName::AcceptConn => {
                i64::from(matches!(this.state, SocketState::Listening { .. }))
            }
        };
        Progress::Done(Ok(Value::Int(value)))
    }
}
