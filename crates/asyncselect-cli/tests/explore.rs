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
fn what_must_hold_always_is_judged_and_what_deviates_is_a_file_that_shows_it() {
    let folder = Folder::new("properties");
    let dir = folder.0.to_str().unwrap();
    let unread = "scenarios/close/fd-close-waits-for-unread-bytes.json";
    asyncselect(&["explore", unread, "--profile", "documented"])
        .expect(0, &["41 of 41 properties held"]);
    let asked = ["explore", unread, "--profile", "windows"];
    let ran = asyncselect(&[&asked[..], &["--write", dir]].concat()).expect(
        0,
        &[
            "40 of 41 properties held",
            "deviates FD_CLOSE of a graceful close waits until all data is read \
             (AS-CL-03, AS-ORD-03): as close_with_unread = immediate; ",
            ", first at step 4\n",
        ],
    );
    let name = "-on-windows-fd-close-of-a-graceful-close-waits-until-all-data-is-read.json";
    assert!(ran.out.contains(name), "{}", ran.out);
    asyncselect(&["run", dir, "--profile", "windows"]).expect(0, &[" 0 failed"]);
    let json = asyncselect(&[&asked[..], &["--format", "json"]].concat()).expect(0, &[]).json();
    let properties = json[0]["properties"].as_array().unwrap();
    let of = |standing| properties.iter().filter(move |one| one["standing"] == standing);
    assert_eq!((of("held").count(), of("violated").count()), (40, 0));
    let deviates = of("deviates").next().unwrap();
    assert_eq!(deviates["knobs"][0]["knob"], "close_with_unread");
    assert_eq!(deviates["first"]["place"], "step 4");
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
