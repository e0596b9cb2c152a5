//! An adapter's process, asked with a limit on how long it may take.
//!
//! `run` makes the calls in a process of their own, this program once more, so that a call that
//! never returns or takes the process with it costs one scenario.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use asyncselect_abi::BackendError;
use asyncselect_abi::protocol::{
    LINE_LEN_MAX, Request, RequestBody, Response, ResponseBody, VERSION,
};

use crate::player::Ask;

/// How much longer than it was given an adapter may take before it counts as hung.
const SLACK: Duration = Duration::from_secs(2);

/// How long it may take to introduce itself: the first process of a Wine prefix takes seconds.
const HELLO_MS: u32 = 60_000;

/// An adapter by its command, with the process that runs now.
pub(crate) struct Adapter {
    command: Vec<String>,
    process: Option<Process>,
    /// What it says that it is.
    pub(crate) stack: String,
    /// What it offers.
    pub(crate) capabilities: Vec<String>,
    next_id: u64,
    slack: Duration,
}

impl Adapter {
    /// Starts the command: the program and its arguments.
    pub(crate) fn start(command: Vec<String>) -> Result<Self, BackendError> {
        Self::start_with_slack(command, SLACK)
    }

    fn start_with_slack(command: Vec<String>, slack: Duration) -> Result<Self, BackendError> {
        let (stack, capabilities) = (String::new(), Vec::new());
        let mut adapter = Self { command, process: None, stack, capabilities, next_id: 0, slack };
        adapter.restart()?;
        Ok(adapter)
    }

    /// Whether it died, hung or answered nonsense, and does not run any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.process.is_none()
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl Ask for Adapter {
    fn ask(&mut self, body: RequestBody, deadline_ms: u32) -> Result<ResponseBody, BackendError> {
        let Some(process) = &mut self.process else {
            return Err(BackendError::Died("it is not running".to_owned()));
        };
        self.next_id += 1;
        let request = Request { id: self.next_id, deadline_ms, body };
        let limit = Duration::from_millis(deadline_ms.into()) + self.slack;
        match process.ask(&request, limit) {
            Ok(ResponseBody::Unsupported(what)) => Err(BackendError::Unsupported(what)),
            Ok(body) => Ok(body),
            Err(error) => {
                self.stop();
                Err(error)
            }
        }
    }

    fn restart(&mut self) -> Result<(), BackendError> {
        self.stop();
        self.next_id = 0;
        self.process = Some(Process::start(&self.command)?);
        match self.ask(RequestBody::Hello { version: VERSION }, HELLO_MS)? {
            ResponseBody::Hello { version: VERSION, stack, capabilities } => {
                (self.stack, self.capabilities) = (stack, capabilities);
                Ok(())
            }
            other => {
                self.stop();
                Err(BackendError::Garbage(format!("{other:?} to hello")))
            }
        }
    }

    fn offers(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|offered| offered == capability)
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        if self.process.is_some() {
            // A good-bye lets it clean up; whether it answers does not matter any more.
            let _ = self.ask(RequestBody::Bye {}, 500);
        }
        self.stop();
    }
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<Result<String, String>>,
}

impl Process {
    fn start(command: &[String]) -> Result<Self, BackendError> {
        let (program, args) = command.split_first().expect("a command has a program");
        let started =
            Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started
            .map_err(|error| BackendError::Died(format!("cannot start `{program}`: {error}")))?;
        let stdin = child.stdin.take().expect("it was asked for");
        let stdout = child.stdout.take().expect("it was asked for");
        let (heard, lines) = sync_channel(1);
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            while let Some(line) = read_line(&mut stdout).transpose() {
                let last = line.is_err();
                if heard.send(line).is_err() || last {
                    break;
                }
            }
        });
        Ok(Self { child, stdin, lines })
    }

    fn ask(&mut self, request: &Request, limit: Duration) -> Result<ResponseBody, BackendError> {
        let mut line = serde_json::to_vec(request).expect("requests are plain data");
        line.push(b'\n');
        // One that does not read is no adapter: requests are far smaller than a pipe's buffer,
        // but for the longest payloads, and those in their short form are not longer.
        if self.stdin.write_all(&line).and_then(|()| self.stdin.flush()).is_err() {
            return Err(self.died());
        }
        match self.lines.recv_timeout(limit) {
            Ok(Ok(line)) => match serde_json::from_str::<Response>(&line) {
                Ok(response) if response.id == request.id => Ok(response.body),
                Ok(response) => {
                    let (is, asked) = (response.id, request.id);
                    Err(BackendError::Garbage(format!("an answer to {is}, asked was {asked}")))
                }
                Err(error) => Err(BackendError::Garbage(error.to_string())),
            },
            Ok(Err(what)) => Err(BackendError::Garbage(what)),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = limit.as_secs_f32();
                Err(BackendError::Hung(format!("no answer in {seconds:.1} s")))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.died()),
        }
    }

    fn died(&mut self) -> BackendError {
        // Its output ended; it may need a moment to be gone.
        for _ in 0..50 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return BackendError::Died(status.to_string());
            }
            thread::sleep(Duration::from_millis(2));
        }
        BackendError::Died("it closed its output".to_owned())
    }
}

