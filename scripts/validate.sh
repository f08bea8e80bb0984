#!/bin/sh
# Runs `napot validate` and puts its table between the marks of a document; ends with the exit code of the run.
#
#   scripts/validate.sh NAPOT DOCUMENT [ARGUMENT...]
set -eu

napot=$1
document=$2
shift 2
begin='<!-- napot validate: begin -->'
end='<!-- napot validate: end -->'
for mark in "$begin" "$end"; do
    if [ "$(grep -cxF "$mark" "$document")" != 1 ]; then
        echo "validate.sh: $document must hold the line \`$mark\` once" >&2
        exit 1
    fi
done
table=$(mktemp)
whole=$(mktemp)
trap 'rm -f "$table" "$whole"' EXIT
code=0
"$napot" validate --markdown "$@" >"$table" || code=$?
# 1 means that rows lie outside their intervals: that belongs in the table. Anything else is no table.
if [ "$code" -gt 1 ] || ! grep -q '^| what |' "$table"; then
    echo "validate.sh: $document is left as it was" >&2
    exit "$code"
fi
{
    sed "/^$begin\$/q" "$document"
    cat "$table"
    echo
    sed -n "/^$end\$/,\$p" "$document"
} >"$whole"
cat "$whole" >"$document"
echo "wrote the table of $document"
exit "$code"
