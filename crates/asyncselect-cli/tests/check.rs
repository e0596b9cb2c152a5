//! `asyncselect check`: what it says of a recording that was made with Wine 8.0 (Debian 12), and of
//! files that are none.

mod command;
mod scratch;

use std::fs;

use command::asyncselect;
use scratch::Folder;

const WINE: &str = "crates/asyncselect-cli/tests/recordings/wine-8.0.jsonl";

fn check(recording: &str, profile: &str, more: &[&str]) -> command::Ran {
    asyncselect(&[&["check", recording, "--profile", profile], more].concat())
}

#[test]
fn wine_is_allowed_what_wine_did() {
    let ran = check(WINE, "wine-8.0", &[]);
    ran.expect(0, &["left wine-8.0, right Wine 8.0", "\n4 scenarios: 4 agree, "]);
}

#[test]
fn windows_is_not_and_each_refusal_has_its_place_clauses_and_knob() {
    let ran = check(WINE, "windows", &[]);
    ran.expect(
        1,
        &[
            "DIFFERS: close/a-reset-is-reported-with-its-error",
            "allowed: w WM_USER+1 (server, FD_CLOSE, WSAECONNABORTED) [AS-CL-05 ",
            "came:    w WM_USER+1 (server, FD_CLOSE, 0)",
            "  as if reset_error = zero",
            "states that explain what was seen: ",
        ],
    );
    let json = check(WINE, "windows", &["--format", "json"]).expect(1, &[]).json();
    assert!(json["kept"]["peak"].as_u64().unwrap() >= 1, "{json}");
}

#[test]
fn a_recording_that_breaks_off_is_checked_as_far_as_it_goes() {
    let folder = Folder::new("breaks-off");
    let path = folder.0.join("part.jsonl");
    let whole = fs::read_to_string(format!("../../{WINE}")).unwrap();
    let cut = whole.find(r#"{"scenario":{"id":"threads"#).unwrap() + 20;
    fs::write(&path, &whole[..cut]).unwrap();
    let path = path.to_str().unwrap();
    let ran = check(path, "wine-8.0", &[]);
    ran.expect(0, &["Wine 8.0 (the recording breaks off)", "\n3 scenarios: 3 agree, "]);
    let inside = whole.find(r#"{"ended""#).unwrap();
    fs::write(path, &whole[..inside - 200]).unwrap();
    check(path, "wine-8.0", &[]).expect(4, &["stack failed: ", "the recording breaks off"]);
}

#[test]
fn what_is_no_recording_is_refused_with_its_line() {
    let folder = Folder::new("no-recording");
    let path = folder.0.join("bad.jsonl");
    let path = path.to_str().unwrap();
    let whole = fs::read_to_string(format!("../../{WINE}")).unwrap();
    let utf_16: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let header = whole.lines().next().unwrap();
    let cases: [(Vec<u8>, &str); 7] = [
        (Vec::new(), "bad.jsonl:1: an empty file"),
        (b"{}\n".to_vec(), "bad.jsonl:1: no line of a recording"),
        ([&[0xff, 0xfe], &utf_16[..]].concat(), "UTF-16"),
        (format!("{header}\n{header}\n").into(), "bad.jsonl:2: a second `header`"),
        (
            format!("{header}\n{{\"ended\":{{\"completed\":{{}}}}}}\n").into(),
            "belongs to no scenario",
        ),
        (format!("{header}\n").into(), "holds no scenario"),
        (whole.replace("close/", "shut/").into(), "no scenario `accept/"),
    ];
    for (bytes, complaint) in cases {
        fs::write(path, bytes).unwrap();
        let only = ["crates/asyncselect-cli/tests/../../../scenarios/hosts"];
        check(path, "wine-8.0", &only).expect(2, &[complaint]);
    }
    check("no-such-file.jsonl", "wine-8.0", &[]).expect(2, &["cannot read no-such-file.jsonl"]);
}

#[test]
fn billions_of_messages_and_another_scenario_do_not_hold_up() {
    let folder = Folder::new("untrusted");
    let path = folder.0.join("many.jsonl");
    let whole = fs::read_to_string(format!("../../{WINE}")).unwrap();
    let many =
        whole.replacen(r#""socket":"server"}}"#, r#""socket":"server","times":4294967295}}"#, 1);
    assert_ne!(many, whole);
    fs::write(&path, &many).unwrap();
    let path = path.to_str().unwrap();
    check(path, "wine-8.0", &[]).expect(4, &["messages without a call"]);
    let other = whole.replacen(r#""call":{"closesocket""#, r#""call":{"shutdown""#, 1);
    let other = other.replacen("closesocket", "accept", 1);
    fs::write(path, &other).unwrap();
    let ran = check(path, "wine-8.0", &[]);
    assert_ne!(ran.code, Some(0), "{}", ran.out);
}
