//! The OS thread behind one thread of the script: it makes the calls and owns the windows.

use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use asyncselect_abi::call::{Repeat, WireCall};
use asyncselect_abi::{Call, Family, ThreadId};

use crate::perform::{Performed, perform_all};
use crate::{perform, sys};

type Job = Box<dyn FnOnce() + Send>;

/// A thread that runs one job after the other until it is dropped.
pub(crate) struct Worker {
    jobs: Sender<Job>,
    call: CallState,
    /// The system's number of the thread, from the thread itself.
    number: Arc<OnceLock<u32>>,
}

/// The call that the thread is making for the script.
enum CallState {
    /// None, or it has been answered.
    None,
    /// Made, not answered: from [`Worker::start_call`].
    Running(Asked, Receiver<Performed>),
    /// It has returned, and nobody has looked at what it did: from [`Worker::wait_for_call`].
    Returned(Asked, Performed),
    /// What it did is in the session's accounts, and nobody has asked for its answer since: from
    /// [`Worker::keep_answer`].
    Counted(Repeat, Performed),
}

/// What a thread was asked to do for the script.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) call: WireCall,
    pub(crate) repeat: Repeat,
    /// Of the sockets that it makes.
    pub(crate) family: Family,
}

impl Worker {
    /// Starts the thread. It ends when the worker is dropped, unless a call still blocks; then it
    /// ends with the process.
    pub(crate) fn new(thread: ThreadId) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let number = Arc::new(OnceLock::new());
        let own_number = Arc::clone(&number);
        thread::Builder::new()
            .name(format!("script thread {}", thread.0))
            .spawn(move || {
                own_number.get_or_init(sys::current_thread);
                queue.into_iter().for_each(|job| job());
            })
            .expect("the system has room for one more thread");
        Self { jobs, call: CallState::None, number }
    }

    /// Runs a job on the thread. `None` if it did not end in time; the job runs on.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        at_most: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        match self.start(job).recv_timeout(at_most) {
            Ok(value) => Some(value),
            Err(mpsc::RecvTimeoutError::Timeout) => None,
            Err(mpsc::RecvTimeoutError::Disconnected) => panic!("a job panicked"),
        }
    }

    fn start<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        // Nobody may be waiting any more; then the value is not wanted.
        let job = Box::new(move || drop(sender.send(job())));
        self.jobs.send(job).expect("the thread runs while its worker lives");
        receiver
    }

    /// Starts a call; [`Self::wait_for_call`] and [`Self::take_answer`] tell what became of it.
    pub(crate) fn start_call(&mut self, asked: Asked) {
        assert!(!self.has_call(), "the session asks first");
        let receiver = self.start({
            let Asked { call, repeat, family } = asked.clone();
            move || perform_all(&call, repeat, family)
        });
        self.call = CallState::Running(asked, receiver);
    }

    /// Whether there is a call that has not been answered, returned or not.
    pub(crate) fn has_call(&self) -> bool {
        !matches!(self.call, CallState::None)
    }

    /// Waits for the call, if there is one, and says whether the thread is free for jobs.
    pub(crate) fn wait_for_call(&mut self, at_most: Duration) -> bool {
        let CallState::Running(asked, receiver) = &self.call else {
            return true;
        };
        let answer = match at_most.is_zero() {
            true => receiver.try_recv().map_err(|error| error == TryRecvError::Disconnected),
            false => receiver
                .recv_timeout(at_most)
                .map_err(|error| error == mpsc::RecvTimeoutError::Disconnected),
        };
        match answer {
            Ok(answer) => {
                self.call = CallState::Returned(asked.clone(), answer);
                true
            }
            Err(false) => false,
            Err(true) => panic!("a call panicked"),
        }
    }

    /// Ends the wait of a `GetMessage` by a message that the script cannot see, and that of a
    /// `WSAWaitForMultipleEvents` by setting its event objects; closing sockets does not. To be
    /// repeated until the call has returned: the thread may be on its way into it.
    pub(crate) fn end_wait(&self) {
        if let CallState::Running(Asked { call, .. }, _) = &self.call
            && let Call::WsaWaitForMultipleEvents { events, .. } = call
        {
            for event in events {
                // Fails where it is no event object, and then nothing waits.
                let _ = sys::events::wsa_set_event(*event);
            }
        }
        if let CallState::Running(Asked { call: Call::GetMessage { hwnd, min, .. }, .. }, _) =
            &self.call
            && let Some(number) = self.number.get()
        {
            // Fails if the window is gone or the queue not made yet; the next try may not.
            let _ = sys::post(*hwnd, *number, min.0, perform::END_OF_WAIT);
        }
    }

    /// A call that has returned, just once.
    pub(crate) fn take_return(&mut self) -> Option<(Asked, Performed)> {
        match std::mem::replace(&mut self.call, CallState::None) {
            CallState::Returned(asked, performed) => Some((asked, performed)),
            other => {
                self.call = other;
                None
            }
        }
    }

    /// What [`Self::take_return`] gave is the answer to the call, whenever somebody asks.
    pub(crate) fn keep_answer(&mut self, repeat: Repeat, performed: Performed) {
        self.call = CallState::Counted(repeat, performed);
    }

    /// The answer that was kept, just once.
    pub(crate) fn take_answer(&mut self) -> Option<(Repeat, Performed)> {
        match std::mem::replace(&mut self.call, CallState::None) {
            CallState::Counted(repeat, performed) => Some((repeat, performed)),
            other => {
                self.call = other;
                None
            }
        }
    }
}
