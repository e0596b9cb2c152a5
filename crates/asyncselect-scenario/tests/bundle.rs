//! The corpus as a bundle.

use std::path::Path;

use asyncselect_abi::bundle::{Bundle, NamedAddress, PlannedStep};
use asyncselect_abi::{Call, Data};
use asyncselect_scenario::bundle::{bundle, plan};
use asyncselect_scenario::corpus;
use asyncselect_scenario::script::Script;

fn script(path: &str) -> Script {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    Script::read(&root.join(path)).unwrap()
}

#[test]
fn the_whole_corpus_travels() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).unwrap();
    let scripts: Vec<_> = files.iter().map(|file| Script::read(file).unwrap()).collect();
    let written = bundle(&scripts);
    assert!(!written.scenarios.is_empty());
    let text = serde_json::to_string(&written).unwrap();
    assert_eq!(serde_json::from_str::<Bundle>(&text).unwrap(), written);
    // Nothing of what must come of a scenario is in it.
    assert!(!text.contains("expect"));
}

#[test]
fn names_are_those_of_the_script() {
    let plan = plan(&script("close/fd-close-waits-for-unread-bytes.json")).unwrap();
    let names: Vec<_> = plan.setup.iter().filter_map(|call| call.binds.as_deref()).collect();
    assert_eq!(names, ["w", "(pair 0)", "client", "server"]);
    let connects = plan.setup.iter().find_map(|planned| match &planned.call {
        Call::Connect { s, name } => Some((s.as_str(), name)),
        _ => None,
    });
    assert_eq!(connects, Some(("client", &NamedAddress::Of("(pair 0)".to_owned()))));
    let PlannedStep::Call(send) = &plan.steps[1] else { panic!("{:?}", plan.steps[1]) };
    assert!(matches!(&send.call, Call::Send { data: Data::Text(text), .. } if text == "hello"));
    assert_eq!(plan.steps.last(), Some(&PlannedStep::Messages {}));
}

#[test]
fn what_no_real_stack_can_be_asked_stays_here() {
    assert_eq!(plan(&script("close/a-connection-that-times-out.json")), None);
}
