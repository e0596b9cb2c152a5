//! libFuzzer on the target `recording`.
#![no_main]

mod engine;

engine::fuzz!("recording");
