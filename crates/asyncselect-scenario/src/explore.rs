//! Everything that can happen: state spaces, and the search that visits each of their states once.
//!
//! | to find | look in |
//! |---|---|
//! | the engine, which knows nothing of sockets | [`search`] |
//! | how a path of choices becomes the numbers of a tree | [`tree`] |
//! | which states were seen | [`visited`] |
//! | states as 64 bits | [`fingerprint`] |
//! | the runs of a scenario as a state space | [`runs`] |
//! | what can come of a scenario, and how | [`outcomes`] |
//! | a run that goes one way of many | [`replay`] |
//! | such a way as a scenario file | [`schedule`] |
//! | all sequences of the letters of a suite as a state space | [`bounded`] |
//! | what must hold of them, and what should be met | [`properties`] |
//! | how that is judged, from outside the model | `monitor` |
//! | the same of the runs of a scenario | `watch` |
//! | what became of each property | [`standing`] |
//! | what exploring a suite has shown | [`suite_report`] |
//! | a way through a suite as a scenario file | `counterexample` |
//!
//! # What is not reduced, and why
//!
//! *Orders.* In runs of a scenario, an arrival of which nobody is told and that makes no difference
//! to others is followed alone ([`runs::Reduction`]); a test says that neither outcomes nor
//! properties depend on it.
//!
//! *Equal sockets* are not exchanged for one another. Two states that differ by an exchange of two
//! sockets have the same future only if whatever names one of them to come is exchanged with
//! what names the other, and the same outcome only if what was seen of them is exchanged too:
//! * The steps of a scenario are a list. One that is to come names one of the two and not the
//!   other, or there is none; and what was seen names them, in `wParam` and by step. So
//!   they are interchangeable only where nothing names either any more, in what is left and in what
//!   was seen. Such a socket has no message, and no call: nobody distinguishes it anyhow.
//! * The letters of a suite are a set, which an exchange of names may map onto itself, and what is
//!   seen is no part of a state. There it would be sound, if what happened before is mapped onto
//!   itself too; it would halve the states at best. No alphabet in `scenarios/bounded` is like
//!   that: two sockets stand in it where they do different things.
//!
//! *Places* of sockets and connections do stand in states: in which order they were made, and where
//! one was closed. Programs cannot tell, but the model can: who comes next gets the value that
//! `handle_reuse` says, the lowest free port, and WSACleanup closes in this order. Leaving that out
//! would be sound where values are never used again and the rest is looked after. It was measured
//! what it would give at most, by bringing all states of a suite on `documented` up to five letters
//! into a form that does not know places:
//!
//! | suite | states | without places |
//! |---|---|---|
//! | `one-connection` | 6,862 | 6,748 |
//! | `several-machines` | 2,165 | 2,132 |
//! | `two-windows` | 8,433 | 8,330 |
//! | `waiting-calls` | 1,216 | 1,216 |
//! | `backlog` | 6,331 | 3,389 |
//!
//! Only where several connections are made does it pay, and suites that go deep have one. So each
//! step does not sort what it leads to.

pub mod bounded;
mod counterexample;
pub mod fingerprint;
mod monitor;
pub mod outcomes;
pub mod properties;
pub mod replay;
pub mod runs;
pub mod schedule;
pub mod search;
pub mod standing;
pub mod suite_report;
pub mod tree;
pub mod visited;
mod watch;
