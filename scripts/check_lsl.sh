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
"$python" scripts/peers/lsl_check.py target/release/napot "${1:-20}" || failed=1
"$python" scripts/peers/oddball_check.py target/release/napot || failed=1
exit "$failed"
