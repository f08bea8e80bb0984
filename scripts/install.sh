#!/bin/sh
# Installs what a fresh Debian machine lacks, only that, and says what and why.
#
#   scripts/install.sh [build] [lint] [media] [page] [peers] [compilers] [arm64] [gpu] [rigs] [attack] [vm]
#
#   build  a linker and the C library's headers for cargo, and
#          what sound cards and cameras are built with          needed
#   lint   clippy and rustfmt, of rustup                        needed
#   media  ffmpeg, for codecs without a decoder in Rust         goes on without
#   page   chromium, and node with npm, for tests and pictures
#          of the page                                         goes on without
#   peers  Python with venv, for `make check-peers`             needed
#   compilers  gcc, g++ and Python's headers, for the peers of
#          `make bench-peers` that are compiled                 goes on without
#   arm64  a linker for 64-bit ARM and qemu, for
#          `make check-arm64`                                   goes on without
#   gpu    Mesa's Vulkan on the processor, for `make check-gpu` needed
#   rigs   sound servers with virtual devices, for the tests of
#          live runs                                           goes on without
#   attack Python, for `make test-attack`                       needed
#   vm     what a virtual machine is made of, for `make test-vm`;
#          qemu itself is unpacked there, not installed        goes on without
#
# Where all is there it does nothing. Where it may not install (no root, no apt) it names the packages; that is an
# error only for what is needed.
set -eu

program=$(basename "$0")
packages=""
needed=""
failed=0

say() { printf '%s: %s\n' "$program" "$*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

# want NEEDED|OPTIONAL PACKAGES... -- WHY
want() {
    kind=$1
    shift
    names=""
    while [ "$1" != -- ]; do
        names="$names $1"
        shift
    done
    shift
    say "missing:$names ($*)"
    packages="$packages$names"
    if [ "$kind" = NEEDED ]; then needed="$needed$names"; fi
}

# Whether the C compiler links a program: cargo needs no more.
links() {
    have cc || return 1
    folder=$(mktemp -d)
    printf 'int main(void) { return 0; }\n' >"$folder/a.c"
    if cc "$folder/a.c" -o "$folder/a" >/dev/null 2>&1; then result=0; else result=1; fi
    rm -rf "$folder"
    return "$result"
}

has_sound() { have pkg-config && pkg-config --exists alsa jack; }

# Whether bindgen finds libclang, where it looks.
has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return
    for folder in ${NAPOT_LIBRARIES:-/usr/lib/llvm-*/lib /usr/lib/*-linux-gnu* /usr/lib /usr/lib64}; do
        for library in "$folder"/libclang.so* "$folder"/libclang-[0-9]*.so*; do
            [ -f "$library" ] && return
        done
    done
    return 1
}

makes_environments() { have python3 && python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }

has_python_headers() {
    have python3 && python3 -c 'import os, sysconfig
os.stat(sysconfig.get_path("include") + "/Python.h")' >/dev/null 2>&1
}

# Whether Vulkan's loader finds Mesa's adapter that computes on the processor.
has_software_vulkan() {
    for manifest in "${NAPOT_VULKAN:-/usr/share/vulkan/icd.d}"/lvp_icd*.json; do
        [ -f "$manifest" ] && return
    done
    return 1
}

# Whether ALSA finds its way to PulseAudio.
has_alsa_pulse() {
    for plugin in "${NAPOT_ALSA:-/usr/lib}"/*/alsa-lib/libasound_module_pcm_pulse.so; do
        [ -f "$plugin" ] && return
    done
    return 1
}

# depmod is where only root looks.
makes_machines() (
    PATH="$PATH:/usr/sbin:/sbin"
    have busybox && have cpio && have depmod && have v4l2-ctl && have aplay && have python3
)

check_cargo() {
    have cargo && return
    say "cargo is missing: install Rust 1.95 or newer with rustup (https://rustup.rs), then call this again"
    failed=1
}

# component NAME COMMAND
component() {
    cargo "$2" --version >/dev/null 2>&1 && return
    if ! have rustup; then
        say "$1 is missing and rustup is not there to add it: install your distribution's package for it"
        failed=1
        return
    fi
    say "adding the Rust component $1 (for make lint)"
    if ! rustup component add "$1" >&2; then
        say "rustup could not add $1"
        failed=1
    fi
}

# Runs a command as root; fails where that is not allowed.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo && [ -t 0 ]; then
        sudo "$@"
    elif have sudo; then
        sudo -n "$@"
    else
        return 1
    fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >&2; }

