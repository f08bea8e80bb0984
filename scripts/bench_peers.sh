#!/bin/sh
# Times the lattice's step against the same work in C, Numba, JAX, PyTorch, NumPy and Brian2, or a read of the memory of
# pictures against NumPy and PyTorch. Takes some minutes.
#
#   scripts/bench_peers.sh [SIDE] [--rounds N] [--only NAME] [--json]     default: 256, 5 rounds, every peer
#   scripts/bench_peers.sh memory [--rounds N] [--json]                   default: 11 rounds
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
wanted=benches/peers/requirements.txt
# Apart from the judges' packages, which need other versions.
environment=.peers/bench

if ! cmp -s "$wanted" "$environment/requirements.txt"; then
    echo "Making the peers' Python environment in $environment (needs the network once, and 7 GB) ..." >&2
    rm -rf "$environment"
    python3 -m venv "$environment"
    # One by one: a library that has no build for this machine leaves the others in the table.
    while read -r requirement; do
        "$environment/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check -c "$wanted" "$requirement" </dev/null ||
            echo "bench_peers.sh: going on without $requirement (rm -r $environment to try again)" >&2
    done <"$wanted"
    cp "$wanted" "$environment/requirements.txt"
fi
if [ "${1-}" = memory ]; then
    shift
    cargo build --release --locked --example attention
    exec python3 benches/peers/memory.py "$@"
fi
cargo build --release --locked --bin napot
exec python3 benches/peers/run.py "$@"
