#!/usr/bin/env bash
# Builds what is released into a folder that does not exist yet: `bash deploy/release/build.sh [DIR]` (dist/), with the
# Python of the test lock in .venv, or the one that PYTHON names. Source distribution and wheel are built twice and have
# to be the same bytes; their only time is that of the commit. Beside them: the bill of materials and the checksums.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=${1:-dist}
python=${PYTHON:-.venv/bin/python}
if [[ -e $out ]]; then
  echo "$out exists: remove it, or name another folder" >&2
  exit 2
fi
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
for folder in "$out" "$again"; do
  "$python" -m hatchling build -t sdist -t wheel -d "$folder" > /dev/null
done
for file in "$out"/*; do
  cmp "$file" "$again/${file##*/}"
done

"$python" deploy/release/bill.py --check
"$python" deploy/release/bill.py --out "$out" --list "$again/LICENSES.md"
(cd "$out" && sha256sum -- * > SHA256SUMS && cat SHA256SUMS)
