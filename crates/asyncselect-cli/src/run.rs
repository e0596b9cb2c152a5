//! `asyncselect run`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use anstyle::Style;
use asyncselect_abi::Family;
use asyncselect_model::Profile;
use asyncselect_scenario::judge::{Agreement, Conformance, Deviation, Finding, Verdict};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::verdict;
use clap::ValueEnum;
use quick_junit::TestSuite;
use rayon::prelude::*;
use serde::Serialize;

use crate::Modes;
use crate::families::{self, Families};
use crate::junit::{self, Told};
use crate::outcome::{Exit, Output, Scripts, counted, place_text, profiles, read_in};
use crate::progress::Progress;
use crate::style::{self, column, paint};

/// How the results of a run are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// JUnit XML, for machines that show tests: a suite a profile, a case a scenario.
    Junit,
}

pub(crate) fn run(
    paths: &[PathBuf],
    names: &[String],
    families: Families,
    modes: Modes,
    format: RunFormat,
    progress: bool,
) -> Output {
    let profiles = match profiles(names) {
        Ok(profiles) => profiles,
        Err(output) => return output,
    };
    let Scripts { scripts, errors } = read_in(paths, modes);
    let scripts = families.of(scripts);
    let progress = Progress::new(progress, scripts.len());
    // In the order of the scenarios, whichever ends first.
    let judged = scripts.par_iter().map(|script| {
        progress.begin(&script.id);
        let verdicts = profiles.iter().map(|profile| verdict(script, profile)).collect();
        progress.end();
        (script, verdicts)
    });
    let results: Vec<(&Script, Vec<Verdict>)> = judged.collect();
    drop(progress);
    let exit = exit_of(results.iter().flat_map(|(_, verdicts)| verdicts), !errors.is_empty());
    let output = match format {
        RunFormat::Text => {
            let text = text(&profiles, &results, errors.len());
            Output { text, errors: String::new(), exit }
        }
        RunFormat::Json => Output::json(&json(&profiles, &results), exit),
        RunFormat::Junit => {
            let text = junit::xml(suites(&profiles, &results), &errors);
            Output { text, errors: String::new(), exit }
        }
    };
    output.with(&errors)
}

fn exit_of<'v>(verdicts: impl Iterator<Item = &'v Verdict>, bad_script: bool) -> Exit {
    let worst = verdicts
        .map(|verdict| match verdict.agreement {
            Agreement::Agrees | Agreement::NotRunnable(_) => Exit::Conforms,
            Agreement::NotModelled(_) => Exit::NotModelled,
            Agreement::Disagrees(_) | Agreement::NotSetUp(_) => Exit::Findings,
            Agreement::StackFailed(_) => Exit::Unavailable,
        })
        .max()
        .unwrap_or(Exit::Conforms);
    if bad_script { Exit::BadScript } else { worst }
}

fn agreement_word(agreement: &Agreement) -> &'static str {
    match agreement {
        Agreement::Agrees => "agrees",
        Agreement::Disagrees(_) => "FAILS",
        Agreement::NotModelled(_) => "not modelled",
        Agreement::NotRunnable(_) => "-",
        Agreement::NotSetUp(_) => "not set up",
        Agreement::StackFailed(_) => "stack failed",
    }
}

fn agreement_style(agreement: &Agreement) -> Style {
    match agreement {
        Agreement::Agrees => style::GOOD,
        Agreement::Disagrees(_) | Agreement::NotSetUp(_) | Agreement::StackFailed(_) => style::BAD,
        Agreement::NotModelled(_) => style::KNOWN,
        Agreement::NotRunnable(_) => style::SILENT,
    }
}

fn conformance_style(conformance: &Conformance) -> Style {
    match conformance {
        Conformance::Conforms => style::GOOD,
        Conformance::Deviates(_) => style::KNOWN,
        Conformance::Unknown => style::SILENT,
    }
}

fn conformance_word(conformance: &Conformance) -> &'static str {
    match conformance {
        Conformance::Conforms => "conforms",
        Conformance::Deviates(_) => "deviates",
        Conformance::Unknown => "-",
    }
}

