//! Every foreign call of the crate, one safe function an API function.
//!
//! Nothing is interpreted here. A function answers what the API answered, and the error is read
//! immediately after the call, before a buffer is dropped or anything else runs.

use std::ffi::{CStr, c_char, c_void};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr;
use std::sync::OnceLock;
use std::time::Duration;

use asyncselect_abi::call::{IoctlCommand, MsgFlags, OptionName, Shutdown, SocketOption};
use asyncselect_abi::call::{SocketType, Version};
use asyncselect_abi::protocol::WireMessage;
use asyncselect_abi::{Family, Hwnd, MessageId, NetworkEvents, SocketHandle, WsaError};
use windows_sys::Wdk::System::SystemServices;
use windows_sys::Win32::Foundation;
use windows_sys::Win32::Networking::WinSock;
use windows_sys::Win32::System::SystemInformation::OSVERSIONINFOW;
use windows_sys::Win32::System::{LibraryLoader, Memory, Threading};
use windows_sys::Win32::UI::WindowsAndMessaging;
use windows_sys::core::w;

pub(crate) mod events;
pub(crate) mod overlapped;

/// What the API answered. The error is data and is never handled here.
pub(crate) type Observed<T> = Result<T, WsaError>;

/// How many sockets one list of [`select`] may hold, `FD_SETSIZE` of the header.
pub(crate) const SELECT_LEN_MAX: usize = 64;

/// The room for an address of either family.
const ADDRESS_LEN: i32 = size_of_i32::<WinSock::SOCKADDR_INET>();

/// What SO_TYPE answers for TCP.
pub(crate) const STREAM: u32 = WinSock::SOCK_STREAM as u32;

const fn size_of_i32<T>() -> i32 {
    let size = size_of::<T>();
    assert!(size <= i32::MAX as usize);
    size as i32
}

/// The number that `WSAGetLastError` gives now; codes beyond 16 bits exist on no stack we know and
/// come out as 65535.
fn last_wsa_error() -> WsaError {
    // SAFETY: takes nothing and reads a variable of the calling thread.
    let code = unsafe { WinSock::WSAGetLastError() };
    WsaError(u16::try_from(code).unwrap_or(u16::MAX))
}

/// As [`last_wsa_error`] for the calls that are not Winsock's (windows, `CloseHandle`).
fn last_win32_error() -> WsaError {
    // SAFETY: takes nothing and reads a variable of the calling thread.
    let code = unsafe { Foundation::GetLastError() };
    WsaError(u16::try_from(code).unwrap_or(u16::MAX))
}

/// A status that is `SOCKET_ERROR` or good.
fn checked(status: i32) -> Observed<i32> {
    if status == WinSock::SOCKET_ERROR {
        return Err(last_wsa_error());
    }
    Ok(status)
}

fn checked_socket(socket: WinSock::SOCKET) -> Observed<SocketHandle> {
    if socket == WinSock::INVALID_SOCKET {
        return Err(last_wsa_error());
    }
    Ok(SocketHandle(socket as u64))
}

/// The call that names its error in its return value.
fn checked_code(code: i32) -> Observed<()> {
    match code {
        0 => Ok(()),
        code => Err(WsaError(u16::try_from(code).unwrap_or(u16::MAX))),
    }
}

// Handles that do not fit the machine's word become values that no table holds.
fn raw(s: SocketHandle) -> WinSock::SOCKET {
    WinSock::SOCKET::try_from(s.0).unwrap_or(WinSock::INVALID_SOCKET)
}

fn raw_window(hwnd: Hwnd) -> Foundation::HWND {
    usize::try_from(hwnd.0).unwrap_or(usize::MAX) as Foundation::HWND
}

/// An address of either family as the API takes it. An unspecified one with port 0 stands for a
/// structure of zeros, family and all, as connect takes it to dissolve a datagram socket's
/// association.
struct RawAddress {
    raw: WinSock::SOCKADDR_INET,
    len: i32,
}

