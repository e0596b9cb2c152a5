//! Runs the command and looks at what it left.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What a command left.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The command, run at the root of the repository, where the corpus is `scenarios`.
pub(crate) fn asyncselect(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_asyncselect"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Ran {
    /// Checks the exit code and parts of what was printed, on whatever stream.
    #[track_caller]
    pub(crate) fn expect(self, code: i32, parts: &[&str]) -> Self {
        let Self { out, err, .. } = &self;
        assert_eq!(self.code, Some(code), "exit code; it said:\n{out}\n{err}");
        for part in parts {
            assert!(out.contains(part) || err.contains(part), "no `{part}` in:\n{out}\n{err}");
        }
        assert!(!err.contains("panicked"), "{err}");
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}