install_packages() {
    if ! have apt-get; then
        say "this system has no apt-get; install the counterparts of:$packages"
        return 1
    fi
    if [ "$(id -u)" -ne 0 ] && ! have sudo; then
        say "not root and no sudo; ask someone who may: apt-get install$packages"
        return 1
    fi
    say "installing$packages"
    # shellcheck disable=SC2086 # a list of names
    if apt update && apt install -y --no-install-recommends $packages; then return 0; fi
    say "apt-get failed; by hand: apt-get update && apt-get install$packages"
    return 1
}

[ $# -gt 0 ] || set -- build media
for group in "$@"; do
    case $group in
    build)
        check_cargo
        links || want NEEDED gcc libc6-dev -- "cargo links with them"
        has_sound || want NEEDED libasound2-dev libjack-jackd2-dev pkg-config -- "microphones and speakers are built with them"
        has_libclang || want NEEDED libclang-dev -- "reads the kernel's headers for cameras"
        ;;
    lint)
        check_cargo
        if have cargo; then
            component clippy clippy
            component rustfmt fmt
        fi
        ;;
    media) have ffmpeg || want OPTIONAL ffmpeg -- "decodes H.264, VP9 and others; without it those files are refused" ;;
    page)
        have chromium || want OPTIONAL chromium -- "opens the page in tests and pictures"
        if ! { have node && have npm; }; then
            want OPTIONAL nodejs npm -- "the checks of the page are written for it"
        fi
        ;;
    peers) makes_environments || want NEEDED python3 python3-venv -- "the outside judges are Python packages" ;;
    compilers)
        if ! { have gcc && have g++ && has_python_headers; }; then
            want OPTIONAL gcc g++ python3-dev -- "some peers are compiled; without them the table leaves those out"
        fi
        ;;
    arm64)
        if ! { have aarch64-linux-gnu-gcc && have qemu-aarch64; }; then
            want OPTIONAL gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user -- "programs for 64-bit ARM are linked and run with them"
        fi
        ;;
    gpu)
        has_software_vulkan ||
            want NEEDED mesa-vulkan-drivers libvulkan1 -- "a GPU's code is tested on an adapter that computes on the processor"
        ;;
    rigs)
        if ! { have jackd && have jack_lsp; }; then
            want OPTIONAL jackd2 -- "live runs are tested on it"
        fi
        if ! { have pulseaudio && have pactl && has_alsa_pulse; }; then
            want OPTIONAL pulseaudio pulseaudio-utils libasound2-plugins -- "live runs are tested on it, through ALSA"
        fi
        ;;
    attack) have python3 || want NEEDED python3 -- "the attacks on the page are written in it" ;;
    vm)
        makes_machines ||
            want OPTIONAL busybox-static cpio kmod v4l-utils alsa-utils python3 -- "a virtual machine with devices is made of them"
        ;;
    *)
        say "unknown group: $group (allowed: build lint media page peers compilers arm64 gpu rigs attack vm)"
        exit 2
        ;;
    esac
done

if [ -n "$packages" ] && ! install_packages; then
    if [ -n "$needed" ]; then
        say "can't go on without:$needed"
        failed=1
    else
        say "going on without:$packages"
    fi
fi
exit "$failed"
