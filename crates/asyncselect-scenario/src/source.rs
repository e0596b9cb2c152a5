//! Scenario files as text: reading them, finding places in them, showing what is wrong.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::printable::escaped;

/// The largest file that is read, in bytes. The largest useful one has some kilobytes.
pub const FILE_LEN_MAX: u64 = 1 << 20;

/// The longest JSON path that is shown, in characters.
const PATH_LEN_MAX: usize = 100;

/// A text file and where it came from.
#[derive(Clone, Debug)]
pub struct Source {
    /// As the user named it.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Reads a file, unless it cannot be a scenario.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is no regular file, is too large or no UTF-8.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        Self::read_within(path, FILE_LEN_MAX)
    }

    /// Reads a file of text of at most so many bytes.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is no regular file, is too large or no UTF-8.
    pub fn read_within(path: &Path, len_max: u64) -> Result<Self, SourceError> {
        let fail = |why: String| SourceError::Unreadable { path: path.to_owned(), why };
        let metadata = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?;
        if !metadata.is_file() {
            return Err(fail("not a regular file".to_owned()));
        }
        if metadata.len() > len_max {
            let len = metadata.len();
            return Err(fail(format!("{len} bytes; at most {len_max} are read")));
        }
        let bytes = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        Self::from_bytes(path, bytes)
    }

    /// The text of a file that was read.
    ///
    /// # Errors
    ///
    /// If it is no UTF-8, or begins with a byte order mark.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, SourceError> {
        let fail = |why: String| SourceError::Unreadable { path: path.to_owned(), why };
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(fail("UTF-16; save it as UTF-8".to_owned()));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            fail(format!("not UTF-8 after byte {}", error.utf8_error().valid_up_to()))
        })?;
        if text.starts_with('\u{feff}') {
            return Err(fail("a byte order mark; save it as UTF-8 without one".to_owned()));
        }
        Ok(Self { path: path.to_owned(), text })
    }

    /// Parses the text as JSON of a known shape.
    ///
    /// # Errors
    ///
    /// With the place, what was expected there, and the nearest right spelling.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, SourceError> {
        // Keeping the path to where one is takes most of the time; only an error needs it.
        if let Ok(value) = serde_json::from_str(&self.text) {
            return Ok(value);
        }
        let mut json = serde_json::Deserializer::from_str(&self.text);
        let parsed = serde_path_to_error::deserialize(&mut json);
        parsed.map_err(|error| self.shape_error(&error)).and_then(|value| {
            json.end().map(|()| value).map_err(|error| {
                let at = offset_of(&self.text, error.line(), error.column());
                let message = "more text after the end of the object".to_owned();
                self.error_at(at..at, String::new(), message, None)
            })
        })
    }

    fn shape_error(&self, error: &serde_path_to_error::Error<serde_json::Error>) -> SourceError {
        let inner = error.inner();
        let text = inner.to_string();
        // serde_json appends the place; the snippet shows it better.
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(before, _)| before);
        let path = JsonPath::from(error.path());
        let at = offset_of(&self.text, inner.line(), inner.column());
        if let Some(key) = message.strip_prefix("duplicate field `") {
            let key = key.trim_end_matches('`');
            let quoted = format!("\"{key}\"");
            let starts = self.text.match_indices(&quoted).map(|(start, _)| start);
            let second = starts.take_while(|start| *start <= at).last().unwrap_or(at);
            let message = format!("`{key}` is given twice");
            let span = second..second + quoted.len();
            return self.error_at(span, path.key(key.to_owned()).to_string(), message, None);
        }
        let span = if inner.is_data() { self.locate(&path) } else { None };
        let is_json = serde_json::from_str::<IgnoredAny>(&self.text).is_ok();
        let (message, help) = match message {
            "expected value" if is_json && !HAVE_PARAMETERS.contains(&path.last_key()) => {
                ("expected a name".to_owned(), None)
            }
            _ => in_plain_words(message, is_json),
        };
        self.error_at(span.unwrap_or(at..at), path.to_string(), message, help)
    }

    /// An error about the value at a path.
    #[must_use]
    pub fn error(&self, path: &JsonPath, message: String, help: Option<String>) -> SourceError {
        let span = self.locate(path).unwrap_or(0..0);
        self.error_at(span, path.to_string(), message, help)
    }

    fn error_at(
        &self,
        span: Range<usize>,
        at: String,
        message: String,
        help: Option<String>,
    ) -> SourceError {
        let (line, column) = line_column(&self.text, span.start);
        // Names of the file are in them; a list of names goes over several lines.
        let (at, message) = (escaped(at, &[]), escaped(message, &[]));
        let help = help.map(|help| escaped(help, &['\n']));
        let render = |renderer: Renderer| {
            let text = render(self, &span, &at, &message, help.as_deref(), &renderer);
            // The renderer looks after control characters of the file, but for these.
            text.replace(|c| matches!(c, '\u{7f}'..='\u{9f}'), "\u{fffd}")
        };
        let (plain, styled) = (render(Renderer::plain()), render(Renderer::styled()));
        let rendered = Box::new(Rendered { plain, styled });
        let (path, message) = (self.path.clone(), message.into());
        SourceError::Invalid { path, line, column, at, message, help, rendered }
    }

    /// The 1-based line of the value at a path.
    #[must_use]
    pub fn line_of(&self, path: &JsonPath) -> Option<usize> {
        self.locate(path).map(|span| line_column(&self.text, span.start).0)
    }

    /// Where the value at a path stands; for a key that should not be there, the key itself.
    /// An object or list that goes on over several lines is marked on its first line only.
    fn locate(&self, path: &JsonPath) -> Option<Range<usize>> {
        let offset_in = |part: &str| part.as_ptr().addr() - self.text.as_ptr().addr();
        let mut value: &RawValue = serde_json::from_str(&self.text).ok()?;
        for segment in &path.0 {
            let next = match segment {
                PathSegment::Index(index) => {
                    let items: Vec<&RawValue> =
                        serde_json::from_str(value.get()).unwrap_or_default();
                    items.get(*index).copied()
                }
                PathSegment::Key(key) => {
                    let entries = serde_json::from_str(value.get());
                    let Entries(entries) = entries.unwrap_or(Entries(Vec::new()));
                    entries.into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
                }
            };
            match next {
                Some(next) => value = next,
                None => break,
            }
        }
        let start = offset_in(value.get());
        let first_line = value.get().lines().next().map_or(0, str::len);
        let span = start..start + first_line;
        // An unknown field is better marked than its value.
        let key = path.0.last().and_then(|segment| match segment {
            PathSegment::Key(key) => Some(format!("\"{key}\"")),
            PathSegment::Index(_) => None,
        });
        let before = &self.text[..start];
        let key_start = key.as_deref().and_then(|key| before.rfind(key));
        match (key_start, key) {
            (Some(at), Some(key)) if before[at + key.len()..].trim() == ":" => Some(at..span.end),
            _ => Some(span),
        }
    }
}

