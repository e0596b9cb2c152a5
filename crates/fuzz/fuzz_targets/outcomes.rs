//! libFuzzer on the target `outcomes`.
#![no_main]

mod engine;

engine::fuzz!("outcomes");
