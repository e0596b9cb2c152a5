//! Tables in Markdown, and numbers in them.

use crate::measure::Series;

/// A table: its head, then its rows.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("{}{rule}{rows}", line(&head))
}

/// Three digits: 1.23 M, 45.6 k, 789.
pub(crate) fn short(number: f64) -> String {
    let (value, unit) = match number {
        1e9.. => (number / 1e9, " G"),
        1e6.. => (number / 1e6, " M"),
        1e4.. => (number / 1e3, " k"),
        _ => (number, ""),
    };
    let digits = match value {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.digits$}{unit}")
}

/// The median alone.
pub(crate) fn median(series: &Series) -> String {
    short(series.median())
}

/// The median, with the least and the greatest of the rounds.
pub(crate) fn spread(series: &Series) -> String {
    let (least, greatest) = series.spread();
    format!("{} ({} to {})", short(series.median()), short(least), short(greatest))
}
