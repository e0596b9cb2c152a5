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
