//! `asyncselect explore` on scenarios.

mod command;
mod scratch;

use std::fs;

use command::asyncselect;
use scratch::Folder;

const RACE: &str = "scenarios/ordering/either-peer-may-be-first.json";

#[test]
fn a_race_has_two_outcomes_and_each_is_a_file_that_says_the_same_again() {
    let folder = Folder::new("outcomes");
    let dir = folder.0.to_str().unwrap();
    let ran = asyncselect(&["explore", RACE, "--profile", "windows", "--write", dir]);
    let ran = ran.expect(
        0,
        &[
            "windows: 2 outcomes",
            "step 5: w WM_USER+1 (a, FD_READ, 0), w WM_USER+1 (b, FD_READ, 0)\n",
            "step 5: w WM_USER+1 (b, FD_READ, 0), w WM_USER+1 (a, FD_READ, 0)\n",
            " states/s",
        ],
    );
    assert!(!ran.out.contains("/s"), "nothing that depends on the machine: {}", ran.out);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2);
    asyncselect(&["run", dir, "--profile", "windows"]).expect(0, &["2 passed, 0 failed"]);
}

#[test]
fn threads_and_formats_say_the_same() {
    let of = |threads| {
        let format = ["--threads", threads, "--format", "json", "--free"];
        asyncselect(&[&["explore", RACE], &format[..]].concat()).expect(0, &[])
    };
    let (one, two) = (of("1"), of("2"));
    assert_eq!(one.out, two.out);
    assert_eq!(one.json().as_array().unwrap().len(), 3);
}

#[test]
fn what_is_not_as_the_script_says_is_a_finding() {
    let folder = Folder::new("findings");
    let path = folder.0.join("race.json");
    let text = fs::read_to_string(format!("../../{RACE}")).unwrap();
    // One order alone is expected, the other comes too.
    let (before, after) = text.split_once("{ \"unordered\": ").unwrap();
    let (list, after) = after.split_once("] },").unwrap();
    fs::write(&path, format!("{before}{list}],{after}")).unwrap();
    let path = path.to_str().unwrap();
    let ran = asyncselect(&["explore", path, "--profile", "windows"]);
    ran.expect(1, &["NOT AS EXPECTED: ", "race.json:11: step 5: expected "]);
    // What can never come must not be demanded.
    let never = text.replacen(
        "\"wParam\": \"b\", \"event\": \"FD_READ\" }\n        ],",
        "\"wParam\": \"b\", \"event\": \"FD_CLOSE\" }\n        ],",
        1,
    );
    assert_ne!(never, text);
    fs::write(path, never).unwrap();
    let ran = asyncselect(&["explore", path, "--profile", "windows"]);
    ran.expect(1, &["UNREACHED: ", "never comes: "]);
}

#[test]
fn a_bound_leaves_a_part_and_says_so() {
    let ran = asyncselect(&["explore", RACE, "--profile", "windows", "--rounds", "2"]);
    ran.expect(3, &["of a part only"]);
}
