#!/bin/sh
# Formatting, clippy, documentation, the house rules and the scripts' syntax: every fault fails.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

step() { printf '== %s\n' "$*"; }

step "scripts: syntax"
for script in scripts/*.sh scripts/*/*.sh .ci/run; do
    [ -f "$script" ] || continue
    sh -n "$script"
    if command -v shellcheck >/dev/null 2>&1; then shellcheck "$script"; fi
done

step "formatting: cargo fmt"
cargo fmt --all --check

step "the house: tests/architecture.rs"
mkdir -p target/lint
rustc --test --edition 2024 -D warnings tests/architecture.rs -o target/lint/architecture
target/lint/architecture --quiet

step "the fuzzer's dependencies: fuzz/Cargo.lock"
cargo fetch --quiet --locked --manifest-path fuzz/Cargo.toml

step "clippy"
cargo clippy --locked --all-targets -- -D warnings
cargo clippy --locked --no-default-features --lib --bins -- -D warnings

step "documentation: cargo doc"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

step "licences and advisories: cargo deny"
if cargo deny --version >/dev/null 2>&1; then
    cargo deny --locked check licenses bans sources
else
    echo "left out: cargo-deny is not installed (cargo install cargo-deny)"
fi
