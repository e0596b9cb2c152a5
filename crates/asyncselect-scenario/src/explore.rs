//! Everything that can happen: state spaces, and the search that visits each of their states once.
//!
//! | to find | look in |
//! |---|---|
//! | the engine, which knows nothing of sockets | [`search`] |
//! | how a path of choices becomes the numbers of a tree | [`tree`] |
//! | which states were seen | [`visited`] |
//! | the runs of a scenario as a state space | [`runs`] |
//! | what can come of a scenario, and how | [`outcomes`] |
//! | a run that goes one way of many | [`replay`] |
//! | such a way as a scenario file | [`schedule`] |

pub mod outcomes;
pub mod replay;
pub mod runs;
pub mod schedule;
pub mod search;
pub mod tree;
pub mod visited;
