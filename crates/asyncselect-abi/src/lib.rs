//! The vocabulary of `WSAAsyncSelect`, spelled as Winsock spells it.
//!
//! Everything that crosses the program's edge (scripts, traces, the adapter protocol) is made of
//! these types, so that a thing is spelled once. No IO, no clock, no dependency but serde.
//!
//! | module | what |
//! |---|---|
//! | [`error`] | `WSAE…` codes |
//! | [`event`] | `FD_…` bits, one or a mask |
//! | [`message`] | `wMsg`, `lParam`, the posted message |
//! | [`handle`] | `SOCKET`, `HWND`, `WSAEVENT`, numbers of threads and machines |
//! | [`call`] | one variant a Winsock call, generic over how sockets, windows, event objects, addresses and data are named |
//! | [`family`] | IPv4 or IPv6, and who has which address |
//! | [`fault`] | disturbances of the network and the machine |
//! | [`data`] | payload bytes in their short JSON form |
//! | [`backend`] | what a stack under test can be asked, and how it may fail to answer |
//! | [`protocol`] | the JSON lines between the tool and an adapter |
//! | [`bundle`] | scenarios for a machine without the tool, and what was recorded there |
#![forbid(unsafe_code)]

pub mod backend;
pub mod bundle;
pub mod call;
pub mod data;
pub mod error;
pub mod event;
pub mod family;
pub mod fault;
pub mod handle;
pub mod message;
pub mod protocol;
mod text;

pub use backend::{Backend, BackendError, Outcome, PumpFilter, Reply, Start, Value};
pub use call::Call;
pub use data::{Data, Literal, LiteralId};
pub use error::{WsaError, WsaErrorName};
pub use event::{NetworkEvent, NetworkEvents};
pub use family::Family;
pub use fault::Fault;
pub use handle::{EventHandle, HostId, Hwnd, ProcessId, SocketHandle, ThreadId};
pub use message::{EventRecord, MessageId, OwnReply, PostedMessage, SelectReply};
pub use text::UnknownName;
