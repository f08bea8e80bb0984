#!/bin/sh
# Holds live exchange over LSL against pylsl and MNE-Python, in real time.
#
#   scripts/check_lsl.sh [SECONDS]      how long electrodes are received; default 20, the figure is of 600
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
python=.peers/bin/python
failed=0

sh scripts/peers/make_environment.sh
cargo build --release --locked --features lsl --bin napot
# A copy: a build without the feature may take its place meanwhile.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp target/release/napot "$copy"
"$python" scripts/peers/lsl_check.py "$copy/napot" "${1:-20}" || failed=1
"$python" scripts/peers/oddball_check.py "$copy/napot" || failed=1
exit "$failed"
