//! Changes of JSON: what comes out is JSON again, so that a fuzzer gets past the parser.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use asyncselect_model::KnobId;
use asyncselect_scenario::schema;
use fastrand::Rng;
use serde_json::{Map, Value, json};

/// What bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One JSON document.
    Document,
    /// One on each line.
    Lines,
}

/// At most so many changes at once.
const CHANGES_MAX: usize = 4;

/// Changes something, with parts of `donor` where it takes a part of another; `None` if these
/// bytes are not of the shape, or what comes of them is longer than `len_max`.
#[must_use]
pub fn mutate(
    data: &[u8],
    donor: &[u8],
    shape: Shape,
    len_max: usize,
    seed: u64,
) -> Option<Vec<u8>> {
    let mut rng = Rng::with_seed(seed);
    let text = std::str::from_utf8(data).ok()?;
    let donor = std::str::from_utf8(donor).unwrap_or_default();
    let changed = match shape {
        Shape::Document => {
            let donor = serde_json::from_str(donor).unwrap_or(Value::Null);
            changed(text, &donor, &mut rng)?
        }
        Shape::Lines => lines(text, donor, &mut rng)?,
    };
    (changed.len() <= len_max).then(|| changed.into_bytes())
}

fn changed(text: &str, donor: &Value, rng: &mut Rng) -> Option<String> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    for _ in 0..rng.usize(1..=CHANGES_MAX) {
        change(&mut value, donor, rng);
    }
    Some(value.to_string())
}

/// Changes lines: one of them, or which there are.
fn lines(text: &str, donor: &str, rng: &mut Rng) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let donors: Vec<&str> = donor.lines().collect();
    if lines.is_empty() {
        return None;
    }
    for _ in 0..rng.usize(1..=CHANGES_MAX) {
        let at = rng.usize(0..lines.len());
        match rng.u8(0..8) {
            0 if lines.len() > 1 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let other = rng.usize(0..lines.len());
                lines.swap(at, other);
            }
            3 if !donors.is_empty() => {
                lines.insert(at, donors[rng.usize(0..donors.len())].to_owned());
            }
            _ => {
                let donor = match donors.len() {
                    0 => Value::Null,
                    len => serde_json::from_str(donors[rng.usize(0..len)]).unwrap_or(Value::Null),
                };
                if let Some(line) = changed(&lines[at], &donor, rng) {
                    lines[at] = line;
                }
            }
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    Some(text)
}

