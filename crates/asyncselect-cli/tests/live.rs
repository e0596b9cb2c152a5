//! The corpus on a live stack, if there is one: `ASYNCSELECT_ADAPTER` holds the command that starts
//! its adapter, `ASYNCSELECT_PROFILE` the profile to compare with (`wine-8.0` if not set).
//!
//! It has no harness of its own, so that it can say aloud that it was not run, and why.

use std::io::Write;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // Test runners ask for a list first.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let mut out = std::io::stdout();
    let Ok(adapter) = std::env::var("ASYNCSELECT_ADAPTER") else {
        let told = writeln!(
            out,
            "\nlive: not run. It needs Winsock, on Windows or under Wine: `just live-wine` (or \
             .ci/live-wine)\nbuilds the adapter and runs the corpus on Wine; ASYNCSELECT_ADAPTER \
             names an adapter for this test.\n"
        );
        return if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    };
    let profile = std::env::var("ASYNCSELECT_PROFILE").unwrap_or_else(|_| "wine-8.0".to_owned());
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");
    let status = Command::new(env!("CARGO_BIN_EXE_asyncselect"))
        .args(["diff", corpus, "--left", &profile, "--adapter", &adapter])
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => {
            drop(writeln!(out, "live: asyncselect diff ended with {status}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            drop(writeln!(out, "live: cannot start asyncselect: {error}"));
            ExitCode::FAILURE
        }
    }
}
