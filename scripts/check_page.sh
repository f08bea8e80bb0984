#!/bin/sh
# Judges the page: its types by TypeScript; then in a headless Chromium by playwright-core and axe-core: presses every
# control and asks the run whether it did what it says; WCAG 2.2 A and AA at three widths in dark, light and forced colours;
# flashes by WCAG 2.3.1. Ends with 1 after the first of these that finds something wrong. A quarter of an hour on two cores.
#
#   scripts/check_page.sh PROGRAM [SECONDS]      SECONDS of each film that is looked at for flashes (default: 5; 60 is thorough)
#
# NAPOT_CHROMIUM names the browser; default: chromium or google-chrome on the search path.
set -eu

if [ $# -lt 1 ]; then
    echo "usage: scripts/check_page.sh PROGRAM [SECONDS]" >&2
    exit 2
fi
program=$(realpath "$1")
cd "$(dirname "$0")/page"
browser=${NAPOT_CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$browser" ] || ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "check_page: Chromium, node or npm is missing: scripts/install.sh page (or set NAPOT_CHROMIUM)" >&2
    exit 3
fi
export NAPOT_CHROMIUM="$browser"
npm ci --silent --no-audit --no-fund
# Types first: they take a second.
node_modules/.bin/tsc -p ../../src/view/page
node controls.mjs "$program"
node access.mjs "$program"
node flash.mjs --seconds "${2:-5}" "$program"
