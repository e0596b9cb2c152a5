//! Stacks behind the adapter protocol: an honest one shows the same as the model in process, and
//! no dishonest one hangs the tool or passes.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use asyncselect_abi::{BackendError, Family, Value};
use asyncselect_model::{KnobId, Profile};
use asyncselect_scenario::adapter::Adapter;
use asyncselect_scenario::corpus;
use asyncselect_scenario::diff::compare;
use asyncselect_scenario::judge::{Agreement, judge};
use asyncselect_scenario::runner::{Ending, Observation};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::script_file::Need;
use asyncselect_scenario::simulate::{Run, run_on, simulate};
use asyncselect_scenario::source::Source;
use asyncselect_scenario::stack::Stack;

#[path = "../examples/build/mod.rs"]
mod build;

/// Short, so that the tests of hangs are short; long enough for a machine with other work.
const LIMITS: (u32, Duration) = (1000, Duration::from_secs(1));

/// No single scenario with an adapter takes longer, however it behaves.
const SECONDS_MAX: u64 = 20;

fn model_adapter(profile: &str) -> Adapter {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| build::example("model_adapter"));
    Adapter::start(&format!("{} {profile}", path.display())).unwrap()
}

fn evil_adapter() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build::example("evil_adapter"))
}

#[test]
fn the_corpus_shows_the_same_through_an_adapter() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[scenarios]).unwrap();
    let scripts: Vec<Script> = files.iter().map(|file| Script::read(file).unwrap()).collect();
    let mut different = String::new();
    for profile in Profile::built_in() {
        let mut adapter = model_adapter(profile.name());
        assert_eq!(adapter.label(), format!("model of {}", profile.name()));
        // An adapter's thread that waits can make no other call, and its network is its own.
        let impossible = |need: &Need| matches!(need, Need::BlockingHook | Need::Schedule);
        let possible = |script: &&Script| !script.needs.iter().any(impossible);
        for script in scripts.iter().filter(possible) {
            let (here, there) = (simulate(script, &profile), run_on(script, &mut adapter));
            let differences = compare(script, &here, &there);
            // The same model gives the same handles too, so not even those may differ.
            if !differences.is_empty() || here.seen != there.seen {
                writeln!(different, "{} on {}: {differences:?}", script.id, profile.name())
                    .unwrap();
            }
        }
    }
    assert!(different.is_empty(), "{different}");
}

#[test]
fn an_adapter_hears_of_the_address_family() {
    let mut script = script(
        r#"[
          { "do": { "getsockname": { "s": "server" } } },
          { "do": { "getpeername": { "s": "server" } } },
          { "do": { "socket": { "type": "SOCK_STREAM" } }, "as": "s" },
          { "do": { "connect": { "s": "s", "name": "unreachable" } }, "expect": { "error": "WSAENETUNREACH" } }
        ]"#,
    );
    let mut adapter = model_adapter("documented");
    for family in [Family::Ipv4, Family::Ipv6, Family::Ipv4] {
        // A new process too must hear of it.
        for fresh in [false, true] {
            let mut script = script.clone().on(family);
            script.needs.extend(fresh.then_some(Need::FreshProcess));
            let live = run_on(&script, &mut adapter);
            assert_eq!(live.ending, Ending::Completed);
            let names = live.seen.iter().filter_map(|seen| match seen {
                Observation::Return { result: Ok(Value::Address(name)), .. } => Some(name),
                _ => None,
            });
            let families: Vec<bool> = names.map(SocketAddr::is_ipv6).collect();
            assert_eq!(families, [family == Family::Ipv6; 2], "{family}, fresh {fresh}");
            assert_eq!(live.seen, simulate(&script, &Profile::documented()).seen);
        }
    }
    // One that does not offer it is not asked.
    script.needs.clear();
    let mut without = Adapter::start(&format!("{} good", evil_adapter().display())).unwrap();
    let ending = run_on(&script.on(Family::Ipv6), &mut without).ending;
    assert_eq!(ending, Ending::NotRunnable(Need::Ipv6));
}

