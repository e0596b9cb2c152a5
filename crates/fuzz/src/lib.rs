//! Bytes that nobody has looked at, into everything that reads them: what must hold whatever they
//! are.
//!
//! | target | the bytes are | what happens to them |
//! |---|---|---|
//! | [`script`] | a scenario | it is checked; if it is one, run, judged, traced and explained on each profile |
//! | [`outcomes`] | a scenario | everything that can come of it, each written as a scenario that is read again |
//! | [`suite`] | a suite | it is checked; if it is one, explored for a few letters |
//! | [`recording`] | a recording | it is read; if it is one, what it shows is judged and checked |
//! | [`adapter`] | what an adapter writes | scenarios are run on it, judged and checked |
//! | [`profile`] | a profile | it is read; if it is one, a scenario is run on it |
//! | [`ledger`] | a ledger of known differences, or the list of what is not modelled | it is read |
//!
//! Each is a function that panics where something does not hold. `fuzz_targets` gives them to
//! libFuzzer, [`mutate`] changes JSON so that what comes out is still JSON, and the test `replay`
//! runs everything in `corpus`. What no target can see by itself is a hang: libFuzzer ends with an
//! error what takes too long, and the test what takes it.
//!
//! `clauses.json` is no file that is read: the tool is built with it.
#![forbid(unsafe_code)]

mod adapter;
mod lists;
pub mod mutate;
mod recording;
mod script;
mod scripts;
mod shown;
mod stack;
mod suite;

pub use adapter::adapter;
pub use lists::{ledger, profile};
pub use recording::recording;
pub use script::{outcomes, script};
pub use suite::suite;

use crate::mutate::Shape;

/// A target: its name, which is that of its folder in `corpus`, what its bytes look like, and what
/// to do with them.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What its bytes look like.
    pub shape: Shape,
    /// Panics where something does not hold.
    pub run: fn(&[u8]),
}

impl Target {
    /// The one of this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let found = TARGETS.iter().find(|target| target.name == name);
        *found.expect("there is a target of this name")
    }
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "script", shape: Shape::Document, run: script },
    Target { name: "outcomes", shape: Shape::Document, run: outcomes },
    Target { name: "suite", shape: Shape::Document, run: suite },
    Target { name: "recording", shape: Shape::Lines, run: recording },
    Target { name: "adapter", shape: Shape::Lines, run: adapter },
    Target { name: "profile", shape: Shape::Document, run: profile },
    Target { name: "ledger", shape: Shape::Document, run: ledger },
];
