//! The tables and the sample output in the README are what the command prints.
//!
//! `UPDATE_README=1` writes them anew.

use std::fs;
use std::path::Path;

mod command;

use command::asyncselect;

/// A marked part of a text: where it begins and ends, and the words that say what it is.
fn parts(text: &str) -> Vec<(usize, usize, Vec<&str>)> {
    const BEGIN: &str = "<!-- begin: ";
    let part = |(at, _)| {
        let line: &str = text[at..].lines().next().unwrap();
        let words = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(" -->"));
        let start = at + line.len() + 1;
        let len = text[start..].find("<!-- end -->").expect("each part has an end");
        (start, start + len, words.expect(line).split(' ').collect())
    };
    text.match_indices(BEGIN).map(part).collect()
}

/// What `asyncselect run scenarios` prints, without most of it.
fn sample() -> String {
    // Of which each says something of its own about the two columns.
    const SHOWN: [&str; 4] = [
        "close/a-half-closed-connection-carries-data-the-other-way ",
        "close/a-reset-after-fd-close-is-silent ",
        "close/a-reset-after-the-end ",
        "close/fd-close-waits-for-unread-bytes ",
    ];
    const DEVIATIONS: usize = 3;
    let out = asyncselect(&["run", "scenarios"]).expect(0, &[]).out;
    let [table, deviations, counts] = out.split("\n\n").collect::<Vec<_>>()[..] else {
        panic!("a table, the deviations and the counts: {out}")
    };
    let mut table = table.lines();
    let head = table.next().unwrap();
    let rows: Vec<&str> =
        table.filter(|row| SHOWN.iter().any(|shown| row.starts_with(shown))).collect();
    assert_eq!(rows.len(), SHOWN.len(), "{rows:?}");
    let deviations: Vec<&str> = deviations.lines().take(1 + DEVIATIONS).collect();
    let (rows, deviations) = (rows.join("\n"), deviations.join("\n"));
    format!("```\n{head}\n…\n{rows}\n…\n\n{deviations}\n  …\n\n{counts}```\n")
}

#[test]
fn the_sample_and_the_tables_are_what_the_command_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let mut text = fs::read_to_string(&path).unwrap();
    let before = text.clone();
    let found = parts(&before);
    let marked: Vec<String> = found.iter().map(|(_, _, words)| words.join(" ")).collect();
    assert_eq!(marked, ["run scenarios", "diff documented windows", "diff windows wine-8.0"]);
    for (start, end, words) in found.into_iter().rev() {
        let part = if let ["diff", left, right] = words[..] {
            let table = ["diff", "--left", left, "--right", right, "--format", "markdown"];
            let ran = asyncselect(&table);
            // 3: what is not modelled is in no table.
            assert!(matches!(ran.code, Some(0 | 3)) && ran.err.is_empty(), "{}", ran.err);
            ran.out
        } else {
            sample()
        };
        text.replace_range(start..end, &part);
    }
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&path, text).unwrap();
    } else {
        let stale = before.lines().zip(text.lines()).find(|(before, now)| before != now);
        assert!(text == before, "UPDATE_README=1 writes these parts of README.md anew: {stale:?}");
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
