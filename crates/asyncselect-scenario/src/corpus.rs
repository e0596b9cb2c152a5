//! Finding scenario files.

use std::path::{Path, PathBuf};

use crate::source::SourceError;

/// The folder of the suites, which are no scenarios.
pub const SUITES: &str = "bounded";

/// Every scenario under the paths, sorted, each once. A path that is a file is one; in a folder,
/// the `.json` files of its subfolders are (those beside them are lists and schemas), or its own if
/// it has no subfolder. Suites are left out, unless their folder is asked for.
///
/// # Errors
///
/// If a path cannot be read or holds no scenario.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, SourceError> {
    let mut found = Vec::new();
    for path in paths {
        let fail = |why: String| SourceError::Unreadable { path: path.clone(), why };
        let metadata = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?;
        if !metadata.is_dir() {
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        let (folders, files) = entries(path).map_err(|error| fail(error.to_string()))?;
        if folders.is_empty() {
            found.extend(files);
        }
        for folder in folders {
            below(&folder, &mut found).map_err(|error| fail(error.to_string()))?;
        }
        if found.len() == before {
            return Err(fail("no scenario in it".to_owned()));
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let (folders, files) = entries(folder)?;
    found.extend(files);
    folders.iter().try_for_each(|folder| below(folder, found))
}

/// The subfolders of a folder and its `.json` files.
fn entries(folder: &Path) -> std::io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Links are not followed: a ring of them would never end.
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            if path.file_name().is_some_and(|name| name == SUITES) {
                continue;
            }
            folders.push(path);
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok((folders, files))
}
