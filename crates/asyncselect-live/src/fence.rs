//! The filtered fence: proof that no message is still on its way.
//!
//! A private connected pair, its far end registered with `FD_READ` on a window of the script under
//! a private number. One byte goes in at the near end; when its message is in the window's queue,
//! so is everything that the stack had to post before it. The wait looks for that one number, so
//! all other messages stay where they are.
//!
//! One fence is enough, also for a close that travels to the other end and becomes FD_CLOSE there:
//! on the loopback every such effect is complete before the byte sets out. What is not, is kept out
//! in other ways: see `flow` for bytes held back, and `send_at_once` for Nagle's algorithm. A
//! refused connect takes 2 s on Windows; such steps need `--settle-wait-ms`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use asyncselect_abi::call::{MsgFlags, SocketType, Version};
use asyncselect_abi::{Family, Hwnd, MessageId, NetworkEvents, SocketHandle};

use crate::refusal::Refusal;
use crate::sys::{self, Observed, ReceiveBuffer};

/// The message number of fences; scripts cannot have it.
pub(crate) const MESSAGE: MessageId = MessageId(0xbfff);

/// The longest sleep between two looks at the queue, in case a wake-up is lost.
const NAP: Duration = Duration::from_millis(10);

/// A connected pair and the window that it is registered on.
pub(crate) struct Fence {
    near: SocketHandle,
    far: SocketHandle,
    window: Option<Hwnd>,
}

/// The fences of the process. Pairs outlive the windows they served: a new pair costs a
/// connection, a new registration one call.
#[derive(Default)]
pub(crate) struct Fences {
    all: Vec<Fence>,
    started: bool,
}

impl Fences {
    /// Whether a socket is one of ours, under a value that a script may remember as closed.
    pub(crate) fn owns(&self, s: SocketHandle) -> bool {
        self.all.iter().any(|fence| fence.near == s || fence.far == s)
    }

    /// The window is gone; its pair is free for another.
    pub(crate) fn release(&mut self, hwnd: Hwnd) {
        for fence in &mut self.all {
            fence.window = fence.window.filter(|window| *window != hwnd);
        }
    }

    /// The fence of a window, made when first asked for.
    pub(crate) fn of(&mut self, hwnd: Hwnd) -> Result<&Fence, Refusal> {
        let serves = |fence: &Fence| fence.window == Some(hwnd);
        if let Some(index) = self.all.iter().position(serves) {
            return Ok(&self.all[index]);
        }
        if !self.started {
            // Winsock counts: ours keeps it running whatever the script does from here on.
            named("WSAStartup", sys::wsa_startup(Version { major: 2, minor: 2 }))?;
            self.started = true;
        }
        let index = match self.all.iter().position(|fence| fence.window.is_none()) {
            Some(index) => index,
            None => {
                self.all.push(Fence::connect()?);
                self.all.len() - 1
            }
        };
        self.all[index].register(hwnd)?;
        Ok(&self.all[index])
    }
}

impl Fence {
    fn connect() -> Result<Self, Refusal> {
        // Whatever the script's sockets are of: the pair proves the order of messages, not theirs.
        let family = Family::Ipv4;
        let loopback = SocketAddr::new(family.loopback(), 0);
        let listener = named("socket", sys::socket(family, SocketType::Stream))?;
        named("bind", sys::bind(listener, Some(loopback)))?;
        named("listen", sys::listen(listener, 1))?;
        let at = named("getsockname", sys::getsockname(listener))?;
        let near = named("socket", sys::socket(family, SocketType::Stream))?;
        // Each byte must leave at once, not when the one before it is acknowledged.
        named("setsockopt", sys::set_no_delay(near))?;
        named("connect", sys::connect(near, Some(at)))?;
        let far = named("accept", sys::accept(listener))?;
        named("closesocket", sys::closesocket(listener))?;
        Ok(Self { near, far, window: None })
    }

    fn register(&mut self, hwnd: Hwnd) -> Result<(), Refusal> {
        let registered = sys::wsa_async_select(self.far, hwnd, MESSAGE, NetworkEvents::FD_READ);
        named("WSAAsyncSelect", registered)?;
        self.window = Some(hwnd);
        Ok(())
    }

    /// Sends the byte whose message [`await_message`] waits for.
    pub(crate) fn raise(&self) -> Result<(), Refusal> {
        named("send", sys::send(self.near, b"!", MsgFlags::NONE)).map(drop)
    }

    /// Takes the byte, which arms `FD_READ` again.
    pub(crate) fn lower(&self) -> Result<(), Refusal> {
        let mut buffer = ReceiveBuffer::for_len(1).expect("one byte needs no reservation");
        named("recv", sys::recv(self.far, &mut buffer, 1, MsgFlags::NONE)).map(drop)
    }
}

/// Waits on the thread that owns the window until the fence's message is there, and takes it.
/// False if it did not come in time.
pub(crate) fn await_message(hwnd: Hwnd, at_most: Duration) -> bool {
    let end = Instant::now() + at_most;
    loop {
        // Look first: the wait below ends for messages that come after this look, not for those
        // that were there before.
        if sys::peek_message(hwnd, MESSAGE.0, MESSAGE.0, true).is_some() {
            return true;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        sys::wait_for_news(left.min(NAP));
    }
}

fn named<T>(call: &'static str, observed: Observed<T>) -> Result<T, Refusal> {
    observed.map_err(|error| Refusal::NoFence { call, error })
}
