//! `asyncselect coverage`: what cites clauses, sees knobs and pins facts.
//!
//! Every fact and every known difference has something that holds it fast, a reason why there is
//! nothing, or a place in the lists below.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

mod command;
mod scratch;

use command::{Ran, asyncselect};
use scratch::Folder;

/// The facts of which there is nothing.
const FACTS_MISSING: &[&str] = &[];

/// The differences between Windows and Wine of which there is nothing.
const DIFFERENCES_MISSING: &[&str] = &[];

fn missing(report: &Value, kind: &str) -> Vec<String> {
    let missing = report[kind]["missing"].as_array().unwrap();
    missing.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[test]
fn all_but_those_of_the_lists_are_accounted_for() {
    let ran = asyncselect(&["coverage", "--facts", "--format", "json"]);
    let report = ran.json();
    assert_eq!(missing(&report, "facts"), FACTS_MISSING, "left is, right should be");
    assert_eq!(missing(&report, "differences"), DIFFERENCES_MISSING, "left is, right should be");
    let whole = FACTS_MISSING.is_empty() && DIFFERENCES_MISSING.is_empty();
    let ran = ran.expect(if whole { 0 } else { 1 }, &[]);
    assert_eq!((&report["facts"]["all"], &report["differences"]["all"]), (&87.into(), &18.into()));
    // The text says the same.
    let text = asyncselect(&["coverage", "--facts"]);
    assert_eq!(text.code, ran.code);
    let number = |key: &str| report["facts"][key].as_u64().unwrap();
    let (pinned, not_modelled) = (number("pinned"), number("not_modelled"));
    let last = format!(
        "\n{} of 87 facts accounted for: {pinned} pinned by files, {not_modelled} cannot be \
         modelled\n",
        pinned + not_modelled
    );
    assert!(text.out.ends_with(&last), "{}", text.out);
    for id in FACTS_MISSING.iter().chain(DIFFERENCES_MISSING) {
        assert!(text.out.contains(&format!(" {id}")), "{id} is named");
    }
    let shown = concat!(
        "\nW-083  FD_CLOSE comes when the end arrives, unread data or not, and no more after the ",
        "last byte.\n  pinned by facts/w-083-data-and-end-before-the-first-look\n",
    );
    assert!(text.out.contains(shown) && text.out.contains("\n  knob close_with_unread\n"));
}

/// A folder with one scenario in `facts/` and this list of what cannot be modelled.
fn with(name: &str, list: &str, fact: &str) -> Folder {
    let folder = Folder::new(name);
    fs::write(folder.0.join("not-modelled.json"), list).unwrap();
    fs::create_dir(folder.0.join("facts")).unwrap();
    fs::write(folder.0.join("facts/a.json"), fact).unwrap();
    folder
}

fn covered(Folder(folder): &Folder) -> Ran {
    asyncselect(&["coverage", "--facts", "--scenarios", folder.to_str().unwrap()])
}

fn fact() -> String {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    fs::read_to_string(corpus.join("facts/w-023-a-waiting-connection-stays-readable.json")).unwrap()
}

#[test]
fn a_reason_for_what_has_a_file_or_a_knob_is_stale() {
    let list = "[\n  { \"id\": \"W-022\", \"why\": \"It is so.\" },\n  \
                { \"id\": \"W-023\", \"why\": \"It is so.\" }\n]\n";
    let parts = ["not-modelled.json:3:5", "`W-023` can be modelled: `facts/a` pins it"];
    covered(&with("stale-file", list, &fact())).expect(2, &parts);
    let list = r#"[{ "id": "C6", "why": "It is so." }]"#;
    let parts = ["`C6` can be modelled: the knob `close_with_unread` has it"];
    covered(&with("stale-knob", list, &fact())).expect(2, &parts);
}

#[test]
fn a_list_that_is_wrong_is_refused() {
    for (name, entry, part) in [
        ("unknown", r#"{ "id": "W-999", "why": "It is so." }"#, "unknown id `W-999`"),
        ("clause", r#"{ "id": "AS-CL-03", "why": "It is so." }"#, "`AS-CL-03` is a clause"),
        ("no-sentence", r#"{ "id": "W-098", "why": "" }"#, "a reason is a sentence"),
        (
            "twice",
            r#"{ "id": "W-098", "why": "So." }, { "id": "W-098", "why": "So." }"#,
            "`W-098` is listed twice",
        ),
        ("field", r#"{ "id": "W-098", "reason": "So." }"#, "unknown field `reason`"),
    ] {
        covered(&with(name, &format!("[{entry}]"), &fact())).expect(2, &[part]);
    }
    let folder = with("no-list", "[]", &fact());
    fs::remove_file(folder.0.join("not-modelled.json")).unwrap();
    covered(&folder).expect(2, &["not-modelled.json"]);
}

#[test]
fn a_file_that_does_not_hold_pins_nothing() {
    let holds = covered(&with("holds", "[]", &fact()));
    let holds = holds.expect(1, &["\n  pinned by facts/a\n", "\n1 of 87 facts accounted for: "]);
    assert!(!holds.out.contains("W-023,"), "{}", holds.out);
    // The listener is readable before anybody connects: that is not so.
    let fails = fact().replacen(r#""return": 0"#, r#""return": 1"#, 1);
    let fails = covered(&with("fails", "[]", &fails));
    let part = "\n  not pinned by facts/a, which does not hold\n  not accounted for\n";
    fails.expect(1, &[part, ", W-023, ", "\n0 of 87 facts accounted for: "]);
}

#[test]
fn what_cannot_be_read_is_no_gap() {
    covered(&with("bad", "[]", "{")).expect(2, &["facts/a.json"]);
}

/// Everything of such a folder.
fn all_of(Folder(folder): &Folder, format: &str) -> Ran {
    asyncselect(&["coverage", "--scenarios", folder.to_str().unwrap(), "--format", format])
}

#[test]
fn the_matrices_of_one_scenario() {
    let fact = fact().replacen("[\"W-023\"]", "[\"W-023\", \"AS-EN-23\"]", 1);
    let folder = with("matrices", "[]", &fact);
    all_of(&folder, "text").expect(
        1,
        &[
            "\nAS-EN-23   must      select changes nothing about registered events.\n  facts/a\n",
            "\nAS-AC-01   must      FD_ACCEPT at registration, if a connection waits.\n  cited by \
             no scenario\n",
            "\nclose_with_unread (after_drain, immediate): ",
            "\n  after_drain and immediate are told apart by no scenario\n",
            "\nW-023  ",
            "\n  pinned by facts/a\n",
            "\n255 clauses: ",
            "\ncited by no scenario: AS-AC-01, ",
            "\n1 scenario\n",
        ],
    );
    let json = all_of(&folder, "json").expect(1, &[]).json();
    let find = |list: &str, key: &str, id: &str| {
        let entries = json[list].as_array().unwrap().iter();
        entries.clone().find(|entry| entry[key] == id).unwrap().clone()
    };
    assert_eq!(find("clauses", "id", "AS-EN-23")["cited_by"], json!(["facts/a"]));
    assert_eq!(find("clauses", "id", "AS-AC-01")["cited_by"], json!([]));
    let knob = find("knobs", "knob", "close_with_unread");
    assert_eq!(knob["seen_by"], json!([]));
    assert_eq!(knob["not_told_apart"], json!([["after_drain", "immediate"]]));
    assert_eq!(json["scenarios"][0]["pins"], "W-023");
    // The page has the same, and the same again.
    let page = all_of(&folder, "html").expect(1, &["<tr id=\"facts/a\">"]).out;
    assert_eq!(page, all_of(&folder, "html").out);
}

#[test]
fn a_knob_is_seen_where_another_alternative_shows() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let file = "close/fd-close-waits-for-unread-bytes.json";
    let seeing = with("sees", "[]", &fs::read_to_string(corpus.join(file)).unwrap());
    let seen = "\n  seen on documented, windows, wine-8.0 by\n    facts/a\n";
    let text = all_of(&seeing, "text").expect(1, &[seen]).out;
    let knob = text.split("\nclose_with_unread (").nth(1).unwrap();
    let knob = knob.split("\nclose_with_unread_after_shutdown (").next().unwrap();
    assert!(knob.ends_with(seen.trim_end()), "{knob}");
    assert!(!knob.contains("told apart by no scenario"), "{knob}");
}

#[test]
fn the_page_of_the_corpus_is_whole_and_stands_alone() {
    let ran = asyncselect(&["coverage", "--format", "html"]);
    assert_eq!(ran.code, Some(0), "something is missing: {}", ran.err);
    let page = ran.out;
    assert!(page.starts_with("<!DOCTYPE html>"));
    for outside in ["http:", "https:", "src=", "<script", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let named = |attribute: &str| {
        let values = page.split(attribute).skip(1);
        values.map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let anchors = named(" id=\"");
    let unique: BTreeSet<&String> = anchors.iter().collect();
    assert_eq!(unique.len(), anchors.len(), "an anchor stands twice");
    for link in named(" href=\"#") {
        assert!(unique.contains(&link), "nothing is called {link}");
    }
    for anchor in ["AS-REP-01", "close_with_unread", "W-083", "close/a-reset-after-the-end"] {
        assert!(unique.contains(&anchor.to_owned()), "{anchor}");
    }
}

#[test]
fn there_is_a_page_of_everything_together_alone() {
    for part in ["--facts", "--prove"] {
        let parts = ["there is a page of everything together alone", "coverage --format html"];
        asyncselect(&["coverage", part, "--format", "html"]).expect(2, &parts);
    }
}
