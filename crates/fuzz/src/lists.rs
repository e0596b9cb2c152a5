//! Profiles, and lists of what is known.

use asyncselect_model::KnobId;
use asyncselect_scenario::known::Known;
use asyncselect_scenario::not_modelled::NotModelled;
use asyncselect_scenario::profile_file;
use asyncselect_scenario::simulate::{simulate, verdict};

use crate::scripts::SCRIPTS;
use crate::shown;

/// A profile: it is read, and a scenario is run on it.
pub fn profile(data: &[u8]) {
    let source = match shown::read(data) {
        Ok(source) => source,
        Err(error) => return shown::diagnostic(&error, ""),
    };
    let profile = match profile_file::check(&source) {
        Ok(profile) => profile,
        Err(error) => return shown::diagnostic(&error, &source.text),
    };
    shown::printable(profile.name(), "");
    for knob in KnobId::ALL {
        let value = profile.setting(*knob).value;
        assert!(value.is_none_or(|value| usize::from(value) < knob.values().len()));
    }
    // One of them: the text decides which.
    let script = &SCRIPTS[shown::lot(data) % SCRIPTS.len()];
    shown::ending(&simulate(script, &profile).ending);
    drop(verdict(script, &profile));
}

/// A ledger of known differences, or the list of what is not modelled.
pub fn ledger(data: &[u8]) {
    let source = match shown::read(data) {
        Ok(source) => source,
        Err(error) => return shown::diagnostic(&error, ""),
    };
    match Known::check(&source) {
        Ok(known) => {
            for entry in known.entries() {
                let family = entry.family.unwrap_or_default();
                assert_eq!(known.allows(&entry.scenario, family, &entry.stack), Some(entry));
                assert!(known.on(&entry.stack).any(|other| other == entry));
            }
        }
        Err(error) => shown::diagnostic(&error, &source.text),
    }
    let text = source.text.clone();
    match NotModelled::check(source) {
        Ok(list) => shown::diagnostic(&list.stale("W-001", "by this"), &text),
        Err(error) => shown::diagnostic(&error, &text),
    }
}
