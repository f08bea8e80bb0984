#!/bin/sh
# Kills recorders of the release build at many moments, and says what was left of their files.
#
#   scripts/soak_kills.sh [KILLS]      default: 1000
#
# It is the test that `make test` runs with fewer kills: what was in the file is there after the kill, and
# `napot session recover` makes a whole file of all of it.
set -eu
cd "$(dirname "$0")/.."
NAPOT_KILLS=${1:-1000} cargo test --release --locked --test session a_killed_recorder -- --nocapture