impl RawAddress {
    fn new(address: SocketAddr) -> Self {
        let port = address.port().to_be();
        let zeros = address.ip().is_unspecified() && port == 0;
        match address {
            SocketAddr::V4(address) => {
                let ip = u32::from_ne_bytes(address.ip().octets());
                let ipv4 = WinSock::SOCKADDR_IN {
                    sin_family: if zeros { 0 } else { WinSock::AF_INET },
                    sin_port: port,
                    sin_addr: WinSock::IN_ADDR { S_un: WinSock::IN_ADDR_0 { S_addr: ip } },
                    sin_zero: [0; 8],
                };
                let raw = WinSock::SOCKADDR_INET { Ipv4: ipv4 };
                Self { raw, len: size_of_i32::<WinSock::SOCKADDR_IN>() }
            }
            SocketAddr::V6(address) => {
                let ip = WinSock::IN6_ADDR_0 { Byte: address.ip().octets() };
                let ipv6 = WinSock::SOCKADDR_IN6 {
                    sin6_family: if zeros { 0 } else { WinSock::AF_INET6 },
                    sin6_port: port,
                    sin6_addr: WinSock::IN6_ADDR { u: ip },
                    ..Default::default()
                };
                let raw = WinSock::SOCKADDR_INET { Ipv6: ipv6 };
                Self { raw, len: size_of_i32::<WinSock::SOCKADDR_IN6>() }
            }
        }
    }
}

/// An address as the API takes it; none is a null pointer and a length of 0.
fn pointer_and_len(address: Option<&RawAddress>) -> (*const WinSock::SOCKADDR, i32) {
    match address {
        Some(RawAddress { raw, len }) => (ptr::from_ref(raw).cast(), *len),
        None => (ptr::null(), 0),
    }
}

fn address(raw: &WinSock::SOCKADDR_INET) -> SocketAddr {
    // SAFETY: every variant of the union is plain bytes, all of them written when it was made.
    let (family, ipv4, ipv6) = unsafe { (raw.si_family, raw.Ipv4, raw.Ipv6) };
    if family == WinSock::AF_INET6 {
        // SAFETY: every variant of the union is sixteen plain bytes.
        let ip = Ipv6Addr::from(unsafe { ipv6.sin6_addr.u.Byte });
        return SocketAddr::from((ip, u16::from_be(ipv6.sin6_port)));
    }
    // SAFETY: every variant of the union is four plain bytes.
    let ip = unsafe { ipv4.sin_addr.S_un.S_addr };
    SocketAddr::from((Ipv4Addr::from(ip.to_ne_bytes()), u16::from_be(ipv4.sin_port)))
}

fn raw_flags(flags: MsgFlags) -> i32 {
    let mut raw = 0;
    if flags.oob {
        raw |= WinSock::MSG_OOB;
    }
    if flags.peek {
        raw |= WinSock::MSG_PEEK;
    }
    raw
}

/// The length of a slice that [`crate::perform`] has checked against its limit.
fn len_i32<T>(slice: &[T]) -> i32 {
    i32::try_from(slice.len()).expect("a payload is at most 16 MiB")
}

pub(crate) fn wsa_startup(version: Version) -> Observed<()> {
    let word = u16::from_le_bytes([version.major, version.minor]);
    let mut data = WinSock::WSADATA::default();
    // SAFETY: `data` is valid for writes during the call.
    checked_code(unsafe { WinSock::WSAStartup(word, &raw mut data) })
}

pub(crate) fn wsa_cleanup() -> Observed<i32> {
    // SAFETY: takes nothing; sockets that it closes are numbers to us, not resources.
    checked(unsafe { WinSock::WSACleanup() })
}

pub(crate) fn socket(family: Family, kind: SocketType) -> Observed<SocketHandle> {
    let family = match family {
        Family::Ipv4 => WinSock::AF_INET,
        Family::Ipv6 => WinSock::AF_INET6,
    };
    let kind = match kind {
        SocketType::Stream => WinSock::SOCK_STREAM,
        SocketType::Datagram => WinSock::SOCK_DGRAM,
    };
    // SAFETY: takes numbers only.
    checked_socket(unsafe { WinSock::socket(i32::from(family), kind, 0) })
}

