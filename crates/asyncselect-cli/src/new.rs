//! `asyncselect new`.

use std::path::Path;

use crate::outcome::{Exit, Output};

/// A scenario that runs and passes, to be changed.
const TEMPLATE: &str = r#"{
  "$schema": "../format-1.schema.json",
  "format": 1,
  "title": "Data arrives on a registered socket: FD_READ is posted, once",
  "clauses": ["AS-RD-02", "AS-EN-01"],
  "setup": { "windows": ["w"], "pairs": [["client", "server"]] },
  "steps": [
    { "do": { "WSAAsyncSelect": { "s": "server", "hWnd": "w", "wMsg": "WM_USER+1", "lEvent": ["FD_READ"] } } },
    { "do": { "send": { "s": "client", "data": "hello" } }, "expect": { "return": 5 } },
    { "messages": [{ "hWnd": "w", "wMsg": "WM_USER+1", "wParam": "server", "event": "FD_READ" }] },
    { "do": { "send": { "s": "client", "data": "more" } }, "expect": { "return": 4 } },
    { "messages": [] }
  ]
}
"#;

/// Writes the snapshots that are missing or differ.
const BLESS: &str =
    "INSTA_UPDATE=always cargo test --package asyncselect-scenario --test scenarios";

pub(crate) fn new(name: &str, dir: &Path) -> Output {
    let plain = |part: &str| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !part.is_empty() && part.chars().all(allowed)
    };
    let parts: Vec<&str> = name.split('/').collect();
    let [family, what] = parts[..] else {
        return Output::error(
            format!("`{name}` is no name for a scenario: `family/what-happens`"),
            Exit::BadScript,
        );
    };
    if !plain(family) || !plain(what) {
        let message = format!("`{name}`: small letters, digits and `-` only");
        return Output::error(message, Exit::BadScript);
    }
    if !dir.is_dir() {
        let message = format!(
            "no folder `{}` here; `--dir FOLDER` says where the scenarios are",
            dir.display()
        );
        return Output::error(message, Exit::BadScript);
    }
    let folder = dir.join(family);
    let path = folder.join(format!("{what}.json"));
    let written = std::fs::create_dir_all(&folder).and_then(|()| {
        let mut file = std::fs::File::create_new(&path)?;
        std::io::Write::write_all(&mut file, TEMPLATE.as_bytes())
    });
    match written {
        Ok(()) => Output {
            text: format!(
                "{}\nnext: change it, then `asyncselect run {0}` and `asyncselect trace {0}`;\n\
                 then write its snapshot, and read it:\n  {BLESS}\n\
                 (or `just bless`, which writes all snapshots and the README's tables anew)\n",
                path.display()
            ),
            errors: String::new(),
            exit: Exit::Conforms,
        },
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("{}: there is one already; nothing was written", path.display());
            Output::error(message, Exit::BadScript)
        }
        Err(error) => Output::error(format!("{}: {error}", path.display()), Exit::BadScript),
    }
}
