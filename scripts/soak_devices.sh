#!/bin/sh
# Kills, stops and unplugs the devices of live runs over and over, and prints a table of what came of it.
#
#   scripts/soak_devices.sh [CYCLES]      default: 100, some 20 minutes
#
# It is the test that `make test-live` runs with fewer cycles: nothing panics, no thread or descriptor is left behind, a
# device runs again within 2 s of its return, its frames add up to the frame, and the session replays to the bit. A
# line is printed only where all that held.
set -eu
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

status=0
NAPOT_CYCLES=${1:-100} cargo test --locked --test live cycles:: -- --include-ignored --nocapture --test-threads 2 >"$log" 2>&1 || status=$?
grep -v '^ *|' "$log" || true
echo '| fault | cycles | threads | descriptors | worst recovery | silence at each start | log lines a cycle | cores used |'
echo '|---|---|---|---|---|---|---|---|'
grep '^|' "$log" || true
exit "$status"
