//! One variant a call, parameters spelled as in the C prototypes.
//!
//! A call is generic over how it names sockets `S`, windows `W`, event objects `E`, addresses `A`
//! and payloads `D`: a script uses names, a backend numbers. [`Call::try_map`] is the one way from
//! one to the other.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::{Data, Literal};
use crate::error::WsaError;
use crate::event::NetworkEvents;
use crate::handle::{EventHandle, Hwnd, SocketHandle};
use crate::message::{MessageId, OwnReply};
use crate::text::{UnknownName, serde_as_text};

/// A call as a backend gets it: handles are numbers, payloads stand in the table of literals.
/// An address of `None` is a null pointer.
pub type BackendCall = Call<SocketHandle, Hwnd, EventHandle, Option<SocketAddr>, Literal>;

/// A call as the adapter protocol writes it: as [`BackendCall`], with the payload itself.
pub type WireCall = Call<SocketHandle, Hwnd, EventHandle, Option<SocketAddr>, Data>;

/// A Winsock or window call.
///
/// Calls that create something (`socket`, `accept`, `CreateWindow`, `WSACreateEvent`) answer with
/// its handle.
///
/// An `OVERLAPPED` structure is named by the event object in its `hEvent`: each event object stands
/// for one structure, and has one operation at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub enum Call<S, W, E, A, D> {
    /// [`WSAStartup`](https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-wsastartup).
    #[serde(rename = "WSAStartup")]
    WsaStartup {
        /// The version asked for, `"2.2"`.
        #[serde(rename = "wVersionRequested")]
        version: Version,
    },
    /// [`WSACleanup`](https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-wsacleanup).
    #[serde(rename = "WSACleanup")]
    WsaCleanup {},
    /// [`socket`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-socket); the
    /// address family is the runner's choice.
    #[serde(rename = "socket")]
    Socket {
        /// The socket's type.
        #[serde(rename = "type")]
        kind: SocketType,
    },
    /// [`bind`](https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-bind).
    #[serde(rename = "bind")]
    Bind {
        /// The socket.
        s: S,
        /// The local address.
        name: A,
    },
    /// [`listen`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-listen).
    #[serde(rename = "listen")]
    Listen {
        /// The socket.
        s: S,
        /// How many connections may wait to be accepted.
        backlog: i32,
    },
    /// [`connect`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-connect).
    #[serde(rename = "connect")]
    Connect {
        /// The socket.
        s: S,
        /// The peer's address.
        name: A,
    },
    /// [`accept`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-accept).
    #[serde(rename = "accept")]
    Accept {
        /// The listening socket.
        s: S,
    },
    /// [`send`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-send).
    #[serde(rename = "send")]
    Send {
        /// The socket.
        s: S,
        /// The bytes.
        data: D,
        /// `MSG_OOB` or nothing.
        #[serde(default, skip_serializing_if = "MsgFlags::is_empty")]
        flags: MsgFlags,
    },
    /// [`recv`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-recv).
    #[serde(rename = "recv")]
    Recv {
        /// The socket.
        s: S,
        /// The buffer's length in bytes; a negative one is passed on as it is (W-063).
        len: i32,
        /// `MSG_PEEK`, `MSG_OOB` or nothing.
        #[serde(default, skip_serializing_if = "MsgFlags::is_empty")]
        flags: MsgFlags,
    },
    /// [`sendto`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-sendto).
    #[serde(rename = "sendto")]
    SendTo {
        /// The socket.
        s: S,
        /// The bytes.
        data: D,
        /// The destination.
        to: A,
        /// `MSG_OOB` or nothing.
        #[serde(default, skip_serializing_if = "MsgFlags::is_empty")]
        flags: MsgFlags,
    },
    /// [`recvfrom`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-recvfrom).
    #[serde(rename = "recvfrom")]
    RecvFrom {
        /// The socket.
        s: S,
        /// The buffer's length in bytes; a negative one is passed on as it is.
        len: i32,
        /// `MSG_PEEK`, `MSG_OOB` or nothing.
        #[serde(default, skip_serializing_if = "MsgFlags::is_empty")]
        flags: MsgFlags,
    },
    /// [`shutdown`](https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-shutdown).
    #[serde(rename = "shutdown")]
    Shutdown {
        /// The socket.
        s: S,
        /// Which direction ends.
        how: Shutdown,
    },
    /// [`closesocket`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-closesocket).
    #[serde(rename = "closesocket")]
    CloseSocket {
        /// The socket.
        s: S,
    },
    /// [`ioctlsocket`](https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-ioctlsocket).
    #[serde(rename = "ioctlsocket")]
    IoctlSocket {
        /// The socket.
        s: S,
        /// The command.
        cmd: IoctlCommand,
        /// The value that goes in; commands that only ask take 0.
        #[serde(default)]
        argp: u32,
    },
    /// [`setsockopt`](https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-setsockopt),
    /// level `SOL_SOCKET`.
    #[serde(rename = "setsockopt")]
    SetSockOpt {
        /// The socket.
        s: S,
        /// The option and its value.
        optval: SocketOption<S>,
    },
    /// [`getsockopt`](https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-getsockopt),
    /// level `SOL_SOCKET`.
    #[serde(rename = "getsockopt")]
    GetSockOpt {
        /// The socket.
        s: S,
        /// The option.
        optname: OptionName,
    },
    /// [`getsockname`](https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-getsockname).
    #[serde(rename = "getsockname")]
    GetSockName {
        /// The socket.
        s: S,
    },
    /// [`getpeername`](https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-getpeername).
    #[serde(rename = "getpeername")]
    GetPeerName {
        /// The socket.
        s: S,
    },
    /// [`select`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-select).
    #[serde(rename = "select")]
    Select {
        /// Sockets to check for readability.
        readfds: Vec<S>,
        /// Sockets to check for writability.
        writefds: Vec<S>,
        /// Sockets to check for errors.
        exceptfds: Vec<S>,
        /// How long to wait, in milliseconds.
        timeout_ms: u32,
    },
    /// [`WSAAsyncSelect`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsaasyncselect).
    #[serde(rename = "WSAAsyncSelect")]
    WsaAsyncSelect {
        /// The socket to watch.
        s: S,
        /// The window that gets the messages.
        #[serde(rename = "hWnd")]
        hwnd: W,
        /// Their number.
        #[serde(rename = "wMsg")]
        wmsg: MessageId,
        /// The events; none cancels.
        #[serde(rename = "lEvent")]
        levent: NetworkEvents,
    },
    /// [`WSPAsyncSelect`](https://learn.microsoft.com/windows/win32/api/ws2spi/nc-ws2spi-lpwspasyncselect),
    /// the provider's entry; `lpErrno` comes back with the reply.
    #[doc(alias = "LPWSPAsyncSelect")]
    #[serde(rename = "WSPAsyncSelect")]
    WspAsyncSelect {
        /// The socket to watch.
        s: S,
        /// The window that gets the messages.
        #[serde(rename = "hWnd")]
        hwnd: W,
        /// Their number.
        #[serde(rename = "wMsg")]
        wmsg: MessageId,
        /// The events; none cancels.
        #[serde(rename = "lEvent")]
        levent: NetworkEvents,
    },
    /// [`WSPIoctl`](https://learn.microsoft.com/windows/win32/api/ws2spi/nc-ws2spi-lpwspioctl), the
    /// provider's entry; `lpErrno` comes back with the reply.
    #[serde(rename = "WSPIoctl")]
    WspIoctl {
        /// The socket.
        s: S,
        /// The command.
        cmd: IoctlCommand,
        /// The value that goes in; commands that only ask take 0.
        #[serde(default)]
        argp: u32,
        /// For `SIO_ROUTING_INTERFACE_CHANGE`: the destination, `any:0` for all of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        destination: Option<A>,
    },
    /// [`WSPStartup`](https://learn.microsoft.com/windows/win32/api/ws2spi/nf-ws2spi-wspstartup):
    /// Ws2_32.dll starts the provider once more, with another table of upcalls (AS-SPI-05). The
    /// error is the value of the function itself (AS-SPI-11).
    #[serde(rename = "WSPStartup")]
    WspStartup {
        /// The version asked for, `"2.2"`.
        #[serde(rename = "wVersionRequested")]
        version: Version,
        /// What the table's `WPUPostMessage` does.
        #[serde(rename = "WPUPostMessage")]
        post_message: Upcall,
        /// What the table's `WPUQueryBlockingCallback` gives.
        #[serde(rename = "WPUQueryBlockingCallback", default, skip_serializing_if = "is_usual")]
        hook: BlockingHook,
        /// Whether the provider's sockets are IFS handles (`dwServiceFlags1` of `lpProtocolInfo`),
        /// and not handles from `WPUCreateSocketHandle` (AS-SPI-12).
        #[serde(rename = "XP1_IFS_HANDLES", default = "yes", skip_serializing_if = "is_yes")]
        ifs_handles: bool,
    },
    /// [`WSPCleanup`](https://learn.microsoft.com/windows/win32/api/ws2spi/nc-ws2spi-lpwspcleanup),
    /// the provider's entry; `lpErrno` comes back with the reply.
    #[serde(rename = "WSPCleanup")]
    WspCleanup {},
    /// [`WSPCancelBlockingCall`](https://learn.microsoft.com/windows/win32/api/ws2spi/nc-ws2spi-lpwspcancelblockingcall),
    /// the provider's entry: ends the call that this thread waits in. `lpErrno` comes back with the
    /// reply.
    #[serde(rename = "WSPCancelBlockingCall")]
    WspCancelBlockingCall {},
    /// [`WSACancelBlockingCall`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsacancelblockingcall),
    /// of Wsock32.dll (AS-HK-04): ends the call that this thread waits in.
    #[serde(rename = "WSACancelBlockingCall")]
    WsaCancelBlockingCall {},
    /// `WSAIsBlocking`, of Wsock32.dll: whether this thread waits in a call.
    #[serde(rename = "WSAIsBlocking")]
    WsaIsBlocking {},
    /// [`ReadFile`](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-readfile) on a
    /// socket.
    ReadFile {
        /// The socket.
        s: S,
        /// The buffer's length in bytes.
        len: u32,
    },
    /// [`WriteFile`](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-writefile) on a
    /// socket.
    WriteFile {
        /// The socket.
        s: S,
        /// The bytes.
        data: D,
    },
    /// [`WSACreateEvent`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsacreateevent):
    /// a new event object, manual reset, not set.
    #[serde(rename = "WSACreateEvent")]
    WsaCreateEvent {},
    /// [`WSACloseEvent`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsacloseevent).
    #[serde(rename = "WSACloseEvent")]
    WsaCloseEvent {
        /// The event object.
        #[serde(rename = "hEvent")]
        event: E,
    },
    /// [`WSAResetEvent`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsaresetevent).
    #[serde(rename = "WSAResetEvent")]
    WsaResetEvent {
        /// The event object.
        #[serde(rename = "hEvent")]
        event: E,
    },
    /// [`WSAEventSelect`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsaeventselect).
    #[serde(rename = "WSAEventSelect")]
    WsaEventSelect {
        /// The socket to watch.
        s: S,
        /// The event object that is set.
        #[serde(rename = "hEventObject")]
        event: E,
        /// The events; none cancels.
        #[serde(rename = "lNetworkEvents")]
        levent: NetworkEvents,
    },
    /// [`WSAEnumNetworkEvents`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsaenumnetworkevents).
    #[serde(rename = "WSAEnumNetworkEvents")]
    WsaEnumNetworkEvents {
        /// The socket.
        s: S,
        /// The event object to reset; a null handle for none.
        #[serde(rename = "hEventObject")]
        event: E,
    },
    /// [`WSAWaitForMultipleEvents`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsawaitformultipleevents):
    /// answers the place of the event object that is set, or 258 (`WSA_WAIT_TIMEOUT`).
    #[serde(rename = "WSAWaitForMultipleEvents")]
    WsaWaitForMultipleEvents {
        /// The event objects.
        #[serde(rename = "lphEvents")]
        events: Vec<E>,
        /// Whether all of them must be set.
        #[serde(rename = "fWaitAll")]
        all: bool,
        /// How long to wait, in milliseconds.
        timeout_ms: u32,
    },
    /// [`WSARecv`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsarecv) with
    /// one buffer.
    #[serde(rename = "WSARecv")]
    WsaRecv {
        /// The socket.
        s: S,
        /// The buffer's length in bytes.
        len: u32,
        /// `MSG_PEEK`, `MSG_OOB` or nothing.
        #[serde(default, skip_serializing_if = "MsgFlags::is_empty")]
        flags: MsgFlags,
        /// The overlapped structure; none for a call that is not overlapped.
        #[serde(rename = "lpOverlapped", skip_serializing_if = "Option::is_none")]
        overlapped: Option<E>,
    },
    /// [`WSARecvFrom`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsarecvfrom)
    /// with one buffer.
    #[serde(rename = "WSARecvFrom")]
    WsaRecvFrom {
        /// The socket.
        s: S,
        /// The buffer's length in bytes.
        len: u32,
        /// `MSG_PEEK`, `MSG_OOB` or nothing.
        #[serde(default, skip_serializing_if = "MsgFlags::is_empty")]
        flags: MsgFlags,
        /// The overlapped structure; none for a call that is not overlapped.
        #[serde(rename = "lpOverlapped", skip_serializing_if = "Option::is_none")]
        overlapped: Option<E>,
    },
    /// [`WSASend`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsasend) with
    /// one buffer.
    #[serde(rename = "WSASend")]
    WsaSend {
        /// The socket.
        s: S,
        /// The bytes.
        data: D,
        /// `MSG_OOB` or nothing.
        #[serde(default, skip_serializing_if = "MsgFlags::is_empty")]
        flags: MsgFlags,
        /// The overlapped structure; none for a call that is not overlapped.
        #[serde(rename = "lpOverlapped", skip_serializing_if = "Option::is_none")]
        overlapped: Option<E>,
    },
    /// [`WSASendTo`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsasendto)
    /// with one buffer.
    #[serde(rename = "WSASendTo")]
    WsaSendTo {
        /// The socket.
        s: S,
        /// The bytes.
        data: D,
        /// The destination.
        to: A,
        /// `MSG_OOB` or nothing.
        #[serde(default, skip_serializing_if = "MsgFlags::is_empty")]
        flags: MsgFlags,
        /// The overlapped structure; none for a call that is not overlapped.
        #[serde(rename = "lpOverlapped", skip_serializing_if = "Option::is_none")]
        overlapped: Option<E>,
    },
    /// [`WSAGetOverlappedResult`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsagetoverlappedresult):
    /// how many bytes went, and for a receive call which.
    #[serde(rename = "WSAGetOverlappedResult")]
    WsaGetOverlappedResult {
        /// The socket.
        s: S,
        /// The overlapped structure.
        #[serde(rename = "lpOverlapped")]
        overlapped: E,
        /// Whether to wait for the end of the operation.
        #[serde(rename = "fWait")]
        wait: bool,
    },
    /// [`WSAAccept`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsaaccept).
    #[serde(rename = "WSAAccept")]
    WsaAccept {
        /// The listening socket.
        s: S,
        /// What the condition function answers.
        #[serde(rename = "lpfnCondition")]
        condition: Condition,
    },
    /// [`AcceptEx`](https://learn.microsoft.com/windows/win32/api/mswsock/nf-mswsock-acceptex)
    /// without a buffer for data.
    AcceptEx {
        /// The listening socket.
        #[serde(rename = "sListenSocket")]
        s: S,
        /// A socket that is neither bound nor connected.
        #[serde(rename = "sAcceptSocket")]
        accept: S,
        /// The overlapped structure.
        #[serde(rename = "lpOverlapped")]
        overlapped: E,
    },
    /// [`ConnectEx`](https://learn.microsoft.com/windows/win32/api/mswsock/nc-mswsock-lpfn_connectex)
    /// without data to send.
    ConnectEx {
        /// A socket that is bound.
        s: S,
        /// The peer's address.
        name: A,
        /// The overlapped structure.
        #[serde(rename = "lpOverlapped")]
        overlapped: E,
    },
    /// [`WSAJoinLeaf`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsajoinleaf)
    /// with `JL_BOTH`.
    #[serde(rename = "WSAJoinLeaf")]
    WsaJoinLeaf {
        /// The socket.
        s: S,
        /// The group's or the leaf's address.
        name: A,
    },
    /// [`WSAIoctl`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsaioctl),
    /// not overlapped.
    #[serde(rename = "WSAIoctl")]
    WsaIoctl {
        /// The socket.
        s: S,
        /// The command.
        #[serde(rename = "dwIoControlCode")]
        cmd: IoctlCommand,
        /// The value that goes in; commands that only ask take 0.
        #[serde(default, skip_serializing_if = "is_zero")]
        argp: u32,
        /// For `SIO_ROUTING_INTERFACE_CHANGE`: the destination, `any:0` for all of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        destination: Option<A>,
    },
    /// `CloseHandle` on a socket, behind Winsock's back (W-08E).
    CloseHandle {
        /// The socket.
        s: S,
    },
    /// [`WSADuplicateSocket`](https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsaduplicatesocketw)
    /// and `WSASocket` on what it filled in.
    #[serde(rename = "WSADuplicateSocket")]
    WsaDuplicateSocket {
        /// The socket.
        s: S,
    },
    /// Makes a message-only window owned by the calling thread.
    CreateWindow {},
    /// [`GetMessage`](https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-getmessage):
    /// waits for a message. `PeekMessage` is what [`PumpFilter`](crate::PumpFilter) describes.
    GetMessage {
        /// Only messages of this window; a null handle for any.
        #[serde(rename = "hWnd")]
        hwnd: W,
        /// The lowest number; 0 with a highest of 0 for any.
        #[serde(rename = "wMsgFilterMin")]
        min: MessageId,
        /// The highest number.
        #[serde(rename = "wMsgFilterMax")]
        max: MessageId,
    },
    /// [`PostMessage`](https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-postmessagew):
    /// the program itself puts a message into the queue of a window's thread, and it looks as if a
    /// stack had.
    PostMessage {
        /// The window.
        #[serde(rename = "hWnd")]
        hwnd: W,
        /// The number.
        #[serde(rename = "Msg")]
        message: MessageId,
        /// The socket, or a null handle.
        #[serde(rename = "wParam")]
        socket: S,
        /// Event and error.
        #[serde(rename = "lParam")]
        reply: OwnReply,
    },
    /// [`DestroyWindow`](https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-destroywindow).
    DestroyWindow {
        /// The window.
        #[serde(rename = "hWnd")]
        hwnd: W,
    },
}

