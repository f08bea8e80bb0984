#!/bin/sh
# Real drivers in a virtual machine: camera (vivid) and sound card (snd-aloop) in one live run of 60 s, then both lost and
# found again. All times are the virtual machine's own, which counts instructions: it takes minutes, and other programs
# don't disturb it.
#
#   scripts/test_vm.sh BINARY [SECONDS]
#
# What is downloaded stays in target/vm. Needs python3 and what tests/rigs/vm.sh needs.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
missing=$(for tool in apt-get busybox cpio depmod v4l2-ctl aplay python3; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null || printf '%s ' "$tool"
done)
if [ -n "$missing" ]; then
    echo "SKIPPED: the virtual machine needs ${missing% }" >&2
    exit 0
fi
binary=$(readlink -f "$1")
seconds=${2:-60}

share="$root/target/vm/share"
rm -rf "$share"
mkdir -p "$share"
echo "$seconds" >"$share/seconds"
python3 - "$share/tone.wav" <<'TONE'
import math, struct, sys, wave

with wave.open(sys.argv[1], "wb") as sound:
    sound.setnchannels(2)
    sound.setsampwidth(2)
    sound.setframerate(48000)
    period = b"".join(2 * struct.pack("<h", round(8000 * math.sin(math.tau * i / 48))) for i in range(48))
    sound.writeframes(period * 1000 * 120)
TONE

"$root/tests/rigs/vm.sh" "$root/target/vm" "$share" "$root/tests/rigs/vm_guest.sh" $((10 * seconds + 700)) "$binary"
"$binary" export "$share/steady.mcap" --to wav --quiet
python3 "$root/tests/rigs/vm_check.py" "$share"
