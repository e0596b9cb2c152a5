//! Payload bytes in their short JSON form: text, `{"hex": …}` or `{"fill": …, "len": …}`.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest payload a script may name, in bytes.
pub const LEN_MAX: u32 = (1 << 24) - 1;

/// Payload bytes. Two values are equal if their bytes are.
#[derive(Clone, Debug)]
pub enum Data {
    /// UTF-8 text; JSON string.
    Text(String),
    /// Any bytes; JSON `{"hex": "00ff"}`.
    Hex(Vec<u8>),
    /// One byte repeated; JSON `{"fill": "x", "len": 1048576}`.
    Fill {
        /// The byte, printable ASCII.
        byte: u8,
        /// How often, at most [`LEN_MAX`].
        len: u32,
    },
}

/// The number of a payload in a script's table of literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct LiteralId(pub u16);

/// A payload by its number, with its length for those who only count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Literal {
    /// Its number.
    pub id: LiteralId,
    /// Its length in bytes, at most [`LEN_MAX`].
    pub len: u32,
}

impl Data {
    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Hex(bytes) => bytes.len(),
            Self::Fill { len, .. } => *len as usize,
        }
    }

    /// Whether there is no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes themselves.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Hex(bytes) => bytes.clone(),
            Self::Fill { byte, len } => vec![*byte; *len as usize],
        }
    }

    /// The shortest readable form of some bytes: a long run of one printable byte is a fill,
    /// printable ASCII is text, everything else is hex.
    #[must_use]
    pub fn describe(bytes: &[u8]) -> Self {
        if let (Some(&byte), Ok(len)) = (bytes.first(), u32::try_from(bytes.len()))
            && is_run(byte, len)
            && bytes.iter().all(|other| *other == byte)
        {
            return Self::Fill { byte, len };
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if bytes.iter().all(is_printable) => Self::Text(text.to_owned()),
            _ => Self::Hex(bytes.to_vec()),
        }
    }

    /// The same bytes in their shortest readable form.
    #[must_use]
    pub fn described(self) -> Self {
        match self {
            Self::Fill { byte, len } if is_run(byte, len) => self,
            Self::Fill { .. } | Self::Text(_) | Self::Hex(_) => Self::describe(&self.to_bytes()),
        }
    }
}

fn is_printable(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Whether so many of one byte are told by their number.
fn is_run(byte: u8, len: u32) -> bool {
    len > 64 && is_printable(&byte)
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(text), Self::Text(other)) => text == other,
            (Self::Hex(bytes), Self::Hex(other)) => bytes == other,
            (Self::Fill { byte, len }, Self::Fill { byte: other, len: other_len }) => {
                len == other_len && (byte == other || *len == 0)
            }
            (Self::Text(_) | Self::Hex(_) | Self::Fill { .. }, _) => {
                self.len() == other.len() && self.to_bytes() == other.to_bytes()
            }
        }
    }
}

impl Eq for Data {}

impl Hash for Data {
    /// By runs of one byte: what is equal hashes alike, and a long fill is not spelled out.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bytes = match self {
            Self::Text(text) => text.as_bytes(),
            Self::Hex(bytes) => bytes,
            Self::Fill { len: 0, .. } => return,
            Self::Fill { byte, len } => return (*byte, *len as usize).hash(state),
        };
        for run in bytes.chunk_by(|one, next| one == next) {
            (run[0], run.len()).hash(state);
        }
    }
}

impl fmt::Display for Data {
    /// As traces print it: quoted text, `hex:…`, or `"x"*1048576`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Hex(bytes) => {
                f.write_str("hex:")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Fill { byte, len } => write!(f, "{:?}*{len}", char::from(*byte).to_string()),
        }
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Hex(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                map.serialize_entry("hex", &hex)?;
                map.end()
            }
            Self::Fill { byte, len } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("fill", &char::from(*byte))?;
                map.serialize_entry("len", len)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, {\"hex\": \"…\"} or {\"fill\": \"x\", \"len\": n}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Data, E> {
        Ok(Data::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        const FIELDS: &[&str] = &["hex", "fill", "len"];
        let (mut hex, mut fill, mut len) = (None::<String>, None::<char>, None::<u32>);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "hex" if hex.is_none() => hex = Some(map.next_value()?),
                "fill" if fill.is_none() => fill = Some(map.next_value()?),
                "len" if len.is_none() => len = Some(map.next_value()?),
                "hex" | "fill" | "len" => {
                    return Err(de::Error::custom(format!("field `{key}` is given twice")));
                }
                other => return Err(de::Error::unknown_field(other, FIELDS)),
            }
        }
        match (hex, fill, len) {
            (Some(digits), None, None) => hex_bytes(&digits).map(Data::Hex).ok_or_else(|| {
                de::Error::custom("hex must be an even number of hexadecimal digits")
            }),
            (None, Some(_), Some(len)) if len > LEN_MAX => {
                Err(de::Error::custom(format!("len must be at most {LEN_MAX}")))
            }
            (None, Some(fill @ ' '..='~'), Some(len)) => {
                Ok(Data::Fill { byte: u8::try_from(fill).expect("printable ASCII is a byte"), len })
            }
            (None, Some(_), Some(_)) => {
                Err(de::Error::custom("fill must be one printable ASCII character"))
            }
            _ => Err(de::Error::custom("give either `hex`, or `fill` and `len`")),
        }
    }
}

fn hex_bytes(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        digits.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Data {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Data".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "payload bytes: text, hex digits, or one character repeated",
            "oneOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "hex": { "type": "string", "pattern": "^([0-9a-fA-F]{2})*$" } },
                    "required": ["hex"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "properties": {
                        "fill": { "type": "string", "pattern": "^[ -~]$" },
                        "len": { "type": "integer", "minimum": 0, "maximum": LEN_MAX },
                    },
                    "required": ["fill", "len"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_round_trip() {
        for json in [r#""hello""#, r#"{"hex":"00ff"}"#, r#"{"fill":"x","len":70}"#] {
            let data: Data = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&data).unwrap(), json);
            assert_eq!(Data::describe(&data.to_bytes()), data);
        }
        for bad in
            [r#"{"hex":"0"}"#, r#"{"hex":"é0"}"#, r#"{"fill":"xy","len":1}"#, r#"{"len":1}"#, "7"]
        {
            assert!(serde_json::from_str::<Data>(bad).is_err(), "{bad}");
        }
    }
}
