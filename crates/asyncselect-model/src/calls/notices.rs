//! WSAIoctl where it asks for the quality of service, or to be told of changes.
//!
//! Reading list: AS-EN-07 to AS-EN-09, AS-QOS-04, AS-QOS-06, AS-RI-03, AS-AL-02; X-22.

use std::net::SocketAddr;

use asyncselect_abi::call::IoctlCommand;
use asyncselect_abi::{NetworkEvent, Value, WsaError};

use super::{Outcome, Progress, fails_by, unsupported};
use crate::arm::works;
use crate::chooser::Chooser;
use crate::knob::{GetQos, RouteIoctl};
use crate::latch::Trigger;
use crate::notice::Destination;
use crate::rule::Rule;
use crate::sink::Sink;
use crate::socket::SocketIx;
use crate::world::{Context, ModelError, PendingCall, World};

impl World {
    /// WSAIoctl, not overlapped. AS-NB-03: for the commands of ioctlsocket both names are one.
    pub(super) fn wsa_ioctl<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cmd: IoctlCommand,
        argp: u32,
        destination: Option<SocketAddr>,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        use NetworkEvent::{AddressListChange, GroupQos, Qos};
        match cmd {
            IoctlCommand::FIONBIO | IoctlCommand::FIONREAD | IoctlCommand::SIOCATMARK => {
                self.ioctlsocket(socket, cmd, argp, cx).map(Progress::Done)
            }
            IoctlCommand::SIO_GET_QOS => Ok(self.get_qos(socket, Qos, cx)),
            IoctlCommand::SIO_GET_GROUP_QOS => Ok(self.get_qos(socket, GroupQos, cx)),
            IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE => {
                self.ask_for_route(socket, destination, cx)
            }
            IoctlCommand::SIO_ADDRESS_LIST_CHANGE => {
                self.ask_for_change(socket, AddressListChange, Destination::Any, cx)
            }
        }
    }

    /// SIO_GET_QOS and SIO_GET_GROUP_QOS; X-22: they may be reserved and fail, and enable their
    /// events all the same (AS-EN-07, AS-EN-09, AS-QOS-06).
    fn get_qos<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        cx: &mut Context<'_, C, S>,
    ) -> Progress {
        let token_rate = self.fetch_qos(socket, event);
        self.rearm_by_ioctl(socket, event, cx);
        let refusal = |error| Err(super::Refusal::by(error, Rule::Qos06));
        Progress::Done(match self.knob::<GetQos>(cx) {
            GetQos::Works => Ok(Value::Int(i64::from(token_rate))),
            GetQos::NoProtoOpt => refusal(WsaError::WSAENOPROTOOPT),
            GetQos::OpNotSupp => refusal(WsaError::WSAEOPNOTSUPP),
        })
    }

    fn ask_for_route<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        destination: Option<SocketAddr>,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if self.knob::<RouteIoctl>(cx) == RouteIoctl::OpNotSupp {
            // A stack that does not know the command.
            return super::fails(WsaError::WSAEOPNOTSUPP);
        }
        let unknown = |what| ModelError::new("SIO_ROUTING_INTERFACE_CHANGE", what);
        let name = destination.ok_or_else(|| unknown("without a destination"))?;
        let to = if name.ip().is_unspecified() {
            Destination::Any
        } else {
            let host = self.host_at(name);
            Destination::Host(host.ok_or_else(|| unknown("for a destination that nobody is at"))?)
        };
        self.ask_for_change(socket, NetworkEvent::RoutingInterfaceChange, to, cx)
    }

    /// The two change commands.
    fn ask_for_change<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        to: Destination,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let pending = PendingCall::Change { socket, event };
        if self.pending.contains(&pending) {
            return unsupported("WSAIoctl", "for what a call of another thread waits for");
        }
        self.watch(socket, event, to);
        // AS-EN-08, AS-EN-09.
        self.rearm_by_ioctl(socket, event, cx);
        if !self.socket(socket).nonblocking {
            return Ok(Progress::Waits(pending));
        }
        // AS-RI-03, AS-AL-02: then the event is awaited.
        let address_list = event == NetworkEvent::AddressListChange;
        fails_by(WsaError::WSAEWOULDBLOCK, if address_list { Rule::Al02 } else { Rule::Ri03 })
    }

    fn rearm_by_ioctl<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        cx: &mut Context<'_, C, S>,
    ) {
        let asks_for_qos = matches!(event, NetworkEvent::Qos | NetworkEvent::GroupQos);
        if works(if asks_for_qos { Rule::En07 } else { Rule::En08 }) {
            self.rearm(socket, event, cx);
        }
        // AS-EN-12, AS-EN-13: by edge, so that nothing holds now. This look is for those who ask
        // why nothing comes.
        self.evaluate_one(socket, event, Trigger::IoctlCalled, cx);
    }
}