pub(crate) fn bind(s: SocketHandle, name: Option<SocketAddr>) -> Observed<i32> {
    let name = name.map(RawAddress::new);
    let (name, len) = pointer_and_len(name.as_ref());
    // SAFETY: `name` is a whole address and `len` its size, or both are nothing.
    checked(unsafe { WinSock::bind(raw(s), name, len) })
}

pub(crate) fn listen(s: SocketHandle, backlog: i32) -> Observed<i32> {
    // SAFETY: takes numbers only; any value of `s` is checked by the API.
    checked(unsafe { WinSock::listen(raw(s), backlog) })
}

pub(crate) fn connect(s: SocketHandle, name: Option<SocketAddr>) -> Observed<i32> {
    let name = name.map(RawAddress::new);
    let (name, len) = pointer_and_len(name.as_ref());
    // SAFETY: `name` is a whole address and `len` its size, or both are nothing.
    checked(unsafe { WinSock::connect(raw(s), name, len) })
}

pub(crate) fn accept(s: SocketHandle) -> Observed<SocketHandle> {
    // SAFETY: null for both means that the address is not wanted.
    checked_socket(unsafe { WinSock::accept(raw(s), ptr::null_mut(), ptr::null_mut()) })
}

pub(crate) fn send(s: SocketHandle, data: &[u8], flags: MsgFlags) -> Observed<i32> {
    let (len, flags) = (len_i32(data), raw_flags(flags));
    // SAFETY: `data` is valid for reads of `len` bytes during the call.
    checked(unsafe { WinSock::send(raw(s), data.as_ptr(), len, flags) })
}

pub(crate) fn sendto(
    s: SocketHandle,
    data: &[u8],
    flags: MsgFlags,
    to: Option<SocketAddr>,
) -> Observed<i32> {
    let (len, flags, to) = (len_i32(data), raw_flags(flags), to.map(RawAddress::new));
    let (to, to_len) = pointer_and_len(to.as_ref());
    // SAFETY: `data` is valid for reads of `len` bytes, `to` is a whole address or nothing.
    checked(unsafe { WinSock::sendto(raw(s), data.as_ptr(), len, flags, to, to_len) })
}

/// Memory that a receive call may fill.
pub(crate) enum ReceiveBuffer {
    /// For a length that is not negative: that many bytes, at least one.
    Sized(Vec<u8>),
    /// For a negative length.
    Unbounded(Reservation),
}

impl ReceiveBuffer {
    /// A buffer for which the API may be told `len`, or `None` if there is no address space.
    pub(crate) fn for_len(len: i32) -> Option<Self> {
        match usize::try_from(len) {
            Ok(len) => Some(Self::Sized(vec![0; len.max(1)])),
            Err(_) => Reservation::new().map(Self::Unbounded),
        }
    }

    fn as_mut_ptr(&mut self) -> *mut u8 {
        match self {
            Self::Sized(bytes) => bytes.as_mut_ptr(),
            Self::Unbounded(reservation) => reservation.start,
        }
    }

    /// The first `len` bytes, as the API said it filled them.
    pub(crate) fn filled(&self, len: i32) -> &[u8] {
        let len = usize::try_from(len).unwrap_or(0);
        match self {
            Self::Sized(bytes) => &bytes[..len.min(bytes.len())],
            Self::Unbounded(reservation) => reservation.bytes(len),
        }
    }
}

/// Four gigabytes of address space, the beginning of it usable.
///
/// W-063: a stack must refuse a negative length, but one may take it for a huge unsigned one.
/// Whatever 32 bits can say lies inside this range, and behind the usable part the kernel finds no
/// memory and fails the call, so nothing of ours can be overwritten. Measured: Wine 8.0 answers
/// WSAEFAULT, as for every program that does not own four gigabytes behind its buffer.
pub(crate) struct Reservation {
    start: *mut u8,
}

impl Reservation {
    const LEN: usize = 1 << 32;
    /// The usable part, in bytes: more than a socket's receive buffer holds unless a script fills
    /// it on purpose.
    const USABLE_LEN: usize = 1 << 20;

