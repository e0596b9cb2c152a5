//! Where the model says that it does not describe what happens: a scenario cannot demand that.

use asyncselect_model::Profile;
use asyncselect_scenario::judge::Agreement;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::verdict;
use asyncselect_scenario::source::Source;

const REGISTER: &str = r#"{ "do": { "WSAAsyncSelect":
    { "s": "client", "hWnd": "w", "wMsg": "WM_USER+1", "lEvent": ["FD_READ", "FD_OOB"] } } }"#;

/// What the model says of steps on a pair of which the client has an urgent byte.
#[track_caller]
fn is_not_modelled(profile: &Profile, steps: &[&str], what: &str) {
    let urgent = r#"{ "do": { "send": { "s": "server", "data": "!", "flags": ["MSG_OOB"] } } }"#;
    let steps = [&[urgent], steps].concat().join(",");
    let text = format!(
        r#"{{ "format": 1, "title": "an urgent byte", "clauses": ["AS-OOB-02"],
            "setup": {{ "windows": ["w"], "pairs": [["client", "server"]] }},
            "steps": [{steps}] }}"#
    );
    let script = Script::check(Source { path: "limits.json".into(), text }).unwrap();
    match verdict(&script, profile).agreement {
        Agreement::NotModelled(why) => assert!(why.contains(what), "{why}"),
        other => panic!("{other:?} on {}", profile.name()),
    }
}

#[test]
fn an_urgent_byte_is_there_after_a_reset() {
    let abort = r#"{ "do": { "setsockopt":
        { "s": "server", "optval": { "SO_LINGER": { "l_onoff": 1, "l_linger": 0 } } } } }"#;
    let close = r#"{ "do": { "closesocket": { "s": "server" } } }"#;
    // Elsewhere a reset discards what has not been read.
    let profile = Profile::wine_8_0();
    is_not_modelled(&profile, &[abort, close, REGISTER], "for FD_OOB, after a reset");
}

#[test]
fn an_urgent_byte_is_there_under_a_call_that_waits() {
    let peek = r#"{ "do": { "recv": { "s": "client", "len": 5, "flags": ["MSG_PEEK"] } },
        "thread": "bg", "begin": "r1" }"#;
    let steps = [peek, REGISTER, r#"{ "end": "r1" }"#];
    for profile in Profile::built_in() {
        is_not_modelled(&profile, &steps, "for FD_OOB, under a recv that waits");
    }
}
