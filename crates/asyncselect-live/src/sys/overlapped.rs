//! Overlapped and extended calls, and the memory that operations need until they end.
//!
//! The system writes into an `OVERLAPPED` structure and into buffers after the call that named them
//! has returned. Both live in an [`Operation`] that several may hold; it is given back when the
//! last holder lets go and the operation has ended, and is never given back if it has not.

use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::net::SocketAddr;
use std::ptr;
use std::sync::Arc;

use asyncselect_abi::call::{Condition, MsgFlags};
use asyncselect_abi::{EventHandle, SocketHandle, WsaError};
use windows_sys::Win32::Foundation;
use windows_sys::Win32::Networking::WinSock;
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::core::GUID;

use super::{
    ADDRESS_LEN, Observed, RawAddress, checked, checked_socket, last_wsa_error, len_i32,
    pointer_and_len, raw, raw_flags, size_of_i32,
};

/// What `AcceptEx` wants for each of the two addresses, in bytes.
const ACCEPT_ADDRESS_LEN: u32 = ADDRESS_LEN.cast_unsigned() + 16;

/// What an operation needs until it ends. The boxes never move.
struct Memory {
    overlapped: Box<UnsafeCell<OVERLAPPED>>,
    buffer: Box<UnsafeCell<Vec<u8>>>,
}

/// An operation that was started, or is about to be.
pub(crate) struct Operation {
    memory: ManuallyDrop<Memory>,
    /// Whether its buffer is filled by the operation.
    receives: bool,
}

// SAFETY: the structure and the buffer are written by the system alone while the operation runs.
// Afterwards they are only read, and `ended` is asked first.
unsafe impl Send for Operation {}
// SAFETY: as above.
unsafe impl Sync for Operation {}

impl Operation {
    /// Memory for one operation: `buffer` is what it sends, or as long as what it may receive.
    pub(crate) fn new(event: EventHandle, buffer: Vec<u8>, receives: bool) -> Arc<Self> {
        let hevent = usize::try_from(event.0).unwrap_or(usize::MAX) as Foundation::HANDLE;
        let overlapped = OVERLAPPED { hEvent: hevent, ..Default::default() };
        let memory = Memory {
            overlapped: Box::new(UnsafeCell::new(overlapped)),
            buffer: Box::new(UnsafeCell::new(buffer)),
        };
        Arc::new(Self { memory: ManuallyDrop::new(memory), receives })
    }

    fn overlapped(&self) -> *mut OVERLAPPED {
        self.memory.overlapped.get()
    }

    /// The buffer as the API takes it.
    fn wsabuf(&self) -> WinSock::WSABUF {
        // SAFETY: only the place and the length of the bytes are read here, which nobody changes.
        let buffer = unsafe { &mut *self.memory.buffer.get() };
        let len = u32::try_from(buffer.len()).expect("perform has looked at its limit");
        WinSock::WSABUF { len, buf: buffer.as_mut_ptr() }
    }

    /// Whether the system is through with it (`HasOverlappedIoCompleted`).
    pub(crate) fn has_ended(&self) -> bool {
        // SAFETY: the structure lives as long as `self`; the system writes the word at once.
        let status = unsafe { ptr::read_volatile(&raw const (*self.overlapped()).Internal) };
        status != Foundation::STATUS_PENDING as usize
    }

    /// The first bytes of the buffer, of an operation that has ended and received them; `None` if
    /// it is none that receives.
    pub(crate) fn received(&self, count: u32) -> Option<Vec<u8>> {
        if !self.receives || !self.has_ended() {
            return None;
        }
        // SAFETY: the operation has ended, so nobody writes there any more.
        let buffer = unsafe { &*self.memory.buffer.get() };
        Some(buffer.iter().copied().take(count as usize).collect())
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if self.has_ended() {
            // SAFETY: this is the one place that drops it, and the system writes there no more.
            unsafe { ManuallyDrop::drop(&mut self.memory) };
        }
    }
}

/// `WSARecv` or, with `from`, `WSARecvFrom`, with an `OVERLAPPED` structure.
pub(crate) fn start_receive(
    s: SocketHandle,
    operation: &Operation,
    flags: MsgFlags,
    from: bool,
) -> Observed<u32> {
    let (buffer, overlapped) = (operation.wsabuf(), operation.overlapped());
    // SAFETY: structure and bytes outlive the operation, see `Operation`.
    unsafe { receive_into(s, &buffer, flags, from, overlapped) }
}