    fn new() -> Option<Self> {
        let reserve = Memory::MEM_RESERVE;
        // SAFETY: asks for fresh memory anywhere; touches none of ours.
        let start =
            unsafe { Memory::VirtualAlloc(ptr::null(), Self::LEN, reserve, Memory::PAGE_NOACCESS) };
        if start.is_null() {
            return None;
        }
        let reservation = Self { start: start.cast() };
        let (len, commit) = (Self::USABLE_LEN, Memory::MEM_COMMIT);
        // SAFETY: commits pages at the start of the range reserved above, which nobody else knows.
        let usable = unsafe { Memory::VirtualAlloc(start, len, commit, Memory::PAGE_READWRITE) };
        (!usable.is_null()).then_some(reservation)
    }

    fn bytes(&self, len: usize) -> &[u8] {
        let len = len.min(Self::USABLE_LEN);
        // SAFETY: the usable part is committed, zeroed by the system and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start, len) }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: `start` came from VirtualAlloc with MEM_RESERVE and is released just here. Every
        // call that got it has returned: the calls are synchronous.
        unsafe { Memory::VirtualFree(self.start.cast(), 0, Memory::MEM_RELEASE) };
    }
}

pub(crate) fn recv(
    s: SocketHandle,
    buffer: &mut ReceiveBuffer,
    len: i32,
    flags: MsgFlags,
) -> Observed<i32> {
    let (start, flags) = (buffer.as_mut_ptr(), raw_flags(flags));
    // SAFETY: `buffer` was made for this `len` (the one caller is `perform`), see ReceiveBuffer.
    checked(unsafe { WinSock::recv(raw(s), start, len, flags) })
}

pub(crate) fn recvfrom(
    s: SocketHandle,
    buffer: &mut ReceiveBuffer,
    len: i32,
    flags: MsgFlags,
) -> Observed<i32> {
    let (start, flags) = (buffer.as_mut_ptr(), raw_flags(flags));
    let nowhere = ptr::null_mut();
    // SAFETY: as in `recv`; null for both means that the address is not wanted.
    checked(unsafe { WinSock::recvfrom(raw(s), start, len, flags, nowhere, ptr::null_mut()) })
}

pub(crate) fn shutdown(s: SocketHandle, how: Shutdown) -> Observed<i32> {
    let how = match how {
        Shutdown::Receive => WinSock::SD_RECEIVE,
        Shutdown::Send => WinSock::SD_SEND,
        Shutdown::Both => WinSock::SD_BOTH,
    };
    // SAFETY: takes numbers only.
    checked(unsafe { WinSock::shutdown(raw(s), how) })
}

pub(crate) fn closesocket(s: SocketHandle) -> Observed<i32> {
    // SAFETY: takes a number only. The session refuses the sockets that are our own, and the API
    // refuses handles that are no sockets.
    checked(unsafe { WinSock::closesocket(raw(s)) })
}

/// The command's value: what the API left there.
pub(crate) fn ioctlsocket(s: SocketHandle, cmd: IoctlCommand, argp: u32) -> Observed<(i32, u32)> {
    let cmd = match cmd {
        IoctlCommand::FIONBIO => WinSock::FIONBIO,
        IoctlCommand::FIONREAD => WinSock::FIONREAD,
        IoctlCommand::SIOCATMARK => WinSock::SIOCATMARK,
        IoctlCommand::SIO_GET_QOS
        | IoctlCommand::SIO_GET_GROUP_QOS
        | IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE
        | IoctlCommand::SIO_ADDRESS_LIST_CHANGE => unreachable!("perform refuses these"),
    };
    let mut value = argp;
    // SAFETY: all three commands read or write one u_long, which `value` is.
    let status = checked(unsafe { WinSock::ioctlsocket(raw(s), cmd, &raw mut value) })?;
    Ok((status, value))
}

