//! The ledger of what a live stack may do otherwise: `scenarios/known.json`.

use std::fs;
use std::path::Path;

use asyncselect_model::Profile;
use asyncselect_scenario::known::Known;

#[path = "../../asyncselect-scenario/examples/build/mod.rs"]
mod build;
mod command;
mod scratch;

use command::{Ran, asyncselect};
use scratch::Folder;

#[test]
fn the_ledger_is_short_and_its_entries_exist() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let known = Known::read(&scenarios.join("known.json")).unwrap();
    assert!(known.entries().len() <= 8, "what more than a few scenarios see is a knob");
    let profiles = Profile::built_in();
    for entry in known.entries() {
        assert!(scenarios.join(&entry.scenario).with_extension("json").is_file(), "{entry:?}");
        assert!(profiles.iter().any(|profile| profile.name() == entry.stack), "{entry:?}");
    }
}

const UNREAD: &str = "close/fd-close-waits-for-unread-bytes";

/// Compares `documented` with a stack that is Windows's model on two scenarios beside a ledger. It
/// differs on the first, and agrees on the second.
fn diff(folder: &Folder, ledger: &str, more: &[&str]) -> Ran {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let close = folder.0.join("close");
    fs::create_dir_all(&close).unwrap();
    for name in ["fd-close-waits-for-unread-bytes.json", "fd-write-after-a-reset.json"] {
        fs::copy(root.join("close").join(name), close.join(name)).unwrap();
    }
    fs::write(folder.0.join("known.json"), ledger).unwrap();
    let model = format!("{} windows", build::example("model_adapter").display());
    let close = close.to_str().unwrap();
    let only = format!("{close}/fd-close-waits-for-unread-bytes.json");
    let diff = ["diff", &only, "--left", "documented", "--adapter", &model];
    asyncselect(&[&diff, more].concat())
}

fn entry(scenario: &str, stack: &str) -> String {
    format!(
        r#"{{ "scenario": "{scenario}", "stack": "{stack}", "fact": "W-083", "reason": "so it is" }}"#
    )
}

#[test]
fn a_listed_difference_is_known() {
    let folder = Folder::new("known");
    let found = diff(&folder, "[]", &[]);
    found.expect(1, &["DIFFERS: close/fd-close", " 1 differ, "]);
    let ledger = format!("[{}]", entry(UNREAD, "documented"));
    let ran = diff(&folder, &ledger, &[]);
    ran.expect(
        0,
        &[
            &format!("known: {UNREAD}\n"),
            "    allowed: no message [AS-CL-03 AS-EN-01]\n",
            "  known: so it is (W-083)\n",
            "0 took an open alternative, 1 known, 0 differ, ",
        ],
    );
    let json = diff(&folder, &ledger, &["--format", "json"]).expect(0, &[]).json();
    assert_eq!(json["results"][0]["outcome"], "known");
    let xml = diff(&folder, &ledger, &["--format", "junit"]).expect(0, &[" failures=\"0\""]);
    assert!(xml.out.contains("known: so it is (W-083)"), "{}", xml.out);
    // Another stack's entry allows nothing; another file may be named.
    let other = format!("[{}]", entry(UNREAD, "windows"));
    diff(&folder, &other, &[]).expect(1, &["DIFFERS: "]);
    let file = folder.0.join("mine.json");
    fs::write(&file, &ledger).unwrap();
    diff(&folder, "[]", &["--known", file.to_str().unwrap()]).expect(0, &[" 1 known, "]);
    diff(&folder, "[]", &["--known", "no-such-file"]).expect(2, &["cannot read no-such-file"]);
}

#[test]
fn an_entry_that_does_not_come_true_fails_the_run() {
    let folder = Folder::new("stale");
    let model = format!("{} documented", build::example("model_adapter").display());
    let ledger = format!("[{}]", entry(UNREAD, "documented"));
    diff(&folder, &ledger, &[]).expect(0, &[]);
    let path = folder.0.to_str().unwrap();
    let run = |more: &[&str]| {
        let diff = ["diff", path, "--left", "documented", "--adapter", &model];
        asyncselect(&[&diff, more].concat())
    };
    let stale =
        format!("stale: {UNREAD} may differ on documented (W-083: so it is), and does not\n");
    run(&[]).expect(1, &[&stale, "2 scenarios: 2 agree, "]);
    let json = run(&["--format", "json"]).expect(1, &[]).json();
    assert_eq!(json["stale"][0], UNREAD);
    run(&["--format", "junit"]).expect(1, &["a stale entry"]);
    // Nor does it differ over the other family; what was not run says nothing.
    let only = ledger.replace("\"fact\"", "\"family\": \"ipv6\", \"fact\"");
    fs::write(folder.0.join("known.json"), &only).unwrap();
    run(&[]).expect(0, &["2 scenarios: 2 agree, "]);
    let stale = stale.replace("documented (", "documented over ipv6 (");
    run(&["--family", "ipv6"]).expect(1, &[&stale]);
    fs::write(folder.0.join("known.json"), &ledger).unwrap();
    let other = format!("{path}/close/fd-write-after-a-reset.json");
    let diff = ["diff", &other, "--left", "documented", "--adapter", &model];
    asyncselect(&diff).expect(0, &["1 scenarios: 1 agree, "]);
}

#[test]
fn a_bad_ledger_is_refused_with_its_place() {
    let folder = Folder::new("bad-ledger");
    let good = entry(UNREAD, "documented");
    for (ledger, parts) in [
        (good.replace("W-083", "W-83"), ["unknown id `W-83`", "did you mean `W-083`?"]),
        (good.replace("so it is", " "), ["no reason is given", "known.json:1:"]),
        (good.replace("reason", "because"), ["unknown field `because`", "known.json:1:"]),
        (format!("{good}, {good}"), ["is listed twice", "at [1].scenario"]),
        (good.replace("W-083", "W-083\", \"family\": \"ipv5"), ["unknown", "known.json:1:"]),
    ] {
        diff(&folder, &format!("[{ledger}]"), &[]).expect(2, &parts);
    }
    let known = ["diff", "--left", "windows", "--right", "windows", "--known", "x"];
    asyncselect(&known).expect(2, &["cannot be used with"]);
    let out = ["diff", "--left", "windows", "--right", "windows", "--out", "x"];
    asyncselect(&out).expect(2, &["cannot be used with"]);
    asyncselect(&["diff", "--left", "windows"]).expect(2, &["--right", "--adapter"]);
}
