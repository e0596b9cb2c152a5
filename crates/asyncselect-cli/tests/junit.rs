//! `--format junit`: what CI machines read, whatever is in scripts and findings.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

#[path = "../../asyncselect-scenario/examples/build/mod.rs"]
mod build;
mod command;
mod scratch;

use command::asyncselect;
use scratch::Folder;

/// Text that XML cannot hold as it is.
const NASTY: &str = r#"a<b>&amp;\"'']]>"#;

fn report(arguments: &[&str], code: i32) -> Report {
    let ran = asyncselect(arguments).expect(code, &[]);
    assert!(ran.out.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), "{}", ran.out);
    let strange = |c: char| c.is_control() && c != '\n';
    assert!(!ran.out.contains(strange), "XML has no control characters:\n{}", ran.out);
    Report::deserialize_from_str(&ran.out).unwrap()
}

fn case<'r>(suite: &'r TestSuite, name: &str) -> &'r TestCase {
    suite.test_cases.iter().find(|case| case.name.as_str() == name).unwrap()
}

/// The kind, the message and the text of what is no success.
fn trouble(case: &TestCase) -> (NonSuccessKind, &str, &str) {
    match &case.status {
        TestCaseStatus::NonSuccess { kind, message, description, .. } => {
            let description = description.as_ref().map_or("", |text| text.as_str());
            (*kind, message.as_ref().unwrap().as_str(), description)
        }
        other => panic!("{} is {other:?}", case.name.as_str()),
    }
}

#[test]
fn a_suite_is_a_profile_and_a_case_a_scenario() {
    let fact = "scenarios/facts/w-083-fd-close-does-not-wait-for-the-reader.json";
    let report = report(&["run", "scenarios/close", fact, "--format", "junit"], 0);
    let json = asyncselect(&["run", "scenarios/close", fact, "--format", "json"]).json();
    let names: Vec<&str> = report.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["documented", "windows", "wine-8.0"]);
    assert_eq!(report.tests, json["results"].as_array().unwrap().len());
    assert_eq!(report.tests - report.skipped, json["passed"]);
    assert_eq!((report.failures, report.errors), (0, 0));
    let windows = &report.test_suites[1];
    let unread = case(windows, "close/fd-close-waits-for-unread-bytes");
    assert_eq!(unread.classname.as_ref().unwrap().as_str(), "windows");
    let out = unread.system_out.as_ref().unwrap().as_str();
    assert_eq!(out, "deviates: close_with_unread = immediate (observed elsewhere: W-083)");
    let fact = case(windows, "facts/w-083-fd-close-does-not-wait-for-the-reader");
    assert!(matches!(fact.status, TestCaseStatus::Success { .. }));
    let fact = case(&report.test_suites[0], "facts/w-083-fd-close-does-not-wait-for-the-reader");
    assert!(matches!(fact.status, TestCaseStatus::Skipped { .. }));
}

#[test]
fn failures_hold_the_findings() {
    let folder = Folder::new("junit");
    let head = r#"{ "format": 1, "title": "t", "clauses": ["AS-RD-02"],
        "setup": { "pairs": [["client", "server"]] }, "steps": ["#;
    let write = |name: &str, steps: &str| {
        std::fs::write(folder.0.join(name), format!("{head}{steps}] }}")).unwrap();
    };
    let send = format!(r#"{{ "do": {{ "send": {{ "s": "client", "data": "{NASTY}" }} }} }}"#);
    let recv = r#"{ "do": { "recv": { "s": "server", "len": 99 } }, "expect": { "data": "x" } }"#;
    write("wrong.json", &format!("{send}, {recv}"));
    write("leaf.json", r#"{ "do": { "WSAJoinLeaf": { "s": "server", "name": "any:0" } } }"#);
    // What XML cannot hold at all.
    write("bad.json", &format!("{NASTY} \u{1}\u{1b}[31mred\u{0}\u{fffe}"));
    let path = folder.0.to_str().unwrap();
    let report = report(&["run", path, "--profile", "windows", "--format", "junit"], 2);
    assert_eq!((report.tests, report.failures, report.errors), (3, 2, 0));
    let [windows, scripts] = &report.test_suites[..] else { panic!("{report:?}") };
    let (kind, message, text) = trouble(case(windows, "junit/wrong"));
    assert_eq!(kind, NonSuccessKind::Failure);
    assert!(message.starts_with("expected recv: ") && message.contains("a<b>&amp;"), "{message}");
    assert!(text.contains("wrong.json:2: step 2\n    expected: recv: "), "{text}");
    let leaf = case(windows, "junit/leaf");
    let TestCaseStatus::Skipped { message: Some(message), .. } = &leaf.status else {
        panic!("{leaf:?}")
    };
    assert!(message.as_str().starts_with("not modelled: step 1: WSAJoinLeaf: "), "{message:?}");
    let (_, message, text) = trouble(&scripts.test_cases[0]);
    assert!(message == "a bad script" && text.contains("bad.json:2:"), "{text}");
}

#[test]
fn differences_are_told_too() {
    let report = |right: [&str; 2], code| {
        let [flag, right] = right;
        let corpus = "scenarios/close";
        let diff = ["diff", corpus, "--left", "documented", flag, right, "--format", "junit"];
        report(&diff, code)
    };
    let explained = report(["--right", "windows"], 0);
    let suite = &explained.test_suites[0];
    assert_eq!((suite.name.as_str(), suite.failures), ("documented | windows", 0));
    let unread = case(suite, "close/fd-close-waits-for-unread-bytes");
    let out = unread.system_out.as_ref().unwrap().as_str();
    assert!(out.contains("  because close_with_unread: after_drain (documented: "), "{out}");
    let model = format!("{} windows", build::example("model_adapter").display());
    let live = report(["--adapter", &model], 1);
    let unread = case(&live.test_suites[0], "close/fd-close-waits-for-unread-bytes");
    let (kind, message, text) = trouble(unread);
    assert_eq!((kind, message), (NonSuccessKind::Failure, "as if close_with_unread = immediate"));
    let allowed = "    allowed: no message [AS-CL-03 AS-EN-01]\n    came:    w WM_USER+1 ";
    assert!(text.contains(allowed), "{text}");
    let evil = format!("{} exits-in-a-call", build::example("evil_adapter").display());
    let broken = report(["--adapter", &evil], 4);
    assert!(broken.errors > 0, "{} failures", broken.failures);
}
