//! The command as users meet it: what it prints, and the exit codes that scripts rely on.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

#[path = "../../asyncselect-scenario/examples/build/mod.rs"]
mod build;
mod command;
mod scratch;

use command::asyncselect;
use scratch::Folder;

impl Folder {
    /// A scenario with these steps; its path.
    fn scenario(&self, name: &str, steps: &str) -> String {
        self.file(
            name,
            &format!(
                "{{\n  \"format\": 1, \"title\": \"t\", \"clauses\": [\"AS-RD-02\"],\n  \
                 \"setup\": {{ \"windows\": [\"w\"], \"pairs\": [[\"client\", \"server\"]] }},\n  \
                 \"steps\": [\n{steps}\n  ]\n}}\n"
            ),
        )
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

const SEND: &str =
    r#"    { "do": { "send": { "s": "client", "data": "hello" } }, "expect": { "return": 5 } }"#;
const WRONG: &str =
    r#"    { "do": { "recv": { "s": "server", "len": 9 } }, "expect": { "return": 4 } }"#;
const LEAF: &str = r#"    { "do": { "WSAJoinLeaf": { "s": "server", "name": "any:0" } } }"#;

/// The command of an adapter with the model or something bad behind it.
fn adapter(example: &str, argument: &str) -> String {
    format!("{} {argument}", build::example(example).display())
}

#[test]
fn every_scenario_runs_on_either_address_family() {
    const FILE: &str = "scenarios/errors/names-before-and-after-connecting.json";
    let run = |family| asyncselect(&["run", FILE, "--family", family]).expect(0, &[]).out;
    assert!(run("ipv4").ends_with("\n1 scenario x 3 profiles: 3 passed, 0 failed\n"));
    let id = "names-before-and-after-connecting (ipv6) ";
    for (family, counts) in [
        ("ipv6", "\nipv6: 1 scenario x 3 profiles: 3 passed, 0 failed\n"),
        (
            "both",
            "\nipv4: 1 scenario x 3 profiles: 3 passed, 0 failed\n\
             ipv6: 1 scenario x 3 profiles: 3 passed, 0 failed\n",
        ),
    ] {
        let out = run(family);
        assert!(out.ends_with(counts) && out.contains(id), "{out}");
    }
    let json = asyncselect(&["run", FILE, "--family", "both", "--format", "json"]).json();
    let rows = json["results"].as_array().unwrap();
    let of_ipv6 = rows.iter().filter(|row| row["family"] == "ipv6").count();
    assert_eq!((rows.len(), of_ipv6), (6, 3));
    let trace = |family| asyncselect(&["trace", FILE, "--family", family]).expect(0, &[]).out;
    assert!(trace("ipv4").contains("-> 127.0.0.1:") && trace("ipv6").contains("-> [::1]:"));
    let wrong = ["trace", FILE, "--family", "both"];
    asyncselect(&wrong).expect(2, &["unknown address family `both`", "`ipv4`, `ipv6`"]);
    let diff = |family, adapter: &str| {
        let all = ["diff", FILE, "--left", "windows", "--family", family, "--adapter", adapter];
        asyncselect(&all)
    };
    let good = adapter("model_adapter", "windows");
    diff("both", &good)
        .expect(0, &["\nipv4: 1 scenarios: 1 agree,", "\nipv6: 1 scenarios: 1 agree,"]);
    // One that does not offer it is not asked for it.
    diff("ipv6", &adapter("evil_adapter", "good")).expect(4, &["(ipv6): needs ipv6"]);
}

/// The numbers of `N scenarios x M profiles: P passed, F failed`, if a text ends so. One of either
/// is a scenario or a profile.
fn summary(text: &str) -> Option<[usize; 4]> {
    let line = text.strip_suffix('\n')?.lines().last()?;
    let (scenarios, rest) = line.split_once(" x ")?;
    let (profiles, rest) = rest.split_once(": ")?;
    let (passed, rest) = rest.split_once(" passed, ")?;
    let failed = rest.strip_suffix(" failed")?;
    let number = |text: &str| text.parse().ok();
    let counted = |text: &str, one: &str, several: &str| {
        let (count, what) = text.split_once(' ')?;
        if what == if count == "1" { one } else { several } { number(count) } else { None }
    };
    let scenarios = counted(scenarios, "scenario", "scenarios")?;
    let profiles = counted(profiles, "profile", "profiles")?;
    Some([scenarios, profiles, number(passed)?, number(failed)?])
}

#[test]
fn the_corpus_passes() {
    let ran = asyncselect(&["run"]).expect(0, &[]);
    let [scenarios, profiles, passed, failed] = summary(&ran.out).unwrap();
    assert!(scenarios >= 20 && profiles == 3 && failed == 0, "{}", ran.out);
    assert!(passed > scenarios && passed <= scenarios * profiles, "{}", ran.out);
    assert_eq!(ran.err, "");
    let one = asyncselect(&["run", "scenarios/close", "--profile", "windows"]).expect(0, &[]);
    let [scenarios, profiles, passed, failed] = summary(&one.out).unwrap();
    assert_eq!((profiles, passed, failed), (1, scenarios, 0), "{}", one.out);
}

#[test]
fn a_wrong_expectation_is_a_finding() {
    let folder = Folder::new("wrong-expectation");
    let path = folder.scenario("wrong.json", &[SEND, WRONG].join(",\n"));
    let place = format!("  {path}:6: step 2\n    expected: recv: 4\n    found:    recv: 5\n");
    let ran = asyncselect(&["run", &path, "--profile", "windows"]);
    let ran = ran.expect(1, &["FAILS wrong-expectation/wrong on windows\n", &place]);
    assert_eq!(summary(&ran.out), Some([1, 1, 0, 1]));
    let ran = asyncselect(&["run", &path, "--format", "json"]).expect(1, &[]);
    let finding = &ran.json()["results"][0]["findings"][0];
    assert_eq!(finding["place"], format!("{path}:6: step 2"));
    assert_eq!((&finding["expected"], &finding["found"]), (&"recv: 4".into(), &"recv: 5".into()));
}

#[test]
fn an_unclaimed_message_is_a_finding() {
    let folder = Folder::new("unclaimed");
    let register = r#"    { "do": { "WSAAsyncSelect": { "s": "client", "hWnd": "w", "wMsg": "WM_USER+1", "lEvent": ["FD_WRITE"] } } }"#;
    let path = folder.scenario("unclaimed.json", register);
    asyncselect(&["run", &path]).expect(
        1,
        &[
            "after the last step\n    expected: no message that no step claims\n",
            "    found:    w WM_USER+1 (client, FD_WRITE, 0)",
        ],
    );
}

#[test]
fn what_is_not_modelled_is_neither_pass_nor_fail() {
    let folder = Folder::new("not-modelled");
    let option =
        r#"    { "do": { "setsockopt": { "s": "server", "optval": { "SO_RCVBUF": 1 } } } }"#;
    for (name, steps, what) in
        [("leaf.json", LEAF, "WSAJoinLeaf: "), ("option.json", option, "setsockopt: ")]
    {
        let path = folder.scenario(name, steps);
        let ran = asyncselect(&["run", &path]).expect(3, &["not modelled: ", what]);
        assert_eq!(summary(&ran.out), Some([1, 3, 0, 0]), "{name}");
        asyncselect(&["trace", &path]).expect(3, &[what, "step 1: "]);
    }
    let path = folder.scenario("leaf.json", LEAF);
    // A finding outweighs it, and a bad script both.
    let wrong = folder.scenario("wrong.json", &[SEND, WRONG].join(",\n"));
    let ran = asyncselect(&["run", &path, &wrong]).expect(1, &["FAILS", "not modelled"]);
    assert_eq!(summary(&ran.out), Some([2, 3, 0, 3]));
    let bad = folder.file("bad.json", "{");
    let ran = asyncselect(&["run", &path, &wrong, &bad])
        .expect(2, &["FAILS", "the file ends inside an object"]);
    // The others are judged all the same.
    let last = "\n2 scenarios x 3 profiles: 0 passed, 3 failed, 1 file could not be read\n";
    assert!(ran.out.ends_with(last), "{}", ran.out);
}

#[test]
fn what_could_not_be_read_is_no_result() {
    let folder = Folder::new("unreadable");
    let good = folder.scenario("good.json", SEND);
    let bad = folder.file("bad.json", "{");
    let worse = folder.file("worse.json", "");
    for paths in [["no-such-file"].as_slice(), &[&bad], &[&bad, &worse]] {
        let ran = asyncselect(&[&["run"], paths].concat()).expect(2, &[]);
        assert_eq!(ran.out, "", "no table of nothing");
        assert!(ran.err.contains(paths[0]), "{}", ran.err);
    }
    let ran = asyncselect(&["run", &good, &bad, &worse]).expect(2, &["unreadable/good  "]);
    let last = "\n1 scenario x 3 profiles: 3 passed, 0 failed, 2 files could not be read\n";
    assert!(ran.out.ends_with(last), "{}", ran.out);
}

#[test]
fn only_what_is_left_out_is_said_to_be_not_counted() {
    let not_counted = |arguments: &[&str]| {
        let out = asyncselect(&[&["run"], arguments].concat()).expect(0, &[]).out;
        out.lines().find_map(|line| line.strip_prefix("not counted: ")).map(str::to_owned)
    };
    assert_eq!(not_counted(&["scenarios/close"]), None);
    let fact = "scenarios/facts/w-083-fd-close-does-not-wait-for-the-reader.json";
    let left_out = not_counted(&[fact, "--profile", "documented"]);
    assert_eq!(left_out.unwrap(), "1 run of a fact on stacks that it is not about");
    let left_out = not_counted(&["scenarios/facts", "--profile", "documented"]).unwrap();
    assert!(left_out.ends_with(" runs of facts on stacks that they are not about"), "{left_out}");
}

#[test]
fn a_call_that_waits_is_a_finding() {
    let folder = Folder::new("waits");
    let path = folder.scenario("waits.json", WRONG);
    let waits = "expected: a call that returns (or `begin`)\n    found:    it waits";
    asyncselect(&["run", &path]).expect(1, &[waits, "waits.json:5: step 1"]);
    asyncselect(&["trace", &path]).expect(1, &["the call waits, and the step does not `begin`"]);
}

#[test]
fn an_unavailable_backend_has_its_own_code() {
    let diff = |command: &str| {
        asyncselect(&["diff", "scenarios/read", "--left", "windows", "--adapter", command])
    };
    diff("no-such-program x").expect(4, &["adapter died: cannot start `no-such-program`: "]);
    diff(&adapter("evil_adapter", "exits-at-once"))
        .expect(4, &["adapter died: exit status: 7; it said: `no licence`\n"]);
    diff(&adapter("evil_adapter", "another-version")).expect(4, &["protocol version 2, not 1"]);
    // One that dies again and again: every scenario says so, and the command ends.
    let ran = diff(&adapter("evil_adapter", "exits-in-a-call"));
    ran.expect(4, &["stack failed: read/", "sending is beneath me", " 0 agree"]);
}

#[test]
fn an_unknown_profile_is_bad_usage() {
    let profiles = "profiles are `documented`, `windows`, `wine-8.0`";
    for arguments in [
        ["run", "scenarios/read", "--profile", "window"].as_slice(),
        &["trace", "scenarios/read/peeking-re-enables-fd-read.json", "--profile", "window"],
        &["diff", "scenarios/read", "--left", "window", "--right", "windows"],
        &["diff", "scenarios/read", "--left", "windows", "--right", "window"],
    ] {
        asyncselect(arguments).expect(2, &[profiles, "did you mean `windows`?"]);
    }
    asyncselect(&["run", "--profile", "wine"]).expect(2, &["did you mean `wine-8.0`?"]);
    asyncselect(&["run", "--profile", "x"]).expect(2, &[profiles]);
}

#[test]
fn a_profile_file_is_as_good_as_a_profile() {
    let folder = Folder::new("profile-file");
    let good = r#"{ "name": "mine", "based_on": "windows", "knobs": { "reset_error": "zero" } }"#;
    let path = folder.file("mine.json", good);
    let ran = asyncselect(&["run", "scenarios/close", "--profile", &path]).expect(0, &["  mine"]);
    assert_eq!(summary(&ran.out).map(|[_, profiles, _, failed]| (profiles, failed)), Some((1, 0)));
    let path = folder.file("typo.json", &good.replace("reset_error", "reset_eror"));
    asyncselect(&["run", "--profile", &path])
        .expect(2, &["unknown knob `reset_eror`", "typo.json:1:53", "did you mean `reset_error`?"]);
    let path = folder.file("value.json", &good.replace("zero", "zer"));
    asyncselect(&["run", "--profile", &path])
        .expect(2, &["knob `reset_error` has no `zer`", "did you mean `zero`?"]);
}

#[test]
fn bad_usage_is_told() {
    for (arguments, part) in [
        ([].as_slice(), "Usage: asyncselect"),
        (&["bogus"], "unrecognized subcommand 'bogus'"),
        (&["run", "--profil", "windows"], "--profile"),
        (&["run", "--format", "xml"], "possible values: text, json"),
        (&["diff", "--left", "windows"], "--right <PROFILE>"),
        (&["diff", "--right", "windows"], "--left <PROFILE>"),
        (
            &["diff", "--left", "windows", "--right", "windows", "--adapter", "x"],
            "cannot be used with",
        ),
        (&["trace"], "<PATH>"),
        (&["schema", "profile"], "possible values: scenario, suite, trace"),
        (&["run", "no/such/path"], "cannot read no/such/path: "),
    ] {
        let ran = asyncselect(arguments).expect(2, &[part]);
        assert!(ran.err.contains(part), "on standard error: {}", ran.err);
    }
    let help = asyncselect(&["--help"]).expect(0, &["Exit codes: 0 conforms, 1 findings"]);
    assert_eq!(help.err, "");
}

#[test]
fn profiles_differ_where_a_knob_says_so() {
    let diff = |left, right, format| {
        asyncselect(&["diff", "--left", left, "--right", right, "--format", format])
    };
    let ran = diff("documented", "windows", "text").expect(
        0,
        &[
            "explained: close/fd-close-waits-for-unread-bytes\n",
            "    left:  no message\n    right: w WM_USER+1 (server, FD_CLOSE, 0)\n",
            "  because close_with_unread: after_drain (documented: ",
            " 0 differ, 0 not modelled, 0 not runnable here, 0 stack failures\n",
        ],
    );
    assert!(!ran.out.contains("DIFFERS"), "{}", ran.out);
    let rows = diff("documented", "windows", "json").expect(0, &[]).json();
    let explained = |row: &&Value| row["outcome"] == "explained";
    let explained: Vec<&Value> =
        rows["results"].as_array().unwrap().iter().filter(explained).collect();
    assert!(!explained.is_empty());
    for row in explained {
        let has = |key: &str| row[key].as_array().is_some_and(|list| !list.is_empty());
        assert!(has("differences") && has("because"), "{row}");
    }
    let same = diff("windows", "windows", "text").expect(0, &[" 0 explained, "]);
    assert!(!same.out.contains("because"), "{}", same.out);
}

#[test]
fn a_stack_behind_an_adapter_agrees_with_its_profile() {
    let model = adapter("model_adapter", "windows");
    let diff = |left, format| {
        asyncselect(&["diff", "--left", left, "--adapter", &model, "--format", format])
    };
    let ran = diff("windows", "text").expect(
        0,
        &[
            "left windows, right model of windows\n",
            " needs blocking_hook\n",
            " 0 differ, 0 not modelled, 22 not runnable here, 0 stack failures\n",
        ],
    );
    assert!(!ran.out.contains("DIFFERS"), "{}", ran.out);
    let ran = diff("documented", "text").expect(
        1,
        &[
            "DIFFERS: close/fd-close-waits-for-unread-bytes\n",
            "  as if close_with_unread = immediate\n",
        ],
    );
    assert!(!ran.out.contains("no knob explains it"), "{}", ran.out);
    let rows = diff("documented", "json").expect(1, &[]).json();
    assert!(rows["results"].as_array().unwrap().iter().any(|row| row["outcome"] == "DIFFERS"));
}

#[test]
fn two_stacks_of_which_none_is_modelled_do_not_agree() {
    let folder = Folder::new("diff-not-modelled");
    let path = folder.0.join("leaf.json");
    let text = r#"{ "format": 1, "title": "A leaf", "clauses": ["AS-CO-06"],
        "setup": { "pairs": [["client", "server"]] },
        "steps": [{ "do": { "WSAJoinLeaf": { "s": "server", "name": "any:0" } } }] }"#;
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    asyncselect(&["diff", path, "--left", "documented", "--right", "windows"])
        .expect(3, &["not modelled: ", "0 agree, ", "1 not modelled, "]);
}

#[test]
fn a_new_scenario_runs_and_passes() {
    let folder = Folder::new("new");
    let dir = folder.0.to_str().unwrap();
    let path = folder.0.join("read/my-case.json");
    let written = path.to_str().unwrap();
    let ran = asyncselect(&["new", "read/my-case", "--dir", dir]).expect(0, &[]);
    assert!(ran.out.starts_with(&format!("{written}\nnext: ")), "{}", ran.out);
    // This leaves the other snapshots alone, the other writes all of them.
    let bless = "  INSTA_UPDATE=always cargo test --package asyncselect-scenario --test scenarios\n\
                 (or `just bless`, which writes all ";
    assert!(ran.out.contains(bless), "{}", ran.out);
    let ran = asyncselect(&["run", written]).expect(0, &["read/my-case"]);
    assert_eq!(summary(&ran.out), Some([1, 3, 3, 0]));
    fs::write(&path, "mine").unwrap();
    asyncselect(&["new", "read/my-case", "--dir", dir]).expect(2, &[written]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine", "it was not overwritten");
    for name in ["case", "a/b/c", "../x", "Read/case", "read/", "read/a b", "/", ""] {
        asyncselect(&["new", name, "--dir", dir]).expect(2, &[&format!("`{name}`")]);
    }
    let nowhere = folder.0.join("nowhere");
    let dir = nowhere.to_str().unwrap();
    asyncselect(&["new", "read/my-case", "--dir", dir])
        .expect(2, &[&format!("no folder `{dir}` here; `--dir FOLDER` says where ")]);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "nothing else was written");
}

#[test]
fn schemas_accept_what_the_command_accepts() {
    let schema = asyncselect(&["schema"]).expect(0, &[]).json();
    assert!(jsonschema::meta::is_valid(&schema), "{schema}");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut accepted = 0;
    for family in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        if family.ends_with("bounded") {
            continue;
        }
        for file in family.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path()) {
            let value: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            if let Err(error) = validator.validate(&value) {
                panic!("{}: {error}", file.display());
            }
            accepted += 1;
        }
    }
    assert!(accepted >= 20, "{accepted} files");
    for bad in ["{}", r#"{"format": 2, "title": "t", "clauses": ["AS-RD-02"], "steps": []}"#] {
        assert!(!validator.is_valid(&serde_json::from_str(bad).unwrap()), "{bad}");
    }
}

