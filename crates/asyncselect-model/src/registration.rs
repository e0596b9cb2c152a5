//! WSAAsyncSelect, WSPAsyncSelect and WSAEventSelect: validation, replacement, cancellation,
//! inheritance. What WSAEventSelect has besides is in [`crate::event_mode`].
//!
//! Reading list: AS-REG, AS-NB, AS-REP, AS-CAN and AS-INH; OQ-01 to OQ-07; W-006; C7.

use std::num::NonZeroU16;

use asyncselect_abi::{
    EventHandle, HostId, Hwnd, MessageId, NetworkEvent, NetworkEvents, SocketHandle, Value,
    WsaError,
};

use crate::arm::works;
use crate::chooser::Chooser;
use crate::event_object::EventIx;
use crate::knob::{
    AcceptInheritsMode, AcceptInheritsRegistration, CancelEventCheck, CancelHwndCheck,
    DestroyedWindow, FailedSelect, FailedSelectMode, HwndCheck, QueuedMessages, Reregister,
    UndefinedBits, ValidationOrder,
};
use crate::latch::Trigger;
use crate::more::Parts;
use crate::rule::Rule;
use crate::sharing::Sharing;
use crate::sink::{Effect, Sink};
use crate::socket::{SocketIx, SocketState};
use crate::window::{Queued, Standing, WindowIx};
use crate::world::{CallResult, Context, ModelError, Refusal, World};

/// Where a socket's notifications go, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) target: Target,
    /// The descriptor through which it was made (OQ-19).
    pub(crate) descriptor: SocketIx,
    /// `NetworkEvents`, defined bits only; never none.
    pub(crate) mask: NonZeroU16,
}

/// Where notifications go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Into the queue of a window, by WSAAsyncSelect. `None`: one that does not exist, with a stack
    /// that does not look (F, bad window).
    Window { window: Option<WindowIx>, message: u16 },
    /// Into the socket's record and to an event object, by WSAEventSelect. `None`: one that was
    /// closed since.
    Event(Option<EventIx>),
}

impl Registration {
    #[inline]
    pub(crate) fn wants(self, event: NetworkEvent) -> bool {
        u32::from(self.mask.get()) & event.bit().0 != 0
    }

    pub(crate) fn packed(self) -> u64 {
        let target = match self.target {
            Target::Window { window, message } => {
                u64::from(message) << 8 | u64::from(window.map_or(0, WindowIx::get))
            }
            Target::Event(object) => 1 << 62 | u64::from(object.map_or(0, EventIx::number)),
        };
        1 << 63 | u64::from(self.descriptor.0) << 48 | u64::from(self.mask.get()) << 32 | target
    }
}

/// The parameters of a call, as they came.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    /// The machine of the caller.
    pub(crate) host: HostId,
    pub(crate) socket: SocketHandle,
    pub(crate) aim: Aim,
    pub(crate) levent: NetworkEvents,
}

/// Where notifications are to go.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    /// WSAAsyncSelect.
    Window { hwnd: Hwnd, wmsg: MessageId },
    /// WSAEventSelect.
    Event(EventHandle),
}

/// The same when it was looked up.
#[derive(Clone, Copy)]
enum Found {
    Window(Option<WindowIx>, MessageId),
    Event(Option<EventIx>),
}