/// How often a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Repeat {
    /// So often.
    Times(u32),
    /// Until it fails with this error.
    Until {
        /// The error.
        error: WsaError,
        /// At most so often.
        max: u32,
    },
}

impl Repeat {
    /// Just once.
    pub const ONCE: Self = Self::Times(1);

    /// Whether it is just once.
    #[must_use]
    pub fn is_once(&self) -> bool {
        *self == Self::ONCE
    }

    /// The most calls that this can be.
    #[must_use]
    pub const fn max(&self) -> u32 {
        match self {
            Self::Times(max) | Self::Until { max, .. } => *max,
        }
    }
}

impl Default for Repeat {
    fn default() -> Self {
        Self::ONCE
    }
}

/// The field of an address that is no end of a socket: there, "any" is the wildcard.
pub const DESTINATION: &str = "destination";

/// The field of a socket that no call is made on, and that need not be one: there a null handle can
/// be named.
pub const WPARAM: &str = "wParam";

/// How [`Call::try_map`] turns one naming into another. `field` is the parameter's JSON name, so
/// that an error can point at it.
pub trait Rename<S, W, E, A, D> {
    /// What a socket becomes.
    type Socket;
    /// What a window becomes.
    type Window;
    /// What an event object becomes.
    type Event;
    /// What an address becomes.
    type Address;
    /// What a payload becomes.
    type Data;
    /// Why something has no counterpart.
    type Error;

