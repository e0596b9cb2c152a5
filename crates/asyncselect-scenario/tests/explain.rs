//! What is explained is what happened: nothing more, nothing less, and nothing by its raw handle.

use std::path::Path;

use asyncselect_model::Profile;
use asyncselect_scenario::corpus;
use asyncselect_scenario::explain::{self, Explained, Item};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate;
use asyncselect_scenario::trace::TraceEvent;

fn scripts(family: &str) -> Vec<Script> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(family);
    let files = corpus::find(&[folder]).unwrap();
    files.iter().map(|file| Script::read(file).unwrap()).collect()
}

#[test]
fn every_message_of_a_trace_is_explained_in_its_step() {
    // Those with sockets that inherit, messages that outlive, ends, and space that comes back.
    let scripts = ["accept", "stale", "close", "write"].map(scripts).concat();
    for script in scripts {
        for profile in [Profile::documented(), Profile::wine_8_0()] {
            let (trace, _) = simulate::trace(&script, &profile);
            for step in 1..=script.steps.len() {
                let Explained { happened, .. } = explain::step(&script, &profile, step);
                let here = trace.iter().filter(|line| line.step == Some(step));
                let traced = here.filter_map(|line| match &line.event {
                    TraceEvent::Post { clause, .. } | TraceEvent::Record { clause, .. } => {
                        Some(clause.as_str())
                    }
                    _ => None,
                });
                let posted = happened.iter().filter_map(|item| match item {
                    Item::Posted { clause, enabled, .. }
                    | Item::Recorded { clause, enabled, .. } => {
                        assert!(!clause.about.is_empty() && !enabled.is_empty(), "{item:?}");
                        Some(clause.id.as_str())
                    }
                    _ => None,
                });
                let (traced, posted): (Vec<_>, Vec<_>) = (traced.collect(), posted.collect());
                assert_eq!(posted, traced, "step {step} of {} on {}", script.id, profile.name());
            }
        }
    }
}

#[test]
fn an_accepted_socket_has_its_name_while_it_inherits() {
    let scripts = scripts("accept");
    let named =
        |script: &&Script| script.id == "accept/an-accepted-socket-inherits-the-registration";
    let script = scripts.iter().find(named).unwrap();
    let posts = (1..=script.steps.len()).flat_map(|step| {
        let explained = explain::step(script, &Profile::windows(), step);
        explained.happened.into_iter().filter_map(|item| match item {
            Item::Posted { message, enabled, .. } => Some((message, enabled)),
            _ => None,
        })
    });
    let posts: Vec<_> = posts.filter(|(message, _)| message.socket == "server").collect();
    let why: Vec<&str> = posts.iter().map(|(_, enabled)| enabled.as_str()).collect();
    assert_eq!(why[0], "by this registration");
    assert!(why[1].starts_with("by the registration in step "), "{why:?}");
}

#[test]
fn what_a_stack_found_before_a_silent_step_is_told() {
    let scripts = scripts("close");
    let unread = |script: &&Script| script.id == "close/fd-close-waits-for-unread-bytes";
    let script = scripts.iter().find(unread).unwrap();
    let Explained { before, .. } = explain::step(script, &Profile::documented(), 5);
    assert!(before.iter().all(|silence| silence.looked.step < 5));
    assert!(before.iter().all(|silence| silence.socket != "client"), "it is closed: {before:?}");
    let close = before.iter().find(|silence| silence.guard == "data is unread").unwrap();
    assert_eq!((close.clause.id.as_str(), close.looked.step), ("AS-CL-03", 4));
}