fn text(profiles: &[Profile], results: &[(&Script, Vec<Verdict>)], unreadable: usize) -> String {
    let mut text = String::new();
    if results.is_empty() {
        return text;
    }
    let width = results.iter().map(|(script, _)| script.label().len()).max().unwrap_or(0).max(8);
    let mut line = format!("{:width$}", "scenario");
    for profile in profiles {
        write!(line, "  {:22}", profile.name()).expect("writing to a String succeeds");
    }
    text.push_str(line.trim_end());
    text.push('\n');
    for (script, verdicts) in results {
        let mut line = format!("{:width$}", script.label());
        for Verdict { agreement, conformance } in verdicts {
            let agreement = column(agreement_style(agreement), agreement_word(agreement), 12);
            let conformance =
                column(conformance_style(conformance), conformance_word(conformance), 8);
            write!(line, "  {agreement}  {conformance}").expect("writing to a String succeeds");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    deviations(profiles, results, &mut text);
    failures(profiles, results, &mut text);
    text.push('\n');
    let families = families::told(results.iter().map(|(script, _)| *script));
    for (family, head) in &families {
        let of = results.iter().filter(|(script, _)| script.family == *family);
        text.push_str(&counts_text(profiles, of, head));
    }
    if unreadable > 0 {
        let files = counted(unreadable, "file");
        let unreadable = paint(style::BAD, &format!("{files} could not be read"));
        text.truncate(text.trim_end().len());
        writeln!(text, ", {unreadable}").expect("writing to a String succeeds");
    }
    text
}

/// How the runs on one address family ended; each line begins with `head`.
fn counts_text<'r>(
    profiles: &[Profile],
    results: impl Iterator<Item = &'r (&'r Script, Vec<Verdict>)> + Clone,
    head: &str,
) -> String {
    let counts = Counts::new(results.clone());
    let Counts { passed, failed, elsewhere, not_modelled, not_set_up } = counts;
    let mut text = String::new();
    if elsewhere > 0 {
        let (runs, they_are) =
            if elsewhere == 1 { ("run of a fact", "it is") } else { ("runs of facts", "they are") };
        writeln!(text, "{head}not counted: {elsewhere} {runs} on stacks that {they_are} not about")
            .expect("writing to a String succeeds");
    }
    if not_modelled + not_set_up > 0 {
        writeln!(text, "{head}not counted: {not_modelled} not modelled, {not_set_up} not set up")
            .expect("writing to a String succeeds");
    }
    let failed = match failed {
        0 => "0 failed".to_owned(),
        failed => paint(style::BAD, &format!("{failed} failed")),
    };
    let scenarios = counted(results.count(), "scenario");
    let profiles = counted(profiles.len(), "profile");
    writeln!(text, "{head}{scenarios} x {profiles}: {passed} passed, {failed}")
        .expect("writing to a String succeeds");
    text
}

/// Which deviations there are, by profile and knob.
fn deviations(profiles: &[Profile], results: &[(&Script, Vec<Verdict>)], text: &mut String) {
    // Files: on another address family it is the same deviation.
    let mut found: BTreeMap<(usize, String), BTreeSet<&str>> = BTreeMap::new();
    for (script, verdicts) in results {
        for (index, verdict) in verdicts.iter().enumerate() {
            if let Conformance::Deviates(deviations) = &verdict.conformance {
                for deviation in deviations {
                    let knob = deviation.knob;
                    let value = knob.values()[usize::from(deviation.value)];
                    let setting = profiles[index].setting(knob);
                    let (evidence, source) = (setting.evidence, &setting.source);
                    let line = format!("{knob} = {value} ({evidence}: {source})");
                    found.entry((index, line)).or_default().insert(&script.id);
                }
            }
        }
    }
    if !found.is_empty() {
        text.push_str("\ndeviations from the documentation, as the profiles have them\n");
    }
    for ((index, deviation), scenarios) in found {
        let profile = profiles[index].name();
        let scenarios = counted(scenarios.len(), "scenario");
        writeln!(text, "  {profile:12} {deviation}: {scenarios}")
            .expect("writing to a String succeeds");
    }
}

fn failures(profiles: &[Profile], results: &[(&Script, Vec<Verdict>)], text: &mut String) {
    for (script, verdicts) in results {
        for (profile, verdict) in profiles.iter().zip(verdicts) {
            let (id, profile) = (script.label(), profile.name());
            let mut told = |what: String| {
                writeln!(text, "{what}").expect("writing to a String succeeds");
            };
            let head = |word| paint(agreement_style(&verdict.agreement), word);
            match &verdict.agreement {
                Agreement::Disagrees(findings) => {
                    told(format!("\n{} {id} on {profile}", head("FAILS")));
                    told(findings_text(script, findings).trim_end().to_owned());
                }
                Agreement::NotModelled(what) => {
                    told(format!("\n{}: {id} on {profile}: {what}", head("not modelled")));
                }
                Agreement::NotSetUp(what) => {
                    told(format!("\n{}: {id} on {profile}: {what}", head("precondition not met")));
                }
                Agreement::StackFailed(what) => {
                    told(format!("\n{}: {id} on {profile}: {what}", head("stack failed")));
                }
                Agreement::Agrees | Agreement::NotRunnable(_) => {}
            }
        }
    }
}

fn findings_text(script: &Script, findings: &[Finding]) -> String {
    let text = |Finding { place, expected, found }: &Finding| {
        let place = place_text(script, *place);
        format!("  {place}\n    expected: {expected}\n    found:    {found}\n")
    };
    findings.iter().map(text).collect()
}