/// Every value in a document, by its JSON pointer.
fn pointers(value: &Value) -> Vec<String> {
    fn below(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    below(item, &format!("{at}/{index}"), found);
                }
            }
            Value::Object(fields) => {
                for (key, field) in fields {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    below(field, &format!("{at}/{key}"), found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    below(value, "", &mut found);
    found
}

fn change(value: &mut Value, donor: &Value, rng: &mut Rng) {
    let all = pointers(value);
    let at = &all[rng.usize(0..all.len())];
    // Another value that stands under the same name, here or in the other document.
    let like = |rng: &mut Rng, value: &Value| {
        let from = if rng.bool() { donor } else { value };
        let key = last(at);
        let alike: Vec<String> =
            pointers(from).into_iter().filter(|other| last(other) == key).collect();
        (!alike.is_empty()).then(|| from.pointer(&alike[rng.usize(0..alike.len())]).cloned())?
    };
    match rng.u8(0..12) {
        0 => remove(value, at),
        1 | 2 => {
            if let Some(other) = like(rng, value) {
                put(value, at, other);
            }
        }
        3 => put(value, at, scalar(rng)),
        4 => {
            let word = word(rng);
            match value.pointer_mut(at) {
                Some(Value::Object(fields)) => drop(fields.insert(word, scalar(rng))),
                Some(other) => *other = Value::String(word),
                None => {}
            }
        }
        5 => {
            // One field of an object more, from another.
            let objects: Vec<String> = pointers(donor);
            let from = objects.get(rng.usize(0..objects.len())).and_then(|at| donor.pointer(at));
            if let (Some(Value::Object(from)), Some(Value::Object(fields))) =
                (from, value.pointer_mut(at))
                && let Some((key, field)) = from.iter().nth(rng.usize(0..from.len().max(1)))
            {
                fields.insert(key.clone(), field.clone());
            }
        }
        6 => rename(value, at, rng),
        7 => arrange(value, at, rng),
        8 => {
            let inner = value.pointer(at).cloned().unwrap_or(Value::Null);
            let outer = match rng.bool() {
                true => json!([inner]),
                false => Value::Object(Map::from_iter([(word(rng), inner)])),
            };
            put(value, at, outer);
        }
        _ => tweak(value, at, rng),
    }
}

/// What a value is called: the key, or the list's if it is in one.
fn last(pointer: &str) -> &str {
    let mut keys = pointer.rsplit('/');
    keys.find(|key| key.parse::<usize>().is_err()).unwrap_or_default()
}

fn put(value: &mut Value, at: &str, new: Value) {
    if let Some(old) = value.pointer_mut(at) {
        *old = new;
    }
}

/// What a value is in, and its place there.
fn parent<'v, 'p>(value: &'v mut Value, at: &'p str) -> Option<(&'v mut Value, &'p str)> {
    let (outer, key) = at.rsplit_once('/')?;
    Some((value.pointer_mut(outer)?, key))
}

fn remove(value: &mut Value, at: &str) {
    match parent(value, at) {
        Some((Value::Array(items), key)) => {
            if let Ok(index) = key.parse::<usize>() {
                items.remove(index);
            }
        }
        Some((Value::Object(fields), key)) => {
            fields.remove(&key.replace("~1", "/").replace("~0", "~"));
        }
        Some(_) | None => {}
    }
}

fn rename(value: &mut Value, at: &str, rng: &mut Rng) {
    if let Some((Value::Object(fields), key)) = parent(value, at)
        && let Some(field) = fields.remove(&key.replace("~1", "/").replace("~0", "~"))
    {
        fields.insert(word(rng), field);
    }
}

/// Repeats an item of a list, or gives it another place.
fn arrange(value: &mut Value, at: &str, rng: &mut Rng) {
    if let Some((Value::Array(items), key)) = parent(value, at)
        && let Ok(index) = key.parse::<usize>()
    {
        let to = rng.usize(0..items.len());
        match rng.u8(0..4) {
            0 => items.swap(index, to),
            1 => {
                let times = if rng.u8(0..32) == 0 { 300 } else { rng.usize(1..4) };
                items.extend(vec![items[index].clone(); times]);
            }
            _ => items.insert(to, items[index].clone()),
        }
    }
}

/// Changes a scalar a little.
fn tweak(value: &mut Value, at: &str, rng: &mut Rng) {
    match value.pointer_mut(at) {
        Some(Value::String(text)) => {
            let places: Vec<usize> =
                (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            let at = places[rng.usize(0..places.len())];
            match rng.u8(0..4) {
                0 => text.truncate(at),
                1 => text.insert(at, rng.alphanumeric()),
                2 => text.insert(at, ODD[rng.usize(0..ODD.len())]),
                _ => *text = text.repeat(rng.usize(2..4)),
            }
        }
        Some(number @ Value::Number(_)) => {
            let by = rng.i64(-2..=2);
            *number = match number.as_i64() {
                Some(old) => json!(old.wrapping_add(by)),
                None => json!(by),
            };
        }
        Some(Value::Bool(truth)) => *truth = !*truth,
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {}
    }
}

/// Letters that printing and counting may trip over.
const ODD: [char; 12] =
    ['\0', '\n', '\r', '\t', '\u{1b}', '\u{7f}', '\u{9b}', '\u{202e}', 'ß', '\u{301}', '漢', '🦀'];

fn scalar(rng: &mut Rng) -> Value {
    const NUMBERS: [i64; 16] = [
        0,
        1,
        -1,
        2,
        3,
        5,
        64,
        255,
        256,
        1 << 10,
        65_535,
        65_536,
        1 << 24,
        1 << 31,
        4_294_967_295,
        i64::MAX,
    ];
    match rng.u8(0..8) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!([]),
        3 => json!({}),
        4 | 5 => json!(NUMBERS[rng.usize(0..NUMBERS.len())]),
        _ => Value::String(word(rng)),
    }
}

/// A word that our files have.
fn word(rng: &mut Rng) -> String {
    static WORDS: LazyLock<Vec<String>> = LazyLock::new(words);
    WORDS[rng.usize(0..WORDS.len())].clone()
}

/// Every name in the schemas, of the knobs and their alternatives, and of readers without a schema.
fn words() -> Vec<String> {
    fn below(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) if text.len() < 40 && !text.contains(' ') => {
                found.insert(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| below(item, found)),
            Value::Object(fields) => {
                for (key, field) in fields {
                    found.insert(key.clone());
                    below(field, found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    for schema in [schema::scenario(), schema::suite(), schema::trace_line()] {
        below(schema.as_value(), &mut found);
    }
    for knob in KnobId::ALL {
        found.insert(knob.name().to_owned());
        found.extend(knob.values().iter().map(|value| (*value).to_owned()));
    }
    let others = "any w client server listener bg far main INVALID_SOCKET NULL INVALID WM_USER+1 \
                  AS-CL-03 W-083 C1 X-27 OQ-03 documented windows wine-8.0 based_on knobs name \
                  header scenario call return waits settled message nothing ended footer done \
                  blocked returns messages unsupported hello value data socket window event \
                  network_events address error spi lpErrno times reply capabilities repeat threads \
                  hosts ipv6 processes real_time oob faults simulated_time handle_reuse";
    found.extend(others.split_whitespace().map(str::to_owned));
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fuzzer whose changes are no JSON, or none at all, tests the parser and nothing behind it.
    #[test]
    fn what_comes_out_is_json_and_seldom_what_went_in() {
        let text = include_str!("../../../scenarios/close/fd-close-waits-for-unread-bytes.json");
        let before: Value = serde_json::from_str(text).unwrap();
        let same = (0..1000).filter(|seed| {
            let data = text.as_bytes();
            let after = mutate(data, data, Shape::Document, usize::MAX, *seed).unwrap();
            serde_json::from_slice::<Value>(&after).unwrap() == before
        });
        assert!(same.count() < 300);
        assert_eq!(mutate(b"{", b"", Shape::Document, 100, 1), None);
        let lines = "{\"a\":1}\n{\"b\":[2,3]}\n";
        for seed in 0..1000 {
            let after = mutate(lines.as_bytes(), b"[1]\n", Shape::Lines, 1000, seed);
            let after = String::from_utf8(after.unwrap()).unwrap();
            assert!(after.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        }
    }
}
