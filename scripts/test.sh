#!/bin/sh
# Runs `cargo test ARGUMENTS...`; fails where a test fails or none ran, and names every test that skipped.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
log=$(mktemp)
code=$(mktemp)
trap 'rm -f "$log" "$code"' EXIT

# What passing tests print is shown for its SKIPPED lines only; the log keeps them in a way awk can drop the rest.
{
    status=0
    cargo test "$@" -- --show-output || status=$?
    echo "$status" >"$code"
} 2>&1 | tee "$log" | awk '
    /^successes:$/ { quiet = 1 }
    /^(failures:|test result:)/ { quiet = 0 }
    !quiet { print; fflush() }'

skipped=$(grep '^SKIPPED' "$log" | sort -u || true)
if [ -n "$skipped" ]; then
    echo "These tests did not run in full:"
    printf '%s\n' "$skipped"
fi
passed=$(awk '/^test result:/ { sum += $4 } END { print sum + 0 }' "$log")
status=$(cat "$code")
echo "$passed tests passed."
if [ "${status:-1}" -ne 0 ]; then exit "${status:-1}"; fi
if [ "$passed" -eq 0 ]; then
    echo "No test ran: that is a failure." >&2
    exit 1
fi
