//! `asyncselect knobs`: where stacks part, and what each profile holds there.

use std::fmt::Write;

use asyncselect_model::profile::Setting;
use asyncselect_model::{Evidence, KnobId, Profile};
use asyncselect_scenario::source::nearest;
use serde::Serialize;

use crate::Format;
use crate::outcome::{Exit, Output};

/// A knob with what profiles hold.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    knob: &'static str,
    about: &'static str,
    alternatives: Vec<Alternative>,
    ids: &'static [&'static str],
    profiles: Vec<Holding>,
}

#[derive(Debug, Serialize)]
struct Alternative {
    name: &'static str,
    about: &'static str,
}

/// What a profile holds at a knob.
#[derive(Debug, Serialize)]
struct Holding {
    profile: String,
    /// The alternative; none if the profile leaves it open.
    value: Option<&'static str>,
    /// How we know; none for what is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

/// A knob as the profiles hold it.
pub(crate) fn held(knob: KnobId, profiles: &[Profile]) -> Held {
    let alternatives = knob.values().iter().zip(knob.values_about());
    let holding = |profile: &Profile| {
        let Setting { value, evidence, source } = profile.setting(knob).clone();
        let value = value.map(|value| knob.values()[usize::from(value)]);
        Holding {
            profile: profile.name().to_owned(),
            value,
            evidence: value.map(|_| Evidence::as_str(evidence)),
            source: value.map(|_| source.into_owned()),
        }
    };
    Held {
        knob: knob.name(),
        about: knob.about(),
        alternatives: alternatives.map(|(name, about)| Alternative { name, about }).collect(),
        ids: knob.ids(),
        profiles: profiles.iter().map(holding).collect(),
    }
}

impl Held {
    /// The knob in a few lines.
    pub(crate) fn write(&self, text: &mut String) {
        writeln!(text, "  {}: {}", self.knob, self.about).expect("a String can be written");
        self.write_profiles(text);
    }

    /// What the profiles hold, a line each.
    pub(crate) fn write_profiles(&self, text: &mut String) {
        for Holding { profile, value, evidence, source } in &self.profiles {
            let value = value.unwrap_or("any");
            let known = match (evidence, source) {
                (Some(evidence), Some(source)) => format!(" ({evidence}: {source})"),
                _ => String::new(),
            };
            writeln!(text, "    {profile:12} {value}{known}").expect("a String can be written");
        }
    }

    /// The alternatives, a line each, the canonical one first.
    pub(crate) fn write_alternatives(&self, text: &mut String) {
        for Alternative { name, about } in &self.alternatives {
            writeln!(text, "    {name:20} {about}").expect("a String can be written");
        }
    }
}

pub(crate) fn knobs(name: Option<&str>, profiles: &[String], format: Format) -> Output {
    let profiles = match crate::outcome::profiles(profiles) {
        Ok(profiles) => profiles,
        Err(output) => return output,
    };
    let knobs = match name.map(|name| (name, KnobId::from_name(name))) {
        None => KnobId::ALL,
        Some((_, Some(knob))) => &[knob],
        Some((name, None)) => {
            let help = nearest(name, KnobId::ALL.iter().map(|knob| knob.name()));
            let help = help.map(|help| format!("; {help}")).unwrap_or_default();
            return Output::error(format!("no knob is called `{name}`{help}"), Exit::BadScript);
        }
    };
    let held: Vec<Held> = knobs.iter().map(|knob| held(*knob, &profiles)).collect();
    match format {
        Format::Json => Output::json(&held, Exit::Conforms),
        Format::Text => {
            let mut text = String::new();
            for (position, knob) in held.iter().enumerate() {
                if position > 0 {
                    text.push('\n');
                }
                writeln!(text, "{}: {}", knob.knob, knob.about).expect("a String can be written");
                knob.write_alternatives(&mut text);
                text.push_str("  profiles\n");
                knob.write_profiles(&mut text);
            }
            Output::text(text)
        }
    }
}