#[test]
fn a_trace_line_is_as_its_schema_says() {
    let schema = asyncselect(&["schema", "trace"]).expect(0, &[]).json();
    assert!(jsonschema::meta::is_valid(&schema), "{schema}");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut lines = 0;
    for family in ["scenarios/spi", "scenarios/stale", "scenarios/mode", "scenarios/errors"] {
        for file in fs::read_dir(root.join(family)).unwrap() {
            let file = file.unwrap().path();
            let ran = asyncselect(&["trace", file.to_str().unwrap(), "--format", "json"]);
            for line in ran.expect(0, &[]).out.lines() {
                let value: Value = serde_json::from_str(line).unwrap();
                if let Err(error) = validator.validate(&value) {
                    panic!("{error} in {line}");
                }
                lines += 1;
            }
        }
    }
    assert!(lines > 100, "{lines} lines");
    assert!(!validator.is_valid(&serde_json::json!({ "n": 1 })));
}

#[test]
fn results_for_machines_say_what_the_text_says() {
    let results = asyncselect(&["run", "--format", "json"]).expect(0, &[]).json();
    let [scenarios, profiles, passed, failed] = summary(&asyncselect(&["run"]).out).unwrap();
    let count = |key: &str| results[key].as_array().unwrap().len();
    assert_eq!((count("results"), count("profiles")), (scenarios * profiles, profiles));
    assert_eq!((&results["passed"], &results["failed"]), (&passed.into(), &failed.into()));
    let rows = results["results"].as_array().unwrap();
    let agrees = rows.iter().filter(|row| row["agreement"] == "agrees").count();
    assert_eq!(agrees, passed);
}

