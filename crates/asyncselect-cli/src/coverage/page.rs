//! The matrices as one page, which needs nothing else to be looked at.

use std::collections::{BTreeMap, BTreeSet};

use asyncselect_scenario::clauses::{Clauses, Kind, Proof};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::facts::Covered;
use super::matrix::{Clause, Matrix, Scenario, SeenBy, SeenKnob};
use crate::outcome::counted;

/// Clauses, knobs, facts and scenarios have their names as anchors: `#AS-REP-01`,
/// `#close_with_unread`, `#W-083`, `#close/a-reset-after-the-end`.
pub(super) fn of(matrix: &Matrix<'_>) -> String {
    let Matrix { clauses, knobs, facts, scenarios } = matrix;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Coverage of WSAAsyncSelect" }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                nav {
                    b { "Coverage of WSAAsyncSelect" }
                    a href="#overview" { "Overview" }
                    a href="#clauses" { "Clauses" }
                    a href="#knobs" { "Knobs" }
                    a href="#facts" { "Facts" }
                    a href="#scenarios" { "Scenarios" }
                }
                h2 id="overview" { "Overview" }
                @for line in matrix.summary() { p { (line) } }
                @for line in facts.summary().lines() { p { (line) } }
                (overview(clauses))
                h2 id="clauses" { "Clauses, and the scenarios that cite them" }
                table.rows { tbody { @for clause in clauses { (of_clause(clause)) } } }
                h2 id="knobs" { "Knobs, and the scenarios that see them" }
                p.soft {
                    "A scenario sees a knob if its run differs when another alternative is taken."
                }
                table.rows { tbody { @for knob in knobs { (of_knob(knob)) } } }
                h2 id="facts" { "Observed facts and known differences" }
                table.rows { tbody { @for fact in &facts.entries { (of_fact(fact)) } } }
                h2 id="scenarios" { "Scenarios, and what they cite and see" }
                table.rows { tbody { @for scenario in scenarios { (of_scenario(scenario)) } } }
            }
        }
    };
    page.into_string() + "\n"
}

/// How many scenarios of each family cite a clause of each group.
fn overview(clauses: &[Clause<'_>]) -> Markup {
    let mut groups: BTreeMap<&str, (&str, BTreeSet<&str>)> = BTreeMap::new();
    for Clause { id, cited_by, .. } in clauses {
        let group = id.rsplit_once('-').map_or(*id, |(group, _)| group);
        groups.entry(group).or_insert((id, BTreeSet::new())).1.extend(cited_by);
    }
    let family = |scenario: &'_ &str| scenario.split('/').next().unwrap_or_default().to_owned();
    let all = groups.values().flat_map(|(_, scenarios)| scenarios);
    let families: BTreeSet<String> = all.map(family).collect();
    html! {
        div.grid {
            table {
                thead {
                    tr {
                        th {}
                        @for family in &families { th { div { span { (family) } } } }
                    }
                }
                tbody {
                    @for (group, (first, scenarios)) in &groups {
                        tr {
                            th { a.id href={ "#" (first) } { (group) } }
                            @for of in &families {
                                (cell(scenarios.iter().filter(|one| family(one) == *of).count()))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A number of scenarios, darker if there are more.
fn cell(count: usize) -> Markup {
    html! {
        @match count {
            0 => td {},
            1..5 => td.a { (count) },
            5..20 => td.b { (count) },
            _ => td.c { (count) },
        }
    }
}

fn of_clause(clause: &Clause<'_>) -> Markup {
    let Clause { id, level, about, source, cited_by, knobs, proof, rest } = clause;
    html! {
        tr id=(id) {
            td { a.id href={ "#" (id) } { (id) } br; span.level { (level.about()) } }
            td {
                p { (about) }
                @if let Some(source) = source { p.soft { (source) } }
                @match proof {
                    Some(Proof::Test(test)) => p.soft { "held by a test: " (test) },
                    Some(Proof::Out(why)) => p.soft { "not held: " (why) },
                    Some(Proof::Arm(id)) => p.soft { "as " (to(id)) },
                    None => {},
                }
                @if let Some(rest) = rest { p.soft { "the rest: " (rest) } }
                (list("knob", knobs.iter().copied()))
                @if clause.is_missing() { p.bad { "cited by no scenario" } }
                (list("scenario", cited_by.iter().copied()))
            }
        }
    }
}

fn of_knob(seen: &SeenKnob<'_>) -> Markup {
    let SeenKnob { knob, about, alternatives, ids, seen_by, not_told_apart } = seen;
    html! {
        tr id=(knob) {
            td { a.id href={ "#" (knob) } { (knob) } }
            td {
                p { (about) }
                p.soft {
                    @for (index, alternative) in alternatives.iter().enumerate() {
                        @if index > 0 { ", " }
                        code { (alternative) }
                    }
                }
                p.soft { @for id in *ids { (to(id)) " " } }
                @for [one, other] in not_told_apart {
                    p.bad { "no scenario tells apart " code { (one) } " and " code { (other) } }
                }
                @if !seen_by.is_empty() {
                    details {
                        summary { "seen by " (counted(seen_by.len(), "scenario")) }
                        ul {
                            @for SeenBy { scenario, on } in seen_by {
                                li { (to(scenario)) span.soft { " on " (on.join(", ")) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn of_fact(fact: &Covered<'_>) -> Markup {
    let Covered { id, about, pinned_by, failing, cited_by, knobs, why, .. } = fact;
    html! {
        tr id=(id) {
            td { a.id href={ "#" (id) } { (id) } }
            td {
                p { (about) }
                @for scenario in pinned_by { p { "pinned by " (to(scenario)) } }
                @for scenario in failing {
                    p.bad { "not pinned by " (to(scenario)) ", which does not hold" }
                }
                @if let Some(why) = why {
                    p.soft { "not modelled: " (why) }
                } @else if !fact.is_pinned() {
                    p.bad { "not accounted for" }
                }
                (list("knob", knobs.iter().copied()))
                (list("other scenario", cited_by.iter().copied()))
            }
        }
    }
}

fn of_scenario(row: &Scenario<'_>) -> Markup {
    let Scenario { scenario, title, cites, pins: _, sees } = row;
    html! {
        tr id=(scenario) {
            td {
                p { a.id href={ "#" (scenario) } { (scenario) } }
                p { (title) }
                p.soft { @for id in *cites { (to(id)) " " } }
                (list("knob", sees.iter().copied()))
            }
        }
    }
}

/// Some names, folded up.
fn list<'n>(what: &str, names: impl ExactSizeIterator<Item = &'n str>) -> Markup {
    html! {
        @if names.len() > 0 {
            details {
                summary { (counted(names.len(), what)) }
                ul { @for name in names { li { (to(name)) } } }
            }
        }
    }
}

/// A link to the row of something, if it has one: of ids, clauses, facts and differences do.
fn to(name: &str) -> Markup {
    let kind = Clauses::get().find(name).map(|(kind, _)| kind);
    html! {
        @if matches!(kind, None | Some(Kind::Clause | Kind::Fact | Kind::Divergence)) {
            a.id href={ "#" (name) } { (name) }
        } @else {
            span.id { (name) }
        }
    }
}
