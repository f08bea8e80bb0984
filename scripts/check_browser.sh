#!/bin/sh
# Has a headless Chromium give the made-up camera and microphone that it brings, over the page, and measures what arrives:
# 30 fps, a tone of 1 kHz, capture times, what is missing, and that it goes on after a reload. A minute.
#
#   scripts/check_browser.sh      NAPOT_CHROMIUM names the browser; default: chromium or google-chrome on the search path
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
browser=${NAPOT_CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$browser" ]; then
    echo "check_browser: there is no Chromium: install one (Debian: chromium) or set NAPOT_CHROMIUM" >&2
    exit 3
fi
export NAPOT_CHROMIUM="$browser"
cargo test --locked --test browser -- --ignored --nocapture --test-threads=1
