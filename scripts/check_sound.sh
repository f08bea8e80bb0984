#!/bin/sh
# Has ffmpeg's EBU R 128 meter judge the field's sound: of the room and of music, in every scene.
#
#   scripts/check_sound.sh PROGRAM DATA [SECONDS]     600 s by default: a quarter of an hour of work for all
#
# Fails where a run is not at -23 LUFS within 1 LU, or its true peak is above -1 dBTP.
set -eu

program=$1
data=$2
seconds=${3:-600}
command -v ffmpeg >/dev/null 2>&1 || { echo "check_sound: ffmpeg is missing: it is the judge" >&2; exit 3; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# judge NAME: of $work/out/sound.wav
judge() {
    ffmpeg -hide_banner -nostats -i "$work/out/sound.wav" -af ebur128=peak=true:framelog=verbose -f null - 2>"$work/said"
    sed -n '/Summary:/,$p' "$work/said" | awk -v name="$1" '
        $1 == "I:" { loud = $2 } $1 == "LRA:" { range = $2 } $1 == "Peak:" { peak = $2 }
        END {
            good = loud >= -24 && loud <= -22 && peak <= -1
            printf "%s  %-14s %6.1f LUFS, range %4.1f LU, true peak %6.1f dBTP\n", good ? "ok  " : "FAIL", name, loud, range, peak
            exit !good
        }'
}

# play NAME SCENE CALL...
failed=0
play() {
    name=$1 scene=$2
    shift 2
    "$program" "$@" --speed max --for "$seconds" --no-view --quiet --set "sound.scene=$scene" --out "$work/out" >/dev/null
    judge "$name $scene" || failed=1
    rm -rf "$work/out"
}

for scene in field glass rain sea; do
    play room "$scene" demo
    if [ -f "$data/audio/drum-bass.ogg" ]; then
        play music "$scene" replay "$data/audio/drum-bass.ogg" --loop
    else
        echo "left out: music, as $data/audio/drum-bass.ogg is not there"
    fi
done
exit "$failed"
