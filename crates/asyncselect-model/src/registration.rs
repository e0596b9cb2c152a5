//! WSAAsyncSelect and WSPAsyncSelect: validation, replacement, cancellation, inheritance.
//!
//! Reading list: AS-REG, AS-NB, AS-REP, AS-CAN and AS-INH; OQ-01 to OQ-07; W-006; C7.

use std::num::NonZeroU16;

use asyncselect_abi::{
    HostId, Hwnd, MessageId, NetworkEvent, NetworkEvents, SocketHandle, Value, WsaError,
};

use crate::chooser::Chooser;
use crate::knob::{
    AcceptInheritsMode, AcceptInheritsRegistration, CancelHwndCheck, DestroyedWindow, FailedSelect,
    FailedSelectMode, HwndCheck, QueuedMessages, Reregister, UndefinedBits, ValidationOrder,
};
use crate::latch::Trigger;
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{SocketIx, SocketState};
use crate::window::{Queued, Standing, WindowIx};
use crate::world::{CallResult, Context, ModelError, Refusal, World};

/// Where a socket's notifications go, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    /// `None`: a window that does not exist, with a stack that does not look (F, bad window).
    pub(crate) window: Option<WindowIx>,
    pub(crate) message: u16,
    /// `NetworkEvents`, defined bits only; never none.
    pub(crate) mask: NonZeroU16,
}

impl Registration {
    #[inline]
    pub(crate) fn wants(self, event: NetworkEvent) -> bool {
        u32::from(self.mask.get()) & event.bit().0 != 0
    }

    pub(crate) fn packed(self) -> u64 {
        let window = self.window.map_or(0, WindowIx::get);
        1 << 63
            | u64::from(self.mask.get()) << 32
            | u64::from(self.message) << 8
            | u64::from(window)
    }
}

/// The parameters of a call, as they came.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    /// The machine of the caller.
    pub(crate) host: HostId,
    pub(crate) socket: SocketHandle,
    pub(crate) hwnd: Hwnd,
    pub(crate) wmsg: MessageId,
    pub(crate) levent: NetworkEvents,
}

impl World {
    /// The call itself; the API and the SPI differ in what they check before and how they report.
    pub(crate) fn async_select<C: Chooser, S: Sink>(
        &mut self,
        request: Request,
        cx: &mut Context<'_, C, S>,
    ) -> CallResult {
        let (socket, window) = match self.validate(request, cx)? {
            Ok(valid) => valid,
            Err(refusal) => {
                self.after_failure(request, cx);
                return Ok(Err(refusal));
            }
        };
        // AS-NB-01: whatever the mask, also for a cancellation. A call that waits already goes on.
        self.socket_mut(socket).nonblocking = true;
        let mask = request.levent & NetworkEvents::FD_ALL_EVENTS;
        let mask = u16::try_from(mask.0).expect("defined events have the ten low bits");
        let Some(mask) = NonZeroU16::new(mask) else {
            // AS-CAN-01, AS-NB-04: no more messages; the socket stays non-blocking. Ignored bits
            // alone ask for nothing either (OQ-04).
            self.cancel(socket, cx);
            return Ok(Ok(Value::Int(0)));
        };
        let Ok(message) = u16::try_from(request.wmsg.0) else {
            return Err(ModelError::new("WSAAsyncSelect", "message numbers above 0xffff"));
        };
        let before = self.socket(socket).registration;
        let kept = match before {
            // OQ-07, W-006: is an event that was posted and not re-enabled posted again?
            Some(before)
                if (before.window, before.message) == (window, message)
                    && self.socket(socket).spent() != 0 =>
            {
                match self.knob::<Reregister>(cx) {
                    Reregister::PostsAgain => 0,
                    Reregister::KeepsLatch => before.mask.get(),
                }
            }
            // Another window or number: nothing was posted to it.
            Some(_) | None => 0,
        };
        // AS-REP-01: the old registration is gone, whatever it was; masks are not merged.
        self.end_registration(socket, cx);
        let this = self.socket_mut(socket);
        this.registration = Some(Registration { window, message, mask });
        this.keep_spent(kept);
        self.evaluate(socket, Trigger::Registered, cx);
        Ok(Ok(Value::Int(0)))
    }

    /// OQ-06: what a failing call leaves behind is not documented.
    fn after_failure<C: Chooser, S: Sink>(&mut self, request: Request, cx: &mut Context<'_, C, S>) {
        let Some(socket) = self.open_socket(request.host, request.socket) else { return };
        if self.socket(socket).registration.is_some() {
            match self.knob::<FailedSelect>(cx) {
                FailedSelect::KeepsRegistration => {}
                FailedSelect::CancelsRegistration => self.cancel(socket, cx),
            }
        } else if !self.socket(socket).nonblocking {
            match self.knob::<FailedSelectMode>(cx) {
                FailedSelectMode::Unchanged => {}
                FailedSelectMode::NonBlocking => self.socket_mut(socket).nonblocking = true,
            }
        }
    }