/// The same without: the bytes that were received.
pub(crate) fn wsa_recv(
    s: SocketHandle,
    len: usize,
    flags: MsgFlags,
    from: bool,
) -> Observed<Vec<u8>> {
    let mut bytes = vec![0; len];
    let len = u32::try_from(len).expect("perform has looked at its limit");
    let buffer = WinSock::WSABUF { len, buf: bytes.as_mut_ptr() };
    // SAFETY: without a structure the call is over when it returns; `bytes` outlives it.
    let count = unsafe { receive_into(s, &buffer, flags, from, ptr::null_mut()) }?;
    bytes.truncate(count as usize);
    Ok(bytes)
}

/// # Safety
///
/// `buffer` must be valid for writes, and with `overlapped` both stay until the operation ends.
unsafe fn receive_into(
    s: SocketHandle,
    buffer: &WinSock::WSABUF,
    flags: MsgFlags,
    from: bool,
    overlapped: *mut OVERLAPPED,
) -> Observed<u32> {
    let (mut count, mut flags) = (0, raw_flags(flags).cast_unsigned());
    let (nowhere, no_len) = (ptr::null_mut(), ptr::null_mut());
    let (count_out, flags_out) = (&raw mut count, &raw mut flags);
    // SAFETY: promised by the caller; null for both means that the address is not wanted.
    let status = unsafe {
        match from {
            false => WinSock::WSARecv(raw(s), buffer, 1, count_out, flags_out, overlapped, None),
            true => WinSock::WSARecvFrom(
                raw(s),
                buffer,
                1,
                count_out,
                flags_out,
                nowhere,
                no_len,
                overlapped,
                None,
            ),
        }
    };
    checked(status).map(|_| count)
}

/// `WSASend` with an `OVERLAPPED` structure, or `WSASendTo` if there is an address.
pub(crate) fn start_send(
    s: SocketHandle,
    operation: &Operation,
    flags: MsgFlags,
    to: Option<Option<SocketAddr>>,
) -> Observed<u32> {
    let (buffer, overlapped) = (operation.wsabuf(), operation.overlapped());
    // SAFETY: structure and bytes outlive the operation, see `Operation`.
    unsafe { send_from(s, &buffer, flags, to, overlapped) }
}

/// The same without.
pub(crate) fn wsa_send(
    s: SocketHandle,
    data: &mut [u8],
    flags: MsgFlags,
    to: Option<Option<SocketAddr>>,
) -> Observed<u32> {
    let buffer = WinSock::WSABUF { len: len_i32(data).cast_unsigned(), buf: data.as_mut_ptr() };
    // SAFETY: without a structure the call is over when it returns; `data` outlives it.
    unsafe { send_from(s, &buffer, flags, to, ptr::null_mut()) }
}

/// # Safety
///
/// `buffer` must be valid for reads, and with `overlapped` both stay until the operation ends.
unsafe fn send_from(
    s: SocketHandle,
    buffer: &WinSock::WSABUF,
    flags: MsgFlags,
    to: Option<Option<SocketAddr>>,
    overlapped: *mut OVERLAPPED,
) -> Observed<u32> {
    let (mut count, flags) = (0, raw_flags(flags).cast_unsigned());
    let count_out = &raw mut count;
    let status = match to {
        // SAFETY: promised by the caller.
        None => unsafe { WinSock::WSASend(raw(s), buffer, 1, count_out, flags, overlapped, None) },
        Some(to) => {
            let to = to.map(RawAddress::new);
            let (to, to_len) = pointer_and_len(to.as_ref());
            // SAFETY: promised by the caller; `to` is a whole address or nothing, and is read
            // before the call returns.
            unsafe {
                WinSock::WSASendTo(
                    raw(s),
                    buffer,
                    1,
                    count_out,
                    flags,
                    to,
                    to_len,
                    overlapped,
                    None,
                )
            }
        }
    };
    checked(status).map(|_| count)
}

pub(crate) fn wsa_get_overlapped_result(
    s: SocketHandle,
    operation: &Operation,
    wait: bool,
) -> Observed<u32> {
    let (mut count, mut flags) = (0, 0);
    let (count_out, flags_out) = (&raw mut count, &raw mut flags);
    let (overlapped, wait) = (operation.overlapped(), i32::from(wait));
    // SAFETY: the structure lives as long as `operation`, which the caller holds.
    let ended =
        unsafe { WinSock::WSAGetOverlappedResult(raw(s), overlapped, count_out, wait, flags_out) };
    match ended {
        0 => Err(last_wsa_error()),
        _ => Ok(count),
    }
}

/// `WSAAccept` with a condition function that answers as it is told.
pub(crate) fn wsa_accept(s: SocketHandle, condition: Condition) -> Observed<SocketHandle> {
    let answer = match condition {
        Condition::CF_ACCEPT => WinSock::CF_ACCEPT,
        Condition::CF_REJECT => WinSock::CF_REJECT,
        Condition::CF_DEFER => WinSock::CF_DEFER,
    };
    let answer = usize::try_from(answer).expect("the three are small");
    let (nobody, no_len) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: null for both means that the address is not wanted; the function takes any arguments.
    checked_socket(unsafe {
        WinSock::WSAAccept(raw(s), nobody, no_len, Some(answer_as_told), answer)
    })
}