/// A JSON object whose values are still text.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(EntriesVisitor).map(Self)
    }
}

/// The way to a value: `steps[3].do.send.s`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonPath(Vec<PathSegment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathSegment {
    Key(Cow<'static, str>),
    Index(usize),
}

impl JsonPath {
    /// The way to a step.
    #[must_use]
    pub fn step(index: usize) -> Self {
        Self::default().key("steps").index(index)
    }

    /// One object further in.
    #[must_use]
    pub fn key(mut self, key: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(PathSegment::Key(key.into()));
        self
    }

    /// One list further in.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(PathSegment::Index(index));
        self
    }

    /// The innermost object's field that it goes through.
    fn last_key(&self) -> &str {
        let key = self.0.iter().rev().find_map(|segment| match segment {
            PathSegment::Key(key) => Some(key.as_ref()),
            PathSegment::Index(_) => None,
        });
        key.unwrap_or_default()
    }
}

impl From<&serde_path_to_error::Path> for JsonPath {
    fn from(path: &serde_path_to_error::Path) -> Self {
        use serde_path_to_error::Segment;
        let segment = |segment: &Segment| match segment {
            Segment::Seq { index } => Some(PathSegment::Index(*index)),
            Segment::Map { key } => Some(PathSegment::Key(key.clone().into())),
            Segment::Enum { variant } => Some(PathSegment::Key(variant.clone().into())),
            Segment::Unknown => None,
        };
        Self(path.iter().map_while(segment).collect())
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                PathSegment::Index(index) => write!(f, "[{index}]")?,
                PathSegment::Key(key) if position == 0 => f.write_str(key)?,
                PathSegment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// An error with the lines that it is about.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// As it is.
    pub plain: String,
    /// With colours for terminals.
    pub styled: String,
}

/// What is wrong with a file.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SourceError {
    /// It could not be read.
    #[error("cannot read {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// It could be read, but not understood.
    #[error("{}", rendered.plain)]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// The JSON path.
        at: String,
        /// What is wrong there.
        message: Box<str>,
        /// What to write instead, if there is a guess.
        help: Option<String>,
        /// All of it, as people read it.
        rendered: Box<Rendered>,
    },
}

impl SourceError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::Invalid { path, .. } => path,
        }
    }

    /// The text with colours for terminals.
    #[must_use]
    pub fn styled(&self) -> String {
        match self {
            Self::Unreadable { .. } => self.to_string(),
            Self::Invalid { rendered, .. } => rendered.styled.clone(),
        }
    }
}