#[test]
fn the_same_command_prints_the_same_bytes() {
    let model = adapter("model_adapter", "windows");
    let scenario = "scenarios/stale/a-queued-message-outlives-closesocket.json";
    for arguments in [
        ["run"].as_slice(),
        &["run", "--format", "json"],
        &["trace", scenario],
        &["trace", scenario, "--format", "json"],
        &["diff", "--left", "documented", "--right", "wine-8.0"],
        &["diff", "scenarios/close", "--left", "documented", "--adapter", &model],
        &["schema"],
    ] {
        let (one, two) = (asyncselect(arguments), asyncselect(arguments));
        assert!(one.out == two.out && one.err == two.err && !one.out.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for arguments in [["run", "--format", "json"].as_slice(), &["schema"], &["run", "no-such-path"]]
    {
        let mut child = Command::new(env!("CARGO_BIN_EXE_asyncselect"))
            .args(arguments)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        let code = if arguments.contains(&"no-such-path") { 2 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

/// A stack that is the model of a profile answers as the profile does, wherever its runs tell.
#[test]
fn answers_are_read_off_a_live_stack() {
    let folder = Folder::new("answers");
    let out = folder.0.join("answers.json");
    let model = adapter("model_adapter", "windows");
    let out = out.to_str().unwrap();
    let ask = |arguments: &[&str]| {
        let always = ["diff", "--adapter", &model, "--questions"];
        asyncselect(&[&always[..], arguments].concat())
    };
    let report = ask(&["--left", "windows", "--format", "json"]).expect(0, &[]).json();
    let (mut told, mut open) = (0, 0);
    for row in report["answers"].as_array().unwrap() {
        let possible = row["possible"].as_array().unwrap();
        let left = &row["left"];
        assert!(left.is_null() || possible.contains(left), "{row}");
        *if possible.len() == 1 { &mut told } else { &mut open } += 1;
    }
    assert!(told > 80, "{told} answers, {open} not told");
    ask(&["scenarios/close", "--left", "documented", "--out", out])
        .expect(0, &["close_with_unread", "immediate (documented has after_drain)"]);
    // The answers are a profile, and the stack conforms to it.
    asyncselect(&["diff", "scenarios/close", "--left", out, "--adapter", &model]).expect(0, &[]);
    ask(&["--left", "windows", "--right", "documented"]).expect(2, &["--right"]);
}
