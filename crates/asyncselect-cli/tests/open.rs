//! `asyncselect coverage --open`: what clauses leave open has bounds, and one that is missing is
//! named.

use std::fs;
use std::path::Path;

mod command;
mod scratch;

use command::asyncselect;
use scratch::Folder;

#[test]
fn every_bound_is_there() {
    let parts = [
        "\n  short_send = partial: write/a-large-send-is-taken-whole\n",
        "\nAS-INH-06  may       orders of arrivals: ",
        " clauses leave something open; a bound is missing of 0\n",
    ];
    asyncselect(&["coverage", "--open"]).expect(0, &parts);
    let json = asyncselect(&["coverage", "--open", "--format", "json"]).expect(0, &[]).json();
    assert_eq!(json["open"], serde_json::json!([]));
}

#[test]
fn a_bound_that_is_missing_is_named() {
    let Folder(folder) = &Folder::new("bounds");
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let file = "write/a-large-send-is-taken-whole.json";
    let text = fs::read_to_string(corpus.join(file)).unwrap();
    fs::create_dir(folder.join("write")).unwrap();
    let part = r#"{ "below": 16777215 }"#;
    assert!(text.contains(part));
    fs::write(folder.join(file), text.replace(part, r#""any""#)).unwrap();
    let parts = [
        "\n  short_send = whole: not reached; taken for partial it holds too; nothing refuses",
        "\n  short_send = partial: write/a-large-send-is-taken-whole; nothing refuses",
    ];
    let folder = folder.to_str().unwrap();
    asyncselect(&["coverage", "--open", "--scenarios", folder]).expect(1, &parts);
}
