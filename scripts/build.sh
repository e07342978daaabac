#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the release broker and its plugins, unless no source is newer than the last build: then it does nothing, not
# even ask Swift, so that `make run` starts in a moment.
set -eu
cd "$(dirname "$0")/.."

stamp=.build/release/.built
if [ -f "$stamp" ] && [ -x .build/release/isthmus ]; then
    newer=$(find Package.swift Sources Plugins -newer "$stamp" \( -type f -o -type d \) -print -quit)
    if [ -z "$newer" ]; then exit 0; fi
fi
scripts/setup.sh
printf 'building isthmus (the first time takes some minutes)\n'
started=$(mktemp)
trap 'rm -f "$started"' EXIT
if ! swift build -c release; then
    printf 'the build failed; what Swift said is above\n' >&2
    exit 1
fi
# Sources that change during the build are newer than its beginning, and so are built the next time.
touch -r "$started" "$stamp"
