//! Every scenario on every built-in profile: both verdicts, and the snapshot of what happens.
//!
//! An expectation records what must happen, a snapshot what does. Accepting a snapshot
//! (`just bless`) never makes a violated expectation pass.

use std::path::{Path, PathBuf};

use asyncselect_model::Profile;
use asyncselect_scenario::judge::Agreement;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate;
use asyncselect_scenario::trace::{Detail, to_text};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// The only place where behaviour tests touch the library.
fn check(path: &Path) -> TestResult {
    let mut script = Script::read(path)?;
    // In event mode the verdict counts, and what happens is the same but for the calls.
    if let Some(twin) = script.twin.take() {
        for profile in Profile::built_in() {
            agrees(&twin, &profile)?;
        }
    }
    let mut documented = None;
    for profile in Profile::built_in() {
        agrees(&script, &profile)?;
        let (lines, _) = simulate::trace(&script, &profile);
        let text = to_text(&lines, Detail::Snapshot);
        let (again, _) = simulate::trace(&script, &profile);
        assert_eq!(lines, again, "two runs on {} are the same", profile.name());
        // Other profiles have a snapshot of their own just where it differs.
        if documented.as_ref() == Some(&text) {
            let redundant = file_of(profile.name(), &script.id);
            assert!(!redundant.exists(), "{} says nothing of its own", redundant.display());
        } else {
            snapshot(&script, profile.name(), &text);
        }
        documented.get_or_insert(text);
    }
    Ok(())
}

fn agrees(script: &Script, profile: &Profile) -> TestResult {
    match simulate::verdict(script, profile).agreement {
        Agreement::Agrees | Agreement::NotRunnable(_) => Ok(()),
        other => Err(format!("{} on {}: {other:?}", script.id, profile.name()).into()),
    }
}

fn snapshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../snapshots").canonicalize().expect("it exists")
}

fn file_of(profile: &str, id: &str) -> PathBuf {
    snapshots().join(profile).join(format!("{id}.snap"))
}

fn snapshot(script: &Script, profile: &str, text: &str) {
    let file = file_of(profile, &script.id);
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(file.parent().expect("a snapshot has a folder"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(&script.title);
    let name = file.file_stem().expect("a snapshot has a name").to_string_lossy().into_owned();
    settings.bind(|| insta::assert_snapshot!(name, text));
}

datatest_stable::harness! {
    { test = check, root = "../../scenarios", pattern = r"^(?!bounded/).+/.+\.json$" },
}
