#!/bin/sh
# The way from microphone to speaker at several periods of a JACK server, in frames, by JACK's own meter: NAPOT's dry way
# (rings, both resamplers and the engine) beside scsynth and Pure Data, and the meter connected to itself.
#
#   scripts/bench_latency.sh BINARY [PERIODS...]     64 128 256 512 where left out
#
# Needs jackd2; peers that are not installed (supercollider-server, puredata-core, python3) are left out. What runs beside
# it is in the figures: stop it first.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
binary=$(readlink -f "$1")
shift
[ $# -gt 0 ] || set -- 64 128 256 512
rig="$root/tests/rigs/sound.sh"
folder=$(mktemp -d)
peer=
end() {
    [ -z "$peer" ] || kill "$peer" 2>/dev/null || true
    "$rig" down jack "$folder/jack"
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT TERM

have() { command -v "$1" >/dev/null 2>&1; }

# Waits for a port whose name matches, and tells it.
port() {
    tries=0
    until found=$(jack_lsp | grep -m1 "$1"); do
        tries=$((tries + 1))
        [ "$tries" -lt 250 ] || { echo "no port like $1" >&2; return 1; }
        sleep 0.02
    done
    echo "$found"
}

# measure NAME INPUT OUTPUT: connects the meter and tells the median of what it prints in ten seconds, least and most.
measure() {
    timeout 14 stdbuf -oL jack_iodelay >"$folder/meter" 2>/dev/null &
    meter=$!
    jack_connect "$(port '_delay:out\|iodelay:out')" "$2" 2>/dev/null
    jack_connect "$3" "$(port '_delay:in\|iodelay:in')" 2>/dev/null
    wait "$meter" || true
    awk -v name="$1" -v period="$period" '
        /total roundtrip latency/ { values[++count] = $1 }
        END {
            # The first ones are from before the connection had settled.
            from = int(count / 3) + 1
            n = 0
            for (i = from; i <= count; i++) sorted[++n] = values[i]
            for (i = 2; i <= n; i++) { v = sorted[i]; for (j = i - 1; j > 0 && sorted[j] > v; j--) sorted[j + 1] = sorted[j]; sorted[j + 1] = v }
            if (n == 0) { printf "%6d  %-12s nothing came back\n", period, name; exit }
            middle = sorted[int((n + 1) / 2)]
            printf "%6d  %-12s %9.1f %9.1f %9.1f %8.2f %8.2f %6d\n", period, name, middle, sorted[1], sorted[n], middle / 48, middle / period, n
        }' "$folder/meter"
}

stop_peer() {
    kill "$peer" 2>/dev/null || true
    wait "$peer" 2>/dev/null || true
    peer=
}

printf 'period  what            median     least      most       ms  periods  count\n'
for period in "$@"; do
    # By itself, so that a start that fails ends the script.
    exports=$("$rig" up jack "$folder/jack" "$period")
    eval "$exports"

    timeout 8 stdbuf -oL jack_iodelay >"$folder/meter" 2>/dev/null &
    jack_connect "$(port '_delay:out\|iodelay:out')" loopback:playback_1 2>/dev/null
    jack_connect loopback:capture_1 "$(port '_delay:in\|iodelay:in')" 2>/dev/null
    wait $! || true
    awk -v period="$period" '/total roundtrip/ { last = $1; n++ }
        END { if (n) printf "%6d  %-12s %9.1f %9s %9s %8.2f %8.2f %6d\n", period, "a cable", last, "", "", last / 48, last / period, n }' "$folder/meter"

    "$binary" live --dry --camera none --no-view --quiet --for 40 --set vision.enabled=false --set record.retro_megabytes=0 \
        --set microphone.host=jack --set speaker.host=jack --set microphone.margin_ms=0.7 --set speaker.margin_ms=0.7 &
    peer=$!
    in=$(port '_in:in_0')
    out=$(port '_out:out_0')
    sleep 6
    measure NAPOT "$in" "$out"
    stop_peer

    if have scsynth && have python3; then
        SC_JACK_DEFAULT_INPUTS='' SC_JACK_DEFAULT_OUTPUTS='' scsynth -u 57199 -i 2 -o 8 -R 0 >"$folder/scsynth" 2>&1 &
        peer=$!
        in=$(port 'SuperCollider:in_1')
        out=$(port 'SuperCollider:out_1')
        sleep 1
        python3 "$root/scripts/peers/scsynth_through.py" 57199
        measure scsynth "$in" "$out"
        stop_peer
    fi
    if have pd; then
        pd -nogui -jack -nojackconnect -inchannels 1 -outchannels 1 -r 48000 -send 'pd dsp 1' \
            "$root/scripts/peers/through.pd" >"$folder/pd" 2>&1 &
        peer=$!
        in=$(port '[Pp]ure.*:input')
        out=$(port '[Pp]ure.*:output')
        sleep 1
        measure 'Pure Data' "$in" "$out"
        stop_peer
    fi
    "$rig" down jack "$folder/jack"
done