    /// Translates a socket.
    fn socket(&mut self, field: &'static str, socket: &S) -> Result<Self::Socket, Self::Error>;
    /// Translates a window.
    fn window(&mut self, field: &'static str, window: &W) -> Result<Self::Window, Self::Error>;
    /// Translates an event object.
    fn event(&mut self, field: &'static str, event: &E) -> Result<Self::Event, Self::Error>;
    /// Translates an address.
    fn address(&mut self, field: &'static str, address: &A) -> Result<Self::Address, Self::Error>;
    /// Translates a payload.
    fn data(&mut self, field: &'static str, data: &D) -> Result<Self::Data, Self::Error>;
}

/// What a call becomes under the renaming `R`.
pub type Renamed<R, S, W, E, A, D> = Call<
    <R as Rename<S, W, E, A, D>>::Socket,
    <R as Rename<S, W, E, A, D>>::Window,
    <R as Rename<S, W, E, A, D>>::Event,
    <R as Rename<S, W, E, A, D>>::Address,
    <R as Rename<S, W, E, A, D>>::Data,
>;

impl<S, W, E, A, D> Call<S, W, E, A, D> {
    /// The call with every socket, window, event object, address and payload translated by `names`.
    #[inline]
    #[expect(clippy::type_complexity, reason = "one parameter for each kind of name")]
    pub fn try_map<R>(&self, names: &mut R) -> Result<Renamed<R, S, W, E, A, D>, R::Error>
    where
        R: Rename<S, W, E, A, D>,
    {
        let overlapped = |names: &mut R, overlapped: &Option<E>| {
            overlapped.as_ref().map(|event| names.event("lpOverlapped", event)).transpose()
        };
        // Each arm for itself: put together after the match, the call would be copied field by
        // field.
        match self {
            Self::WsaStartup { version } => Ok(Call::WsaStartup { version: *version }),
            Self::WsaCleanup {} => Ok(Call::WsaCleanup {}),
            Self::Socket { kind } => Ok(Call::Socket { kind: *kind }),
            Self::Bind { s, name } => {
                Ok(Call::Bind { s: names.socket("s", s)?, name: names.address("name", name)? })
            }
            Self::Listen { s, backlog } => {
                Ok(Call::Listen { s: names.socket("s", s)?, backlog: *backlog })
            }
            Self::Connect { s, name } => {
                Ok(Call::Connect { s: names.socket("s", s)?, name: names.address("name", name)? })
            }
            Self::Accept { s } => Ok(Call::Accept { s: names.socket("s", s)? }),
            Self::Send { s, data, flags } => Ok(Call::Send {
                s: names.socket("s", s)?,
                data: names.data("data", data)?,
                flags: *flags,
            }),
            Self::Recv { s, len, flags } => {
                Ok(Call::Recv { s: names.socket("s", s)?, len: *len, flags: *flags })
            }
            Self::SendTo { s, data, to, flags } => Ok(Call::SendTo {
                s: names.socket("s", s)?,
                data: names.data("data", data)?,
                to: names.address("to", to)?,
                flags: *flags,
            }),
            Self::RecvFrom { s, len, flags } => {
                Ok(Call::RecvFrom { s: names.socket("s", s)?, len: *len, flags: *flags })
            }
            Self::Shutdown { s, how } => Ok(Call::Shutdown { s: names.socket("s", s)?, how: *how }),
            Self::CloseSocket { s } => Ok(Call::CloseSocket { s: names.socket("s", s)? }),
            Self::IoctlSocket { s, cmd, argp } => {
                Ok(Call::IoctlSocket { s: names.socket("s", s)?, cmd: *cmd, argp: *argp })
            }
            Self::SetSockOpt { s, optval } => {
                Ok(Call::SetSockOpt { s: names.socket("s", s)?, optval: optval.try_map(names)? })
            }
            Self::GetSockOpt { s, optname } => {
                Ok(Call::GetSockOpt { s: names.socket("s", s)?, optname: *optname })
            }
            Self::GetSockName { s } => Ok(Call::GetSockName { s: names.socket("s", s)? }),
            Self::GetPeerName { s } => Ok(Call::GetPeerName { s: names.socket("s", s)? }),
            Self::Select { readfds, writefds, exceptfds, timeout_ms } => {
                let mut all = |field, sockets: &[S]| {
                    sockets.iter().map(|s| names.socket(field, s)).collect::<Result<Vec<_>, _>>()
                };
                Ok(Call::Select {
                    readfds: all("readfds", readfds)?,
                    writefds: all("writefds", writefds)?,
                    exceptfds: all("exceptfds", exceptfds)?,
                    timeout_ms: *timeout_ms,
                })
            }
            Self::WsaAsyncSelect { s, hwnd, wmsg, levent } => Ok(Call::WsaAsyncSelect {
                s: names.socket("s", s)?,
                hwnd: names.window("hWnd", hwnd)?,
                wmsg: *wmsg,
                levent: *levent,
            }),
            Self::WspAsyncSelect { s, hwnd, wmsg, levent } => Ok(Call::WspAsyncSelect {
                s: names.socket("s", s)?,
                hwnd: names.window("hWnd", hwnd)?,
                wmsg: *wmsg,
                levent: *levent,
            }),
            Self::WspIoctl { s, cmd, argp, destination: to } => Ok(Call::WspIoctl {
                s: names.socket("s", s)?,
                cmd: *cmd,
                argp: *argp,
                destination: to.as_ref().map(|to| names.address(DESTINATION, to)).transpose()?,
            }),
            Self::WspStartup { version, post_message, hook, ifs_handles } => Ok(Call::WspStartup {
                version: *version,
                post_message: *post_message,
                hook: *hook,
                ifs_handles: *ifs_handles,
            }),
            Self::WspCleanup {} => Ok(Call::WspCleanup {}),
            Self::WspCancelBlockingCall {} => Ok(Call::WspCancelBlockingCall {}),
            Self::WsaCancelBlockingCall {} => Ok(Call::WsaCancelBlockingCall {}),
            Self::WsaIsBlocking {} => Ok(Call::WsaIsBlocking {}),
            Self::ReadFile { s, len } => Ok(Call::ReadFile { s: names.socket("s", s)?, len: *len }),
            Self::WriteFile { s, data } => {
                Ok(Call::WriteFile { s: names.socket("s", s)?, data: names.data("data", data)? })
            }
            Self::WsaCreateEvent {} => Ok(Call::WsaCreateEvent {}),
            Self::WsaCloseEvent { event } => {
                Ok(Call::WsaCloseEvent { event: names.event("hEvent", event)? })
            }
            Self::WsaResetEvent { event } => {
                Ok(Call::WsaResetEvent { event: names.event("hEvent", event)? })
            }
            Self::WsaEventSelect { s, event, levent } => Ok(Call::WsaEventSelect {
                s: names.socket("s", s)?,
                event: names.event("hEventObject", event)?,
                levent: *levent,
            }),
            Self::WsaEnumNetworkEvents { s, event } => Ok(Call::WsaEnumNetworkEvents {
                s: names.socket("s", s)?,
                event: names.event("hEventObject", event)?,
            }),
            Self::WsaWaitForMultipleEvents { events, all, timeout_ms } => {
                let events = events.iter().map(|event| names.event("lphEvents", event));
                Ok(Call::WsaWaitForMultipleEvents {
                    events: events.collect::<Result<Vec<_>, _>>()?,
                    all: *all,
                    timeout_ms: *timeout_ms,
                })
            }
            Self::WsaRecv { s, len, flags, overlapped: of } => Ok(Call::WsaRecv {
                s: names.socket("s", s)?,
                len: *len,
                flags: *flags,
                overlapped: overlapped(names, of)?,
            }),
            Self::WsaRecvFrom { s, len, flags, overlapped: of } => Ok(Call::WsaRecvFrom {
                s: names.socket("s", s)?,
                len: *len,
                flags: *flags,
                overlapped: overlapped(names, of)?,
            }),
            Self::WsaSend { s, data, flags, overlapped: of } => Ok(Call::WsaSend {
                s: names.socket("s", s)?,
                data: names.data("data", data)?,
                flags: *flags,
                overlapped: overlapped(names, of)?,
            }),
            Self::WsaSendTo { s, data, to, flags, overlapped: of } => Ok(Call::WsaSendTo {
                s: names.socket("s", s)?,
                data: names.data("data", data)?,
                to: names.address("to", to)?,
                flags: *flags,
                overlapped: overlapped(names, of)?,
            }),
            Self::WsaGetOverlappedResult { s, overlapped, wait } => {
                Ok(Call::WsaGetOverlappedResult {
                    s: names.socket("s", s)?,
                    overlapped: names.event("lpOverlapped", overlapped)?,
                    wait: *wait,
                })
            }
            Self::WsaAccept { s, condition } => {
                Ok(Call::WsaAccept { s: names.socket("s", s)?, condition: *condition })
            }
            Self::AcceptEx { s, accept, overlapped } => Ok(Call::AcceptEx {
                s: names.socket("sListenSocket", s)?,
                accept: names.socket("sAcceptSocket", accept)?,
                overlapped: names.event("lpOverlapped", overlapped)?,
            }),
            Self::ConnectEx { s, name, overlapped } => Ok(Call::ConnectEx {
                s: names.socket("s", s)?,
                name: names.address("name", name)?,
                overlapped: names.event("lpOverlapped", overlapped)?,
            }),
            Self::WsaJoinLeaf { s, name } => Ok(Call::WsaJoinLeaf {
                s: names.socket("s", s)?,
                name: names.address("name", name)?,
            }),
            Self::WsaIoctl { s, cmd, argp, destination: to } => Ok(Call::WsaIoctl {
                s: names.socket("s", s)?,
                cmd: *cmd,
                argp: *argp,
                destination: to.as_ref().map(|to| names.address(DESTINATION, to)).transpose()?,
            }),
            Self::CloseHandle { s } => Ok(Call::CloseHandle { s: names.socket("s", s)? }),
            Self::WsaDuplicateSocket { s } => {
                Ok(Call::WsaDuplicateSocket { s: names.socket("s", s)? })
            }
            Self::CreateWindow {} => Ok(Call::CreateWindow {}),
            Self::GetMessage { hwnd, min, max } => {
                Ok(Call::GetMessage { hwnd: names.window("hWnd", hwnd)?, min: *min, max: *max })
            }
            Self::PostMessage { hwnd, message, socket, reply } => Ok(Call::PostMessage {
                hwnd: names.window("hWnd", hwnd)?,
                message: *message,
                socket: names.socket(WPARAM, socket)?,
                reply: *reply,
            }),
            Self::DestroyWindow { hwnd } => {
                Ok(Call::DestroyWindow { hwnd: names.window("hWnd", hwnd)? })
            }
        }
    }

    /// The address that the call names, if it names one.
    #[must_use]
    pub const fn address(&self) -> Option<&A> {
        match self {
            Self::Bind { name, .. }
            | Self::Connect { name, .. }
            | Self::ConnectEx { name, .. }
            | Self::WsaJoinLeaf { name, .. } => Some(name),
            Self::SendTo { to, .. } | Self::WsaSendTo { to, .. } => Some(to),
            Self::WsaIoctl { destination, .. } | Self::WspIoctl { destination, .. } => {
                destination.as_ref()
            }
            Self::WsaStartup { .. }
            | Self::WsaCleanup {}
            | Self::Socket { .. }
            | Self::Listen { .. }
            | Self::Accept { .. }
            | Self::Send { .. }
            | Self::Recv { .. }
            | Self::RecvFrom { .. }
            | Self::Shutdown { .. }
            | Self::CloseSocket { .. }
            | Self::IoctlSocket { .. }
            | Self::SetSockOpt { .. }
            | Self::GetSockOpt { .. }
            | Self::GetSockName { .. }
            | Self::GetPeerName { .. }
            | Self::Select { .. }
            | Self::WsaAsyncSelect { .. }
            | Self::WspAsyncSelect { .. }
            | Self::WspStartup { .. }
            | Self::WspCleanup {}
            | Self::WspCancelBlockingCall {}
            | Self::WsaCancelBlockingCall {}
            | Self::WsaIsBlocking {}
            | Self::ReadFile { .. }
            | Self::WriteFile { .. }
            | Self::WsaCreateEvent {}
            | Self::WsaCloseEvent { .. }
            | Self::WsaResetEvent { .. }
            | Self::WsaEventSelect { .. }
            | Self::WsaEnumNetworkEvents { .. }
            | Self::WsaWaitForMultipleEvents { .. }
            | Self::WsaRecv { .. }
            | Self::WsaRecvFrom { .. }
            | Self::WsaSend { .. }
            | Self::WsaGetOverlappedResult { .. }
            | Self::WsaAccept { .. }
            | Self::AcceptEx { .. }
            | Self::CloseHandle { .. }
            | Self::WsaDuplicateSocket { .. }
            | Self::CreateWindow {}
            | Self::GetMessage { .. }
            | Self::PostMessage { .. }
            | Self::DestroyWindow { .. } => None,
        }
    }

    /// The socket that the call is about, its parameter `s`; `select` has lists of them instead.
    #[must_use]
    pub const fn socket(&self) -> Option<&S> {
        match self {
            Self::Bind { s, .. }
            | Self::Listen { s, .. }
            | Self::Connect { s, .. }
            | Self::Accept { s }
            | Self::Send { s, .. }
            | Self::Recv { s, .. }
            | Self::SendTo { s, .. }
            | Self::RecvFrom { s, .. }
            | Self::Shutdown { s, .. }
            | Self::CloseSocket { s }
            | Self::IoctlSocket { s, .. }
            | Self::SetSockOpt { s, .. }
            | Self::GetSockOpt { s, .. }
            | Self::GetSockName { s }
            | Self::GetPeerName { s }
            | Self::WsaAsyncSelect { s, .. }
            | Self::WspAsyncSelect { s, .. }
            | Self::WspIoctl { s, .. }
            | Self::ReadFile { s, .. }
            | Self::WriteFile { s, .. }
            | Self::WsaEventSelect { s, .. }
            | Self::WsaEnumNetworkEvents { s, .. }
            | Self::WsaRecv { s, .. }
            | Self::WsaRecvFrom { s, .. }
            | Self::WsaSend { s, .. }
            | Self::WsaSendTo { s, .. }
            | Self::WsaGetOverlappedResult { s, .. }
            | Self::WsaAccept { s, .. }
            | Self::AcceptEx { s, .. }
            | Self::ConnectEx { s, .. }
            | Self::WsaJoinLeaf { s, .. }
            | Self::WsaIoctl { s, .. }
            | Self::CloseHandle { s }
            | Self::WsaDuplicateSocket { s } => Some(s),
            Self::WsaStartup { .. }
            | Self::WsaCleanup {}
            | Self::Socket { .. }
            | Self::Select { .. }
            | Self::WspStartup { .. }
            | Self::WspCleanup {}
            | Self::WspCancelBlockingCall {}
            | Self::WsaCancelBlockingCall {}
            | Self::WsaIsBlocking {}
            | Self::WsaCreateEvent {}
            | Self::WsaCloseEvent { .. }
            | Self::WsaResetEvent { .. }
            | Self::WsaWaitForMultipleEvents { .. }
            | Self::CreateWindow {}
            | Self::GetMessage { .. }
            | Self::PostMessage { .. }
            | Self::DestroyWindow { .. } => None,
        }
    }

    /// The C name of the function.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WsaStartup { .. } => "WSAStartup",
            Self::WsaCleanup {} => "WSACleanup",
            Self::Socket { .. } => "socket",
            Self::Bind { .. } => "bind",
            Self::Listen { .. } => "listen",
            Self::Connect { .. } => "connect",
            Self::Accept { .. } => "accept",
            Self::Send { .. } => "send",
            Self::Recv { .. } => "recv",
            Self::SendTo { .. } => "sendto",
            Self::RecvFrom { .. } => "recvfrom",
            Self::Shutdown { .. } => "shutdown",
            Self::CloseSocket { .. } => "closesocket",
            Self::IoctlSocket { .. } => "ioctlsocket",
            Self::SetSockOpt { .. } => "setsockopt",
            Self::GetSockOpt { .. } => "getsockopt",
            Self::GetSockName { .. } => "getsockname",
            Self::GetPeerName { .. } => "getpeername",
            Self::Select { .. } => "select",
            Self::WsaAsyncSelect { .. } => "WSAAsyncSelect",
            Self::WspAsyncSelect { .. } => "WSPAsyncSelect",
            Self::WspIoctl { .. } => "WSPIoctl",
            Self::WspStartup { .. } => "WSPStartup",
            Self::WspCleanup {} => "WSPCleanup",
            Self::WspCancelBlockingCall {} => "WSPCancelBlockingCall",
            Self::WsaCancelBlockingCall {} => "WSACancelBlockingCall",
            Self::WsaIsBlocking {} => "WSAIsBlocking",
            Self::ReadFile { .. } => "ReadFile",
            Self::WriteFile { .. } => "WriteFile",
            Self::WsaCreateEvent {} => "WSACreateEvent",
            Self::WsaCloseEvent { .. } => "WSACloseEvent",
            Self::WsaResetEvent { .. } => "WSAResetEvent",
            Self::WsaEventSelect { .. } => "WSAEventSelect",
            Self::WsaEnumNetworkEvents { .. } => "WSAEnumNetworkEvents",
            Self::WsaWaitForMultipleEvents { .. } => "WSAWaitForMultipleEvents",
            Self::WsaRecv { .. } => "WSARecv",
            Self::WsaRecvFrom { .. } => "WSARecvFrom",
            Self::WsaSend { .. } => "WSASend",
            Self::WsaSendTo { .. } => "WSASendTo",
            Self::WsaGetOverlappedResult { .. } => "WSAGetOverlappedResult",
            Self::WsaAccept { .. } => "WSAAccept",
            Self::AcceptEx { .. } => "AcceptEx",
            Self::ConnectEx { .. } => "ConnectEx",
            Self::WsaJoinLeaf { .. } => "WSAJoinLeaf",
            Self::WsaIoctl { .. } => "WSAIoctl",
            Self::CloseHandle { .. } => "CloseHandle",
            Self::WsaDuplicateSocket { .. } => "WSADuplicateSocket",
            Self::CreateWindow {} => "CreateWindow",
            Self::GetMessage { .. } => "GetMessage",
            Self::PostMessage { .. } => "PostMessage",
            Self::DestroyWindow { .. } => "DestroyWindow",
        }
    }
}

/// `wVersionRequested`, written `"2.2"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// The number before the dot.
    pub major: u8,
    /// The number after the dot.
    pub minor: u8,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let parsed = text.split_once('.').and_then(|(major, minor)| {
            Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
        });
        parsed.filter(|version| version.to_string() == text).ok_or_else(|| UnknownName {
            kind: "version (\"2.2\")",
            found: text.to_owned(),
            known: &[],
        })
    }
}

serde_as_text!(Version, "^[0-9]+\\.[0-9]+$", "a Winsock version");

/// What an upcall of a provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Upcall {
    /// What it is for.
    Works,
    /// It answers FALSE.
    Fails,
    /// What it is for, but it takes its time: until it has returned the message is in no queue.
    Slow,
}

