//! The list of scenarios that fail alike, or never: what is in it must be true.

use std::fs;
use std::path::PathBuf;

use asyncselect_scenario::alike::Alike;
use asyncselect_scenario::source::SourceError;

/// Reads a list with this text.
fn read(name: &str, text: &str) -> Result<Alike, SourceError> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("{}-{name}.json", std::process::id()));
    fs::write(&path, text).unwrap();
    let list = Alike::read(&path);
    fs::remove_file(path).unwrap();
    list
}

const LIST: &str = r#"{
  "alike": [{ "scenarios": ["a/one", "a/other"], "why": "It is so." }],
  "never": [{ "scenarios": ["a/third", "a/fourth"], "why": "That is so." }]
}"#;

#[test]
fn a_reason_is_for_all_that_fail_alike_together() {
    let list = read("reasons", LIST).unwrap();
    assert_eq!(list.why_alike(&["a/one", "a/other"]), Some("It is so."));
    assert_eq!(list.why_alike(&["a/one", "a/other", "a/new"]), None);
    assert_eq!(list.why_alike(&["a/third", "a/fourth"]), None);
    assert_eq!(list.why_never("a/third"), Some("That is so."));
    assert_eq!(list.why_never("a/one"), None);
}

#[test]
fn an_entry_that_is_not_true_any_more_is_an_error() {
    let list = read("stale", LIST).unwrap();
    let both: &[&str] = &["a/one", "a/other"];
    let never = ["a/third", "a/fourth"];
    assert!(list.stale(&[both], &never).is_none());
    // A group may grow: then it has no reason, but the entry is as true as it was.
    assert!(list.stale(&[&["a/new", "a/one", "a/other"]], &never).is_none());
    let stale = |alike: &[&[&str]], never: &[&str]| {
        let error = list.stale(alike, never).expect("it is stale").to_string();
        error.lines().map(str::trim).collect::<Vec<_>>().join("\n")
    };
    let apart = stale(&[&["a/one", "a/new"], &["a/other", "a/newer"]], &never);
    assert!(apart.contains("`a/other` fails as no other of these does"), "{apart}");
    assert!(apart.contains(":2:"), "{apart}");
    let gone = stale(&[], &never);
    assert!(gone.contains("`a/one` fails as no other of these does"), "{gone}");
    let failing = stale(&[both], &["a/third"]);
    assert!(failing.contains("`a/fourth` is no scenario that never fails"), "{failing}");
    assert!(failing.contains(":3:"), "{failing}");
}

#[test]
fn a_list_that_is_wrong_is_refused() {
    for (name, from, to, part) in [
        ("twice", "a/third", "a/one", "`a/one` is listed twice"),
        ("alone", r#""a/one", "#, "", "two scenarios or more belong here"),
        ("none", r#""a/third", "a/fourth""#, "", "a scenario belongs here"),
        ("sentence", "It is so.", "", "a reason is a sentence"),
        ("field", "why", "reason", "unknown field `reason`"),
    ] {
        let error = read(name, &LIST.replacen(from, to, 1)).expect_err(name).to_string();
        assert!(error.contains(part), "{name}: {error}");
    }
}
