//! What a run that ends early counts as.

use asyncselect_model::Profile;
use asyncselect_scenario::judge::Agreement;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::verdict;
use asyncselect_scenario::source::Source;

#[test]
fn an_expectation_that_fails_is_told_though_the_run_cannot_go_on() {
    // Nothing connects, so there is no `server`: that is what the failed expectation says.
    let text = r#"{
      "format": 1, "title": "accept makes a socket", "clauses": ["AS-AC-07"],
      "setup": { "listeners": ["listener"] },
      "steps": [
        { "do": { "ioctlsocket": { "s": "listener", "cmd": "FIONBIO", "argp": 1 } } },
        { "do": { "accept": { "s": "listener" } }, "as": "server" },
        { "do": { "send": { "s": "server", "data": "x" } } }
      ]
    }"#;
    let source = Source { path: "a/b.json".into(), text: text.to_owned() };
    let script = Script::check(source).unwrap();
    let Agreement::Disagrees(findings) = verdict(&script, &Profile::documented()).agreement else {
        panic!("the expectation failed");
    };
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(finding.found, "accept: WSAEWOULDBLOCK");
}