fn render(
    source: &Source,
    span: &Range<usize>,
    at: &str,
    message: &str,
    help: Option<&str>,
    renderer: &Renderer,
) -> String {
    let path = source.path.display().to_string();
    let snippet = Snippet::source(&source.text)
        .path(&path)
        .annotation(AnnotationKind::Primary.span(span.clone()));
    let mut group = Level::ERROR.primary_title(message).element(snippet);
    let place = match at.char_indices().nth(PATH_LEN_MAX) {
        Some((end, _)) => format!("at {}…", &at[..end]),
        None => format!("at {at}"),
    };
    if !at.is_empty() {
        group = group.element(Level::NOTE.message(place.as_str()));
    }
    if let Some(help) = help {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// The byte offset of a 1-based line and column as serde_json counts them.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The fields in which a name has parameters; in all others it stands alone.
const HAVE_PARAMETERS: [&str; 4] = ["do", "fault", "happen", "optval"];

/// The longest list of choices that stands in the message itself.
const CHOICES_MAX: usize = 8;

/// What serde and serde_json say, in the words of JSON and without names of our types; and help.
/// `is_json` tells that the whole text is JSON, so that what they call its syntax is its shape.
fn in_plain_words(message: &str, is_json: bool) -> (String, Option<String>) {
    match message {
        "expected value" | "invalid type: unit variant, expected struct variant" if is_json => {
            let expected = "expected an object with just one name and its parameters";
            return (expected.to_owned(), None);
        }
        "trailing characters" if is_json => return ("one item too many".to_owned(), None),
        _ => {}
    }
    if message.starts_with("unknown ") {
        // The first name in backticks is what was found, the others are what exists.
        let mut names = message.split('`').skip(1).step_by(2);
        let found = names.next().unwrap_or_default();
        let names: Vec<&str> = names.collect();
        let help = nearest(found, names.iter().copied());
        let (head, _) = message.split_once(", expected").unwrap_or((message, ""));
        let short = if names.len() > CHOICES_MAX { head } else { message };
        let help = help.or_else(|| (names.len() > CHOICES_MAX).then(|| choices(names)));
        return (short.replace("unknown variant", "unknown name"), help);
    }
    let words = [
        ("EOF while parsing a value", "the file ends where a value should stand"),
        ("EOF while parsing a list", "the file ends inside a list"),
        ("EOF while parsing an object", "the file ends inside an object"),
        ("EOF while parsing a string", "the file ends inside a string"),
        ("expected value", "expected a JSON value"),
        ("recursion limit exceeded", "lists and objects are nested too deeply"),
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: object"),
        ("invalid type: floating point", "invalid type: number"),
        ("expected a sequence", "expected a list"),
        ("expected an array of length 2", "expected a list of two"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected i32", "expected a whole number from -2147483648 to 2147483647"),
        ("expected i64", "expected a whole number"),
    ];
    let mut plain = message.to_owned();
    for (ours, theirs) in words {
        plain = plain.replace(ours, theirs);
    }
    // What serde expects ends its message; if that is one of our types, it names it.
    if let Some((before, expected)) = plain.split_once(", expected ") {
        let kind = match expected.split(' ').next() {
            Some("struct" | "tuple") => "an object",
            Some("enum" | "variant") => "a name",
            Some("unit") => "the name alone",
            _ => return (plain, None),
        };
        plain = format!("{before}, expected {kind}");
    }
    (plain, None)
}

/// Everything that could stand at a place, in lines that fit a terminal.
#[must_use]
pub fn choices<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = "there are".to_owned();
    let mut column = "help: ".len() + text.len();
    for (position, name) in names.into_iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        let word = format!("`{name}`");
        let len = word.chars().count() + 2;
        text.push_str(comma);
        text.push(if column + len > 90 { '\n' } else { ' ' });
        column = if column + len > 90 { len } else { column + len };
        text.push_str(&word);
    }
    text
}

/// `did you mean …?`, if one of the candidates is near enough. The nearest is one that differs in
/// capitals, hyphens and leading zeros at most.
#[must_use]
pub fn nearest<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (lower, bare) = (found.to_lowercase(), bare(found));
    let len = found.chars().count();
    let far = (len / 3).max(2);
    let best = candidates
        .into_iter()
        .map(|candidate| {
            // As many letters as one has more are to be put in at least; to count them all takes
            // long where somebody has written a book into a name.
            let more = candidate.chars().count().abs_diff(len);
            let distance = match more > far {
                true => more,
                false => strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
            };
            (self::bare(candidate) != bare, distance, candidate)
        })
        .filter(|(differs, distance, candidate)| {
            // `wine` is nearer to `wine-8.0` than the count of letters says.
            let begins = len > 2 && candidate.to_lowercase().starts_with(&lower);
            !*differs || *distance <= far || begins
        })
        .min();
    best.map(|(.., candidate)| format!("did you mean `{candidate}`?"))
}

/// An id without what is easily left out of it or put into it: `c1` is `C1` and `C-01`.
fn bare(id: &str) -> String {
    let mut bare = String::new();
    let mut letters = id.chars().filter(|letter| *letter != '-').peekable();
    while let Some(letter) = letters.next() {
        let leads = !bare.ends_with(|before: char| before.is_ascii_digit());
        let more = letters.peek().is_some_and(char::is_ascii_alphanumeric);
        if letter != '0' || !leads || !more {
            bare.extend(letter.to_lowercase());
        }
    }
    bare
}
