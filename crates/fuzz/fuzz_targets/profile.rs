//! libFuzzer on the target `profile`.
#![no_main]

mod engine;

engine::fuzz!("profile");
