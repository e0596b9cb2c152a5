//! Everything that can happen: state spaces, and the search that visits each of their states once.
//!
//! | to find | look in |
//! |---|---|
//! | the engine, which knows nothing of sockets | [`search`] |
//! | how a path of choices becomes the numbers of a tree | [`tree`] |
//! | which states were seen | [`visited`] |

mod fingerprint;
pub mod search;
pub mod tree;
pub mod visited;