/// WSAIoctl, not overlapped. The command's value: what the API left there, and of a QOS the rate at
/// which the socket may send.
pub(crate) fn wsa_ioctl(
    s: SocketHandle,
    cmd: IoctlCommand,
    argp: u32,
    destination: Option<SocketAddr>,
) -> Observed<u32> {
    let code = match cmd {
        IoctlCommand::FIONBIO => WinSock::FIONBIO.cast_unsigned(),
        IoctlCommand::FIONREAD => WinSock::FIONREAD.cast_unsigned(),
        IoctlCommand::SIOCATMARK => WinSock::SIOCATMARK.cast_unsigned(),
        IoctlCommand::SIO_GET_QOS => WinSock::SIO_GET_QOS,
        IoctlCommand::SIO_GET_GROUP_QOS => WinSock::SIO_GET_GROUP_QOS,
        IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE => WinSock::SIO_ROUTING_INTERFACE_CHANGE,
        IoctlCommand::SIO_ADDRESS_LIST_CHANGE => WinSock::SIO_ADDRESS_LIST_CHANGE,
    };
    let destination = destination.map(RawAddress::new);
    let mut number = argp;
    let mut qos = WinSock::QOS::default();
    let none = (ptr::null(), 0);
    let nowhere = (ptr::null_mut(), 0);
    let number_len = size_of_i32::<u32>().cast_unsigned();
    let (input, output): ((*const c_void, u32), (*mut c_void, u32)) = match cmd {
        IoctlCommand::FIONBIO => (((&raw const number).cast(), number_len), nowhere),
        IoctlCommand::FIONREAD | IoctlCommand::SIOCATMARK => {
            (none, ((&raw mut number).cast(), number_len))
        }
        IoctlCommand::SIO_GET_QOS | IoctlCommand::SIO_GET_GROUP_QOS => {
            let len = size_of_i32::<WinSock::QOS>().cast_unsigned();
            (none, ((&raw mut qos).cast(), len))
        }
        IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE => {
            let (destination, len) = pointer_and_len(destination.as_ref());
            ((destination.cast(), len.cast_unsigned()), nowhere)
        }
        IoctlCommand::SIO_ADDRESS_LIST_CHANGE => (none, nowhere),
    };
    let mut returned = 0;
    // SAFETY: both buffers are whole values of ours or nothing, with their sizes; it is not
    // overlapped, so that nothing is written after it returned.
    checked(unsafe {
        WinSock::WSAIoctl(
            raw(s),
            code,
            input.0,
            input.1,
            output.0,
            output.1,
            &raw mut returned,
            ptr::null_mut(),
            None,
        )
    })?;
    Ok(match cmd {
        IoctlCommand::FIONREAD | IoctlCommand::SIOCATMARK => number,
        IoctlCommand::SIO_GET_QOS | IoctlCommand::SIO_GET_GROUP_QOS => {
            qos.SendingFlowspec.TokenRate
        }
        IoctlCommand::FIONBIO
        | IoctlCommand::SIO_ROUTING_INTERFACE_CHANGE
        | IoctlCommand::SIO_ADDRESS_LIST_CHANGE => 0,
    })
}

pub(crate) fn setsockopt(s: SocketHandle, optval: SocketOption<SocketHandle>) -> Observed<i32> {
    let (name, value) = match optval {
        SocketOption::Linger { l_onoff, l_linger } => {
            let linger = WinSock::LINGER { l_onoff, l_linger };
            let (value, len) = ((&raw const linger).cast(), size_of_i32::<WinSock::LINGER>());
            let (level, name) = (WinSock::SOL_SOCKET, WinSock::SO_LINGER);
            // SAFETY: `linger` is what the option takes and `len` its size.
            return checked(unsafe { WinSock::setsockopt(raw(s), level, name, value, len) });
        }
        SocketOption::OobInline(on) => (WinSock::SO_OOBINLINE, u32::from(on)),
        SocketOption::ReceiveBuffer(len) => (WinSock::SO_RCVBUF, len),
        SocketOption::SendBuffer(len) => (WinSock::SO_SNDBUF, len),
        SocketOption::UpdateAcceptContext(_) | SocketOption::UpdateConnectContext {} => {
            unreachable!("perform makes these another way")
        }
    };
    set_number(s, WinSock::SOL_SOCKET, name, value)
}

