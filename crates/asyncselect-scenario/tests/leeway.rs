//! What clauses leave open has bounds, and scenarios know them.

use std::path::{Path, PathBuf};

use asyncselect_scenario::corpus;
use asyncselect_scenario::leeway::{Bounds, Leeway, Way, leeway, open_clauses};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::source::Source;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn scripts() -> Vec<Script> {
    let files = corpus::find(&[root()]).unwrap();
    files.iter().map(|file| Script::read(file).unwrap()).collect()
}

fn of<'s>(id: &str, scripts: &'s [Script]) -> Leeway<'s> {
    let (entry, level) = open_clauses().find(|(entry, _)| entry.id == id).unwrap();
    leeway(entry, level, scripts)
}

#[test]
fn what_a_clause_leaves_open_is_reached_and_its_neighbours_are_refused() {
    let scripts = scripts();
    let all: Vec<_> = open_clauses().map(|(entry, level)| leeway(entry, level, &scripts)).collect();
    let open: Vec<_> = all.iter().filter(|leeway| leeway.is_open()).collect();
    assert!(open.is_empty(), "{} of {}: {open:#?}", open.len(), all.len());
}

const LARGE_SEND: &str = "write/a-large-send-is-taken-whole";

/// That scenario, with another expectation of a stack that takes a part.
fn large_send_returns(other: &str) -> Script {
    let path = root().join(LARGE_SEND).with_extension("json");
    let text = std::fs::read_to_string(&path).unwrap();
    let part = r#"{ "below": 16777215 }"#;
    assert!(text.contains(part));
    Script::check(Source { path, text: text.replace(part, other) }).unwrap()
}

fn named<'w>(ways: &'w [Way<'w>], value: &str) -> &'w Way<'w> {
    ways.iter().find(|way| way.knob == "short_send" && way.value == value).unwrap()
}

#[test]
fn an_alternative_that_no_scenario_reaches_is_named() {
    let mut scripts = scripts();
    assert!(!of("AS-WR-09", &scripts).is_open());
    scripts.retain(|script| script.id != LARGE_SEND);
    let leeway = of("AS-WR-09", &scripts);
    let Bounds::Knobs { ways } = &leeway.bounds else { panic!("{leeway:?}") };
    assert!(leeway.is_open());
    for (value, other) in [("whole", "partial"), ("partial", "whole")] {
        let way = named(ways, value);
        assert_eq!((&*way.reached_by, &*way.not_told_from), (&[][..], &[other][..]));
    }
}

#[test]
fn an_expectation_that_holds_for_more_than_its_alternative_is_named() {
    let mut scripts = scripts();
    let at = scripts.iter().position(|script| script.id == LARGE_SEND).unwrap();
    // All that was sent is also some of it.
    scripts[at] = large_send_returns(r#"{ "min": 1 }"#);
    let leeway = of("AS-WR-09", &scripts);
    let Bounds::Knobs { ways } = &leeway.bounds else { panic!("{leeway:?}") };
    assert!(leeway.is_open());
    assert_eq!(named(ways, "whole").not_told_from, ["partial"]);
    assert!(!named(ways, "partial").is_open(), "{ways:?}");
}

#[test]
fn an_expectation_that_refuses_nothing_is_named() {
    let mut scripts = scripts();
    scripts.retain(|script| !script.clauses.iter().any(|cited| cited == "AS-WR-09"));
    scripts.push(large_send_returns(r#""any""#));
    let leeway = of("AS-WR-09", &scripts);
    let Bounds::Knobs { ways } = &leeway.bounds else { panic!("{leeway:?}") };
    assert_eq!(named(ways, "partial").refused_by, None);
}

#[test]
fn orders_are_bounded_on_both_sides() {
    let mut scripts = scripts();
    assert!(matches!(of("AS-INH-06", &scripts).bounds, Bounds::Orders { .. }));
    for guarded in scripts.iter_mut().flat_map(|script| &mut script.guarded) {
        guarded.must_reject.clear();
    }
    assert!(matches!(of("AS-INH-06", &scripts).bounds, Bounds::OneWay { .. }));
}
