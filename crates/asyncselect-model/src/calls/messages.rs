//! Calls on windows and message queues.

use asyncselect_abi::{
    HostId, Hwnd, MessageId, OwnReply, PumpFilter, SocketHandle, ThreadId, Value, WsaError,
};

use super::{Outcome, Progress, fails, unsupported};
use crate::chooser::Chooser;
use crate::sink::Sink;
use crate::socket::SocketIx;
use crate::window::{Queued, Standing, WindowIx};
use crate::world::{Context, PendingCall, World};

impl World {
    /// The window behind a handle of this machine, unless it was destroyed or never was.
    #[inline]
    pub(crate) fn find_window(&self, host: HostId, handle: Hwnd) -> Option<WindowIx> {
        let window = self.windows.find(handle)?;
        let owner = self.windows.owner(window)?;
        (self.host_of(owner) == host).then_some(window)
    }

    pub(super) fn create_window(&mut self, thread: ThreadId) -> Outcome {
        match self.windows.create(thread) {
            Some(window) => Ok(Progress::Done(Ok(Value::Window(window.handle())))),
            None => unsupported("CreateWindow", "more than 255 windows"),
        }
    }

    /// DestroyWindow; AS-Q-07: its messages go with it.
    pub(super) fn destroy_window<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        hwnd: Hwnd,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        const ERROR_ACCESS_DENIED: WsaError = WsaError(5);
        let Some(window) = self.find_window(self.host_of(thread), hwnd) else {
            return unsupported("DestroyWindow", "of a window that does not exist");
        };
        if self.windows.owner(window) != Some(thread) {
            return fails(ERROR_ACCESS_DENIED);
        }
        self.windows.destroy(window);
        if let Some(parts) = self.more.existing() {
            parts.provider.posting.retain(|queued| queued.window != window);
        }
        self.window_destroyed(window, cx);
        Ok(Progress::Done(Ok(Value::Int(1))))
    }

    /// PostMessage, by the program itself. The message is none of the stack's: no event is spent,
    /// and no registration has part in it.
    pub(super) fn post_message<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        (hwnd, message): (Hwnd, MessageId),
        socket: SocketHandle,
        reply: OwnReply,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        const CALL: &str = "PostMessage";
        const ERROR_NOT_ENOUGH_QUOTA: WsaError = WsaError(1816);
        // AS-Q-05: a null handle is another call, and what is said of others is not ours.
        let Some(window) = self.find_window(self.host_of(thread), hwnd) else {
            return unsupported(CALL, "to a window that does not exist");
        };
        let message = match u16::try_from(message.0) {
            Ok(number) if message >= MessageId::WM_USER => number,
            Ok(_) | Err(_) => return unsupported(CALL, "of a number that is no program's"),
        };
        let socket = match socket {
            SocketHandle(0) => Queued::NO_SOCKET,
            handle => match SocketIx::from_handle(handle) {
                Some(socket) if socket.at() < self.sockets.len() => socket,
                Some(_) | None => return unsupported(CALL, "with a `wParam` that was no socket's"),
            },
        };
        // AS-Q-01.
        if !self.has_room(window, cx) {
            return fails(ERROR_NOT_ENOUGH_QUOTA);
        }
        let OwnReply { event, error } = reply;
        let (standing, error) = (Standing::Own, error.unwrap_or_default());
        self.windows.queue.push(Queued { window, socket, event, standing, message, error });
        Ok(Progress::Done(Ok(Value::Int(1))))
    }

    /// GetMessage: takes the first message that the filter admits, or waits for one.
    pub(super) fn get_message<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        hwnd: Hwnd,
        (min, max): (MessageId, MessageId),
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let window = match hwnd {
            Hwnd(0) => None,
            hwnd => match self.find_window(self.host_of(thread), hwnd) {
                Some(window) => Some(window),
                None => return unsupported("GetMessage", "of a window that does not exist"),
            },
        };
        let (Ok(min), Ok(max)) = (u16::try_from(min.0), u16::try_from(max.0)) else {
            return unsupported("GetMessage", "with message numbers above 0xffff");
        };
        let filter = Self::message_filter(thread, window, min, max);
        Ok(match self.retrieve(&filter, cx) {
            Some(message) => Progress::Done(Ok(Value::Message(message))),
            None => Progress::Waits(PendingCall::Message { window, min, max }),
        })
    }

    /// What GetMessage admits; two zeros are no limits.
    pub(super) fn message_filter(
        thread: ThreadId,
        window: Option<WindowIx>,
        min: u16,
        max: u16,
    ) -> PumpFilter {
        let range = (min != 0 || max != 0)
            .then_some((MessageId(u32::from(min)), MessageId(u32::from(max))));
        PumpFilter { thread, hwnd: window.map(WindowIx::handle), range, remove: true }
    }
}