/// A condition function whose data is what it answers.
unsafe extern "system" fn answer_as_told(
    _: *mut WinSock::WSABUF,
    _: *mut WinSock::WSABUF,
    _: *mut WinSock::QOS,
    _: *mut WinSock::QOS,
    _: *mut WinSock::WSABUF,
    _: *mut WinSock::WSABUF,
    _: *mut u32,
    answer: usize,
) -> i32 {
    i32::try_from(answer).expect("wsa_accept gave one of three")
}

/// The length of the buffer that [`accept_ex`] needs.
pub(crate) const ACCEPT_BUFFER_LEN: usize = 2 * ACCEPT_ADDRESS_LEN as usize;

/// `AcceptEx`; `operation` has a buffer of [`ACCEPT_BUFFER_LEN`].
pub(crate) fn accept_ex(
    listener: SocketHandle,
    accept: SocketHandle,
    operation: &Operation,
) -> Observed<u32> {
    let entry = extension(listener, WinSock::WSAID_ACCEPTEX)?;
    // SAFETY: the provider answered this id with an entry of this type.
    let entry: WinSock::LPFN_ACCEPTEX = unsafe { std::mem::transmute(entry) };
    let entry = entry.expect("a good answer is an entry");
    let (buffer, each) = (operation.wsabuf().buf.cast(), ACCEPT_ADDRESS_LEN);
    let (mut count, overlapped) = (0, operation.overlapped());
    let count_out = &raw mut count;
    // SAFETY: the buffer holds both addresses and no data; all outlives the operation.
    match unsafe { entry(raw(listener), raw(accept), buffer, 0, each, each, count_out, overlapped) }
    {
        0 => Err(last_wsa_error()),
        _ => Ok(count),
    }
}

pub(crate) fn connect_ex(
    s: SocketHandle,
    name: Option<SocketAddr>,
    operation: &Operation,
) -> Observed<u32> {
    let entry = extension(s, WinSock::WSAID_CONNECTEX)?;
    // SAFETY: the provider answered this id with an entry of this type.
    let entry: WinSock::LPFN_CONNECTEX = unsafe { std::mem::transmute(entry) };
    let entry = entry.expect("a good answer is an entry");
    let name = name.map(RawAddress::new);
    let (name, len) = pointer_and_len(name.as_ref());
    let (mut count, overlapped) = (0, operation.overlapped());
    let (nothing, count_out) = (ptr::null(), &raw mut count);
    // SAFETY: `name` is a whole address or nothing, nothing is sent, and the structure outlives
    // the operation.
    match unsafe { entry(raw(s), name, len, nothing, 0, count_out, overlapped) } {
        0 => Err(last_wsa_error()),
        _ => Ok(count),
    }
}

/// The address of one of the provider's extensions.
fn extension(s: SocketHandle, id: GUID) -> Observed<usize> {
    let (mut entry, mut len) = (0_usize, 0);
    let (id_in, id_len) = ((&raw const id).cast(), size_of::<GUID>() as u32);
    let (entry_out, entry_len) = ((&raw mut entry).cast(), size_of::<usize>() as u32);
    let (len_out, command) = (&raw mut len, WinSock::SIO_GET_EXTENSION_FUNCTION_POINTER);
    // SAFETY: in goes a GUID and out comes a pointer, with the sizes that are told.
    let status = unsafe {
        WinSock::WSAIoctl(
            raw(s),
            command,
            id_in,
            id_len,
            entry_out,
            entry_len,
            len_out,
            ptr::null_mut(),
            None,
        )
    };
    checked(status)?;
    match entry {
        0 => Err(WsaError::WSAEOPNOTSUPP),
        entry => Ok(entry),
    }
}

pub(crate) fn update_accept_context(s: SocketHandle, listener: SocketHandle) -> Observed<i32> {
    let listener = raw(listener);
    let (value, len) = ((&raw const listener).cast(), size_of_i32::<WinSock::SOCKET>());
    let (level, name) = (WinSock::SOL_SOCKET, WinSock::SO_UPDATE_ACCEPT_CONTEXT);
    // SAFETY: the option takes a SOCKET, which `listener` is.
    checked(unsafe { WinSock::setsockopt(raw(s), level, name, value, len) })
}

pub(crate) fn update_connect_context(s: SocketHandle) -> Observed<i32> {
    let (level, name) = (WinSock::SOL_SOCKET, WinSock::SO_UPDATE_CONNECT_CONTEXT);
    // SAFETY: the option takes nothing.
    checked(unsafe { WinSock::setsockopt(raw(s), level, name, ptr::null(), 0) })
}
