# Lists the recipes.
default:
    @just --list

# Formats all code.
fmt:
    cargo fmt --all

# Checks format, lints and documentation, as CI does.
lint:
    bash .ci/run fmt clippy clippy-alone clippy-schema clippy-arms clippy-fuzz docs

# Lints the Windows-only code, which the linter on Linux never sees.
lint-windows:
    .ci/live-build clippy

# Runs all tests.
test:
    cargo test

# Traces one scenario, `family/what-happens`.
scenario NAME:
    cargo run --release -- trace scenarios/{{ NAME }}.json

# Accepts what the tests see as the new snapshots and tables, all written anew. Read the diff.
bless:
    rm --recursive --force snapshots/*/
    UPDATE_README=1 INSTA_UPDATE=always cargo test

# Runs the corpus on Wine; `just live-wine --fence-check` looks for late messages.
live-wine *FLAGS:
    .ci/live-wine {{ FLAGS }}

# Writes the JSON Schemas.
schema:
    cargo run --release -- schema scenario > scenarios/format-1.schema.json
    cargo run --release -- schema suite > scenarios/suite-1.schema.json
    cargo run --release -- schema trace > scenarios/trace.schema.json

# Breaks the model's arm of each clause, and says which scenarios notice.
prove *FLAGS:
    cargo run --release --features arms -- coverage --prove {{ FLAGS }}

# Puts a shard of the model's mutants to the scenarios alone; `just mutants 0/32`.
mutants SHARD *FLAGS:
    .ci/mutants {{ SHARD }} {{ FLAGS }}

# Checks the dependencies that a crate must not have.
deps:
    .ci/deps

# Fuzzes a reader (`ls crates/fuzz/corpus`), say with -max_total_time=60; `cargo install cargo-fuzz`.
fuzz TARGET *FLAGS:
    mkdir -p target/fuzz/{{ TARGET }}
    cargo fuzz run --fuzz-dir crates/fuzz --sanitizer none --features libfuzzer {{ TARGET }} \
        target/fuzz/{{ TARGET }} crates/fuzz/corpus/{{ TARGET }} \
        {{ if TARGET =~ "^(script|outcomes|suite)$" { "scenarios" } else { "" } }} \
        -- -max_len=8192 -timeout=10 {{ FLAGS }}

# Measures.
bench:
    cargo bench

# Measures beside Stateright, Shuttle and turmoil: the tables of the README.
bench-peers:
    cargo run --release --manifest-path crates/bench/Cargo.toml

# Runs what CI runs.
ci:
    bash .ci/run
