//! The address families that scenarios are run on.

use asyncselect_abi::Family;
use asyncselect_scenario::script::Script;
use clap::ValueEnum;

/// What `--family` says to commands that run many scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Families {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// All scenarios on IPv4, then all on IPv6.
    Both,
}

impl Families {
    /// Each script for each family.
    pub(crate) fn of(self, scripts: Vec<Script>) -> Vec<Script> {
        match self {
            Self::Ipv4 => scripts,
            Self::Ipv6 => scripts.into_iter().map(|script| script.on(Family::Ipv6)).collect(),
            Self::Both => {
                let others: Vec<_> =
                    scripts.iter().map(|script| script.clone().on(Family::Ipv6)).collect();
                scripts.into_iter().chain(others).collect()
            }
        }
    }
}

/// The families of some scripts, each once, with what a line about one of them begins with: nothing
/// where nobody asked for another than the usual one.
pub(crate) fn told<'s>(scripts: impl Iterator<Item = &'s Script>) -> Vec<(Family, String)> {
    let mut found: Vec<Family> = scripts.map(|script| script.family).collect();
    found.sort_unstable();
    found.dedup();
    let head = |family: &Family| match found[..] {
        [Family::Ipv4] => String::new(),
        _ => format!("{family}: "),
    };
    found.iter().map(|family| (*family, head(family))).collect()
}
