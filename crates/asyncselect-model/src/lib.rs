//! An executable specification of `WSAAsyncSelect` over a simulated network.
//!
//! Sans-IO and deterministic: no clock, no randomness, no thread. What the real world is free to
//! decide is asked of a [`chooser::Chooser`]; what happens goes to a [`sink::Sink`], with its
//! reason.
//!
//! | to find | look in |
//! |---|---|
//! | the state and its one door | [`world`] |
//! | whether an event is posted | [`latch`] |
//! | which conditions hold, in which order they are told | `evaluate` |
//! | replacement, cancellation, inheritance, validation | `registration` |
//! | what each call answers | `calls` and the files in it |
//! | what arriving segments do | `network` |
//! | several machines | `host` |
//! | changes of QoS, routes and addresses | `notice` |
//! | further descriptors, processes | `sharing` |
//! | what a provider keeps, slow upcalls | `provider` |
//! | where the network lies | [`stream`], [`datagram`] |
//! | what few worlds have | `more` |
//! | what must hold between any two moves | `invariants` |
//! | how an arm is broken, to see who notices | [`arm`] |
//! | where stacks differ | [`knob`], [`profile`] |
//! | which clause demands an effect | [`rule`] |
//! | what a checker outside may look at | [`view`] |
//!
//! Each rule stands in one place, with its clause id in a comment above it and in the effect that
//! it makes: `grep -rn AS-CL-03 crates/asyncselect-model/src` finds its arm.
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm, clippy::as_conversions)]

pub mod arm;
mod buffers;
mod calls;
pub mod chooser;
pub mod datagram;
mod evaluate;
mod event_mode;
mod event_object;
mod event_record;
mod host;
mod injected;
mod invariants;
pub mod knob;
pub mod latch;
mod list;
mod more;
mod multipoint;
mod network;
mod notice;
mod overlapped;
pub mod profile;
mod provider;
mod registration;
pub mod rule;
mod sharing;
mod shortage;
pub mod sink;
mod socket;
pub mod stream;
pub mod view;
mod window;
pub mod world;

pub use chooser::{Canonical, Choice, Chooser};
pub use knob::KnobId;
pub use profile::{Evidence, Profile};
pub use rule::Rule;
pub use sink::{Effect, Sink};
pub use world::{ModelError, Move, World};
