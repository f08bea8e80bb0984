#!/bin/sh
# Sound servers with virtual devices, for real streams without a sound card.
#
#   sound.sh up   jack|pulse FOLDER [PERIOD]   start, wait until ready, print `export` lines
#   sound.sh down jack|pulse FOLDER            stop what was started there
#
# jack   jackd2 with its dummy driver: paced by a timer, client threads of real-time priority where that is allowed;
#        loopback:capture_N gives what went to loopback:playback_N exactly a period before
# pulse  pulseaudio with two null sinks, rig_out and rig_mic, reached through ALSA; its clock is some 100 to 500 ppm off
#
# Needs (Debian): jackd2; pulseaudio pulseaudio-utils libasound2-plugins.
set -eu

verb=$1
server=$2
folder=$(mkdir -p "$3" && cd "$3" && pwd)
period=${4:-256}
rate=${RATE:-48000}
channels=${CHANNELS:-2}

# SCHED_FIFO where it is granted.
realtime() { chrt -f 1 true 2>/dev/null; }

wait_for() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -gt 250 ]; then
            echo "sound.sh: $server is not ready" >&2
            tail -n 20 "$folder/log" >&2
            exit 1
        fi
        sleep 0.02
    done
}

stop() {
    [ -f "$folder/pid" ] || return 0
    pid=$(cat "$folder/pid")
    kill -CONT "$pid" 2>/dev/null || true
    kill "$pid" 2>/dev/null || true
    tries=0
    while [ -e "/proc/$pid" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || kill -9 "$pid" 2>/dev/null || true
        sleep 0.02
    done
    rm -f "$folder/pid"
}

# begin PROGRAM ARGUMENTS...
begin() {
    # Whoever starts it waits for it: a killed server that nobody has waited for counts as one that runs.
    (
        "$@" &
        echo $! >"$folder/pid"
        wait
    ) >>"$folder/log" 2>&1 </dev/null &
    until [ -s "$folder/pid" ]; do sleep 0.01; done
}

stop
[ "$verb" = up ] || exit 0
case $server in
jack)
    export JACK_NO_AUDIO_RESERVATION=1 JACK_NO_START_SERVER=1
    name=rig-$(basename "$folder" | tr -cd 'A-Za-z0-9')
    priority=-r
    if realtime; then priority='-R -P 70'; fi
    # shellcheck disable=SC2086 # two words
    begin jackd -n "$name" $priority --port-max 128 -L 2 -d dummy -r "$rate" -p "$period" -C "$channels" -P "$channels"
    wait_for jack_lsp -s "$name"
    echo "export JACK_DEFAULT_SERVER=$name JACK_NO_START_SERVER=1"
    ;;
pulse)
    # Without norewinds the null sink sleeps for two seconds at a time.
    cat >"$folder/rig.pa" <<END
load-module module-native-protocol-unix auth-anonymous=1 socket=$folder/native
load-module module-null-sink sink_name=rig_out rate=$rate channels=$channels format=float32le norewinds=1
load-module module-null-sink sink_name=rig_mic rate=$rate channels=$channels format=float32le norewinds=1
set-default-sink rig_out
set-default-source rig_out.monitor
END
    cat >"$folder/asound.conf" <<END
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.rig_mic { type pulse device "rig_mic.monitor" hint { show on description rig_mic } }
END
    rm -f "$folder/native"
    export HOME="$folder" XDG_RUNTIME_DIR="$folder" PULSE_RUNTIME_PATH="$folder" DBUS_SESSION_BUS_ADDRESS=disabled:
    begin pulseaudio -n -F "$folder/rig.pa" --daemonize=no --use-pid-file=no --exit-idle-time=-1 --disable-shm=no --log-target=stderr
    wait_for env PULSE_SERVER="unix:$folder/native" pactl get-default-sink
    # It resets its own scheduling at its start, so it is asked for afterwards.
    if realtime; then chrt -a -f -p 50 "$(cat "$folder/pid")"; fi
    echo "export PULSE_SERVER=unix:$folder/native XDG_RUNTIME_DIR=$folder ALSA_CONFIG_PATH=$folder/asound.conf"
    ;;
*)
    echo "sound.sh: unknown server: $server (allowed: jack pulse)" >&2
    exit 2
    ;;
esac
