//! Builds an example and says where it is: for the tests of this crate and of the command.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The executable of an example of asyncselect-scenario, up to date.
///
/// `cargo test` builds the examples of the package under test only, and `cargo test --test …` none
/// at all; an old one left over from the day before would be worse than none. So cargo is asked,
/// for the profile and the folder that the running test was built in.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a file");
    let profile_dir = test.ancestors().nth(2).expect("target/PROFILE/deps/test");
    let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "asyncselect-scenario", "--example", name])
        .args(["--profile", profile, "--target-dir"])
        .arg(profile_dir.parent().expect("target/PROFILE"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "cargo builds the example {name}");
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    profile_dir.join("examples").join(file)
}
