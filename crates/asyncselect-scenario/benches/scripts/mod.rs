//! Scripts that more than one benchmark runs.

use asyncselect_scenario::script::Script;
use asyncselect_scenario::source::Source;

/// Thirty steps: data back and forth on a registered pair, claims between.
pub(crate) fn thirty_steps() -> Script {
    let mut steps = vec![
        r#"{"do":{"WSAAsyncSelect":{"s":"a","hWnd":"w","wMsg":"WM_USER+1","lEvent":["FD_READ","FD_WRITE","FD_CLOSE"]}}}"#,
        r#"{"messages":[{"hWnd":"w","wMsg":"WM_USER+1","wParam":"a","event":"FD_WRITE"}]}"#,
    ];
    for _ in 0..7 {
        steps.extend([
            r#"{"do":{"send":{"s":"b","data":"hello"}}}"#,
            r#"{"messages":[{"hWnd":"w","wMsg":"WM_USER+1","wParam":"a","event":"FD_READ"}]}"#,
            r#"{"do":{"recv":{"s":"a","len":10}}}"#,
            r#"{"do":{"send":{"s":"a","data":"answer"}}}"#,
        ]);
    }
    let text = format!(
        r#"{{"format":1,"title":"thirty steps","clauses":["AS-RD-02"],
            "setup":{{"windows":["w"],"pairs":[["b","a"]]}},"steps":[{}]}}"#,
        steps.join(",")
    );
    Script::check(Source { path: "thirty-steps.json".into(), text }).expect("it is a scenario")
}
