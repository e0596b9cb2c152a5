//! Bad scripts, and what users read about them: every text is a snapshot beside the scripts.
//!
//! `bad_scripts/NAME.json` is a script, `snapshots/NAME.snap` the text. What cannot be kept as a
//! file in a repository is made by a test.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

mod scratch;

use scratch::Folder;

/// Nothing takes longer, even on a busy machine; what does, hangs.
const SECONDS_MAX: u64 = 20;

/// Words of the source code, which no user knows.
const INTERNAL: [&str; 11] = [
    "struct",
    "enum",
    "variant",
    "sequence",
    "tuple",
    "visitor",
    "Option",
    "ScriptFile",
    "::",
    "i32",
    "u32",
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Runs the command in a folder, so that no text depends on where the repository is. Returns the
/// exit code and what it complained about.
#[track_caller]
fn complaint(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_asyncselect"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > Duration::from_secs(SECONDS_MAX) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{arguments:?} hangs");
        }
        thread::sleep(Duration::from_millis(5));
    };
    (status.code(), reader.join().unwrap().unwrap())
}

/// The text about one bad file, which `run` and `trace` must both refuse.
#[track_caller]
fn refused(folder: &Path, file: &str) -> String {
    let (code, text) = complaint(folder, &["run", file, "--profile", "documented"]);
    assert_eq!(code, Some(2), "exit code of `run {file}`; it said:\n{text}");
    let (code, traced) = complaint(folder, &["trace", file]);
    assert_eq!(code, Some(2), "exit code of `trace {file}`; it said:\n{traced}");
    assert_eq!(text.trim_end(), traced.trim_end(), "both say the same");
    for word in INTERNAL {
        assert!(!text.contains(word), "`{word}` in:\n{text}");
    }
    for line in text.lines() {
        assert!(line.chars().count() <= 160, "a line too long for any terminal:\n{line}");
    }
    text
}

/// Checks the text against its snapshot.
fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The names of the files of a folder with this ending, sorted.
fn names(folder: &Path, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> =
        entries.filter_map(|name| name.to_str()?.strip_suffix(ending).map(str::to_owned)).collect();
    names.sort();
    names
}

#[test]
fn every_bad_script_is_refused_with_its_place() {
    let scripts = folder("bad_scripts");
    let names = names(&scripts, ".json");
    assert!(names.len() > 50, "{} scripts", names.len());
    for name in &names {
        let file = format!("{name}.json");
        let text = refused(&scripts, &file);
        let place = text.lines().nth(1).unwrap_or_default();
        let place = place.trim_start().strip_prefix(&format!("--> {file}:")).unwrap_or_default();
        let numbers: Vec<_> = place.split(':').map(str::parse::<u32>).collect();
        assert!(matches!(numbers[..], [Ok(1..), Ok(1..)]), "line and column in:\n{text}");
        check(name, &text);
    }
}

#[test]
fn every_snapshot_has_its_script() {
    let mut scripts = names(&folder("bad_scripts"), ".json");
    scripts.extend(MADE.map(|(name, _)| name.to_owned()));
    scripts.sort();
    assert_eq!(names(&folder("snapshots"), ".snap"), scripts);
}

type Make = fn() -> Vec<u8>;

/// Files that a repository would not keep as they are, and how they are made.
const MADE: [(&str, Make); 9] = [
    ("made-a-byte-order-mark", || [b"\xef\xbb\xbf", GOOD.as_bytes()].concat()),
    ("made-carriage-returns", || {
        bent(r#""s": "server""#, r#""s": "sever""#).replace('\n', "\r\n").into()
    }),
    ("made-deep-at-the-top", || deep("", "")),
    ("made-deep-in-a-field", || deep("{\n  \"format\": 1,\n  \"title\": ", " }")),
    ("made-deep-in-handlers", || deep("{\n  \"handlers\": { \"w\": ", " } }")),
    ("made-deep-in-messages", || deep("{\n  \"steps\": [{ \"messages\": ", "}] }")),
    ("made-not-utf-8", || {
        let (before, after) = GOOD.split_once("good").unwrap();
        [before.as_bytes(), b"g\xf6\xf6d", after.as_bytes()].concat()
    }),
    ("made-nul-bytes", || bent("good", "go\0d").into()),
    ("made-utf-16", || {
        format!("\u{feff}{GOOD}").encode_utf16().flat_map(u16::to_le_bytes).collect()
    }),
];

/// The good script with one change.
fn bent(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1);
    GOOD.replace(from, to)
}

const GOOD: &str = r#"{
  "format": 1,
  "title": "a good script",
  "clauses": ["AS-RD-02"],
  "setup": { "pairs": [["client", "server"]] },
  "steps": [
    { "do": { "closesocket": { "s": "server" } } }
  ]
}
"#;

