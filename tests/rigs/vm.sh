#!/bin/bash
# Boots Debian's kernel in qemu with a virtual camera (vivid) and a loopback sound card (snd-aloop), and runs a script in it.
#
#   vm.sh CACHE SHARE SCRIPT SECONDS PROGRAM...
#
# CACHE keeps what is downloaded: the kernel, and qemu where it isn't installed; both are unpacked, not installed.
# SHARE is /host inside. SCRIPT runs inside with each PROGRAM and v4l2-ctl, aplay on its path, for SECONDS at most.
# Prints the console and exits with the script's status; 98 where the machine told none.
#
# The machine's time is its instruction count, one a nanosecond, and idle time is skipped: emulation is slow and the host
# may be busy, yet inside all is on time.
#
# Needs (Debian): busybox-static cpio kmod v4l-utils alsa-utils.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

cache=$(mkdir -p "$1" && cd "$1" && pwd)
share=$(mkdir -p "$2" && cd "$2" && pwd)
script=$3
limit=$4
shift 4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# unpack FOLDER PACKAGES...: once, and whole or not at all.
unpack() {
    local into=$1 package
    shift
    [ -d "$into" ] && return
    rm -rf "$into.part" && mkdir -p "$into.part"
    (cd "$folder" && apt-get -qq download "$@" 2>&1 | { grep -v unsandboxed || true; } >&2)
    for package in "$folder"/*.deb; do
        dpkg-deb -x "$package" "$into.part"
        rm "$package"
    done
    mv "$into.part" "$into"
}

qemu=(qemu-system-x86_64)
if ! command -v qemu-system-x86_64 >/dev/null; then
    mapfile -t missing < <(apt-get -s install --no-install-recommends qemu-system-x86 | awk '/^Inst/ { print $2 }')
    unpack "$cache/qemu" "${missing[@]}"
    libraries="lib/x86_64-linux-gnu"
    qemu=(env LD_LIBRARY_PATH="$cache/qemu/usr/$libraries:$cache/qemu/$libraries"
        QEMU_MODULE_DIR="$cache/qemu/usr/$libraries/qemu" "$cache/qemu/usr/bin/qemu-system-x86_64"
        -L "$cache/qemu/usr/share/qemu" -L "$cache/qemu/usr/share/seabios" -L "$cache/qemu/usr/lib/ipxe/qemu")
fi

image=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ { print $2; exit }')
version=${image#linux-image-}
kernel="$cache/$version"
unpack "$kernel" "$image"
[ -e "$kernel/lib/modules/$version/modules.dep" ] || depmod -b "$kernel" "$version"

# The root file system: busybox, the modules, the programs and their libraries.
root="$folder/root"
modules="lib/modules/$version"
mkdir -p "$root"/{bin,dev,proc,sys,tmp,host,"$modules",usr/share}
cp /bin/busybox "$root/bin/"
for applet in $(/bin/busybox --list); do
    [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
done
for module in virtio_pci 9pnet_virtio 9p vivid snd-aloop; do
    modprobe -d "$kernel" -S "$version" --show-depends "$module"
done | awk '/^insmod/ { print $2 }' | sort -u | while read -r file; do
    install -D -m 644 "$file" "$root/$modules/${file#*"$modules"/}"
done
cp "$kernel/$modules"/modules.{order,builtin,builtin.modinfo} "$root/$modules/"
depmod -b "$root" "$version"
cp -aL /usr/share/alsa "$root/usr/share/"

# add FILE PLACE: a program or library, without what debuggers read, and the libraries that it names.
add() {
    mkdir -p "$root$(dirname "$2")"
    strip --strip-debug -o "$root$2" "$1" 2>/dev/null || cp -L "$1" "$root$2"
    ldd "$1" 2>/dev/null | awk '/=> \// { print $3 } /^[[:space:]]*\/.*ld-linux/ { print $1 }' | while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp -Ln "$library" "$root$library"
    done
}
for program in "$@" "$(command -v v4l2-ctl)" "$(command -v aplay)"; do
    add "$program" "/bin/$(basename "$program")"
done
for plugin in /usr/lib/*-linux-gnu*/alsa-lib/*.so; do
    [ ! -e "$plugin" ] || add "$plugin" "$plugin"
done

cp "$script" "$share/.script"
cat >"$root/init" <<'INIT'
#!/bin/sh
export PATH=/bin HOME=/tmp RUST_BACKTRACE=1
mount -t proc p /proc
mount -t sysfs s /sys
mount -t devtmpfs d /dev
mkdir -p /dev/shm
mount -t tmpfs t /dev/shm
mount -t tmpfs t /tmp
modprobe virtio_pci
modprobe 9pnet_virtio
modprobe 9p
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 host /host
echo "guest: up after $(cut -d' ' -f1 /proc/uptime) s, kernel $(uname -r)"
timeout "$(sed -n 's/.*limit=\([0-9]*\).*/\1/p' /proc/cmdline)" sh /host/.script
echo "guest: status $?"
sync
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$folder/initrd"

timeout 3600 "${qemu[@]}" -M q35 -accel tcg,thread=single -icount shift=0,sleep=off -cpu max -smp 1 -m 1536 -nodefaults -no-user-config -display none \
    -no-reboot -serial stdio -kernel "$kernel/boot/vmlinuz-$version" -initrd "$folder/initrd" \
    -append "console=ttyS0 quiet loglevel=3 panic=-1 tsc=reliable mitigations=off limit=$limit" \
    -virtfs "local,path=$share,mount_tag=host,security_model=none" </dev/null 2>&1 |
    tr -d '\r' | tee "$folder/console" || true
status=$(sed -n 's/^guest: status //p' "$folder/console" | tail -n 1)
exit "${status:-98}"
