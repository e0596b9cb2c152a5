//! The reference adapter: the model behind the adapter protocol, on standard input and output.
//!
//! It shows authors of adapters what each request wants (`asyncselect_abi::protocol` describes the
//! lines), and lets the tool's own side of the protocol be tested without Winsock:
//!
//! ```text
//! asyncselect diff --left windows --adapter 'target/debug/examples/model_adapter windows'
//! ```
//!
//! The one argument is a profile's name, `documented` if there is none. An adapter of a real stack
//! differs in three points: a script's thread is a thread of its own, a call that does not return
//! within the request's deadline is answered `blocked`, and `settle` has to wait.

use std::io::{self, BufRead, Read, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use asyncselect_abi::call::{Rename, WireCall};
use asyncselect_abi::protocol::{
    LINE_LEN_MAX, Request, RequestBody, Response, ResponseBody, VERSION, WireMessage, WireReply,
};
use asyncselect_abi::{
    Backend, BackendError, Data, EventHandle, Hwnd, Literal, MessageId, Outcome, PumpFilter,
    SocketHandle, Start, ThreadId, Value,
};
use asyncselect_model::world::THREADS_MAX;
use asyncselect_model::{Canonical, Profile};
use asyncselect_scenario::sim::Sim;

/// What the model can do beyond TCP in message mode.
const CAPABILITIES: [&str; 10] = [
    "threads",
    "hosts",
    "ipv6",
    "processes",
    "real_time",
    "spi",
    "oob",
    "faults",
    "simulated_time",
    "handle_reuse",
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_else(|| "documented".to_owned());
    let served = match Profile::built_in().into_iter().find(|profile| profile.name() == name) {
        Some(profile) => serve(profile),
        None => Err(io::Error::other(format!("no profile `{name}`"))),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "model_adapter: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Answers line by line, until `bye` or the end of the input.
fn serve(profile: Profile) -> io::Result<()> {
    let mut adapter = Adapter { sim: Sim::new(&profile, Canonical), calls: [None; THREADS_MAX] };
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    loop {
        let mut line = Vec::new();
        let limit = u64::try_from(LINE_LEN_MAX).expect("a line fits in memory");
        if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let (id, body) = match serde_json::from_slice::<Request>(&line) {
            Ok(Request { id, body, .. }) => (id, Ok(body)),
            // A newer tool may ask what this adapter has never heard of; its id is enough.
            Err(error) => {
                let value: serde_json::Value = serde_json::from_slice(&line)?;
                let id = value["id"].as_u64().ok_or_else(|| io::Error::other("no id"))?;
                (id, Err(format!("this request: {error}")))
            }
        };
        let last = matches!(body, Ok(RequestBody::Bye {}));
        let body =
            body.and_then(|body| adapter.answer(body)).unwrap_or_else(ResponseBody::Unsupported);
        serde_json::to_writer(&mut output, &Response { id, body })?;
        output.write_all(b"\n")?;
        // Without this the tool would wait for an answer that sits in our buffer.
        output.flush()?;
        if last {
            return Ok(());
        }
    }
}

struct Adapter {
    sim: Sim<false>,
    /// The kind of each thread's call that was answered `blocked`.
    calls: [Option<Kind>; THREADS_MAX],
}

/// What an answer to a call looks like.
#[derive(Clone, Copy)]
enum Kind {
    /// Received bytes, if it succeeds.
    Receives,
    /// The same if there were any, else a number: the operation may have been a send.
    Collects,
    /// A value and `*lpErrno`.
    Spi,
    /// What it returned.
    Plain,
}

impl Adapter {
    /// The answer, or why there is none.
    fn answer(&mut self, request: RequestBody) -> Result<ResponseBody, String> {
        match request {
            RequestBody::Hello { .. } => {
                let stack =
                    format!("model of {}", asyncselect_scenario::stack::Stack::label(&self.sim));
                let capabilities = CAPABILITIES.map(str::to_owned).to_vec();
                Ok(ResponseBody::Hello { version: VERSION, stack, capabilities })
            }
            RequestBody::Reset { fresh, hosts, processes, family } => {
                self.calls = [None; THREADS_MAX];
                let start =
                    Start { literals: &[], fresh, hosts: &hosts, processes: &processes, family };
                self.sim.reset(&start).map_err(said)?;
                Ok(ResponseBody::Done {})
            }
            RequestBody::Call { thread, call, .. } => {
                if self.slot(thread)?.is_some() {
                    return Err(format!("thread {} is inside a call", thread.0));
                }
                let kind = match call {
                    WireCall::Recv { .. }
                    | WireCall::RecvFrom { .. }
                    | WireCall::WsaRecv { .. }
                    | WireCall::WsaRecvFrom { .. }
                    | WireCall::ReadFile { .. } => Kind::Receives,
                    WireCall::WsaGetOverlappedResult { .. } => Kind::Collects,
                    WireCall::WspAsyncSelect { .. }
                    | WireCall::WspIoctl { .. }
                    | WireCall::WspCleanup {}
                    | WireCall::WspCancelBlockingCall {} => Kind::Spi,
                    _ => Kind::Plain,
                };
                let call = call.try_map(&mut Literals(&mut self.sim))?;
                let outcome = self.sim.call(thread, &call).map_err(said)?;
                self.outcome(thread, outcome, kind)
            }
            RequestBody::Pending { thread } => {
                let kind = self.slot(thread)?.ok_or("no call of the thread is blocked")?;
                let outcome = self.sim.pending(thread, 0).map_err(said)?;
                self.outcome(thread, outcome, kind)
            }
            RequestBody::Fault(fault) => {
                self.sim.fault(&fault).map_err(said)?;
                Ok(ResponseBody::Done {})
            }
            RequestBody::Advance { ms } => {
                self.sim.advance(ms).map_err(said)?;
                Ok(ResponseBody::Done {})
            }
            RequestBody::Settle {} => {
                self.sim.settle().map_err(said)?;
                Ok(ResponseBody::Done {})
            }
            RequestBody::Pump { thread, hwnd, min, max, remove, .. } => {
                let hwnd = (hwnd != Hwnd(0)).then_some(hwnd);
                let range = (min != 0 || max != 0).then_some((MessageId(min), MessageId(max)));
                let message = self.sim.pump(&PumpFilter { thread, hwnd, range, remove });
                Ok(ResponseBody::Message(message.map_err(said)?.map(WireMessage::from)))
            }
            RequestBody::Bye {} => Ok(ResponseBody::Done {}),
        }
    }

    fn slot(&mut self, thread: ThreadId) -> Result<&mut Option<Kind>, String> {
        let slot = self.calls.get_mut(usize::from(thread.0));
        slot.ok_or_else(|| format!("more than {THREADS_MAX} threads"))
    }

    fn outcome(
        &mut self,
        thread: ThreadId,
        outcome: Outcome,
        kind: Kind,
    ) -> Result<ResponseBody, String> {
        *self.slot(thread)? = (outcome == Outcome::Pending).then_some(kind);
        let Outcome::Returned(reply) = outcome else { return Ok(ResponseBody::Blocked {}) };
        Ok(ResponseBody::Return(match (kind, reply.result) {
            (Kind::Spi, result) => WireReply::Spi {
                value: match result {
                    Ok(Value::Int(number)) => number,
                    Ok(_) => 0,
                    Err(_) => -1,
                },
                lp_errno: reply.lp_errno.map(|error| error.0),
            },
            (Kind::Receives, Ok(_)) => WireReply::Data(self.sim.received(thread)),
            (Kind::Collects, Ok(Value::Int(count))) => match self.sim.received(thread) {
                none if none.is_empty() => WireReply::Value(count),
                data => WireReply::Data(data),
            },
            (Kind::Collects, Ok(_)) => unreachable!("it answers a number"),
            (Kind::Plain, Ok(Value::Int(number))) => WireReply::Value(number),
            (Kind::Plain, Ok(Value::Socket(socket))) => WireReply::Socket(socket),
            (Kind::Plain, Ok(Value::Window(window))) => WireReply::Window(window),
            (Kind::Plain, Ok(Value::Event(event))) => WireReply::Event(event),
            (Kind::Plain, Ok(Value::NetworkEvents(record))) => {
                WireReply::NetworkEvents(record.into())
            }
            (Kind::Plain, Ok(Value::Address(address))) => WireReply::Address(address),
            (Kind::Plain, Ok(Value::Message(posted))) => WireReply::Message(posted.into()),
            (Kind::Plain | Kind::Receives | Kind::Collects, Err(error)) => {
                WireReply::Error(error.0)
            }
        }))
    }
}

fn said(error: BackendError) -> String {
    error.to_string()
}

/// Payloads come with the calls; the model wants them numbered. Handles stay what they are.
struct Literals<'s>(&'s mut Sim<false>);

impl Rename<SocketHandle, Hwnd, EventHandle, Option<SocketAddr>, Data> for Literals<'_> {
    type Socket = SocketHandle;
    type Window = Hwnd;
    type Event = EventHandle;
    type Address = Option<SocketAddr>;
    type Data = Literal;
    type Error = String;

    fn socket(&mut self, _: &'static str, s: &SocketHandle) -> Result<SocketHandle, String> {
        Ok(*s)
    }

    fn window(&mut self, _: &'static str, hwnd: &Hwnd) -> Result<Hwnd, String> {
        Ok(*hwnd)
    }

    fn event(&mut self, _: &'static str, event: &EventHandle) -> Result<EventHandle, Self::Error> {
        Ok(*event)
    }

    fn address(
        &mut self,
        _: &'static str,
        to: &Option<SocketAddr>,
    ) -> Result<Option<SocketAddr>, String> {
        Ok(*to)
    }

    fn data(&mut self, _: &'static str, data: &Data) -> Result<Literal, String> {
        self.0.literal(data).ok_or_else(|| "one payload too many".to_owned())
    }
}
