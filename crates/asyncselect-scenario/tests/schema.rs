//! The published schemas are those of the code, and the corpus follows them.

use std::path::{Path, PathBuf};

use asyncselect_model::Profile;
use asyncselect_scenario::corpus;
use asyncselect_scenario::schema;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn published(name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(scenarios().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_published_schemas_are_those_of_the_code() {
    for (name, schema) in [
        ("format-1.schema.json", schema::scenario()),
        ("suite-1.schema.json", schema::suite()),
        ("trace.schema.json", schema::trace_line()),
    ] {
        assert_eq!(published(name), *schema.as_value(), "`just schema` writes {name} anew");
    }
}

#[test]
fn every_scenario_and_its_trace_follow_the_schemas() {
    let files = jsonschema::validator_for(&published("format-1.schema.json")).unwrap();
    let lines = jsonschema::validator_for(&published("trace.schema.json")).unwrap();
    for path in corpus::find(&[scenarios()]).unwrap() {
        let text = std::fs::read_to_string(&path).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        if let Err(error) = files.validate(&file) {
            panic!("{}: {error} at {}", path.display(), error.instance_path());
        }
        let script = Script::read(&path).unwrap();
        let (trace, _) = simulate::trace(&script, &Profile::documented());
        for line in trace {
            let line = serde_json::to_value(line).unwrap();
            if let Err(error) = lines.validate(&line) {
                panic!("{}: {error} in {line}", path.display());
            }
        }
    }
}

#[test]
fn every_suite_follows_the_schema() {
    let suites = jsonschema::validator_for(&published("suite-1.schema.json")).unwrap();
    let folder = scenarios().join(corpus::SUITES);
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        if let Err(error) = suites.validate(&file) {
            panic!("{}: {error} at {}", path.display(), error.instance_path());
        }
        let scenario = serde_json::json!({ "format": 1, "title": "t", "clauses": ["AS-RD-02"],
                                           "alphabet": [], "length": 1 });
        assert!(!suites.is_valid(&scenario), "an alphabet has a letter");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let files = jsonschema::validator_for(&published("format-1.schema.json")).unwrap();
    let good: serde_json::Value = serde_json::from_str(
        r#"{ "format": 1, "title": "t", "clauses": ["AS-RD-02"], "steps": [{ "settle": true }] }"#,
    )
    .unwrap();
    assert!(files.is_valid(&good));
    let broken: [(&str, serde_json::Value); 4] = [
        ("/format", 2.into()),
        ("/clauses", serde_json::json!([])),
        ("/steps/0", serde_json::json!({ "settle": true, "messages": [], "do": {} })),
        ("/steps/0", serde_json::json!({ "do": { "recv": { "s": "a", "length": 1 } } })),
    ];
    for (pointer, value) in broken {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!files.is_valid(&bad), "{bad}");
    }
}
