#!/bin/sh
# Hands what napot wrote to outside judges: MNE-Python, specparam, librosa, mir_eval, SciPy, pyxdf, scikit-image,
# scikit-learn, BM3D, OpenCV; reads what others wrote. Takes some minutes.
#
#   scripts/check_peers.sh [DATA_FOLDER]      recordings; default ../shared/data
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
data=${1:-../shared/data}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
napot=target/release/napot
python=.peers/bin/python
failed=0

judge() {
    name=$1
    shift
    "$python" "scripts/peers/$name" "$@" || failed=1
}

sh scripts/peers/make_environment.sh
cargo build --release --locked --bin napot --example aperiodic --example xdf --example topics --example digits

for chi in 1 1.5; do
    "$napot" demo --config configs/quiet.toml --set "array.chi=$chi" --seed 1 --for 120 --speed max --no-view \
        --quiet --out "$out/chi-$chi"
    judge specparam_check.py "$out/chi-$chi/electrodes.edf" "$out/chi-$chi/report.json" --chi "$chi"
done
judge pink_check.py "$out/chi-1/sound.wav"
"$napot" validate --quick --json >"$out/rows.json" || failed=1
judge validate_check.py "$out/rows.json"
judge binding_check.py "$napot" "$data"
judge segmentation_check.py "$napot" "$data"
judge xdf_check.py target/release/examples/xdf
judge session_check.py "$napot"
judge mcap_check.py target/release/examples/topics

if [ -d "$data" ]; then
    judge sync_check.py "$napot" "$data"
    judge spectra_check.py "$data/spectra" target/release/examples/aperiodic
    sound=$data/audio/drum-bass.ogg
    "$napot" replay "$sound" --seed 1 --speed max --no-view --quiet --out "$out/drums"
    judge onsets_check.py "$sound" "$out/drums/report.json"
    judge memory_check.py "$napot" target/release/examples/digits "$data/image"
    judge restoration_check.py "$napot" "$data/image"
    judge inpainting_check.py "$napot" "$data/image" "$data/av/cockatoo.mp4"
else
    echo "SKIPPED: sync_check, spectra_check, onsets_check, memory_check, restoration_check, inpainting_check: there is no folder $data"
fi
exit "$failed"
