# What runs inside the virtual machine of vm.sh: lists the devices, runs with them, and takes them away in the middle.
# Reads /host/seconds and /host/tone.wav; leaves /host/devices.json, /host/steady, /host/steady.mcap, /host/blocks,
# /host/faults and /host/faults.log, whose lines begin with seconds since boot.
seconds=$(cat /host/seconds)
camera=/sys/bus/platform/drivers/vivid
sound=/sys/bus/platform/drivers/snd_aloop

# ALSA's own configuration names this group.
mkdir -p /etc
echo "audio:x:29:" >/etc/group

# `multiplanar=1` is one plane only. Its stamps are of when a picture was made, not of when the next one will be.
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0 multiplanar=1
modprobe snd-aloop
v4l2-ctl -d0 -c timestamp_source=1

# Plays into one end of the loopback card for as long as it is there.
while :; do
    aplay -q -D hw:CARD=Loopback,DEV=0 /host/tone.wav 2>/dev/null
    sleep 0.1
done &
sleep 1

stamp() {
    while read -r line; do echo "$(cut -d' ' -f1 /proc/uptime) $line"; done
}

# live NAME SECONDS ARGUMENTS...: both devices in one process. The array is small, so that emulation takes minutes; blocks
# are long, as snd-aloop gives frames by a timer of 4 ms.
live() {
    name=$1
    length=$2
    shift 2
    napot live --no-view --for "$length" --out "/tmp/$name" --record "/tmp/$name.mcap" \
        --camera vivid --microphone hw:CARD=Loopback,DEV=1 --speaker none \
        --set camera.width=640 --set camera.height=360 --set camera.format=YUYV \
        --set microphone.host=alsa --set microphone.block_frames=1024 \
        --set vision.height=8 --set vision.width=8 --set hearing.cochlea.channels=8 --set hearing.cochlea.rates=4 \
        --set array.bands=2 --set array.twin=false --set record.retro_megabytes=0 "$@"
}

napot devices --json >/host/devices.json
# While the machine waits for its host its time flies: a run leaves nothing there until it has ended.
live steady "$seconds" >/tmp/steady.log 2>&1
echo "rig: steady run: status $?"
cp -r /tmp/steady /tmp/steady.log /tmp/steady.mcap /host/

# Left to itself it begins with blocks that are too short for that card, which says no error.
live blocks 40 --set microphone.block_frames=0 >/tmp/blocks.log 2>&1
cp -r /tmp/blocks /tmp/blocks.log /host/

{ live faults 24 2>&1; echo "status $?"; } | stamp >/tmp/faults.log &
run=$!
rig() { echo "rig: $*" | stamp >>/tmp/rig.log; }
sleep 7
# This control takes the camera from who has it open; who opens it anew gets it.
rig camera gone
rig camera back
v4l2-ctl -d0 -c disconnect=1
sleep 3
rig camera gone
echo vivid.0 >"$camera/unbind"
sleep 2
rig camera back
echo vivid.0 >"$camera/bind"
sleep 4
rig microphone gone
echo snd_aloop.0 >"$sound/unbind"
sleep 2
rig microphone back
echo snd_aloop.0 >"$sound/bind"
wait "$run"
cp -r /tmp/faults /tmp/faults.log /tmp/rig.log /host/
