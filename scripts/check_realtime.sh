#!/bin/sh
# Runs the engine under the compiler's real-time sanitizer: what allocates, waits for a lock or prints within a tick, or
# within a sound device's callback, ends the process with its stack. First shows that it does.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
target=$(rustc -vV | sed -n 's/^host: //p')
# The sanitizer is part of the stable compiler's libraries; only its flag is not settled yet.
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="--cfg napot_rtsan -Zsanitizer=realtime" CARGO_INCREMENTAL=0
in_place="--locked --target $target --target-dir target/rtsan"

echo "== a planted allocation ends the process"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # words
if cargo test $in_place --test realtime -- --ignored a_planted_allocation >"$log" 2>&1; then
    echo "the sanitizer let it pass" >&2
    exit 1
fi
grep -q 'RealtimeSanitizer: unsafe-library-call' "$log" || {
    tail -n 20 "$log" >&2
    echo "it failed for another reason" >&2
    exit 1
}
echo "== callbacks and ticks of devices"
# shellcheck disable=SC2086 # words
cargo test $in_place --test realtime
# shellcheck disable=SC2086 # words
cargo build $in_place --bin napot
echo "== a run of the room"
"target/rtsan/$target/debug/napot" demo --for 5 --speed max --no-view --quiet --out "$(mktemp -d)" \
    --set vision.height=32 --set vision.width=32
if command -v jackd >/dev/null; then
    echo "== a live run with a microphone and a speaker"
    folder=$(mktemp -d)
    # By itself, so that a start that fails ends the script.
    exports=$(tests/rigs/sound.sh up jack "$folder" 256)
    eval "$exports"
    status=0
    "target/rtsan/$target/debug/napot" live --for 10 --no-view --quiet --camera none --set vision.enabled=false || status=$?
    tests/rigs/sound.sh down jack "$folder"
    rm -rf "$folder"
    exit "$status"
fi
echo "SKIPPED: a live run: jackd is not installed"
