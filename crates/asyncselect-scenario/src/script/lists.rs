//! Refuses lists in the place of objects.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::source::{Source, SourceError};

/// The fields that hold lists.
const LISTS: [&str; 27] = [
    "clauses",
    "holds_on",
    "needs",
    "modes",
    "choose",
    "windows",
    "pairs",
    "listeners",
    "datagrams",
    "steps",
    "before",
    "alphabet",
    "lEvent",
    "lNetworkEvents",
    "lphEvents",
    "events",
    "flags",
    "readfds",
    "writefds",
    "exceptfds",
    "messages",
    "unordered",
    "one_of",
    "must_reach",
    "must_reject",
    "when",
    "and",
];

/// The fields that hold lists of lists.
const LISTS_OF_LISTS: [&str; 4] = ["pairs", "one_of", "must_reach", "must_reject"];

/// Refuses lists in the place of objects, which serde takes for their fields in order: a call
/// must not have two spellings.
pub(super) fn refuse_stray_lists(source: &Source) -> Result<(), SourceError> {
    source.parse::<NoStrayList>().map(|NoStrayList| ())
}

/// What is wrong with a list in the place of an object, where the error is about what is in it.
pub(super) fn instead(source: &Source, error: SourceError) -> SourceError {
    let Err(stray) = refuse_stray_lists(source) else { return error };
    let is_inside = match (&stray, &error) {
        (SourceError::Invalid { at: list, message, .. }, SourceError::Invalid { at, .. }) => {
            let rest = at.strip_prefix(list.as_str());
            &**message == STRAY && rest.is_some_and(|rest| rest.starts_with(['[', '.']))
        }
        (SourceError::Unreadable { .. }, _) | (_, SourceError::Unreadable { .. }) => false,
    };
    if is_inside { stray } else { error }
}

/// What is said about such a list.
const STRAY: &str = "a list, where an object belongs";

/// JSON whose lists all stand where lists belong.
struct NoStrayList;

impl<'de> Deserialize<'de> for NoStrayList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Nested { lists: 0 }.deserialize(deserializer).map(|()| Self)
    }
}

/// A value that may be so many lists, one in the other.
struct Nested {
    lists: u8,
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some(lists) = self.lists.checked_sub(1) else {
            return Err(A::Error::custom(STRAY));
        };
        while items.next_element_seed(Self { lists })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(field) = fields.next_key::<Field>()? {
            match field {
                Field::Free => drop(fields.next_value::<IgnoredAny>()?),
                Field::Read { lists } => fields.next_value_seed(Self { lists })?,
            }
        }
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// What may stand under a name.
enum Field {
    /// Anything: what is in handlers is not read yet, and hosts are named as one likes.
    Free,
    /// So many lists, one in the other.
    Read { lists: u8 },
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Field;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Field, E> {
                let lists =
                    u8::from(LISTS.contains(&name)) + u8::from(LISTS_OF_LISTS.contains(&name));
                let is_free = matches!(name, "handlers" | "hosts" | "processes");
                Ok(if is_free { Field::Free } else { Field::Read { lists } })
            }
        }
        deserializer.deserialize_identifier(Name)
    }
}