/// A suite for each profile.
fn suites(profiles: &[Profile], results: &[(&Script, Vec<Verdict>)]) -> Vec<TestSuite> {
    let suite = |(index, profile): (usize, &Profile)| {
        let mut suite = TestSuite::new(profile.name());
        for (script, verdicts) in results {
            let case = told(script, &verdicts[index]).case(profile.name(), &script.label());
            suite.add_test_case(case);
        }
        suite
    };
    profiles.iter().enumerate().map(suite).collect()
}

fn told(script: &Script, verdict: &Verdict) -> Told {
    match &verdict.agreement {
        Agreement::Agrees => Told::Passed(match &verdict.conformance {
            Conformance::Deviates(deviations) => {
                let deviates = |deviation: &Deviation| format!("deviates: {deviation}\n");
                Some(deviations.iter().map(deviates).collect())
            }
            Conformance::Conforms | Conformance::Unknown => None,
        }),
        Agreement::Disagrees(findings) => {
            let message = match findings.as_slice() {
                [Finding { expected, found, .. }] => format!("expected {expected}, found {found}"),
                several => format!("{} findings", several.len()),
            };
            Told::Failed(message, findings_text(script, findings))
        }
        Agreement::NotModelled(what) => Told::Skipped(format!("not modelled: {what}")),
        Agreement::NotRunnable(what) => Told::Skipped(format!("not runnable here: {what}")),
        Agreement::NotSetUp(what) => Told::Broken(format!("precondition not met: {what}")),
        Agreement::StackFailed(what) => Told::Broken(format!("stack failed: {what}")),
    }
}

/// Runs by how they ended.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    elsewhere: usize,
    not_modelled: usize,
    not_set_up: usize,
}

impl Counts {
    fn new<'r>(results: impl Iterator<Item = &'r (&'r Script, Vec<Verdict>)>) -> Self {
        let mut counts = Self::default();
        for verdict in results.flat_map(|(_, verdicts)| verdicts) {
            match verdict.agreement {
                Agreement::Agrees => counts.passed += 1,
                Agreement::Disagrees(_) | Agreement::StackFailed(_) => counts.failed += 1,
                Agreement::NotRunnable(_) => counts.elsewhere += 1,
                Agreement::NotModelled(_) => counts.not_modelled += 1,
                Agreement::NotSetUp(_) => counts.not_set_up += 1,
            }
        }
        counts
    }
}

/// The results for machines.
#[derive(Serialize)]
struct Results<'r> {
    profiles: Vec<&'r str>,
    passed: usize,
    failed: usize,
    results: Vec<Row<'r>>,
}

#[derive(Serialize)]
struct Row<'r> {
    scenario: &'r str,
    #[serde(skip_serializing_if = "Family::is_usual")]
    family: Family,
    title: &'r str,
    clauses: &'r [String],
    profile: &'r str,
    agreement: &'static str,
    conformance: &'static str,
    /// Why there is no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deviations: Vec<String>,
}

#[derive(Serialize)]
struct FindingRow {
    place: String,
    expected: String,
    found: String,
}

fn json<'r>(profiles: &'r [Profile], results: &'r [(&'r Script, Vec<Verdict>)]) -> Results<'r> {
    let Counts { passed, failed, .. } = Counts::new(results.iter());
    let mut rows = Vec::new();
    for (script, verdicts) in results {
        for (profile, verdict) in profiles.iter().zip(verdicts) {
            let findings = match &verdict.agreement {
                Agreement::Disagrees(findings) => findings.as_slice(),
                _ => &[],
            };
            let reason = match &verdict.agreement {
                Agreement::NotModelled(why)
                | Agreement::NotRunnable(why)
                | Agreement::NotSetUp(why)
                | Agreement::StackFailed(why) => Some(why.as_str()),
                Agreement::Agrees | Agreement::Disagrees(_) => None,
            };
            let deviations = match &verdict.conformance {
                Conformance::Deviates(deviations) => deviations.as_slice(),
                Conformance::Conforms | Conformance::Unknown => &[],
            };
            rows.push(Row {
                scenario: &script.id,
                family: script.family,
                title: &script.title,
                clauses: &script.clauses,
                profile: profile.name(),
                agreement: agreement_word(&verdict.agreement),
                conformance: conformance_word(&verdict.conformance),
                reason,
                findings: findings
                    .iter()
                    .map(|finding| FindingRow {
                        place: place_text(script, finding.place),
                        expected: finding.expected.clone(),
                        found: finding.found.clone(),
                    })
                    .collect(),
                deviations: deviations.iter().map(ToString::to_string).collect(),
            });
        }
    }
    let profiles = profiles.iter().map(Profile::name).collect();
    Results { profiles, passed, failed, results: rows }
}
