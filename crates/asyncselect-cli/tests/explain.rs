//! `asyncselect explain` and `asyncselect knobs`: everything with an id or a name is explained, and
//! the reasons are those of the model.

use std::path::Path;

use asyncselect_model::{KnobId, Profile, Rule};
use asyncselect_scenario::clauses::Clauses;
use serde_json::Value;

mod command;

use command::asyncselect;

const UNREAD: &str = "scenarios/close/fd-close-waits-for-unread-bytes.json";

#[test]
fn a_clause_has_its_arm_its_knobs_and_its_scenarios() {
    let ran = asyncselect(&["explain", "AS-CL-03"]).expect(
        0,
        &[
            "AS-CL-03: clause of the public documentation, must\n",
            "  FD_CLOSE after a graceful close by the peer, once all data is read.\n",
            "  source: both AsyncSelect pages, summary 2\n",
            "\nin the model\n  crates/asyncselect-model/src/",
            "  close_with_unread: When FD_CLOSE is posted ",
            "    documented   after_drain (documented: AS-CL-03, X-19)\n",
            "    windows      immediate (observed elsewhere: W-083)\n",
            "\nscenarios\n",
            "  close/fd-close-waits-for-unread-bytes\n",
        ],
    );
    assert_eq!(ran.err, "");
    let json = asyncselect(&["explain", "AS-CL-03", "--format", "json"]).expect(0, &[]).json();
    assert_eq!((&json["kind"], &json["level"]), (&"clause".into(), &"must".into()));
    // The places are where the id or its rule stands.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for arm in json["arms"].as_array().unwrap() {
        let file = std::fs::read_to_string(root.join(arm["file"].as_str().unwrap())).unwrap();
        let line = file.lines().nth(arm["line"].as_u64().unwrap() as usize - 1).unwrap();
        assert_eq!(line.trim(), arm["text"]);
        assert!(line.contains("AS-CL-03") || line.contains("Rule::Cl03"), "{line}");
    }
    let scenarios = json["scenarios"].as_array().unwrap();
    assert!(scenarios.iter().any(|row| row["scenario"] == "close/fd-close-waits-for-unread-bytes"));
}

#[test]
fn every_id_is_explained() {
    for (_, entries) in Clauses::get().lists() {
        // One of each kind by the command, for each starts a process.
        let ran = asyncselect(&["explain", entries[0].id, "--scenarios", "nowhere"]);
        let ran = ran.expect(0, &["scenarios: no folder `nowhere` here; `--scenarios FOLDER` "]);
        assert!(ran.out.contains(entries[0].about), "{}", ran.out);
    }
    for id in ["W-083", "X-19", "OQ-10", "FB-02", "C6", "D-13", "D3"] {
        asyncselect(&["explain", id]).expect(0, &[&format!("{id}: ")]);
    }
    let fact = "facts/w-083-fd-close-does-not-wait-for-the-reader (pins it)\n";
    asyncselect(&["explain", "W-083"]).expect(0, &[fact]);
}

#[test]
fn every_rule_has_an_arm_that_is_not_the_table() {
    for rule in Rule::ALL {
        let json =
            asyncselect(&["explain", rule.id(), "--scenarios", "nowhere", "--format", "json"]);
        let json = json.expect(0, &[]).json();
        assert_eq!(json.get("scenarios"), None);
        let arms = json["arms"].as_array().unwrap();
        let elsewhere = |arm: &Value| !arm["file"].as_str().unwrap().ends_with("/rule.rs");
        assert!(!arms.is_empty() && arms.iter().all(elsewhere), "{rule}: {arms:?}");
    }
}

#[test]
fn a_knob_is_explained_by_its_name() {
    asyncselect(&["explain", "close_with_unread"]).expect(
        0,
        &[
            "alternatives, the canonical one first\n    after_drain ",
            "    immediate            When the peer's end arrives.\n",
            "    windows      immediate (observed elsewhere: W-083)\n",
            "  W-083     FD_CLOSE comes when the end arrives",
            "  close/fd-close-waits-for-unread-bytes (when it is immediate)\n",
        ],
    );
    let arguments = ["explain", "ack_of_nothing", "--profile", "windows"];
    asyncselect(&arguments).expect(2, &["is called `ack_of_nothing`"]);
    let arguments = ["explain", "close_with_unread", "--profile", "wine-8.0", "--format", "json"];
    let json = asyncselect(&arguments).expect(0, &[]).json();
    assert_eq!(json["profiles"][0]["value"], "after_drain");
    assert_eq!(json["profiles"][0]["evidence"], "measured");
    assert_eq!(json["profiles"].as_array().unwrap().len(), 1);
}