/// Switches Nagle's algorithm off: `setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)`.
pub(crate) fn set_no_delay(s: SocketHandle) -> Observed<i32> {
    set_number(s, WinSock::IPPROTO_TCP, WinSock::TCP_NODELAY, 1)
}

fn set_number(s: SocketHandle, level: i32, name: i32, value: u32) -> Observed<i32> {
    let (value, len) = ((&raw const value).cast(), size_of_i32::<u32>());
    // SAFETY: the callers name options that take four bytes, which `value` is.
    checked(unsafe { WinSock::setsockopt(raw(s), level, name, value, len) })
}

/// The first four bytes of the option's value as a little-endian number: for `SO_LINGER`,
/// `l_onoff` in the low half and `l_linger` in the high one.
pub(crate) fn getsockopt(s: SocketHandle, optname: OptionName) -> Observed<u32> {
    let name = match optname {
        OptionName::Linger => WinSock::SO_LINGER,
        OptionName::OobInline => WinSock::SO_OOBINLINE,
        OptionName::ReceiveBuffer => WinSock::SO_RCVBUF,
        OptionName::SendBuffer => WinSock::SO_SNDBUF,
        OptionName::Error => WinSock::SO_ERROR,
        OptionName::Type => WinSock::SO_TYPE,
        OptionName::AcceptConn => WinSock::SO_ACCEPTCONN,
    };
    let mut value = [0_u8; 4];
    let mut len = 4;
    let (start, level) = (value.as_mut_ptr(), WinSock::SOL_SOCKET);
    // SAFETY: `len` says that `start` is valid for writes of four bytes.
    checked(unsafe { WinSock::getsockopt(raw(s), level, name, start, &raw mut len) })?;
    Ok(u32::from_le_bytes(value))
}

pub(crate) fn getsockname(s: SocketHandle) -> Observed<SocketAddr> {
    let mut name = WinSock::SOCKADDR_INET::default();
    let mut len = ADDRESS_LEN;
    // SAFETY: `len` says how many bytes of `name` may be written.
    checked(unsafe { WinSock::getsockname(raw(s), (&raw mut name).cast(), &raw mut len) })?;
    Ok(address(&name))
}

pub(crate) fn getpeername(s: SocketHandle) -> Observed<SocketAddr> {
    let mut name = WinSock::SOCKADDR_INET::default();
    let mut len = ADDRESS_LEN;
    // SAFETY: `len` says how many bytes of `name` may be written.
    checked(unsafe { WinSock::getpeername(raw(s), (&raw mut name).cast(), &raw mut len) })?;
    Ok(address(&name))
}

/// `select`; a list without sockets is passed as a null pointer. The caller has checked that no
/// list is longer than [`SELECT_LEN_MAX`].
pub(crate) fn select(
    readfds: &[SocketHandle],
    writefds: &[SocketHandle],
    exceptfds: &[SocketHandle],
    timeout_ms: u32,
) -> Observed<i32> {
    let set = |sockets: &[SocketHandle]| {
        let mut set = WinSock::FD_SET { fd_count: 0, fd_array: [0; SELECT_LEN_MAX] };
        for (slot, s) in set.fd_array.iter_mut().zip(sockets) {
            *slot = raw(*s);
            set.fd_count += 1;
        }
        set
    };
    let mut sets = [set(readfds), set(writefds), set(exceptfds)];
    let [read, write, except] = sets.each_mut().map(|set| match set.fd_count {
        0 => ptr::null_mut(),
        _ => ptr::from_mut(set),
    });
    let timeout = WinSock::TIMEVAL {
        tv_sec: i32::try_from(timeout_ms / 1000).expect("a thousandth of a u32 fits"),
        tv_usec: i32::try_from(timeout_ms % 1000 * 1000).expect("less than a million"),
    };
    // SAFETY: each pointer is null or a whole FD_SET whose count is right; all outlive the call.
    checked(unsafe { WinSock::select(0, read, write, except, &raw const timeout) })
}

