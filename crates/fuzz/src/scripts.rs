//! The scenarios that untrusted stacks are asked about.

use std::path::Path;
use std::sync::LazyLock;

use asyncselect_model::Profile;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::source::Source;

/// The profiles, made once.
pub(crate) static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(Profile::built_in);

macro_rules! scripts {
    ($($id:literal),* $(,)?) => {
        LazyLock::new(|| vec![$(script(
            concat!($id, ".json"),
            include_str!(concat!("../../../scenarios/", $id, ".json")),
        )),*])
    };
}

/// Of each kind of question one at least: calls that wait, that are repeated, that make something,
/// that receive; filters, several threads, machines and processes, faults and time.
pub(crate) static SCRIPTS: LazyLock<Vec<Script>> = scripts![
    "accept/a-blocking-accept-waits-for-a-connection",
    "close/a-reset-is-reported-with-its-error",
    "close/closing-with-unread-bytes-resets",
    "threads/two-windows-of-two-threads",
    "errors/connecting-twice-in-a-1-1-environment",
    "spi/a-slow-upcall-of-another-process",
    "overlapped/a-reset-ends-a-send",
    "event/a-datagram-arrives",
    "notices/a-cancelled-registration-hears-of-no-change",
    "multipoint/closing-the-root-as-soon-as-the-leaf-has-joined",
    "faults/calls-while-the-network-is-down",
    "rearm/asking-for-options-and-names-does-not",
    "datagram/registered-while-a-datagram-is-under-way",
    "ordering/a-filter-takes-a-later-message-first",
    "spi/wspioctl-on-a-closed-socket",
    "read/wsarecv-waits-on-a-blocking-socket",
    "spi/wspcleanup-cancels-a-waiting-call",
    "accept/wsaaccept-without-a-connection",
    "queue/two-failed-posts",
    "queue/get-message-with-a-filter-takes-a-later-one",
    "shared/a-send-through-another-descriptor",
];

fn script(path: &str, text: &str) -> Script {
    let source = Source { path: Path::new(path).to_owned(), text: text.to_owned() };
    Script::check(source).expect("it is a scenario of this repository")
}
