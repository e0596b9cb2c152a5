//! What a terminal shows and a pipe does not: colours, and how far a long run is.

#[cfg(target_os = "linux")]
#[path = "../../asyncselect-scenario/examples/build/mod.rs"]
mod build;
mod command;
#[cfg(target_os = "linux")]
mod scratch;

use command::{Ran, asyncselect};

const BAD: &str = "crates/asyncselect-cli/tests/bad_scripts/unknown-socket.json";
const CLOSE: &str = "scenarios/close";

/// A text without its colours.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn colours_are_all_that_a_terminal_adds() {
    for arguments in [
        ["run", CLOSE].as_slice(),
        &["run", BAD],
        &["trace", BAD],
        &["diff", CLOSE, "--left", "documented", "--right", "windows"],
    ] {
        let bare = asyncselect(arguments);
        assert!(!bare.out.contains('\u{1b}') && !bare.err.contains('\u{1b}'), "{arguments:?}");
        let run = |when| asyncselect(&[arguments, &["--color", when]].concat());
        let coloured = run("always");
        let all = format!("{}{}", coloured.out, coloured.err);
        assert!(all.contains('\u{1b}'), "{arguments:?}: {all}");
        assert_eq!(
            (plain(&coloured.out), plain(&coloured.err)),
            (bare.out.clone(), bare.err.clone())
        );
        for when in ["auto", "never"] {
            let Ran { out, err, code } = run(when);
            assert_eq!((&out, &err, code), (&bare.out, &bare.err, bare.code), "{when}");
        }
    }
    asyncselect(&["run", "--color", "sometimes"]).expect(2, &["auto, always, never"]);
    // JSON has no colours, whatever is asked for.
    let json = asyncselect(&["run", CLOSE, "--color", "always", "--format", "json"]).expect(0, &[]);
    assert!(json.json()["results"].is_array());
}

#[test]
fn a_pipe_sees_no_progress() {
    for arguments in [["run", CLOSE].as_slice(), &["run", CLOSE, "--no-progress"]] {
        assert_eq!(asyncselect(arguments).expect(0, &[]).err, "");
    }
}

#[cfg(target_os = "linux")]
mod on_a_terminal {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};

    use super::{CLOSE, build, scratch};

    /// What a command writes to a terminal; `None` if there is no tool to make one.
    fn shown(command: &str) -> Option<String> {
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command", command, "/dev/null"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .stdin(Stdio::null())
            .output()
            .ok()?;
        Some(String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn a_run_that_takes_its_time_shows_how_far_it_is() {
        let folder = scratch::Folder::new("terminal");
        // A stack that is slow to start makes any run long enough.
        let adapter = folder.0.join("slow");
        let model = build::example("model_adapter");
        fs::write(&adapter, format!("#!/bin/sh\nsleep 0.4\nexec {} windows\n", model.display()))
            .unwrap();
        fs::set_permissions(&adapter, fs::Permissions::from_mode(0o755)).unwrap();
        let (asyncselect, adapter) = (env!("CARGO_BIN_EXE_asyncselect"), adapter.display());
        let diff = format!("{asyncselect} diff {CLOSE} --left windows --adapter {adapter}");
        let Some(long) = shown(&format!("{diff} >/dev/null")) else { return };
        assert!(long.contains("/") && long.contains("] close/"), "{long}");
        assert!(
            long.ends_with("\u{1b}[2K") || long.ends_with("\r"),
            "it is gone at the end: {long:?}"
        );
        let unwanted = shown(&format!("{diff} --no-progress >/dev/null"));
        assert_eq!(unwanted.as_deref(), Some(""));
        let short =
            shown(&format!("{asyncselect} run {CLOSE}/a-reset-after-the-end.json >/dev/null"));
        assert_eq!(short.as_deref(), Some(""));
    }
}