pub(crate) fn wsa_async_select(
    s: SocketHandle,
    hwnd: Hwnd,
    wmsg: MessageId,
    levent: NetworkEvents,
) -> Observed<i32> {
    let (hwnd, levent) = (raw_window(hwnd), levent.0.cast_signed());
    // SAFETY: takes numbers only; the API checks the window.
    checked(unsafe { WinSock::WSAAsyncSelect(raw(s), hwnd, wmsg.0, levent) })
}

pub(crate) fn close_handle(s: SocketHandle) -> Observed<i32> {
    // SAFETY: the session passes only handles that the script owns as sockets, so no handle of
    // the standard library is closed behind its back.
    match unsafe { Foundation::CloseHandle(raw(s) as Foundation::HANDLE) } {
        0 => Err(last_win32_error()),
        closed => Ok(closed),
    }
}

pub(crate) fn wsa_duplicate_socket(s: SocketHandle) -> Observed<SocketHandle> {
    let mut info = WinSock::WSAPROTOCOL_INFOW::default();
    // SAFETY: `info` is valid for writes during the call.
    checked(unsafe { WinSock::WSADuplicateSocketW(raw(s), std::process::id(), &raw mut info) })?;
    let (from_info, flags) = (WinSock::FROM_PROTOCOL_INFO, WinSock::WSA_FLAG_OVERLAPPED);
    let info = &raw const info;
    // SAFETY: `info` was filled by the call above.
    checked_socket(unsafe { WinSock::WSASocketW(from_info, from_info, from_info, info, 0, flags) })
}

/// A message-only window, owned by the calling thread.
pub(crate) fn create_window() -> Observed<Hwnd> {
    static CLASS: OnceLock<Observed<()>> = OnceLock::new();
    let name = w!("asyncselect-live");
    (*CLASS.get_or_init(|| {
        let class = WindowsAndMessaging::WNDCLASSEXW {
            cbSize: size_of::<WindowsAndMessaging::WNDCLASSEXW>() as u32,
            lpfnWndProc: Some(WindowsAndMessaging::DefWindowProcW),
            lpszClassName: name,
            ..Default::default()
        };
        // SAFETY: `class` is complete, and `name` lives as long as the program.
        match unsafe { WindowsAndMessaging::RegisterClassExW(&raw const class) } {
            0 => Err(last_win32_error()),
            _ => Ok(()),
        }
    }))?;
    // SAFETY: the class exists, the name is a static string, and nothing else is a pointer.
    let hwnd = unsafe {
        WindowsAndMessaging::CreateWindowExW(
            0,
            name,
            name,
            0,
            0,
            0,
            0,
            0,
            WindowsAndMessaging::HWND_MESSAGE,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null(),
        )
    };
    if hwnd.is_null() {
        return Err(last_win32_error());
    }
    Ok(Hwnd(hwnd as u64))
}

pub(crate) fn destroy_window(hwnd: Hwnd) -> Observed<i32> {
    // SAFETY: takes a number only; the API refuses windows of other threads.
    match unsafe { WindowsAndMessaging::DestroyWindow(raw_window(hwnd)) } {
        0 => Err(last_win32_error()),
        destroyed => Ok(destroyed),
    }
}

/// `PeekMessage` on the calling thread's queue.
pub(crate) fn peek_message(hwnd: Hwnd, min: u32, max: u32, remove: bool) -> Option<WireMessage> {
    let mut message = WindowsAndMessaging::MSG::default();
    let remove = match remove {
        true => WindowsAndMessaging::PM_REMOVE,
        false => WindowsAndMessaging::PM_NOREMOVE,
    };
    let hwnd = raw_window(hwnd);
    // SAFETY: `message` is valid for writes. Messages sent to our windows run DefWindowProc only.
    let found =
        unsafe { WindowsAndMessaging::PeekMessageW(&raw mut message, hwnd, min, max, remove) };
    (found != 0).then(|| wire_message(&message))
}

/// `GetMessage` on the calling thread's queue. `Ok` for `WM_QUIT` too, where the function's value
/// is 0: the message is there all the same.
pub(crate) fn get_message(hwnd: Hwnd, min: u32, max: u32) -> Observed<WireMessage> {
    let mut message = WindowsAndMessaging::MSG::default();
    // SAFETY: `message` is valid for writes. Messages sent to our windows run DefWindowProc only.
    let found =
        unsafe { WindowsAndMessaging::GetMessageW(&raw mut message, raw_window(hwnd), min, max) };
    match found {
        -1 => Err(last_win32_error()),
        _ => Ok(wire_message(&message)),
    }
}

