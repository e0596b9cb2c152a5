//! An adapter that behaves badly, in the way that its first argument names: for tests of the tool.
//!
//! ```text
//! evil_adapter MODE [STARTS]
//! ```
//!
//! `STARTS` is a file to which each start adds a line with its process id. Only the first start is
//! bad then, so that a test can see whether the next scenario gets a new process, and whether the
//! old one is gone. Mode `good` behaves well: it plays a stack on which every call succeeds and
//! every send to a registered socket's peer posts one FD_READ, which is enough for one scenario.

use std::io::{self, BufRead, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::exit;
use std::thread;
use std::time::Duration;

use asyncselect_abi::call::WireCall;
use asyncselect_abi::protocol::{
    LINE_LEN_MAX, Request, RequestBody, Response, ResponseBody, Returned, VERSION, WireMessage,
    WireReply,
};
use asyncselect_abi::{Call, Data, Hwnd, SocketHandle};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut mode = arguments.next().unwrap_or_else(|| "good".to_owned());
    if let Some(starts) = arguments.next() {
        let before = std::fs::read_to_string(&starts).unwrap_or_default();
        let mut file =
            std::fs::File::options().append(true).create(true).open(starts).expect("a file");
        writeln!(file, "{}", std::process::id()).expect("room for a line");
        if !before.is_empty() {
            "good".clone_into(&mut mode);
        }
    }
    at_start(&mode);
    let mut stack = Stack { sockets: 0, registered: None, posted: None };
    loop {
        let Some(Request { id, body, .. }) = read_request() else {
            // One that does not leave when it is told to: only killing ends it.
            if mode == "stays" {
                sleep_for_ever();
            }
            exit(0);
        };
        before_answer(&mode, &body);
        let honest = stack.answer(&body);
        let (id, answer) = bent(&mode, &body, id, honest);
        say(&serde_json::to_vec(&Response { id, body: answer }).expect("plain data"));
        after_answer(&mode, &body, id);
    }
}