#[test]
fn another_profile_behind_the_adapter_is_noticed() {
    let script = script(
        r#"[
          { "do": { "WSAAsyncSelect": { "s": "server", "hWnd": "w", "wMsg": "WM_USER+1", "lEvent": ["FD_READ", "FD_CLOSE"] } } },
          { "do": { "send": { "s": "client", "data": "hello" } } },
          { "do": { "closesocket": { "s": "client" } } },
          { "messages": [
            { "hWnd": "w", "wMsg": "WM_USER+1", "wParam": "server", "event": "FD_READ" } ] }
        ]"#,
    );
    let documented = simulate(&script, &Profile::documented());
    let mut windows = model_adapter("windows");
    let live = run_on(&script, &mut windows);
    assert!(matches!(verdict(&script, &live), Agreement::Disagrees(_)));
    assert_eq!(compare(&script, &documented, &live).len(), 1);
    let live = run_on(&script, &mut model_adapter("documented"));
    assert_eq!(verdict(&script, &live), Agreement::Agrees);
}

#[test]
fn what_the_model_lacks_is_not_runnable_behind_an_adapter() {
    let script = script(r#"[{ "do": { "WSAJoinLeaf": { "s": "server", "name": "any:0" } } }]"#);
    let live = run_on(&script, &mut model_adapter("documented"));
    let Agreement::NotRunnable(what) = verdict(&script, &live) else { panic!("{live:?}") };
    assert!(what.contains("WSAJoinLeaf") && what.contains("not modelled"), "{what}");
}

#[test]
fn payloads_of_every_form_and_more_than_a_line_buffer_arrive() {
    let text = "t".repeat(300_000);
    let script = script(&format!(
        r#"[
          {{ "do": {{ "send": {{ "s": "client", "data": {{ "hex": "00ff0d0a7b22" }} }} }} }},
          {{ "do": {{ "recv": {{ "s": "server", "len": 9 }} }}, "expect": {{ "return": 6, "data": {{ "hex": "00ff0d0a7b22" }} }} }},
          {{ "do": {{ "send": {{ "s": "client", "data": "ü\n" }} }} }},
          {{ "do": {{ "recv": {{ "s": "server", "len": 9 }} }}, "expect": {{ "return": 3, "data": {{ "hex": "c3bc0a" }} }} }},
          {{ "do": {{ "send": {{ "s": "client", "data": "" }} }}, "expect": {{ "return": 0 }} }},
          {{ "do": {{ "ioctlsocket": {{ "s": "client", "cmd": "FIONBIO", "argp": 1 }} }} }},
          {{ "do": {{ "send": {{ "s": "client", "data": "{text}" }} }}, "expect": {{ "return": 300000 }} }},
          {{ "do": {{ "recv": {{ "s": "server", "len": 70 }} }}, "expect": {{ "return": 70, "data": {{ "fill": "t", "len": 70 }} }} }}
        ]"#
    ));
    let here = simulate(&script, &Profile::documented());
    assert_eq!(verdict(&script, &here), Agreement::Agrees);
    let live = run_on(&script, &mut model_adapter("documented"));
    assert_eq!(live.seen, here.seen);
}

#[test]
fn a_refusing_address_is_not_mixed_up_with_a_later_listener() {
    let script = script(
        r#"[
          { "do": { "socket": { "type": "SOCK_STREAM" } }, "as": "one" },
          { "do": { "connect": { "s": "one", "name": "refusing" } }, "expect": { "error": "WSAECONNREFUSED" } },
          { "do": { "socket": { "type": "SOCK_STREAM" } }, "as": "listener" },
          { "do": { "bind": { "s": "listener", "name": "any:0" } } },
          { "do": { "listen": { "s": "listener", "backlog": 5 } } },
          { "do": { "socket": { "type": "SOCK_STREAM" } }, "as": "two" },
          { "do": { "connect": { "s": "two", "name": { "of": "listener" } } } },
          { "do": { "socket": { "type": "SOCK_STREAM" } }, "as": "three" },
          { "do": { "connect": { "s": "three", "name": "refusing" } }, "expect": { "error": "WSAECONNREFUSED" } }
        ]"#,
    );
    let here = simulate(&script, &Profile::documented());
    assert_eq!(verdict(&script, &here), Agreement::Agrees);
}

