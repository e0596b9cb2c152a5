//! What a person would miss: missing and redundant snapshots, unknown clause ids, undocumented
//! files, lines that are too long.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use asyncselect_model::{KnobId, Profile, Rule};
use asyncselect_scenario::clauses::{Clauses, Entry, Kind, Proof};
use asyncselect_scenario::corpus;
use asyncselect_scenario::explore::properties::Property;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::script::suite::Suite;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file under a folder with this extension, except what cargo put there.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_scenario_has_its_snapshot_and_every_snapshot_its_scenario() {
    let scripts = corpus::find(&[root().join("scenarios")]).unwrap();
    let mut ids: BTreeSet<String> =
        scripts.iter().map(|path| Script::read(path).unwrap().id).collect();
    assert_eq!(ids.len(), scripts.len(), "two files have the same name in the same family");
    let suites = files(&root().join("scenarios").join(corpus::SUITES), "json");
    ids.extend(suites.iter().map(|path| Suite::read(path).unwrap().start.id));
    let profiles: Vec<String> =
        Profile::built_in().iter().map(|profile| profile.name().to_owned()).collect();
    let mut documented = BTreeSet::new();
    for path in files(&root().join("snapshots"), "snap") {
        let name = path.strip_prefix(root().join("snapshots")).unwrap().with_extension("");
        let mut parts = name.iter().map(|part| part.to_str().unwrap());
        let profile = parts.next().unwrap();
        let id = parts.collect::<Vec<_>>().join("/");
        assert!(profiles.iter().any(|known| known == profile), "{}", path.display());
        assert!(ids.contains(&id), "no scenario has the snapshot {}", path.display());
        if profile == "documented" {
            documented.insert(id);
        }
    }
    assert_eq!(ids, documented, "every scenario has a snapshot on `documented`");
    let unreviewed = files(&root().join("snapshots"), "new");
    assert!(unreviewed.is_empty(), "not reviewed: {unreviewed:?}");
}

#[test]
fn every_field_bug_says_where_it_was_told() {
    for path in files(&root().join("scenarios/field-bugs"), "json") {
        let name = path.file_name().unwrap().to_str().unwrap();
        let file: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        // `fb-02-what-happens` is about FB-02.
        let id = name.get(..5).expect("a number").to_uppercase();
        let cited = file["clauses"].as_array().unwrap();
        assert!(cited.iter().any(|cited| *cited == *id), "{name} does not cite {id}");
        let source = file["source"].as_str().unwrap_or_default();
        assert!(!source.is_empty(), "{name} has no source");
    }
}

/// Ids in the order in which people look for them: by kind and family, then by number.
fn order(id: &str) -> (&str, usize, &str) {
    let digits = id.find(|c: char| c.is_ascii_digit()).unwrap();
    let (family, number) = id.split_at(digits);
    (family, number.len(), number)
}

#[test]
fn the_list_of_clauses_is_whole() {
    let clauses = Clauses::get();
    assert_eq!(clauses.lists()[0].1.len(), 255);
    let all: Vec<&str> = clauses.ids().collect();
    let distinct: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len(), "an id stands twice");
    for (_, entries) in clauses.lists() {
        let unsorted = entries.windows(2).find(|pair| order(pair[0].id) >= order(pair[1].id));
        assert_eq!(unsorted, None, "two entries in the wrong order");
    }
}

#[test]
fn every_entry_of_the_list_has_a_sentence() {
    for (kind, entries) in Clauses::get().lists() {
        for Entry { id, level, about, source, proof, rest } in entries {
            assert_eq!(level.is_some(), kind == Kind::Clause, "{id}");
            let is_open = matches!(kind, Kind::Question | Kind::Disputed);
            let fits = match proof {
                None => true,
                Some(Proof::Out(_)) => kind == Kind::Clause || is_open,
                Some(Proof::Arm(_) | Proof::Test(_)) => kind == Kind::Clause,
            };
            assert!(fits, "{id}: a proof of what is no clause");
            let fits = rest.is_none_or(|rest| kind == Kind::Clause && rest.ends_with('.'));
            assert!(fits, "{id}: the rest of a clause is a sentence");
            let len = about.chars().count();
            assert!((20..=140).contains(&len), "{id} has {len} letters");
            let question = matches!(kind, Kind::Question | Kind::Disputed | Kind::FieldBug);
            let ends = about.ends_with('.') || question && about.ends_with('?');
            assert!(ends && !about.contains('\n'), "{id}: {about}");
            let sourced = source.is_some_and(|source| !source.is_empty());
            assert!(sourced || kind != Kind::Clause, "{id} says not where it comes from");
        }
    }
}