/// Lists in lists, deeper than any stack of a parser.
fn deep(before: &str, after: &str) -> Vec<u8> {
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    format!("{before}{open}{close}{after}\n").into_bytes()
}

#[test]
fn files_that_are_hardly_text_are_refused() {
    let folder = Folder::new("made");
    fs::write(folder.0.join("good.json"), GOOD).unwrap();
    let (code, text) = complaint(&folder.0, &["run", "good.json"]);
    assert_eq!((code, text.as_str()), (Some(0), ""), "the others are bad by one change only");
    for (name, make) in MADE {
        let file = format!("{name}.json");
        fs::write(folder.0.join(&file), make()).unwrap();
        check(name, &refused(&folder.0, &file));
    }
}

#[test]
fn a_file_of_100_megabytes_is_refused_at_once() {
    let folder = Folder::new("large");
    let file = fs::File::create(folder.0.join("large.json")).unwrap();
    file.set_len(100 << 20).unwrap();
    let begin = Instant::now();
    let text = refused(&folder.0, "large.json");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(
        text.trim_end(),
        "cannot read large.json: 104857600 bytes; at most 1048576 are read"
    );
}

#[test]
fn the_largest_file_is_read() {
    let folder = Folder::new("largest");
    let mut text = GOOD.to_owned();
    text.push_str(&" ".repeat((1 << 20) - text.len()));
    fs::write(folder.0.join("largest.json"), &text).unwrap();
    assert_eq!(complaint(&folder.0, &["run", "largest.json"]), (Some(0), String::new()));
}

#[test]
fn folders_without_scenarios_are_refused() {
    let folder = Folder::new("folders");
    fs::create_dir_all(folder.0.join("empty/a/b")).unwrap();
    fs::write(folder.0.join("empty/a/readme.txt"), "").unwrap();
    let run = |path| complaint(&folder.0, &["run", path]);
    assert_eq!(run("empty"), (Some(2), "cannot read empty: no scenario in it\n\n".to_owned()));
    assert_eq!(
        run("empty/a/b"),
        (Some(2), "cannot read empty/a/b: no scenario in it\n\n".to_owned())
    );
    // A trace is of one scenario.
    let (code, text) = complaint(&folder.0, &["trace", "empty"]);
    assert_eq!((code, text.as_str()), (Some(2), "cannot read empty: not a regular file\n"));
    // The rest of the text is the system's.
    for path in ["nowhere", "nowhere/at-all.json", "empty/a/readme.txt/x"] {
        let (code, text) = run(path);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.starts_with(&format!("cannot read {path}: ")), "{text}");
    }
    let (code, text) = run("empty/a/readme.txt");
    assert_eq!(code, Some(2), "a file is a scenario whatever it is called: {text}");
}

#[cfg(unix)]
#[test]
fn pipes_and_rings_of_links_do_not_hold_up() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new("unix");
    let made = Command::new("mkfifo").arg(folder.0.join("pipe.json")).status().unwrap();
    assert!(made.success());
    let text = refused(&folder.0, "pipe.json");
    assert_eq!(text.trim_end(), "cannot read pipe.json: not a regular file");
    let text = refused(&folder.0, "/dev/zero");
    assert_eq!(text.trim_end(), "cannot read /dev/zero: not a regular file");

    let ring = folder.0.join("ring");
    fs::create_dir_all(ring.join("a")).unwrap();
    symlink("..", ring.join("a/up")).unwrap();
    symlink("self.json", ring.join("a/self.json")).unwrap();
    let (code, text) = complaint(&folder.0, &["run", "ring"]);
    assert_eq!((code, text.as_str()), (Some(2), "cannot read ring: no scenario in it\n\n"));
    fs::write(ring.join("a/good.json"), GOOD).unwrap();
    let (code, text) = complaint(&folder.0, &["run", "ring"]);
    assert_eq!((code, text.as_str()), (Some(0), ""));
    let (code, text) = complaint(&folder.0, &["run", "ring/a/self.json"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.starts_with("cannot read ring/a/self.json: "), "{text}");
    // A link to a scenario that the user names is a scenario; a pipe among scenarios is none.
    symlink("ring/a/good.json", folder.0.join("link.json")).unwrap();
    assert_eq!(complaint(&folder.0, &["run", "link.json"]), (Some(0), String::new()));
    assert_eq!(complaint(&folder.0, &["run", "."]), (Some(0), String::new()));
}

#[test]
fn bad_scripts_do_not_keep_the_good_ones_from_running() {
    let (code, text) = complaint(&folder("bad_scripts"), &["run", "."]);
    assert_eq!(code, Some(2));
    let errors = text.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, names(&folder("bad_scripts"), ".json").len());
    assert!(!text.contains("panicked"), "{text}");
}
