//! Bytes between two sockets of the script: the one thing that a fence cannot prove to be over.
//!
//! A receiver whose buffer is nearly full offers a small window, and the sender's system may hold
//! back what does not fit until its own timer ends: 200 ms on Linux, where a loopback segment is
//! 64 KiB. An acknowledgement may wait too, 40 ms there, and the sender's buffer is free only after
//! it. What comes through then can post FD_READ or FD_WRITE long after the call that made room. So
//! where bytes are under way and a call has touched either end, settling first waits until they
//! have arrived or nothing has moved for longer than those timers; it waits less where what a timer
//! may move cannot post anything ([`Look::has_room`], [`Look::may_be_acknowledged`]). Small amounts
//! always fit and cost nothing here.
//!
//! Measured under Wine 8.0 with random calls and 300 ms of looking for later messages after each
//! step: with fences alone 2 of 1,591 steps had one, both of this kind (large sends into a full
//! buffer); with this wait, none of 2,231. With SO_SNDBUF small and the receiver's buffer as it is,
//! the acknowledgement brought FD_WRITE 45 ms after the last send.
//!
//! Not seen: what a send that still blocks has handed over, and bytes received through a
//! duplicate of the socket; the latter only make settling slower.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use asyncselect_abi::SocketHandle;
use asyncselect_abi::call::{IoctlCommand, OptionName};

use crate::sys;

/// Up to here bytes sent and not received are no reason to look closer, in bytes.
const SMALL: i64 = 1024;

/// How long bytes may rest before they count as stuck for good: more than the first of any timer.
const PATIENCE: Duration = Duration::from_millis(250);

/// The same where the receiver has nothing to read and the sender is open, so that they must come.
/// Linux doubles the time between two attempts, as long as the receiver has no room.
const PATIENCE_STARVED: Duration = Duration::from_secs(5);

/// How long bytes must rest where only a late acknowledgement matters, in milliseconds.
pub(crate) const ACKNOWLEDGED_MS: u32 = 80;

/// How long bytes must rest where no timer matters: more than the processor needs to move them,
/// beside other work.
const QUIET: Duration = Duration::from_millis(10);

/// The longest segment of the loopback device, in bytes: what may go at once has gone.
const SEGMENT: i64 = 64 << 10;

/// The time between two looks.
const NAP: Duration = Duration::from_millis(1);

/// All connections of the script, by what went in and what came out.
#[derive(Default)]
pub(crate) struct Flows {
    flows: Vec<Flow>,
    /// Bytes received by open sockets.
    received: BTreeMap<SocketHandle, i64>,
}

/// One direction of a connection.
struct Flow {
    /// `None` once it is closed; what it sent may still be under way.
    from: Option<SocketHandle>,
    /// `None` until somebody has accepted.
    to: Option<SocketHandle>,
    sent: i64,
    /// Whether a call has touched either end since the last time all was quiet.
    stirred: bool,
    /// Whether a send was refused for lack of space and no wait has followed: FD_WRITE may come
    /// with the acknowledgement of bytes that have arrived.
    refused: bool,
}

/// Where the bytes of a flow are, in bytes.
struct Look {
    /// Sent and not received.
    outstanding: i64,
    /// Of these, waiting to be received.
    waiting: i64,
    /// The receiver.
    to: SocketHandle,
}

impl Flows {
    /// Some socket took bytes. `sockets` are the candidates for the other end.
    pub(crate) fn sent(&mut self, s: SocketHandle, len: i64, sockets: &BTreeSet<SocketHandle>) {
        let index = self.flows.iter().position(|flow| flow.from == Some(s));
        let index = index.unwrap_or_else(|| {
            let (from, to) = (Some(s), None);
            self.flows.push(Flow { from, to, sent: 0, stirred: true, refused: false });
            self.flows.len() - 1
        });
        let flow = &mut self.flows[index];
        flow.sent += len;
        flow.find_receiver(sockets);
    }

    /// Some socket had no space for bytes.
    pub(crate) fn refused(&mut self, s: SocketHandle) {
        for flow in &mut self.flows {
            flow.refused |= flow.from == Some(s);
        }
    }

    /// Some socket gave bytes out.
    pub(crate) fn received(&mut self, s: SocketHandle, len: usize) {
        *self.received.entry(s).or_default() += i64::try_from(len).expect("it fits in memory");
    }

