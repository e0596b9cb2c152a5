//! `asyncselect bundle`.

use std::path::{Path, PathBuf};

use asyncselect_scenario::bundle::bundle;

use crate::families::Families;
use crate::outcome::{Exit, Output, Scripts, read};

/// Writes the scenarios under the paths as one file for `asyncselect-live run`.
pub(crate) fn write(paths: &[PathBuf], out: &Path, families: Families) -> Output {
    let Scripts { scripts, errors } = read(paths);
    if !errors.is_empty() {
        return Output { exit: Exit::BadScript, ..Output::text(String::new()) }.with(&errors);
    }
    let scripts = families.of(scripts);
    let bundle = bundle(&scripts);
    let left_out = scripts.len() - bundle.scenarios.len();
    let json = serde_json::to_string(&bundle).expect("bundles are plain data");
    if let Err(error) = std::fs::write(out, json + "\n") {
        return Output::error(format!("{}: {error}", out.display()), Exit::BadScript);
    }
    let (count, out) = (bundle.scenarios.len(), out.display());
    let mut text = format!("{out}: {count} scenarios\n");
    if left_out > 0 {
        let why = "they disturb the network, order what arrives, let simulated time pass, or take \
                   several machines or processes";
        text.push_str(&format!("left out: {left_out}; {why}\n"));
    }
    text.push_str(&format!(
        "play it on Windows: asyncselect-live.exe run {out} --out recording.jsonl\n"
    ));
    Output::text(text)
}
