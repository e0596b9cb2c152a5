//! What others wrote, as reports may show it.

/// The beginning of something long, without control characters: what a file or an adapter says must
/// not fill reports or forge lines of them.
pub(crate) fn printable(text: &str, chars_max: usize) -> String {
    let start: String = text.chars().take(chars_max).collect();
    let dots = if start.len() < text.len() { "…" } else { "" };
    let shown = |c: char| match c {
        '"' | '\'' | '\\' => c.into(),
        other => other.escape_debug().to_string(),
    };
    start.chars().map(shown).chain([dots.to_owned()]).collect()
}

/// All of it, its control characters as they are written in Rust.
pub(crate) fn escaped(text: String, but: &[char]) -> String {
    let stays = |c: char| !c.is_control() || but.contains(&c);
    if text.chars().all(stays) {
        return text;
    }
    let shown = |c: char| if stays(c) { c.to_string() } else { c.escape_default().to_string() };
    text.chars().map(shown).collect()
}