    /// A call was made on a socket.
    pub(crate) fn touched(&mut self, s: SocketHandle) {
        for flow in &mut self.flows {
            flow.stirred |= flow.from == Some(s) || flow.to == Some(s);
        }
    }

    /// A socket is no more.
    pub(crate) fn closed(&mut self, s: SocketHandle) {
        self.received.remove(&s);
        self.flows.retain(|flow| flow.to != Some(s));
        for flow in &mut self.flows {
            flow.from = flow.from.filter(|from| *from != s);
        }
    }

    /// Everything is forgotten.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Waits until what was stirred is at rest.
    pub(crate) fn await_rest(&mut self, sockets: &BTreeSet<SocketHandle>, end: Instant) {
        for flow in &mut self.flows {
            if std::mem::take(&mut flow.stirred) {
                flow.find_receiver(sockets);
                flow.await_rest(&self.received, end);
            }
        }
    }
}

impl Flow {
    fn find_receiver(&mut self, sockets: &BTreeSet<SocketHandle>) {
        let (None, Some(from), true) = (self.to, self.from, self.sent > SMALL) else {
            return;
        };
        // A datagram that has not arrived when its send returns is lost.
        if sys::getsockopt(from, OptionName::Type) != Ok(sys::STREAM) {
            return;
        }
        let (Ok(near), Ok(far)) = (sys::getsockname(from), sys::getpeername(from)) else {
            return;
        };
        let is_receiver =
            |s: &SocketHandle| (sys::getsockname(*s), sys::getpeername(*s)) == (Ok(far), Ok(near));
        self.to = sockets.iter().copied().find(is_receiver);
    }

    /// `None` if all is well whatever happens: next to nothing is outstanding.
    fn look(&self, received: &BTreeMap<SocketHandle, i64>) -> Option<Look> {
        let to = self.to?;
        let outstanding = self.sent - received.get(&to).copied().unwrap_or(0);
        if outstanding <= SMALL {
            return None;
        }
        // FIONREAD is no re-enabling call (AS-EN-02 lists them), so asking leaves no trace.
        let (_, waiting) = sys::ioctlsocket(to, IoctlCommand::FIONREAD, 0).ok()?;
        Some(Look { outstanding, waiting: i64::from(waiting), to })
    }

    fn await_rest(&mut self, received: &BTreeMap<SocketHandle, i64>, end: Instant) {
        let mut last_move = Instant::now();
        let mut before = None;
        while let Some(look) = self.look(received) {
            if look.under_way() <= 0 && !self.refused {
                break;
            }
            let now = Instant::now();
            if before != Some(look.under_way()) {
                before = Some(look.under_way());
                last_move = now;
            }
            let patience = match (look.waiting, self.from) {
                (0, Some(_)) => PATIENCE_STARVED,
                _ if look.has_room() => PATIENCE,
                _ if look.may_be_acknowledged() => Duration::from_millis(ACKNOWLEDGED_MS.into()),
                _ => QUIET,
            };
            if now - last_move >= patience || now >= end {
                break;
            }
            thread::sleep(NAP);
        }
        self.refused = false;
    }
}

impl Look {
    /// Sent, not received, not waiting to be received.
    const fn under_way(&self) -> i64 {
        self.outstanding - self.waiting
    }

    /// Whether the receiver has room for what is under way, so that a timer may move it. That it
    /// has unread bytes makes more of them no news, but FD_WRITE comes when the sender's buffer is
    /// free by a third (measured on Linux).
    fn has_room(&self) -> bool {
        // What Windows' timers move, nobody has measured.
        if self.waiting == 0 || sys::wine_version().is_none() {
            return true;
        }
        let Ok(buffer) = sys::getsockopt(self.to, OptionName::ReceiveBuffer) else {
            return true;
        };
        // Linux reserves twice what it was asked for.
        let room = (2 * i64::from(buffer) - self.waiting).clamp(0, SEGMENT);
        self.under_way() <= 4 * room
    }

    /// Whether an acknowledgement that is late may free a third of the sender's buffer: it may be
    /// one of all that waits to be received (measured on Linux 6.18: of 1.6 million bytes).
    const fn may_be_acknowledged(&self) -> bool {
        self.under_way() <= 3 * self.waiting
    }
}