/// What the upcall `WPUQueryBlockingCallback` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockingHook {
    /// A hook, where there can be one.
    #[default]
    Hook,
    /// A null pointer: a call that waits is to do so by the system's own means (AS-HK-06).
    Null,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_usual(hook: &BlockingHook) -> bool {
    *hook == BlockingHook::Hook
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_yes(flag: &bool) -> bool {
    *flag
}

const fn yes() -> bool {
    true
}

/// What the condition function of `WSAAccept` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(non_camel_case_types, reason = "Winsock's own spelling")]
pub enum Condition {
    /// The connection is made.
    CF_ACCEPT,
    /// It is refused (AS-AC-08).
    CF_REJECT,
    /// It waits at the head of the queue (AS-AC-08, AS-EN-22).
    CF_DEFER,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The type of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SocketType {
    /// `SOCK_STREAM`: TCP.
    #[serde(rename = "SOCK_STREAM")]
    Stream,
    /// `SOCK_DGRAM`: UDP.
    #[serde(rename = "SOCK_DGRAM")]
    Datagram,
}

/// The `how` of `shutdown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Shutdown {
    /// `SD_RECEIVE`.
    #[serde(rename = "SD_RECEIVE")]
    Receive,
    /// `SD_SEND`.
    #[serde(rename = "SD_SEND")]
    Send,
    /// `SD_BOTH`.
    #[serde(rename = "SD_BOTH")]
    Both,
}

/// The command of `ioctlsocket`, `WSAIoctl` and `WSPIoctl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(non_camel_case_types, reason = "Winsock's own spelling")]
pub enum IoctlCommand {
    /// Sets blocking (0) or non-blocking mode.
    FIONBIO,
    /// Asks how many bytes can be read.
    FIONREAD,
    /// Asks whether urgent data is waiting (X-12).
    SIOCATMARK,
    /// Asks for the quality of service; enables FD_QOS again (AS-EN-07).
    SIO_GET_QOS,
    /// Reserved; enables FD_GROUP_QOS again (AS-EN-07).
    SIO_GET_GROUP_QOS,
    /// Asks to be told when another interface leads to a destination (AS-RI-01).
    SIO_ROUTING_INTERFACE_CHANGE,
    /// Asks to be told when the list of local addresses changes (AS-AL-01).
    SIO_ADDRESS_LIST_CHANGE,
}

/// An option with its value, for `setsockopt`; `S` is how a socket is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub enum SocketOption<S> {
    /// `SO_LINGER`: what closing does with unsent data.
    #[serde(rename = "SO_LINGER")]
    Linger {
        /// Whether to linger at all.
        l_onoff: u16,
        /// For how many seconds; 0 resets the connection.
        l_linger: u16,
    },
    /// `SO_OOBINLINE`: urgent data is ordinary data.
    #[serde(rename = "SO_OOBINLINE")]
    OobInline(bool),
    /// `SO_RCVBUF`: receive buffer in bytes.
    #[serde(rename = "SO_RCVBUF")]
    ReceiveBuffer(u32),
    /// `SO_SNDBUF`: send buffer in bytes.
    #[serde(rename = "SO_SNDBUF")]
    SendBuffer(u32),
    /// `SO_UPDATE_ACCEPT_CONTEXT`: after AcceptEx, what the listening socket has becomes the
    /// accepted one's (AS-INH-07).
    #[serde(rename = "SO_UPDATE_ACCEPT_CONTEXT")]
    UpdateAcceptContext(S),
    /// `SO_UPDATE_CONNECT_CONTEXT`: after ConnectEx, the socket can do all that connected ones can.
    #[serde(rename = "SO_UPDATE_CONNECT_CONTEXT")]
    UpdateConnectContext {},
}