/// What a bad adapter must lead to.
enum Want {
    /// It cannot even be started, for this reason.
    NoStart(fn(&BackendError) -> bool, &'static str),
    /// The run fails for this reason, the process is ended, the next scenario gets a new one.
    Fails(fn(&BackendError) -> bool, &'static str),
    /// The stack disagrees with the script, in these words.
    Disagrees(&'static str),
    /// What the scenario builds on did not come about.
    NotSetUp(&'static str),
    /// It counts neither way.
    NotRunnable(&'static str),
    /// It is only strange, and passes.
    Agrees,
}

fn died(error: &BackendError) -> bool {
    matches!(error, BackendError::Died(_))
}

fn hung(error: &BackendError) -> bool {
    matches!(error, BackendError::Hung(_))
}

fn garbage(error: &BackendError) -> bool {
    matches!(error, BackendError::Garbage(_))
}

fn unsupported(error: &BackendError) -> bool {
    matches!(error, BackendError::Unsupported(_))
}

#[test]
fn the_evil_adapter_passes_while_it_is_good() {
    check(&[
        ("good", Want::Agrees),
        ("floods-stderr", Want::Agrees),
        ("stays", Want::Agrees),
        ("forges-reports", Want::Agrees),
    ]);
}

#[test]
fn adapters_that_answer_several_questions_at_once() {
    let garbled = |text| Want::Fails(garbage, text);
    check(&[
        ("repeats", Want::Agrees),
        // The tool makes the calls that are missing.
        ("repeats-less", Want::Agrees),
        ("repeats-nothing", garbled(r#"`{"returns":[]}` to `call send`"#)),
        ("repeats-more", garbled(r#"[{"times":4,"reply":{"value":5}}]}` to `call send`"#)),
        ("repeats-no-times", garbled("to `call send`")),
        ("repeats-another-kind", garbled("to `call send`")),
        ("repeats-one-message", garbled("to `pump`")),
    ]);
}

#[test]
fn adapters_that_die() {
    check(&[
        (
            "exits-at-once",
            Want::NoStart(died, "adapter died: exit status: 7; it said: `no licence`"),
        ),
        (
            "exits-at-hello",
            Want::NoStart(died, "adapter died: exit status: 3; it said: `what a rude question`"),
        ),
        ("exits-after-hello", Want::Fails(died, "adapter died: exit status: 0")),
        (
            "exits-in-a-call",
            Want::Fails(died, "adapter died: exit status: 3; it said: `sending is beneath me`"),
        ),
        ("panics-in-a-call", Want::Fails(died, "adapter died: exit status: 101; it said: `")),
        ("floods-stderr-and-exits", Want::Fails(died, "exit status: 1; it said: `enough said`")),
    ]);
}

#[test]
fn adapters_that_hang() {
    check(&[
        ("mute", Want::NoStart(hung, "adapter hung: no answer to `hello` in 2.0 s")),
        ("never-reads", Want::NoStart(hung, "adapter hung: no answer to `hello` in 2.0 s")),
        ("hangs-in-a-call", Want::Fails(hung, "adapter hung: no answer to `call send` in 1.0 s")),
        ("hangs-in-settle", Want::Fails(hung, "adapter hung: no answer to `settle` in 2.0 s")),
        ("half-a-line", Want::Fails(hung, "adapter hung: no answer to `call send` in 1.0 s")),
        (
            "one-byte-at-a-time",
            Want::Fails(hung, "adapter hung: no answer to `call send` in 1.0 s"),
        ),
    ]);
}

#[test]
fn an_adapter_that_stops_reading_does_not_block_a_long_request() {
    let starts = Starts::new("stops-reading");
    let mut adapter = starts.adapter("stops-reading", LIMITS).unwrap();
    let text = "t".repeat(1 << 20);
    let script = script(&format!(
        r#"[
          {{ "do": {{ "WSAAsyncSelect": {{ "s": "server", "hWnd": "w", "wMsg": "WM_USER+1", "lEvent": ["FD_READ"] }} }}, "settle": false }},
          {{ "do": {{ "send": {{ "s": "client", "data": "{text}" }} }} }}
        ]"#
    ));
    let run = run_on(&script, &mut adapter);
    assert_failed(&script, &run, hung, "adapter hung: no answer to `call send` in 1.0 s");
    starts.assert_gone(1);
}

#[test]
fn adapters_that_talk_nonsense() {
    check(&[
        ("babbles-from-the-start", Want::NoStart(garbage, "adapter sent garbage: ")),
        ("only-newlines", Want::NoStart(garbage, "adapter sent garbage: `` ")),
        (
            "babbles-after-hello",
            Want::Fails(garbage, "adapter sent garbage: `Lorem ipsum dolor sit amet`"),
        ),
        (
            "babbles-in-binary",
            Want::Fails(garbage, "adapter sent garbage: a line that is not UTF-8"),
        ),
        ("answers-twice", Want::Fails(garbage, "adapter sent garbage: ")),
        ("not-json", Want::Fails(garbage, r"`5 bytes sent \u{1b}[31mOK` to `call send`: ")),
        (
            "another-shape",
            Want::Fails(garbage, r#"`{"result":5,"id":1}` to `call send`: unknown field `result`"#),
        ),
        ("not-utf8", Want::Fails(garbage, "adapter sent garbage: a line that is not UTF-8")),
        ("wrong-id", Want::Fails(garbage, "asked was")),
        ("wrong-kind", Want::Fails(garbage, r#"`{"message":null}` to `settle`"#)),
        ("done-to-a-call", Want::Fails(garbage, r#"`{"done":{}}` to `call WSAStartup`"#)),
        ("message-to-pump-is-done", Want::Fails(garbage, r#"`{"done":{}}` to `pump`"#)),
        (
            "number-for-a-socket",
            Want::Fails(garbage, r#"`{"return":{"value":0}}` to `call socket`"#),
        ),
        (
            "number-for-a-window",
            Want::Fails(garbage, r#"`{"return":{"value":0}}` to `call CreateWindow`"#),
        ),
        ("number-for-bytes", Want::Fails(garbage, r#"`{"return":{"value":5}}` to `call recv`"#)),
    ]);
}

#[test]
fn a_line_without_end_is_cut_off() {
    // Longer limits: 64 MiB through a pipe take a while on a busy machine.
    let limits = (10_000, Duration::from_secs(10));
    check_one(
        "a-line-too-long",
        &Want::Fails(garbage, "a line of more than 67108864 bytes"),
        limits,
    );
}

#[test]
fn endless_messages_end() {
    check_one(
        "endless-messages",
        &Want::Fails(garbage, "more than 32768 messages without a call"),
        LIMITS,
    );
}

#[test]
fn adapters_of_another_kind_are_refused() {
    check(&[
        (
            "another-version",
            Want::NoStart(unsupported, "not supported by the adapter: protocol version 2, not 1"),
        ),
        (
            "refuses-hello",
            Want::NoStart(unsupported, "not supported by the adapter: introductions"),
        ),
        ("unsupported", Want::NotRunnable("setup: anything at all")),
        ("always-blocked", Want::NotSetUp("WSAStartup waits")),
    ]);
}

#[test]
fn stacks_that_post_something_else_disagree() {
    check(&[
        ("swallows-messages", Want::Disagrees("no message")),
        ("a-socket-that-never-was", Want::Disagrees("w WM_USER+1 (0xbad, FD_READ, 0)")),
        ("two-bits", Want::Disagrees("w WM_USER+1 (server, 0x0003, 0)")),
        ("no-bit", Want::Disagrees("w WM_USER+1 (server, 0x0000, 0)")),
        ("high-bits", Want::Disagrees("w WM_USER+1 (0x1")),
        ("another-window", Want::Disagrees("0xbad WM_USER+1 (server, FD_READ, 0)")),
        ("another-number", Want::Disagrees("w 0xffffffff (server, FD_READ, 0)")),
        ("an-error", Want::Disagrees("w WM_USER+1 (server, FD_READ, WSAECONNRESET)")),
    ]);
}

#[test]
fn commands_that_are_no_adapter() {
    let kind_of = |command: &str| Adapter::start_with_limits(command, LIMITS).unwrap_err();
    for (command, text) in [
        ("", "adapter died: the command is empty"),
        (
            "no-such-program-anywhere --flag",
            "adapter died: cannot start `no-such-program-anywhere`: ",
        ),
    ] {
        let error = kind_of(command);
        assert!(died(&error) && error.to_string().starts_with(text), "{error}");
    }
    if cfg!(unix) {
        let error = kind_of("true");
        assert!(died(&error), "{error}");
        // It sends the request back, which is JSON with the right id and no answer.
        let error = kind_of("cat");
        assert!(
            garbage(&error) && error.to_string().contains("unknown field `deadline_ms`"),
            "{error}"
        );
    }
}

#[cfg(unix)]
#[test]
fn an_adapter_that_closes_its_output_and_lives_on_is_ended() {
    let starts = Starts::new("closes-its-output");
    let path = starts.0.with_extension("sh");
    let hello = r#"{"id":1,"is":{"hello":{"version":1,"stack":"sh","capabilities":[]}}}"#;
    let text = format!(
        "echo $$ >> {}\nread -r line\necho '{hello}'\nread -r line\nexec >&-\nexec sleep 1000\n",
        starts.0.display()
    );
    std::fs::write(&path, text).unwrap();
    let mut adapter =
        Adapter::start_with_limits(&format!("sh {}", path.display()), LIMITS).unwrap();
    let run = run_on(&small(), &mut adapter);
    std::fs::remove_file(path).unwrap();
    assert_failed(&small(), &run, died, "adapter died: it closed its output");
    starts.assert_gone(1);
}

/// Where an evil adapter writes its process ids.
struct Starts(PathBuf);

impl Starts {
    fn new(mode: &str) -> Self {
        // Somebody else may run the same test at the same time.
        let name = format!("starts-{mode}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(std::fs::remove_file(&path));
        Self(path)
    }

    fn adapter(&self, mode: &str, limits: (u32, Duration)) -> Result<Adapter, BackendError> {
        let (path, starts) = (evil_adapter().display(), self.0.display());
        Adapter::start_with_limits(&format!("{path} {mode} {starts}"), limits)
    }

    /// The processes that were started, in order.
    fn ids(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(&self.0).unwrap();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// That there were so many starts, and that the first process is gone.
    fn assert_gone(&self, starts: usize) {
        let ids = self.ids();
        assert_eq!(ids.len(), starts, "starts of {}", self.0.display());
        if cfg!(target_os = "linux") {
            let process = PathBuf::from(format!("/proc/{}", ids[0]));
            assert!(!process.exists(), "{} is gone", process.display());
        }
    }
}

impl Drop for Starts {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// Every mode on a thread of its own: those that hang wait side by side.
fn check(cases: &[(&str, Want)]) {
    evil_adapter();
    std::thread::scope(|scope| {
        for (mode, want) in cases {
            std::thread::Builder::new()
                .name((*mode).to_owned())
                .spawn_scoped(scope, move || check_one(mode, want, LIMITS))
                .unwrap();
        }
    });
}

fn check_one(mode: &str, want: &Want, limits: (u32, Duration)) {
    evil_adapter();
    let script = if mode.starts_with("repeats") { repeating() } else { small() };
    let starts = Starts::new(mode);
    let begin = Instant::now();
    let started = starts.adapter(mode, limits);
    let mut adapter = match (started, want) {
        (Err(error), Want::NoStart(kind, text)) => {
            assert!(kind(&error) && error.to_string().contains(text), "{mode}: {error}");
            starts.assert_gone(1);
            starts.adapter(mode, limits).unwrap()
        }
        (Err(error), _) => panic!("{mode}: {error}"),
        (Ok(_), Want::NoStart(..)) => panic!("{mode}: it started"),
        (Ok(adapter), _) => adapter,
    };
    assert!(!adapter.label().contains('\n') && adapter.label().len() < 200, "{mode}");
    if !matches!(want, Want::NoStart(..)) {
        let run = run_on(&script, &mut adapter);
        let agreement = verdict(&script, &run);
        match want {
            Want::NoStart(..) => unreachable!("it started"),
            Want::Fails(kind, text) => {
                assert_failed(&script, &run, *kind, text);
                starts.assert_gone(1);
            }
            Want::Disagrees(text) => {
                let Agreement::Disagrees(findings) = &agreement else { panic!("{mode}: {run:?}") };
                let found = findings.iter().any(|finding| finding.found.contains(text));
                assert!(found, "{mode}: {findings:?}");
            }
            Want::NotSetUp(text) => {
                assert_eq!(agreement, Agreement::NotSetUp((*text).to_owned()), "{mode}");
            }
            Want::NotRunnable(text) => {
                assert_eq!(agreement, Agreement::NotRunnable((*text).to_owned()), "{mode}");
            }
            Want::Agrees => assert_eq!(agreement, Agreement::Agrees, "{mode}"),
        }
    }
    if matches!(want, Want::NoStart(..) | Want::Fails(..)) {
        // The second process is good: the mistake of one scenario does not reach the next.
        let run = run_on(&script, &mut adapter);
        assert_eq!(verdict(&script, &run), Agreement::Agrees, "{mode}, afterwards: {run:?}");
        assert_eq!(starts.ids().len(), 2, "{mode}");
    }
    drop(adapter);
    starts.assert_gone(starts.ids().len());
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(SECONDS_MAX), "{mode} took {took:?}");
}

fn assert_failed(script: &Script, run: &Run, kind: fn(&BackendError) -> bool, text: &str) {
    let Ending::Failed(_, error) = &run.ending else { panic!("{text}: {run:?}") };
    assert!(kind(error) && error.to_string().contains(text), "{error}");
    assert_eq!(verdict(script, run), Agreement::StackFailed(error.to_string()));
}

/// As `asyncselect diff` judges a live run, with the model's alternatives.
fn verdict(script: &Script, run: &Run) -> Agreement {
    let expected = simulate(script, &Profile::documented());
    let holds = |knob: KnobId, value| expected.decided(knob) == Some(value);
    judge(script, &run.ending, &run.seen, holds).agreement
}

fn script(steps: &str) -> Script {
    let text = format!(
        r#"{{ "format": 1, "title": "for a test", "clauses": ["AS-RD-02"],
          "setup": {{ "windows": ["w"], "pairs": [["client", "server"]] }}, "steps": {steps} }}"#
    );
    Script::check(Source { path: "test.json".into(), text }).unwrap()
}

/// The same where a call is made several times.
fn repeating() -> Script {
    script(
        r#"[
          { "do": { "WSAAsyncSelect": { "s": "server", "hWnd": "w", "wMsg": "WM_USER+1", "lEvent": ["FD_READ"] } } },
          { "do": { "send": { "s": "client", "data": "hello" } }, "times": 3, "expect": { "return": 5 } },
          { "messages": [{ "hWnd": "w", "wMsg": "WM_USER+1", "wParam": "server", "event": "FD_READ" }] }
        ]"#,
    )
}

/// What the good mode of the evil adapter passes.
fn small() -> Script {
    script(
        r#"[
          { "do": { "WSAAsyncSelect": { "s": "server", "hWnd": "w", "wMsg": "WM_USER+1", "lEvent": ["FD_READ"] } } },
          { "do": { "send": { "s": "client", "data": "hello" } }, "expect": { "return": 5 } },
          { "messages": [{ "hWnd": "w", "wMsg": "WM_USER+1", "wParam": "server", "event": "FD_READ" }] },
          { "do": { "recv": { "s": "server", "len": 5 } }, "expect": { "return": 5 } },
          { "do": { "closesocket": { "s": "client" } } },
          { "messages": [] }
        ]"#,
    )
}
