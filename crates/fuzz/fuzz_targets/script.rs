//! libFuzzer on the target `script`.
#![no_main]

mod engine;

engine::fuzz!("script");