impl<S> SocketOption<S> {
    fn try_map<R, W, E, A, D>(&self, names: &mut R) -> Result<SocketOption<R::Socket>, R::Error>
    where
        R: Rename<S, W, E, A, D>,
    {
        Ok(match self {
            Self::Linger { l_onoff, l_linger } => {
                SocketOption::Linger { l_onoff: *l_onoff, l_linger: *l_linger }
            }
            Self::OobInline(inline) => SocketOption::OobInline(*inline),
            Self::ReceiveBuffer(bytes) => SocketOption::ReceiveBuffer(*bytes),
            Self::SendBuffer(bytes) => SocketOption::SendBuffer(*bytes),
            Self::UpdateAcceptContext(listener) => SocketOption::UpdateAcceptContext(
                names.socket("SO_UPDATE_ACCEPT_CONTEXT", listener)?,
            ),
            Self::UpdateConnectContext {} => SocketOption::UpdateConnectContext {},
        })
    }
}

/// An option by name, for `getsockopt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OptionName {
    /// `SO_LINGER`.
    #[serde(rename = "SO_LINGER")]
    Linger,
    /// `SO_OOBINLINE`.
    #[serde(rename = "SO_OOBINLINE")]
    OobInline,
    /// `SO_RCVBUF`.
    #[serde(rename = "SO_RCVBUF")]
    ReceiveBuffer,
    /// `SO_SNDBUF`.
    #[serde(rename = "SO_SNDBUF")]
    SendBuffer,
    /// `SO_ERROR`: the pending error of the socket.
    #[serde(rename = "SO_ERROR")]
    Error,
    /// `SO_TYPE`.
    #[serde(rename = "SO_TYPE")]
    Type,
    /// `SO_ACCEPTCONN`: whether it listens.
    #[serde(rename = "SO_ACCEPTCONN")]
    AcceptConn,
}

