//! Measures asyncselect beside Stateright, Shuttle and turmoil, and how its own cost grows.
//!
//! | arguments | does |
//! |---|---|
//! | none, or a number of rounds | prints all tables, in Markdown |
//! | `one NAME` | does one thing once and prints the most memory that it took, in bytes |
//!
//! | to find | look in |
//! |---|---|
//! | what is compared, and why it is fair | [`explore`], [`schedules`], [`replay`] |
//! | the model that engines are compared on | [`latch`] |
//! | how our own cost grows | [`growth`] |
//! | how it is measured | [`measure`] |
//!
//! Times are wall-clock medians of rounds in which all that is compared takes turns; behind a ratio
//! stand the least and the greatest of its rounds. They are no tests: the unit tests only assert
//! that what is compared does the same work.

mod explore;
mod growth;
mod latch;
mod measure;
mod peak;
mod replay;
mod report;
mod schedules;
mod scripts;
mod table;

use std::io::{Result, Write};
use std::process::ExitCode;

/// How often each thing is measured.
const ROUNDS: usize = 5;

/// Measures in so many rounds and makes a table of it.
type Table = fn(usize) -> String;

fn main() -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let rounds = match arguments[..] {
        ["one", name] if report::one(name) => {
            let bytes = peak::here().map_or_else(String::new, |bytes| bytes.to_string());
            writeln!(out, "{bytes}")?;
            return Ok(ExitCode::SUCCESS);
        }
        [] => Some(ROUNDS),
        [rounds] => rounds.parse().ok().filter(|rounds| *rounds > 0),
        _ => None,
    };
    let Some(rounds) = rounds else {
        writeln!(std::io::stderr(), "usage: asyncselect-bench [ROUNDS | one NAME]")?;
        return Ok(ExitCode::from(2));
    };
    let tables: [(&str, Table); 7] = [
        ("Exploration beside Stateright", report::exploration),
        ("Random orders beside Shuttle", report::schedules),
        ("Replay beside turmoil", report::replay),
        ("Sockets", growth::sockets),
        ("Packets in flight", growth::packets),
        ("Steps", growth::steps),
        ("Races", growth::races),
    ];
    for (title, table) in tables {
        writeln!(out, "### {title}\n\n{}", table(rounds))?;
    }
    Ok(ExitCode::SUCCESS)
}
