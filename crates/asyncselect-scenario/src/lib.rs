//! JSON scenarios about `WSAAsyncSelect`: run on a stack, traced, judged, compared.
//!
//! The life of a scenario: bytes ([`source`]) become a [`script_file`] (spelling and shape), then a
//! [`script`] (every name resolved), then a [`program`] that [`runner`] carries out on a [`stack`]:
//! the model ([`sim`]), somebody's [`adapter`], or a [`recording`]. A run leaves a [`trace`], two
//! verdicts ([`judge`]), and differences from other stacks ([`diff`]). What else could have come of
//! it is for [`explore`] to find, and whether what came is allowed, for [`check`].
//!
//! Each stage is a type and fails in its own way. None has semantics of its own: what must happen
//! is in the file, what would happen is in the model.
#![forbid(unsafe_code)]

pub mod adapter;
pub mod alike;
pub mod bundle;
pub mod check;
pub mod clauses;
pub mod corpus;
pub mod diff;
pub mod explain;
pub mod explore;
pub mod judge;
pub mod known;
pub mod leeway;
pub mod not_modelled;
mod printable;
pub mod profile_file;
pub mod program;
pub mod questions;
pub mod recording;
pub mod runner;
pub mod schema;
pub mod script;
pub mod script_file;
pub mod sight;
pub mod sim;
pub mod simulate;
pub mod source;
pub mod stack;
pub mod trace;