/// The `flags` of the send and receive families; JSON list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct MsgFlags {
    /// `MSG_OOB`: urgent data.
    pub oob: bool,
    /// `MSG_PEEK`: copy, do not remove (AS-RD-10).
    pub peek: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(non_camel_case_types, reason = "Winsock's own spelling")]
enum MsgFlag {
    MSG_OOB,
    MSG_PEEK,
}

impl MsgFlags {
    /// No flag.
    pub const NONE: Self = Self { oob: false, peek: false };
    /// Just `MSG_PEEK`.
    pub const PEEK: Self = Self { oob: false, peek: true };

    /// Whether no flag is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

impl Serialize for MsgFlags {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let oob = self.oob.then_some(MsgFlag::MSG_OOB);
        let peek = self.peek.then_some(MsgFlag::MSG_PEEK);
        serializer.collect_seq(oob.into_iter().chain(peek))
    }
}

impl<'de> Deserialize<'de> for MsgFlags {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flags = Vec::<MsgFlag>::deserialize(deserializer)?;
        let has = |flag| flags.contains(&flag);
        Ok(Self { oob: has(MsgFlag::MSG_OOB), peek: has(MsgFlag::MSG_PEEK) })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for MsgFlags {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MsgFlags".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "array",
            "items": { "enum": ["MSG_OOB", "MSG_PEEK"] },
            "uniqueItems": true,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;
    use windows_sys::Win32::Foundation::HWND;
    use windows_sys::Win32::Networking::WinSock::{
        self, LPWSPASYNCSELECT, SOCKET, WSAAsyncSelect, WSPUPCALLTABLE,
    };

    #[test]
    fn the_numbers_of_the_commands() {
        // AS-AL-05; the first as headers have it, with both directions.
        assert_eq!(WinSock::SIO_GET_QOS, 0xC800_0007);
        assert_eq!(WinSock::SIO_GET_GROUP_QOS, 0xC800_0008);
        assert_eq!(WinSock::SIO_ROUTING_INTERFACE_CHANGE, 0x8800_0015);
        assert_eq!(WinSock::SIO_ADDRESS_LIST_CHANGE, 0x2800_0017);
    }

    /// A call with the four parameters, at the ends of their ranges, and what is said of others.
    fn takes_four_parameters(name: &str, other: &str) {
        let four = [
            r#""s": 1"#,
            r#""hWnd": 65538"#,
            r#""wMsg": "0xffffffff""#,
            r#""lEvent": ["FD_READ", "0x80000000"]"#,
        ];
        let parse = |parameters: &[&str]| {
            let parameters = parameters.join(", ");
            serde_json::from_str::<WireCall>(&format!(r#"{{ "{name}": {{ {parameters} }} }}"#))
        };
        assert_eq!(parse(&four).unwrap().name(), name);
        for at in 0..four.len() {
            let three = [&four[..at], &four[at + 1..]].concat();
            assert!(parse(&three).is_err(), "without {}", four[at]);
        }
        let fifth = format!(r#""{other}": 0"#);
        let five = [&four[..], &[&fifth]].concat();
        let error = parse(&five).unwrap_err().to_string();
        assert!(error.contains(&format!("unknown field `{other}`")), "{error}");
    }

    #[test]
    fn the_eighth_of_fifteen_upcalls_posts() {
        // AS-SPI-04.
        let entry = size_of::<usize>();
        assert_eq!(size_of::<WSPUPCALLTABLE>(), 15 * entry);
        assert_eq!(offset_of!(WSPUPCALLTABLE, lpWPUPostMessage), 7 * entry);
        assert_eq!(offset_of!(WSPUPCALLTABLE, lpWPUCloseThread), 14 * entry);
    }

    #[test]
    fn wsaasyncselect_takes_four_parameters() {
        type Signature = unsafe extern "system" fn(SOCKET, HWND, u32, i32) -> i32;
        // The function is named, not called: it is there on Windows only.
        let _ = || -> Signature { WSAAsyncSelect };
        takes_four_parameters("WSAAsyncSelect", "lpErrno");
    }

    #[test]
    fn wspasyncselect_takes_a_fifth_parameter() {
        extern "system" fn entry(_: SOCKET, _: HWND, _: u32, _: i32, errno: *mut i32) -> i32 {
            assert!(errno.is_null(), "an entry that is not called");
            0
        }
        let _: LPWSPASYNCSELECT = Some(entry);
        // It is an output, and so a part of the reply.
        takes_four_parameters("WSPAsyncSelect", "lpErrno");
    }
}
