#!/bin/sh
# Builds the library's tests for 64-bit ARM and runs those of the kernels and of the state's pinned bits under qemu.
#
# It needs aarch64-linux-gnu-gcc and qemu-aarch64 (scripts/install.sh arm64) and a Rust standard library for the
# target: `rustup target add aarch64-unknown-linux-gnu`. Where rustup can't be reached, Debian has a compiler with that
# library; it is found as /usr/bin/rustc, or RUSTC names another:
#
#   dpkg --add-architecture arm64 && apt-get update && apt-get install rustc-web libstd-rust-web-dev:arm64
#
# A missing piece skips the check, loudly and with exit code 0. qemu shows the bits and no speed.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
target=aarch64-unknown-linux-gnu
gcc=aarch64-linux-gnu-gcc
qemu=qemu-aarch64
missing=""

has_library() {
    folder=$("$1" --print target-libdir --target "$target" 2>/dev/null) || return 1
    for library in "$folder"/libstd-*.rlib; do
        if [ -f "$library" ]; then return 0; fi
    done
    return 1
}

# The first compiler that can build for the target.
compiler() {
    for rustc in ${RUSTC:+"$RUSTC"} rustc /usr/bin/rustc; do
        if has_library "$rustc"; then
            echo "$rustc"
            return
        fi
    done
}

for program in "$gcc" "$qemu"; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing, $program"
done
rustc=$(compiler)
if [ -z "$rustc" ]; then missing="$missing, a Rust standard library for $target"; fi
if [ -n "$missing" ]; then
    echo "SKIPPED: the kernels were not tried on 64-bit ARM; missing: ${missing#, } (see scripts/check_arm64.sh)" >&2
    exit 0
fi

echo "64-bit ARM by $("$rustc" --version), run by $("$qemu" --version | head -n 1)"
export RUSTC="$rustc"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER="$gcc"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$qemu -cpu max -L /usr/aarch64-linux-gnu"
# Of its own, since two compilers in one folder would build each other's work anew.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/arm64"
exec cargo test --locked --no-default-features --lib --target "$target" -- kernel:: array::tests::
