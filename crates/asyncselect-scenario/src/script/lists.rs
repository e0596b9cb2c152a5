//! Refuses lists in the place of objects.

use crate::source::{JsonPath, Source, SourceError};

/// The fields that hold lists.
const LISTS: [&str; 19] = [
    "clauses",
    "holds_on",
    "needs",
    "modes",
    "choose",
    "windows",
    "pairs",
    "listeners",
    "steps",
    "lEvent",
    "flags",
    "readfds",
    "writefds",
    "exceptfds",
    "messages",
    "unordered",
    "one_of",
    "when",
    "and",
];

/// The fields that hold lists of lists.
const LISTS_OF_LISTS: [&str; 2] = ["pairs", "one_of"];

/// Refuses lists in the place of objects, which serde takes for their fields in order: a call
/// must not have two spellings.
pub(super) fn refuse_stray_lists(source: &Source) -> Result<(), SourceError> {
    let value: serde_json::Value = source.parse()?;
    match stray_list(&value, &JsonPath::default(), 0) {
        Some(at) => Err(source.error(&at, "a list, where an object belongs".to_owned(), None)),
        None => Ok(()),
    }
}

/// The first list that is nested deeper than `depth` allows.
fn stray_list(value: &serde_json::Value, at: &JsonPath, depth: u8) -> Option<JsonPath> {
    use serde_json::Value;
    match value {
        Value::Array(_) if depth == 0 => Some(at.clone()),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| stray_list(item, &at.clone().index(index), depth - 1))
        }
        Value::Object(fields) => {
            // What is in handlers is not read yet.
            let mut fields = fields.iter().filter(|(key, _)| *key != "handlers");
            fields.find_map(|(key, value)| {
                let depth = u8::from(LISTS.contains(&key.as_str()))
                    + u8::from(LISTS_OF_LISTS.contains(&key.as_str()));
                stray_list(value, &at.clone().key(key), depth)
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
