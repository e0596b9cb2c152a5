//! The engines against a stack whose model is broken in one rule: exploring a suite shows a
//! property that does not hold, and a check that knows the whole model refuses what the broken one
//! did.
//!
//! For `coverage --prove` scenarios are put to every broken arm; here it is the other two engines'
//! turn. Needs a build whose arms can be broken (`--features arms`).
#![cfg(feature = "arms")]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use asyncselect_model::{Profile, Rule, arm};
use asyncselect_scenario::check::{Checked, STATES_MAX, check};
use asyncselect_scenario::corpus::{self, SUITES};
use asyncselect_scenario::explore::bounded::Open;
use asyncselect_scenario::explore::search::{Limits, Work};
use asyncselect_scenario::explore::standing::Standing;
use asyncselect_scenario::explore::suite_report::{Length, SuiteReport};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::script::suite::Suite;
use asyncselect_scenario::simulate::simulate;

/// One from each corner of the specification.
const FAULTS: [Rule; 12] = [
    Rule::Rep01,
    Rule::Can01,
    Rule::En01,
    Rule::Rd01,
    Rule::Rd03,
    Rule::Wr03,
    Rule::Co05,
    Rule::Cl03,
    Rule::Cl05,
    Rule::Inh01,
    Rule::Nb01,
    Rule::Ord01,
];

/// A script may be so long.
const STEPS_MAX: usize = 8;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn suites() -> Vec<Suite> {
    let files = corpus::find(&[scenarios().join(SUITES)]).unwrap();
    files.iter().map(|file| Suite::read(file).unwrap()).collect()
}

/// The shortest way in any suite to a property that does not hold.
fn explored(suites: &[Suite], profile: &Profile, rule: Rule) -> Option<String> {
    let found = suites.iter().filter_map(|suite| {
        let limits = Limits { rounds: suite.length - 1, ..Limits::NONE };
        // On this thread alone the arm is broken.
        let work = Work::with(1);
        let report = arm::without(rule, || {
            SuiteReport::explore(suite, profile, Open::Canonical, work, limits)
        });
        let report = report.ok()?;
        let broken = report.properties.iter().filter_map(|(property, standing)| match standing {
            Standing::Broken(sighting) => Some((report.length(*sighting), property.name())),
            Standing::Holds
            | Standing::Deviates { .. }
            | Standing::Reached(_)
            | Standing::NotReached => None,
        });
        let (Length { letters, steps }, property) =
            broken.min_by_key(|(length, _)| (length.letters, length.steps))?;
        let suite = suite.start.path().file_stem()?.to_string_lossy().into_owned();
        Some(((letters, steps), format!("{property}, {letters} letters / {steps} steps, {suite}")))
    });
    found.min_by_key(|(length, _)| *length).map(|(_, text)| text)
}

/// The first refusal of the shortest script for which the broken model does what the whole one
/// would not. That a check allows what the whole model does is another test's business.
fn checked(scripts: &[&Script], profile: &Profile, rule: Rule) -> Option<String> {
    scripts.iter().find_map(|script| {
        let run = arm::without(rule, || simulate(script, profile));
        let Checked { refusals, .. } = check(script, profile, &run, STATES_MAX).ok()?;
        let refusal = refusals.first()?;
        let allowed = refusal.allowed.first().map_or("nothing", |allowed| &allowed.text);
        let (place, came, steps) = (refusal.place, &refusal.came, script.steps.len());
        Some(format!("{}, {steps} steps, {place}: {came}; allowed: {allowed}", script.id))
    })
}

#[test]
fn a_broken_rule_is_found_by_explore_and_by_check() {
    let profile = Profile::documented();
    let suites = suites();
    let files = corpus::find(&[scenarios()]).unwrap();
    let scripts: Vec<Script> = files.iter().map(|file| Script::read(file).unwrap()).collect();
    let short = |script: &&Script| script.steps.len() <= STEPS_MAX && script.fact.is_none();
    let mut scripts: Vec<&Script> = scripts.iter().filter(short).collect();
    scripts.sort_by_key(|script| script.steps.len());
    let mut table = String::new();
    for rule in FAULTS {
        let missed = |by: &str| panic!("{by} does not find {}", rule.id());
        let by_explore = explored(&suites, &profile, rule).unwrap_or_else(|| missed("explore"));
        let by_check = checked(&scripts, &profile, rule).unwrap_or_else(|| missed("check"));
        writeln!(table, "{} {}", rule.id(), rule.about()).unwrap();
        writeln!(table, "  explore  {by_explore}").unwrap();
        writeln!(table, "  check    {by_check}").unwrap();
    }
    let mut settings = insta::Settings::clone_current();
    // As in explain.rs.
    settings.set_snapshot_path("texts");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("broken-rules", table));
}
