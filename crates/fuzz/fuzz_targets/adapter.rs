//! libFuzzer on the target `adapter`.
#![no_main]

mod engine;

engine::fuzz!("adapter");
