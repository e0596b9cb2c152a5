//! libFuzzer on the target `suite`.
#![no_main]

mod engine;

engine::fuzz!("suite");