impl World {
    /// Why it is open whether an urgent byte that is there already is told (AS-OOB-02), if so. Wine
    /// 8.0 tells of none after a reset, and under a call that waits of some, later (measured).
    fn leaves_oob_open(&self, socket: SocketIx, levent: NetworkEvents) -> Option<&'static str> {
        let this = self.socket(socket);
        let (link, side) = this.link()?;
        if (levent & NetworkEvents::FD_OOB).is_empty()
            || this.oob_inline
            || !self.streams.has_urgent(link, side)
        {
            None
        } else if self.is_aborted(socket) {
            Some("for FD_OOB, after a reset")
        } else if self.pending.iter().any(|call| call.receives_on(socket)) {
            Some("for FD_OOB, under a recv that waits")
        } else {
            None
        }
    }

    /// The calls themselves; the API and the SPI differ in what they check before and how they
    /// report.
    pub(crate) fn register<C: Chooser, S: Sink>(
        &mut self,
        request: Request,
        cx: &mut Context<'_, C, S>,
    ) -> CallResult {
        let (descriptor, found) = match self.validate(request, cx)? {
            Ok(valid) => valid,
            Err(refusal) => {
                self.after_failure(request, cx);
                // AS-REG-06.
                return Ok(if works(Rule::Reg06) { Err(refusal) } else { Ok(Value::Int(0)) });
            }
        };
        // AS-DUP-01: whichever descriptor it is, the socket has one registration.
        let socket = self.behind(descriptor);
        // AS-DUP-02: it replaces what another descriptor registered.
        let elsewhere = |held: Registration| held.descriptor != descriptor;
        if !works(Rule::Dup02) && self.socket(socket).registration.is_some_and(elsewhere) {
            return Ok(Ok(Value::Int(0)));
        }
        if let Some(what) = self.leaves_oob_open(socket, request.levent) {
            return Err(ModelError::new("WSAAsyncSelect", what));
        }
        // AS-REG-14: an error of the connection is for FD_CLOSE to tell.
        if !works(Rule::Reg14) && self.is_aborted(socket) {
            return Ok(Err(Refusal::plain(WsaError::WSAECONNRESET)));
        }
        // AS-Q-09: no number of registered sockets is too many.
        let mut others = self.sockets.iter().filter(|other| other.registration.is_some());
        if !works(Rule::Q09) && others.nth(7).is_some() {
            return Ok(Err(Refusal::plain(WsaError::WSAENOBUFS)));
        }
        // AS-NB-01, AS-NB-08: whatever the mask, also for a cancellation. A call that waits already
        // goes on.
        let non_blocking = match found {
            Found::Window(..) => Rule::Nb01,
            Found::Event(_) => Rule::Nb08,
        };
        if works(non_blocking) {
            self.socket_mut(socket).nonblocking = true;
        }
        let mask = request.levent & NetworkEvents::FD_ALL_EVENTS;
        let mask = u16::try_from(mask.0).expect("defined events have the ten low bits");
        // AS-REP-02: one call, several events.
        let mask = if works(Rule::Rep02) { mask } else { mask & mask.wrapping_neg() };
        // AS-REG-05.
        let success = Ok(Ok(Value::Int(i64::from(!works(Rule::Reg05)))));
        let Some(mask) = NonZeroU16::new(mask) else {
            // AS-CAN-01, AS-NB-04: no more messages; the socket stays non-blocking. Ignored bits
            // alone ask for nothing either (OQ-04).
            match found {
                Found::Window(..) if !works(Rule::Can01) => {}
                Found::Window(..) => {
                    self.end_record(socket, true, cx);
                    self.cancel(socket, cx);
                    if !works(Rule::Nb04) {
                        self.socket_mut(socket).nonblocking = false;
                    }
                }
                Found::Event(_) => {
                    self.renew_record(socket, cx);
                    self.end_registration(socket, cx);
                    self.forget_latches(socket);
                }
            }
            return success;
        };
        let target = match found {
            Found::Window(window, wmsg) => {
                let Ok(message) = u16::try_from(wmsg.0) else {
                    return Err(ModelError::new("WSAAsyncSelect", "message numbers above 0xffff"));
                };
                // AS-REG-03.
                let window = if works(Rule::Reg03) { window } else { Some(WindowIx::ONE) };
                Target::Window { window, message }
            }
            Found::Event(object) => Target::Event(object),
        };
        let before = self.socket(socket).registration;
        let kept = match (target, before) {
            (Target::Event(_), _) => self.begin_event_mode(socket, cx),
            // OQ-07, W-006: is an event that was posted and not re-enabled posted again?
            (Target::Window { .. }, Some(before))
                if before.target == target && self.socket(socket).spent() != 0 =>
            {
                match self.knob::<Reregister>(cx) {
                    Reregister::PostsAgain => 0,
                    Reregister::KeepsLatch => before.mask.get(),
                }
            }
            // Another window or number, or an event object: nothing was posted to it.
            (Target::Window { .. }, Some(_) | None) => 0,
        };
        if let Target::Window { .. } = target {
            self.end_record(socket, false, cx);
        }
        // AS-REP-01: the old registration is gone, whatever it was; masks are not merged.
        // AS-DUP-02, AS-DUP-03: also if it was made through another descriptor, or by another
        // process.
        self.end_registration(socket, cx);
        let mask = match before {
            Some(before) if !works(Rule::Rep01) => mask | before.mask,
            Some(_) | None => mask,
        };
        // AS-REG-15: another socket may have the same window and number.
        if !works(Rule::Reg15) {
            for other in self.sockets.iter_mut() {
                other.registration = other.registration.filter(|held| held.target != target);
            }
        }
        let this = self.socket_mut(socket);
        this.registration = Some(Registration { target, descriptor, mask });
        this.keep_spent(kept);
        if let Target::Event(object) = target {
            self.tell_record(socket, object, mask.get());
        }
        if works(Rule::Reg16) {
            self.evaluate(socket, Trigger::Registered, cx);
        }
        success
    }

    /// OQ-06: what a failing call leaves behind is not documented.
    fn after_failure<C: Chooser, S: Sink>(&mut self, request: Request, cx: &mut Context<'_, C, S>) {
        let Some(socket) = self.open_socket(request.host, request.socket) else { return };
        let socket = self.behind(socket);
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
    ) -> Result<Result<(SocketIx, Found), Refusal>, ModelError> {
        let socket = match self.open_socket(request.host, request.socket) {
            Some(socket) => Ok(socket),
            // AS-REG-11.
            None => Err(Refusal::by(WsaError::WSAENOTSOCK, Rule::Reg11)),
        };
        if self.is_posting(request.host) {
            // AS-REG-10, X-02: the provider is still processing a callback.
            return Ok(Err(Refusal::by(WsaError::WSAEINPROGRESS, Rule::Reg10)));
        }
        if self.is_network_down(request.host) {
            // AS-REG-08. Nobody says whether parameters are looked at first (AS-REG-13).
            return Ok(Err(Refusal::by(WsaError::WSAENETDOWN, Rule::Reg08)));
        }
        if let Aim::Window { hwnd, .. } = request.aim
            && self.find_window(request.host, hwnd).is_none()
            && self.windows.find(hwnd).is_some()
            && self.more.sharing.processes
        {
            return Err(ModelError::new("WSAAsyncSelect", "with a window of another process"));
        }
        let found = self.validate_parameters(request, cx);
        Ok(match (socket, found) {
            (Ok(socket), Ok(found)) => Ok((socket, found)),
            (Err(refusal), Ok(_)) | (Ok(_), Err(refusal)) => Err(refusal),
            // AS-REG-13, OQ-01: with two bad parameters either code is right.
            (Err(bad_socket), Err(bad_other)) => Err(match self.knob::<ValidationOrder>(cx) {
                ValidationOrder::SocketFirst => bad_socket,
                ValidationOrder::ParametersFirst => bad_other,
            }),
        })
    }

    fn validate_parameters<C: Chooser, S: Sink>(
        &mut self,
        request: Request,
        cx: &mut Context<'_, C, S>,
    ) -> Result<Found, Refusal> {
        let invalid = Refusal::by(WsaError::WSAEINVAL, Rule::Reg09);
        let cancels = request.levent.is_empty();
        let (found, refused) = match request.aim {
            Aim::Window { hwnd, wmsg } => {
                let window = self.find_window(request.host, hwnd);
                let refused = window.is_none()
                    && if cancels {
                        // OQ-02: is the window looked at when there is nothing to post to it?
                        self.knob::<CancelHwndCheck>(cx) == CancelHwndCheck::Einval
                    } else {
                        // AS-REG-09.
                        self.knob::<HwndCheck>(cx) == HwndCheck::Einval
                    };
                (Found::Window(window, wmsg), refused)
            }
            Aim::Event(handle) => {
                let object = self.find_event(request.host, handle);
                // with a mask of 0 the event object is ignored; W-099: else there must be
                // one.
                let refused = object.is_none()
                    && (!cancels
                        || handle != EventHandle(0)
                            && self.knob::<CancelEventCheck>(cx) == CancelEventCheck::Einval);
                (Found::Event(object), refused)
            }
        };
        // AS-Q-08: no number is refused, not even WM_NULL.
        let is_low = match request.aim {
            Aim::Window { wmsg, .. } => wmsg < MessageId::WM_USER,
            Aim::Event(_) => false,
        };
        // AS-REG-04: nor is one of the ten events, though early stacks had six.
        let is_new = request.levent.0 & 0x3c0 != 0;
        if refused || is_low && !works(Rule::Q08) || is_new && !works(Rule::Reg04) {
            return Err(invalid);
        }
        // OQ-04.
        if !request.levent.undefined().is_empty()
            && self.knob::<UndefinedBits>(cx) == UndefinedBits::Einval
        {
            return Err(invalid);
        }
        Ok(found)
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
    pub(crate) fn end_registration<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        if self.socket_mut(socket).registration.take().is_none() {
            return;
        }
        let ended = |sharing: &Sharing, queued: &Queued| {
            queued.standing == Standing::Current && sharing.socket_of(queued.socket) == socket
        };
        let any = self.windows.queue.iter().any(|queued| ended(&self.more.sharing, queued));
        // AS-CAN-03, AS-CAN-04, AS-CLS-02: what is queued may still be delivered.
        match any.then(|| self.knob::<QueuedMessages>(cx)) {
            None if self.more.provider.posting.is_empty() => {}
            None | Some(QueuedMessages::Delivered) => self.make_stale(socket),
            Some(QueuedMessages::Withdrawn) => {
                let Self { windows, more, sockets, .. } = self;
                // What nobody will ever see does not count as posted (AS-EN-01).
                let queued = windows.queue.iter().filter(|queued| ended(&more.sharing, queued));
                // Hardly ever so.
                let told: Vec<Queued> = queued.copied().collect();
                for queued in &told {
                    sockets[socket.at()].arm(queued.event);
                }
                let before = windows.queue.len();
                windows.queue.retain(|queued| !ended(&more.sharing, queued));
                for queued in told {
                    self.take_back(socket, queued.event, queued.error);
                }
                let count = u8::try_from(before - self.windows.queue.len()).unwrap_or(u8::MAX);
                cx.sink.effect(Effect::Withdrawn { count });
                // An upcall that was made cannot be taken back.
                self.make_stale(socket);
            }
        }
        self.drop_descriptors(socket);
    }

    /// The registration that posted what is queued of a socket holds no longer.
    pub(crate) fn make_stale(&mut self, socket: SocketIx) {
        let Self { windows, more, .. } = self;
        let make_stale = |sharing: &Sharing, queued: &mut Queued| {
            if queued.standing == Standing::Current && sharing.socket_of(queued.socket) == socket {
                queued.standing = Standing::Stale;
            }
        };
        windows.queue.iter_mut().for_each(|queued| make_stale(&more.sharing, queued));
        if let Some(Parts { sharing, provider, .. }) = more.existing() {
            provider.posting.iter_mut().for_each(|queued| make_stale(sharing, queued));
        }
    }

    /// Gives an accepted socket what its listener has.
    pub(crate) fn inherit<C: Chooser, S: Sink>(
        &mut self,
        listener: SocketIx,
        accepted: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        let accept = NetworkEvent::Accept.bit().0;
        // AS-INH-01, AS-INH-03: the whole mask, useless bits too; AS-INH-05: and the window.
        let registration = match self.socket(listener).registration {
            Some(_) if !works(Rule::Inh01) => None,
            // A stack that leaves out what an accepted socket cannot use.
            Some(held) if !works(Rule::Inh03) && u32::from(held.mask.get()) == accept => None,
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
        let mut target = registration.target;
        if let Target::Window { window, .. } = &mut target
            && !works(Rule::Inh05)
        {
            // A stack that has one window for all accepted sockets.
            *window = Some(WindowIx::ONE);
        }
        let this = self.socket_mut(accepted);
        this.registration = Some(Registration { descriptor: accepted, target, ..registration });
        this.nonblocking = true;
        assert!(matches!(this.state, SocketState::Connected(..)), "accept made a connected socket");
        if works(Rule::Inh06) {
            self.evaluate(accepted, Trigger::Inherited, cx);
        }
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
            let Some(Registration { target: Target::Window { window: live, .. }, .. }) =
                registration
            else {
                continue;
            };
            if *live != Some(window) {
                continue;
            }
            *live = None;
            match self.knob::<DestroyedWindow>(cx) {
                DestroyedWindow::KeepsRegistration if works(Rule::Q07) => {}
                DestroyedWindow::KeepsRegistration | DestroyedWindow::CancelsRegistration => {
                    self.cancel(socket, cx);
                }
            }
        }
    }
}
