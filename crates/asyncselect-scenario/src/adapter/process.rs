//! An adapter's process: its three pipes, each served by a thread, so that nothing here waits
//! without a limit.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use asyncselect_abi::BackendError;
use asyncselect_abi::protocol::LINE_LEN_MAX;

use super::{Peer, shortened};

/// Requests up to this length are written at once, in bytes: an adapter that has answered has read
/// all that came before, and every pipe holds this much.
const WRITE_LEN_MAX: usize = 4096;

/// The lines of the adapter that may wait unread; one that sends more is held up by its own pipe.
const LINES_AHEAD: usize = 4;

/// How much of its standard error is kept for reports, in bytes.
const STDERR_KEPT: usize = 2048;

/// A command, and the process that it started last if that has not been stopped.
#[derive(Debug)]
pub struct Processes {
    command: Vec<String>,
    running: Option<Process>,
}

impl Processes {
    /// Of a command, which is split at spaces; quotes have no meaning.
    pub(super) fn of(command: &str) -> Self {
        Self { command: command.split_whitespace().map(str::to_owned).collect(), running: None }
    }
}

impl Peer for Processes {
    fn start(&mut self) -> Result<(), BackendError> {
        self.stop();
        self.running = Some(Process::start(&self.command)?);
        Ok(())
    }

    fn is_running(&self) -> bool {
        self.running.is_some()
    }

    fn ask(
        &mut self,
        line: String,
        question: &str,
        limit: Duration,
    ) -> Result<String, BackendError> {
        match &mut self.running {
            Some(process) => process.ask(line, question, limit),
            None => Err(BackendError::Died("it is not running".to_owned())),
        }
    }

    fn stop(&mut self) {
        if let Some(process) = self.running.take() {
            process.kill();
        }
    }
}

/// A running adapter with the three threads that serve its pipes.
#[derive(Debug)]
struct Process {
    child: Child,
    stdin: Arc<Mutex<ChildStdin>>,
    /// To the thread that writes what a pipe may not hold.
    requests: Sender<String>,
    lines: Receiver<Result<String, String>>,
    stderr: Arc<Mutex<VecDeque<u8>>>,
    /// Ends when all of standard error was read.
    stderr_reader: JoinHandle<()>,
}

impl Process {
    fn start(command: &[String]) -> Result<Self, BackendError> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(BackendError::Died("the command is empty".to_owned()));
        };
        let started = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = started
            .map_err(|error| BackendError::Died(format!("cannot start `{program}`: {error}")))?;
        let stdin = child.stdin.take().expect("it was asked for");
        let stdin = Arc::new(Mutex::new(stdin));
        let stdout = child.stdout.take().expect("it was asked for");
        let mut stderr = child.stderr.take().expect("it was asked for");
        let (requests, to_send) = channel::<String>();
        // Writing has its own thread: an adapter that does not read must not hold us up.
        let writer = Arc::clone(&stdin);
        thread::spawn(move || {
            for line in to_send {
                if write(&writer, &line).is_err() {
                    break;
                }
            }
        });
        let (heard, lines) = sync_channel(LINES_AHEAD);
        thread::spawn(move || read_lines(BufReader::new(stdout), &heard));
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let keeper = Arc::clone(&kept);
        let stderr_reader = thread::spawn(move || {
            let mut chunk = [0; 512];
            while let Ok(len @ 1..) = stderr.read(&mut chunk) {
                let mut kept = keeper.lock().expect("nobody panics while holding it");
                kept.extend(&chunk[..len]);
                let surplus = kept.len().saturating_sub(STDERR_KEPT);
                kept.drain(..surplus);
            }
        });
        Ok(Self { child, stdin, requests, lines, stderr: kept, stderr_reader })
    }

    fn ask(
        &mut self,
        line: String,
        question: &str,
        limit: Duration,
    ) -> Result<String, BackendError> {
        if let Ok(unasked) = self.lines.try_recv() {
            let what = unasked.map_or_else(|what| what, |line| shortened(&line));
            return Err(BackendError::Garbage(format!("{what} without being asked")));
        }
        let sent = match line.len() {
            0..=WRITE_LEN_MAX => write(&self.stdin, &line).is_ok(),
            _ => self.requests.send(line).is_ok(),
        };
        if !sent {
            return Err(self.died());
        }
        match self.lines.recv_timeout(limit) {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(what)) => Err(BackendError::Garbage(what)),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = limit.as_secs_f32();
                Err(BackendError::Hung(format!("no answer to `{question}` in {seconds:.1} s")))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.died()),
        }
    }

    fn died(&mut self) -> BackendError {
        // Its output ended; it may need a moment to be gone, and we one to hear its last words.
        let mut status = None;
        for _ in 0..50 {
            status = self.child.try_wait().ok().flatten();
            if status.is_some() && self.stderr_reader.is_finished() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let how = match status {
            Some(status) => status.to_string(),
            None => "it closed its output".to_owned(),
        };
        let kept = self.stderr.lock().expect("nobody panics while holding it");
        let bytes: Vec<u8> = kept.iter().copied().collect();
        let said = String::from_utf8_lossy(&bytes);
        // A Rust adapter that panics ends with a note about backtraces.
        match said.trim().lines().rfind(|line| !line.starts_with("note: ")) {
            Some(last) => BackendError::Died(format!("{how}; it said: {}", shortened(last))),
            None => BackendError::Died(how),
        }
    }

    fn kill(mut self) {
        // Both fail only if it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn write(stdin: &Mutex<ChildStdin>, line: &str) -> std::io::Result<()> {
    let mut stdin = stdin.lock().expect("nobody panics while holding it");
    stdin.write_all(line.as_bytes())?;
    stdin.flush()
}

fn read_lines(mut stdout: impl BufRead, heard: &SyncSender<Result<String, String>>) {
    while let Some(line) = read_line(&mut stdout) {
        if heard.send(line).is_err() {
            return;
        }
    }
}

/// The next line of an adapter, or what is wrong with it; `None` if there is no more.
pub fn read_line(stdout: &mut impl BufRead) -> Option<Result<String, String>> {
    let mut line = Vec::new();
    let limit = u64::try_from(LINE_LEN_MAX + 1).expect("fits");
    match stdout.take(limit).read_until(b'\n', &mut line) {
        Err(_) | Ok(0) => None,
        Ok(_) if line.len() > LINE_LEN_MAX => {
            Some(Err(format!("a line of more than {LINE_LEN_MAX} bytes")))
        }
        Ok(_) => Some(String::from_utf8(line).map_err(|_| "a line that is not UTF-8".to_owned())),
    }
}
