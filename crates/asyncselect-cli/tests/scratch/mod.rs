//! Folders for tests that need files of their own.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder for one test, empty at the start and gone at the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        // Somebody else may run the same test at the same time.
        let own = std::process::id().to_string();
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(own).join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
        // The last one takes the folder above along.
        drop(fs::remove_dir(self.0.parent().unwrap()));
    }
}
