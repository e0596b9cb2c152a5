//! What people are shown of untrusted bytes: it can be printed, stays within bounds, and points at
//! something that is there.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use asyncselect_abi::BackendError;
use asyncselect_scenario::runner::Ending;
use asyncselect_scenario::source::{Source, SourceError};

/// The bytes as a file that was read.
pub(crate) fn read(data: &[u8]) -> Result<Source, SourceError> {
    Source::from_bytes(Path::new("family/file.json"), data.to_vec())
}

/// A number that the bytes decide: what is not done each time is done for some of them.
pub(crate) fn lot(data: &[u8]) -> usize {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    usize::try_from(hasher.finish() >> 33).expect("31 bits fit")
}

/// An error about a file: its place is inside the file, and its text can be printed.
pub(crate) fn diagnostic(error: &SourceError, text: &str) {
    printable(&error.to_string(), "\n");
    match error {
        SourceError::Unreadable { why, .. } => printable(why, ""),
        SourceError::Invalid { line, column, rendered, .. } => {
            let lines = text.split('\n').count();
            assert!((1..=lines).contains(line), "line {line} of {lines}");
            let columns = text.split('\n').nth(line - 1).map_or(0, |line| line.chars().count());
            assert!((1..=columns + 1).contains(column), "column {column} of {columns}");
            let bare = anstream::adapter::strip_str(&rendered.styled).to_string();
            assert_eq!(bare, rendered.plain, "colours change the text");
        }
    }
}

/// A text that goes to terminals and reports: it has no control characters but these.
pub(crate) fn printable(text: &str, but: &str) {
    let bad = text.chars().find(|c| c.is_control() && !but.contains(*c));
    assert_eq!(bad, None, "in {text:?}");
}

/// How a run ended, as reports say it.
pub(crate) fn ending(ending: &Ending) {
    match ending {
        Ending::Completed | Ending::Blocked(_) | Ending::NotRunnable(_) => {}
        Ending::NotSetUp(what) => printable(what, ""),
        Ending::Failed(_, error) => backend(error),
    }
}

/// What a stack could not answer.
pub(crate) fn backend(error: &BackendError) {
    printable(&error.to_string(), "");
}
