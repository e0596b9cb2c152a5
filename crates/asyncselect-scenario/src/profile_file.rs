//! A profile as a JSON file that a user can write.

use std::collections::BTreeMap;
use std::path::Path;

use asyncselect_model::profile::Setting;
use asyncselect_model::{Evidence, KnobId, Profile};
use serde::Deserialize;

use crate::source::{JsonPath, Source, SourceError, nearest};

/// What a profile file holds: a profile to begin with, and what is different.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    /// How reports call it.
    name: String,
    /// The built-in profile whose settings hold where nothing is said; all open if not given.
    based_on: Option<String>,
    /// Knob to alternative, or to `any`.
    knobs: BTreeMap<String, String>,
}

/// Finds a built-in profile by name, or reads one from a file.
///
/// # Errors
///
/// If there is no such profile and no such file, or the file is wrong.
pub fn load(name: &str) -> Result<Profile, SourceError> {
    if let Some(profile) = built_in(name) {
        return Ok(profile);
    }
    let path = Path::new(name);
    if !path.exists() {
        let built_in = Profile::built_in();
        let names: Vec<&str> = built_in.iter().map(Profile::name).collect();
        let known = names.join("`, `");
        let help = nearest(name, names).map(|help| format!("; {help}")).unwrap_or_default();
        let why = format!("no file of that name, and no profile; profiles are `{known}`{help}");
        return Err(SourceError::Unreadable { path: path.to_owned(), why });
    }
    check(&Source::read(path)?)
}

fn built_in(name: &str) -> Option<Profile> {
    Profile::built_in().into_iter().find(|profile| profile.name() == name)
}

/// Checks a file that was read.
///
/// # Errors
///
/// If it is no profile.
pub fn check(source: &Source) -> Result<Profile, SourceError> {
    let file: ProfileFile = source.parse()?;
    let top = JsonPath::default;
    if file.name.chars().any(char::is_control) {
        let message = "control characters in a name that reports show".to_owned();
        return Err(source.error(&top().key("name"), message, None));
    }
    let base = match &file.based_on {
        None => Profile::open(file.name.clone(), "written by a user"),
        Some(base) => built_in(base).ok_or_else(|| {
            source.error(&top().key("based_on"), format!("no built-in profile `{base}`"), None)
        })?,
    };
    let mut profile = base.renamed(file.name.clone());
    for (name, value) in &file.knobs {
        let at = top().key("knobs").key(name.clone());
        let knob = KnobId::from_name(name).ok_or_else(|| {
            let help = nearest(name, KnobId::ALL.iter().map(|knob| knob.name()));
            source.error(&at, format!("unknown knob `{name}`"), help)
        })?;
        let value = match value.as_str() {
            "any" => None,
            value => Some(knob.value_index(value).ok_or_else(|| {
                let values = knob.values().join("`, `");
                let message =
                    format!("knob `{name}` has no `{value}`, it has `{values}`, or `any`");
                source.error(&at, message, nearest(value, knob.values().iter().copied()))
            })?),
        };
        let from = source.path.display().to_string();
        profile.set(knob, Setting { value, evidence: Evidence::Disputed, source: from.into() });
    }
    Ok(profile)
}
