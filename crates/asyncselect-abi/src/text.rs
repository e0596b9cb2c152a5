//! Serde for the types whose JSON form is their `Display` text.

/// Implements `Serialize`, `Deserialize` (and `JsonSchema`) through `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($type:ty, $pattern:literal, $about:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "description": $about,
                })
            }
        }
    };
}

pub(crate) use serde_as_text;

/// A text that names nothing of the wanted kind; lists the names that exist, so that whoever
/// reports it can suggest the nearest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What was expected, for example `a Winsock error`.
    pub kind: &'static str,
    /// The text that was found.
    pub found: String,
    /// The spellings that exist; empty when they follow a pattern told in `kind`.
    pub known: &'static [&'static str],
}

impl std::fmt::Display for UnknownName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unknown {} `{}`", self.kind, self.found)?;
        for (index, name) in self.known.iter().enumerate() {
            let before = if index == 0 { ", expected one of " } else { ", " };
            write!(f, "{before}`{name}`")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownName {}
