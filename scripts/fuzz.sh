#!/bin/sh
# Fuzzes the importers by LLVM's libFuzzer, one after the other, and says how many inputs each took.
#
#   scripts/fuzz.sh [RUNS [IMPORTER...]]      default: 1000000 inputs for each importer
#
# It begins with the inputs in tests/data/fuzz and keeps what reaches new code in target/fuzz/corpus. An input that
# panics, or takes too much memory or time, stays in target/fuzz/found; it ends the script with code 1.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
runs=${1:-1000000}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- wave flac ogg mpeg mp4 aiff caf matroska avi y4m gif still table edf xdf mcap session

# What cargo-fuzz sets, but for the sanitisers, which need an unstable compiler.
passes="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
counters="-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
target=$(rustc -vV | sed -n 's/^host: //p')
# With a target, the flags are not those of build scripts and macros.
RUSTFLAGS="$passes $counters -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1" \
    cargo build --release --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz --target "$target"

failed=0
for importer in "$@"; do
    corpus=target/fuzz/corpus/$importer
    found=target/fuzz/found/$importer
    mkdir -p "$corpus" "$found" "tests/data/fuzz/$importer"
    # Without a search path no input reaches the `ffmpeg` program.
    NAPOT_IMPORTER=$importer PATH=/nowhere "target/fuzz/$target/release/importer" "$corpus" \
        "tests/data/fuzz/$importer" -runs="$runs" -max_len=8192 -timeout=60 -rss_limit_mb=2048 \
        -artifact_prefix="$found/" -print_final_stats=1 >"$found/log" 2>&1 || failed=1
    echo "$importer: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found/log") inputs," \
        "$(find "$found" -name '*-*' | wc -l) findings"
done
exit "$failed"