/// What happens before anything is read.
fn at_start(mode: &str) {
    match mode {
        "exits-at-once" => leave(7, "no licence"),
        "never-reads" => sleep_for_ever(),
        "babbles-from-the-start" => loop {
            say(br#"{"id":0,"is":{"done":{}}}"#);
        },
        "only-newlines" => loop {
            say(b"");
        },
        _ => {}
    }
}

/// Instead of an answer.
fn before_answer(mode: &str, request: &RequestBody) {
    let hello = matches!(request, RequestBody::Hello { .. });
    let send = matches!(request, RequestBody::Call { call: Call::Send { .. }, .. });
    match mode {
        "exits-at-hello" if hello => leave(3, "what a rude question"),
        "exits-in-a-call" if send => leave(3, "sending is beneath me"),
        "panics-in-a-call" if send => panic!("evil"),
        "mute" if hello => sleep_for_ever(),
        "hangs-in-a-call" if send => sleep_for_ever(),
        "hangs-in-settle" if matches!(request, RequestBody::Settle {}) => sleep_for_ever(),
        "half-a-line" if send => {
            let mut output = io::stdout().lock();
            drop(output.write_all(br#"{"id":"#).and_then(|()| output.flush()));
            sleep_for_ever();
        }
        "one-byte-at-a-time" if send => loop {
            let mut output = io::stdout().lock();
            drop(output.write_all(b" ").and_then(|()| output.flush()));
            thread::sleep(Duration::from_millis(20));
        },
        "not-json" if send => say(b"5 bytes sent \x1b[31mOK"),
        "another-shape" if send => say(br#"{"result":5,"id":1}"#),
        "not-utf8" if send => say(b"{\"id\":\xff\xfe}"),
        "a-line-too-long" if send => {
            let mut output = io::stdout().lock();
            let chunk = vec![b'x'; 1 << 20];
            for _ in 0..=LINE_LEN_MAX >> 20 {
                drop(output.write_all(&chunk));
            }
            sleep_for_ever();
        }
        "floods-stderr" | "floods-stderr-and-exits" => {
            let line = format!("{}\n", "e".repeat(1023));
            for _ in 0..512 {
                drop(io::stderr().write_all(line.as_bytes()));
            }
            if mode == "floods-stderr-and-exits" && send {
                leave(1, "enough said");
            }
        }
        _ => {}
    }
}

/// What becomes of an honest answer.
fn bent(mode: &str, request: &RequestBody, id: u64, honest: ResponseBody) -> (u64, ResponseBody) {
    let value = |number| ResponseBody::Return(WireReply::Value(number));
    let body = match (mode, request, honest) {
        ("another-version", RequestBody::Hello { .. }, _) => {
            let stack = "from the future".to_owned();
            ResponseBody::Hello { version: VERSION + 1, stack, capabilities: Vec::new() }
        }
        ("refuses-hello", RequestBody::Hello { .. }, _) => {
            ResponseBody::Unsupported("introductions".to_owned())
        }
        ("forges-reports", RequestBody::Hello { .. }, _) => {
            let stack = format!("Windows\u{1b}[2K\n9 scenarios: 9 agree{}", " ".repeat(9999));
            ResponseBody::Hello { version: VERSION, stack, capabilities: Vec::new() }
        }
        ("unsupported", RequestBody::Call { .. }, _) => {
            ResponseBody::Unsupported("anything at all".to_owned())
        }
        ("wrong-kind", RequestBody::Settle {}, _) => ResponseBody::Message(None),
        ("done-to-a-call", RequestBody::Call { .. }, _) => ResponseBody::Done {},
        ("message-to-pump-is-done", RequestBody::Pump { .. }, _) => ResponseBody::Done {},
        ("number-for-a-socket", RequestBody::Call { call: Call::Socket { .. }, .. }, _) => value(0),
        ("number-for-a-window", RequestBody::Call { call: Call::CreateWindow {}, .. }, _) => {
            value(0)
        }
        ("number-for-bytes", RequestBody::Call { call: Call::Recv { .. }, .. }, _) => value(5),
        ("always-blocked", RequestBody::Call { .. } | RequestBody::Pending { .. }, _) => {
            ResponseBody::Blocked {}
        }
        (mode, RequestBody::Hello { .. }, ResponseBody::Hello { version, stack, .. })
            if mode.starts_with("repeats") =>
        {
            ResponseBody::Hello { version, stack, capabilities: vec!["repeat".to_owned()] }
        }
        ("repeats-one-message", RequestBody::Pump { .. }, ResponseBody::Messages(messages)) => {
            ResponseBody::Message(messages.first().copied())
        }
        (mode, RequestBody::Call { .. }, ResponseBody::Returns(returns)) => {
            let [Returned { times, reply }] = &returns[..] else { unreachable!("see above") };
            let returned = |times| Returned { times, reply: reply.clone() };
            ResponseBody::Returns(match mode {
                "repeats-nothing" => Vec::new(),
                "repeats-less" => vec![returned(1)],
                "repeats-more" => vec![returned(times + 1)],
                "repeats-no-times" => vec![returned(*times), returned(0)],
                "repeats-another-kind" => {
                    vec![Returned { times: *times, reply: WireReply::Socket(SocketHandle(5)) }]
                }
                _ => returns,
            })
        }
        ("endless-messages", RequestBody::Pump { .. }, _) => {
            ResponseBody::Message(Some(WireMessage {
                hwnd: Hwnd(2),
                message: 1,
                wparam: 3,
                lparam: 1,
            }))
        }
        (mode, RequestBody::Pump { .. }, ResponseBody::Message(Some(message))) => {
            ResponseBody::Message(match mode {
                "swallows-messages" => None,
                "a-socket-that-never-was" => Some(WireMessage { wparam: 0xbad, ..message }),
                "two-bits" => Some(WireMessage { lparam: message.lparam | 2, ..message }),
                "no-bit" => Some(WireMessage { lparam: 0, ..message }),
                "high-bits" => Some(WireMessage { wparam: message.wparam | 1 << 32, ..message }),
                "another-window" => Some(WireMessage { hwnd: Hwnd(0xbad), ..message }),
                "another-number" => Some(WireMessage { message: 0xffff_ffff, ..message }),
                "an-error" => Some(WireMessage { lparam: message.lparam | 10054 << 16, ..message }),
                _ => Some(message),
            })
        }
        (_, _, honest) => honest,
    };
    let id =
        if mode == "wrong-id" && matches!(request, RequestBody::Settle {}) { id + 1 } else { id };
    (id, body)
}

/// More than an answer.
fn after_answer(mode: &str, request: &RequestBody, id: u64) {
    let hello = matches!(request, RequestBody::Hello { .. });
    let registers = matches!(request, RequestBody::Call { call: Call::WsaAsyncSelect { .. }, .. });
    match mode {
        "exits-after-hello" if hello => leave(0, ""),
        "answers-twice" => {
            say(&serde_json::to_vec(&Response { id, body: ResponseBody::Done {} })
                .expect("plain data"))
        }
        "babbles-after-hello" if hello => babble(b"Lorem ipsum dolor sit amet"),
        "babbles-in-binary" if hello => babble(b"\xff\xfe\xfd"),
        "stops-reading" if registers => sleep_for_ever(),
        _ => {}
    }
    if matches!(request, RequestBody::Bye {}) && mode != "stays" {
        exit(0);
    }
}

/// Talks without being asked, from now on. The first line is out before any other answer: a thread
/// alone might not get to run before the scenario is over.
fn babble(line: &'static [u8]) {
    say(line);
    thread::spawn(move || {
        loop {
            say(line);
        }
    });
}

/// A stack on which every call succeeds.
struct Stack {
    sockets: u64,
    registered: Option<(SocketHandle, Hwnd, u32)>,
    posted: Option<WireMessage>,
}

impl Stack {
    fn answer(&mut self, request: &RequestBody) -> ResponseBody {
        match request {
            RequestBody::Hello { .. } => ResponseBody::Hello {
                version: VERSION,
                stack: "evil".to_owned(),
                capabilities: Vec::new(),
            },
            RequestBody::Pump { count: 2.., .. } => {
                ResponseBody::Messages(self.posted.take().into_iter().collect())
            }
            RequestBody::Call { call, repeat, .. } if !repeat.is_once() => {
                let (times, reply) = (repeat.max(), self.call(call));
                ResponseBody::Returns(vec![Returned { times, reply }])
            }
            RequestBody::Reset { .. } => {
                *self = Self { sockets: 0, registered: None, posted: None };
                ResponseBody::Done {}
            }
            RequestBody::Settle {}
            | RequestBody::Fault(_)
            | RequestBody::Advance { .. }
            | RequestBody::Bye {} => ResponseBody::Done {},
            RequestBody::Pending { .. } => ResponseBody::Blocked {},
            RequestBody::Pump { .. } => ResponseBody::Message(self.posted.take()),
            RequestBody::Call { call, .. } => ResponseBody::Return(self.call(call)),
        }
    }

    fn call(&mut self, call: &WireCall) -> WireReply {
        match call {
            Call::Socket { .. } | Call::Accept { .. } => {
                self.sockets += 1;
                WireReply::Socket(SocketHandle(256 + 4 * self.sockets))
            }
            Call::CreateWindow {} => WireReply::Window(Hwnd(0x1_0002)),
            Call::GetSockName { .. } => {
                WireReply::Address(SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)))
            }
            Call::WsaAsyncSelect { s, hwnd, wmsg, .. } => {
                self.registered = Some((*s, *hwnd, wmsg.0));
                WireReply::Value(0)
            }
            Call::Send { data, .. } => {
                let (s, hwnd, message) = self.registered.expect("the scenario registers first");
                self.posted = Some(WireMessage { hwnd, message, wparam: s.0, lparam: 1 });
                WireReply::Value(i64::try_from(data.len()).expect("short"))
            }
            Call::Recv { .. } => WireReply::Data(Data::Text("hello".to_owned())),
            _ => WireReply::Value(0),
        }
    }
}

fn read_request() -> Option<Request> {
    let mut line = Vec::new();
    let mut input = io::stdin().lock();
    let limit = u64::try_from(LINE_LEN_MAX).expect("fits");
    input.by_ref().take(limit).read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice(&line).ok()
}

fn say(line: &[u8]) {
    let mut output = io::stdout().lock();
    let said = output.write_all(line).and_then(|()| output.write_all(b"\n"));
    if said.and_then(|()| output.flush()).is_err() {
        // Nobody listens any more.
        exit(0);
    }
}

fn leave(code: i32, words: &str) -> ! {
    drop(writeln!(io::stderr(), "{words}"));
    exit(code);
}

fn sleep_for_ever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(1000));
    }
}
