//! Colours. They are taken away again where nobody would see them, so texts may always have them.

use anstyle::{AnsiColor, Style};

/// As it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// A finding.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Known to be otherwise, and no finding.
pub(crate) const KNOWN: Style = AnsiColor::Yellow.on_default();
/// Says nothing.
pub(crate) const SILENT: Style = Style::new().dimmed();

/// A text in a colour.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A text in a colour, in a column of this width. The blanks have no colour, so that those at the
/// end of a line can be cut off.
pub(crate) fn column(style: Style, text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.chars().count());
    format!("{style}{text}{style:#}{:blanks$}", "")
}
