//! Random scripts: a connection, a window, and letters of an alphabet.

use std::path::Path;

use asyncselect_scenario::script::Script;
use asyncselect_scenario::source::Source;

/// The steps that random scripts are made of. `%` is one of the two ends.
pub(crate) const ALPHABET: [&str; 15] = [
    r#"{"do":{"send":{"s":"%","data":"hello"}},"expect":{"return":"any"},"settle":false}"#,
    r#"{"do":{"send":{"s":"%","data":{"fill":"x","len":40000}}},"expect":{"return":"any"}}"#,
    r#"{"do":{"recv":{"s":"%","len":3}},"expect":{"return":"any"}}"#,
    r#"{"do":{"recv":{"s":"%","len":100000}},"expect":{"return":"any"}}"#,
    r#"{"do":{"recv":{"s":"%","len":3,"flags":["MSG_PEEK"]}},"expect":{"return":"any"}}"#,
    r#"{"do":{"recv":{"s":"%","len":-1}},"expect":{"return":"any"}}"#,
    r#"{"do":{"shutdown":{"s":"%","how":"SD_SEND"}},"expect":{"return":"any"},"settle":false}"#,
    r#"{"do":{"WSAAsyncSelect":{"s":"%","hWnd":"w","wMsg":"WM_USER+1","lEvent":["FD_READ","FD_WRITE","FD_CLOSE"]}},"expect":{"return":"any"}}"#,
    r#"{"do":{"WSAAsyncSelect":{"s":"%","hWnd":"w","wMsg":"WM_USER+2","lEvent":["FD_READ"]}},"expect":{"return":"any"}}"#,
    r#"{"do":{"WSAAsyncSelect":{"s":"%","hWnd":"w","wMsg":"WM_NULL","lEvent":[]}},"expect":{"return":"any"}}"#,
    r#"{"do":{"setsockopt":{"s":"%","optval":{"SO_LINGER":{"l_onoff":1,"l_linger":0}}}},"expect":{"return":"any"}}"#,
    r#"{"do":{"closesocket":{"s":"%"}},"expect":{"return":"any"},"settle":false}"#,
    r#"{"do":{"ioctlsocket":{"s":"%","cmd":"FIONBIO","argp":0}},"expect":{"return":"any"}}"#,
    r#"{"do":{"PostMessage":{"hWnd":"w","Msg":"WM_USER+1","wParam":"%","lParam":{"event":"FD_READ"}}},"expect":{"return":"any"}}"#,
    r#"{"pump":{"count":1}}"#,
];

/// The script of these letters; whether the client makes the call is the second.
pub(crate) fn text_of(letters: &[(usize, bool)]) -> String {
    let steps: Vec<String> = letters
        .iter()
        .map(|(letter, client)| ALPHABET[*letter].replace('%', if *client { "c" } else { "s" }))
        .collect();
    format!(
        r#"{{"format":1,"title":"A random script that failed once","clauses":["AS-EN-01"],
            "setup":{{"windows":["w"],"pairs":[["c","s"]]}},
            "steps":[{{"do":{{"ioctlsocket":{{"s":"c","cmd":"FIONBIO","argp":1}}}}}},
            {{"do":{{"ioctlsocket":{{"s":"s","cmd":"FIONBIO","argp":1}}}}}},{}]}}"#,
        steps.join(",\n")
    )
}

pub(crate) fn script_of(path: &Path, text: &str) -> Script {
    Script::check(Source { path: path.to_owned(), text: text.to_owned() })
        .unwrap_or_else(|error| panic!("{error}"))
}
