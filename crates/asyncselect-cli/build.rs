//! Puts the model's sources into the command, so that an installed one knows where a rule stands.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../asyncselect-model/src");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    below(&folder, "", &mut files);
    files.sort();
    let mut list = "[\n".to_owned();
    for name in files {
        let file = folder.join(&name);
        let path = format!("crates/asyncselect-model/src/{name}");
        writeln!(list, "    ({path:?}, include_str!({file:?})),").expect("a String can be written");
    }
    list.push(']');
    let out = env::var_os("OUT_DIR").expect("cargo sets it for build scripts");
    fs::write(Path::new(&out).join("model_sources.rs"), list).expect("OUT_DIR can be written");
}

/// The Rust files below a folder, by their names within `src`.
fn below(folder: &Path, prefix: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the model lies beside the command") {
        let entry = entry.expect("its folder can be read");
        let name = format!("{prefix}{}", entry.file_name().display());
        if entry.path().is_dir() {
            below(&entry.path(), &format!("{name}/"), files);
        } else if name.ends_with(".rs") {
            files.push(name);
        }
    }
}