/// `lParam` loses its upper half: the protocol carries the low 32 bits, where both words are.
fn wire_message(message: &WindowsAndMessaging::MSG) -> WireMessage {
    WireMessage {
        hwnd: Hwnd(message.hwnd as u64),
        message: message.message,
        wparam: message.wParam as u64,
        lparam: message.lParam as u32,
    }
}

/// `PostMessage` to a window.
pub(crate) fn post_message(hwnd: Hwnd, message: u32, wparam: u64, lparam: u32) -> Observed<i32> {
    let wparam = usize::try_from(wparam).unwrap_or(usize::MAX);
    let hwnd = raw_window(hwnd);
    // SAFETY: takes numbers only; the API checks the window.
    match unsafe { WindowsAndMessaging::PostMessageW(hwnd, message, wparam, lparam as isize) } {
        0 => Err(last_win32_error()),
        posted => Ok(posted),
    }
}

/// `PostMessage` to a window, or to the queue of a thread where `hwnd` is null.
pub(crate) fn post(hwnd: Hwnd, thread: u32, message: u32, wparam: u64) -> Observed<i32> {
    if hwnd != Hwnd(0) {
        return post_message(hwnd, message, wparam, 0);
    }
    let wparam = usize::try_from(wparam).unwrap_or(usize::MAX);
    // SAFETY: takes numbers only; the API checks the thread.
    match unsafe { WindowsAndMessaging::PostThreadMessageW(thread, message, wparam, 0) } {
        0 => Err(last_win32_error()),
        posted => Ok(posted),
    }
}

/// The system's number of the calling thread.
pub(crate) fn current_thread() -> u32 {
    // SAFETY: takes nothing.
    unsafe { Threading::GetCurrentThreadId() }
}

/// Sleeps until something new is in the calling thread's queue since the last
/// [`peek_message`], or until the time is over.
pub(crate) fn wait_for_news(at_most: Duration) {
    let ms = u32::try_from(at_most.as_millis()).unwrap_or(u32::MAX - 1);
    // SAFETY: no handles are waited for, so the null pointer is never read.
    unsafe {
        WindowsAndMessaging::MsgWaitForMultipleObjectsEx(
            0,
            ptr::null(),
            ms,
            WindowsAndMessaging::QS_ALLINPUT,
            0,
        )
    };
}

/// Wine's version, if this is Wine.
pub(crate) fn wine_version() -> Option<String> {
    // SAFETY: the name is a static string; ntdll is loaded in every process.
    let ntdll = unsafe { LibraryLoader::GetModuleHandleW(w!("ntdll.dll")) };
    // SAFETY: `ntdll` is a module or null, which GetProcAddress refuses; the name ends in NUL.
    let entry =
        unsafe { LibraryLoader::GetProcAddress(ntdll, c"wine_get_version".as_ptr().cast()) }?;
    // SAFETY: Wine documents the entry as `const char *CDECL wine_get_version(void)`, and only
    // Wine exports it.
    let entry: extern "C" fn() -> *const c_char = unsafe { std::mem::transmute(entry) };
    // SAFETY: Wine answers with a string that lives as long as the program.
    let version = unsafe { CStr::from_ptr(entry()) };
    Some(version.to_string_lossy().into_owned())
}

/// Windows' version as major, minor and build; not what compatibility modes pretend.
pub(crate) fn windows_version() -> (u32, u32, u32) {
    let mut info = OSVERSIONINFOW {
        dwOSVersionInfoSize: size_of::<OSVERSIONINFOW>() as u32,
        ..Default::default()
    };
    // SAFETY: `info` says its own size and is valid for writes.
    unsafe { SystemServices::RtlGetVersion(&raw mut info) };
    (info.dwMajorVersion, info.dwMinorVersion, info.dwBuildNumber)
}