    fn validate<C: Chooser, S: Sink>(
        &mut self,
        request: Request,
        cx: &mut Context<'_, C, S>,
    ) -> Result<Result<(SocketIx, Option<WindowIx>), Refusal>, ModelError> {
        let socket = match self.open_socket(request.host, request.socket) {
            Some(socket) => Ok(socket),
            // AS-REG-11.
            None => Err(Refusal::by(WsaError::WSAENOTSOCK, Rule::Reg11)),
        };
        if self.faults.network_down.has(request.host) {
            // AS-REG-08. Nobody says whether parameters are looked at first (AS-REG-13).
            return Ok(Err(Refusal::by(WsaError::WSAENETDOWN, Rule::Reg08)));
        }
        let window = self.validate_parameters(request, cx);
        Ok(match (socket, window) {
            (Ok(socket), Ok(window)) => Ok((socket, window)),
            (Err(refusal), Ok(_)) | (Ok(_), Err(refusal)) => Err(refusal),
            // AS-REG-13, OQ-01: with two bad parameters either code is right.
            (Err(bad_socket), Err(bad_window)) => Err(match self.knob::<ValidationOrder>(cx) {
                ValidationOrder::SocketFirst => bad_socket,
                ValidationOrder::ParametersFirst => bad_window,
            }),
        })
    }

    fn validate_parameters<C: Chooser, S: Sink>(
        &mut self,
        request: Request,
        cx: &mut Context<'_, C, S>,
    ) -> Result<Option<WindowIx>, Refusal> {
        let invalid = Refusal::by(WsaError::WSAEINVAL, Rule::Reg09);
        let window = self.find_window(request.host, request.hwnd);
        if window.is_none() {
            let refused = if request.levent.is_empty() {
                // OQ-02: is the window looked at when there is nothing to post to it?
                self.knob::<CancelHwndCheck>(cx) == CancelHwndCheck::Einval
            } else {
                // AS-REG-09.
                self.knob::<HwndCheck>(cx) == HwndCheck::Einval
            };
            if refused {
                return Err(invalid);
            }
        }
        // OQ-04.
        if !request.levent.undefined().is_empty()
            && self.knob::<UndefinedBits>(cx) == UndefinedBits::Einval
        {
            return Err(invalid);
        }
        Ok(window)
    }

    /// Ends the registration of a socket, if it has one, and what it remembers of events.
    pub(crate) fn cancel<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        self.end_registration(socket, cx);
        self.socket_mut(socket).keep_spent(0);
    }

    /// Ends the registration of a socket, if it has one; its latches stay as they are.
    fn end_registration<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        if self.socket_mut(socket).registration.take().is_none() {
            return;
        }
        let ended =
            |queued: &Queued| queued.socket == socket && queued.standing == Standing::Current;
        if !self.windows.queue.iter().any(ended) {
            return;
        }
        // AS-CAN-03, AS-CAN-04, AS-CLS-02: what is queued may still be delivered.
        match self.knob::<QueuedMessages>(cx) {
            QueuedMessages::Delivered => {
                for queued in self.windows.queue.iter_mut().filter(|queued| ended(queued)) {
                    queued.standing = Standing::Stale;
                }
            }
            QueuedMessages::Withdrawn => {
                // What nobody will ever see does not count as posted (AS-EN-01).
                for index in 0..self.windows.queue.len() {
                    let queued = self.windows.queue[index];
                    if ended(&queued) {
                        self.socket_mut(socket).arm(queued.event);
                        self.take_back(socket, queued.event, queued.error);
                    }
                }
                let before = self.windows.queue.len();
                self.windows.queue.retain(|queued| !ended(queued));
                let count = before - self.windows.queue.len();
                let count = u8::try_from(count).unwrap_or(u8::MAX);
                cx.sink.effect(Effect::Withdrawn { count });
            }
        }
    }

    /// Gives an accepted socket what its listener has.
    pub(crate) fn inherit<C: Chooser, S: Sink>(
        &mut self,
        listener: SocketIx,
        accepted: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        // AS-INH-01, AS-INH-03: the whole mask, useless bits too; AS-INH-05: and the window.
        let registration = match self.socket(listener).registration {
            None => None,
            // F, accept inherits: some stacks do not, whatever the documentation says (FB-51).
            Some(registration) => match self.knob::<AcceptInheritsRegistration>(cx) {
                AcceptInheritsRegistration::Inherits => Some(registration),
                AcceptInheritsRegistration::Nothing => None,
            },
        };
        let Some(registration) = registration else {
            // OQ-37: "the same properties" should include the mode.
            if self.socket(listener).nonblocking
                && self.knob::<AcceptInheritsMode>(cx) == AcceptInheritsMode::Inherits
            {
                self.socket_mut(accepted).nonblocking = true;
            }
            return;
        };
        let this = self.socket_mut(accepted);
        this.registration = Some(registration);
        this.nonblocking = true;
        assert!(matches!(this.state, SocketState::Connected(..)), "accept made a connected socket");
        self.evaluate(accepted, Trigger::Inherited, cx);
    }

    /// Registrations for a window that is destroyed (OQ-18).
    pub(crate) fn window_destroyed<C: Chooser, S: Sink>(
        &mut self,
        window: WindowIx,
        cx: &mut Context<'_, C, S>,
    ) {
        for index in 0..self.sockets.len() {
            let socket = SocketIx(u8::try_from(index).expect("sockets are numbered by a byte"));
            let registration = &mut self.socket_mut(socket).registration;
            let Some(live) = registration.as_mut().filter(|live| live.window == Some(window))
            else {
                continue;
            };
            live.window = None;
            match self.knob::<DestroyedWindow>(cx) {
                DestroyedWindow::KeepsRegistration => {}
                DestroyedWindow::CancelsRegistration => self.cancel(socket, cx),
            }
        }
    }
}
