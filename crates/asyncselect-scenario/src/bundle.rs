//! Scripts as a bundle for a machine that has nothing but the live backend
//! (`asyncselect_abi::bundle`).

use std::convert::Infallible;

use asyncselect_abi::bundle::{
    Bundle, FORMAT, INVALID_HANDLE, INVALID_SOCKET, NULL_HANDLE, NamedAddress, NamedCall, Plan,
    PlannedCall, PlannedStep,
};
use asyncselect_abi::call::Rename;
use asyncselect_abi::{Data, Literal, MessageId};

use crate::script::{
    AddressRef, CallOp, EventRef, NameId, Op, PumpOp, Script, SocketRef, WindowRef,
};

/// All scripts that a real stack can be asked about, in their order.
#[must_use]
pub fn bundle<'s>(scripts: impl IntoIterator<Item = &'s Script>) -> Bundle {
    Bundle {
        format: FORMAT,
        asyncselect: env!("CARGO_PKG_VERSION").to_owned(),
        scenarios: scripts.into_iter().filter_map(plan).collect(),
    }
}

/// What is to be done for one script; `None` if it disturbs the network or the clock, takes several
/// machines, or needs what the engine itself does not do yet.
#[must_use]
pub fn plan(script: &Script) -> Option<Plan> {
    if script.is_apart() {
        return None;
    }
    Some(Plan {
        id: script.id.clone(),
        family: script.family,
        needs: script.needs.iter().map(|need| need.as_str().to_owned()).collect(),
        threads: u8::try_from(script.threads.len()).expect("threads are few"),
        setup: script.setup.iter().map(|op| call(script, op)).collect(),
        steps: script.steps.iter().map(|op| step(script, op)).collect::<Option<_>>()?,
    })
}

fn step(script: &Script, op: &Op) -> Option<PlannedStep> {
    let named = |names: &[String], name: NameId| names[usize::from(name.0)].clone();
    Some(match op {
        Op::Call(op) => PlannedStep::Call(call(script, op)),
        Op::End { thread, binds, .. } => {
            let binds = binds.map(|name| named(&script.sockets, name));
            PlannedStep::End { thread: *thread, binds }
        }
        Op::Blocked { thread } => PlannedStep::Blocked { thread: *thread },
        Op::Claim(_) => PlannedStep::Messages {},
        Op::Pump { thread, pump: PumpOp { hwnd, range, remove, count } } => {
            let (min, max) = range.unwrap_or((MessageId::WM_NULL, MessageId::WM_NULL));
            PlannedStep::Pump {
                thread: *thread,
                hwnd: hwnd.map(|name| named(&script.windows, name)),
                min,
                max,
                remove: *remove,
                count: *count,
            }
        }
        Op::Settle => PlannedStep::Settle {},
        Op::Fault(_) | Op::Advance(_) | Op::Happen(_) | Op::NotModelled(_) => return None,
    })
}

fn call(script: &Script, op: &CallOp) -> PlannedCall {
    let names = match op.call {
        asyncselect_abi::Call::CreateWindow {} => &script.windows,
        asyncselect_abi::Call::WsaCreateEvent {} => &script.events,
        _ => &script.sockets,
    };
    let Ok(call): Result<NamedCall, Infallible> = op.call.try_map(&mut Spelled { script });
    PlannedCall {
        call,
        thread: op.thread,
        binds: op.binds.map(|name| names[usize::from(name.0)].clone()),
        settle: op.settle,
        begins: op.begins,
        repeat: op.repeat,
    }
}

/// Turns numbers of the script's tables back into what they stand for.
struct Spelled<'s> {
    script: &'s Script,
}

impl Spelled<'_> {
    fn name(&self, NameId(name): NameId) -> String {
        self.script.sockets[usize::from(name)].clone()
    }
}

impl Rename<SocketRef, WindowRef, EventRef, AddressRef, Literal> for Spelled<'_> {
    type Socket = String;
    type Window = String;
    type Event = String;
    type Address = NamedAddress;
    type Data = Data;
    type Error = Infallible;

    fn socket(&mut self, _: &'static str, socket: &SocketRef) -> Result<String, Infallible> {
        Ok(match socket {
            SocketRef::Named(name) => self.name(*name),
            SocketRef::Invalid => INVALID_SOCKET.to_owned(),
            SocketRef::Null => NULL_HANDLE.to_owned(),
        })
    }

    fn window(&mut self, _: &'static str, window: &WindowRef) -> Result<String, Infallible> {
        Ok(match window {
            WindowRef::Named(NameId(name)) => self.script.windows[usize::from(*name)].clone(),
            WindowRef::Null => NULL_HANDLE.to_owned(),
            WindowRef::Invalid => INVALID_HANDLE.to_owned(),
        })
    }

    fn event(&mut self, _: &'static str, event: &EventRef) -> Result<String, Infallible> {
        Ok(match event {
            EventRef::Named(NameId(name)) => self.script.events[usize::from(*name)].clone(),
            EventRef::Null => NULL_HANDLE.to_owned(),
            EventRef::Invalid => INVALID_HANDLE.to_owned(),
        })
    }

    fn address(
        &mut self,
        _: &'static str,
        address: &AddressRef,
    ) -> Result<NamedAddress, Infallible> {
        Ok(match address {
            AddressRef::Of(name) => NamedAddress::Of(self.name(*name)),
            AddressRef::Any => NamedAddress::Any,
            AddressRef::Refusing => {
                NamedAddress::Of(self.name(self.script.refusing.expect("the checker made it")))
            }
            AddressRef::Unreachable => NamedAddress::Unreachable,
            AddressRef::Zero => NamedAddress::Zero,
            AddressRef::Null => NamedAddress::Null,
        })
    }

    fn data(&mut self, _: &'static str, data: &Literal) -> Result<Data, Infallible> {
        Ok(self.script.literals[usize::from(data.id.0)].clone())
    }
}
