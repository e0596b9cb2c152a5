//! libFuzzer on the target `ledger`.
#![no_main]

mod engine;

engine::fuzz!("ledger");
