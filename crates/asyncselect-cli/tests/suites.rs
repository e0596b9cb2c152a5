//! Suites: what `explore` says of each is a snapshot, and says that everything is as it should be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use asyncselect_model::Profile;
use insta::Settings;

mod command;
mod scratch;

use command::asyncselect;
use scratch::Folder;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The names of the files of a folder with this ending, sorted.
fn names(folder: &Path, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> =
        entries.filter_map(|name| name.to_str()?.strip_suffix(ending).map(str::to_owned)).collect();
    names.sort();
    names
}

fn snapshot(folder: PathBuf, name: &str, text: &str) {
    let mut settings = Settings::new();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The same rule as for scenarios: other profiles have a snapshot of their own where it differs.
#[test]
fn every_suite_is_as_its_snapshots_say() {
    let mut situations = BTreeMap::new();
    for name in names(&root().join("scenarios/bounded"), ".json") {
        let suite = format!("scenarios/bounded/{name}.json");
        for profile in Profile::built_in() {
            let profile = profile.name();
            let ran = asyncselect(&["explore", &suite, "--profile", profile]).expect(0, &[]);
            for line in ran.out.lines().filter(|line| line.starts_with("  sometimes ")) {
                let (situation, _) = line[24..].split_once(" (").expect("clauses follow");
                let reached = situations.entry(situation.to_owned()).or_insert(false);
                *reached |= line.starts_with("  sometimes reached ");
            }
            snapshot(root().join("snapshots").join(profile).join("bounded"), &name, &ran.out);
        }
    }
    let missed: Vec<_> = situations.iter().filter(|(_, reached)| !**reached).collect();
    assert!(situations.len() > 15 && missed.is_empty(), "no suite reaches {missed:?}");
}

#[test]
fn any_number_of_threads_finds_the_same() {
    for format in ["text", "json"] {
        let explore = |threads| {
            let suite = "scenarios/bounded/ends-and-resets.json";
            let asked = ["explore", suite, "--rounds", "3", "--format", format];
            asyncselect(&[&asked[..], &["--threads", threads]].concat()).expect(0, &[]).out
        };
        let one = explore("1");
        assert!(one == explore("2") && one == explore("5"), "{one}");
    }
}

#[test]
fn a_bound_on_states_leaves_a_part() {
    let suite = "scenarios/bounded/ends-and-resets.json";
    asyncselect(&["explore", suite, "--profile", "windows", "--states", "100"])
        .expect(0, &["ended by the bound on states: this is a part"]);
}

#[test]
fn results_for_machines_say_what_the_text_says() {
    let asked = ["explore", "scenarios/bounded/two-windows.json", "--rounds", "2"];
    let text = asyncselect(&asked).expect(0, &[]).out;
    let json = asyncselect(&[&asked[..], &["--format", "json"]].concat()).expect(0, &[]).json();
    let profiles = json["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), Profile::built_in().len());
    for profile in profiles {
        let number = |key: &str| profile[key].as_u64().unwrap();
        let row = format!("  {:7} {:11} {:14}\n", 2, number("states"), number("transitions"));
        assert!(text.contains(&row), "{row}\n{text}");
        for property in profile["properties"].as_array().unwrap() {
            let clauses = property["clauses"].as_array().unwrap();
            let clauses: Vec<_> = clauses.iter().map(|clause| clause.as_str().unwrap()).collect();
            let name = property["name"].as_str().unwrap();
            assert!(text.contains(&format!("{name} ({})", clauses.join(", "))), "{name}");
        }
    }
}

#[test]
fn what_is_written_runs() {
    let folder = Folder::new("deviations");
    let out = folder.0.to_str().unwrap();
    let suite = "scenarios/bounded/ends-and-resets.json";
    let asked = ["explore", suite, "--profile", "wine-8.0", "--rounds", "3", "--write", out];
    asyncselect(&asked).expect(0, &["deviates", "written: "]);
    let written = names(&folder.0, "-on-wine-8.0.json").len();
    assert!(written >= 5, "{written} files");
    let summary = format!("{written} scenarios x 1 profile: {written} passed, 0 failed");
    asyncselect(&["run", out, "--profile", "wine-8.0"]).expect(0, &[&summary]);
}

#[test]
fn suites_and_scenarios_are_told_apart() {
    let suite = "scenarios/bounded/two-windows.json";
    asyncselect(&["run", suite]).expect(2, &["`alphabet` makes this a suite, not a scenario"]);
    let all = asyncselect(&["run"]).expect(0, &[]);
    assert!(!all.out.contains("bounded/"), "{}", all.out);
}

#[test]
fn bad_usage_is_refused() {
    let suite = "scenarios/bounded/two-windows.json";
    let bad: [(&[&str], &str); 6] = [
        (&["no-such-file.json"], "no-such-file.json"),
        (&[suite, "--profile", "window"], "windows"),
        (&[suite, "--threads", "0"], "0 is not in 1..=256"),
        (&[suite, "--rounds", "many"], "--rounds"),
        (&[suite, "--free"], "its orders are all open"),
        (&[suite, "--format", "xml"], "possible values: text, json"),
    ];
    for (arguments, part) in bad {
        asyncselect(&[&["explore"], arguments].concat()).expect(2, &[part]);
    }
}

/// `bad_suites/NAME.json` is a suite with a mistake, `bad_suites/NAME.snap` what users read.
#[test]
fn every_bad_suite_is_refused_with_its_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_suites");
    let suites = names(&folder, ".json");
    assert!(suites.len() >= 10, "{} suites", suites.len());
    for name in &suites {
        let file = format!("crates/asyncselect-cli/tests/bad_suites/{name}.json");
        let place = format!("--> {file}:");
        let ran = asyncselect(&["explore", &file]).expect(2, &[&place, "error: "]);
        assert_eq!(ran.out, "", "{name}");
        snapshot(folder.clone(), name, &ran.err);
    }
    assert_eq!(suites, names(&folder, ".snap"), "each snapshot has its suite");
}
