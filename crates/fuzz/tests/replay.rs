//! What was found once is not found again: every input in `corpus`, and what else the repository
//! has of each kind, into its target.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use asyncselect_fuzz::{TARGETS, Target};

/// No input takes longer, not even where nothing is optimized.
const TIME_MAX: Duration = Duration::from_secs(10);

/// What else there is for a target, beside its corpus.
fn seeds(target: Target) -> &'static [&'static str] {
    match target.name {
        "script" => &["scenarios", "crates/asyncselect-cli/tests/bad_scripts"],
        "outcomes" => &["scenarios/races"],
        "suite" => &["scenarios/bounded", "crates/asyncselect-cli/tests/bad_suites"],
        "recording" => &["crates/asyncselect-cli/tests/recordings"],
        "ledger" => &["scenarios/known.json", "scenarios/not-modelled.json"],
        _ => &[],
    }
}

/// Every file under a folder, or the one that it is, in a fixed order.
fn files(path: PathBuf) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path];
    }
    let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let mut found: Vec<PathBuf> = entries.flat_map(|entry| files(entry.unwrap().path())).collect();
    found.sort();
    found
}

fn replay(name: &str) {
    let target = Target::named(name);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join("corpus").join(name);
    let others = seeds(target).iter().map(|path| root.join("../..").join(path));
    let inputs: Vec<PathBuf> = std::iter::once(own).chain(others).flat_map(files).collect();
    for path in inputs {
        within_time(target, &path.display().to_string(), &fs::read(&path).unwrap());
    }
}

fn within_time(target: Target, what: &str, data: &[u8]) {
    let begin = Instant::now();
    if std::panic::catch_unwind(|| (target.run)(data)).is_err() {
        panic!("{}: {what}", target.name);
    }
    let took = begin.elapsed();
    assert!(took < TIME_MAX, "{}: {what} takes {took:?}", target.name);
}

/// Looking for a name like it took as long as there are names, times letters in it.
#[test]
fn a_book_in_the_place_of_a_name() {
    let book = "A".repeat(200_000);
    let text = format!(
        r#"{{ "format": 1, "title": "t", "clauses": ["{book}"], "steps": [{{ "settle": true }}] }}"#
    );
    within_time(Target::named("script"), "a book", text.as_bytes());
}

macro_rules! replays {
    ($($name:ident),*) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*

        #[test]
        fn no_target_is_left_out() {
            let names = TARGETS.map(|target| target.name);
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

replays!(script, outcomes, suite, recording, adapter, profile, ledger);