/// The next line; `None` at the end.
fn read_line(from: &mut impl BufRead) -> Result<Option<String>, String> {
    let mut line = Vec::new();
    let limit = u64::try_from(LINE_LEN_MAX).expect("a line fits in memory");
    let len = from.by_ref().take(limit).read_until(b'\n', &mut line);
    match len.map_err(|error: io::Error| error.to_string())? {
        0 => Ok(None),
        LINE_LEN_MAX => Err(format!("a line longer than {LINE_LEN_MAX} bytes")),
        _ => String::from_utf8(line).map(Some).map_err(|error| error.to_string()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const HELLO: &str =
        r#"{"id":1,"is":{"hello":{"version":1,"stack":"A shell","capabilities":["oob"]}}}"#;

    /// An adapter that is a shell script; `then` comes after its hello.
    fn shell(then: &str) -> Result<Adapter, BackendError> {
        let script = format!("read request; echo '{HELLO}'; {then}");
        let command = ["sh", "-c", &script].map(str::to_owned).to_vec();
        Adapter::start_with_slack(command, Duration::from_millis(300))
    }

    fn settle(adapter: &mut Adapter) -> Result<ResponseBody, BackendError> {
        adapter.ask(RequestBody::Settle {}, 100)
    }

    #[test]
    fn one_that_answers_is_heard() {
        let answer = r#"read request; echo '{"id":2,"is":{"done":{}}}'; read bye"#;
        let mut adapter = shell(answer).unwrap();
        assert_eq!(adapter.stack, "A shell");
        assert!(adapter.offers("oob") && !adapter.offers("spi"));
        assert_eq!(settle(&mut adapter), Ok(ResponseBody::Done {}));
        assert!(!adapter.is_gone());
    }

    #[test]
    fn one_that_hangs_dies_or_babbles_is_gone_and_can_be_started_anew() {
        let hung = BackendError::Hung("no answer in 0.4 s".to_owned());
        let died = BackendError::Died("exit status: 3".to_owned());
        let other = BackendError::Garbage("an answer to 7, asked was 2".to_owned());
        for (then, error) in [
            ("read request; sleep 60", hung),
            ("read request; exit 3", died),
            (r#"read request; echo '{"id":7,"is":{"done":{}}}'; sleep 60"#, other),
        ] {
            let mut adapter = shell(then).unwrap();
            assert_eq!(settle(&mut adapter), Err(error));
            assert!(adapter.is_gone());
            assert!(matches!(settle(&mut adapter), Err(BackendError::Died(_))));
            adapter.restart().unwrap();
            assert!(!adapter.is_gone());
        }
        let mut adapter = shell("read request; echo nonsense; sleep 60").unwrap();
        assert!(matches!(settle(&mut adapter), Err(BackendError::Garbage(_))));
    }

    #[test]
    fn one_that_cannot_is_not_gone() {
        let answer = r#"read request; echo '{"id":2,"is":{"unsupported":"no"}}'; read bye"#;
        let mut adapter = shell(answer).unwrap();
        assert_eq!(settle(&mut adapter), Err(BackendError::Unsupported("no".to_owned())));
        assert!(!adapter.is_gone());
    }

    #[test]
    fn one_that_is_not_there_is_an_error() {
        let command = vec!["/no/such/program".to_owned()];
        assert!(matches!(Adapter::start(command), Err(BackendError::Died(_))));
    }
}