#[test]
fn no_two_entries_say_the_same() {
    let mut seen = BTreeMap::new();
    for (_, entries) in Clauses::get().lists() {
        for entry in entries {
            if let Some(other) = seen.insert(entry.about, entry.id) {
                panic!("{other} and {} say the same", entry.id);
            }
        }
    }
}

#[test]
fn properties_cite_ids_and_alternatives_that_exist() {
    let mut names = BTreeSet::new();
    for property in Property::ALL {
        let name = property.name();
        assert!(names.insert(name), "two properties are called `{name}`");
        assert!(!property.clauses().is_empty(), "{name}");
        for id in property.clauses() {
            assert!(Clauses::get().has(id), "`{name}` cites {id}");
        }
        for (knob, value) in property.excuses() {
            // The documentation does not break its own clauses.
            let documented = Profile::documented();
            let at = knob.values().iter().position(|other| other == value);
            let at = at.unwrap_or_else(|| panic!("`{name}` is excused by {knob} = {value}"));
            let held = documented.setting(*knob).value.map(usize::from);
            assert_ne!(held, Some(at), "`{name}` is excused on `documented`");
        }
    }
}

#[test]
fn rules_and_knobs_cite_ids_that_exist() {
    let clauses = Clauses::get();
    for rule in Rule::ALL {
        assert!(clauses.has(rule.id()), "{rule}");
    }
    for knob in KnobId::ALL {
        for id in knob.ids() {
            assert!(clauses.has(id), "{knob} cites {id}");
        }
    }
}

/// Every id that looks like a clause, a fact or a question in the text.
fn cited(text: &str) -> impl Iterator<Item = &str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split(move |c| !word(c)).filter(|token| {
        let digits = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        ["OQ-", "FB-", "W-"].iter().any(|kind| token.strip_prefix(kind).is_some_and(digits))
            || token.starts_with("AS-") && token.ends_with(|c: char| c.is_ascii_digit())
    })
}

#[test]
fn comments_cite_ids_that_exist() {
    let clauses = Clauses::get();
    for path in files(&root().join("crates"), "rs") {
        // This file and those with deliberately wrong input cite what does not exist.
        if path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for id in cited(&text) {
            assert!(clauses.has(id), "{} cites {id}", path.display());
        }
    }
}

#[test]
fn every_source_file_says_what_it_is_for_and_is_narrow() {
    let mut wrong = Vec::new();
    for path in files(&root().join("crates"), "rs") {
        let text = fs::read_to_string(&path).unwrap();
        if !text.starts_with("//! ") {
            wrong.push(format!("{} does not begin with `//!`", path.display()));
        }
        for (number, line) in text.lines().enumerate() {
            let wide = line.chars().count() > 100;
            let table = line.trim_start_matches(['/', '!', ' ']).starts_with('|');
            let json = line.contains("r#\"") || line.contains("\":") || line.contains("\\\":");
            if wide && !table && !json && !line.contains("https://") {
                wrong.push(format!("{}:{} is over 100 columns", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_top_level_is_short() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "crates",
        "scenarios",
        "snapshots",
        "README.md",
        "justfile",
        "LICENSE-MIT",
        "LICENSE-APACHE",
    ];
    // What lies about beside it is nobody's business.
    let tracked = Command::new("git").arg("ls-files").current_dir(root()).output();
    let Some(tracked) = tracked.ok().filter(|git| git.status.success()) else { return };
    for path in String::from_utf8(tracked.stdout).unwrap().lines() {
        let name = path.split('/').next().unwrap();
        assert!(name.starts_with('.') || allowed.contains(&name), "{path}");
    }
}

#[test]
fn every_open_question_is_a_knob_or_says_why_not() {
    for (kind, entries) in Clauses::get().lists() {
        let open = matches!(kind, Kind::Question | Kind::Disputed);
        for entry in entries.iter().filter(|_| open) {
            let has_knob = KnobId::naming(entry.id).next().is_some();
            assert_ne!(has_knob, entry.proof.is_some(), "{}", entry.id);
        }
    }
}

#[test]
fn what_a_clause_names_as_its_proof_is_there() {
    let lists = Clauses::get().lists().into_iter();
    for entry in lists.flat_map(|(_, entries)| entries) {
        let id = entry.id;
        match entry.proof {
            None => {}
            Some(Proof::Arm(arm)) => {
                let has_arm = Rule::ALL.iter().any(|rule| rule.id() == arm);
                assert!(has_arm && arm != id, "{id}: no arm of another clause {arm}");
            }
            Some(Proof::Test(test)) => {
                let (file, name) = test.split_once(": ").unwrap();
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
                let source = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{id}: {why}"));
                let test = format!("#[test]\n    fn {name}() {{");
                assert!(source.contains(&test), "{id}: no test {name} in {file}");
            }
            Some(Proof::Out(why)) => {
                assert!(why.ends_with('.') && why.len() <= 140, "{id}: {why}");
            }
        }
    }
}
