//! The scenarios that are measured, made as text and read as any file is.

use asyncselect_scenario::script::Script;
use asyncselect_scenario::source::Source;

/// Packets on their way to a socket that registers and receives once meanwhile.
pub(crate) fn race(packets: u8) -> Script {
    let mut steps = vec![call("send", r#""s":"b","data":"x""#, OPEN); usize::from(packets)];
    steps.push(register("a", "FD_READ", OPEN));
    steps.push(receive("a", &format!(r#"{OPEN},"expect":{{"return":"any"}}"#)));
    script(PAIR, &steps)
}

/// A client connects to a server, which sends back so many bytes, one at a time; both wait for
/// messages, as programs do.
pub(crate) fn echoes(echoes: u32) -> Script {
    let socket = r#"{"do":{"socket":{"type":"SOCK_STREAM"}},"as":"client"}"#;
    let blocks = r#","expect":{"error":"WSAEWOULDBLOCK"}"#;
    let [accepts, connects] = [message("listener", "FD_ACCEPT"), message("client", "FD_CONNECT")];
    let mut steps = vec![
        register("listener", "FD_ACCEPT", ""),
        socket.to_owned(),
        register("client", r#"FD_CONNECT","FD_READ"#, ""),
        call("connect", r#""s":"client","name":{"of":"listener"}"#, blocks),
        format!(r#"{{"messages":{{"unordered":[{accepts},{connects}]}}}}"#),
        r#"{"do":{"accept":{"s":"listener"}},"as":"server"}"#.to_owned(),
        register("server", "FD_READ", ""),
    ];
    for _ in 0..echoes {
        for (sender, receiver) in [("client", "server"), ("server", "client")] {
            steps.extend(delivery(sender, receiver));
        }
    }
    steps.push(call("closesocket", r#""s":"client""#, ""));
    steps.push(call("closesocket", r#""s":"server""#, ""));
    script(r#""windows":["w"],"listeners":["listener"]"#, &steps)
}

/// A script of so many steps: a registration, then sends, messages and receive calls in turn.
pub(crate) fn steps(count: usize) -> Script {
    let mut steps = vec![register("a", "FD_READ", "")];
    while steps.len() < count {
        steps.extend(delivery("b", "a"));
    }
    steps.truncate(count);
    script(PAIR, &steps)
}

/// So many pairs, the accepted ends registered for FD_READ.
pub(crate) fn registered(pairs: usize) -> Script {
    let steps: Vec<String> =
        (0..pairs).map(|pair| register(&format!("a{pair}"), "FD_READ", "")).collect();
    script(&setup(pairs), &steps)
}

/// As many pairs, on each of which so many packets race with as many receive calls.
pub(crate) fn races(pairs: usize, packets: usize) -> Script {
    let mut steps = Vec::new();
    for pair in 0..pairs {
        steps.push(register(&format!("a{pair}"), "FD_READ", ""));
    }
    let each = || (0..pairs).flat_map(|pair| (0..packets).map(move |_| pair));
    for pair in each() {
        steps.push(call("send", &format!(r#""s":"b{pair}","data":"x""#), OPEN));
    }
    for pair in each() {
        steps.push(receive(&format!("a{pair}"), &format!(r#"{OPEN},"expect":{{"return":"any"}}"#)));
    }
    script(&setup(pairs), &steps)
}

const PAIR: &str = r#""windows":["w"],"pairs":[["b","a"]]"#;

const OPEN: &str = r#","settle":false"#;

fn setup(pairs: usize) -> String {
    let pairs: Vec<String> = (0..pairs).map(|pair| format!(r#"["b{pair}","a{pair}"]"#)).collect();
    format!(r#""windows":["w"],"pairs":[{}]"#, pairs.join(","))
}

/// A byte is sent, told of and received.
fn delivery(sender: &str, receiver: &str) -> [String; 3] {
    [
        call("send", &format!(r#""s":"{sender}","data":"x""#), ""),
        format!(r#"{{"messages":[{}]}}"#, message(receiver, "FD_READ")),
        receive(receiver, r#","expect":{"data":"x"}"#),
    ]
}

fn receive(s: &str, more: &str) -> String {
    call("recv", &format!(r#""s":"{s}","len":1"#), more)
}

fn register(s: &str, events: &str, more: &str) -> String {
    let arguments = format!(r#""s":"{s}","hWnd":"w","wMsg":"WM_USER+1","lEvent":["{events}"]"#);
    call("WSAAsyncSelect", &arguments, more)
}

fn message(s: &str, event: &str) -> String {
    format!(r#"{{"hWnd":"w","wMsg":"WM_USER+1","wParam":"{s}","event":"{event}"}}"#)
}

fn call(call: &str, arguments: &str, more: &str) -> String {
    format!(r#"{{"do":{{"{call}":{{{arguments}}}}}{more}}}"#)
}

fn script(setup: &str, steps: &[String]) -> Script {
    let steps = steps.join(",");
    let text = format!(
        r#"{{"format":1,"title":"measured","clauses":["AS-RD-02"],"setup":{{{setup}}},"steps":[{steps}]}}"#
    );
    let source = Source { path: "measured.json".into(), text };
    Script::check(source).unwrap_or_else(|error| panic!("it is a scenario: {error}"))
}
