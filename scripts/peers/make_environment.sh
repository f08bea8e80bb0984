#!/bin/sh
# Makes the judges' own Python environment in .peers/ at the project's root, where it is not there or is out of date.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
wanted="$root/scripts/peers/requirements.txt"
environment="$root/.peers"
if [ -f "$environment/requirements.txt" ] && cmp -s "$wanted" "$environment/requirements.txt"; then
    exit 0
fi
if ! command -v python3 >/dev/null; then
    echo "make_environment.sh: python3 is not installed; the judges need Python 3.11 or newer with venv" >&2
    exit 1
fi
echo "Making the judges' Python environment in $environment (needs the network once) ..." >&2
# All but the peers of `make bench-peers`, which have an environment of their own in there.
if [ -d "$environment" ]; then
    find "$environment" -mindepth 1 -maxdepth 1 ! -name bench -exec rm -rf {} +
fi
if ! python3 -m venv "$environment"; then
    echo "make_environment.sh: python3 cannot make an environment; on Debian: apt-get install python3-venv" >&2
    exit 1
fi
"$environment/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
cp "$wanted" "$environment/requirements.txt"