#[test]
fn the_nearest_spelling_is_told() {
    for (wrong, right) in [
        ("as-cl-03", "AS-CL-03"),
        ("W-83", "W-083"),
        ("close_with_unred", "close_with_unread"),
        ("OQ10", "OQ-10"),
        ("C-01", "C1"),
        ("c-012", "C12"),
        ("w83", "W-083"),
        ("W8E", "W-08E"),
        ("ascl3", "AS-CL-03"),
    ] {
        let help = format!("`{wrong}`; did you mean `{right}`?\n");
        let ran = asyncselect(&["explain", wrong]).expect(2, &[&help]);
        assert_eq!(ran.out, "");
    }
    asyncselect(&["explain", UNREAD]).expect(2, &["which step of it? `--step N`"]);
    for step in ["0", "99"] {
        let ran = asyncselect(&["explain", UNREAD, "--step", step]);
        ran.expect(2, &["no step ", "; its steps are 1 to 11\n"]);
    }
    asyncselect(&["explain", "no-such-file", "--step", "1"]).expect(2, &["cannot read "]);
    asyncselect(&["explain", "AS-CL-03", "--step", "x"]).expect(2, &["--step"]);
}

#[test]
fn a_step_tells_why_messages_came_and_why_not() {
    let ran = asyncselect(&["explain", UNREAD, "--step", "4"]).expect(0, &[]);
    let mut settings = insta::Settings::clone_current();
    // Its own folder: that of the bad scripts has one text a script, by a test.
    settings.set_snapshot_path("texts");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("explain-a-step", ran.out));
    let ran = asyncselect(&["explain", UNREAD, "--step", "6", "--profile", "windows"]);
    ran.expect(
        0,
        &[
            "  recv(s=server, len=2) -> 2 \"he\"\n",
            "  no event but FD_READ, FD_CLOSE for server: not in lEvent (AS-REP-01)\n",
            "  no FD_CLOSE for server: posted already, no re-enabling call since (in step 4)\n",
            "    AS-RD-03: FD_READ after a receive call, peeking or not, if data is still there.\n",
            "    The stack looked after: receive call (recv(s=server, len=2)).\n",
            "    FD_READ was enabled by this call; it was posted in step 2.\n",
        ],
    );
    // What is claimed was posted before, and what is not claimed was stopped before.
    let ran = asyncselect(&["explain", UNREAD, "--step", "5", "--profile", "documented"]);
    ran.expect(
        0,
        &[
            "  The stack looked at no socket in this step. What it found when it looked last:\n",
            "  no FD_CLOSE for server: data is unread\n",
            "    It looked in step 4, after: end arrived (FIN reaches server).\n",
        ],
    );
    let ran = asyncselect(&["explain", UNREAD, "--step", "3", "--profile", "documented"]);
    ran.expect(0, &["  retrieved: w WM_USER+1 (server, FD_READ, 0), posted in step 2\n"]);
}

#[test]
fn steps_are_explained_to_machines_too() {
    let json = asyncselect(&["explain", UNREAD, "--step", "4", "--format", "json"]);
    let json = json.expect(0, &[]).json();
    assert_eq!(json["place"], format!("{UNREAD}:12: step 4"));
    let profiles = json["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), Profile::built_in().len());
    let posted = |profile: &Value| {
        let items = profile["happened"].as_array().unwrap().clone();
        items.into_iter().find_map(|item| item.get("posted").cloned())
    };
    assert_eq!(posted(&profiles[0]), None);
    let posted = posted(&profiles[1]).unwrap();
    assert_eq!(posted["message"]["event"], "FD_CLOSE");
    assert_eq!(posted["clause"]["id"], "W-083");
    assert_eq!(posted["looked"]["cause"], "FIN reaches server");
}

#[test]
fn knobs_are_listed() {
    let ran = asyncselect(&["knobs"]).expect(0, &["reset_error: The error word of FD_CLOSE "]);
    let heads = ran.out.lines().filter(|line| !line.is_empty() && !line.starts_with(' '));
    assert_eq!(heads.count(), KnobId::ALL.len());
    asyncselect(&["knobs", "reset_eror"]).expect(2, &["did you mean `reset_error`?"]);
    let one = asyncselect(&["knobs", "reset_error", "--format", "json"]).expect(0, &[]).json();
    let one = &one.as_array().unwrap()[..];
    assert_eq!((one.len(), &one[0]["knob"]), (1, &"reset_error".into()));
    assert_eq!(one[0]["alternatives"].as_array().unwrap().len(), 3);
}
