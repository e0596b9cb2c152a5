//! The tables in the README are what the command prints.
//!
//! `UPDATE_README=1` writes them anew.

use std::fs;
use std::path::Path;

mod command;

use command::asyncselect;

/// A marked part of a text: where it begins and ends, and the profiles that it compares.
fn parts(text: &str) -> Vec<(usize, usize, [&str; 2])> {
    const BEGIN: &str = "<!-- begin: diff ";
    let part = |(at, _)| {
        let line: &str = text[at..].lines().next().unwrap();
        let words = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(" -->"));
        let (left, right) = words.and_then(|words| words.split_once(' ')).expect(line);
        let start = at + line.len() + 1;
        let len = text[start..].find("<!-- end -->").expect("each part has an end");
        (start, start + len, [left, right])
    };
    text.match_indices(BEGIN).map(part).collect()
}

#[test]
fn the_tables_are_what_diff_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let mut text = fs::read_to_string(&path).unwrap();
    let before = text.clone();
    let found = parts(&before);
    let compared: Vec<[&str; 2]> = found.iter().map(|(_, _, profiles)| *profiles).collect();
    assert_eq!(compared, [["documented", "windows"], ["windows", "wine-8.0"]]);
    for (start, end, [left, right]) in found.into_iter().rev() {
        let table = ["diff", "--left", left, "--right", right, "--format", "markdown"];
        let ran = asyncselect(&table);
        // 3: what is not modelled is in no table.
        assert!(matches!(ran.code, Some(0 | 3)) && ran.err.is_empty(), "{}", ran.err);
        text.replace_range(start..end, &ran.out);
    }
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&path, text).unwrap();
    } else {
        assert!(text == before, "UPDATE_README=1 writes the tables of README.md anew");
    }
}

#[test]
fn tables_hold_what_differs_and_no_more() {
    const CORPUS: &str = "scenarios/close";
    let diff = |left, right, format| {
        let diff = ["diff", CORPUS, "--left", left, "--right", right, "--format", format];
        asyncselect(&diff).expect(0, &[])
    };
    let same = diff("windows", "windows", "markdown");
    assert_eq!(same.out.lines().count(), 2, "the head alone");
    let table = diff("documented", "windows", "markdown").out;
    let row = "| When FD_CLOSE is posted for a graceful close while received data is unread \
               (`close_with_unread`) | `after_drain` | `immediate` | documented / observed \
               elsewhere | AS-CL-03, X-19 / W-083 | ";
    assert!(table.contains(row), "{table}");
    // For machines, and for people at the end of the differences.
    let json = diff("documented", "windows", "json").json();
    let points = json["points"].as_array().unwrap();
    assert_eq!(points.len() + 2, table.lines().count());
    let unread = points.iter().find(|point| point["knob"] == "close_with_unread").unwrap();
    assert_eq!(unread["right"]["evidence"], "observed elsewhere");
    let head = "\npoints at which they part\n  close_with_unread: after_drain (documented";
    diff("documented", "windows", "text").expect(0, &[head]);
}
